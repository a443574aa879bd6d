/* An entry's members and known fields. The scan itself is in entry_kernel.h. */
#include "entry.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[DBF_KNOWN_COUNT] = {"session_id",   "timestamp",  "skill",      "phase",
                                                   "project_root", "input",      "attempts",   "final_status",
                                                   "file_path",    "model_used", "duration_ms"};

static const char *const attempt_names[DBF_KNOWN_ATTEMPT_COUNT] = {"attempt", "model", "output_summary",
                                                                   "runner_output", "verified"};

const char *dbf_known_name(dbf_known field) {
  return names[field];
}

const char *dbf_known_attempt_name(dbf_known_attempt field) {
  return attempt_names[field];
}

void dbf_entry_init(dbf_entry *entry) {
  *entry = (dbf_entry){0};
  entry->kernel = dbf_json_kernel_best();
  dbf_keyset_init(&entry->names);
  dbf_keyset_init(&entry->attempt_names);
}

void dbf_entry_release(dbf_entry *entry) {
  free(entry->members);
  free(entry->attempts);
  free(entry->nested);
  free(entry->marks.backslashes);
  dbf_keyset_release(&entry->names);
  dbf_keyset_release(&entry->attempt_names);
  *entry = (dbf_entry){0};
}

bool dbf_member_find(const char *text, const dbf_member *members, uint32_t count, const char *name,
                     size_t len, dbf_json_value *value) {
  for (const dbf_member *m = members + count; m-- > members;) {
    dbf_json_value key = {text + m->key, text + m->key_end, DBF_JSON_STRING, m->key_escaped};
    if (!m->key_escaped && m->key_end - m->key != len + 2) continue;
    if (!dbf_json_string_is(&key, name, len)) continue;
    *value = (dbf_json_value){text + m->value, text + m->value_end, m->type, m->value_escaped};
    return true;
  }
  return false;
}

dbf_json_value dbf_entry_value(const dbf_entry *entry, uint32_t i) {
  const dbf_member *m = &entry->members[i];
  return (dbf_json_value){entry->text + m->value, entry->text + m->value_end, m->type, m->value_escaped};
}

bool dbf_entry_known(const dbf_entry *entry, dbf_known field, dbf_json_value *value) {
  if (!entry->known[field]) return false;
  *value = dbf_entry_value(entry, entry->known[field] - 1);
  return true;
}

bool dbf_entry_names(const dbf_entry *entry, const char *id) {
  dbf_json_value value;
  if (!dbf_entry_known(entry, DBF_SESSION_ID, &value) || value.type == DBF_JSON_NULL) return true;
  return value.type == DBF_JSON_STRING && dbf_json_string_is(&value, id, strlen(id));
}

dbf_scan dbf_entry_scan(dbf_entry *entry, const char *text, size_t len, bool foreign, dbf_json_fault *fault) {
  return (dbf_scan)entry->kernel->scan_entry(entry, text, len, foreign, fault);
}
