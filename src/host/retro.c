#include "query.h"
#include "result.h"
#include "../log/error.h"
#include "../log/struct_size.h"

#include <lauxlib.h>

typedef struct looking {
  const char *plugins;      /* NULL: a table */
  const char *const *table; /* what it shows; NULL: the default */
  debrief_query query;
  debrief_result *result; /* NULL: as text */
  debrief_format format;
  dbf_bytes *text;
} looking;

static bool take(looking *l, const char *plugins, const debrief_query *query, debrief_error *err) {
  *l = (looking){.plugins = plugins};
  return !query || dbf_struct_size_take(&l->query, sizeof l->query, query, "debrief_query", err);
}

/* Call the callbacks with the arrays at `diagnostics` and above it. */
static void call_back(lua_State *L, int diagnostics, const debrief_query *query) {
  dbf_query_diagnostics(L, diagnostics, query);
  dbf_query_problems(L, diagnostics + 1, query);
}

/* require "debrief.capi".retro(plugins, query) -> result */
static int l_retro(lua_State *L) {
  looking *l = lua_touserdata(L, 1);
  dbf_host_push(L, "retro");
  lua_pushstring(L, l->plugins);
  dbf_query_push(L, &l->query);
  lua_call(L, 2, 1);
  dbf_result_fill(L, 2, l->result);
  lua_getfield(L, 2, "diagnostics");
  lua_getfield(L, 2, "problems");
  call_back(L, 3, &l->query);
  return 0;
}

debrief_result *debrief_retro(debrief *host, const char *plugins, const debrief_query *query,
                              debrief_error *err) {
  looking l;
  if (!host || !plugins) return dbf_fail(err, DEBRIEF_EARG, "debrief_retro: an argument is NULL"), NULL;
  if (!take(&l, plugins, query, err)) return NULL;
  l.result = dbf_result_new();
  if (!l.result) return dbf_fail_memory(err), NULL;
  if (dbf_host_call(host, "debrief_retro", l_retro, &l, err)) return l.result;
  debrief_result_close(l.result);
  return NULL;
}

static void push_format(lua_State *L, const debrief_format *format) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, format->name ? format->name : "text");
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, format->columns ? (lua_Integer)format->columns : 80);
  lua_setfield(L, -2, "columns");
  lua_pushboolean(L, format->color);
  lua_setfield(L, -2, "color");
}

static void push_subject(lua_State *L, const looking *l) {
  if (l->plugins) {
    lua_pushstring(L, l->plugins);
    return;
  }
  lua_newtable(L);
  for (lua_Integer i = 0; l->table && l->table[i]; i++) {
    lua_pushstring(L, l->table[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* require "debrief.capi".retro_text(plugins, query, format) or table_text(table, query, format)
 * -> text, diagnostics, problems */
static int l_text(lua_State *L) {
  looking *l = lua_touserdata(L, 1);
  size_t len;
  dbf_host_push(L, l->plugins ? "retro_text" : "table_text");
  push_subject(L, l);
  dbf_query_push(L, &l->query);
  push_format(L, &l->format);
  lua_call(L, 3, 3);
  const char *text = lua_tolstring(L, 2, &len);
  dbf_bytes_clear(l->text);
  dbf_bytes_append(l->text, text, len);
  if (!dbf_bytes_terminate(l->text)) return luaL_error(L, "not enough memory");
  call_back(L, 3, &l->query);
  return 0;
}

static bool take_format(looking *l, const debrief_format *format, debrief_error *err) {
  return !format || dbf_struct_size_take(&l->format, sizeof l->format, format, "debrief_format", err);
}

/* In one piece: a report is laid out when all of it is known. */
bool debrief_retro_write(debrief *host, const char *plugins, const debrief_query *query,
                         const debrief_format *format, bool (*write)(void *user, debrief_text text),
                         void *user, debrief_error *err) {
  looking l;
  if (!host || !plugins || !write)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_retro_write: an argument is NULL");
  if (!take(&l, plugins, query, err)) return false;
  if (!take_format(&l, format, err)) return false;
  dbf_bytes text;
  dbf_bytes_init(&text);
  l.text = &text;
  bool ok = dbf_host_call(host, "debrief_retro_write", l_text, &l, err);
  if (ok && !write(user, (debrief_text){text.data, text.len}))
    ok = dbf_fail(err, DEBRIEF_EIO, "debrief_retro_write: the reports were not taken: write returned false");
  dbf_bytes_release(&text);
  return ok;
}

/* Into the host's own text. */
static bool keep_text(debrief *host, const char *function, looking *l, const debrief_format *format,
                      debrief_text *text, debrief_error *err) {
  *text = (debrief_text){NULL, 0};
  if (!take_format(l, format, err)) return false;
  l->text = &host->text;
  if (!dbf_host_call(host, function, l_text, l, err)) return false;
  *text = (debrief_text){host->text.data, host->text.len};
  return true;
}

bool debrief_retro_text(debrief *host, const char *plugins, const debrief_query *query,
                        const debrief_format *format, debrief_text *text, debrief_error *err) {
  looking l;
  if (!host || !plugins || !text)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_retro_text: an argument is NULL");
  return take(&l, plugins, query, err) && keep_text(host, "debrief_retro_text", &l, format, text, err);
}

bool debrief_table_text(debrief *host, const char *const *table, const debrief_query *query,
                        const debrief_format *format, debrief_text *text, debrief_error *err) {
  looking l;
  if (!host || !text) return dbf_fail(err, DEBRIEF_EARG, "debrief_table_text: an argument is NULL");
  if (!take(&l, NULL, query, err)) return false;
  l.table = table;
  return keep_text(host, "debrief_table_text", &l, format, text, err);
}
