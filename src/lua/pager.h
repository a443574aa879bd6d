/* pager.h: a pager that reads from a pipe, for what the program prints on a terminal (lua/debrief/text/pager.lua).
 *
 *     pager(command) -> pager | nil, message            sh -c command; it reads what is written here, and prints
 *     pager:write(text) -> true | nil, message, errno   32 (EPIPE): the user has left it; no SIGPIPE comes
 *     pager:close() -> exit status | nil                waits until the user leaves it; nil: unknown
 *
 * It runs in our process group, as the terminal requires. While `write` and `close` wait for it, SIGINT and SIGQUIT are
 * ignored as in system(3): they are for the pager, and must not end us before it has restored the terminal. */
#ifndef DBF_PAGER_H
#define DBF_PAGER_H

#include <lua.h>

void dbf_pager_open(lua_State *L);

/* Put `pager` into the table on top of the stack. */
void dbf_pager_register(lua_State *L);

#endif
