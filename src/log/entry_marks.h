/* entry_marks.h: the scan of entry_scan.h along the marks of json_marks.h, for entries as they nearly always are:
 * compact, not too long, and right. It finds what the other scan finds, or stops and leaves the entry to the other. */

/* A walk along the marks of a text: `at` is the next one. */
typedef struct walk {
  scan *s;
  const char *text;
  const dbf_marks *marks;
  const uint16_t *at;
} walk;

/* ---- Values ------------------------------------------------------------------------------------------------ */

/* Does a backslash stand in from..to? */
static inline bool has_backslash(const dbf_marks *m, uint32_t from, uint32_t to) {
  if (!m->any_backslash) return false;
  uint32_t word = from / 64, last = to / 64;
  uint64_t bits = m->backslashes[word] & ~(uint64_t)0 << from % 64;
  for (; word < last; bits = m->backslashes[++word])
    if (bits) return true;
  return (bits & (((uint64_t)1 << to % 64) - 1)) != 0;
}

/* Is p..end a number? */
static inline bool is_number(const char *p, const char *end, uint8_t *type) {
  size_t len = (size_t)(end - p);
  if (len <= 32 && *p >= '1' && *p <= '9') {
    uint64_t other = ~digits(p) & (((uint64_t)1 << len) - 1);
    *type = other ? DBF_JSON_NUMBER : DBF_JSON_INTEGER;
    if (!other) return true;
    const char *point = p + __builtin_ctzll(other);
    if (*point == '.' && !(other & (other - 1)) && point + 1 < end) return true;
  }
  dbf_json_fault ignored;
  return scan_number(p, type, &ignored) == end;
}

/* Is p..end a number or a word, and nothing else? */
static inline bool is_scalar(const char *p, const char *end, uint8_t *type) {
  switch (*p) {
  case 't': *type = DBF_JSON_TRUE; return end - p == 4 && memcmp(p, "true", 4) == 0;
  case 'f': *type = DBF_JSON_FALSE; return end - p == 5 && memcmp(p, "false", 5) == 0;
  case 'n': *type = DBF_JSON_NULL; return end - p == 4 && memcmp(p, "null", 4) == 0;
  default: return is_number(p, end, type);
  }
}

/* Pass a container, `at` its opening mark: the mark that closes it, or NULL. The grammar is that of scan_container. */
static const uint16_t *pass_container(const char *text, const uint16_t *at, unsigned depth) {
  nesting stack;
  bool object;
  uint8_t ignored;
  stack.level = 0;
open:
  if (stack.level + depth >= DBF_JSON_DEPTH) return NULL;
  object = text[*at] == '{';
  nest(&stack, object);
  if (text[*at + 1] == (object ? '}' : ']')) {
    at++;
    goto close;
  }
value: /* at: the mark before a member or element */
  if (object && (text[*at + 1] != '"' || text[*++at] != ':')) return NULL;
  const char *p = text + *at++ + 1;
  if (*p == '{' || *p == '[') goto open;
  if (*p != '"' && !is_scalar(p, text + *at, &ignored)) return NULL;
after:
  if (text[*at] == ',') goto value;
  if (text[*at] != (object ? '}' : ']')) return NULL;
close:
  if (--stack.level == 0) return at;
  at++;
  if (at[0] != at[-1] + 1) return NULL;
  object = in_object(&stack);
  goto after;
}

/* The value after the mark w->at, into m; then w->at is the mark after it. */
static inline bool walk_value(walk *w, dbf_member *m, unsigned depth) {
  uint32_t from = *w->at++ + 1u, to = *w->at;
  const char *p = w->text + from;
  m->value = from;
  m->value_end = to;
  if (*p == '"') {
    m->type = DBF_JSON_STRING;
    m->value_escaped = has_backslash(w->marks, from, to);
    return true;
  }
  if (*p != '{' && *p != '[') return is_scalar(p, w->text + to, &m->type);
  m->type = *p == '{' ? DBF_JSON_OBJECT : DBF_JSON_ARRAY;
  const uint16_t *close = pass_container(w->text, w->at, depth);
  if (!close || close[1] != close[0] + 1) return false;
  m->value_end = *close + 1u;
  w->at = close + 1;
  return true;
}

/* ---- Members ----------------------------------------------------------------------------------------------- */

/* The name after the mark w->at, without escapes, into m; then w->at is its colon. *field: its field, or -1. */
static inline bool walk_name(walk *w, dbf_member *m, const uint8_t *places, const expected *names,
                             int *field) {
  uint32_t from = *w->at++ + 1u, to = *w->at;
  const char *p = w->text + from;
  *m = (dbf_member){.key = from, .key_end = to};
  *field = place_field(places, p, to - from - 2);
  if (*field >= 0 && starts(p, names[*field].text, names[*field].len)) return true;
  *field = -1;
  return *p == '"' && w->text[to] == ':' && !has_backslash(w->marks, from, to);
}

/* Is it 2026-11-22T21:57:01.5Z or the like, on a day that every month has? */
static inline bool is_usual_time(const char *p, size_t len) {
  enum { DATE = 0x6db6f }; /* where the 19 bytes of date and time have digits */
  uint64_t digit = digits(p);
  bool shaped = len >= 20 && len <= 30 && (digit & ((1u << 19) - 1)) == DATE && p[4] == '-' && p[7] == '-' &&
                p[10] == 'T' && p[13] == ':' && p[16] == ':' && p[len - 1] == 'Z';
  if (!shaped ||
      (len > 20 && (len == 21 || p[19] != '.' || (~digit >> 20 & (((uint64_t)1 << (len - 21)) - 1)))))
    return false;
#define TWO(at) ((p[at] - '0') * 10 + p[at + 1] - '0')
  int month = TWO(5), day = TWO(8);
  return month >= 1 && month <= 12 && day >= 1 && day <= 28 && TWO(11) <= 23 && TWO(14) <= 59 &&
         TWO(17) <= 59;
#undef TWO
}

