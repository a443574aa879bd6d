/* pager.h: a pager behind a pipe, for what the program prints on a terminal (lua/debrief/text/pager.lua).
 *
 *     pager(command) -> pager | nil, message            sh -c command; it reads what is written here, and prints
 *     pager:write(text) -> true | nil, message, errno   32 (EPIPE): the user has left it; no SIGPIPE comes
 *     pager:close() -> exit status | nil                waits until the user leaves it; nil: nobody knows it
 *
 * It runs in our process group, as the terminal wants it. While `write` and `close` wait for it, SIGINT and SIGQUIT are
 * ignored as system(3) does it: they are for the pager, and must not end us before it has put the terminal back. */
#ifndef DBF_PAGER_H
#define DBF_PAGER_H

#include <lua.h>

void dbf_pager_open(lua_State *L);

/* Put `pager` into the table on top of the stack. */
void dbf_pager_register(lua_State *L);

#endif
