#include "query.h"
#include "../lua/table.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* ---- C -> Lua ---------------------------------------------------------------------------------------------------- */

/* An empty text counts as not given: hosts fill in structs from forms. */
static void set_text(lua_State *L, const char *name, const char *text) {
  if (!text || !*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_list(lua_State *L, const char *name, const char *const *list) {
  if (!list || !*list) return;
  lua_newtable(L);
  for (lua_Integer i = 0; list[i]; i++) {
    lua_pushstring(L, list[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, name);
}

static void set_count(lua_State *L, const char *name, uint64_t count) {
  if (!count) return;
  lua_pushinteger(L, count > INT64_MAX ? INT64_MAX : (lua_Integer)count);
  lua_setfield(L, -2, name);
}

void dbf_query_push(lua_State *L, const debrief_query *q) {
  lua_createtable(L, 0, 17);
  if (q->sessions) { /* an empty text is a mistake, not the whole log */
    lua_pushstring(L, q->sessions);
    lua_setfield(L, -2, "sessions");
  }
  set_text(L, "since", q->since);
  set_text(L, "until", q->until);
  set_text(L, "where", q->where);
  set_text(L, "enrich", q->enrich);
  set_text(L, "filter", q->filter);
  set_list(L, "opt", q->options);
  set_list(L, "allow", q->allow);
  lua_pushboolean(L, q->strict);
  lua_setfield(L, -2, "strict");
  set_count(L, "line", q->line);
  set_count(L, "last", q->last);
  set_list(L, "skill", q->skill);
  set_list(L, "phase", q->phase);
  set_list(L, "model", q->model);
  set_list(L, "project", q->project);
  set_list(L, "outcome", q->outcome);
  set_list(L, "grep", q->grep);
}

/* ---- Lua -> C ---------------------------------------------------------------------------------------------------- */

static const char *text_of(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1); /* the table keeps it */
  return text ? text : "";
}

void dbf_problem_of(lua_State *L, int index, debrief_problem *problem) {
  index = lua_absindex(L, index);
  *problem = (debrief_problem){.plugin = text_of(L, index, "plugin"),
                               .hook = text_of(L, index, "hook"),
                               .session = text_of(L, index, "session"),
                               .line = dbf_table_count(L, index, "line"),
                               .count = dbf_table_count(L, index, "count"),
                               .message = text_of(L, index, "message"),
                               .traceback = text_of(L, index, "traceback")};
}

/* The name comes from our own Lua side, which has it from debrief_kind_name. */
static debrief_kind kind_of(const char *name) {
  debrief_kind kind = DEBRIEF_IN_PROGRESS;
  while (kind < DEBRIEF_REPLACED && strcmp(debrief_kind_name(kind), name) != 0) kind++;
  return kind;
}

void dbf_diagnostic_of(lua_State *L, int index, debrief_diagnostic *d) {
  index = lua_absindex(L, index);
  *d = (debrief_diagnostic){.kind = kind_of(text_of(L, index, "kind")),
                            .path = text_of(L, index, "path"),
                            .line = dbf_table_count(L, index, "line"),
                            .offset = dbf_table_count(L, index, "offset"),
                            .length = dbf_table_count(L, index, "length"),
                            .message = text_of(L, index, "message")};
  snprintf(d->excerpt, sizeof d->excerpt, "%s", text_of(L, index, "excerpt"));
}

void dbf_query_diagnostics(lua_State *L, int index, const debrief_query *query) {
  debrief_diagnostic d;
  lua_Integer count = query->on_diagnostic ? (lua_Integer)lua_rawlen(L, index) : 0;
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    dbf_diagnostic_of(L, -1, &d);
    query->on_diagnostic(query->user, &d);
    lua_pop(L, 1);
  }
}

void dbf_query_problems(lua_State *L, int index, const debrief_query *query) {
  debrief_problem problem;
  lua_Integer count = query->on_problem ? (lua_Integer)lua_rawlen(L, index) : 0;
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    dbf_problem_of(L, -1, &problem);
    query->on_problem(query->user, &problem);
    lua_pop(L, 1);
  }
}

void dbf_query_notes(lua_State *L, int index, const debrief_query *query) {
  lua_Integer count = query->on_problem ? (lua_Integer)lua_rawlen(L, index) : 0;
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, index, i);
    debrief_problem problem = {
        .plugin = "", .hook = "", .session = "", .message = lua_tostring(L, -1), .traceback = "", .count = 1};
    query->on_problem(query->user, &problem);
    lua_pop(L, 1);
  }
}
