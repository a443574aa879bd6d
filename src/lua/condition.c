#include "condition.h"
#include "userdata.h"
#include "way.h"

#include <stdlib.h>
#include <string.h>

static const char condition_type[] = "debrief.condition";

enum {
  MOST = 16, /* ways, and terms */
  LOOKS = 20 /* entries without a name that are left to Lua: as in debrief.entry.asked */
};

struct dbf_condition {
  dbf_status_words words;
  dbf_way ways[MOST];
  dbf_term terms[MOST];
  size_t way_count, term_count;
  uint32_t looks;
};

/* ---- Judging ------------------------------------------------------------------------------------------------------- */

/* One term, as Lua takes it: nothing is equal to no constant, and has no order. */
static dbf_judgement judge(lua_State *L, dbf_condition *c, const dbf_term *term, const dbf_subject *s) {
  bool missed = false;
  dbf_value v = dbf_term_get(L, term, s, NULL, &missed);
  if (missed && c->looks < LOOKS) {
    c->looks++;
    return DBF_CONDITION_UNSURE;
  }
  if (v.kind == DBF_DOUBT) return DBF_CONDITION_UNSURE;
  if (v.kind == DBF_NOTHING && term->sign == DBF_UNEQUAL) return DBF_CONDITION_YES;
  if (v.kind == DBF_NOTHING && term->sign >= DBF_LESS)
    return DBF_CONDITION_UNSURE; /* DBF_NOT is never nothing */
  return dbf_value_holds(&v) ? DBF_CONDITION_YES : DBF_CONDITION_NO;
}

dbf_judgement dbf_condition_judge(lua_State *L, dbf_condition *c, dbf_subject *s) {
  s->words = &c->words;
  for (size_t i = 0; i < c->term_count; i++) {
    dbf_judgement judgement = judge(L, c, &c->terms[i], s);
    if (judgement != DBF_CONDITION_YES) return judgement;
  }
  return DBF_CONDITION_YES;
}

/* ---- Making -------------------------------------------------------------------------------------------------------- */

/* Read each element of the array `name` of the table at 1: ways or terms. */
static bool read_all(lua_State *L, dbf_condition *c, const char *name, size_t *count, bool ways) {
  bool ok = true;
  lua_getfield(L, 1, name);
  int list = lua_gettop(L);
  for (lua_Integer i = 1; ok && lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
    size_t n = *count;
    ok = n < MOST;
    if (ok) ++*count;
    if (ok) ok = ways ? dbf_way_read(L, &c->ways[n]) : dbf_term_read(L, c->ways, c->way_count, &c->terms[n]);
    lua_settop(L, list);
  }
  lua_settop(L, list - 1);
  return ok;
}

/* condition { words =, ways =, terms = } */
static int l_condition(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  dbf_condition *c = lua_newuserdatauv(L, sizeof *c, 1);
  memset(c, 0, sizeof *c);
  luaL_setmetatable(L, condition_type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, 1); /* keeps the texts */
  bool ok = dbf_status_words_read(L, 1, &c->words) && read_all(L, c, "ways", &c->way_count, true) &&
            read_all(L, c, "terms", &c->term_count, false);
  if (!ok) lua_pushnil(L);
  return 1;
}

static int l_condition_hits(lua_State *L) {
  const dbf_condition *c = dbf_userdata_own(L, condition_type);
  dbf_way_push_hits(L, c->ways, c->way_count);
  return 1;
}

static void release(dbf_condition *c) {
  for (size_t i = 0; i < c->way_count; i++) dbf_way_release(&c->ways[i]);
  c->way_count = c->term_count = 0;
}

static int l_condition_close(lua_State *L) {
  release(luaL_checkudata(L, 1, condition_type));
  return 0;
}

/* ---- Copies -------------------------------------------------------------------------------------------------------- */

dbf_condition *dbf_condition_copy(const dbf_condition *condition) {
  dbf_condition *c = malloc(sizeof *c);
  if (!c) return NULL;
  *c = *condition;
  bool ok = true;
  for (size_t i = 0; i < c->way_count; i++) ok = dbf_way_copy(&c->ways[i], &condition->ways[i]) && ok;
  for (size_t i = 0; i < c->term_count; i++)
    c->terms[i].way = c->ways + (condition->terms[i].way - condition->ways);
  if (ok) return c;
  dbf_condition_free(c);
  return NULL;
}

void dbf_condition_free(dbf_condition *copy) {
  if (copy) release(copy);
  free(copy);
}

dbf_condition *dbf_condition_check(lua_State *L, int index) {
  return luaL_checkudata(L, index, condition_type);
}

void dbf_condition_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"hits", l_condition_hits}, {NULL, NULL}};
  dbf_userdata_type(L, condition_type, methods, l_condition_close);
}

void dbf_condition_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"condition", l_condition}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
