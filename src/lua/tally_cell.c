#include "tally_cell.h"
#include "exact_sum.h"
#include "table.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT = 100, DISTINCT = 10000 }; /* as in debrief.retro.aggregate and .quantiles */

static bool is_number(const dbf_value *v) {
  return v->kind == DBF_INTEGER || v->kind == DBF_FLOAT;
}

/* -0.0 is 0.0. */
static dbf_value number_of(const dbf_value *v) {
  dbf_value number = *v;
  if (v->kind == DBF_FLOAT && v->number == 0) number.number = 0;
  return number;
}

/* Of 1 and 1.0 the integer is the smaller one. */
static bool is_less(const dbf_value *a, const dbf_value *b) {
  int order = dbf_value_compare(a, b);
  return order < 0 || (order == 0 && a->kind == DBF_INTEGER && b->kind == DBF_FLOAT);
}

#define LIMIT 9223372036854775808.0 /* 2^63: the first float that no integer equals */

/* ---- Sums --------------------------------------------------------------------------------------------------------- */

static void add_integer(dbf_cell *cell, int64_t x) {
  if (__builtin_add_overflow(cell->integer, x, &cell->integer)) cell->carry += x >= 0 ? 1 : -1;
}

static bool add_float(dbf_cell *cell, double x) {
  if (cell->part_count + 1 >= cell->part_cap) {
    uint32_t cap = cell->part_cap ? cell->part_cap * 2 : 4;
    double *grown = realloc(cell->parts, cap * sizeof *grown);
    if (!grown) return false;
    cell->parts = grown;
    cell->part_cap = cap;
  }
  cell->part_count = (uint32_t)dbf_exact_sum_add(cell->parts, cell->part_count, x);
  return cell->has_parts = true;
}

static bool add_to_sum(dbf_cell *cell, const dbf_value *v) {
  dbf_value x = number_of(v);
  cell->n++;
  if (x.kind == DBF_FLOAT) return add_float(cell, x.number);
  add_integer(cell, x.integer);
  return true;
}

