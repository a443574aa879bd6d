#include "salvage.h"

#include <string.h>

const char *dbf_salvage_skip(const char *p, const char *end, bool *nuls) {
  for (; p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n' || *p == '\0'); p++)
    if (*p == '\0') *nuls = true;
  return p;
}

bool dbf_salvage_believes(const dbf_salvage_rule *rule, const dbf_entry *entry) {
  if (entry->len < rule->prefix_len || memcmp(entry->text, rule->prefix, rule->prefix_len) != 0) return false;
  dbf_json_value id;
  if (!rule->session) return true;
  return dbf_entry_known(entry, DBF_SESSION_ID, &id) && id.type == DBF_JSON_STRING &&
         dbf_json_string_is(&id, rule->session, strlen(rule->session));
}

static bool is_escaped(const char *begin, const char *quote) {
  const char *p = quote;
  while (p > begin && p[-1] == '\\') p--;
  return (quote - p) & 1;
}

/* p at a closing quote: the quote that opens the string. Inside a string every quote is escaped. */
static const char *string_start(const char *begin, const char *p) {
  do p = memrchr(begin, '"', (size_t)(p - begin));
  while (p && is_escaped(begin, p));
  return p;
}

/* The only place where an object that ends at `end` can begin: backwards, counting brackets outside strings. */
static const char *object_start(const char *begin, const char *end) {
  size_t level = 0;
  for (const char *p = end; p > begin;) {
    switch (*--p) {
    case '"':
      if (!(p = string_start(begin, p))) return NULL;
      break;
    case '}':
    case ']': level++; break;
    case '{':
    case '[':
      if (level == 0) return NULL;
      if (--level == 0) return *p == '{' ? p : NULL;
      break;
    default:
      if (level == 0) return NULL;
      break;
    }
  }
  return NULL;
}

static const char *trim_end(const char *begin, const char *end) {
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
  return end;
}

/* The whole record that ends the line, begins behind `from` and satisfies the rule. NULL: none. */
static const char *last_record(dbf_entry *scratch, const char *from, const char *end,
                               const dbf_salvage_rule *rule, dbf_scan *status) {
  dbf_json_fault ignored;
  const char *stop = trim_end(from, end);
  const char *p = object_start(from, stop);
  if (!p) return NULL;
  *status = dbf_entry_scan(scratch, p, (size_t)(end - p), rule->foreign, &ignored);
  if (*status != DBF_SCAN_OK || scratch->text + scratch->len != stop) return NULL;
  return dbf_salvage_believes(rule, scratch) ? p : NULL;
}

/* Is the rest of the line, from `p` on, the beginning of one foreign record? Then an object that ends the line is a part
 * of that record, which may well begin as the log's records do. One of ours holds no other of ours. */
static bool is_one_cut_record(const dbf_salvage_rule *rule, const dbf_salvage *found, const char *end) {
  return rule->foreign && found->fault.at >= end;
}

bool dbf_salvage_line(dbf_entry *scratch, const char *text, size_t len, const dbf_salvage_rule *rule,
                      dbf_salvage *result) {
  const char *end = text + len, *p = text, *last = NULL;
  dbf_scan status = DBF_SCAN_OK;
  *result = (dbf_salvage){.last = len};
  for (;;) {
    p = dbf_salvage_skip(p, end, &result->nuls);
    result->broken = (size_t)(p - text);
    if (p == end) return true;
    status = dbf_entry_scan(scratch, p, (size_t)(end - p), rule->foreign, &result->fault);
    if (status == DBF_SCAN_NO_MEMORY) return false;
    if (status == DBF_SCAN_BAD_JSON) break;
    result->records++;
    p = scratch->text + scratch->len;
  }
  if (!is_one_cut_record(rule, result, end)) last = last_record(scratch, p + 1, end, rule, &status);
  if (status == DBF_SCAN_NO_MEMORY) return false;
  if (last) result->last = (size_t)(last - text);
  if (memchr(p, 0, (size_t)((last ? last : end) - p))) result->nuls = true;
  return true;
}
