/* send.h: bringing sessions to another log, in steps.
 *
 *     send(log, {id=, path=, [origin=], offset=, sequence=, place=, known=}) -> true | nil, message, code, line
 *         one step: bring lines of the file at `path` to session `id` of `log`; see ../log/sending.h for the fields, which
 *         are updated, together with lines, too_big, too_big_at, rest, done
 *     look(log) -> {first=, last=, created=} | nil, message
 *         the stream of a log at an address: its sequences, and when it was made (ns) */
#ifndef DBF_LUA_SEND_H
#define DBF_LUA_SEND_H

#include <lua.h>

/* Put the function into the table on top of the stack. */
void dbf_lua_send_register(lua_State *L);

#endif
