/* follow.h (script): followers as Lua objects. */
#ifndef DBF_LUA_FOLLOW_H
#define DBF_LUA_FOLLOW_H

#include <lua.h>

void dbf_lua_follow_open(lua_State *L);

/* Lua function: follow(log, {id...} | nil, {from_start=, strict=, poll=, poll_ms=}) -> follower | nil, message
 *
 * follower:next() -> entry, session, line | nil (none yet) | nil, message
 * follower:wait([ms [, fd]]) -> "new" | "late" (ms are over, or a signal came) | "closed" (the reader of fd has gone)
 * follower:stop()      next returns what is already written, and nothing is waited for
 * follower:diagnostics() -> as diagnostics.h pushes them, with path
 * follower:close() */
void dbf_lua_follow_register(lua_State *L);

#endif
