/* result.h: the results of retrospectives, copied from Lua's tables into memory that outlives the host. */
#ifndef DBF_RESULT_H
#define DBF_RESULT_H

#include <debrief/debrief.h>

#include <lua.h>

/* An empty result; NULL: out of memory. */
debrief_result *dbf_result_new(void);

/* Fill it from the table at `index`, which retro.run of lua/debrief returned. Raises if memory runs out; close the
 * result then. */
void dbf_result_fill(lua_State *L, int index, debrief_result *result);

#endif
