/* redact.h: secrets.h for Lua. */
#ifndef DBF_REDACT_H
#define DBF_REDACT_H

#include <lua.h>

/* Lua functions, put into the table on top of the stack:
 *
 *     redact(value) -> value, counts      with the kinds that are built in
 *     redactor(patterns) -> redact        with those of patterns, too: { kind = pattern, … }; nil and a message when one is
 *                                         wrong
 *
 * A text is returned without its secrets, an entry is changed, and a table or a part of an entry is returned as a new
 * table; a value without secrets is returned as it is. counts: { kind = how many }. */
void dbf_redact_register(lua_State *L);

#endif
