#include "way.h"
#include "entry_origin.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Making --------------------------------------------------------------------------------------------------- */

static dbf_virtual virtual_of(const char *name) {
  static const char *const names[] = {
      [DBF_VIRTUAL_OUTCOME] = "outcome",     [DBF_VIRTUAL_PASSED] = "passed",
      [DBF_VIRTUAL_FIRST_TRY] = "first_try", [DBF_VIRTUAL_ATTEMPT_COUNT] = "attempt_count",
      [DBF_VIRTUAL_LOST_MS] = "lost_ms",     [DBF_VIRTUAL_SESSION] = "session",
      [DBF_VIRTUAL_LINE] = "line",           [DBF_VIRTUAL_DAY] = "day",
      [DBF_VIRTUAL_WEEK] = "week",           [DBF_VIRTUAL_MONTH] = "month",
      [DBF_VIRTUAL_HOUR] = "hour",           [DBF_VIRTUAL_WEEKDAY] = "weekday",
      [DBF_VIRTUAL_GAP_MS] = "gap_ms",       [DBF_VIRTUAL_SUBAGENT] = "subagent"};
  for (size_t i = 1; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return (dbf_virtual)i;
  return DBF_VIRTUAL_NONE;
}

/* The number of a name in a list of fields, -1 if it is not there. */
static int field_of(const dbf_field *fields, const char *name, size_t len) {
  for (int i = 0; fields[i].name; i++)
    if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0) return i;
  return -1;
}

/* The place in an array that a part names; names of members may begin with a letter only. */
static bool index_of(dbf_way_part *part) {
  const char *p = part->text, *end = p + part->len;
  bool negative = p < end && *p == '-';
  part->index = 0;
  if (negative) p++;
  if (p == end || end - p > 9) return false;
  for (; p < end; p++) {
    if (*p < '0' || *p > '9') return false;
    part->index = part->index * 10 + (*p - '0');
  }
  if (negative) part->index = -part->index;
  return true;
}

static bool cut(dbf_way *way) {
  const char *p = way->text, *end = p + way->len;
  while (p < end) {
    const char *dot = memchr(p, '.', (size_t)(end - p));
    if (!dot) dot = end;
    if (way->count == DBF_WAY_PARTS) return false;
    dbf_way_part *part = &way->parts[way->count++];
    *part = (dbf_way_part){.text = p, .len = (size_t)(dot - p)};
    part->is_index = index_of(part);
    if (!part->is_index && part->len > 0 && (*p == '-' || (*p >= '0' && *p <= '9')))
      return false; /* too long */
    p = dot + 1;
  }
  return way->count > 0;
}

static bool has_periods(dbf_virtual v) {
  return v >= DBF_VIRTUAL_DAY && v <= DBF_VIRTUAL_WEEKDAY;
}

/* Room for the names of periods, if it has such. False: no memory. */
static bool make_periods(dbf_way *way) {
  way->periods = NULL;
  if (!has_periods(way->virtual)) return true;
  way->periods = malloc(DBF_WAY_PERIODS * sizeof *way->periods);
  for (int i = 0; way->periods && i < DBF_WAY_PERIODS; i++) way->periods[i].quarter = INT64_MIN;
  return way->periods != NULL;
}

bool dbf_way_copy(dbf_way *to, const dbf_way *way) {
  *to = *way;
  dbf_bytes_init(&to->room);
  return make_periods(to);
}

bool dbf_way_read(lua_State *L, dbf_way *way) {
  *way = (dbf_way){.known = -1, .first_known = -1, .known_attempt = -1};
  dbf_bytes_init(&way->room);
  lua_getfield(L, -1, "text");
  way->text = lua_tolstring(L, -1, &way->len);
  lua_getfield(L, -2, "own");
  way->own = lua_toboolean(L, -1);
  lua_getfield(L, -3, "expected");
  way->expected = lua_toboolean(L, -1);
  lua_getfield(L, -4, "virtual");
  way->virtual = lua_toboolean(L, -1) ? virtual_of(way->text) : DBF_VIRTUAL_NONE;
  bool is_virtual = lua_toboolean(L, -1);
  lua_pop(L, 4);
  if (!cut(way) || (is_virtual && way->virtual == DBF_VIRTUAL_NONE)) return false;
  way->known = field_of(dbf_entry_fields, way->text, way->len);
  way->first_known = field_of(dbf_entry_fields, way->parts[0].text, way->parts[0].len);
  way->known_attempt = field_of(dbf_attempt_fields, way->text, way->len);
  return make_periods(way);
}

