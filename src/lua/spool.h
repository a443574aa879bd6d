/* spool.h: input that can be read once only, or that another program unpacks, as a file to be read as often as one likes. */
#ifndef DBF_SPOOL_H
#define DBF_SPOOL_H

#include <lua.h>

void dbf_spool_open(lua_State *L);

/* Lua function, put into the table on top of the stack:
 *
 *     spool(path | nil, [program, argument...]) -> spool, status | nil, message
 *
 * Copies the file at `path` (nil: standard input), or with a program what that writes when the file is its standard input,
 * into a file without a name in $TMPDIR or /tmp: nothing is left of it when it is closed, or when this process ends.
 * `status` is the exit status of the program, or 128 plus the number of the signal that ended it; 0 without one.
 *
 * spool:path() -> a path that opens it, in this process      spool:size() -> bytes      spool:close() */
void dbf_spool_register(lua_State *L);

#endif
