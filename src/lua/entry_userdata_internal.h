/* entry_userdata_internal.h: how entries and values lie in memory. Between entry_userdata.c, entry_assign.c
 * and entry_ipairs.c only. */
#ifndef DBF_ENTRY_USERDATA_INTERNAL_H
#define DBF_ENTRY_USERDATA_INTERNAL_H

#include "keys.h"
#include "entry_userdata.h"

/* One replacement of bytes: `removed` bytes at `at` became `inserted`. */
typedef struct edit {
  uint32_t at, removed, inserted;
} edit;

/* |body|members ...|attempts ...|nested ...|edits ...|text ...| in one block: what a scan found, copied */
typedef struct body {
  uint32_t len, count, attempts, nested, edits;
  uint32_t known[DBF_KNOWN_COUNT]; /* as in dbf_entry */
  bool bad_utf8, foreign;
} body;

/* New members on their way into an entry: their text, and their names as the keys of user value 1. User value 2 is what
 * user value 1 of the entry was, the body. Owns its bytes. */
typedef struct pending {
  dbf_bytes text; /* |"name":value|,"name":value| ... */
} pending;

/* An entry. `now` is `own` until the first assignment, then the body in user value 1. With `has_pending`, user value 1
 * is a `pending` that stands before the body. */
typedef struct entry_view {
  bool is_value; /* false. The first byte distinguishes both kinds */
  bool frozen;   /* read-only */
  bool has_pending;
  const dbf_keys *keys; /* of the state; its metatable keeps them */
  body *now;
  body own;
} entry_view;

/* An object or array inside an entry, which user value 1 keeps alive. from..to are right for `edits` edits. */
typedef struct value_view {
  bool is_value; /* true */
  entry_view *entry;
  uint32_t edits, from, to;
  uint8_t type;
  uint32_t last_index, last_at; /* where array element `last_index` (from 1) begins; 0: not known */
  uint32_t next_at;             /* where the following one begins; 0: it is the last */
  uint32_t length;              /* number of elements + 1; 0: not known */
  bool is_attempts;             /* the array of attempts of an entry that was never assigned to, and then */
  uint32_t attempt; /* an element of it, from 1; 0: not one. Both are looked up, not searched for */
} value_view;

/* Either of them, as a range of bytes. */
typedef struct place {
  entry_view *entry;
  value_view *value; /* NULL: the entry itself */
  const char *text;  /* of the whole entry */
  dbf_json_value range;
  bool bad_utf8;
} place;

static inline dbf_member *members_of(const body *b) {
  return (dbf_member *)(b + 1);
}
static inline dbf_attempt *attempts_of(const body *b) {
  return (dbf_attempt *)(members_of(b) + b->count);
}
static inline dbf_member *nested_of(const body *b) {
  return (dbf_member *)(attempts_of(b) + b->attempts);
}
static inline edit *edits_of(const body *b) {
  return (edit *)(nested_of(b) + b->nested);
}
static inline char *text_of(const body *b) {
  return (char *)(edits_of(b) + b->edits);
}

static inline size_t body_size(const body *b) {
  return sizeof *b + (b->count + b->nested) * sizeof(dbf_member) + b->attempts * sizeof(dbf_attempt) +
         b->edits * sizeof(edit) + b->len + 1;
}

/* The head of a body for what a scan found. */
body dbf_entry_userdata_body(const dbf_entry *entry, uint32_t edits, bool bad_utf8, bool foreign);

/* Fill in the part after the head of a body; the caller sets the edits. */
void dbf_entry_userdata_fill(body *b, const dbf_entry *entry);

/* The place of argument 1 of a metamethod. */
place dbf_entry_userdata_own_place(lua_State *L);

/* How many members or elements a container has. */
uint32_t dbf_entry_userdata_count(const dbf_json_value *range);

/* Push an object or array, found in argument 1: `owner`, or NULL for the entry itself. Upvalue 2: the type of
 * values. */
value_view *dbf_entry_userdata_push_value(lua_State *L, entry_view *entry, const value_view *owner,
                                          uint32_t from, uint32_t to, uint8_t type);

/* Push element `index` (from 1) of argument 1; false, and nothing pushed, if it does not exist. */
bool dbf_entry_userdata_push_element(lua_State *L, uint64_t index);

/* Replace the keys and the metatable of values on the stack by the function ipairs (entry_ipairs.c). */
void dbf_entry_userdata_push_ipairs(lua_State *L);

/* The metamethod __newindex (entry_assign.c). */
int dbf_entry_userdata_assign(lua_State *L);

/* Put the pending members of the entry at `index`, which has some, into its body. */
void dbf_entry_userdata_flush(lua_State *L, int index);

/* Does the entry at argument 1, which has pending members, have one of the name at `key`? */
bool dbf_entry_userdata_is_pending(lua_State *L, int key);

/* Make the metatable of `pending`. */
void dbf_entry_userdata_open_pending(lua_State *L);

#endif
