/* entry_scan.h: what is an entry: one scan that validates, finds the members and looks at the types of the known ones.
 * Included once by each json_scan_<set>.c behind json_scan_kernel.h, so that the string loops are inlined. */
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
} attempt_fields[DBF_KNOWN_ATTEMPT_COUNT] = {
    {"attempt", INTEGER, "attempts[].attempt is not a 64-bit integer"},
    {"model", STRING, "attempts[].model is not a string"},
    {"output_summary", STRING, "attempts[].output_summary is not a string"},
    {"runner_output", STRING, "attempts[].runner_output is not a string"},
    {"verified", BOOLEAN, "attempts[].verified is not true or false"},
};

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

/* A name as it is expected next, with its quotes and colon, and bytes to fill a register. */
typedef struct expected {
  char text[32];
  unsigned len;
} expected;

#define EXPECT(name) \
  { "\"" name "\":", sizeof "\"" name "\":" - 1 }

/* Entries are nearly always written in this order, attempts too: one comparison then replaces the scan of a name and the
 * search for its field. Behind the last one nothing is expected. */
static const expected expected_fields[DBF_KNOWN_COUNT + 1] = {
    EXPECT("session_id"),   EXPECT("timestamp"),  EXPECT("skill"),       EXPECT("phase"),
    EXPECT("project_root"), EXPECT("input"),      EXPECT("attempts"),    EXPECT("final_status"),
    EXPECT("file_path"),    EXPECT("model_used"), EXPECT("duration_ms"), {"", 0}};

static const expected expected_in_attempt[DBF_KNOWN_ATTEMPT_COUNT + 1] = {
    EXPECT("attempt"),       EXPECT("model"),    EXPECT("output_summary"),
    EXPECT("runner_output"), EXPECT("verified"), {"", 0}};

#undef EXPECT

/* Is the expected name at p? Then it is the result's name, and the first byte of its value is returned. */
static inline const char *scan_expected(const char *p, const char *end, const expected *e,
                                        dbf_json_value *name) {
  if (e->len == 0 || !starts(p, e->text, e->len)) return NULL;
  *name = (dbf_json_value){p, p + e->len - 1, DBF_JSON_STRING, false};
  return skip_space(p + e->len, end);
}

/* "name": and the white space around it. */
static const char *scan_name(scan *s, const char *p, dbf_json_value *name) {
  if (*p != '"')
    return fail(s->fault, p >= s->end ? "the text ends inside an object" : "expected a member name", p);
  name->start = p;
  name->type = DBF_JSON_STRING;
  if (!(p = scan_string(p, s->end, &name->escaped, s->fault))) return NULL;
  name->end = p;
  p = skip_space(p, s->end);
  if (*p != ':') return fail(s->fault, "expected ':'", p);
  return skip_space(p + 1, s->end);
}

