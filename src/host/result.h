/* result.h: what retrospectives returned, copied from Lua's tables into memory of its own. */
#ifndef DBF_RESULT_H
#define DBF_RESULT_H

#include <debrief/debrief.h>

#include <lua.h>

/* An empty result; NULL: out of memory. */
debrief_result *dbf_result_new(void);

/* Fill it from the table at `index`, what retro.run of lua/debrief returned. Raises when there is no memory; the result
 * is then to be closed. */
void dbf_result_fill(lua_State *L, int index, debrief_result *result);

#endif
