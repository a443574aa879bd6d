#include "keys.h"

#include <assert.h>
#include <string.h>

/* Known names are short, and Lua keeps one copy of a short string as long as something refers to it: the table does. */
static void add(lua_State *L, dbf_keys *keys, int anchors, const char *name, int key) {
  lua_pushstring(L, name);
  const void *string = lua_topointer(L, -1);
  unsigned i = dbf_keys_slot(string);
  assert(key >= 0 && key < DBF_KEY_SLOTS / 2); /* a search ends at a free slot */
  while (keys->slots[i].string) i = (i + 1) % DBF_KEY_SLOTS;
  keys->slots[i].string = string;
  keys->slots[i].key = key;
  lua_rawseti(L, anchors, key + 1);
}

dbf_keys *dbf_keys_push(lua_State *L) {
  dbf_keys *keys = lua_newuserdatauv(L, sizeof *keys, 1);
  memset(keys, 0, sizeof *keys);
  lua_createtable(L, DBF_KNOWN_COUNT + DBF_KNOWN_ATTEMPT_COUNT, 0);
  int anchors = lua_gettop(L);
  for (int i = 0; i < DBF_KNOWN_COUNT; i++) add(L, keys, anchors, dbf_entry_fields[i].name, i);
  for (int i = 0; i < DBF_KNOWN_ATTEMPT_COUNT; i++)
    add(L, keys, anchors, dbf_attempt_fields[i].name, DBF_KEY_ATTEMPT + i);
  lua_setiuservalue(L, -2, 1);
  return keys;
}
