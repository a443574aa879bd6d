/* An entry's members and known fields. The scan itself is in entry_scan.h. */
#include "entry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COMPLAINT_json(name)     NULL
#define COMPLAINT_string(name)   name " is not a string"
#define COMPLAINT_integer(name)  name " is not a 64-bit integer"
#define COMPLAINT_boolean(name)  name " is not true or false"
#define COMPLAINT_time(name)     name " is not an RFC 3339 time"
#define COMPLAINT_attempts(name) name " is not an array of objects"

const dbf_field dbf_entry_fields[DBF_KNOWN_COUNT + 1] = {
#define DBF_ENTRY_FIELD(id, letter, name, kind, ...) {#name, DBF_KIND_##kind, COMPLAINT_##kind(#name)},
#include "entry_fields.def"
    {NULL, DBF_KIND_json, NULL}};

const dbf_field dbf_attempt_fields[DBF_KNOWN_ATTEMPT_COUNT + 1] = {
#define DBF_ATTEMPT_FIELD(id, letter, name, kind, ...) \
  {#name, DBF_KIND_##kind, COMPLAINT_##kind("attempts[]." #name)},
#include "entry_fields.def"
    {NULL, DBF_KIND_json, NULL}};

const char *dbf_kind_name(dbf_kind kind) {
  static const char *const names[] = {
      [DBF_KIND_json] = "json",       [DBF_KIND_string] = "string", [DBF_KIND_integer] = "integer",
      [DBF_KIND_boolean] = "boolean", [DBF_KIND_time] = "time",     [DBF_KIND_attempts] = "attempts"};
  return names[kind];
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

/* From the end, so that of two members with one name the last is found, as in the index of known ones. */
bool dbf_member_find(const char *text, const dbf_member *members, uint32_t count, const char *name,
                     size_t len, dbf_json_value *value) {
  for (const dbf_member *m = members + count; m-- > members;) {
    assert(m->key + 2 <= m->key_end && m->key_end < m->value && m->value < m->value_end);
    dbf_json_value key = {text + m->key, text + m->key_end, DBF_JSON_STRING, m->key_escaped};
    /* most names differ in length already, and one without escapes is as long as it looks */
    if (!m->key_escaped && m->key_end - m->key != len + 2) continue;
    if (!dbf_json_string_is(&key, name, len)) continue;
    *value = (dbf_json_value){text + m->value, text + m->value_end, m->type, m->value_escaped};
    return true;
  }
  return false;
}

dbf_json_value dbf_entry_value(const dbf_entry *entry, uint32_t i) {
  assert(i < entry->count);
  const dbf_member *m = &entry->members[i];
  return (dbf_json_value){entry->text + m->value, entry->text + m->value_end, m->type, m->value_escaped};
}

bool dbf_entry_known(const dbf_entry *entry, dbf_known field, dbf_json_value *value) {
  assert(field < DBF_KNOWN_COUNT && entry->known[field] <= entry->count);
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
  assert((unsigned char)text[len] < 0x20); /* what ends every loop of the kernels */
  return (dbf_scan)entry->kernel->scan_entry(entry, text, len, foreign, fault);
}
