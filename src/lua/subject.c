#include "subject.h"
#include "../log/timestamp.h"

#include <math.h>
#include <string.h>

/* ---- Values -------------------------------------------------------------------------------------------------- */

static dbf_value number_of(const dbf_json_value *json) {
  int64_t integer;
  if (dbf_json_decode_integer(json, &integer)) return dbf_value_integer(integer);
  double number = dbf_json_decode_number(json);
  return (dbf_value){.kind = isfinite(number) ? DBF_FLOAT : DBF_DOUBT, .number = number};
}

dbf_value dbf_value_of(const dbf_json_value *json, dbf_bytes *room) {
  switch (json->type) {
  case DBF_JSON_TRUE: return dbf_value_boolean(true);
  case DBF_JSON_FALSE: return dbf_value_boolean(false);
  case DBF_JSON_INTEGER:
  case DBF_JSON_NUMBER: return number_of(json);
  case DBF_JSON_STRING: break;
  case DBF_JSON_ARRAY:
  case DBF_JSON_OBJECT: return (dbf_value){.kind = DBF_CONTAINER};
  default: return dbf_value_nothing();
  }
  if (!json->escaped) return dbf_value_text(json->start + 1, (size_t)(json->end - json->start) - 2);
  dbf_bytes_clear(room);
  dbf_json_decode_string(json, room);
  return dbf_bytes_reserve(room, 1) ? dbf_value_text(room->data, room->len) : (dbf_value){.kind = DBF_DOUBT};
}

static int compare_mixed(int64_t i, double d) {
  if (d >= 0x1p63) return -1;
  if (d < -0x1p63) return 1;
  int64_t whole = (int64_t)floor(d);
  if (i != whole) return i < whole ? -1 : 1;
  return d > (double)whole ? -1 : 0;
}

int dbf_value_compare(const dbf_value *a, const dbf_value *b) {
  if (a->kind == DBF_INTEGER && b->kind == DBF_INTEGER)
    return (a->integer > b->integer) - (a->integer < b->integer);
  if (a->kind == DBF_INTEGER) return compare_mixed(a->integer, b->number);
  if (b->kind == DBF_INTEGER) return -compare_mixed(b->integer, a->number);
  return (a->number > b->number) - (a->number < b->number);
}

static bool is_number(const dbf_json_value *v) {
  return v->type == DBF_JSON_INTEGER || v->type == DBF_JSON_NUMBER;
}

static bool is_boolean(const dbf_json_value *v) {
  return v->type == DBF_JSON_TRUE || v->type == DBF_JSON_FALSE;
}

/* As Lua adds: integers wrap around, and stay integers until a float comes. */
static void add_number(dbf_value *sum, const dbf_value *more) {
  if (sum->kind == DBF_INTEGER && more->kind == DBF_INTEGER) {
    sum->integer = (int64_t)((uint64_t)sum->integer + (uint64_t)more->integer);
    return;
  }
  double a = sum->kind == DBF_INTEGER ? (double)sum->integer : sum->number;
  double b = more->kind == DBF_INTEGER ? (double)more->integer : more->number;
  *sum = (dbf_value){.kind = isfinite(a + b) ? DBF_FLOAT : DBF_DOUBT, .number = a + b};
}

/* ---- Members -------------------------------------------------------------------------------------------------- */

bool dbf_subject_member(const dbf_entry *e, const char *name, size_t len, dbf_json_value *value) {
  if (e->names.count == 0) return false; /* the entry has known members only */
  return dbf_member_find(e->text, e->members, e->count, name, len, value) && value->type != DBF_JSON_NULL;
}

static bool known_member(const dbf_entry *e, dbf_known field, dbf_json_value *value) {
  return dbf_entry_known(e, field, value) && value->type != DBF_JSON_NULL;
}

bool dbf_subject_in_attempt(const dbf_entry *e, const dbf_attempt *a, int known, const char *name, size_t len,
                            dbf_json_value *value) {
  const dbf_member *members = e->nested + a->first;
  if (known < 0 || a->known[known] == DBF_FAR)
    return dbf_member_find(e->text, members, a->count, name, len, value) && value->type != DBF_JSON_NULL;
  if (a->known[known] == 0) return false;
  const dbf_member *m = members + a->known[known] - 1;
  *value = (dbf_json_value){e->text + m->value, e->text + m->value_end, m->type, m->value_escaped};
  return m->type != DBF_JSON_NULL;
}

static bool is_null(const dbf_entry *e, const dbf_attempt *a) {
  return e->text[a->start] != '{';
}

const dbf_attempt *dbf_subject_next_attempt(const dbf_entry *e, const dbf_attempt *a) {
  const dbf_attempt *end = e->attempts + e->attempt_count;
  for (a = a ? a + 1 : e->attempts; a < end; a++)
    if (!is_null(e, a)) return a;
  return NULL;
}

static bool verified_of(const dbf_entry *e, const dbf_attempt *a, dbf_json_value *value) {
  return dbf_subject_in_attempt(e, a, DBF_VERIFIED, "verified", 8, value);
}

