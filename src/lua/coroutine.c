/* coroutine.c: see coroutine.h. A hook is set in one coroutine, and an error in it ends at resume: so a guard must know
 * which one runs, and must end the one that resumed it too. Otherwise as lcorolib.c of Lua 5.4.4. */
#include "coroutine.h"
#include "limits.h"

#include <lauxlib.h>

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

/* Resume with the topmost `count` values. How many values came, on the stack; -1: a message. */
static int resume(lua_State *L, lua_State *co, int count) {
  int got;
  if (!lua_checkstack(co, count)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, co, count);
  lua_State *before = dbf_limits_switch(co);
  int status = lua_resume(co, L, count, &got);
  if (dbf_limits_back(before)) {
    lua_pop(co, status == LUA_OK || status == LUA_YIELD ? got : 1);
    dbf_limits_raise(L);
  }
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, got + 1)) {
    lua_pop(co, got);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, got);
  return got;
}

static int l_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  int got = resume(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, got >= 0);
  if (got < 0) got = 1;
  lua_insert(L, -(got + 1));
  return got + 1;
}

/* lua_resetthread runs what the coroutine left to be closed. */
static int reset(lua_State *co) {
  lua_State *before = dbf_limits_switch(co);
  int status = lua_resetthread(co);
  dbf_limits_back(before); /* the hook raises the error once the caller has its answer */
  return status;
}

/* A wrapped coroutine that failed is closed at once, as in Lua 5.4, and a message gets the place of the call in front. */
static int l_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int got = resume(L, co, lua_gettop(L));
  if (got >= 0) return got;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = reset(co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int l_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, l_wrapped, 1);
  return 1;
}

/* "running", "normal", or NULL for one that can be closed. */
static const char *busy(lua_State *L, lua_State *co) {
  lua_Debug frame;
  if (L == co) return "running";
  return lua_status(co) == LUA_OK && lua_getstack(co, 0, &frame) ? "normal" : NULL;
}

static int l_close(lua_State *L) {
  lua_State *co = check_coroutine(L);
  const char *how = busy(L, co);
  if (how) return luaL_error(L, "cannot close a %s coroutine", how);
  bool ok = reset(co) == LUA_OK;
  lua_pushboolean(L, ok);
  if (!ok) lua_xmove(co, L, 1);
  return ok ? 1 : 2;
}

static const luaL_Reg functions[] = {
    {"resume", l_resume}, {"wrap", l_wrap}, {"close", l_close}, {NULL, NULL}};

void dbf_coroutine_register(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}

void dbf_coroutine_keep(lua_State *L, int from, int to) {
  for (const luaL_Reg *f = functions; f->name; f++) {
    lua_getfield(L, from, f->name);
    lua_setfield(L, to, f->name);
  }
}

void dbf_coroutine_put_back(lua_State *L, int to, int from) {
  for (const luaL_Reg *f = functions; f->name; f++) {
    lua_getfield(L, to, f->name);
    bool ours = lua_tocfunction(L, -1) == f->func;
    lua_pop(L, 1);
    if (!ours) continue;
    lua_getfield(L, from, f->name);
    lua_setfield(L, to, f->name);
  }
}
