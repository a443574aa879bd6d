#include "config.h"

static const char config_key; /* registry key of the config */

const dbf_config *dbf_config_of(lua_State *L) {
  static const dbf_config stock = {0};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &config_key);
  const dbf_config *config = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return config ? config : &stock;
}

/* Removing it leaves the key with false: a registry that loses and gains a key may need memory for it. */
void dbf_config_bind(lua_State *L, const dbf_config *config) {
  if (config) lua_pushlightuserdata(L, (void *)config);
  else lua_pushboolean(L, 0);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &config_key);
}
