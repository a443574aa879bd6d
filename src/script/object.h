/* object.h: making the metatable of a userdata type. */
#ifndef DBF_OBJECT_H
#define DBF_OBJECT_H

#include <lua.h>
#include <lauxlib.h>

/* Register type `name` with its methods; `close` runs at collection and for to-be-closed variables. */
void dbf_object_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction close);

#endif
