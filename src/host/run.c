#include "run.h"
#include "../log/error.h"

#include <lauxlib.h>
#include <stdlib.h>

struct debrief_run {
  debrief *host; /* NULL: closed */
  debrief_run *next, **link;
  lua_Integer number; /* among those of capi.lua */
};

typedef struct telling {
  debrief_run *run;
  const char *session; /* NULL: the run has begun */
  debrief_text json;   /* of the entry so far, or of the attempt; data is NULL: nothing */
  const char *status;  /* NULL: what the last attempt says */
} telling;

/* ---- Lua --------------------------------------------------------------------------------------------------------- */

static void push_text(lua_State *L, debrief_text text) {
  if (text.data) lua_pushlstring(L, text.data, text.len);
  else lua_pushnil(L);
}

/* require "debrief.capi".run_begin(session, fields) -> number */
static int l_begin(lua_State *L) {
  const telling *t = lua_touserdata(L, 1);
  dbf_host_push(L, "run_begin");
  lua_pushstring(L, t->session);
  push_text(L, t->json);
  lua_call(L, 2, 1);
  t->run->number = lua_tointeger(L, -1);
  return 0;
}

/* require "debrief.capi".run_attempt(number, fields) */
static int l_attempt(lua_State *L) {
  const telling *t = lua_touserdata(L, 1);
  dbf_host_push(L, "run_attempt");
  lua_pushinteger(L, t->run->number);
  push_text(L, t->json);
  lua_call(L, 2, 0);
  return 0;
}

/* require "debrief.capi".run_finish(number, status) */
static int l_finish(lua_State *L) {
  const telling *t = lua_touserdata(L, 1);
  dbf_host_push(L, "run_finish");
  lua_pushinteger(L, t->run->number);
  lua_pushstring(L, t->status);
  lua_call(L, 2, 0);
  return 0;
}

/* ---- C ----------------------------------------------------------------------------------------------------------- */

static void enlist(debrief *host, debrief_run *run) {
  run->host = host;
  run->next = host->runs;
  run->link = &host->runs;
  if (run->next) run->next->link = &run->next;
  host->runs = run;
}

static void leave(debrief_run *run) {
  if (!run->host) return;
  *run->link = run->next;
  if (run->next) run->next->link = run->link;
  run->host = NULL;
}

void dbf_runs_orphan(debrief *host) {
  while (host->runs) leave(host->runs);
}

debrief_run *debrief_run_begin(debrief *host, const char *session, debrief_text fields, debrief_error *err) {
  if (!host || !session) return dbf_fail(err, DEBRIEF_EARG, "debrief_run_begin: an argument is NULL"), NULL;
  debrief_run *run = calloc(1, sizeof *run);
  if (!run) return dbf_fail_memory(err), NULL;
  telling t = {.run = run, .session = session, .json = fields};
  if (!dbf_host_call(host, "debrief_run_begin", l_begin, &t, err)) {
    free(run);
    return NULL;
  }
  enlist(host, run);
  return run;
}

bool debrief_run_attempt(debrief_run *run, debrief_text attempt, debrief_error *err) {
  if (!run || !attempt.data) return dbf_fail(err, DEBRIEF_EARG, "debrief_run_attempt: an argument is NULL");
  if (!run->host) return dbf_fail(err, DEBRIEF_EARG, "debrief_run_attempt: the host was closed");
  telling t = {.run = run, .json = attempt};
  return dbf_host_call(run->host, "debrief_run_attempt", l_attempt, &t, err);
}

bool debrief_run_finish(debrief_run *run, const char *final_status, debrief_error *err) {
  if (!run) return dbf_fail(err, DEBRIEF_EARG, "debrief_run_finish: the run is NULL");
  telling t = {.run = run, .status = final_status};
  bool ok = run->host ? dbf_host_call(run->host, "debrief_run_finish", l_finish, &t, err)
                      : dbf_fail(err, DEBRIEF_EARG, "debrief_run_finish: the host was closed");
  leave(run);
  free(run);
  return ok;
}
