#include "state.h"
#include "coroutine.h"
#include "embedded.h"
#include "library.h"
#include "memory.h"
#include "overrides.h"

#include <lauxlib.h>
#include <lua5.4/lua-cjson.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

static const char core_key; /* registry key of what opens debrief.core */

/* { message = text } is an error of ours with all its words: nobody needs to know where it was raised. */
static int l_traceback(lua_State *L) {
  if (lua_istable(L, 1)) {
    lua_pushliteral(L, "message");
    if (lua_rawget(L, 1) == LUA_TSTRING) return 1;
  }
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int dbf_state_call(lua_State *L, int arguments, int results) {
  int base = lua_gettop(L) - arguments;
  lua_pushcfunction(L, l_traceback);
  lua_insert(L, base);
  int status = lua_pcall(L, arguments, results, base);
  lua_remove(L, base);
  return status;
}

int dbf_state_guard(lua_State *L) {
  bool handled = !lua_isnoneornil(L, 1);
  luaL_checkany(L, 2);
  if (handled) luaL_checktype(L, 1, LUA_TFUNCTION);
  int arguments = lua_gettop(L) - 2;
  int status = dbf_limits_guard(L, dbf_config_of(L)->interrupt, arguments, LUA_MULTRET, handled ? 1 : 0);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 1);
  if (status != DBF_INTERRUPTED) return lua_gettop(L);
  lua_pushliteral(L, "interrupted");
  if (lua_isnil(L, 2)) {
    lua_pushvalue(L, 3);
    lua_replace(L, 2);
  }
  return 3;
}

int dbf_state_bounded(lua_State *L) {
  bool late;
  lua_Integer ms = luaL_checkinteger(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_checkany(L, 3);
  int status = dbf_limits_bounded(L, dbf_config_of(L)->interrupt, ms, lua_gettop(L) - 3, 2, &late);
  lua_pushboolean(L, status == LUA_OK && !late);
  lua_replace(L, 2);
  if (status == LUA_OK && !late) return lua_gettop(L) - 1;
  lua_settop(L, 3);
  if (status == LUA_OK) { /* the code went on past a pcall of its own, to its end */
    lua_pushfstring(L, "took more than %I ms", ms);
    lua_replace(L, 3);
  }
  lua_pushboolean(L, late);
  return 3;
}

/* ---- Finding modules --------------------------------------------------------------------------------------------- */

/* "debrief.report.text" -> "lua/debrief/report/text.lua"; with `init`, ".../init.lua". */
static void module_path(char *out, size_t size, const char *name, bool init) {
  size_t n = (size_t)snprintf(out, size, "lua/%s", name);
  for (char *p = out + 4; *p; p++)
    if (*p == '.') *p = '/';
  if (n < size) snprintf(out + n, size - n, init ? "/init.lua" : ".lua");
}

/* Push the loaded chunk of a file of the working copy; LUA_ERRFILE, nothing pushed, when it does not have it. */
static int load_copy(lua_State *L, const char *source_dir, const char *path) {
  const char *full = lua_pushfstring(L, "%s/%s", source_dir, path);
  int status = luaL_loadfilex(L, full, "t");
  lua_remove(L, -2);
  if (status == LUA_ERRFILE) lua_pop(L, 1);
  return status;
}

/* Push the loaded chunk of a file of ours; LUA_ERRFILE, nothing pushed, if there is no such file. */
static int load_file(lua_State *L, const char *source_dir, const char *path) {
  const dbf_embedded_file *file = dbf_embedded_find(path);
  if (source_dir && !(file && file->foreign)) return load_copy(L, source_dir, path);
  return file ? dbf_embedded_load(L, file, dbf_embedded_release) : LUA_ERRFILE;
}

/* The names of our modules begin with debrief; anything else is left to the other searchers, and never looked for in our
 * folders. */
bool dbf_state_push_module(lua_State *L, const char *name) {
  char path[256];
  if (strncmp(name, "debrief", 7) != 0 || strlen(name) > 200) return false;
  for (int init = 0; init < 2; init++) {
    module_path(path, sizeof path, name, init);
    int status = load_file(L, dbf_config_of(L)->source_dir, path);
    if (status == LUA_ERRFILE) continue;
    if (status != LUA_OK) lua_error(L);
    return true;
  }
  return false;
}

static int l_searcher(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (!dbf_state_push_module(L, name)) lua_pushfstring(L, "no module '%s' in debrief", name);
  return 1;
}

/* require of reduced states: debrief's own modules and what is preloaded. */
static int l_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, name) != LUA_TNIL) return 1;
  lua_pop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_getfield(L, -1, name) == LUA_TNIL && !dbf_state_push_module(L, name))
    return luaL_error(L, "module '%s' cannot be had here: only debrief and cjson can", name);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* A retrospective leaves garbage after every entry and keeps little: collecting later saves a twentieth of its time and
 * costs a megabyte. */
