/* keys.h: the known names of entries and attempts, found by the address of a Lua string.
 *
 * Lua keeps one copy of every short string, so that a key is a known name exactly when it stands where that name does.
 * The names are anchored: nothing else can come to stand there. */
#ifndef DBF_KEYS_H
#define DBF_KEYS_H

#include <lua.h>
#include <stdint.h>

#include "../log/entry.h"

enum {
  DBF_KEY_SLOTS = 64,
  DBF_KEY_ATTEMPT = DBF_KNOWN_COUNT
}; /* a dbf_known, or DBF_KEY_ATTEMPT + dbf_known_attempt */

typedef struct dbf_keys {
  const void *entry_type, *value_type; /* the metatables of both kinds, by lua_topointer */
  bool frozen;                         /* entries of this state begin read-only */
  struct {
    const void *string; /* NULL: free, and the end of a search */
    int key;
  } slots[DBF_KEY_SLOTS];
} dbf_keys;

/* Push the names of this state, a userdata. */
dbf_keys *dbf_keys_push(lua_State *L);

static inline unsigned dbf_keys_slot(const void *string) {
  return (unsigned)((uint64_t)(uintptr_t)string * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* The key of a string, given by its lua_topointer; -1: not a known name. */
static inline int dbf_keys_find(const dbf_keys *keys, const void *string) {
  unsigned i = dbf_keys_slot(string);
  for (; keys->slots[i].string; i = (i + 1) % DBF_KEY_SLOTS)
    if (keys->slots[i].string == string) return keys->slots[i].key;
  return -1;
}

#endif
