#include "lua_value.h"
#include "scratch.h"
#include "table.h"
#include "userdata.h"

#include <lauxlib.h>

static const char array_key; /* registry key of the metatable that marks arrays */

/* ---- null and arrays ------------------------------------------------------------------------------------------- */

void dbf_lua_value_push_null(lua_State *L) {
  lua_pushlightuserdata(L, NULL);
}

bool dbf_lua_value_is_null(lua_State *L, int index) {
  return lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL;
}

void dbf_lua_value_mark_array(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
  lua_setmetatable(L, -2);
}

bool dbf_lua_value_is_marked_array(lua_State *L, int index) {
  return dbf_userdata_is(L, index, &array_key);
}

/* ---- Reading JSON ---------------------------------------------------------------------------------------------- */

/* A string without escapes in a line that is UTF-8 is pushed from where it lies; this is what reading fields mostly is. */
static void push_string(lua_State *L, const dbf_json_value *v, bool bad_utf8) {
  size_t len = (size_t)(v->end - v->start) - 2;
  if (!v->escaped && !bad_utf8) {
    lua_pushlstring(L, v->start + 1, len);
    return;
  }
  dbf_bytes *out = dbf_scratch_piece(L);
  dbf_json_decode_string(v, out);
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->data ? out->data : "", out->len);
}

static void push_number(lua_State *L, const dbf_json_value *v) {
  int64_t integer;
  if (dbf_json_decode_integer(v, &integer)) lua_pushinteger(L, integer);
  else lua_pushnumber(L, dbf_json_decode_number(v));
}

bool dbf_lua_value_push_scalar(lua_State *L, const dbf_json_value *v, bool bad_utf8) {
  switch (v->type) {
  case DBF_JSON_NULL: dbf_lua_value_push_null(L); return true;
  case DBF_JSON_FALSE: lua_pushboolean(L, 0); return true;
  case DBF_JSON_TRUE: lua_pushboolean(L, 1); return true;
  case DBF_JSON_INTEGER:
  case DBF_JSON_NUMBER: push_number(L, v); return true;
  case DBF_JSON_STRING: push_string(L, v, bad_utf8); return true;
  default: return false;
  }
}

static void push_object(lua_State *L, const dbf_json_value *v, bool drop_null) {
  dbf_json_value key, value;
  lua_newtable(L);
  for (const char *at = dbf_json_enter(v->start, v->end); at;) {
    at = dbf_json_member(at, v->end, &key, &value);
    dbf_lua_value_push_scalar(L, &key, true);
    if (drop_null && value.type == DBF_JSON_NULL) lua_pushnil(L);
    else dbf_lua_value_push(L, &value, drop_null);
    lua_rawset(L, -3);
  }
}

static void push_array(lua_State *L, const dbf_json_value *v, bool drop_null) {
  lua_Integer i = 0;
  dbf_json_value value;
  lua_newtable(L);
  for (const char *at = dbf_json_enter(v->start, v->end); at;) {
    at = dbf_json_element(at, v->end, &value);
    dbf_lua_value_push(L, &value, drop_null);
    lua_rawseti(L, -2, ++i);
  }
  dbf_lua_value_mark_array(L);
}

void dbf_lua_value_push(lua_State *L, const dbf_json_value *value, bool drop_null) {
  luaL_checkstack(L, 6, "JSON nested too deeply");
  if (value->type == DBF_JSON_OBJECT) push_object(L, value, drop_null);
  else if (value->type == DBF_JSON_ARRAY) push_array(L, value, drop_null);
  else dbf_lua_value_push_scalar(L, value, true);
}

void dbf_lua_value_open(lua_State *L) {
  lua_createtable(L, 0, 2);
  dbf_table_set_string(L, "__name", "array");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
}
