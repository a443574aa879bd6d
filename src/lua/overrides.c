#include "overrides.h"
#include "config.h"

#include <lauxlib.h>

/* os.exit([status [, close]]): as Lua's, but what ends is the host's call. */
static int l_exit(lua_State *L) {
  int status = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
  return dbf_limits_exit(L, dbf_config_of(L)->interrupt, status);
}

/* Built as one text and written once: lines of scripts on several threads then do not mix. */
static int l_print(lua_State *L) {
  const dbf_config *config = dbf_config_of(L);
  luaL_Buffer b;
  size_t len;
  int n = lua_gettop(L);
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&b, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '\n');
  luaL_pushresult(&b);
  const char *text = lua_tolstring(L, -1, &len);
  config->on_print(config->user, text, len);
  return 0;
}

void dbf_overrides_open(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, l_exit);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
  if (!dbf_config_of(L)->on_print) return;
  lua_pushcfunction(L, l_print);
  lua_setglobal(L, "print");
}
