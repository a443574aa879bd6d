#include "attach.h"
#include "coroutine.h"
#include "module.h"
#include "state.h"
#include "workers.h"

#include <lauxlib.h>
#include <lualib.h>

static const char kept_key; /* registry key of a table of what must be restored */

static const char *const globals[] = {"debrief", "cjson", "log", "arg"}; /* which scripts find */

enum { GLOBALS = sizeof globals / sizeof *globals };

/* Copy fields between the tables at `from` and `to`, past metamethods. */
static void copy_globals(lua_State *L, int from, int to) {
  for (int i = 0; i < GLOBALS; i++) {
    lua_pushstring(L, globals[i]);
    lua_pushvalue(L, -1);
    lua_rawget(L, from);
    lua_rawset(L, to);
  }
}

static void push_coroutine_library(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_COLIBNAME);
  lua_remove(L, -2);
}

/* Is what this state knows as debrief.core not ours? */
static bool has_another_copy(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "debrief.core");
  if (!lua_istable(L, -1)) return lua_pop(L, 2), false;
  lua_getfield(L, -1, "guard");
  bool other = lua_tocfunction(L, -1) != dbf_state_guard;
  lua_pop(L, 3);
  return other;
}

static const char *objection(lua_State *L) {
  bool is_main = lua_pushthread(L);
  lua_pop(L, 1);
  if (!is_main) return "it is a coroutine: pass the state it belongs to";
  if (dbf_config_of(L)->interrupt) return "a host is attached to it already, or it belongs to one";
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  bool libraries = lua_istable(L, -1) && lua_getfield(L, -1, LUA_LOADLIBNAME) == LUA_TTABLE &&
                   lua_getfield(L, -1, "searchers") == LUA_TTABLE;
  if (!libraries) return "it has no library 'package' (luaL_openlibs)";
  return has_another_copy(L) ? "it has loaded another copy of debrief" : NULL;
}

/* (config, const char **message) */
static int l_attach(lua_State *L) {
  const dbf_config *config = lua_touserdata(L, 1);
  const char **message = lua_touserdata(L, 2);
  *message = objection(L);
  if (*message) return 0;
  dbf_state_lend(L, luaopen_debrief_core);
  lua_settop(L, 0);
  lua_newtable(L);
  lua_pushglobaltable(L);
  copy_globals(L, 2, 1);
  push_coroutine_library(L);
  if (config->interrupt->signal && lua_istable(L, 3)) {
    lua_newtable(L);
    dbf_coroutine_keep(L, 3, 4);
    lua_setfield(L, 1, "coroutine");
    dbf_coroutine_register(L);
  }
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
  dbf_config_bind(L, config);
  return 0;
}

bool dbf_attach(lua_State *L, const dbf_config *config, const char **message) {
  *message = NULL;
  if (!lua_checkstack(L, LUA_MINSTACK)) return false;
  lua_pushcfunction(L, l_attach);
  lua_pushlightuserdata(L, (void *)config);
  lua_pushlightuserdata(L, (void *)message);
  bool ok = lua_pcall(L, 2, 0, 0) == LUA_OK;
  if (!ok) lua_pop(L, 1);
  return ok && !*message;
}

static int l_put_back(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
  lua_pushglobaltable(L);
  copy_globals(L, 1, 2);
  push_coroutine_library(L);
  if (lua_getfield(L, 1, "coroutine") == LUA_TTABLE) dbf_coroutine_put_back(L, 3, 4);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L);
  lua_setfield(L, -2, "debrief.capi"); /* knows workers that are closed */
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
  return 0;
}

void dbf_detach(lua_State *L) {
  if (!lua_checkstack(L, LUA_MINSTACK)) return;
  dbf_workers_end(L);
  lua_pushcfunction(L, l_put_back);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
  dbf_config_bind(L, NULL);
}
