#include "entry_origin.h"
#include "../log/timestamp.h"

#include <string.h>

static bool end_of(const dbf_entry *entry, int64_t *ns) {
  dbf_json_value value;
  debrief_time time;
  return dbf_entry_known(entry, DBF_TIMESTAMP, &value) && dbf_timestamp_of(&value, &time) &&
         dbf_timestamp_ns(&time, ns);
}

/* A member that is a number of ms, in ns; 0 for all else, and for a time that no run takes. */
static int64_t ns_of(const dbf_json_value *value) {
  if (value->type != DBF_JSON_INTEGER && value->type != DBF_JSON_NUMBER) return 0;
  double ns = dbf_json_decode_number(value) * 1e6;
  return ns > 0 && ns < 4e18 ? (int64_t)ns : 0;
}

static int64_t took(const dbf_entry *entry) {
  static const char wall[] = "wall_ms";
  dbf_json_value value;
  if (dbf_member_find(entry->text, entry->members, entry->count, wall, strlen(wall), &value) &&
      value.type != DBF_JSON_NULL)
    return ns_of(&value);
  return dbf_entry_known(entry, DBF_DURATION_MS, &value) ? ns_of(&value) : 0;
}

int64_t dbf_entry_origin_gap(dbf_gap *gap, const dbf_entry *entry) {
  int64_t end, start, between;
  dbf_gap last = *gap;
  gap->known = end_of(entry, &end);
  if (!gap->known) return DBF_NO_GAP;
  gap->before = end;
  if (!last.known) return DBF_NO_GAP;
  if (__builtin_sub_overflow(end, took(entry), &start)) return 0;
  if (start <= last.before) return 0;
  return __builtin_sub_overflow(start, last.before, &between) ? DBF_NO_GAP : between;
}
