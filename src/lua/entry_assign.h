/* entry_assign.h: assigning Lua values to entries and to what is in them. */
#ifndef DBF_ENTRY_ASSIGN_H
#define DBF_ENTRY_ASSIGN_H

#include <lua.h>

/* Let entries and their values be assigned to; once a state, after dbf_entry_userdata_open. */
void dbf_entry_assign_open(lua_State *L);

#endif
