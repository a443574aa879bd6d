/* check.h: checking and repairing sessions, for Lua. */
#ifndef DBF_LUA_CHECK_H
#define DBF_LUA_CHECK_H

#include <lua.h>

void dbf_lua_check_open(lua_State *L);

/* Lua functions; `tell` is called with each diagnostic, as notes.h pushes it, while the file is read:
 *
 * check(log, id [, tell]) -> {bytes=, lines=, blank=, entries=, damaged=, found={torn_tail=...}} | nil, message
 * check_path(path [, tell]) -> the same                  kinds that were not found are not in `found`
 * repair(log, id) -> {repaired=, entries=, salvaged=, copy=, left_out={{kind=, line=, offset=, length=}...}} | nil,
 *                    message, and the table all the same when only the last sync failed */
void dbf_lua_check_register(lua_State *L);

#endif
