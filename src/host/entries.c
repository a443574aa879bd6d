#include "entries.h"
#include "query.h"
#include "../log/bytes.h"
#include "../log/follow.h"
#include "../lua/condition.h"
#include "../lua/entry_origin.h"
#include "../lua/match.h"
#include "../log/error.h"
#include "../log/struct_size.h"

#include <assert.h>
#include <endian.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

struct debrief_entries {
  debrief *host; /* NULL: closed */
  debrief_entries *next, **link;
  debrief_query query;     /* its callbacks; the texts are gone */
  int ref;                 /* of the state of host.lua, in the registry */
  dbf_bytes texts, places; /* a batch (lua/debrief/run/entries.lua) */
  size_t text, place;      /* where the next one is in it */
  bool ended;              /* the batch is the last */
  bool following, from_start;
  bool drained;               /* no more has come since the batch */
  int fd;                     /* readable when more may have come; -1 */
  debrief_follower *follower; /* NULL: a worker has it */
  const dbf_match *match;     /* what it tests itself; NULL: nothing. In host.lua's state */
  dbf_condition *condition;
  bool has_test; /* that only Lua knows */
  debrief_found found;
  bool closed;         /* by a callback: it goes when the host's function has returned */
  debrief_error error; /* why it ended; DEBRIEF_OK: that was all */
};

/* ---- Lua --------------------------------------------------------------------------------------------------------- */

static void on_diagnostic(void *user, const debrief_diagnostic *diagnostic) {
  const debrief_entries *e = user;
  if (e->query.on_diagnostic) e->query.on_diagnostic(e->query.user, diagnostic);
}

/* Follow without a worker the ids of the array at `list`; nil: all. On failure e->error says why. */
static void follow(lua_State *L, int list, debrief_entries *e) {
  debrief_follow_config config = {.struct_size = sizeof config,
                                  .from_start = e->from_start,
                                  .strict = e->query.strict,
                                  .on_diagnostic = on_diagnostic,
                                  .user = e};
  size_t count = lua_istable(L, list) ? lua_rawlen(L, list) : 0;
  const char **ids = count ? lua_newuserdatauv(L, count * sizeof *ids, 0) : NULL;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    ids[i] = lua_tostring(L, -1); /* the array keeps it */
    lua_pop(L, 1);
  }
  e->follower = debrief_log_follow(e->host->log, ids, count, &config, &e->error);
  e->fd = debrief_follower_fd(e->follower);
}

/* require "debrief.capi".entries(query) -> state
 * follow(query, from_start) -> state, descriptor; or state, nil, ids, matcher, condition, whether Lua has a test */
static int l_open(lua_State *L) {
  debrief_entries *e = lua_touserdata(L, 1);
  dbf_host_push(L, e->following ? "follow" : "entries");
  dbf_query_push(L, &e->query);
  lua_pushboolean(L, e->from_start);
  lua_call(L, 2, 6);
  if (e->following && lua_isnil(L, 3)) {
    e->match = lua_isnil(L, 5) ? NULL : dbf_match_get(L, 5);
    e->condition = lua_isnil(L, 6) ? NULL : dbf_condition_check(L, 6);
    e->has_test = lua_toboolean(L, 7);
    follow(L, 4, e);
  } else if (e->following) {
    e->fd = (int)lua_tointeger(L, 3);
  }
  lua_settop(L, 2);
  e->ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static void take_text(lua_State *L, int index, const char *name, dbf_bytes *to) {
  size_t len;
  lua_getfield(L, index, name);
  const char *text = lua_tolstring(L, -1, &len);
  dbf_bytes_clear(to);
  dbf_bytes_append(to, text, len);
  if (to->failed) luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

/* require "debrief.capi".more(state) -> a batch. Diagnostics come first, for they are about what is in it. */
static int l_more(lua_State *L) {
  debrief_entries *e = lua_touserdata(L, 1);
  dbf_host_push(L, "more");
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->ref);
  lua_call(L, 1, 1);
  take_text(L, 2, "texts", &e->texts);
  take_text(L, 2, "places", &e->places);
  e->text = e->place = 0;
  lua_getfield(L, 2, "ended");
  e->ended = lua_toboolean(L, -1);
  lua_getfield(L, 2, "drained");
  e->drained = lua_toboolean(L, -1);
  lua_getfield(L, 2, "diagnostics");
  dbf_query_diagnostics(L, lua_gettop(L), &e->query);
  lua_getfield(L, 2, "problems");
  dbf_query_problems(L, lua_gettop(L), &e->query);
  lua_getfield(L, 2, "notes");
  dbf_query_notes(L, lua_gettop(L), &e->query);
  return 0;
}

/* require "debrief.capi".judge(state, text, session, line) -> text or false, problems */
static bool ask_lua(lua_State *L, debrief_entries *e, const dbf_record *record, const char *session) {
  int top = lua_gettop(L);
  dbf_host_push(L, "judge");
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->ref);
  lua_pushlstring(L, record->entry->text, record->entry->len);
  lua_pushstring(L, session);
  lua_pushinteger(L, (lua_Integer)record->line);
  lua_call(L, 4, 2);
  size_t len = 0;
  const char *text = lua_type(L, top + 1) == LUA_TSTRING ? lua_tolstring(L, top + 1, &len) : NULL;
  dbf_bytes_clear(&e->texts);
  dbf_bytes_append(&e->texts, text, len);
  if (!dbf_bytes_terminate(&e->texts)) luaL_error(L, "not enough memory");
  e->found.json = (debrief_text){e->texts.data, e->texts.len};
  dbf_query_problems(L, top + 2, &e->query);
  lua_settop(L, top);
  return text != NULL;
}

