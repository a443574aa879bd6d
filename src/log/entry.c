/* What is an entry: one scan that validates, finds the members and looks at the types of the known ones. */
#include "entry.h"
#include "timestamp.h"

#include <stdlib.h>
#include <string.h>

typedef enum kind { ANY, STRING, INTEGER, BOOLEAN, TIME, ATTEMPTS } kind;

static const struct {
  const char *name;
  kind kind;
  const char *complaint;
} fields[DBF_KNOWN_COUNT] = {
    {"session_id", STRING, "session_id is not a string"},
    {"timestamp", TIME, "timestamp is not an RFC 3339 time"},
    {"skill", STRING, "skill is not a string"},
    {"phase", STRING, "phase is not a string"},
    {"project_root", STRING, "project_root is not a string"},
    {"input", ANY, NULL},
    {"attempts", ATTEMPTS, "attempts is not an array of objects"},
    {"final_status", STRING, "final_status is not a string"},
    {"file_path", STRING, "file_path is not a string"},
    {"model_used", STRING, "model_used is not a string"},
    {"duration_ms", INTEGER, "duration_ms is not a 64-bit integer"},
};

static const struct {
  const char *name;
  kind kind;
  const char *complaint;
} attempt_fields[] = {
    {"attempt", INTEGER, "attempts[].attempt is not a 64-bit integer"},
    {"model", STRING, "attempts[].model is not a string"},
    {"output_summary", STRING, "attempts[].output_summary is not a string"},
    {"runner_output", STRING, "attempts[].runner_output is not a string"},
    {"verified", BOOLEAN, "attempts[].verified is not true or false"},
};

enum { ATTEMPT_FIELDS = sizeof attempt_fields / sizeof *attempt_fields };

/* A scan under way. `complaint` is the first reason why valid JSON is not an entry. */
typedef struct scan {
  dbf_entry *entry;
  const char *end;
  bool foreign;
  bool no_memory;
  const char *complaint;
  const char *complaint_at;
  dbf_json_fault *fault;
} scan;

const char *dbf_known_name(dbf_known field) {
  return fields[field].name;
}

void dbf_entry_init(dbf_entry *entry) {
  *entry = (dbf_entry){0};
  entry->kernel = dbf_json_kernel_best();
  dbf_keyset_init(&entry->names);
  dbf_keyset_init(&entry->attempt_names);
}

