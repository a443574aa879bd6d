/* entry_assign.h: assigning Lua values to entries and to what is in them. */
#ifndef DBF_ENTRY_ASSIGN_H
#define DBF_ENTRY_ASSIGN_H

#include <lua.h>

#include "../log/bytes.h"

/* Let entries and their values be assigned to; once a state, after dbf_entry_userdata_open. */
void dbf_entry_assign_open(lua_State *L);

/* Replace the whole text of the entry that is argument 1 by valid JSON. Raises when the entry is read-only, when that JSON
 * is no entry, and when it has another session_id or timestamp. Values taken from the entry before are gone. `json` must be
 * the caller's alone: a finalizer may run. */
void dbf_entry_assign_whole(lua_State *L, const dbf_bytes *json);

#endif
