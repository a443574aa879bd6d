/* entry_scan.h: what is an entry: one scan that validates, finds the members and looks at the types of the known ones.
 * Included once by each json_scan_<set>.c after json_scan_loops.h, so that the string loops are inlined. */
#include "entry.h"
#include "timestamp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
  return dbf_timestamp_of(value, &time);
}

static bool is_integer(const dbf_json_value *value) {
  int64_t ignored;
  if (dbf_json_decode_integer(value, &ignored)) return true;
  return value->type == DBF_JSON_INTEGER && value->end - value->start == 2 && value->start[1] == '0';
}

static bool has_kind(const dbf_json_value *value, dbf_kind wanted) {
  if (value->type == DBF_JSON_NULL) return true;
  switch (wanted) {
  case DBF_KIND_json: return true;
  case DBF_KIND_string: return value->type == DBF_JSON_STRING;
  case DBF_KIND_boolean: return value->type == DBF_JSON_TRUE || value->type == DBF_JSON_FALSE;
  case DBF_KIND_integer: return is_integer(value);
  case DBF_KIND_time: return is_time(value);
  case DBF_KIND_attempts: return value->type == DBF_JSON_ARRAY;
  }
  return false;
}

static void complain(scan *s, const char *complaint, const char *at) {
  if (s->complaint || s->foreign) return;
  s->complaint = complaint;
  s->complaint_at = s->entry->misfit = at;
}

/* ---- Objects --------------------------------------------------------------------------------------------- */

/* A name as it is expected next, with its quotes and colon, and bytes to fill a register. */
typedef struct expected {
  char text[32];
  unsigned len;
} expected;

#define EXPECT(name) {"\"" #name "\":", sizeof "\"" #name "\":" - 1},

/* Entries are nearly always written in this order, attempts too: one comparison then replaces the scan of a name and
 * the search for its field. Nothing is expected after the last one. */
static const expected expected_fields[DBF_KNOWN_COUNT + 1] = {
#define DBF_ENTRY_FIELD(id, letter, name, ...) EXPECT(name)
#include "entry_fields.def"
    {"", 0}};

static const expected expected_in_attempt[DBF_KNOWN_ATTEMPT_COUNT + 1] = {
#define DBF_ATTEMPT_FIELD(id, letter, name, ...) EXPECT(name)
#include "entry_fields.def"
    {"", 0}};

#undef EXPECT

/* Known names by first letter and length: no two share a place (the compiler would warn). In a chain of
 * comparisons the processor would guess wrong at each member that only some entries have. */
#define PLACE(first, len) (((first) + 4 * (len)) % 32)

static const uint8_t field_at[32] = {
#define DBF_ENTRY_FIELD(id, letter, name, ...) [PLACE(letter, sizeof #name - 1)] = DBF_##id + 1,
#include "entry_fields.def"
};

static const uint8_t attempt_field_at[32] = {
#define DBF_ATTEMPT_FIELD(id, letter, name, ...) [PLACE(letter, sizeof #name - 1)] = DBF_##id + 1,
#include "entry_fields.def"
};

/* Which field may have this name, of `len` bytes between quotes at p? -1: none. */
static inline int place_field(const uint8_t *places, const char *p, size_t len) {
  return places[PLACE((unsigned char)p[1], len)] - 1;
}

#undef PLACE

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

/* After a value: the next name, or the byte after the closing brace with *more false. */
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

/* Which known field has the name of `len` bytes between quotes at p? 32 bytes can be read there. */
static inline int find_field(const char *p, size_t len, const uint8_t *places, const expected *names) {
  int field = place_field(places, p, len);
  return field >= 0 && starts(p, names[field].text, names[field].len - 1) ? field : -1;
}

/* The field of a name as it stands in the text; an escaped one is decoded first. Out of line, where most entries never
 * come: inlined twice it made the loops around it 4 % slower. */
__attribute__((noinline)) static int field_of(const dbf_json_value *name, const uint8_t *places,
                                              const expected *names) {
  if (!name->escaped) return find_field(name->start, (size_t)(name->end - name->start) - 2, places, names);
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_bytes_append_char(&decoded, '"');
  dbf_json_decode_string(name, &decoded);
  dbf_bytes_append_char(&decoded, '"');
  int field = decoded.failed ? -1 : find_field(decoded.data, decoded.len - 2, places, names);
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
  assert(name->start >= text && name->start < name->end && name->end < value->start);
  assert(value->start < value->end && value->end <= s->end);
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
  assert(field >= 0 && field < DBF_KNOWN_ATTEMPT_COUNT);
  if (known[field]) e->duplicate_key = true;
  known[field] = nth < DBF_FAR ? (uint8_t)nth : DBF_FAR;
}

/* The last of e->members is this field. */
static inline void know(dbf_entry *e, int field) {
  assert(field >= 0 && field < DBF_KNOWN_COUNT);
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
  assert(start < end && first <= e->nested_count);
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
    else field = field_of(&name, attempt_field_at, expected_in_attempt);
    if (!(p = scan_value(at, s->end, 3, &value, s->fault))) return NULL;
    dbf_entry *e = s->entry;
    add_member(s, &e->nested, &e->nested_count, &e->nested_cap, &name, &value);
    if (field < 0) {
      note_name(s, &s->entry->attempt_names, &name);
    } else {
      know_in_attempt(e, known, field, first);
      if (!has_kind(&value, dbf_attempt_fields[field].kind))
        complain(s, dbf_attempt_fields[field].complaint, value.start);
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
      if (p && value.type != DBF_JSON_NULL) complain(s, dbf_entry_fields[DBF_ATTEMPTS].complaint, start);
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
  else *last = field_of(&name, field_at, expected_fields);
  int field = *last;
  p = at;
  if (field == DBF_ATTEMPTS) s->entry->attempt_count = s->entry->nested_count = 0;
  if (field == DBF_ATTEMPTS && *p == '[' && !s->foreign) {
    p = scan_attempts(s, p, &value);
  } else {
    p = scan_value(p, s->end, 1, &value, s->fault);
    if (p && field >= 0 && !s->foreign && !has_kind(&value, dbf_entry_fields[field].kind))
      complain(s, dbf_entry_fields[field].complaint, value.start);
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
  entry->misfit = NULL;
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
  assert(entry->text + entry->len <= text + len);
  if (!s.complaint) return DBF_SCAN_OK;
  fault->what = s.complaint;
  fault->at = s.complaint_at;
  return DBF_SCAN_BAD_ENTRY;
}
