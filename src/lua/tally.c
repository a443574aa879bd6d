#include "tally.h"
#include "table.h"
#include "tally_rows.h"
#include "userdata.h"
#include "way.h"
#include "../log/hash.h"

#include <stdlib.h>
#include <string.h>

static const char tally_type[] = "debrief.tally";

enum {
  WAYS = 32,
  TERMS = 48,
  KEYS = 12, /* with the one across */
  COLUMNS = 32,
  FULL = 2048,          /* rows */
  FULL_BYTES = 1 << 20, /* of their keys */
  LOOKS = 20            /* entries without a name that are left to Lua: as in debrief.entry.asked */
};

/* What a column counts. */
typedef enum source {
  OF_TERM, /* a value of the entry or item */
  OF_ONE,  /* 1 */
  OF_PASSED,
  OF_FIRST_TRY,
  OF_ATTEMPTS,
  OF_CLAIMS, /* `verified` of each attempt */
  OF_LOST,
  OF_COST,
  OF_TOKENS
} source;

typedef struct column {
  source source;
  dbf_cell_kind kind;
  bool run;       /* counts an entry once */
  bool truth;     /* counts what is neither nil nor false */
  dbf_term *term; /* of OF_TERM */
} column;

struct dbf_tally {
  dbf_status_words words;
  dbf_way ways[WAYS];
  dbf_term terms[TERMS];
  column columns[COLUMNS];
  dbf_term *key_terms[KEYS]; /* NULL: the skill, as debrief.entry.skill counts it */
  dbf_term *where[WAYS];     /* all must hold */
  size_t way_count, term_count, column_count, key_count, where_count; /* key_count: without the one across */
  bool across, attempts, tools, needs_time;
  bool dated; /* says from when to when the entries are */
  dbf_tally_rows groups, parts;
  dbf_bytes key, room, piece;
  dbf_hash_key hash_key;
  int64_t entries, subagents, first, last; /* first, last: ns, where `timed` */
  bool timed;
  uint64_t number; /* of the entry being counted */
  uint32_t looks;
};

/* ---- Values ---------------------------------------------------------------------------------------------------------- */

static bool is_doubt(const dbf_value *v) {
  return v->kind == DBF_DOUBT || v->kind == DBF_CONTAINER;
}

/* The value of a term; a doubt, too, where its name may be a mistake that Lua notes. */
static dbf_value value_of(lua_State *L, dbf_tally *t, const dbf_term *term, const dbf_subject *s,
                          const dbf_item *item) {
  bool missed = false;
  dbf_value v = dbf_term_get(L, term, s, item, &missed);
  if (!missed || t->looks == LOOKS) return v;
  t->looks++;
  return (dbf_value){.kind = DBF_DOUBT};
}

static dbf_value claim_of(const dbf_entry *e, const dbf_attempt *a) {
  dbf_json_value v;
  if (!dbf_subject_in_attempt(e, a, DBF_VERIFIED, "verified", 8, &v)) return dbf_value_nothing();
  return dbf_value_boolean(v.type == DBF_JSON_TRUE);
}

static dbf_value lost_of(const dbf_entry *e, const dbf_attempt *a) {
  if (!a) return dbf_subject_lost_ms(e);
  dbf_value claim = claim_of(e, a);
  return claim.kind == DBF_BOOLEAN && !claim.boolean ? dbf_subject_attempt_ms(e, a) : dbf_value_nothing();
}

static dbf_value column_value(lua_State *L, dbf_tally *t, const column *c, const dbf_subject *s,
                              const dbf_item *item) {
  const dbf_entry *e = s->entry;
  const dbf_attempt *a = item ? item->attempt : NULL;
  switch (c->source) {
  case OF_ONE: return dbf_value_integer(1);
  case OF_PASSED: return dbf_subject_passed(s);
  case OF_FIRST_TRY: return dbf_subject_first_try(e);
  case OF_ATTEMPTS: return dbf_value_integer(a ? 1 : dbf_subject_attempt_count(e));
  case OF_CLAIMS: return a ? claim_of(e, a) : dbf_value_nothing();
  case OF_LOST: return lost_of(e, a);
  case OF_COST: return dbf_subject_cost(e);
  case OF_TOKENS: return dbf_subject_tokens(e);
  case OF_TERM: break;
  }
  dbf_value v = value_of(L, t, c->term, s, item);
  if (!c->truth || v.kind == DBF_DOUBT) return v;
  return dbf_value_holds(&v) ? dbf_value_integer(1) : dbf_value_nothing();
}

/* ---- One item ------------------------------------------------------------------------------------------------------- */

/* 1: it is counted; 0: `where` does not hold; -1: a doubt. */
static int judge(lua_State *L, dbf_tally *t, const dbf_subject *s, const dbf_item *item) {
  for (size_t i = 0; i < t->where_count; i++) {
    dbf_value v = value_of(L, t, t->where[i], s, item);
    if (v.kind == DBF_DOUBT) return -1;
    if (!dbf_value_holds(&v)) return 0;
  }
  return 1;
}

