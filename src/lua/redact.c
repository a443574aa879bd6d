#include "redact.h"
#include "entry_assign.h"
#include "entry_lent.h"
#include "entry_userdata.h"
#include "limits.h"
#include "memory.h"
#include "lua_json.h"
#include "lua_value.h"
#include "scratch.h"
#include "../secrets/secrets.h"

#include <lauxlib.h>
#include <string.h>

static const char redactor_type[] = "debrief.redactor";
static const char default_key; /* registry key of the redactor without patterns, once it was used */

/* Owned by a userdata, so that an error leaks nothing. */
typedef struct redactor {
  dbf_secrets *secrets;
} redactor;

/* One call. All that is read after Lua ran lies in a scratch of its own: a finalizer may redact something, too. */
typedef struct call {
  dbf_secrets *secrets;
  dbf_scratch
      *scratch; /* text: the result; piece: what is redacted, if it had to be written; extra: counts */
} call;

typedef struct count {
  const char *kind; /* of the redactor */
  size_t count;
} count;

static int l_gc(lua_State *L) {
  redactor *r = lua_touserdata(L, 1);
  dbf_secrets_free(r->secrets);
  r->secrets = NULL;
  return 0;
}

static redactor *push_redactor(lua_State *L) {
  redactor *r = lua_newuserdatauv(L, sizeof *r, 0);
  r->secrets = NULL;
  if (luaL_newmetatable(L, redactor_type)) {
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  r->secrets = dbf_secrets_new();
  if (!r->secrets) dbf_memory_raise(L);
  return r;
}

/* The redactor without patterns, pushed. */
static redactor *push_default(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &default_key) == LUA_TUSERDATA) return lua_touserdata(L, -1);
  lua_pop(L, 1);
  redactor *r = push_redactor(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &default_key);
  return r;
}

static void note_counts(const call *c) {
  count one;
  for (size_t i = 0; (one.kind = dbf_secrets_count(c->secrets, i, &one.count)) != NULL; i++)
    dbf_bytes_append(&c->scratch->extra, &one, sizeof one);
}

/* True: the result is the text without its secrets. */
static bool run(lua_State *L, const call *c, const char *text, size_t len, dbf_secrets_form form) {
  switch (dbf_secrets_redact(c->secrets, text, len, form, &c->scratch->text, dbf_limits_stopped)) {
  case DBF_SECRETS_CLEAN: return false;
  case DBF_SECRETS_REDACTED: note_counts(c); return true;
  case DBF_SECRETS_STOPPED: return dbf_limits_raise(L);
  case DBF_SECRETS_TOO_LONG: return luaL_error(L, "redact: the text has 4 GiB or more");
  case DBF_SECRETS_NO_MEMORY: break;
  }
  return dbf_memory_raise(L);
}

static void push_counts(lua_State *L, const call *c) {
  const count *counts = (const count *)(const void *)c->scratch->extra.data;
  size_t n = c->scratch->extra.len / sizeof *counts;
  lua_createtable(L, 0, (int)n);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, (lua_Integer)counts[i].count);
    lua_setfield(L, -2, counts[i].kind);
  }
}

static void redact_text(lua_State *L, const call *c) {
  size_t len;
  const char *text = lua_tolstring(L, 1, &len);
  if (run(L, c, text, len, DBF_SECRETS_TEXT)) lua_pushlstring(L, c->scratch->text.data, c->scratch->text.len);
  else lua_pushvalue(L, 1);
}

/* A timestamp is no secret, whatever a pattern of the user's says: the result gets the one that the entry has. */
static void keep_timestamp(lua_State *L, const call *c, const dbf_json_value *entry) {
  dbf_bytes *text = &c->scratch->text, *with = &c->scratch->piece;
  dbf_json_value before, after, now = {text->data, text->data + text->len, DBF_JSON_OBJECT, false};
  if (!dbf_json_find(entry, "timestamp", 9, &before) || !dbf_json_find(&now, "timestamp", 9, &after)) return;
  dbf_bytes_clear(with);
  dbf_bytes_append(with, now.start, (size_t)(after.start - now.start));
  dbf_bytes_append(with, before.start, (size_t)(before.end - before.start));
  dbf_bytes_append(with, after.end, (size_t)(now.end - after.end));
  dbf_scratch_check(L, with);
  dbf_bytes swap = *text;
  *text = *with;
  *with = swap;
}

static void redact_entry(lua_State *L, const call *c) {
  dbf_json_value entry;
  bool bad_utf8;
  dbf_entry_userdata_get(L, 1, &entry, &bad_utf8);
  if (run(L, c, entry.start, (size_t)(entry.end - entry.start), DBF_SECRETS_JSON)) {
    keep_timestamp(L, c, &entry);
    dbf_entry_assign_whole(L, &c->scratch->text);
  }
  lua_pushvalue(L, 1);
}

static void redact_table(lua_State *L, const call *c) {
  dbf_json_value clean;
  dbf_bytes *json = &c->scratch->piece, *text = &c->scratch->text;
  dbf_lua_json_write(L, 1, json);
  if (run(L, c, json->data, json->len, DBF_SECRETS_JSON)) {
    dbf_json_skip(text->data, text->data + text->len, &clean);
    dbf_lua_value_push(L, &clean, false);
  } else {
    lua_pushvalue(L, 1);
  }
}

/* Upvalue 1: the redactor, or nil for the one without patterns. */
static int l_redact(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  redactor *r = lua_touserdata(L, lua_upvalueindex(1));
  if (!r) r = push_default(L);
  call c = {r->secrets, dbf_scratch_take(L)};
  int type = lua_type(L, 1), taken = lua_gettop(L);
  if (type == LUA_TSTRING) redact_text(L, &c);
  else if (dbf_entry_userdata_is_entry(L, 1)) redact_entry(L, &c);
  else if (type == LUA_TTABLE || type == LUA_TUSERDATA || dbf_entry_lent_is(L, 1)) redact_table(L, &c);
  else lua_pushvalue(L, 1);
  push_counts(L, &c);
  dbf_scratch_give(L, taken);
  return 2;
}

static bool is_kind(const char *name, size_t len) {
  size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return len > 0 && len <= 40 && letters == len;
}

/* redactor({kind = pattern}) */
static int l_redactor(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  redactor *r = push_redactor(L);
  dbf_pattern_error error;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    size_t len, size;
    const char *kind = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : NULL;
    const char *pattern = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : NULL;
    if (!kind || !pattern || !is_kind(kind, len))
      return luaL_argerror(L, 1, "a table of patterns by kind; a kind is of a to z, 0 to 9 and _");
    if (strlen(pattern) == size && dbf_secrets_add(r->secrets, kind, pattern, &error)) continue;
    if (strlen(pattern) != size) error = (dbf_pattern_error){"a zero byte", strlen(pattern)};
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s, at character %I of '%s'", kind, error.what, (lua_Integer)error.at + 1,
                    pattern);
    return 2;
  }
  lua_settop(L, 2);
  lua_pushcclosure(L, l_redact, 1);
  return 1;
}

void dbf_redact_register(lua_State *L) {
  lua_pushnil(L);
  lua_pushcclosure(L, l_redact, 1);
  lua_setfield(L, -2, "redact");
  lua_pushcfunction(L, l_redactor);
  lua_setfield(L, -2, "redactor");
}
