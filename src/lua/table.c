#include "table.h"

#include <lauxlib.h>
#include <string.h>

lua_Integer dbf_table_integer(lua_State *L, int index, const char *name, lua_Integer otherwise) {
  if (!lua_istable(L, index)) return otherwise;
  lua_getfield(L, index, name);
  lua_Integer value = luaL_optinteger(L, -1, otherwise);
  lua_pop(L, 1);
  return value;
}

bool dbf_table_flag(lua_State *L, int index, const char *name) {
  if (!lua_istable(L, index)) return false;
  lua_getfield(L, index, name);
  bool is = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

uint64_t dbf_table_count(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  lua_Integer value = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value > 0 ? (uint64_t)value : 0;
}

void dbf_table_set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void dbf_table_set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

void dbf_table_push_strings(lua_State *L, const dbf_bytes *strings) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (size_t at = 0; at < strings->len; at += strlen(strings->data + at) + 1) {
    lua_pushstring(L, strings->data + at);
    lua_rawseti(L, -2, ++n);
  }
}

int dbf_table_push_failure(lua_State *L, const debrief_error *err) {
  lua_pushnil(L);
  lua_pushstring(L, err->message);
  return 2;
}
