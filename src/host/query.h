/* query.h: a debrief_query on its way to Lua, and what comes back to its callbacks. */
#ifndef DBF_QUERY_H
#define DBF_QUERY_H

#include "host.h"

/* Push it as a table of what is given. */
void dbf_query_push(lua_State *L, const debrief_query *query);

/* Fill *problem from the table at `index`, whose texts it then points to; the table must keep them. */
void dbf_problem_of(lua_State *L, int index, debrief_problem *problem);

/* Fill *diagnostic from the table at `index` in the same way. */
void dbf_diagnostic_of(lua_State *L, int index, debrief_diagnostic *diagnostic);

/* Call on_diagnostic, or on_problem, with each table of the array at `index`. */
void dbf_query_diagnostics(lua_State *L, int index, const debrief_query *query);
void dbf_query_problems(lua_State *L, int index, const debrief_query *query);

/* Call on_problem with each text of the array at `index`. */
void dbf_query_notes(lua_State *L, int index, const debrief_query *query);

#endif
