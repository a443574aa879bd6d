#include "entry_place.h"
#include "entry_userdata.h"

#include <lauxlib.h>

static const char names_key; /* registry key of { [number] = name, [name] = number } */

static void push_names(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
}

uint32_t dbf_entry_place_session(lua_State *L, int index) {
  index = lua_absindex(L, index);
  push_names(L);
  lua_pushvalue(L, index);
  lua_Integer number = lua_rawget(L, -2) == LUA_TNUMBER ? lua_tointeger(L, -1) : 0;
  lua_pop(L, 1);
  if (number == 0 && lua_rawlen(L, -1) < UINT32_MAX) {
    number = (lua_Integer)lua_rawlen(L, -1) + 1;
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, number);
    lua_pushvalue(L, index);
    lua_pushinteger(L, number);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  return (uint32_t)number;
}

static int set_place(lua_State *L, dbf_entry_origin *origin) {
  luaL_checkstring(L, 2);
  lua_Integer line = luaL_checkinteger(L, 3);
  int64_t gap = luaL_optinteger(L, 4, DBF_NO_GAP);
  *origin = (dbf_entry_origin){
      .session = dbf_entry_place_session(L, 2), .line = line > 0 ? (uint64_t)line : 0, .gap = gap};
  return 0;
}

int dbf_entry_place(lua_State *L) {
  dbf_entry_origin *origin = dbf_entry_userdata_origin(L, 1);
  if (origin && lua_gettop(L) > 1) return set_place(L, origin);
  dbf_entry_origin known = origin ? *origin : DBF_NO_ORIGIN;
  push_names(L);
  lua_rawgeti(L, -1, known.session);
  if (known.line) lua_pushinteger(L, (lua_Integer)known.line);
  else lua_pushnil(L);
  if (known.gap != DBF_NO_GAP) lua_pushinteger(L, (lua_Integer)known.gap);
  else lua_pushnil(L);
  return 3;
}