bool dbf_subject_time(const dbf_entry *e, int64_t *ns) {
  dbf_json_value value;
  debrief_time time;
  return dbf_entry_known(e, DBF_TIMESTAMP, &value) && dbf_timestamp_of(&value, &time) &&
         dbf_timestamp_ns(&time, ns);
}

dbf_value dbf_subject_source(const dbf_entry *e, const char *name, dbf_bytes *room) {
  dbf_json_value source, value;
  if (!dbf_subject_member(e, "source", 6, &source) || source.type != DBF_JSON_OBJECT ||
      !dbf_json_find(&source, name, strlen(name), &value) || value.type != DBF_JSON_STRING)
    return dbf_value_nothing();
  dbf_value text = dbf_value_of(&value, room);
  return text.kind == DBF_TEXT && text.len == 0 ? dbf_value_nothing() : text;
}

dbf_value dbf_subject_skill(const dbf_entry *e, dbf_bytes *room, dbf_bytes *piece) {
  dbf_json_value value;
  if (!known_member(e, DBF_SKILL, &value)) return dbf_value_nothing();
  dbf_value name = dbf_value_of(&value, room), plugin = dbf_subject_source(e, "plugin", piece);
  if (plugin.kind == DBF_NOTHING || name.kind != DBF_TEXT) return name;
  if (plugin.kind != DBF_TEXT || name.text == room->data) return (dbf_value){.kind = DBF_DOUBT};
  dbf_bytes_clear(room);
  dbf_bytes_append_char(room, ':');
  dbf_bytes_append(room, plugin.text, plugin.len);
  dbf_bytes_append_char(room, ':');
  dbf_bytes_append(room, name.text, name.len);
  if (room->failed) return (dbf_value){.kind = DBF_DOUBT};
  return dbf_value_text(room->data, room->len);
}

/* ---- How it ended --------------------------------------------------------------------------------------------- */

enum { LONGEST = 40 }; /* bytes of a status word: as in debrief.entry.outcome */

static const char *const endings[] = {"unknown", "ok", "fail", "skip"};

static dbf_ending ending_named(const char *name) {
  for (int i = DBF_OK; name && i <= DBF_SKIP; i++)
    if (strcmp(endings[i], name) == 0) return (dbf_ending)i;
  return DBF_UNKNOWN;
}

