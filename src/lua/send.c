#include "send.h"

#include "../log/error.h"
#include "../log/io.h"
#include "../log/log_internal.h"
#include "../log/send.h"
#include "log.h"
#include "table.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <unistd.h>

/* A field that is a text, kept by the table; NULL without it. */
static const char *text_of(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  const char *text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

static void set_all(lua_State *L, const dbf_sending *s) {
  lua_settop(L, 2);
  dbf_table_set_integer(L, "offset", (lua_Integer)s->offset);
  dbf_table_set_integer(L, "sequence", (lua_Integer)s->sequence);
  dbf_table_set_integer(L, "place", (lua_Integer)s->place);
  dbf_table_set_integer(L, "lines", (lua_Integer)s->lines);
  dbf_table_set_integer(L, "too_big", (lua_Integer)s->too_big);
  dbf_table_set_integer(L, "too_big_at", (lua_Integer)s->too_big_at);
  dbf_table_set_integer(L, "rest", (lua_Integer)s->rest);
  lua_pushboolean(L, s->known);
  lua_setfield(L, 2, "known");
  lua_pushboolean(L, s->done);
  lua_setfield(L, 2, "done");
}

static bool send_step(debrief_log *log, dbf_sending *s, debrief_error *err) {
  const dbf_store_kind *kind;
  dbf_store *store = dbf_log_store(log, &kind);
  s->fd = dbf_io_above(open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (s->fd < 0) return dbf_fail_errno(err, "cannot read %s", s->path);
  bool ok = store ? kind->send(store, s, err) : dbf_log_send(log, s, err);
  close(s->fd);
  return ok;
}

static int l_send(lua_State *L) {
  debrief_error err = {0};
  debrief_log *log = dbf_lua_log_check(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  dbf_sending s = {.id = text_of(L, "id"),
                   .path = text_of(L, "path"),
                   .origin = text_of(L, "origin"),
                   .offset = dbf_table_count(L, 2, "offset"),
                   .sequence = dbf_table_count(L, 2, "sequence"),
                   .place = dbf_table_count(L, 2, "place"),
                   .known = dbf_table_flag(L, 2, "known")};
  luaL_argcheck(L, s.id && s.path, 2, "id and path are missing");
  bool ok = send_step(log, &s, &err);
  set_all(L, &s);
  if (ok) return lua_pushboolean(L, 1), 1;
  dbf_table_push_failure(L, &err);
  lua_pushinteger(L, err.code);
  lua_pushinteger(L, (lua_Integer)err.line);
  return 4;
}

static int l_look(lua_State *L) {
  debrief_error err = {0};
  const dbf_store_kind *kind;
  dbf_store_state state = {0};
  dbf_store *store = dbf_log_store(dbf_lua_log_check(L, 1), &kind);
  luaL_argcheck(L, store != NULL, 1, "a folder is no stream");
  if (!kind->look(store, &state, &err)) return dbf_table_push_failure(L, &err);
  lua_createtable(L, 0, 3);
  dbf_table_set_integer(L, "first", (lua_Integer)state.first);
  dbf_table_set_integer(L, "last", (lua_Integer)state.last);
  dbf_table_set_integer(L, "created", (lua_Integer)state.created_ns);
  return 1;
}

void dbf_lua_send_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"send", l_send}, {"look", l_look}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