/* Behind a value: the next name, or the byte behind the closing brace with *more false. */
static const char *scan_comma(scan *s, const char *p, char close, bool *more) {
  p = skip_space(p, s->end);
  *more = *p == ',';
  if (*more) return skip_space(p + 1, s->end);
  if (*p == close) return p + 1;
  if (p >= s->end)
    return fail(s->fault, close == '}' ? "the text ends inside an object" : "the text ends inside an array",
                p);
  return fail(s->fault, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'", p);
}

static void note_name(scan *s, dbf_keyset *names, const dbf_json_value *name) {
  switch (dbf_keyset_add(names, name)) {
  case DBF_KEYSET_NEW: break;
  case DBF_KEYSET_THERE: s->entry->duplicate_key = true; break;
  case DBF_KEYSET_NO_MEMORY: s->no_memory = true; break;
  }
}

/* Comparing with a literal of known length is one or two loads. */
#define IS(literal) (memcmp(p, literal, sizeof literal - 1) == 0)

static inline int find_attempt_field(const char *p, size_t len) {
  switch (len) {
  case 5: return IS("model") ? DBF_MODEL : -1;
  case 7: return IS("attempt") ? DBF_ATTEMPT : -1;
  case 8: return IS("verified") ? DBF_VERIFIED : -1;
  case 13: return IS("runner_output") ? DBF_RUNNER_OUTPUT : -1;
  case 14: return IS("output_summary") ? DBF_OUTPUT_SUMMARY : -1;
  default: return -1;
  }
}

/* Which known field has this name? */
static inline int find_field(const char *p, size_t len) {
  switch (len) {
  case 5: return IS("skill") ? DBF_SKILL : IS("phase") ? DBF_PHASE : IS("input") ? DBF_INPUT : -1;
  case 8: return IS("attempts") ? DBF_ATTEMPTS : -1;
  case 9: return IS("timestamp") ? DBF_TIMESTAMP : IS("file_path") ? DBF_FILE_PATH : -1;
  case 10: return IS("session_id") ? DBF_SESSION_ID : IS("model_used") ? DBF_MODEL_USED : -1;
  case 11: return IS("duration_ms") ? DBF_DURATION_MS : -1;
  case 12: return IS("final_status") ? DBF_FINAL_STATUS : IS("project_root") ? DBF_PROJECT_ROOT : -1;
  default: return -1;
  }
}

#undef IS

/* The field of a name as it stands in the text; an escaped one is decoded first. */
static int field_of(const dbf_json_value *name, int (*find)(const char *, size_t)) {
  if (!name->escaped) return find(name->start + 1, (size_t)(name->end - name->start) - 2);
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(name, &decoded);
  int field = decoded.failed || !decoded.len ? -1 : find(decoded.data, decoded.len);
  dbf_bytes_release(&decoded);
  return field;
}

static bool grow(dbf_member **members, uint32_t *cap) {
  uint32_t more = *cap ? *cap * 2 : 32;
  dbf_member *grown = realloc(*members, more * sizeof *grown);
  if (!grown) return false;
  *members = grown;
  *cap = more;
  return true;
}

static inline void add_member(scan *s, dbf_member **members, uint32_t *count, uint32_t *cap,
                              const dbf_json_value *name, const dbf_json_value *value) {
  const char *text = s->entry->text;
  if (*count == *cap && !grow(members, cap)) {
    s->no_memory = true;
    return;
  }
  (*members)[(*count)++] = (dbf_member){(uint32_t)(name->start - text),
                                        (uint32_t)(name->end - text),
                                        (uint32_t)(value->start - text),
                                        (uint32_t)(value->end - text),
                                        value->type,
                                        name->escaped,
                                        value->escaped};
}

static bool grow_attempts(dbf_entry *e) {
  uint32_t cap = e->attempt_cap ? e->attempt_cap * 2 : 8;
  dbf_attempt *grown = realloc(e->attempts, cap * sizeof *grown);
  if (!grown) return false;
  e->attempts = grown;
  e->attempt_cap = cap;
  return true;
}

/* The last of e->nested is this field of the attempt whose members begin at nested[first]. */
static inline void know_in_attempt(dbf_entry *e, uint8_t *known, int field, uint32_t first) {
  uint32_t nth = e->nested_count - first;
  if (known[field]) e->duplicate_key = true;
  known[field] = nth < DBF_FAR ? (uint8_t)nth : DBF_FAR;
}

/* The last of e->members is this field. */
static inline void know(dbf_entry *e, int field) {
  if (e->known[field]) e->duplicate_key = true;
  e->known[field] = e->count;
}

/* Note the element of attempts that stands at start..end and whose members are nested[first..]. */
static void add_attempt(scan *s, const char *start, const char *end, uint32_t first, const uint8_t *known) {
  dbf_entry *e = s->entry;
  if (e->attempt_count == e->attempt_cap && !grow_attempts(e)) {
    s->no_memory = true;
    return;
  }
  dbf_attempt *a = &e->attempts[e->attempt_count++];
  *a = (dbf_attempt){
      (uint32_t)(start - e->text), (uint32_t)(end - e->text), first, e->nested_count - first, {0}};
  memcpy(a->known, known, sizeof a->known);
}

/* One attempt, p at its '{'; `known` is all 0. */
static const char *scan_attempt(scan *s, const char *p, uint8_t *known) {
  uint32_t first = s->entry->nested_count;
  int field = -1;
  bool more = true;
  dbf_keyset_clear(&s->entry->attempt_names);
  p = skip_space(p + 1, s->end);
  if (*p == '}') return p + 1;
  while (more) {
    dbf_json_value name, value;
    const char *at = scan_expected(p, s->end, &expected_in_attempt[field + 1], &name);
    if (at) field++;
    else if (!(at = scan_name(s, p, &name))) return NULL;
    else field = field_of(&name, find_attempt_field);
    if (!(p = scan_value(at, s->end, 3, &value, s->fault))) return NULL;
    dbf_entry *e = s->entry;
    add_member(s, &e->nested, &e->nested_count, &e->nested_cap, &name, &value);
    if (field < 0) {
      note_name(s, &s->entry->attempt_names, &name);
    } else {
      know_in_attempt(e, known, field, first);
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
    uint32_t first = s->entry->nested_count;
    uint8_t known[sizeof s->entry->attempts->known] = {0};
    if (*p == '{') {
      p = scan_attempt(s, p, known);
    } else {
      p = scan_value(p, s->end, 2, &value, s->fault);
      if (p && value.type != DBF_JSON_NULL) complain(s, fields[DBF_ATTEMPTS].complaint, start);
    }
    if (!p) return NULL;
    add_attempt(s, start, p, first, known);
    if (!(p = scan_comma(s, p, ']', &more))) return NULL;
  }
  return list->end = p;
}

/* One member of the top level. *last is the field of the one before, and becomes this one's. */
static const char *scan_member(scan *s, const char *p, int *last) {
  dbf_json_value name, value;
  const char *at = scan_expected(p, s->end, &expected_fields[*last + 1], &name);
  if (at) ++*last;
  else if (!(at = scan_name(s, p, &name))) return NULL;
  else *last = field_of(&name, find_field);
  int field = *last;
  p = at;
  if (field == DBF_ATTEMPTS) s->entry->attempt_count = s->entry->nested_count = 0;
  if (field == DBF_ATTEMPTS && *p == '[' && !s->foreign) {
    p = scan_attempts(s, p, &value);
  } else {
    p = scan_value(p, s->end, 1, &value, s->fault);
    if (p && field >= 0 && !s->foreign && !has_kind(&value, fields[field].kind))
      complain(s, fields[field].complaint, value.start);
  }
  if (!p) return NULL;
  dbf_entry *e = s->entry;
  add_member(s, &e->members, &e->count, &e->cap, &name, &value);
  if (field < 0) {
    note_name(s, &s->entry->names, &name);
  } else {
    know(e, field);
  }
  return p;
}

static const char *scan_object(scan *s, const char *p) {
  bool more = true;
  int last = -1;
  p = skip_space(p + 1, s->end);
  if (*p == '}') return p + 1;
  while (more)
    if (!(p = scan_member(s, p, &last)) || !(p = scan_comma(s, p, '}', &more))) return NULL;
  return p;
}

#ifdef HAS_MARKS
#include "entry_marks.h"
#else
static bool scan_marked(scan *s, size_t len) {
  (void)s, (void)len;
  return false;
}
#endif

static void begin(dbf_entry *entry, const char *text) {
  entry->text = text;
  entry->len = 0;
  entry->count = entry->attempt_count = entry->nested_count = 0;
  entry->duplicate_key = false;
  memset(entry->known, 0, sizeof entry->known);
  dbf_keyset_clear(&entry->names);
}

static int scan_entry(dbf_entry *entry, const char *text, size_t len, bool foreign, dbf_json_fault *fault) {
  scan s = {entry, text + len, foreign, false, NULL, NULL, fault};
  const char *p = skip_space(text, s.end);
  *fault = (dbf_json_fault){0};
  begin(entry, p);
  if (scan_marked(&s, (size_t)(s.end - p))) return DBF_SCAN_OK;
  s.no_memory = false;
  begin(entry, p);
  if (*p == '{') {
    p = scan_object(&s, p);
  } else {
    dbf_json_value value;
    p = scan_value(p, s.end, 0, &value, fault);
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
