/* coroutine.h: coroutine.resume, wrap and close that an interrupt passes through. */
#ifndef DBF_COROUTINE_H
#define DBF_COROUTINE_H

#include <lua.h>

/* Put them over Lua's own, in the table `coroutine` on top of the stack. But for interrupts they do what those of Lua
 * 5.4 do. */
void dbf_coroutine_register(lua_State *L);

/* Copy what is in their place in the table at `from` to that at `to`; and back, where ours still are. */
void dbf_coroutine_keep(lua_State *L, int from, int to);
void dbf_coroutine_put_back(lua_State *L, int to, int from);

#endif
