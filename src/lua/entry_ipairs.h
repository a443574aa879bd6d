/* entry_ipairs.h: ipairs over entries: one call per element, where Lua's own goes through __index as well. */
#ifndef DBF_ENTRY_IPAIRS_H
#define DBF_ENTRY_IPAIRS_H

#include <lua.h>

/* Lua function ipairs(t): Lua's own for everything but entries. */
void dbf_entry_ipairs_register(lua_State *L);

#endif
