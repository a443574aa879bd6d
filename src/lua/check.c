#include "check.h"
#include "log.h"
#include "diagnostics.h"
#include "table.h"
#include "userdata.h"
#include "../log/log_internal.h"

static const char repair_type[] = "debrief.repair"; /* owns what C allocated while Lua may raise */

/* ---- Checking -------------------------------------------------------------------------------------------------- */

/* The callback, and whether it raised; the error is then on top of the stack. */
typedef struct listener {
  lua_State *L;
  int function; /* 0: nobody */
  bool raised;
} listener;

/* Unlike a reader's, these diagnostics are not kept until C returns: check names each as it comes, and a log may have
 * millions. */
static int call_listener(lua_State *L) {
  const debrief_diagnostic *d = lua_touserdata(L, 1);
  lua_pushvalue(L, 2);
  dbf_diagnostics_push_diagnostic(L, d, 0);
  lua_call(L, 1, 0);
  return 0;
}

/* Called from inside C, which must not be left by an error: it is caught here, and raised when C has returned. */
static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  listener *l = user;
  if (!l->function || l->raised) return;
  lua_pushcfunction(l->L, call_listener);
  lua_pushlightuserdata(l->L, (void *)(uintptr_t)d);
  lua_pushvalue(l->L, l->function);
  l->raised = lua_pcall(l->L, 2, 0, 0) != LUA_OK;
}

static debrief_read_config listen(lua_State *L, int function, listener *l) {
  *l = (listener){.L = L};
  if (!lua_isnoneornil(L, function)) {
    luaL_checktype(L, function, LUA_TFUNCTION);
    l->function = function;
  }
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  return (debrief_read_config){
      .struct_size = sizeof(debrief_read_config), .on_diagnostic = on_diagnostic, .user = l};
}

static void push_check(lua_State *L, const debrief_check *check) {
  lua_createtable(L, 0, 6);
  dbf_table_set_integer(L, "bytes", (lua_Integer)check->bytes);
  dbf_table_set_integer(L, "lines", (lua_Integer)check->lines);
  dbf_table_set_integer(L, "blank", (lua_Integer)check->blank);
  dbf_table_set_integer(L, "entries", (lua_Integer)check->entries);
  dbf_table_set_integer(L, "damaged", (lua_Integer)check->damaged);
  lua_newtable(L);
  for (size_t kind = 1; kind < sizeof check->found / sizeof *check->found; kind++)
    if (check->found[kind])
      dbf_table_set_integer(L, debrief_kind_name((debrief_kind)kind), (lua_Integer)check->found[kind]);
  lua_setfield(L, -2, "found");
}

static int finish_check(lua_State *L, const listener *l, bool ok, const debrief_check *check,
                        const debrief_error *err) {
  if (l->raised) return lua_error(L);
  if (!ok) return dbf_table_push_failure(L, err);
  push_check(L, check);
  return 1;
}

static int l_check(lua_State *L) {
  listener l;
  debrief_error err;
  debrief_check check = {.struct_size = sizeof check};
  debrief_log *log = dbf_lua_log_check(L, 1);
  const char *id = luaL_checkstring(L, 2);
  debrief_read_config config = listen(L, 3, &l);
  dbf_lua_log_pin(L, 1, true);
  bool ok = dbf_log_check_seen(log, id, &config, &check, &err);
  dbf_lua_log_pin(L, 1, false);
  return finish_check(L, &l, ok, &check, &err);
}

static int l_check_path(lua_State *L) {
  listener l;
  debrief_error err;
  debrief_check check = {.struct_size = sizeof check};
  const char *path = luaL_checkstring(L, 1);
  debrief_read_config config = listen(L, 2, &l);
  bool ok = debrief_log_check_path(path, &config, &check, &err);
  return finish_check(L, &l, ok, &check, &err);
}

/* ---- Repairing ------------------------------------------------------------------------------------------------- */

static int l_repair_gc(lua_State *L) {
  debrief_repair_release(luaL_checkudata(L, 1, repair_type));
  return 0;
}

static void push_left_out(lua_State *L, const debrief_repair *repair) {
  lua_createtable(L, (int)repair->left_out_count, 0);
  for (size_t i = 0; i < repair->left_out_count; i++) {
    const debrief_left_out *item = &repair->left_out[i];
    lua_createtable(L, 0, 4);
    dbf_table_set_string(L, "kind", debrief_kind_name(item->kind));
    dbf_table_set_integer(L, "line", (lua_Integer)item->line);
    dbf_table_set_integer(L, "offset", (lua_Integer)item->offset);
    dbf_table_set_integer(L, "length", (lua_Integer)item->length);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_repair(lua_State *L, const debrief_repair *repair) {
  lua_createtable(L, 0, 6);
  lua_pushboolean(L, repair->repaired);
  lua_setfield(L, -2, "repaired");
  dbf_table_set_integer(L, "entries", (lua_Integer)repair->entries);
  dbf_table_set_integer(L, "salvaged", (lua_Integer)repair->salvaged);
  dbf_table_set_string(L, "copy", repair->copy);
  push_left_out(L, repair);
  lua_setfield(L, -2, "left_out");
  lua_Integer more = (lua_Integer)(repair->left_out_total - repair->left_out_count);
  if (more > 0) dbf_table_set_integer(L, "left_out_more", more);
}

static int l_repair(lua_State *L) {
  debrief_error err;
  debrief_log *log = dbf_lua_log_check(L, 1);
  const char *id = luaL_checkstring(L, 2);
  debrief_repair *repair = lua_newuserdatauv(L, sizeof *repair, 0);
  *repair = (debrief_repair){.struct_size = sizeof *repair};
  luaL_setmetatable(L, repair_type);
  bool ok = debrief_log_repair(log, id, repair, &err);
  if (!ok) dbf_table_push_failure(L, &err);
  if (ok || repair->repaired) push_repair(L, repair);
  else lua_pushnil(L);
  return ok ? 1 : 3;
}

void dbf_lua_check_open(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  dbf_userdata_type(L, repair_type, none, l_repair_gc);
}

void dbf_lua_check_register(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"check", l_check}, {"check_path", l_check_path}, {"repair", l_repair}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
