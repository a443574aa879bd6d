/* aggregate.h: adding to the states of debrief.retro.aggregate, as that module does it, but without running Lua.
 *
 *     { aggregate = "rate", num = 3, den = 4 }      the states are plain tables; what is unusual is left to the module */
#ifndef DBF_AGGREGATE_H
#define DBF_AGGREGATE_H

#include <lua.h>

/* Lua functions: aggregate_add(f) -> function(state, x): adds, or calls f(state, x, …) for what is unusual, messages too;
 * aggregate_at(f) -> function(state, key) -> the row of a `by`, in the same way. */
void dbf_aggregate_register(lua_State *L);

#endif