void dbf_way_release(dbf_way *way) {
  free(way->periods);
  way->periods = NULL;
  dbf_bytes_release(&way->room);
}

/* ---- Virtual fields -------------------------------------------------------------------------------------------- */

static bool name_period(dbf_virtual v, int64_t seconds, dbf_way_period *p) {
  static const char *const formats[] = {
      [DBF_VIRTUAL_DAY] = "%Y-%m-%d", [DBF_VIRTUAL_WEEK] = "%G-W%V", [DBF_VIRTUAL_MONTH] = "%Y-%m"};
  static const char weekdays[] = "SunMonTueWedThuFriSat";
  struct tm tm;
  time_t at = (time_t)seconds;
  if (!localtime_r(&at, &tm)) return false;
  if (v == DBF_VIRTUAL_HOUR) {
    p->len = (uint8_t)tm.tm_hour;
  } else if (v == DBF_VIRTUAL_WEEKDAY) {
    memcpy(p->text, weekdays + 3 * tm.tm_wday, p->len = 3);
  } else {
    p->len = (uint8_t)strftime(p->text, sizeof p->text, formats[v], &tm);
    if (p->len == 0) return false;
  }
  return true;
}

/* Before 1973 some zones had offsets that are no multiples of a quarter of an hour. */
static dbf_value period_of(dbf_way *way, const dbf_entry *e) {
  enum { QUARTER = 900, YEAR_1973 = 94694400 };
  int64_t ns;
  if (!dbf_subject_time(e, &ns)) return dbf_value_nothing();
  int64_t seconds = ns / 1000000000 - (ns % 1000000000 < 0);
  if (seconds < YEAR_1973) return (dbf_value){.kind = DBF_DOUBT};
  int64_t quarter = seconds / QUARTER;
  dbf_way_period *p = &way->periods[quarter % DBF_WAY_PERIODS];
  if (p->quarter != quarter) {
    p->quarter = INT64_MIN;
    if (!name_period(way->virtual, seconds, p)) return (dbf_value){.kind = DBF_DOUBT};
    p->quarter = quarter;
  }
  if (way->virtual == DBF_VIRTUAL_HOUR) return dbf_value_integer(p->len);
  return dbf_value_text(p->text, p->len);
}

/* To the nearest millisecond; the gap is not below 0. */
static dbf_value gap_of(const dbf_subject *s) {
  return s->gap == DBF_NO_GAP ? dbf_value_nothing() : dbf_value_integer((s->gap + 500000) / 1000000);
}

static dbf_value virtual_value(dbf_way *way, const dbf_subject *s) {
  const dbf_entry *e = s->entry;
  switch (way->virtual) {
  case DBF_VIRTUAL_NONE: break;
  case DBF_VIRTUAL_OUTCOME: return dbf_subject_outcome(s);
  case DBF_VIRTUAL_PASSED: return dbf_subject_passed(s);
  case DBF_VIRTUAL_FIRST_TRY: return dbf_subject_first_try(e);
  case DBF_VIRTUAL_ATTEMPT_COUNT: return dbf_value_integer(dbf_subject_attempt_count(e));
  case DBF_VIRTUAL_LOST_MS: return dbf_subject_lost_ms(e);
  case DBF_VIRTUAL_SESSION: return dbf_value_text(s->session, s->session_len);
  case DBF_VIRTUAL_LINE: return dbf_value_integer((int64_t)s->line);
  case DBF_VIRTUAL_DAY:
  case DBF_VIRTUAL_WEEK:
  case DBF_VIRTUAL_MONTH:
  case DBF_VIRTUAL_HOUR:
  case DBF_VIRTUAL_WEEKDAY: return period_of(way, e);
  case DBF_VIRTUAL_GAP_MS: return gap_of(s);
  case DBF_VIRTUAL_SUBAGENT: return dbf_subject_source(e, "agent_id", &way->room);
  }
  return dbf_value_nothing();
}

/* ---- Ways ------------------------------------------------------------------------------------------------------- */

