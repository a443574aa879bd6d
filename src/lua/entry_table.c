#include "entry_table.h"
#include "lua_json.h"
#include "lua_value.h"
#include "scratch.h"
#include "entry_userdata.h"
#include "../log/timestamp.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

/* A table that fields are read from. */
typedef struct source {
  lua_State *L;
  int table;
  const char *where;    /* in front of a name in messages */
  uint32_t *has;        /* bits of what was there */
  size_t attempt_count; /* set by get_attempts */
} source;

/* What a caller gives may have a metatable: its own fields count, and nothing of it runs. */
static int get(const source *s, const char *name) {
  assert(s->table > 0); /* an index from the bottom: values pile up above it */
  luaL_checkstack(s->L, 4, "too many attempts");
  lua_pushstring(s->L, name);
  return lua_rawget(s->L, s->table);
}

static bool is_absent(lua_State *L) {
  return lua_isnil(L, -1) || dbf_lua_value_is_null(L, -1);
}

static int wrong(const source *s, const char *name, const char *wanted) {
  return luaL_error(s->L, "%s%s must be %s, not %s", s->where, name, wanted, luaL_typename(s->L, -1));
}

/* get_<kind>(source, name, bit, value), as entry_fields.def has them. Each leaves the field's value on the stack, so that
 * its bytes stay valid until the entry is written; what is absent leaves *value as it is, "not given". */

static void get_string(source *s, const char *name, uint32_t bit, debrief_text *text) {
  (void)bit;
  get(s, name);
  if (is_absent(s->L)) return;
  if (lua_type(s->L, -1) != LUA_TSTRING) wrong(s, name, "a string");
  text->data = lua_tolstring(s->L, -1, &text->len);
}

static void get_integer(source *s, const char *name, uint32_t bit, int64_t *value) {
  int ok;
  get(s, name);
  if (is_absent(s->L)) return;
  lua_Integer given = lua_tointegerx(s->L, -1, &ok);
  if (!ok || lua_type(s->L, -1) != LUA_TNUMBER) wrong(s, name, "an integer");
  *value = given;
  *s->has |= bit;
}

static void get_boolean(source *s, const char *name, uint32_t bit, bool *value) {
  get(s, name);
  if (is_absent(s->L)) return;
  if (!lua_isboolean(s->L, -1)) wrong(s, name, "true or false");
  *value = lua_toboolean(s->L, -1);
  *s->has |= bit;
}

static void get_time(source *s, const char *name, uint32_t bit, debrief_time *time) {
  lua_State *L = s->L;
  (void)bit;
  get(s, name);
  if (is_absent(L)) return;
  if (lua_isinteger(L, -1)) { /* nanoseconds since 1970 */
    lua_Integer ns = lua_tointeger(L, -1), part = ns % 1000000000;
    if (part < 0) part += 1000000000;
    *time = (debrief_time){(ns - part) / 1000000000, (int32_t)part, 0, true};
    return;
  }
  size_t len;
  if (lua_type(L, -1) != LUA_TSTRING) wrong(s, name, "an RFC 3339 string or integer nanoseconds");
  const char *text = lua_tolstring(L, -1, &len);
  if (!dbf_timestamp_parse(text, len, time))
    luaL_error(L, "%s%s '%s' is not RFC 3339 (2026-05-03T10:00:00Z)", s->where, name, text);
}

/* JSON of any value, null too, as a Lua string that replaces it on the stack. */
static void get_json(source *s, const char *name, uint32_t bit, debrief_text *text) {
  lua_State *L = s->L;
  (void)bit;
  if (get(s, name) == LUA_TNIL) return;
  int value = lua_gettop(L);
  dbf_bytes *out = &dbf_scratch_take(L)->text;
  dbf_lua_json_write(L, value, out);
  lua_pushlstring(L, out->data, out->len);
  dbf_scratch_give(L, -2);
  lua_replace(L, value);
  lua_settop(L, value);
  text->data = lua_tolstring(L, -1, &text->len);
}

static debrief_text get_rest(const source *s, const dbf_field *known) {
  debrief_text text = {NULL, 0};
  dbf_bytes *out = &dbf_scratch_take(s->L)->text;
  bool any = dbf_lua_json_write_rest(s->L, s->table, known, out);
  if (any) lua_pushlstring(s->L, out->data, out->len);
  dbf_scratch_give(s->L, any ? -2 : -1);
  if (!any) return lua_pop(s->L, 1), text;
  lua_remove(s->L, -2);
  text.data = lua_tolstring(s->L, -1, &text.len);
  return text;
}

/* The value on top of the stack; one that lies in another entry becomes a plain table. */
static void make_plain(lua_State *L) {
  bool bad_utf8;
  dbf_json_value view;
  if (!dbf_entry_userdata_get(L, -1, &view, &bad_utf8)) return;
  dbf_entry_userdata_anchor(L, -1);
  dbf_lua_value_push(L, &view, true);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

static void get_attempt(lua_State *L, debrief_attempt *a) {
  source s = {L, lua_gettop(L), "attempts[].", &a->has, 0};
#define DBF_ATTEMPT_FIELD(id, letter, name, kind, always, bit) get_##kind(&s, #name, bit, &a->name);
#include "../log/entry_fields.def"
  a->extra = get_rest(&s, dbf_attempt_fields);
}

static void get_attempts(source *s, const char *name, uint32_t bit, const debrief_attempt **list) {
  lua_State *L = s->L;
  get(s, name);
  if (is_absent(L)) return;
  make_plain(L);
  int array = lua_gettop(L);
  if (!lua_istable(L, array)) wrong(s, name, "an array of tables");
  size_t n = lua_rawlen(L, array);
  debrief_attempt *attempts = lua_newuserdatauv(L, (n + 1) * sizeof *attempts, 0);
  memset(attempts, 0, (n + 1) * sizeof *attempts);
  for (size_t i = 0; i < n; i++) {
    luaL_checkstack(L, 4, "too many attempts");
    lua_rawgeti(L, array, (lua_Integer)i + 1);
    make_plain(L);
    if (!lua_istable(L, -1)) luaL_error(L, "%s[] must be a table, not %s", name, luaL_typename(L, -1));
    get_attempt(L, &attempts[i]);
  }
  *list = attempts;
  s->attempt_count = n;
  *s->has |= bit;
}

static bool write_table(lua_State *L, int table, const char *id, bool sparse, dbf_bytes *out,
                        debrief_error *err) {
  debrief_entry e = {.struct_size = sizeof e, .sparse = sparse};
  source s = {L, table, "", &e.has, 0};
#define DBF_ENTRY_FIELD(id, letter, name, kind, always, bit) get_##kind(&s, #name, bit, &e.name);
#include "../log/entry_fields.def"
  e.attempt_count = s.attempt_count;
  e.extra = get_rest(&s, dbf_entry_fields);
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
