/* overrides.h: replacements, in scripts of a host, for functions that would reach outside of it: os.exit ends the
 * script and not the process, print writes where the host says. */
#ifndef DBF_OVERRIDES_H
#define DBF_OVERRIDES_H

#include <lua.h>

/* In a full state of the host's own, after the standard libraries. */
void dbf_overrides_open(lua_State *L);

#endif
