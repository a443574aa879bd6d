#include "config.h"

static const char config_key; /* registry keys: of the config, */
static const char copy_key;   /* and of the copy that has limits of its own */

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

/* Workers may still have the copy before it, so it stays as the user value of the new one. */
void dbf_config_limit(lua_State *L, unsigned plugin_time, size_t plugin_memory) {
  dbf_config *config = lua_newuserdatauv(L, sizeof *config, 1);
  *config = *dbf_config_of(L);
  config->plugin_time = plugin_time;
  config->plugin_memory = plugin_memory;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &copy_key);
  lua_setiuservalue(L, -2, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &copy_key);
  dbf_config_bind(L, config);
}
