/* entry_userdata_internal.h: values inside entries, and where they are. For entry_userdata.c, entry_assign.c and
 * entry_ipairs.c only. */
#ifndef DBF_ENTRY_USERDATA_INTERNAL_H
#define DBF_ENTRY_USERDATA_INTERNAL_H

#include "entry_body.h"
#include "entry_userdata.h"

/* The place of argument 1 of a metamethod, with all that was assigned. */
place dbf_entry_userdata_own_place(lua_State *L);

/* The same, but changes that wait are left to (entry_changes.h). */
place dbf_entry_userdata_place_before(lua_State *L);

/* How many members or elements argument 1 has, whose place is `p`. */
uint32_t dbf_entry_userdata_length(lua_State *L, const place *p);

/* Push an object or array, found in argument 1: `owner`, or NULL for the entry itself. Upvalue 2: the type of
 * values. */
value_view *dbf_entry_userdata_push_value(lua_State *L, entry_view *entry, const value_view *owner,
                                          uint32_t from, uint32_t to, uint8_t type);

/* Push element `index` (from 1) of argument 1; false, and nothing pushed, if it does not exist. */
bool dbf_entry_userdata_push_element(lua_State *L, uint64_t index);

/* Push the upvalues of methods: the keys, and the metatable of values. */
void dbf_entry_userdata_push_upvalues(lua_State *L);

#endif
