/* stores.h: the logs at addresses that a state has open: one handle each, however often it is opened, so that a stream is read once. */
#ifndef DBF_STORES_H
#define DBF_STORES_H

#include <debrief/log.h>

#include <lua.h>

/* Push what holds the log of an address, opened if nobody has it open, and count the caller; NULL with *err, and nothing
 * is pushed. A config that says how to log in opens it again. */
debrief_log *dbf_stores_take(lua_State *L, const char *address, const debrief_log_config *config,
                             debrief_error *err);

/* Count the caller no more: the last one closes the log. `index` is what was pushed. */
void dbf_stores_give(lua_State *L, int index);

void dbf_stores_open(lua_State *L);

#endif
