/* cat.h (script): whole sessions to a descriptor, without Lua in between. */
#ifndef DBF_LUA_COPY_H
#define DBF_LUA_COPY_H

#include <lua.h>

void dbf_lua_cat_open(lua_State *L);

/* Lua function: copy_sessions(log, {{session=, path=, is_path=}...}, {fd=, threads=, strict=, and which entries:
 * since=, until=, match=, condition=}) -> diagnostics (diagnostics.h), dropped, {{item=, message=}...} what failed, errno of a
 * failed write or nil, {kept=, untimed=, unsure=, copied=}. Where the condition is unsure of an entry the copying ends before it: in
 * item `unsure`, of which `copied` entries were copied; `untimed` is about the items before that one. The condition must not
 * order texts. */
void dbf_lua_cat_register(lua_State *L);

#endif