enum { PAUSE = 400, STEP = 400 };

static void open_reduced(lua_State *L) {
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
                                       {LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
                                       {LUA_UTF8LIBNAME, luaopen_utf8}, {NULL, NULL}};
  for (const luaL_Reg *l = libraries; l->func; l++) {
    luaL_requiref(L, l->name, l->func, 1);
    lua_pop(L, 1);
  }
  lua_getglobal(L, LUA_STRLIBNAME); /* reached through the metatable of strings, so it goes for everybody */
  lua_pushnil(L);
  lua_setfield(L, -2, "dump");
  lua_pop(L, 1);
  dbf_library_reduce(L);
  lua_pushcfunction(L, l_require);
  lua_setglobal(L, "require");
  lua_pushnil(L);
  lua_setglobal(L, "dofile");
  lua_pushnil(L);
  lua_setglobal(L, "loadfile");
}

/* Our searcher after the preloaded ones, in front of the file system. */
static void add_searcher(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME); /* a global may have been taken away */
  if (lua_getfield(L, -1, "searchers") != LUA_TTABLE) luaL_error(L, "package.searchers is no table");
  for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, l_searcher);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 3);
}

void dbf_state_set_core(lua_State *L, lua_CFunction core) {
  lua_pushcfunction(L, core);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
}

lua_CFunction dbf_state_core(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key);
  lua_CFunction core = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  return core;
}

/* (reduced, config, core) */
static int open_state(lua_State *L) {
  bool reduced = lua_toboolean(L, 1);
  dbf_config_bind(L, lua_touserdata(L, 2));
  preload(L, "debrief.core", lua_tocfunction(L, 3));
  preload(L, "cjson", luaopen_cjson);
  if (reduced) {
    lua_gc(L, LUA_GCINC, PAUSE, STEP, 0);
    open_reduced(L);
  } else {
    luaL_openlibs(L);
    lua_getglobal(L, LUA_COLIBNAME);
    dbf_coroutine_register(L);
    lua_pop(L, 1);
    dbf_overrides_open(L);
    add_searcher(L);
  }
  return 0;
}

lua_State *dbf_state_new(const dbf_config *config, lua_CFunction core, bool reduced) {
  dbf_memory *memory =
      dbf_memory_new(config->allocate, config->allocate_user, reduced ? config->plugin_memory : 0);
  lua_State *L = memory ? lua_newstate(dbf_memory_allocate, memory) : NULL;
  if (!L) {
    dbf_memory_free(memory);
    return NULL;
  }
  lua_pushcfunction(L, open_state);
  lua_pushboolean(L, reduced);
  lua_pushlightuserdata(L, (void *)config);
  lua_pushcfunction(L, core);
  if (lua_pcall(L, 3, 0, 0) == LUA_OK) return L;
  dbf_state_close(L);
  return NULL;
}

/* Closing runs finalizers, which may still allocate: the memory goes after the state. */
void dbf_state_close(lua_State *L) {
  void *memory;
  if (!L) return;
  lua_getallocf(L, &memory);
  lua_close(L);
  dbf_memory_free(memory);
}

/* ---- In a state of somebody else's ------------------------------------------------------------------------------- */

/* Is `name` loaded, or about to be found in package.preload? */
static bool is_known(lua_State *L, const char *name) {
  int before = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  bool known = lua_getfield(L, -2, name) != LUA_TNIL || lua_getfield(L, -2, name) != LUA_TNIL;
  lua_settop(L, before);
  return known;
}

void dbf_state_lend(lua_State *L, lua_CFunction core) {
  if (is_known(L, "debrief.core")) return; /* it was lent before */
  preload(L, "debrief.core", core);
  if (!is_known(L, "cjson")) preload(L, "cjson", luaopen_cjson);
  add_searcher(L);
}
