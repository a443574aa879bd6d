/* isolate.h: a worker in a process of its own, for plugins that nobody vouches for.
 *
 *     this process                                the isolated one: the same program, started anew
 *     worker:call(name, packed, serve)  --C-->    debrief.run.worker[name](value)
 *                                       <--R--    core.request(value): what it cannot do itself, such as reading files
 *     serve(value)                      --S-->
 *                                       <--L--    a message for the log
 *                                       <--A/F--  the answer, or what went wrong
 *
 * Each frame is |kind, 1 byte|length, 4 bytes, little-endian|bytes|, over one socket pair. Before the isolated process
 * sees the first call it has given up everything but memory, the clock and that socket: other descriptors, the
 * environment, files (Landlock), all but about fifteen system calls (seccomp), more memory than it is given (rlimits). Its
 * frames are taken as hostile: lengths are limited, and what is in them goes through the checks of pack.h. */
#ifndef DBF_ISOLATE_H
#define DBF_ISOLATE_H

#include <lua.h>
#include <stddef.h>

void dbf_isolate_open(lua_State *L);

/* isolated(seconds) -> worker | nil, message. The worker has call(name, packed, serve) -> packed | nil, message, and
 * close(); a process that is silent for so many seconds is ended. nil where the host names no program for it
 * (config.isolate_program), or this kernel cannot isolate: the message names the part.
 * request(packed) -> packed, in an isolated process only; nil elsewhere. */
void dbf_isolate_register(lua_State *L);

/* In the isolated process: give up every right and answer calls until the other side closes. `core` opens debrief.core
 * (module.h); the limits are those of dbf_config. The exit status. */
int dbf_isolate_serve(lua_CFunction core, size_t memory, unsigned time_ms);

#endif
