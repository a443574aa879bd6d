#include "query.h"
#include "../log/entry.h"
#include "../log/error.h"
#include "../log/log_internal.h"
#include "../log/struct_size.h"

#include <lauxlib.h>

typedef struct enriching {
  debrief_query query;
  const char *id;
  dbf_bytes text; /* before, then after */
} enriching;

/* require "debrief.capi".enrich(query, id, text) -> text, problems */
static int l_enrich(lua_State *L) {
  enriching *e = lua_touserdata(L, 1);
  size_t len;
  dbf_host_push(L, "enrich");
  dbf_query_push(L, &e->query);
  lua_pushstring(L, e->id);
  lua_pushlstring(L, e->text.data, e->text.len);
  lua_call(L, 3, 2);
  const char *text = lua_tolstring(L, -2, &len);
  dbf_bytes_clear(&e->text);
  dbf_bytes_append(&e->text, text, len);
  dbf_query_problems(L, lua_gettop(L), &e->query);
  return 0;
}

/* Take `through` when it names plugins. False, with *err filled: it is wrong. */
static bool take(enriching *e, const debrief_query *through, debrief_error *err) {
  *e = (enriching){.query = {.struct_size = sizeof e->query}};
  dbf_bytes_init(&e->text);
  return !through || dbf_struct_size_take(&e->query, sizeof e->query, through, "debrief_query", err);
}

/* A bad id is left to the log to refuse. */
/* Without a plugin the way is that of the log, and no Lua runs. */
static bool enriches(const enriching *e, const char *id) {
  return e->query.enrich && *e->query.enrich && debrief_session_id_valid(id);
}

/* Append e->text: checked again, for an enricher may have put something else into a known field. */
static bool append(debrief *host, const enriching *e, bool sparse, debrief_error *err) {
  dbf_bytes line, scratch;
  dbf_bytes_init(&line);
  dbf_bytes_init(&scratch);
  bool ok = dbf_entry_write_json(&line, &scratch, e->id, e->text.data, e->text.len, sparse, err);
  dbf_bytes_append_char(&line, '\n');
  if (ok && line.failed) ok = dbf_fail_memory(err);
  debrief_text lines[] = {{line.data, line.len}};
  ok = ok && dbf_log_append_lines(host->log, e->id, lines, 1, NULL, NULL, NULL, err);
  dbf_bytes_release(&scratch);
  dbf_bytes_release(&line);
  return ok;
}

/* Enrich what is in e->text and append it. */
static bool finish(debrief *host, enriching *e, bool sparse, debrief_error *err) {
  if (!dbf_host_call(host, "debrief_append", l_enrich, e, err)) return false;
  return e->text.failed ? dbf_fail_memory(err) : append(host, e, sparse, err);
}

bool debrief_append(debrief *host, const char *id, const debrief_entry *entry, const debrief_query *through,
                    debrief_error *err) {
  enriching e;
  debrief_entry given;
  if (!host || !id || !entry) return dbf_fail(err, DEBRIEF_EARG, "debrief_append: an argument is NULL");
  if (!take(&e, through, err)) return false;
  if (!enriches(&e, id)) return debrief_log_append(host->log, id, entry, err);
  if (!dbf_struct_size_take(&given, sizeof given, entry, "debrief_entry", err)) return false;
  e.id = id;
  bool ok = dbf_entry_write(&e.text, id, &given, err) && finish(host, &e, given.sparse, err);
  dbf_bytes_release(&e.text);
  return ok;
}

bool debrief_append_json(debrief *host, const char *id, const char *json, size_t len,
                         const debrief_query *through, debrief_error *err) {
  enriching e;
  if (!host || !id || !json) return dbf_fail(err, DEBRIEF_EARG, "debrief_append_json: an argument is NULL");
  if (!take(&e, through, err)) return false;
  if (!enriches(&e, id)) return debrief_log_append_json(host->log, id, json, len, err);
  dbf_bytes scratch;
  dbf_bytes_init(&scratch);
  e.id = id;
  bool ok =
      dbf_entry_write_json(&e.text, &scratch, id, json, len, false, err) && finish(host, &e, false, err);
  dbf_bytes_release(&scratch);
  dbf_bytes_release(&e.text);
  return ok;
}