static bool key_value(lua_State *L, dbf_tally *t, size_t i, const dbf_subject *s, const dbf_item *item,
                      dbf_value *v) {
  const dbf_term *term = t->key_terms[i];
  *v = term ? value_of(L, t, term, s, item) : dbf_subject_skill(s->entry, &t->room, &t->piece);
  return !is_doubt(v);
}

/* The bytes of all keys; *groups: of those without the one across. */
static bool keys_of(lua_State *L, dbf_tally *t, const dbf_subject *s, const dbf_item *item, size_t *groups) {
  dbf_bytes_clear(&t->key);
  for (size_t i = 0; i < t->key_count + t->across; i++) {
    dbf_value v;
    if (i == t->key_count) *groups = t->key.len;
    if (!key_value(L, t, i, s, item, &v)) return false;
    dbf_tally_rows_add_key(&t->key, &v);
  }
  if (!t->across) *groups = t->key.len;
  return !t->key.failed;
}

/* Every claim of an entry's attempts. */
static bool add_claims(lua_State *L, int kept, const column *c, dbf_cell *cell, const dbf_entry *e) {
  for (const dbf_attempt *a = NULL; (a = dbf_subject_next_attempt(e, a)) != NULL;) {
    dbf_value claim = claim_of(e, a);
    if (!dbf_cell_add(L, kept, c->kind, cell, &claim, false, 0)) return false;
  }
  return true;
}

static bool add_cells(lua_State *L, int kept, dbf_tally *t, dbf_tally_rows *l, uint64_t hash, size_t key_len,
                      const dbf_subject *s, const dbf_item *item, const dbf_value *values) {
  int64_t at = 0;
  bool has_at = t->needs_time && dbf_subject_time(s->entry, &at);
  ptrdiff_t number = dbf_tally_rows_at(l, hash, t->key.data, key_len, t->column_count);
  if (number < 0) return false;
  dbf_tally_row *r = &l->rows[number];
  bool again = r->entry == t->number;
  r->entry = t->number;
  if (!again) r->runs++;
  for (size_t i = 0; i < t->column_count; i++) {
    const column *c = &t->columns[i];
    dbf_cell *cell = &l->cells[(size_t)number * t->column_count + i];
    if (again && c->run) continue;
    if (c->source == OF_CLAIMS && !(item && item->attempt)) {
      if (!add_claims(L, kept, c, cell, s->entry)) return false;
    } else if (!dbf_cell_add(L, kept, c->kind, cell, &values[i], has_at, at)) {
      return false;
    }
  }
  return true;
}

/* Look at an item and, if it is to be counted, `count` it. 0: a doubt; 1: done; -1: no memory. */
static int take_item(lua_State *L, int kept, dbf_tally *t, const dbf_subject *s, const dbf_item *item,
                     bool count) {
  dbf_value values[COLUMNS];
  size_t groups = 0;
  int wanted = judge(L, t, s, item);
  if (wanted <= 0) return wanted == 0;
  for (size_t i = 0; i < t->column_count; i++) {
    values[i] = column_value(L, t, &t->columns[i], s, item);
    if (!dbf_cell_takes(t->columns[i].kind, &values[i])) return 0;
  }
  if (!keys_of(L, t, s, item, &groups)) return t->key.failed ? -1 : 0;
  if (!count) return 1;
  uint64_t hash = dbf_hash_keyed(&t->hash_key, t->key.data, groups);
  if (!add_cells(L, kept, t, &t->groups, hash, groups, s, item, values)) return -1;
  if (!t->across) return 1;
  hash = dbf_hash_keyed(&t->hash_key, t->key.data, t->key.len);
  return add_cells(L, kept, t, &t->parts, hash, t->key.len, s, item, values) ? 1 : -1;
}

/* ---- One entry ------------------------------------------------------------------------------------------------------- */

static int take_attempts(lua_State *L, int kept, dbf_tally *t, const dbf_subject *s, bool count) {
  int done = 1;
  for (const dbf_attempt *a = NULL; done == 1 && (a = dbf_subject_next_attempt(s->entry, a)) != NULL;)
    done = take_item(L, kept, t, s, &(dbf_item){.attempt = a}, count);
  return done;
}

static int take_tools(lua_State *L, int kept, dbf_tally *t, const dbf_subject *s, bool count) {
  dbf_json_value tools;
  int done = 1;
  if (!dbf_subject_member(s->entry, "tools", 5, &tools) || tools.type != DBF_JSON_ARRAY) return 1;
  for (const char *p = dbf_json_enter(tools.start, tools.end); p && done == 1;) {
    dbf_item item = {.attempt = NULL};
    p = dbf_json_element(p, tools.end, &item.object);
    if (item.object.type == DBF_JSON_OBJECT) done = take_item(L, kept, t, s, &item, count);
  }
  return done;
}