static int64_t length_of(const dbf_json_value *array) {
  int64_t n = 0;
  dbf_json_value element;
  for (const char *p = dbf_json_enter(array->start, array->end); p; n++)
    p = dbf_json_element(p, array->end, &element);
  return n;
}

static bool element_at(const dbf_json_value *array, int64_t index, dbf_json_value *value) {
  if (index < 0) index += length_of(array) + 1;
  if (index < 1) return false;
  const char *p = dbf_json_enter(array->start, array->end);
  for (; p; index--) {
    p = dbf_json_element(p, array->end, value);
    if (index == 1) return true;
  }
  return false;
}

/* One part further; false where there is nothing, or null. */
static bool go_on(dbf_json_value *value, const dbf_way_part *part) {
  dbf_json_value from = *value;
  if (from.type == DBF_JSON_OBJECT) {
    if (!dbf_json_find(&from, part->text, part->len, value)) return false;
  } else if (from.type != DBF_JSON_ARRAY || !part->is_index || !element_at(&from, part->index, value)) {
    return false;
  }
  return value->type != DBF_JSON_NULL;
}

static bool in_entry(const dbf_entry *e, int known, const char *name, size_t len, dbf_json_value *value) {
  if (known < 0) return dbf_subject_member(e, name, len, value);
  return dbf_entry_known(e, (dbf_known)known, value) && value->type != DBF_JSON_NULL;
}

static bool in_item(const dbf_subject *s, const dbf_item *item, int known, const char *name, size_t len,
                    dbf_json_value *value) {
  if (item->attempt) return dbf_subject_in_attempt(s->entry, item->attempt, known, name, len, value);
  return dbf_json_find(&item->object, name, len, value) && value->type != DBF_JSON_NULL;
}

/* A member of the entry, or of the item, whose name is the whole way; else what the way leads to. */
static bool find(const dbf_way *way, const dbf_subject *s, const dbf_item *item, dbf_json_value *value) {
  const dbf_way_part *first = way->parts;
  bool found = item ? in_item(s, item, way->known_attempt, way->text, way->len, value)
                    : in_entry(s->entry, way->known, way->text, way->len, value);
  if (found || way->count == 1) return found;
  found = item ? in_item(s, item, -1, first->text, first->len, value)
               : in_entry(s->entry, way->first_known, first->text, first->len, value);
  for (size_t i = 1; found && i < way->count; i++) found = go_on(value, &way->parts[i]);
  return found;
}

/* What the name of an item's own field means where the item does not have it. */
static dbf_value absent_of(dbf_way *way, const dbf_subject *s, const dbf_item *item) {
  dbf_json_value value;
  if (item->attempt && strcmp(way->text, "model") == 0 && dbf_entry_known(s->entry, DBF_MODEL_USED, &value))
    return dbf_value_of(&value, &way->room);
  if (item->attempt && strcmp(way->text, "duration_ms") == 0)
    return dbf_subject_attempt_ms(s->entry, item->attempt);
  if (!item->attempt && (strcmp(way->text, "error") == 0 || strcmp(way->text, "failed") == 0)) {
    bool found = dbf_json_find(&item->object, "error", 5, &value);
    return dbf_value_boolean(found && value.type == DBF_JSON_TRUE);
  }
  return dbf_value_nothing();
}

static bool has_first(const dbf_way *way, const dbf_subject *s, const dbf_item *item) {
  const dbf_way_part *first = way->parts;
  dbf_json_value value;
  return in_entry(s->entry, way->first_known, first->text, first->len, &value) ||
         (item && in_item(s, item, -1, first->text, first->len, &value));
}

dbf_value dbf_way_get(dbf_way *way, const dbf_subject *s, const dbf_item *item, bool *missed) {
  dbf_json_value json;
  bool found = item && find(way, s, item, &json);
  if (!found && item && way->own) return absent_of(way, s, item);
  if (!found) found = find(way, s, NULL, &json);
  dbf_value value = found ? dbf_value_of(&json, &way->room) : virtual_value(way, s);
  if (value.kind != DBF_NOTHING) way->hit = true;
  else if (!way->hit && !way->expected && !has_first(way, s, item)) *missed = true;
  return value;
}

void dbf_way_push_hits(lua_State *L, const dbf_way *ways, size_t count) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    if (!ways[i].hit) continue;
    lua_pushlstring(L, ways[i].text, ways[i].len);
    lua_rawseti(L, -2, ++n);
  }
}

