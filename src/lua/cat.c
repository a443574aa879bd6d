/* cat.c: the Lua face of log/cat.h. */
#include "cat.h"
#include "condition.h"
#include "entry_origin.h"
#include "log.h"
#include "match.h"
#include "diagnostics.h"
#include "selection.h"
#include "table.h"
#include "userdata.h"
#include "../log/cat.h"

#include <errno.h>
#include <string.h>

static const char notes_type[] = "debrief.notes"; /* owns the diagnostics while Lua may raise */

static int l_notes_gc(lua_State *L) {
  dbf_diagnostics_release(luaL_checkudata(L, 1, notes_type));
  return 0;
}

/* What one thread has to tell which entries are wanted. No two share a line of the processors' caches. */
typedef struct thread {
  _Alignas(64) dbf_condition *condition; /* its own; NULL: none */
  dbf_selection span;
} thread;

typedef struct context {
  dbf_diagnostics *notes;
  const dbf_cat_item *items;
  const char **names; /* of sessions, by item */
  uint64_t *untimed;  /* entries that no window could judge, by item */
  const dbf_match *match;
  thread threads[DBF_CAT_THREADS];
} context;

static void on_diagnostic(void *user, const dbf_cat_item *item, const debrief_diagnostic *diagnostic) {
  context *c = user;
  dbf_diagnostics_add(c->notes, diagnostic, (size_t)(item - c->items) + 1);
}

static dbf_cat_verdict sieve(void *user, unsigned number, const dbf_cat_item *item,
                             const dbf_record *record) {
  context *c = user;
  thread *t = &c->threads[number];
  const dbf_entry *e = record->entry;
  dbf_verdict verdict = dbf_selection_judge(&t->span, record);
  if (t->span.without_time) c->untimed[item - c->items] += t->span.without_time;
  if (t->span.without_time) t->span.without_time = 0;
  if (verdict != DBF_SELECTION_IN) return DBF_CAT_LEAVE;
  if (c->match && !dbf_match_test(c->match, e->text, e->members, e->count)) return DBF_CAT_LEAVE;
  if (!t->condition) return DBF_CAT_KEEP;
  if (record->bad_utf8) return DBF_CAT_UNSURE;
  dbf_subject subject = {
      .entry = e, .line = record->line, .gap = DBF_NO_GAP, .session = c->names[item - c->items]};
  subject.session_len = strlen(subject.session);
  switch (dbf_condition_judge(NULL, t->condition, &subject)) {
  case DBF_CONDITION_NO: return DBF_CAT_LEAVE;
  case DBF_CONDITION_YES: return DBF_CAT_KEEP;
  case DBF_CONDITION_UNSURE: break;
  }
  return DBF_CAT_UNSURE;
}

/* The items of the array at `list`, as a userdata on the stack. Their strings live in the array's tables. */
static dbf_cat_item *push_items(lua_State *L, int list, size_t count) {
  dbf_cat_item *items = lua_newuserdatauv(L, (count + 1) * sizeof *items, 0);
  memset(items, 0, (count + 1) * sizeof *items);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    lua_getfield(L, -1, "path");
    lua_getfield(L, -2, "is_path");
    lua_getfield(L, -3, "session");
    items[i].path = luaL_checkstring(L, -3);
    items[i].id = lua_toboolean(L, -2) ? NULL : luaL_checkstring(L, -1);
    lua_pop(L, 4);
  }
  return items;
}

/* {{item=, message=}...} */
static void push_failures(lua_State *L, const dbf_cat_item *items, size_t count) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    if (!items[i].failed) continue;
    lua_createtable(L, 0, 2);
    dbf_table_set_string(L, "message", items[i].err.message);
    dbf_table_set_integer(L, "item", (lua_Integer)i + 1);
    lua_rawseti(L, -2, ++n);
  }
}

/* The names of the sessions, by item; they live in the array's tables. */
static const char **push_names(lua_State *L, int list, size_t count) {
  const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    lua_getfield(L, -1, "session");
    names[i] = luaL_checkstring(L, -1);
    lua_pop(L, 2);
  }
  return names;
}

