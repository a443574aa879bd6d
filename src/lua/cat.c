/* cat.c: the Lua face of log/cat.h. */
#include "cat.h"
#include "log.h"
#include "diagnostics.h"
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

typedef struct context {
  dbf_diagnostics *notes;
  const dbf_cat_item *items;
} context;

static void on_diagnostic(void *user, const dbf_cat_item *item, const debrief_diagnostic *diagnostic) {
  context *c = user;
  dbf_diagnostics_add(c->notes, diagnostic, (size_t)(item - c->items) + 1);
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

/* copy_sessions(log, items, fd, threads, strict) -> diagnostics, dropped, failures, errno of a failed write or nil */
static int l_copy_sessions(lua_State *L) {
  debrief_log *log = dbf_lua_log_check(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  size_t count = lua_rawlen(L, 2);
  dbf_cat_options options = {.fd = (int)luaL_checkinteger(L, 3),
                             .threads = (unsigned)luaL_checkinteger(L, 4),
                             .strict = lua_toboolean(L, 5)};
  dbf_cat_item *items = push_items(L, 2, count);
  dbf_diagnostics *notes = lua_newuserdatauv(L, sizeof *notes, 0);
  dbf_diagnostics_init(notes);
  luaL_setmetatable(L, notes_type);
  context c = {notes, items};
  options.on_diagnostic = on_diagnostic;
  options.user = &c;
  bool ok = dbf_cat(log, items, count, &options);
  int code = errno;
  dbf_diagnostics_push(L, notes);
  push_failures(L, items, count);
  if (ok) lua_pushnil(L);
  else lua_pushinteger(L, code);
  return 4;
}

void dbf_lua_cat_open(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  dbf_userdata_type(L, notes_type, none, l_notes_gc);
}

void dbf_lua_cat_register(lua_State *L) {
  lua_pushcfunction(L, l_copy_sessions);
  lua_setfield(L, -2, "copy_sessions");
}