static void push_sum(lua_State *L, const dbf_cell *cell, const char *name) {
  dbf_table_set_string(L, "aggregate", name);
  dbf_table_set_integer(L, "n", cell->n);
  dbf_table_set_integer(L, "i", cell->integer);
  dbf_table_set_integer(L, "carry", cell->carry);
  if (!cell->has_parts) return;
  lua_createtable(L, (int)cell->part_count, 0);
  for (uint32_t i = 0; i < cell->part_count; i++) {
    lua_pushnumber(L, cell->parts[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "p");
}

/* ---- Quantiles ---------------------------------------------------------------------------------------------------- */

/* How many values are in a bucket; 0: the place is free. */
typedef struct bucket {
  int32_t number;
  int64_t count;
} bucket;

typedef struct side {
  bucket *buckets;
  uint32_t count, cap;
} side;

/* Up to EXACT values as they are; then counts. */
struct dbf_quantiles {
  dbf_value *values; /* NULL: they were counted */
  uint32_t cap;
  dbf_value min, max;
  int64_t zero;
  bool whole;
  side above, below;
};

static bucket *find_bucket(const side *s, int32_t number) {
  uint32_t i = (uint32_t)number * UINT32_C(0x9e3779b9) & (s->cap - 1);
  while (s->buckets[i].count && s->buckets[i].number != number) i = (i + 1) & (s->cap - 1);
  return &s->buckets[i];
}

static bool grow_side(side *s) {
  side grown = {calloc(s->cap ? s->cap * 2 : 64, sizeof *grown.buckets), s->count, s->cap ? s->cap * 2 : 64};
  if (!grown.buckets) return false;
  for (uint32_t i = 0; i < s->cap; i++)
    if (s->buckets[i].count) *find_bucket(&grown, s->buckets[i].number) = s->buckets[i];
  free(s->buckets);
  *s = grown;
  return true;
}

static bool count_in(side *s, int32_t number) {
  if (s->count * 2 >= s->cap && !grow_side(s)) return false;
  bucket *b = find_bucket(s, number);
  if (b->count++ == 0) s->count++;
  b->number = number;
  return true;
}

/* Computed when it runs, as Lua computes it. */
static int32_t bucket_of(double x) {
  static const volatile double gamma = 1.01 / 0.99;
  return (int32_t)ceil(log(x) / log(gamma));
}

static bool count_value(dbf_quantiles *q, const dbf_value *v) {
  double x = v->kind == DBF_INTEGER ? (double)v->integer : v->number;
  if (q->min.kind == DBF_NOTHING || is_less(v, &q->min)) q->min = *v;
  if (q->max.kind == DBF_NOTHING || !is_less(v, &q->max)) {
    bool equal = q->max.kind != DBF_NOTHING && !is_less(&q->max, v);
    if (!equal) q->max = *v;
  }
  q->whole = q->whole && v->kind == DBF_INTEGER;
  if (x != 0) return count_in(x > 0 ? &q->above : &q->below, bucket_of(fabs(x)));
  q->zero++;
  return true;
}

static bool count_all(dbf_quantiles *q, int64_t n) {
  bool ok = true;
  q->whole = true;
  for (int64_t i = 0; i < n; i++) ok = ok && count_value(q, &q->values[i]);
  free(q->values);
  q->values = NULL;
  return ok;
}

static bool keep_value(dbf_quantiles *q, int64_t n, const dbf_value *v) {
  if (n == q->cap) {
    uint32_t cap = q->cap ? q->cap * 2 : 8;
    dbf_value *grown = realloc(q->values, cap * sizeof *grown);
    if (!grown) return false;
    q->values = grown;
    q->cap = cap;
  }
  assert(q->values && n < q->cap);
  q->values[n] = *v;
  return true;
}

static bool add_to_quantiles(dbf_cell *cell, const dbf_value *v) {
  dbf_value x = number_of(v);
  if (!cell->quantiles && !(cell->quantiles = calloc(1, sizeof *cell->quantiles))) return false;
  dbf_quantiles *q = cell->quantiles;
  int64_t n = cell->n++;
  if (n > EXACT) return count_value(q, &x);
  return keep_value(q, n, &x) && (n < EXACT || count_all(q, n + 1));
}

static void push_side(lua_State *L, const side *s, const char *name) {
  lua_createtable(L, 0, (int)s->count);
  for (uint32_t i = 0; i < s->cap; i++) {
    if (!s->buckets[i].count) continue;
    lua_pushinteger(L, s->buckets[i].count);
    lua_rawseti(L, -2, s->buckets[i].number);
  }
  lua_setfield(L, -2, name);
}

static void push_quantiles(lua_State *L, const dbf_cell *cell) {
  const dbf_quantiles *q = cell->quantiles;
  dbf_table_set_string(L, "aggregate", "quantiles");
  dbf_table_set_integer(L, "n", cell->n);
  if (cell->n <= EXACT) {
    lua_createtable(L, (int)cell->n, 0);
    for (int64_t i = 0; i < cell->n; i++) {
      dbf_cell_push_value(L, &q->values[i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "values");
    return;
  }
  dbf_cell_push_value(L, &q->min);
  lua_setfield(L, -2, "min");
  dbf_cell_push_value(L, &q->max);
  lua_setfield(L, -2, "max");
  dbf_table_set_integer(L, "zero", q->zero);
  push_side(L, &q->above, "above");
  push_side(L, &q->below, "below");
  lua_pushboolean(L, q->whole);
  lua_setfield(L, -2, "whole");
}

/* ---- What is kept as a Lua value ----------------------------------------------------------------------------------- */

void dbf_cell_push_value(lua_State *L, const dbf_value *value) {
  switch (value->kind) {
  case DBF_BOOLEAN: lua_pushboolean(L, value->boolean); break;
  case DBF_INTEGER: lua_pushinteger(L, value->integer); break;
  case DBF_FLOAT: lua_pushnumber(L, value->number); break;
  case DBF_TEXT: lua_pushlstring(L, value->text, value->len); break;
  default: lua_pushnil(L);
  }
}

dbf_value dbf_cell_key(const dbf_value *value, char *room) {
  double whole;
  switch (value->kind) {
  case DBF_BOOLEAN: return value->boolean ? dbf_value_text("true", 4) : dbf_value_text("false", 5);
  case DBF_INTEGER:
  case DBF_TEXT: return *value;
  case DBF_FLOAT: break;
  default: return dbf_value_text("", 0);
  }
  if (modf(value->number, &whole) == 0 && whole >= -LIMIT && whole < LIMIT)
    return dbf_value_integer((int64_t)whole);
  return dbf_value_text(room, (size_t)snprintf(room, 32, "%.17g", value->number));
}

void dbf_cell_push_key(lua_State *L, const dbf_value *value) {
  char room[32];
  dbf_value key = dbf_cell_key(value, room);
  dbf_cell_push_value(L, &key);
}

/* Keep what is on top of the stack. */
static void keep(lua_State *L, int kept, dbf_cell *cell) {
  if (!cell->place) cell->place = (int)lua_rawlen(L, kept) + 1;
  lua_rawseti(L, kept, cell->place);
}

/* Is the value at `a` less than the one at `b`, of the same type? Of 1 and 1.0 the integer. */
static bool is_before(lua_State *L, int a, int b) {
  if (lua_compare(L, a, b, LUA_OPLT)) return true;
  return lua_isinteger(L, a) && !lua_isinteger(L, b) && lua_compare(L, a, b, LUA_OPEQ);
}

/* Does the value at -2 replace the one at -1? A number replaces a text. */
static bool is_better(lua_State *L, dbf_cell_kind kind) {
  if (lua_type(L, -2) != lua_type(L, -1)) return lua_type(L, -2) == LUA_TNUMBER;
  return kind == DBF_CELL_MIN ? is_before(L, -2, -1) : is_before(L, -1, -2);
}

static void add_extreme(lua_State *L, int kept, dbf_cell_kind kind, dbf_cell *cell, const dbf_value *v) {
  dbf_cell_push_value(L, v);
  if (cell->n++ == 0) {
    keep(L, kept, cell);
    return;
  }
  lua_rawgeti(L, kept, cell->place);
  bool wins = is_better(L, kind);
  lua_pop(L, 1);
  if (wins) keep(L, kept, cell);
  else lua_pop(L, 1);
}

static void add_distinct(lua_State *L, int kept, dbf_cell *cell, const dbf_value *v) {
  if (cell->more) return;
  if (!cell->place) {
    lua_newtable(L);
    keep(L, kept, cell);
  }
  lua_rawgeti(L, kept, cell->place);
  dbf_cell_push_key(L, v);
  lua_pushvalue(L, -1);
  bool there = lua_rawget(L, -3) != LUA_TNIL;
  lua_pop(L, 1);
  if (there || cell->n == DISTINCT) {
    cell->more = !there;
    lua_pop(L, 2);
    return;
  }
  cell->n++;
  lua_pushboolean(L, true);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* A value without a time loses to one with a time; among those without, the first, or the last, of the log. */
static bool wins(dbf_cell_kind kind, const dbf_cell *cell, bool has_at, int64_t at) {
  if (cell->n == 0) return true;
  if (has_at != cell->has_at) return has_at;
  if (!has_at) return kind == DBF_CELL_LAST;
  return kind == DBF_CELL_FIRST ? at < cell->at : at >= cell->at;
}

static void add_pick(lua_State *L, int kept, dbf_cell_kind kind, dbf_cell *cell, const dbf_value *v,
                     bool has_at, int64_t at) {
  if (!wins(kind, cell, has_at, at)) return;
  cell->n = 1;
  cell->has_at = has_at;
  cell->at = at;
  dbf_cell_push_value(L, v);
  keep(L, kept, cell);
}

static void push_kept(lua_State *L, int kept, const dbf_cell *cell, const char *aggregate, const char *name) {
  dbf_table_set_string(L, "aggregate", aggregate);
  if (!cell->place) return;
  lua_rawgeti(L, kept, cell->place);
  lua_setfield(L, -2, name);
}

static void push_distinct(lua_State *L, int kept, const dbf_cell *cell) {
  dbf_table_set_integer(L, "n", cell->n);
  dbf_table_set_integer(L, "limit", DISTINCT);
  if (cell->place && !cell->more) {
    push_kept(L, kept, cell, "distinct", "keys");
    return;
  }
  dbf_table_set_string(L, "aggregate", "distinct");
  lua_newtable(L);
  lua_setfield(L, -2, "keys");
  if (!cell->more) return;
  lua_pushboolean(L, true);
  lua_setfield(L, -2, "more");
}

static void push_pick(lua_State *L, int kept, const dbf_cell *cell, const char *aggregate) {
  push_kept(L, kept, cell, aggregate, "value");
  if (cell->n > 0 && cell->has_at) dbf_table_set_integer(L, "at", cell->at);
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

void dbf_cell_release(dbf_cell *cell) {
  free(cell->parts);
  if (cell->quantiles) {
    free(cell->quantiles->values);
    free(cell->quantiles->above.buckets);
    free(cell->quantiles->below.buckets);
    free(cell->quantiles);
  }
}

/* Sums of numbers as large as these could overflow, which Lua deals with. */
static bool is_summable(const dbf_value *v) {
  return v->kind == DBF_INTEGER || (v->kind == DBF_FLOAT && fabs(v->number) < 1e280);
}

bool dbf_cell_takes(dbf_cell_kind kind, const dbf_value *v) {
  if (v->kind == DBF_DOUBT) return false;
  if (v->kind == DBF_NOTHING || kind == DBF_CELL_COUNT) return true;
  switch (kind) {
  case DBF_CELL_RATE: return v->kind == DBF_BOOLEAN;
  case DBF_CELL_SUM:
  case DBF_CELL_MEAN: return is_summable(v);
  case DBF_CELL_QUANTILES: return is_number(v);
  case DBF_CELL_MIN:
  case DBF_CELL_MAX: return is_number(v) || v->kind == DBF_TEXT;
  default: return v->kind != DBF_CONTAINER;
  }
}

bool dbf_cell_add(lua_State *L, int kept, dbf_cell_kind kind, dbf_cell *cell, const dbf_value *v, bool has_at,
                  int64_t at) {
  assert(dbf_cell_takes(kind, v));
  if (v->kind == DBF_NOTHING) return true;
  switch (kind) {
  case DBF_CELL_COUNT:
    if (v->kind == DBF_INTEGER) cell->n += v->integer;
    break;
  case DBF_CELL_RATE:
    cell->n++;
    cell->num += v->boolean;
    break;
  case DBF_CELL_SUM:
  case DBF_CELL_MEAN: return add_to_sum(cell, v);
  case DBF_CELL_QUANTILES: return add_to_quantiles(cell, v);
  case DBF_CELL_MIN:
  case DBF_CELL_MAX: add_extreme(L, kept, kind, cell, v); break;
  case DBF_CELL_DISTINCT: add_distinct(L, kept, cell, v); break;
  case DBF_CELL_FIRST:
  case DBF_CELL_LAST: add_pick(L, kept, kind, cell, v, has_at, at); break;
  }
  return true;
}

void dbf_cell_push(lua_State *L, int kept, dbf_cell_kind kind, const dbf_cell *cell) {
  lua_createtable(L, 0, 4);
  switch (kind) {
  case DBF_CELL_COUNT:
    dbf_table_set_string(L, "aggregate", "count");
    dbf_table_set_integer(L, "n", cell->n);
    break;
  case DBF_CELL_RATE:
    dbf_table_set_string(L, "aggregate", "rate");
    dbf_table_set_integer(L, "num", cell->num);
    dbf_table_set_integer(L, "den", cell->n);
    break;
  case DBF_CELL_SUM: push_sum(L, cell, "sum"); break;
  case DBF_CELL_MEAN: push_sum(L, cell, "mean"); break;
  case DBF_CELL_QUANTILES: push_quantiles(L, cell); break;
  case DBF_CELL_MIN: push_kept(L, kept, cell, "min", "value"); break;
  case DBF_CELL_MAX: push_kept(L, kept, cell, "max", "value"); break;
  case DBF_CELL_DISTINCT: push_distinct(L, kept, cell); break;
  case DBF_CELL_FIRST: push_pick(L, kept, cell, "first"); break;
  case DBF_CELL_LAST: push_pick(L, kept, cell, "last"); break;
  }
}
