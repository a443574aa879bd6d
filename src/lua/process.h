/* process.h: running another program to its end, for plugins that were given the right to (lua/debrief/plugin/sandbox.lua).
 *
 *     run{ program, argument..., cwd=, timeout_ms=5000, limit=1048576, env=, stderr= } -> output, status, cut
 *                                                                                     | nil, message
 *
 * No shell: the words reach the program as they are. A program without a '/' is looked up in $PATH, one with a '/' from
 * `cwd` on. Standard input is empty; `output` is what it printed, up to `limit` bytes, and `cut` is true when there was
 * more; errors it printed are dropped, or with `stderr = true` part of the output. `status` is its exit status, or as
 * in a shell 128 and the number of the signal that ended it. `env` adds variables to those of this process; false takes
 * one away. Nil and a message: it could not be started, or had not ended in time.
 *
 * It runs in a process group of its own. Nothing outlives the call: when the program ends, or is not done in time, what
 * is left of the group is killed (a program that leaves its group on purpose gets away). No signal handler is
 * installed and none of the caller's runs differently; any thread may call. */
#ifndef DBF_PROCESS_H
#define DBF_PROCESS_H

#include <lua.h>

/* Put `run` into the table on top of the stack. */
void dbf_process_register(lua_State *L);

#endif
