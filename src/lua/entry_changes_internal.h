/* entry_changes_internal.h: how changes lie in memory. For entry_changes.c and entry_flush.c only.
 *
 *     changes    userdata {text, list, containers, gone}     user value 2: the body
 *       user value 1: { [from] = { [0] = number of the container, name or index = number of its change,
 *                                  name or index = -(where the child begins in the body) } }      the last when indexed
 *
 * What waits is kept in C, in the order it came; Lua only finds it. Nothing is removed before the flush: a change that
 * does not count any more is DROPPED. */
#ifndef DBF_ENTRY_CHANGES_INTERNAL_H
#define DBF_ENTRY_CHANGES_INTERNAL_H

#include "entry_body.h"

#include <assert.h>
#include <lua.h>

/* What the check of an entry asks of the children. */
typedef enum asked { ASKED_NOTHING, ASKED_OF_ENTRY, ASKED_OF_ATTEMPTS, ASKED_OF_ATTEMPT } asked;

typedef enum kind { REPLACED, REMOVED, ADDED, DROPPED } kind;

typedef struct change {
  uint32_t container;        /* its number, from 1 */
  uint32_t at;               /* where the child begins in the body; ADDED: 0 */
  uint32_t value, value_end; /* its value there */
  uint32_t name, name_len;   /* ADDED to an object: "name": in `text` */
  uint32_t text, len, room;  /* the new value there */
  kind kind;
} change;

typedef struct container {
  uint32_t from, end; /* of the body */
  uint32_t children;  /* how many it has there; UNCOUNTED until somebody asks */
  uint32_t finds;
  uint32_t added, gone; /* children: new ones, and such of the body */
  asked asked;
  bool is_array, indexed;
  bool twice; /* a name may stand there twice */
} container;

struct changes {
  dbf_bytes text;       /* names and values */
  dbf_bytes list;       /* change after change */
  dbf_bytes containers; /* container after container */
  dbf_bytes gone;       /* entry_gone.h */
  bool flushing;        /* nothing may be added */
};

typedef struct changes changes;

static inline change *change_of(const changes *c, lua_Integer number) {
  assert(number >= 1 && (size_t)number <= c->list.len / sizeof(change));
  return (change *)(void *)c->list.data + number - 1;
}

static inline container *container_of(const changes *c, lua_Integer number) {
  assert(number >= 1 && (size_t)number <= c->containers.len / sizeof(container));
  return (container *)(void *)c->containers.data + number - 1;
}

/* Free the bytes; the userdata stays. */
void dbf_entry_changes_release(changes *c);

/* The child that begins at `at`, and what follows it. */
static inline const char *read_child(const container *k, const char *text, const char *at,
                                     dbf_json_value *key, dbf_json_value *value) {
  const char *end = text + k->end;
  return k->is_array ? dbf_json_element(at, end, value) : dbf_json_member(at, end, key, value);
}

/* Push the entry that the userdata at `index` is or lies in. */
static inline void push_entry(lua_State *L, int index) {
  if (*(bool *)lua_touserdata(L, index)) lua_getiuservalue(L, index, 1);
  else lua_pushvalue(L, index);
}

#endif
