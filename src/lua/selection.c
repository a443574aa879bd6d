#include "selection.h"
#include "../log/timestamp.h"

#include <lauxlib.h>

static lua_Integer option(lua_State *L, int options, const char *name, lua_Integer otherwise) {
  lua_getfield(L, options, name);
  lua_Integer value = luaL_optinteger(L, -1, otherwise);
  lua_pop(L, 1);
  return value;
}

dbf_selection dbf_selection_of(lua_State *L, int options) {
  dbf_selection span = {.since = INT64_MIN, .until = INT64_MAX};
  if (!lua_istable(L, options)) return span;
  span.since = option(L, options, "since", INT64_MIN);
  span.until = option(L, options, "until", INT64_MAX);
  span.timed = span.since != INT64_MIN || span.until != INT64_MAX;
  span.line = (uint64_t)option(L, options, "line", 0);
  return span;
}

static bool parse(const dbf_json_value *value, debrief_time *time) {
  if (value->type != DBF_JSON_STRING) return false;
  if (!value->escaped)
    return dbf_timestamp_parse(value->start + 1, (size_t)(value->end - value->start) - 2, time);
  dbf_bytes text;
  dbf_bytes_init(&text);
  dbf_json_decode_string(value, &text);
  bool ok = !text.failed && dbf_timestamp_parse(text.data, text.len, time);
  dbf_bytes_release(&text);
  return ok;
}

static bool time_of(const dbf_entry *entry, int64_t *ns) {
  dbf_json_value value;
  debrief_time time;
  return dbf_entry_known(entry, DBF_TIMESTAMP, &value) && parse(&value, &time) && dbf_timestamp_ns(&time, ns);
}

static bool in_window(dbf_selection *span, const dbf_entry *entry) {
  int64_t ns;
  if (!time_of(entry, &ns)) {
    span->without_time++;
    return false;
  }
  return ns >= span->since && (ns < span->until || span->until == INT64_MAX);
}

dbf_verdict dbf_selection_judge(dbf_selection *span, const dbf_record *record) {
  bool past = span->line && record->line > span->line, before = record->line < span->line;
  if (!past && !before && (!span->timed || in_window(span, record->entry))) return DBF_SELECTION_IN;
  span->left_out++;
  return past ? DBF_SELECTION_PAST : DBF_SELECTION_OUT;
}