/* Does the entry pass the query? Then it is in e->found. */
static bool passes(lua_State *L, debrief_entries *e, const dbf_record *record, const char *session) {
  const dbf_entry *entry = record->entry;
  e->found = (debrief_found){{entry->text, entry->len}, session, record->line};
  if (e->match && !dbf_match_test(e->match, entry->text, entry->members, entry->count)) return false;
  dbf_subject subject = {.entry = entry,
                         .line = record->line,
                         .gap = DBF_NO_GAP,
                         .session = session,
                         .session_len = strlen(session)};
  dbf_judgement judgement = DBF_CONDITION_YES;
  if (record->bad_utf8 || e->has_test) judgement = DBF_CONDITION_UNSURE;
  else if (e->condition) judgement = dbf_condition_judge(L, e->condition, &subject);
  if (judgement != DBF_CONDITION_UNSURE) return judgement == DBF_CONDITION_YES;
  return ask_lua(L, e, record, session);
}

/* The next one that passes: e->found.line is 0 when there is none by now. */
static int l_follow(lua_State *L) {
  debrief_entries *e = lua_touserdata(L, 1);
  dbf_record record;
  const char *session;
  debrief_next next;
  do {
    dbf_limits_check(L);
    next = dbf_follower_next(e->follower, 0, &record, &session, &e->error);
  } while (next == DEBRIEF_NEXT_ENTRY && !e->closed && !passes(L, e, &record, session));
  if (next != DEBRIEF_NEXT_ENTRY || e->closed) e->found.line = 0;
  return 0;
}

/* require "debrief.capi".done(state): the worker goes now, not when the collector comes by */
static int l_done(lua_State *L) {
  const debrief_entries *e = lua_touserdata(L, 1);
  dbf_host_push(L, "done");
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->ref);
  lua_call(L, 1, 0);
  luaL_unref(L, LUA_REGISTRYINDEX, e->ref);
  return 0;
}

/* ---- C ----------------------------------------------------------------------------------------------------------- */

static void enlist(debrief *host, debrief_entries *e) {
  e->host = host;
  e->next = host->entries;
  e->link = &host->entries;
  if (e->next) e->next->link = &e->next;
  host->entries = e;
}

static void leave(debrief_entries *e) {
  if (!e->host) return;
  *e->link = e->next;
  if (e->next) e->next->link = e->link;
  e->host = NULL;
}

static void release(debrief_entries *e) {
  debrief_follower_close(e->follower);
  dbf_bytes_release(&e->texts);
  dbf_bytes_release(&e->places);
  free(e);
}

void dbf_entries_orphan(debrief *host) {
  while (host->entries) {
    debrief_entries *e = host->entries;
    leave(e);
    if (e->closed) release(e);
  }
}

/* Is a function of the host under way, whose callback this is? */
static bool is_busy(const debrief_entries *e) {
  return e->host && e->host->busy;
}

static void dispose(debrief_entries *e) {
  if (e->host) dbf_host_call_unguarded(e->host, "debrief_entries_close", l_done, e, NULL);
  leave(e);
  release(e);
}

static debrief_entries *open_query(debrief *host, const char *function, debrief_entries start,
                                   const debrief_query *query, debrief_error *err) {
  if (!host) return dbf_fail(err, DEBRIEF_EARG, "%s: host is NULL", function), NULL;
  debrief_entries *e = malloc(sizeof *e);
  if (!e) return dbf_fail_memory(err), NULL;
  *e = start;
  dbf_bytes_init(&e->texts);
  dbf_bytes_init(&e->places);
  bool ok = !query || dbf_struct_size_take(&e->query, sizeof e->query, query, "debrief_query", err);
  e->host = host;
  ok = ok && dbf_host_call(host, function, l_open, e, err);
  e->host = NULL;
  if (ok) enlist(host, e);
  if (ok && e->error.code == DEBRIEF_OK) return e;
  if (ok && err) *err = e->error;
  if (ok) dispose(e);
  else release(e);
  return NULL;
}

