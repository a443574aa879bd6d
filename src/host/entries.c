#include "entries.h"
#include "query.h"
#include "../log/bytes.h"
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
  bool drained;        /* no more has come since the batch */
  int fd;              /* readable when more may have come; -1 */
  bool closed;         /* by a callback: it goes when the host's function has returned */
  debrief_error error; /* why it ended; DEBRIEF_OK: that was all */
};

/* ---- Lua --------------------------------------------------------------------------------------------------------- */

/* require "debrief.capi".entries(query) -> state; follow(query, from_start) -> state, descriptor */
static int l_open(lua_State *L) {
  debrief_entries *e = lua_touserdata(L, 1);
  dbf_host_push(L, e->following ? "follow" : "entries");
  dbf_query_push(L, &e->query);
  lua_pushboolean(L, e->from_start);
  lua_call(L, 2, 2);
  e->fd = e->following ? (int)lua_tointeger(L, -1) : -1;
  lua_pop(L, 1);
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

static debrief_entries *open_query(debrief *host, const char *function, debrief_entries start,
                                   const debrief_query *query, debrief_error *err) {
  if (!host) return dbf_fail(err, DEBRIEF_EARG, "%s: host is NULL", function), NULL;
  debrief_entries *e = malloc(sizeof *e);
  if (!e) return dbf_fail_memory(err), NULL;
  *e = start;
  dbf_bytes_init(&e->texts);
  dbf_bytes_init(&e->places);
  bool ok = !query || dbf_struct_size_take(&e->query, sizeof e->query, query, "debrief_query", err);
  if (!ok || !dbf_host_call(host, function, l_open, e, err)) {
    release(e);
    return NULL;
  }
  enlist(host, e);
  return e;
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

static void dispose(debrief_entries *e) {
  if (e->host) dbf_host_call_unguarded(e->host, "debrief_entries_close", l_done, e, NULL);
  leave(e);
  release(e);
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

debrief_next debrief_entries_next(debrief_entries *e, debrief_found *found, debrief_error *err) {
  if (!e || !found) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: an argument is NULL");
    return DEBRIEF_NEXT_ERROR;
  }
  if (is_busy(e)) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: called while another function of this host runs");
    return DEBRIEF_NEXT_ERROR;
  }
  bool waits = e->text == e->texts.len && e->drained, failed = false;
  e->drained = e->drained && !waits; /* the next call looks again */
  if (waits) return DEBRIEF_NEXT_END;
  while (e->text == e->texts.len && !e->ended && !failed && !e->drained) failed = !go_on(e);
  if (e->closed) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: a callback of it has closed it");
    sweep(e->host);
    return DEBRIEF_NEXT_ERROR;
  }
  if (e->text < e->texts.len) {
    hand_out(e, found);
    return DEBRIEF_NEXT_ENTRY;
  }
  if (!e->following) e->ended = true;
  return end_of(e, err);
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