static int take_items(lua_State *L, int kept, dbf_tally *t, const dbf_subject *s, bool count) {
  return (t->attempts ? take_attempts : take_tools)(L, kept, t, s, count);
}

static void note_entry(dbf_tally *t, const dbf_subject *s) {
  int64_t ns;
  t->entries++;
  if (dbf_subject_source(s->entry, "agent_id", &t->room).kind != DBF_NOTHING) t->subagents++;
  if (!t->dated || !dbf_subject_time(s->entry, &ns)) return;
  if (!t->timed || ns < t->first) t->first = ns;
  if (!t->timed || ns > t->last) t->last = ns;
  t->timed = true;
}

bool dbf_tally_add(lua_State *L, int index, dbf_tally *t, dbf_subject *s) {
  int done;
  lua_getiuservalue(L, index, 1);
  int kept = lua_gettop(L);
  t->number++;
  s->words = &t->words;
  if (t->attempts || t->tools) { /* what is unsure of one of them must not leave the others counted */
    done = take_items(L, kept, t, s, false);
    if (done == 1) done = take_items(L, kept, t, s, true);
  } else {
    done = take_item(L, kept, t, s, NULL, true);
  }
  if (done < 0) luaL_error(L, "not enough memory");
  if (done == 1) note_entry(t, s);
  lua_settop(L, kept - 1);
  return done == 1;
}

bool dbf_tally_is_full(const dbf_tally *t) {
  return t->groups.count + t->parts.count > FULL || t->groups.keys.len + t->parts.keys.len > FULL_BYTES;
}

/* ---- Taking ------------------------------------------------------------------------------------------------------------ */

