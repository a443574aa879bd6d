/* attend.h: run a command in front of the user: its input and output pass through, and the end of its output is kept.
 *
 *     attend{ program, argument..., env=, timeout_ms=, grace_ms=5000, keep=65536 }
 *         -> { exit_status= | signal=, late=, interrupted=, output=, cut=, duration_ns= } | nil, message, status
 *
 * Where standard input, output and error are terminals, the command gets a terminal of its own, with the size of ours.
 * Otherwise it inherits standard input, and standard output and error are two pipes; what arrives is written to ours
 * unchanged. `output` is the last `keep` bytes of each of them in the order of arrival, `cut` how many bytes were before
 * these. In constant memory, however much it prints.
 *
 * It runs in a group of its own. SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2 that come meanwhile are passed on to
 * the group, and `interrupted` is the last one that ends programs. When the time is over the group gets SIGTERM, after the
 * grace SIGKILL, and `late` is true. What the command left running when it ended goes on, without us.
 *
 * Nil, a message and the status that a shell would return (127, 126): it could not be started. The calling thread takes the
 * signals above for the time of the call; no handler is installed. */
#ifndef DBF_ATTEND_H
#define DBF_ATTEND_H

#include <lua.h>

/* Put `attend` into the table on top of the stack. */
void dbf_attend_register(lua_State *L);

#endif
