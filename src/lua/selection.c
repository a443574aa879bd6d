#include "selection.h"
#include "table.h"
#include "../log/timestamp.h"

dbf_selection dbf_selection_of(lua_State *L, int options) {
  dbf_selection span = {.since = INT64_MIN, .until = INT64_MAX};
  if (!lua_istable(L, options)) return span;
  span.since = dbf_table_integer(L, options, "since", INT64_MIN);
  span.until = dbf_table_integer(L, options, "until", INT64_MAX);
  span.timed = span.since != INT64_MIN || span.until != INT64_MAX;
  span.line = (uint64_t)dbf_table_integer(L, options, "line", 0);
  return span;
}

static bool time_of(const dbf_entry *entry, int64_t *ns) {
  dbf_json_value value;
  debrief_time time;
  return dbf_entry_known(entry, DBF_TIMESTAMP, &value) && dbf_timestamp_of(&value, &time) &&
         dbf_timestamp_ns(&time, ns);
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