/* ---- Comparisons ------------------------------------------------------------------------------------------------- */

/* One that is longer than any text of an entry is equal to none. */
static dbf_value text_at(lua_State *L, int index) {
  size_t len;
  const char *text = lua_tolstring(L, index, &len);
  return dbf_value_text(text, len < DBF_LINE_LIMIT ? len : DBF_LINE_LIMIT);
}

static dbf_value constant_at(lua_State *L, int index) {
  dbf_value c = dbf_value_nothing();
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN: return dbf_value_boolean(lua_toboolean(L, index));
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) return dbf_value_integer(lua_tointeger(L, index));
    return (dbf_value){.kind = DBF_FLOAT, .number = lua_tonumber(L, index)};
  case LUA_TSTRING: return text_at(L, index);
  default: return c;
  }
}

static dbf_sign sign_of(const char *text) {
  static const char *const signs[] = {
      [DBF_EQUAL] = "==",  [DBF_UNEQUAL] = "~=",       [DBF_LESS] = "<", [DBF_LESS_EQUAL] = "<=",
      [DBF_GREATER] = ">", [DBF_GREATER_EQUAL] = ">=", [DBF_NOT] = "not"};
  for (int i = 1; i < (int)(sizeof signs / sizeof *signs); i++)
    if (strcmp(signs[i], text) == 0) return (dbf_sign)i;
  return DBF_BARE;
}

bool dbf_term_read(lua_State *L, dbf_way *ways, size_t count, dbf_term *term) {
  size_t way = (size_t)dbf_table_integer(L, -1, "way", 0);
  if (way < 1 || way > count) return false;
  *term = (dbf_term){.way = &ways[way - 1]};
  lua_getfield(L, -1, "sign");
  if (lua_isstring(L, -1)) term->sign = sign_of(lua_tostring(L, -1));
  lua_getfield(L, -2, "constant");
  term->constant = constant_at(L, -1);
  lua_pop(L, 2);
  return true;
}

static bool is_number(const dbf_value *v) {
  return v->kind == DBF_INTEGER || v->kind == DBF_FLOAT;
}

static bool same(const dbf_value *a, const dbf_value *b) {
  if (is_number(a) && is_number(b)) return dbf_value_compare(a, b) == 0;
  if (a->kind != b->kind) return false;
  if (a->kind == DBF_BOOLEAN) return a->boolean == b->boolean;
  return a->kind == DBF_TEXT && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int order_of_texts(lua_State *L, const dbf_value *a, const dbf_value *b) {
  lua_pushlstring(L, a->text, a->len);
  lua_pushlstring(L, b->text, b->len);
  int order = lua_compare(L, -2, -1, LUA_OPLT) ? -1 : !lua_rawequal(L, -2, -1);
  lua_pop(L, 2);
  return order;
}

/* In the order of both; a doubt where they have no order: Lua says what is wrong. */
static dbf_value compare(lua_State *L, dbf_sign sign, const dbf_value *x, const dbf_value *c) {
  int order;
  if (is_number(x) && is_number(c)) order = dbf_value_compare(x, c);
  else if (x->kind == DBF_TEXT && c->kind == DBF_TEXT) order = order_of_texts(L, x, c);
  else return (dbf_value){.kind = DBF_DOUBT};
  bool less = sign == DBF_LESS || sign == DBF_LESS_EQUAL;
  if (order == 0) return dbf_value_boolean(sign == DBF_LESS_EQUAL || sign == DBF_GREATER_EQUAL);
  return dbf_value_boolean((order < 0) == less);
}

dbf_value dbf_term_get(lua_State *L, const dbf_term *term, const dbf_subject *s, const dbf_item *item,
                       bool *missed) {
  dbf_value x = dbf_way_get(term->way, s, item, missed);
  if (term->sign == DBF_BARE || x.kind == DBF_DOUBT) return x;
  if (term->sign == DBF_NOT) return dbf_value_boolean(!dbf_value_holds(&x));
  if (x.kind == DBF_NOTHING) return x;
  if (term->sign == DBF_EQUAL) return dbf_value_boolean(same(&x, &term->constant));
  if (term->sign == DBF_UNEQUAL) return dbf_value_boolean(!same(&x, &term->constant));
  return compare(L, term->sign, &x, &term->constant);
}
