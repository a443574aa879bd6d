/* module.h: what a Lua state loads from here. Exported: a stock lua5.4 finds both in debrief.so. */
#ifndef DBF_MODULE_H
#define DBF_MODULE_H

#include <debrief/log.h>

#include <lua.h>

/* The module debrief.core: everything in C that the Lua side builds on. */
DEBRIEF_API int luaopen_debrief_core(lua_State *L);

/* The module debrief, out of the library alone. */
DEBRIEF_API int luaopen_debrief(lua_State *L);

#endif
