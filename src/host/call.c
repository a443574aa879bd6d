#include "host.h"
#include "../lua/table.h"
#include "../log/error.h"

#include <assert.h>
#include <lauxlib.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { PLUGIN, HOOK, SESSION, MESSAGE, TRACEBACK, WORDS };

/* ---- Details ----------------------------------------------------------------------------------------------------- */

static const char *word(const char *text) {
  return text ? text : "";
}

static void show_details(debrief *host) {
  debrief_problem *d = &host->details;
  d->plugin = word(host->words[PLUGIN]);
  d->hook = word(host->words[HOOK]);
  d->session = word(host->words[SESSION]);
  d->message = word(host->words[MESSAGE]);
  d->traceback = word(host->words[TRACEBACK]);
}

void dbf_host_forget(debrief *host) {
  for (int i = 0; i < WORDS; i++) {
    free(host->words[i]);
    host->words[i] = NULL;
  }
  host->details.line = host->details.count = 0;
  show_details(host);
}

const debrief_problem *debrief_details(const debrief *host) {
  return host ? &host->details : NULL;
}

/* ---- What was raised --------------------------------------------------------------------------------------------- */

typedef struct raised {
  debrief *host;
  debrief_error *err;
} raised;

/* The floors below raise this; luaL_error may have put a place in front. */
static bool is_memory(const char *message) {
  static const char end[] = "not enough memory";
  size_t len = message ? strlen(message) : 0;
  return len >= sizeof end - 1 && strcmp(message + len - (sizeof end - 1), end) == 0;
}

/* A code of lua/debrief/capi.lua: a number from below, or a name. */
static debrief_code code_of(lua_State *L) {
  static const struct {
    const char *name;
    debrief_code code;
  } names[] = {{"earg", DEBRIEF_EARG},       {"eid", DEBRIEF_EID},           {"enoent", DEBRIEF_ENOENT},
               {"eplugin", DEBRIEF_EPLUGIN}, {"edamaged", DEBRIEF_EDAMAGED}, {"eio", DEBRIEF_EIO},
               {"ememory", DEBRIEF_EMEMORY}};
  debrief_code code = DEBRIEF_ESCRIPT;
  lua_getfield(L, 1, "code");
  if (lua_type(L, -1) == LUA_TNUMBER) code = (debrief_code)lua_tointeger(L, -1);
  else if (lua_isstring(L, -1))
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
      if (strcmp(names[i].name, lua_tostring(L, -1)) == 0) code = names[i].code;
  lua_getfield(L, 1, "message");
  if (code == DEBRIEF_ESCRIPT && is_memory(lua_tostring(L, -1))) code = DEBRIEF_EMEMORY;
  lua_pop(L, 2);
  return code;
}

static void keep_word(lua_State *L, debrief *host, int i, const char *name) {
  lua_getfield(L, 1, name);
  const char *text = lua_tostring(L, -1);
  if (text && !(host->words[i] = strdup(text))) luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

/* function(what was raised, raised): into *err and the details */
static int l_tell(lua_State *L) {
  const raised *r = lua_touserdata(L, 2);
  debrief *host = r->host;
  keep_word(L, host, PLUGIN, "plugin");
  keep_word(L, host, HOOK, "hook");
  keep_word(L, host, SESSION, "session");
  keep_word(L, host, MESSAGE, "message");
  keep_word(L, host, TRACEBACK, "traceback");
  host->details.line = dbf_table_count(L, 1, "line");
  host->details.count = 1;
  const char *message = word(host->words[MESSAGE]);
  message += strspn(message, "\n"); /* an error is one line, the details have them all */
  dbf_fail_at(r->err, code_of(L), host->details.line, dbf_table_count(L, 1, "offset"), "%.*s",
              (int)strcspn(message, "\n"), message);
  return 0;
}

/* The message handler: what is no table becomes one, with a traceback. */
static int l_explain(lua_State *L) {
  if (lua_istable(L, 1) && lua_getfield(L, 1, "code") != LUA_TNIL) return lua_settop(L, 1), 1;
  lua_settop(L, 1);
  luaL_tolstring(L, 1, NULL);
  lua_createtable(L, 0, 2);
  luaL_traceback(L, L, NULL, 1);
  lua_setfield(L, -2, "traceback");
  lua_insert(L, -2);
  lua_setfield(L, -2, "message");
  return 1;
}

static void explain(debrief *host, int status, debrief_error *err) {
  raised r = {host, err};
  if (status != LUA_ERRMEM) {
    lua_pushcfunction(host->L, l_tell);
    lua_insert(host->L, -2);
    lua_pushlightuserdata(host->L, &r);
    status = lua_pcall(host->L, 2, 0, 0);
  }
  if (status == LUA_OK) {
    show_details(host);
  } else {
    dbf_host_forget(host);
    dbf_fail_memory(err);
  }
}

/* ---- Calling ----------------------------------------------------------------------------------------------------- */

void dbf_host_push(lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "debrief.capi");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* Without a guard, but so that os.exit can end it. */
static int call_unguarded(debrief *host, int handler) {
  dbf_running running;
  dbf_limits_enter(&running, host->L, &host->interrupt, NULL);
  int status = lua_pcall(host->L, 1, 0, handler);
  dbf_limits_leave(&running);
  return status;
}

static bool call(debrief *host, const char *function, lua_CFunction body, void *argument,
                 dbf_interrupt *interrupt, debrief_error *err) {
  lua_State *L = host->L;
  if (host->busy)
    return dbf_fail(err, DEBRIEF_EARG, "%s: called while another function of this host runs", function);
  dbf_host_forget(host);
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 8)) return dbf_fail_memory(err);
  assert(host->L && host->config.values);
  host->busy = true;
  dbf_host_values_enter(host->config.values);
  locale_t before = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* glibc's own: nothing to free */
  lua_pushcfunction(L, l_explain);
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, argument);
  int status = interrupt ? dbf_limits_guard(L, interrupt, 1, 0, top + 1) : call_unguarded(host, top + 1);
  host->left = dbf_limits_left(&host->interrupt, &host->exit_status);
  if (host->left)
    dbf_fail(err, DEBRIEF_ESCRIPT, "%s: the script ended with os.exit(%d)", function, host->exit_status);
  else if (status == DBF_INTERRUPTED && dbf_limits_was_overdue(&host->interrupt))
    dbf_fail(err, DEBRIEF_EINTERRUPTED,
             "%s: ended after the %u ms that debrief_config.time_limit_ms allows a call", function,
             host->interrupt.limit_ms);
  else if (status == DBF_INTERRUPTED) dbf_fail(err, DEBRIEF_EINTERRUPTED, "%s: interrupted", function);
  else if (status != LUA_OK) explain(host, status, err);
  lua_settop(L, top);
  uselocale(before);
  host->busy = false;
  return status == LUA_OK && !host->left;
}

bool dbf_host_left(debrief *host, int *status) {
  if (host->left) *status = host->exit_status;
  return host->left;
}

bool dbf_host_call(debrief *host, const char *function, lua_CFunction body, void *argument,
                   debrief_error *err) {
  return call(host, function, body, argument, &host->interrupt, err);
}

bool dbf_host_call_unguarded(debrief *host, const char *function, lua_CFunction body, void *argument,
                             debrief_error *err) {
  return call(host, function, body, argument, NULL, err);
}
