/* state.h: Lua states as debrief makes them.
 *
 *     full      the user's own scripts: all of Lua, require finds debrief, cjson and what is installed
 *     reduced   plugins: base, string, table, math, utf8; require finds only debrief's own modules and cjson.
 *               A plugin sees less still: it has its own environment (lua/debrief/plugin/sandbox.lua) */
#ifndef DBF_STATE_H
#define DBF_STATE_H

#include "config.h"

#include <lua.h>
#include <stdbool.h>

/* A new state with debrief's modules in reach; `config` must outlive it. `core` opens the module debrief.core, which
 * stands above this file (module.h). NULL: out of memory. */
lua_State *dbf_state_new(const dbf_config *config, lua_CFunction core, bool reduced);

/* What opened debrief.core in this state, to make another one like it. The module says it when it opens. */
lua_CFunction dbf_state_core(lua_State *L);
void dbf_state_set_core(lua_State *L, lua_CFunction core);

/* Close a state that dbf_state_new made, its memory with it. NULL is fine. */
void dbf_state_close(lua_State *L);

/* function guard(handler, f, ...) -> true, results of f | false, message | false, message, "interrupted"
 * A pcall, or with a handler an xpcall, that an interrupt ends (limits.h). The message is the handler's result. */
int dbf_state_guard(lua_State *L);

/* function bounded(ms, handler, f, ...) -> true, results of f | false, what the handler returned, late?
 * An xpcall of a plugin's code, which ends when it takes longer (limits.h). */
int dbf_state_bounded(lua_State *L);

/* Call the function below `arguments` on the stack, with a traceback in the message when it fails. */
int dbf_state_call(lua_State *L, int arguments, int results);

/* Let `require` find debrief, its modules and cjson in a state of the caller that has the library `package`. Modules
 * that are loaded already stay. Raises if memory runs out. */
void dbf_state_lend(lua_State *L, lua_CFunction core);

/* Push the loaded chunk of a module of ours, "debrief.report.text"; false, and nothing pushed, if there is no such
 * module. Raises when it does not load. */
bool dbf_state_push_module(lua_State *L, const char *name);

#endif
