/* cat.h (script): whole sessions to a descriptor, without Lua in between. */
#ifndef DBF_LUA_COPY_H
#define DBF_LUA_COPY_H

#include <lua.h>

void dbf_lua_cat_open(lua_State *L);

/* Lua function: copy_sessions(log, {{session=, path=, is_path=}...}, fd, threads, strict)
 *   -> diagnostics (diagnostics.h), dropped, {{item=, message=}...} what failed, errno of a failed write or nil */
void dbf_lua_cat_register(lua_State *L);

#endif
