#include "scratch.h"

#include <lauxlib.h>

static const char scratch_key; /* its address is the registry key */

static int l_gc(lua_State *L) {
  dbf_scratch *scratch = lua_touserdata(L, 1);
  dbf_bytes_release(&scratch->text);
  dbf_bytes_release(&scratch->piece);
  dbf_bytes_release(&scratch->extra);
  dbf_bytes_release(&scratch->results);
  dbf_entry_release(&scratch->entry);
  return 0;
}

void dbf_scratch_open(lua_State *L) {
  dbf_scratch *scratch = lua_newuserdatauv(L, sizeof *scratch, 0);
  dbf_bytes_init(&scratch->text);
  dbf_bytes_init(&scratch->piece);
  dbf_bytes_init(&scratch->extra);
  dbf_bytes_init(&scratch->results);
  dbf_entry_init(&scratch->entry);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &scratch_key);
}

dbf_scratch *dbf_scratch_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &scratch_key);
  dbf_scratch *scratch = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return scratch;
}

dbf_bytes *dbf_scratch_text(lua_State *L) {
  dbf_bytes *bytes = &dbf_scratch_of(L)->text;
  dbf_bytes_clear(bytes);
  return bytes;
}

dbf_bytes *dbf_scratch_piece(lua_State *L) {
  dbf_bytes *bytes = &dbf_scratch_of(L)->piece;
  dbf_bytes_clear(bytes);
  return bytes;
}

void dbf_scratch_check(lua_State *L, const dbf_bytes *bytes) {
  if (bytes->failed) luaL_error(L, "not enough memory");
}