/* Has the value the type its field asks for? False: perhaps not. */
static inline bool suits(const char *text, const dbf_member *m, dbf_kind wanted) {
  enum { BOOLEANS = 1 << DBF_JSON_TRUE | 1 << DBF_JSON_FALSE };
  static const uint16_t types[] = {[DBF_KIND_json] = 0xffff,
                                   [DBF_KIND_string] = 1 << DBF_JSON_STRING,
                                   [DBF_KIND_integer] = 1 << DBF_JSON_INTEGER,
                                   [DBF_KIND_boolean] = BOOLEANS,
                                   [DBF_KIND_time] = 1 << DBF_JSON_STRING,
                                   [DBF_KIND_attempts] = 1 << DBF_JSON_ARRAY};
  if (!((types[wanted] | 1 << DBF_JSON_NULL) >> m->type & 1)) return false;
  if (wanted == DBF_KIND_integer) return m->value_end - m->value <= 18;
  if (wanted != DBF_KIND_time || m->type == DBF_JSON_NULL) return true;
  dbf_json_value value = {text + m->value, text + m->value_end, m->type, m->value_escaped};
  return is_usual_time(value.start + 1, m->value_end - m->value - 2) || is_time(&value);
}

static void note_member(walk *w, dbf_keyset *names, const dbf_member *m) {
  dbf_json_value name = {w->text + m->key, w->text + m->key_end, DBF_JSON_STRING, false};
  note_name(w->s, names, &name);
}

/* One attempt, w->at its opening brace; then w->at is the mark that closes it. */
static bool walk_attempt(walk *w, dbf_attempt *a) {
  dbf_entry *e = w->s->entry;
  int field;
  *a = (dbf_attempt){.start = *w->at, .first = e->nested_count};
  dbf_keyset_clear(&e->attempt_names);
  if (w->text[*w->at + 1] == '}') w->at++;
  else do {
      assert(e->nested_count < e->nested_cap && w->at <= w->marks->at + w->marks->count);
      dbf_member *m = &e->nested[e->nested_count++];
      if (!walk_name(w, m, attempt_field_at, expected_in_attempt, &field)) return false;
      if (!walk_value(w, m, 3)) return false;
      if (field < 0) note_member(w, &e->attempt_names, m);
      else if (!suits(w->text, m, dbf_attempt_fields[field].kind)) return false;
      else know_in_attempt(e, a->known, field, a->first);
    } while (w->text[*w->at] == ',');
  a->end = *w->at + 1u;
  a->count = e->nested_count - a->first;
  return w->text[*w->at] == '}';
}

/* The attempts after the colon w->at; then w->at is the mark after them. */
static bool walk_attempts(walk *w, dbf_member *m) {
  dbf_entry *e = w->s->entry;
  e->attempt_count = e->nested_count = 0;
  m->value = *w->at++ + 1u;
  m->type = DBF_JSON_ARRAY;
  if (w->text[*w->at + 1] == ']') w->at++;
  else do {
      if (w->text[*w->at++ + 1] != '{' || !walk_attempt(w, &e->attempts[e->attempt_count++])) return false;
      w->at++;
      if (w->at[0] != w->at[-1] + 1) return false;
    } while (w->text[*w->at] == ',');
  m->value_end = *w->at + 1u;
  w->at++;
  return w->text[w->at[-1]] == ']' && w->at[0] == w->at[-1] + 1;
}

/* The members of the entry; false: nothing is known about it. */
static bool walk_entry(walk *w) {
  dbf_entry *e = w->s->entry;
  int field;
  if (w->text[0] != '{' || w->text[1] == '}') return false;
  do {
    assert(e->count < e->cap && w->at <= w->marks->at + w->marks->count);
    dbf_member *m = &e->members[e->count++];
    if (!walk_name(w, m, field_at, expected_fields, &field)) return false;
    bool attempts = field == DBF_ATTEMPTS && w->text[*w->at + 1] == '[';
    if (!(attempts ? walk_attempts(w, m) : walk_value(w, m, 1))) return false;
    if (field < 0) note_member(w, &e->names, m);
    else if (!suits(w->text, m, dbf_entry_fields[field].kind)) return false;
    else know(e, field);
  } while (w->text[*w->at] == ',');
  e->len = *w->at + (size_t)1;
  return w->text[*w->at] == '}' && !w->s->no_memory;
}

/* Room for all members and attempts there can be: each has at least two marks. */
static bool reserve_members(dbf_entry *e) {
  uint32_t most = e->marks.count / 2 + 1;
  while (e->cap < most)
    if (!grow(&e->members, &e->cap)) return false;
  while (e->nested_cap < most)
    if (!grow(&e->nested, &e->nested_cap)) return false;
  while (e->attempt_cap < most)
    if (!grow_attempts(e)) return false;
  return true;
}

static bool scan_marked(scan *s, size_t len) {
  dbf_entry *e = s->entry;
  if (len >= MARKED || s->foreign || !mark_text(&e->marks, e->text, len) || !reserve_members(e)) return false;
  return walk_entry(&(walk){s, e->text, &e->marks, e->marks.at});
}