debrief_entries *debrief_query_entries(debrief *host, const debrief_query *query, debrief_error *err) {
  return open_query(host, "debrief_query_entries", (debrief_entries){.fd = -1}, query, err);
}

debrief_entries *debrief_query_follow(debrief *host, const debrief_query *query, bool from_start,
                                      debrief_error *err) {
  debrief_entries start = {.following = true, .from_start = from_start, .fd = -1};
  return open_query(host, "debrief_query_follow", start, query, err);
}

int debrief_entries_fd(const debrief_entries *e) {
  return e && e->host ? e->fd : -1;
}

/* Let go what callbacks have closed. */
static void sweep(debrief *host) {
  debrief_entries *e = host->entries;
  while (e) {
    debrief_entries *next = e->next;
    if (e->closed) dispose(e);
    e = next;
  }
}

/* A session at fault stops no other. What else fails may have lost entries on their way here. */
static bool can_follow_on(const debrief_entries *e) {
  debrief_code code = e->error.code;
  return e->following && e->host &&
         (code == DEBRIEF_EIO || code == DEBRIEF_EUNSAFE || code == DEBRIEF_EDAMAGED);
}

/* Get the next batch. False: e->error says why. */
static bool go_on(debrief_entries *e) {
  if (!e->host) dbf_fail(&e->error, DEBRIEF_EARG, "debrief_entries_next: the host was closed");
  else if (dbf_host_call(e->host, "debrief_entries_next", l_more, e, &e->error)) return true;
  e->ended = !can_follow_on(e);
  e->text = e->texts.len; /* a batch that did not come whole */
  return false;
}

static void hand_out(debrief_entries *e, debrief_found *found) {
  uint64_t line, gap; /* as lua/debrief/entry/place.lua packs them */
  const size_t numbers = sizeof line + sizeof gap;
  assert(e->text < e->texts.len && e->place + numbers < e->places.len);
  const char *text = e->texts.data + e->text;
  size_t len = (size_t)((const char *)memchr(text, '\n', e->texts.len - e->text) - text);
  memcpy(&line, e->places.data + e->place, sizeof line);
  found->json = (debrief_text){text, len};
  assert(memchr(text, '\n', e->texts.len - e->text)); /* capi.lua: a newline ends every text */
  found->line = le64toh(line);
  found->session = e->places.data + e->place + numbers;
  e->text += len + 1;
  e->place += numbers + strlen(found->session) + 1;
}

/* What follows says an error once. */
static debrief_next end_of(debrief_entries *e, debrief_error *err) {
  e->drained = false;
  if (e->error.code == DEBRIEF_OK) return DEBRIEF_NEXT_END;
  if (err) *err = e->error;
  if (!e->ended) e->error = (debrief_error){.code = DEBRIEF_OK};
  return DEBRIEF_NEXT_ERROR;
}

/* Of the batches that a worker makes. */
static debrief_next next_of_batch(debrief_entries *e, debrief_found *found, debrief_error *err) {
  bool waits = e->text == e->texts.len && e->drained, failed = false;
  e->drained = e->drained && !waits; /* the next call looks again */
  if (waits) return DEBRIEF_NEXT_END;
  while (e->text == e->texts.len && !e->ended && !failed && !e->drained) failed = !go_on(e);
  if (e->text < e->texts.len && !e->closed) {
    hand_out(e, found);
    return DEBRIEF_NEXT_ENTRY;
  }
  if (!e->following) e->ended = true;
  return end_of(e, err);
}

/* Of the follower. */
static debrief_next next_of_follower(debrief_entries *e, debrief_found *found, debrief_error *err) {
  e->found.line = 0;
  if (!e->host) dbf_fail(&e->error, DEBRIEF_EARG, "debrief_entries_next: the host was closed");
  else if (!e->ended) dbf_host_call(e->host, "debrief_entries_next", l_follow, e, &e->error);
  e->ended = e->error.code != DEBRIEF_OK && !can_follow_on(e);
  if (e->error.code != DEBRIEF_OK || !e->found.line) return end_of(e, err);
  *found = e->found;
  return DEBRIEF_NEXT_ENTRY;
}

debrief_next debrief_entries_next(debrief_entries *e, debrief_found *found, debrief_error *err) {
  if (!e || !found) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: an argument is NULL");
    return DEBRIEF_NEXT_ERROR;
  }
  if (is_busy(e)) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: called while another function of this host runs");
    return DEBRIEF_NEXT_ERROR;
  }
  debrief_next next = e->follower ? next_of_follower(e, found, err) : next_of_batch(e, found, err);
  if (!e->closed) return next;
  dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: a callback of it has closed it");
  sweep(e->host);
  return DEBRIEF_NEXT_ERROR;
}

void debrief_entries_close(debrief_entries *e) {
  if (!e) return;
  if (is_busy(e)) {
    e->closed = true;
    return;
  }
  debrief *host = e->host;
  dispose(e);
  if (host) sweep(host);
}
