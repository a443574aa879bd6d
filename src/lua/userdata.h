/* userdata.h: making the metatable of a userdata type. */
#ifndef DBF_USERDATA_H
#define DBF_USERDATA_H

#include <stdbool.h>

#include <lua.h>
#include <lauxlib.h>

/* Register type `name` with its methods, whose upvalue 1 is the type's metatable; `close` runs at collection and for to-be-closed variables. */
void dbf_userdata_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction close);

/* In a method: argument 1, which is of the method's own type; raises when it is not. Quicker than luaL_checkudata. */
void *dbf_userdata_own(lua_State *L, const char *name);

/* Is the value at `index` something whose metatable is the one in the registry under the address `key`? */
bool dbf_userdata_is(lua_State *L, int index, const char *key);

#endif
