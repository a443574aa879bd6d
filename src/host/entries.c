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
  bool closed;             /* by a callback: it goes when the host's function has returned */
  debrief_error error;     /* why it ended; DEBRIEF_OK: that was all */
};

/* ---- Lua --------------------------------------------------------------------------------------------------------- */

/* require "debrief.capi".entries(query) -> state */
static int l_open(lua_State *L) {
  debrief_entries *e = lua_touserdata(L, 1);
  dbf_host_push(L, "entries");
  dbf_query_push(L, &e->query);
  lua_call(L, 1, 1);
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

debrief_entries *debrief_query_entries(debrief *host, const debrief_query *query, debrief_error *err) {
  if (!host) return dbf_fail(err, DEBRIEF_EARG, "debrief_query_entries: host is NULL"), NULL;
  debrief_entries *e = calloc(1, sizeof *e);
  if (!e) return dbf_fail_memory(err), NULL;
  dbf_bytes_init(&e->texts);
  dbf_bytes_init(&e->places);
  bool ok = !query || dbf_struct_size_take(&e->query, sizeof e->query, query, "debrief_query", err);
  if (!ok || !dbf_host_call(host, "debrief_query_entries", l_open, e, err)) {
    release(e);
    return NULL;
  }
  enlist(host, e);
  return e;
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

/* Get the next batch. False: e->error says why, and no more will follow. */
static bool go_on(debrief_entries *e) {
  if (!e->host) dbf_fail(&e->error, DEBRIEF_EARG, "debrief_entries_next: the host was closed");
  else if (dbf_host_call(e->host, "debrief_entries_next", l_more, e, &e->error)) return true;
  e->ended = true;
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

debrief_next debrief_entries_next(debrief_entries *e, debrief_found *found, debrief_error *err) {
  if (!e || !found) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: an argument is NULL");
    return DEBRIEF_NEXT_ERROR;
  }
  if (is_busy(e)) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: called while another function of this host runs");
    return DEBRIEF_NEXT_ERROR;
  }
  while (e->text == e->texts.len && !e->ended)
    if (!go_on(e)) break;
  if (e->closed) {
    dbf_fail(err, DEBRIEF_EARG, "debrief_entries_next: a callback of it has closed it");
    sweep(e->host);
    return DEBRIEF_NEXT_ERROR;
  }
  if (e->text < e->texts.len) {
    hand_out(e, found);
    return DEBRIEF_NEXT_ENTRY;
  }
  e->ended = true;
  if (e->error.code == DEBRIEF_OK) return DEBRIEF_NEXT_END;
  if (err) *err = e->error;
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
