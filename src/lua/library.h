/* library.h: functions of Lua's string, table and utf8 libraries for reduced states, where the budgets of plugins have
 * to end them, and no C function sees a hook.
 *
 *     short work    goes to Lua's own function, in the same call: same results, same messages
 *     long work     is done here, or by Lua's own function in slices, with a look at the interrupt in between
 *
 * Memory needs no care of its own: all of it comes from the state's allocator, before it is filled. */
#ifndef DBF_LIBRARY_H
#define DBF_LIBRARY_H

#include <lua.h>

/* Replace them in the libraries of a state that was opened with these. */
void dbf_library_reduce(lua_State *L);

#endif
