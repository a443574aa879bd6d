/* attach.h: a host in a Lua state of the caller.
 *
 *     the caller's state: its globals, its os.exit, its allocator       host's own states: plugins
 *           | require "debrief" ...                                           |
 *           `----------------------- one config -----------------------------'
 *
 * Afterwards debrief works there as in any lua5.4: what the host made is closed, and what it replaced is restored. */
#ifndef DBF_ATTACH_H
#define DBF_ATTACH_H

#include "config.h"

/* Let L use the config from now on. False: L is as it was, and *message says why not (NULL: no memory). */
bool dbf_attach(lua_State *L, const dbf_config *config, const char **message);

/* End that. Raises nothing. */
void dbf_detach(lua_State *L);

#endif
