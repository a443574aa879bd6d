#include "follow.h"
#include "limits.h"
#include "log.h"
#include "diagnostics.h"
#include "table.h"
#include "userdata.h"
#include "entry_place.h"
#include "entry_userdata.h"
#include "../log/follow.h"

#include <poll.h>
#include <string.h>

static const char follower_type[] = "debrief.follower";

typedef struct follower_object {
  debrief_follower *follower; /* NULL: closed */
  dbf_diagnostics notes;
  dbf_bytes paths; /* |path 0|path 0|: a note's item is where in it its path begins */
  size_t last;     /* the last one */
  uint32_t uses;   /* counts calls: a record is good until the next one */
} follower_object;

/* A path is kept once for all notes that follow each other about one file. */
static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  follower_object *o = user;
  if (o->paths.len == 0 || strcmp(o->paths.data + o->last, d->path) != 0) {
    o->last = o->paths.len;
    dbf_bytes_append(&o->paths, d->path, strlen(d->path) + 1);
  }
  if (o->paths.failed) o->notes.dropped++;
  else dbf_diagnostics_add(&o->notes, d, o->last);
}

/* The ids of the array at `list`, as pointers into its strings; NULL when it is nil. */
static const char **push_ids(lua_State *L, int list, size_t *count) {
  *count = 0;
  if (lua_isnoneornil(L, list)) return NULL;
  luaL_checktype(L, list, LUA_TTABLE);
  *count = lua_rawlen(L, list);
  const char **ids = lua_newuserdatauv(L, (*count + 1) * sizeof *ids, 0);
  for (size_t i = 0; i < *count; i++) {
    if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
      luaL_argerror(L, list, "a session id is no string");
    ids[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  return ids;
}

static int l_follow(lua_State *L) {
  debrief_error err;
  size_t count;
  debrief_log *log = dbf_lua_log_check(L, 1);
  debrief_follow_config config = {.struct_size = sizeof config,
                                  .from_start = dbf_table_flag(L, 3, "from_start"),
                                  .strict = dbf_table_flag(L, 3, "strict"),
                                  .poll = dbf_table_flag(L, 3, "poll"),
                                  .poll_ms = (uint32_t)dbf_table_integer(L, 3, "poll_ms", 0),
                                  .on_diagnostic = on_diagnostic};
  const char **ids = push_ids(L, 2, &count);
  follower_object *o = lua_newuserdatauv(L, sizeof *o, 0);
  *o = (follower_object){.follower = NULL};
  dbf_diagnostics_init(&o->notes);
  dbf_bytes_init(&o->paths);
  luaL_setmetatable(L, follower_type);
  config.user = o;
  o->follower = debrief_log_follow(log, ids, count, &config, &err);
  return o->follower ? 1 : dbf_table_push_failure(L, &err);
}

static follower_object *check_follower(lua_State *L) {
  follower_object *o = luaL_checkudata(L, 1, follower_type);
  if (!o->follower) luaL_error(L, "this follower is closed");
  o->uses++;
  return o;
}

static int l_next(lua_State *L) {
  follower_object *o = check_follower(L);
  dbf_record record;
  uint32_t uses = o->uses;
  dbf_limits_check(L);
  const char *session;
  debrief_error err;
  switch (dbf_follower_next(o->follower, 0, &record, &session, &err)) {
  case DEBRIEF_NEXT_END: return lua_pushnil(L), 1;
  case DEBRIEF_NEXT_ERROR:
    dbf_table_push_failure(L, &err);
    lua_pushinteger(L, err.code);
    return 3;
  case DEBRIEF_NEXT_ENTRY: break;
  }
  lua_pushstring(L, session);
  dbf_entry_origin origin = {
      .session = dbf_entry_place_session(L, -1), .line = record.line, .gap = DBF_NO_GAP};
  if (o->uses != uses) return luaL_error(L, "a finalizer used the follower that was returning an entry");
  dbf_entry_userdata_push(L, record.entry, record.bad_utf8, false, &origin, &o->uses);
  lua_insert(L, -2);
  lua_pushinteger(L, (lua_Integer)record.line);
  return 3;
}

static int l_wait(lua_State *L) {
  follower_object *o = check_follower(L);
  lua_Integer ms = luaL_optinteger(L, 2, -1);
  int fd = (int)luaL_optinteger(L, 3, -1), slice;
  struct pollfd items[] = {{.fd = debrief_follower_fd(o->follower), .events = POLLIN}, {.fd = fd}};
  bool changed;
  do {
    dbf_limits_check(L);
    slice = dbf_limits_slice(ms);
    changed = poll(items, 2, slice) > 0;
    if (ms >= 0) ms -= slice;
  } while (!changed && slice >= 0 && ms != 0);
  if (changed && items[1].revents) lua_pushliteral(L, "closed");
  else lua_pushstring(L, changed ? "new" : "late");
  return 1;
}

static int l_fd(lua_State *L) {
  lua_pushinteger(L, debrief_follower_fd(check_follower(L)->follower));
  return 1;
}

static int l_stop(lua_State *L) {
  debrief_follower_stop(check_follower(L)->follower);
  return 0;
}

static int l_diagnostics(lua_State *L) {
  follower_object *o = luaL_checkudata(L, 1, follower_type);
  dbf_diagnostics_push(L, &o->notes);
  for (lua_Integer i = 1; lua_rawgeti(L, -2, i) == LUA_TTABLE; i++) {
    lua_getfield(L, -1, "item");
    size_t at = (size_t)lua_tointeger(L, -1);
    lua_pushstring(L, at < o->paths.len ? o->paths.data + at : NULL);
    lua_setfield(L, -3, "path");
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  dbf_bytes_clear(&o->paths);
  return 2;
}

static int l_close(lua_State *L) {
  follower_object *o = luaL_checkudata(L, 1, follower_type);
  o->uses++;
  debrief_follower_close(o->follower);
  o->follower = NULL;
  dbf_diagnostics_release(&o->notes);
  dbf_diagnostics_init(&o->notes);
  dbf_bytes_release(&o->paths);
  dbf_bytes_init(&o->paths);
  return 0;
}

void dbf_lua_follow_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"next", l_next},   {"wait", l_wait}, {"fd", l_fd}, {"stop", l_stop}, {"diagnostics", l_diagnostics},
      {"close", l_close}, {NULL, NULL}};
  dbf_userdata_type(L, follower_type, methods, l_close);
}

void dbf_lua_follow_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"follow", l_follow}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
