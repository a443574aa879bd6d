/* coroutine.h: coroutine.resume, wrap and close that an interrupt passes through. */
#ifndef DBF_COROUTINE_H
#define DBF_COROUTINE_H

#include <lua.h>

/* Put them over Lua's own, in the table `coroutine` on top of the stack. But for interrupts they do what those of Lua 5.4
 * do. */
void dbf_coroutine_register(lua_State *L);

#endif