/* Push { { keys = {…}, runs =, cells = {…} } … } */
static void push_level(lua_State *L, int kept, const dbf_tally *t, const dbf_tally_rows *l, size_t keys) {
  lua_createtable(L, (int)l->count, 0);
  for (size_t i = 0; i < l->count; i++) {
    const dbf_tally_row *r = &l->rows[i];
    const char *p = l->keys.data + r->key;
    lua_createtable(L, 0, 3);
    lua_createtable(L, (int)keys, 0);
    for (size_t k = 0; k < keys; k++) {
      p = dbf_tally_rows_push_key(L, p);
      lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
    lua_setfield(L, -2, "keys");
    dbf_table_set_integer(L, "runs", r->runs);
    lua_createtable(L, (int)t->column_count, 0);
    for (size_t c = 0; c < t->column_count; c++) {
      dbf_cell_push(L, kept, t->columns[c].kind, &l->cells[i * t->column_count + c]);
      lua_rawseti(L, -2, (lua_Integer)c + 1);
    }
    lua_setfield(L, -2, "cells");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void clear(lua_State *L, int index, dbf_tally *t) {
  dbf_tally_rows_release(&t->groups, t->column_count);
  dbf_tally_rows_release(&t->parts, t->column_count);
  t->entries = t->subagents = 0;
  t->timed = false;
  lua_newtable(L);
  lua_setiuservalue(L, index, 1);
}

static int l_tally_take(lua_State *L) {
  dbf_tally *t = dbf_userdata_own(L, tally_type);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, 1);
  lua_createtable(L, 0, 7);
  dbf_table_set_integer(L, "entries", t->entries);
  dbf_table_set_integer(L, "subagents", t->subagents);
  if (t->timed) dbf_table_set_integer(L, "first", t->first);
  if (t->timed) dbf_table_set_integer(L, "last", t->last);
  push_level(L, 2, t, &t->groups, t->key_count);
  lua_setfield(L, -2, "rows");
  push_level(L, 2, t, &t->parts, t->key_count + 1);
  lua_setfield(L, -2, "parts");
  dbf_way_push_hits(L, t->ways, t->way_count);
  lua_setfield(L, -2, "hits");
  clear(L, 1, t);
  return 1;
}

/* ---- Making ------------------------------------------------------------------------------------------------------------ */

/* A term at the top of the stack, which it pops; NULL: too many of them. */
static dbf_term *read_term(lua_State *L, dbf_tally *t) {
  bool room = t->term_count < TERMS;
  dbf_term *term = room ? &t->terms[t->term_count++] : NULL;
  bool ok = room && dbf_term_read(L, t->ways, t->way_count, term);
  lua_pop(L, 1);
  return ok ? term : NULL;
}

/* The number of a name in a list that ends with NULL; -1: it is not there. */
static int choice(const char *const *names, const char *name) {
  for (int i = 0; name && names[i]; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* { source =, kind =, run =, truth =, term = } at the top of the stack. */
static bool read_column(lua_State *L, dbf_tally *t) {
  static const char *const sources[] = {"term",   "one",  "passed", "first_try", "attempts",
                                        "claims", "lost", "cost",   "tokens",    NULL};
  static const char *const kinds[] = {"count", "rate",     "sum",   "mean", "quantiles", "min",
                                      "max",   "distinct", "first", "last", NULL};
  if (t->column_count == COLUMNS) return false;
  lua_getfield(L, -1, "source");
  lua_getfield(L, -2, "kind");
  int from = choice(sources, lua_tostring(L, -2)), kind = choice(kinds, lua_tostring(L, -1));
  lua_pop(L, 2);
  if (from < 0 || kind < 0) return false;
  column *c = &t->columns[t->column_count++];
  *c = (column){.source = (source)from,
                .kind = (dbf_cell_kind)kind,
                .run = dbf_table_flag(L, -1, "run"),
                .truth = dbf_table_flag(L, -1, "truth")};
  t->needs_time = t->needs_time || c->kind == DBF_CELL_FIRST || c->kind == DBF_CELL_LAST;
  if (c->source != OF_TERM) return true;
  lua_getfield(L, -1, "term");
  return (c->term = read_term(L, t)) != NULL;
}

/* A key: false for the skill, else a term. At the top of the stack. */
static bool read_key(lua_State *L, dbf_tally *t) {
  size_t i = t->key_count;
  if (i == KEYS) return false;
  t->key_count++;
  if (!lua_istable(L, -1)) return true;
  lua_pushvalue(L, -1);
  return (t->key_terms[i] = read_term(L, t)) != NULL;
}

static bool read_condition(lua_State *L, dbf_tally *t) {
  if (t->where_count == WAYS) return false;
  lua_pushvalue(L, -1);
  return (t->where[t->where_count++] = read_term(L, t)) != NULL;
}

static bool read_way(lua_State *L, dbf_tally *t) {
  return t->way_count < WAYS && dbf_way_read(L, &t->ways[t->way_count++]);
}

/* Read each element of the array `name` of the table at 1. */
static bool read_all(lua_State *L, dbf_tally *t, const char *name, bool (*read)(lua_State *, dbf_tally *)) {
  bool ok = true;
  int list = lua_gettop(L) + 1;
  if (lua_getfield(L, 1, name) == LUA_TNIL) return lua_settop(L, list - 1), true;
  for (lua_Integer i = 1; ok && lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
    ok = read(L, t);
    lua_settop(L, list);
  }
  lua_settop(L, list - 1);
  return ok;
}

static bool read_definition(lua_State *L, dbf_tally *t) {
  if (!dbf_status_words_read(L, 1, &t->words) || !read_all(L, t, "ways", read_way) ||
      !read_all(L, t, "keys", read_key) || !read_all(L, t, "columns", read_column))
    return false;
  t->across = dbf_table_flag(L, 1, "across");
  t->dated = dbf_table_flag(L, 1, "dated");
  if (t->across) t->key_count--;
  lua_getfield(L, 1, "each");
  const char *each = lua_tostring(L, -1);
  t->attempts = each && strcmp(each, "attempts") == 0;
  t->tools = each && strcmp(each, "tools") == 0;
  return read_all(L, t, "where", read_condition);
}

/* tally(definition) -> tally | nil */
static int l_tally(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  dbf_tally *t = lua_newuserdatauv(L, sizeof *t, 2);
  *t = (dbf_tally){.hash_key = dbf_hash_key_new()};
  dbf_bytes *all[] = {&t->groups.keys, &t->parts.keys, &t->key, &t->room, &t->piece};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) dbf_bytes_init(all[i]);
  luaL_setmetatable(L, tally_type);
  lua_newtable(L);
  lua_setiuservalue(L, 2, 1); /* what cells keep */
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, 2); /* keeps the texts of the definition */
  bool ok = read_definition(L, t);
  lua_settop(L, 2);
  if (!ok) lua_pushnil(L);
  return 1;
}

static int l_tally_close(lua_State *L) {
  dbf_tally *t = luaL_checkudata(L, 1, tally_type);
  for (size_t i = 0; i < t->way_count; i++) dbf_way_release(&t->ways[i]);
  t->way_count = 0;
  dbf_tally_rows_release(&t->groups, t->column_count);
  dbf_tally_rows_release(&t->parts, t->column_count);
  dbf_bytes_release(&t->key);
  dbf_bytes_release(&t->room);
  dbf_bytes_release(&t->piece);
  return 0;
}

dbf_tally *dbf_tally_check(lua_State *L, int index) {
  return luaL_checkudata(L, index, tally_type);
}

void dbf_tally_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"take", l_tally_take}, {NULL, NULL}};
  dbf_userdata_type(L, tally_type, methods, l_tally_close);
}

void dbf_tally_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"tally", l_tally}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
