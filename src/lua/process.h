/* process.h: run another program to its end, for plugins that have the right to (lua/debrief/plugin/sandbox.lua).
 *
 *     run{ program, argument..., cwd=, timeout_ms=5000, limit=1048576, env=, stderr= } -> output, status, cut
 *                                                                                     | nil, message
 *
 * No shell: the words reach the program as they are. A program without a '/' is searched in $PATH, one with a '/' is
 * relative to `cwd`. Standard input is empty; `output` is what it printed, up to `limit` bytes, and `cut` is true if
 * there was more; its standard error is dropped, or with `stderr = true` part of the output. `status` is its exit
 * status, or, as in a shell, 128 plus the number of the signal that ended it. `env` adds variables to those of this
 * process; false removes one. Nil and a message: it could not be started, or did not end in time.
 *
 * It runs in its own process group. Nothing outlives the call: when the program ends, or runs out of time, the rest of
 * the group is killed (a program that leaves its group on purpose escapes). No signal handler is installed, and those
 * of the caller are not affected; any thread may call. */
#ifndef DBF_PROCESS_H
#define DBF_PROCESS_H

#include <lua.h>

/* Put `run` into the table on top of the stack. */
void dbf_process_register(lua_State *L);

#endif
