/* workers.h: plugins run in reduced states of their own, one a worker; this drives them.
 *
 *     caller's state --- packed data (pack.h) ---> worker state: debrief.worker.NAME(value) --- packed data --->
 *
 * A worker answers calls on the caller's thread. A crew is a number of workers on threads that take numbered tasks from
 * one list; the caller takes the results in the order of the list, whoever finished first. At most a few results per
 * worker wait to be taken, so memory stays flat. */
#ifndef DBF_WORKERS_H
#define DBF_WORKERS_H

#include <lua.h>

void dbf_workers_open(lua_State *L);

/* Close all of them: the host goes. Needs no memory. */
void dbf_workers_end(lua_State *L);

/* Lua functions: worker() -> worker; crew(n, setup) -> crew | nil, message; cores() -> number of processors
 *
 * worker:call(name, packed) -> packed | nil, message     calls debrief.worker[name]
 * worker:close()
 * worker:keep()                                          the same after nothing failed: the state waits for another worker
 * crew:start(name, {packed...}, keep, open)              each thread first calls debrief.worker.setup(setup); where none
 *                                                        can be started, crew:take works itself; `keep` as above
 * crew:take() -> packed | nil, message | nil (no more)
 *
 * of a crew that is `open`, instead of take:
 * crew:add(packed) -> number of the task
 * crew:done(ms) -> number, packed | number, nil, message | nothing, when none is done in that time: in any order
 *
 * crew:close()                                           stops; tasks under way end too, if the host has a signal */
void dbf_workers_register(lua_State *L);

#endif
