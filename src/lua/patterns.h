/* patterns.h: string.find, match, gmatch and gsub for reduced states: what Lua's manual says of them, with a matcher
 * that an interrupt ends (matcher.h). */
#ifndef DBF_PATTERNS_H
#define DBF_PATTERNS_H

#include <lua.h>

/* Replace the four functions in the table on top of the stack. */
void dbf_patterns_register(lua_State *L);

#endif
