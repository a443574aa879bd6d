#include "entry_table.h"
#include "lua_json.h"
#include "scratch.h"
#include "entry_userdata.h"
#include "../log/timestamp.h"

#include <lauxlib.h>
#include <string.h>

static const char *const entry_names[] = {"session_id",   "timestamp",  "skill",       "phase",
                                          "project_root", "input",      "attempts",    "final_status",
                                          "file_path",    "model_used", "duration_ms", NULL};
static const char *const attempt_names[] = {"attempt",       "model",    "output_summary",
                                            "runner_output", "verified", NULL};

/* Every get_* leaves the field's value on the stack, so that its bytes stay valid until the entry is written. */

static int get(lua_State *L, int table, const char *name) {
  luaL_checkstack(L, 4, "too many attempts");
  return lua_getfield(L, table, name);
}

static bool is_absent(lua_State *L) {
  return lua_isnil(L, -1) || dbf_lua_json_is_null(L, -1);
}

static int wrong(lua_State *L, const char *where, const char *name, const char *wanted) {
  return luaL_error(L, "%s%s must be %s, not %s", where, name, wanted, luaL_typename(L, -1));
}

static debrief_text get_text(lua_State *L, int table, const char *where, const char *name) {
  debrief_text text = {NULL, 0};
  get(L, table, name);
  if (is_absent(L)) return text;
  if (lua_type(L, -1) != LUA_TSTRING) wrong(L, where, name, "a string");
  text.data = lua_tolstring(L, -1, &text.len);
  return text;
}

static int64_t get_integer(lua_State *L, int table, const char *where, const char *name, uint32_t bit,
                           uint32_t *has) {
  int ok;
  get(L, table, name);
  if (is_absent(L)) return 0;
  lua_Integer value = lua_tointegerx(L, -1, &ok);
  if (!ok || lua_type(L, -1) != LUA_TNUMBER) wrong(L, where, name, "an integer");
  *has |= bit;
  return value;
}

static debrief_time get_time(lua_State *L, int table) {
  debrief_time time = {0};
  get(L, table, "timestamp");
  if (is_absent(L)) return time;
  if (lua_isinteger(L, -1)) { /* nanoseconds since 1970 */
    lua_Integer ns = lua_tointeger(L, -1), part = ns % 1000000000;
    if (part < 0) part += 1000000000;
    return (debrief_time){(ns - part) / 1000000000, (int32_t)part, 0, true};
  }
  size_t len;
  if (lua_type(L, -1) != LUA_TSTRING) wrong(L, "", "timestamp", "an RFC 3339 string or integer nanoseconds");
  const char *text = lua_tolstring(L, -1, &len);
  if (!dbf_timestamp_parse(text, len, &time))
    luaL_error(L, "timestamp '%s' is not RFC 3339 (2026-05-03T10:00:00Z)", text);
  return time;
}

/* JSON of a value, as a Lua string left on the stack in its place. */
static debrief_text get_json(lua_State *L, int table, const char *name) {
  debrief_text text = {NULL, 0};
  if (get(L, table, name) == LUA_TNIL) return text;
  dbf_bytes *out = dbf_scratch_text(L);
  dbf_lua_json_write(L, -1, out);
  lua_pushlstring(L, out->data, out->len);
  lua_replace(L, -2);
  text.data = lua_tolstring(L, -1, &text.len);
  return text;
}

static debrief_text get_rest(lua_State *L, int table, const char *const known[]) {
  debrief_text text = {NULL, 0};
  dbf_bytes *out = dbf_scratch_text(L);
  if (!dbf_lua_json_write_rest(L, table, known, out)) return text;
  lua_pushlstring(L, out->data, out->len);
  text.data = lua_tolstring(L, -1, &text.len);
  return text;
}

