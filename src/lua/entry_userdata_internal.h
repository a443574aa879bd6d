/* entry_userdata_internal.h: values inside entries, and where they are. For entry_userdata.c, entry_assign.c and
 * entry_ipairs.c only. */
#ifndef DBF_ENTRY_USERDATA_INTERNAL_H
#define DBF_ENTRY_USERDATA_INTERNAL_H

#include "entry_body.h"
#include "entry_userdata.h"

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

/* Push the upvalues of methods: the keys, and the metatable of values. */
void dbf_entry_userdata_push_upvalues(lua_State *L);

#endif