bool dbf_status_words_read(lua_State *L, int index, dbf_status_words *words) {
  words->count = 0;
  bool ok = lua_getfield(L, index, "words") == LUA_TTABLE;
  int table = lua_gettop(L);
  if (ok) lua_pushnil(L);
  while (ok && lua_next(L, table)) {
    ok = words->count < DBF_STATUS_WORDS && lua_type(L, -2) == LUA_TSTRING;
    if (!ok) break;
    size_t i = words->count++;
    words->list[i].word = lua_tolstring(L, -2, &words->list[i].len);
    words->list[i].ending = ending_named(lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_settop(L, table - 1);
  return ok;
}

static dbf_ending ending_of(const dbf_status_words *words, const char *word, size_t len) {
  for (size_t i = 0; i < words->count; i++)
    if (words->list[i].len == len && memcmp(words->list[i].word, word, len) == 0)
      return words->list[i].ending;
  return DBF_UNKNOWN;
}

static bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The word without blanks around it, in lower case, with "_" for a blank or "-". */
static dbf_ending ending_of_loose(const dbf_status_words *words, const char *text, size_t len) {
  char word[LONGEST];
  if (len > LONGEST) return DBF_UNKNOWN;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    word[i] = is_blank(c) || c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
  }
  return ending_of(words, word, len);
}

/* What tests showed: nothing, true or false. *weak: there are other checks. */
static dbf_value tests_of(const dbf_json_value *checks, bool *weak) {
  dbf_value passed = dbf_value_nothing();
  bool hidden = false;
  *weak = false;
  if (checks->type != DBF_JSON_ARRAY) return passed;
  for (const char *p = dbf_json_enter(checks->start, checks->end); p;) {
    dbf_json_value check, kind, result;
    p = dbf_json_element(p, checks->end, &check);
    if (check.type != DBF_JSON_OBJECT || !dbf_json_find(&check, "kind", 4, &kind) ||
        kind.type != DBF_JSON_STRING)
      continue;
    if (!dbf_json_string_is(&kind, "test", 4)) *weak = true;
    else if (dbf_json_find(&check, "passed", 6, &result) && is_boolean(&result)) {
      bool failed = passed.kind == DBF_BOOLEAN && !passed.boolean;
      passed = dbf_value_boolean(!failed && result.type == DBF_JSON_TRUE);
    } else hidden = true;
  }
  return hidden && passed.boolean ? dbf_value_nothing() : passed;
}

/* From the last attempt: nothing, true or false. */
static dbf_value passed_of_attempts(const dbf_entry *e) {
  dbf_json_value value;
  bool weak = false;
  if (e->attempt_count == 0) return dbf_value_nothing();
  const dbf_attempt *last = &e->attempts[e->attempt_count - 1];
  if (is_null(e, last)) return dbf_value_nothing();
  dbf_value passed = dbf_value_nothing();
  if (dbf_subject_in_attempt(e, last, -1, "checks", 6, &value)) passed = tests_of(&value, &weak);
  if (passed.kind != DBF_NOTHING || weak) return passed;
  return verified_of(e, last, &value) ? dbf_value_boolean(value.type == DBF_JSON_TRUE) : passed;
}

static dbf_ending ending_of_attempts(const dbf_entry *e) {
  dbf_value passed = passed_of_attempts(e);
  if (passed.kind == DBF_NOTHING) return DBF_UNKNOWN;
  return passed.boolean ? DBF_OK : DBF_FAIL;
}

static bool ending_of_entry(const dbf_subject *s, dbf_ending *out) {
  dbf_json_value value;
  if (!known_member(s->entry, DBF_FINAL_STATUS, &value)) return *out = ending_of_attempts(s->entry), true;
  if (value.escaped) return false;
  const char *p = value.start + 1, *end = value.end - 1;
  *out = ending_of(s->words, p, (size_t)(end - p));
  if (*out != DBF_UNKNOWN) return true;
  while (p < end && is_blank(*p)) p++;
  while (end > p && is_blank(end[-1])) end--;
  *out = p == end ? ending_of_attempts(s->entry) : ending_of_loose(s->words, p, (size_t)(end - p));
  return true;
}

dbf_value dbf_subject_outcome(const dbf_subject *s) {
  dbf_ending found;
  if (!ending_of_entry(s, &found)) return (dbf_value){.kind = DBF_DOUBT};
  return dbf_value_text(endings[found], strlen(endings[found]));
}

dbf_value dbf_subject_passed(const dbf_subject *s) {
  dbf_ending found;
  if (!ending_of_entry(s, &found)) return (dbf_value){.kind = DBF_DOUBT};
  return found == DBF_OK || found == DBF_FAIL ? dbf_value_boolean(found == DBF_OK) : dbf_value_nothing();
}

/* ---- Attempts ------------------------------------------------------------------------------------------------- */

dbf_value dbf_subject_first_try(const dbf_entry *e) {
  dbf_json_value value;
  const dbf_attempt *first = dbf_subject_next_attempt(e, NULL);
  if (!first || !verified_of(e, first, &value)) return dbf_value_nothing();
  return dbf_value_boolean(value.type == DBF_JSON_TRUE);
}

int64_t dbf_subject_attempt_count(const dbf_entry *e) {
  int64_t n = 0;
  for (const dbf_attempt *a = NULL; (a = dbf_subject_next_attempt(e, a)) != NULL;) n++;
  return n;
}

dbf_value dbf_subject_attempt_ms(const dbf_entry *e, const dbf_attempt *a) {
  dbf_json_value value;
  if (dbf_subject_in_attempt(e, a, -1, "duration_ms", 11, &value) && is_number(&value))
    return number_of(&value);
  if (dbf_subject_attempt_count(e) != 1 || !known_member(e, DBF_DURATION_MS, &value))
    return dbf_value_nothing();
  return number_of(&value);
}

dbf_value dbf_subject_lost_ms(const dbf_entry *e) {
  dbf_value lost = dbf_value_integer(0);
  bool said = false;
  dbf_json_value verified;
  for (const dbf_attempt *a = NULL; (a = dbf_subject_next_attempt(e, a)) != NULL;) {
    if (!verified_of(e, a, &verified)) continue;
    said = true;
    if (verified.type != DBF_JSON_FALSE) continue;
    dbf_value ms = dbf_subject_attempt_ms(e, a);
    if (ms.kind == DBF_NOTHING || ms.kind == DBF_DOUBT) return ms;
    add_number(&lost, &ms);
  }
  return said ? lost : dbf_value_nothing();
}

/* ---- Cost ------------------------------------------------------------------------------------------------------ */

dbf_value dbf_subject_cost(const dbf_entry *e) {
  dbf_json_value value;
  if (!dbf_subject_member(e, "cost_usd", 8, &value) || !is_number(&value)) return dbf_value_nothing();
  return number_of(&value);
}

dbf_value dbf_subject_tokens(const dbf_entry *e) {
  static const char *const names[] = {"input_tokens", "cache_read_tokens", "cache_write_tokens",
                                      "output_tokens"};
  dbf_json_value usage, value;
  dbf_value sum = dbf_value_nothing();
  if (!dbf_subject_member(e, "usage", 5, &usage) || usage.type != DBF_JSON_OBJECT) return sum;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!dbf_json_find(&usage, names[i], strlen(names[i]), &value) || !is_number(&value)) continue;
    dbf_value n = number_of(&value);
    if (sum.kind == DBF_NOTHING) sum = dbf_value_integer(0);
    add_number(&sum, &n);
  }
  return sum;
}
