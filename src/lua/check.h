/* check.h: checking and repairing sessions, for Lua. */
#ifndef DBF_LUA_CHECK_H
#define DBF_LUA_CHECK_H

#include <lua.h>

void dbf_lua_check_open(lua_State *L);

/* Lua functions; `report` is called with each diagnostic, as diagnostics.h pushes it, while the file is read:
 *
 * check(log, id [, report]) -> {bytes=, lines=, blank=, entries=, damaged=, found={torn_tail=...}} | nil, message
 * check_path(path [, report]) -> the same                kinds that were not found are not in `found`
 * repair(log, id) -> {repaired=, entries=, salvaged=, copy=, left_out={{kind=, line=, offset=, length=}...}} | nil,
 *                    message, and the table too if only the last sync failed */
void dbf_lua_check_register(lua_State *L);

#endif