static void get_attempt(lua_State *L, int table, debrief_attempt *a) {
  static const char where[] = "attempts[].";
  a->attempt = get_integer(L, table, where, "attempt", DEBRIEF_HAS_ATTEMPT, &a->has);
  a->model = get_text(L, table, where, "model");
  a->output_summary = get_text(L, table, where, "output_summary");
  a->runner_output = get_text(L, table, where, "runner_output");
  get(L, table, "verified");
  if (!is_absent(L)) {
    if (!lua_isboolean(L, -1)) wrong(L, where, "verified", "true or false");
    a->verified = lua_toboolean(L, -1);
    a->has |= DEBRIEF_HAS_VERIFIED;
  }
  a->extra = get_rest(L, table, attempt_names);
}

static void get_attempts(lua_State *L, int table, debrief_entry *entry) {
  get(L, table, "attempts");
  if (is_absent(L)) return;
  bool bad_utf8;
  dbf_json_value view;
  int list = lua_gettop(L);
  if (dbf_entry_userdata_get(L, list, &view, &bad_utf8)) { /* of another entry: as a plain table */
    dbf_lua_json_push(L, &view, true);
    lua_replace(L, list);
  }
  if (!lua_istable(L, list)) wrong(L, "", "attempts", "an array of tables");
  lua_len(L, list);
  size_t n = (size_t)lua_tointeger(L, -1);
  debrief_attempt *attempts = lua_newuserdatauv(L, (n + 1) * sizeof *attempts, 0);
  memset(attempts, 0, (n + 1) * sizeof *attempts);
  for (size_t i = 0; i < n; i++) {
    luaL_checkstack(L, 4, "too many attempts");
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    if (dbf_entry_userdata_get(L, -1, &view, &bad_utf8)) { /* an attempt of another entry */
      dbf_lua_json_push(L, &view, true);
      lua_replace(L, -2);
    }
    if (!lua_istable(L, -1)) wrong(L, "", "attempts[]", "a table");
    get_attempt(L, lua_gettop(L), &attempts[i]);
  }
  entry->attempts = attempts;
  entry->attempt_count = n;
  entry->has |= DEBRIEF_HAS_ATTEMPTS;
}

static bool write_table(lua_State *L, int table, const char *id, bool sparse, dbf_bytes *out,
                        debrief_error *err) {
  debrief_entry e = {.struct_size = sizeof e, .sparse = sparse};
  e.session_id = get_text(L, table, "", "session_id");
  e.timestamp = get_time(L, table);
  e.skill = get_text(L, table, "", "skill");
  e.phase = get_text(L, table, "", "phase");
  e.project_root = get_text(L, table, "", "project_root");
  e.input = get_json(L, table, "input");
  get_attempts(L, table, &e);
  e.final_status = get_text(L, table, "", "final_status");
  e.file_path = get_text(L, table, "", "file_path");
  e.model_used = get_text(L, table, "", "model_used");
  e.duration_ms = get_integer(L, table, "", "duration_ms", DEBRIEF_HAS_DURATION, &e.has);
  e.extra = get_rest(L, table, entry_names);
  return dbf_entry_write(out, id, &e, err);
}

bool dbf_entry_table_write(lua_State *L, int index, const char *id, bool sparse, dbf_bytes *out,
                           debrief_error *err) {
  dbf_json_value view;
  bool bad_utf8, ok;
  int top = lua_gettop(L);
  size_t len;
  index = lua_absindex(L, index);
  if (lua_istable(L, index)) {
    ok = write_table(L, index, id, sparse, out, err);
  } else if (dbf_entry_userdata_get(L, index, &view, &bad_utf8)) {
    ok = dbf_entry_write_json(out, dbf_scratch_piece(L), id, view.start, (size_t)(view.end - view.start),
                              sparse, err);
  } else if (lua_type(L, index) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, index, &len);
    ok = dbf_entry_write_json(out, dbf_scratch_piece(L), id, text, len, sparse, err);
  } else {
    return luaL_error(L, "an entry is a table, an entry or JSON text, not %s", luaL_typename(L, index));
  }
  lua_settop(L, top);
  return ok;
}