/* As many of `wanted` threads as there is memory for; at least one, or 0. */
static unsigned prepare(context *c, unsigned wanted, const dbf_condition *condition, dbf_selection span) {
  unsigned ready = 0;
  for (; ready < wanted && ready < DBF_CAT_THREADS; ready++) {
    c->threads[ready] = (thread){.span = span};
    if (condition && !(c->threads[ready].condition = dbf_condition_copy(condition))) break;
  }
  return ready;
}

/* Zeroed, on the stack. */
static uint64_t *push_counters(lua_State *L, size_t count) {
  uint64_t *counters = lua_newuserdatauv(L, (count + 1) * sizeof *counters, 0);
  memset(counters, 0, (count + 1) * sizeof *counters);
  return counters;
}

static lua_Integer sum(const uint64_t *counters, size_t count) {
  uint64_t all = 0;
  for (size_t i = 0; i < count; i++) all += counters[i];
  return (lua_Integer)all;
}

static lua_Integer entries_of(const dbf_cat_item *items, size_t count) {
  uint64_t all = 0;
  for (size_t i = 0; i < count; i++) all += items[i].entries;
  return (lua_Integer)all;
}

/* The first item that a sieve was unsure of, from 1; 0: none. */
static size_t unsure_of(const dbf_cat_item *items, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (items[i].unsure) return i + 1;
  return 0;
}

static int l_copy_sessions(lua_State *L) {
  debrief_log *log = dbf_lua_log_check(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t count = lua_rawlen(L, 2);
  lua_getfield(L, 3, "match");
  context c = {.match = lua_isnil(L, -1) ? NULL : dbf_match_get(L, -1)};
  bool conditioned = lua_getfield(L, 3, "condition") != LUA_TNIL;
  const dbf_condition *condition = conditioned ? dbf_condition_check(L, -1) : NULL;
  dbf_selection span = dbf_selection_of(L, 3);
  dbf_cat_options options = {.fd = (int)dbf_table_integer(L, 3, "fd", 1),
                             .strict = dbf_table_flag(L, 3, "strict"),
                             .on_diagnostic = on_diagnostic,
                             .user = &c};
  dbf_cat_item *items = push_items(L, 2, count);
  c.items = items;
  c.names = push_names(L, 2, count);
  c.untimed = push_counters(L, count);
  c.notes = lua_newuserdatauv(L, sizeof *c.notes, 0);
  dbf_diagnostics_init(c.notes);
  luaL_setmetatable(L, notes_type);
  options.threads = prepare(&c, (unsigned)dbf_table_integer(L, 3, "threads", 1), condition, span);
  if (options.threads == 0) return luaL_error(L, "not enough memory");
  if (condition || c.match || span.timed) options.sieve = sieve;
  bool ok = dbf_cat(log, items, count, &options);
  int code = errno;
  for (unsigned i = 0; i < options.threads; i++) dbf_condition_free(c.threads[i].condition);
  size_t unsure = unsure_of(items, count);
  dbf_diagnostics_push(L, c.notes);
  push_failures(L, items, count);
  if (ok) lua_pushnil(L);
  else lua_pushinteger(L, code);
  lua_createtable(L, 0, 4);
  dbf_table_set_integer(L, "kept", entries_of(items, unsure ? unsure : count));
  dbf_table_set_integer(L, "untimed", sum(c.untimed, unsure ? unsure - 1 : count));
  if (unsure) dbf_table_set_integer(L, "unsure", (lua_Integer)unsure);
  if (unsure) dbf_table_set_integer(L, "copied", (lua_Integer)items[unsure - 1].entries);
  return 5;
}

void dbf_lua_cat_open(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  dbf_userdata_type(L, notes_type, none, l_notes_gc);
}

void dbf_lua_cat_register(lua_State *L) {
  lua_pushcfunction(L, l_copy_sessions);
  lua_setfield(L, -2, "copy_sessions");
}