void dbf_entry_release(dbf_entry *entry) {
  free(entry->members);
  dbf_keyset_release(&entry->names);
  dbf_keyset_release(&entry->attempt_names);
  *entry = (dbf_entry){0};
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

/* ---- Types ----------------------------------------------------------------------------------------------- */

static bool is_time(const dbf_json_value *value) {
  debrief_time time;
  if (value->type != DBF_JSON_STRING) return false;
  if (!value->escaped)
    return dbf_timestamp_parse(value->start + 1, (size_t)(value->end - value->start) - 2, &time);
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(value, &decoded);
  bool ok = !decoded.failed && decoded.len && dbf_timestamp_parse(decoded.data, decoded.len, &time);
  dbf_bytes_release(&decoded);
  return ok;
}

static bool is_integer(const dbf_json_value *value) {
  int64_t ignored;
  if (dbf_json_decode_integer(value, &ignored)) return true;
  return value->type == DBF_JSON_INTEGER && value->end - value->start == 2 && value->start[1] == '0';
}

static bool has_kind(const dbf_json_value *value, kind wanted) {
  if (value->type == DBF_JSON_NULL) return true;
  switch (wanted) {
  case ANY: return true;
  case STRING: return value->type == DBF_JSON_STRING;
  case BOOLEAN: return value->type == DBF_JSON_TRUE || value->type == DBF_JSON_FALSE;
  case INTEGER: return is_integer(value);
  case TIME: return is_time(value);
  case ATTEMPTS: return value->type == DBF_JSON_ARRAY;
  }
  return false;
}

static void complain(scan *s, const char *complaint, const char *at) {
  if (s->complaint || s->foreign) return;
  s->complaint = complaint;
  s->complaint_at = at;
}

/* ---- Objects --------------------------------------------------------------------------------------------- */

static inline const char *skip_space(const char *p, const char *end) {
  while ((unsigned char)*p <= ' ' && p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
  return p;
}

static const char *fail(scan *s, const char *what, const char *at) {
  s->fault->what = what;
  s->fault->at = at;
  return NULL;
}

/* "name": and the white space around it. */
static const char *scan_name(scan *s, const char *p, dbf_json_value *name) {
  if (*p != '"') return fail(s, p >= s->end ? "the text ends inside an object" : "expected a member name", p);
  name->start = p;
  name->type = DBF_JSON_STRING;
  if (!(p = s->entry->kernel->scan_string(p, s->end, &name->escaped, s->fault))) return NULL;
  name->end = p;
  p = skip_space(p, s->end);
  if (*p != ':') return fail(s, "expected ':'", p);
  return skip_space(p + 1, s->end);
}

/* Behind a value: the next name, or the byte behind the closing brace with *more false. */
static const char *scan_comma(scan *s, const char *p, char close, bool *more) {
  p = skip_space(p, s->end);
  *more = *p == ',';
  if (*more) return skip_space(p + 1, s->end);
  if (*p == close) return p + 1;
  if (p >= s->end)
    return fail(s, close == '}' ? "the text ends inside an object" : "the text ends inside an array", p);
  return fail(s, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'", p);
}

static void note_name(scan *s, dbf_keyset *names, const dbf_json_value *name) {
  switch (dbf_keyset_add(names, name)) {
  case DBF_KEYSET_NEW: break;
  case DBF_KEYSET_THERE: s->entry->duplicate_key = true; break;
  case DBF_KEYSET_NO_MEMORY: s->no_memory = true; break;
  }
}

static int find_attempt_field(const dbf_json_value *name) {
  for (int i = 0; i < ATTEMPT_FIELDS; i++)
    if (dbf_json_string_is(name, attempt_fields[i].name, strlen(attempt_fields[i].name))) return i;
  return -1;
}

/* One attempt, p at its '{'. */
static const char *scan_attempt(scan *s, const char *p) {
  unsigned seen = 0;
  bool more = true;
  dbf_keyset_clear(&s->entry->attempt_names);
  p = skip_space(p + 1, s->end);
  if (*p == '}') return p + 1;
  while (more) {
    dbf_json_value name, value;
    if (!(p = scan_name(s, p, &name))) return NULL;
    if (!(p = s->entry->kernel->scan_value(p, s->end, 3, &value, s->fault))) return NULL;
    int field = find_attempt_field(&name);
    if (field < 0) {
      note_name(s, &s->entry->attempt_names, &name);
    } else {
      if (seen & 1u << field) s->entry->duplicate_key = true;
      seen |= 1u << field;
      if (!has_kind(&value, attempt_fields[field].kind))
        complain(s, attempt_fields[field].complaint, value.start);
    }
    if (!(p = scan_comma(s, p, '}', &more))) return NULL;
  }
  return p;
}

/* The attempts, p at the '['. */
static const char *scan_attempts(scan *s, const char *p, dbf_json_value *list) {
  bool more = true;
  *list = (dbf_json_value){p, NULL, DBF_JSON_ARRAY, false};
  p = skip_space(p + 1, s->end);
  if (*p == ']') return list->end = p + 1;
  while (more) {
    dbf_json_value value;
    const char *start = p;
    if (*p == '{') {
      p = scan_attempt(s, p);
    } else {
      p = s->entry->kernel->scan_value(p, s->end, 2, &value, s->fault);
      if (p && value.type != DBF_JSON_NULL) complain(s, fields[DBF_ATTEMPTS].complaint, start);
    }
    if (!p || !(p = scan_comma(s, p, ']', &more))) return NULL;
  }
  return list->end = p;
}

/* Which known field has this name? By length first: most names are told apart by it. */
static int find_field(const dbf_json_value *name) {
  static const struct {
    signed char a, b, c;
  } by_length[13] = {
      {-1, -1, -1},
      {-1, -1, -1},
      {-1, -1, -1},
      {-1, -1, -1},
      {-1, -1, -1},
      {DBF_SKILL, DBF_PHASE, DBF_INPUT},
      {-1, -1, -1},
      {-1, -1, -1},
      {DBF_ATTEMPTS, -1, -1},
      {DBF_TIMESTAMP, DBF_FILE_PATH, -1},
      {DBF_SESSION_ID, DBF_MODEL_USED, -1},
      {DBF_DURATION_MS, -1, -1},
      {DBF_PROJECT_ROOT, DBF_FINAL_STATUS, -1},
  };
  size_t len = (size_t)(name->end - name->start) - 2;
  if (name->escaped) {
    for (int i = 0; i < DBF_KNOWN_COUNT; i++)
      if (dbf_json_string_is(name, fields[i].name, strlen(fields[i].name))) return i;
    return -1;
  }
  if (len > 12) return -1;
  const signed char *some = &by_length[len].a;
  for (int i = 0; i < 3 && some[i] >= 0; i++)
    if (memcmp(name->start + 1, fields[some[i]].name, len) == 0) return some[i];
  return -1;
}

static bool grow(dbf_entry *entry) {
  uint32_t cap = entry->cap ? entry->cap * 2 : 32;
  dbf_member *members = realloc(entry->members, cap * sizeof *members);
  if (!members) return false;
  entry->members = members;
  entry->cap = cap;
  return true;
}

static bool add_member(scan *s, const dbf_json_value *name, const dbf_json_value *value) {
  dbf_entry *e = s->entry;
  if (e->count == e->cap && !grow(e)) return false;
  dbf_member *m = &e->members[e->count++];
  m->key = (uint32_t)(name->start - e->text);
  m->key_end = (uint32_t)(name->end - e->text);
  m->value = (uint32_t)(value->start - e->text);
  m->value_end = (uint32_t)(value->end - e->text);
  m->type = value->type;
  m->key_escaped = name->escaped;
  m->value_escaped = value->escaped;
  return true;
}

/* One member of the top level. */
static const char *scan_member(scan *s, const char *p) {
  dbf_json_value name, value;
  if (!(p = scan_name(s, p, &name))) return NULL;
  int field = find_field(&name);
  if (field == DBF_ATTEMPTS && *p == '[' && !s->foreign) {
    p = scan_attempts(s, p, &value);
  } else {
    p = s->entry->kernel->scan_value(p, s->end, 1, &value, s->fault);
    if (p && field >= 0 && !s->foreign && !has_kind(&value, fields[field].kind))
      complain(s, fields[field].complaint, value.start);
  }
  if (!p) return NULL;
  if (!add_member(s, &name, &value)) s->no_memory = true;
  if (field < 0) {
    note_name(s, &s->entry->names, &name);
  } else {
    if (s->entry->known[field]) s->entry->duplicate_key = true;
    s->entry->known[field] = s->entry->count;
  }
  return p;
}

static const char *scan_object(scan *s, const char *p) {
  bool more = true;
  p = skip_space(p + 1, s->end);
  if (*p == '}') return p + 1;
  while (more)
    if (!(p = scan_member(s, p)) || !(p = scan_comma(s, p, '}', &more))) return NULL;
  return p;
}

dbf_scan dbf_entry_scan(dbf_entry *entry, const char *text, size_t len, bool foreign, dbf_json_fault *fault) {
  scan s = {entry, text + len, foreign, false, NULL, NULL, fault};
  const char *p = skip_space(text, s.end);
  *fault = (dbf_json_fault){0};
  entry->text = p;
  entry->len = 0;
  entry->count = 0;
  entry->duplicate_key = false;
  memset(entry->known, 0, sizeof entry->known);
  dbf_keyset_clear(&entry->names);
  if (*p == '{') {
    p = scan_object(&s, p);
  } else {
    dbf_json_value value;
    p = entry->kernel->scan_value(p, s.end, 0, &value, fault);
    s.complaint = "not an object";
    s.complaint_at = entry->text;
  }
  if (s.no_memory) return DBF_SCAN_NO_MEMORY;
  if (!p) return DBF_SCAN_BAD_JSON;
  entry->len = (size_t)(p - entry->text);
  if (!s.complaint) return DBF_SCAN_OK;
  fault->what = s.complaint;
  fault->at = s.complaint_at;
  return DBF_SCAN_BAD_ENTRY;
}
