#include "host.h"
#include "../log/error.h"

#include <lauxlib.h>

typedef struct running {
  const char *path; /* NULL: a text */
  const char *name;
  debrief_text code;
  const char *const *words;
  dbf_bytes *json;
} running;

/* require "debrief.capi".run(path, name, text, words) */
static int l_run(lua_State *L) {
  const running *r = lua_touserdata(L, 1);
  dbf_host_push(L, "run");
  lua_pushstring(L, r->path);
  lua_pushstring(L, r->name);
  lua_pushlstring(L, r->code.data ? r->code.data : "", r->code.len);
  lua_newtable(L);
  for (lua_Integer i = 0; r->words && r->words[i]; i++) {
    lua_pushstring(L, r->words[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_call(L, 4, 0);
  return 0;
}

/* A script that ended with os.exit has not failed; without a place for its status, one that is not 0 must not be lost. */
static bool run(debrief *host, const char *function, running *r, int *status, debrief_error *err) {
  int left = 0;
  bool ok = dbf_host_call(host, function, l_run, r, err);
  if (!ok && dbf_host_left(host, &left)) ok = status || left == 0;
  if (status) *status = left;
  return ok;
}

bool debrief_run_file(debrief *host, const char *path, const char *const *words, int *status,
                      debrief_error *err) {
  if (!host || !path) return dbf_fail(err, DEBRIEF_EARG, "debrief_run_file: an argument is NULL");
  running r = {.path = path, .words = words};
  return run(host, "debrief_run_file", &r, status, err);
}

bool debrief_run_text(debrief *host, const char *name, debrief_text code, const char *const *words,
                      int *status, debrief_error *err) {
  if (!host || !name || !code.data)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_run_text: an argument is NULL");
  running r = {.name = name, .code = code, .words = words};
  return run(host, "debrief_run_text", &r, status, err);
}

/* require "debrief.capi".eval(text) -> JSON text */
static int l_eval(lua_State *L) {
  const running *r = lua_touserdata(L, 1);
  size_t len;
  dbf_host_push(L, "eval");
  lua_pushlstring(L, r->code.data, r->code.len);
  lua_call(L, 1, 1);
  const char *text = lua_tolstring(L, -1, &len);
  dbf_bytes_clear(r->json);
  dbf_bytes_append(r->json, text, len);
  if (!dbf_bytes_terminate(r->json)) return luaL_error(L, "not enough memory");
  return 0;
}

bool debrief_eval(debrief *host, debrief_text code, debrief_text *json, debrief_error *err) {
  if (!host || !code.data || !json) return dbf_fail(err, DEBRIEF_EARG, "debrief_eval: an argument is NULL");
  running r = {.code = code, .json = &host->text};
  *json = (debrief_text){NULL, 0};
  if (!dbf_host_call(host, "debrief_eval", l_eval, &r, err)) return false;
  *json = (debrief_text){host->text.data, host->text.len};
  return true;
}
