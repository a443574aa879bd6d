#include "lua_json.h"
#include "limits.h"
#include "memory.h"
#include "userdata.h"
#include "scratch.h"
#include "entry_userdata.h"
#include "lua_value.h"
#include "../log/json_write.h"

#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char json_key; /* registry key of the metatable of debrief.json(text) */

/* Where in a value the writer is, for messages: a list on the C stack, innermost first. */
typedef struct step {
  const struct step *up;
  const char *name; /* NULL: an index */
  lua_Integer index;
} step;

/* ---- Writing --------------------------------------------------------------------------------------------------- */

static void push_path(lua_State *L, const step *s) {
  luaL_Buffer b;
  const step *path[8];
  int n = 0;
  for (; s && n < 8; s = s->up) path[n++] = s;
  luaL_buffinit(L, &b);
  if (s) luaL_addstring(&b, "…");
  while (n-- > 0) {
    char index[32];
    lua_Integer i = path[n]->index;
    snprintf(index, sizeof index, "[%lld]", (long long)i);
    luaL_addstring(&b, path[n]->name ? "." : index);
    if (path[n]->name) luaL_addstring(&b, path[n]->name);
  }
  luaL_pushresult(&b);
}

static int refuse(lua_State *L, const step *at, const char *what) {
  push_path(L, at);
  const char *path = lua_tostring(L, -1);
  return luaL_error(L, "%s%s%s cannot be written as JSON", what, *path ? " at " : "", path);
}

/* An interrupt is looked for at every table, at so many elements, and at a string of so many bytes. */
enum { MANY = 1024, LONG = 1 << 16 };

static void write_value(lua_State *L, int index, dbf_bytes *out, const step *at, unsigned depth);

/* Is this table an array, and how long? Raises when it is neither array nor object. */
static bool is_array(lua_State *L, int index, const step *at, lua_Integer *length) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, index), inside = 0, names = 0, others = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= n) inside++;
    else if (lua_type(L, -1) == LUA_TSTRING) names++;
    else others++;
  }
  bool array = inside > 0 || dbf_lua_value_is_marked_array(L, index);
  if (others || inside < n) refuse(L, at, "a table with holes, or with keys that are not strings,");
  if (array && names) refuse(L, at, "a table that is both array and object");
  *length = n;
  return array;
}

/* Keys are sorted because pairs has no order that lasts: equal tables must become equal bytes. */
static int compare_names(const void *a, const void *b) {
  const debrief_text *x = a, *y = b;
  size_t len = x->len < y->len ? x->len : y->len;
  int order = memcmp(x->data, y->data, len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool is_known(const dbf_field *known, const debrief_text *name) {
  for (; known && known->name; known++)
    if (strlen(known->name) == name->len && memcmp(known->name, name->data, name->len) == 0) return true;
  return false;
}

/* Is the key below the value on top of the stack one to be written? */
static bool is_name(lua_State *L, const dbf_field *known, debrief_text *name) {
  if (lua_type(L, -1) != LUA_TSTRING) return false;
  name->data = lua_tolstring(L, -1, &name->len);
  return !is_known(known, name);
}

static size_t count_names(lua_State *L, int index, const dbf_field *known) {
  debrief_text name;
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, index);) {
    lua_pop(L, 1);
    n += is_name(L, known, &name);
  }
  return n;
}

/* Push the table's string keys in byte order, and a table that keeps them alive. Both are made before they are filled:
 * what a finalizer does to the table meanwhile may lose keys, and is refused when it adds some. */
static debrief_text *push_names(lua_State *L, int index, const dbf_field *known, const step *at,
                                size_t *count) {
  size_t n = count_names(L, index, known);
  debrief_text *names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
  lua_createtable(L, n < INT_MAX ? (int)n : INT_MAX, 0);
  int kept = lua_gettop(L);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, index);) {
    lua_pop(L, 1);
    if (!is_name(L, known, &names[*count])) continue;
    if (*count == n) refuse(L, at, "a table that changes while it is written,");
    lua_pushvalue(L, -1);
    lua_rawseti(L, kept, (lua_Integer)++ * count);
  }
  qsort(names, *count, sizeof *names, compare_names);
  return names;
}

static void write_members(lua_State *L, int index, dbf_bytes *out, const dbf_field *known, const step *at,
                          unsigned depth) {
  size_t count;
  const debrief_text *names = push_names(L, index, known, at, &count);
  dbf_bytes_append_char(out, '{');
  for (size_t i = 0; i < count; i++) {
    step here = {at, names[i].data, 0};
    if (i) dbf_bytes_append_char(out, ',');
    dbf_json_write_string(out, names[i].data, names[i].len);
    dbf_bytes_append_char(out, ':');
    lua_pushlstring(L, names[i].data, names[i].len);
    lua_rawget(L, index);
    write_value(L, lua_gettop(L), out, &here, depth + 1);
    lua_pop(L, 1);
  }
  dbf_bytes_append_char(out, '}');
  lua_pop(L, 2);
}

static void write_elements(lua_State *L, int index, dbf_bytes *out, lua_Integer length, const step *at,
                           unsigned depth) {
  dbf_bytes_append_char(out, '[');
  for (lua_Integer i = 1; i <= length; i++) {
    step here = {at, NULL, i};
    if (i % MANY == 0) dbf_limits_pace(L);
    if (i > 1) dbf_bytes_append_char(out, ',');
    lua_rawgeti(L, index, i);
    write_value(L, lua_gettop(L), out, &here, depth + 1);
    lua_pop(L, 1);
  }
  dbf_bytes_append_char(out, ']');
}

static void write_table(lua_State *L, int index, dbf_bytes *out, const step *at, unsigned depth) {
  lua_Integer length;
  dbf_limits_check(L); /* shared parts are written as often as they occur */
  dbf_scratch_check(L, out);
  if (depth >= DBF_JSON_DEPTH) refuse(L, at, "a table that contains itself, or more than 1,024 levels,");
  luaL_checkstack(L, 10, "table nested too deeply");
  if (is_array(L, index, at, &length)) write_elements(L, index, out, length, at, depth);
  else write_members(L, index, out, NULL, at, depth);
}

static void write_number(lua_State *L, int index, dbf_bytes *out, const step *at) {
  if (lua_isinteger(L, index)) dbf_json_write_integer(out, lua_tointeger(L, index));
  else if (!dbf_json_write_number(out, lua_tonumber(L, index))) refuse(L, at, "a number that is not finite");
}

static void write_userdata(lua_State *L, int index, dbf_bytes *out, const step *at) {
  dbf_json_value value;
  bool bad_utf8;
  if (dbf_userdata_is(L, index, &json_key)) {
    dbf_bytes_append(out, lua_touserdata(L, index), lua_rawlen(L, index));
  } else if (dbf_entry_userdata_get(L, index, &value, &bad_utf8)) {
    dbf_json_compact(out, value.start, (size_t)(value.end - value.start), false);
  } else {
    refuse(L, at, "a userdata");
  }
}

static void write_value(lua_State *L, int index, dbf_bytes *out, const step *at, unsigned depth) {
  size_t len;
  switch (lua_type(L, index)) {
  case LUA_TNIL: dbf_bytes_append(out, "null", 4); break;
  case LUA_TBOOLEAN:
    if (lua_toboolean(L, index)) dbf_bytes_append(out, "true", 4);
    else dbf_bytes_append(out, "false", 5);
    break;
  case LUA_TNUMBER: write_number(L, index, out, at); break;
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, index, &len);
    if (len > LONG) dbf_limits_pace(L);
    dbf_json_write_string(out, text, len);
    break;
  }
  case LUA_TTABLE: write_table(L, index, out, at, depth); break;
  case LUA_TUSERDATA: write_userdata(L, index, out, at); break;
  case LUA_TLIGHTUSERDATA:
    if (dbf_lua_value_is_null(L, index)) dbf_bytes_append(out, "null", 4);
    else write_userdata(L, index, out, at);
    break;
  default: lua_pushfstring(L, "a %s", luaL_typename(L, index)); refuse(L, at, lua_tostring(L, -1));
  }
}

void dbf_lua_json_write(lua_State *L, int index, dbf_bytes *out) {
  write_value(L, lua_absindex(L, index), out, NULL, 0);
  dbf_scratch_check(L, out);
}

bool dbf_lua_json_write_rest(lua_State *L, int index, const dbf_field *known, dbf_bytes *out) {
  size_t before = out->len;
  luaL_checkstack(L, 10, "table nested too deeply");
  if (count_names(L, lua_absindex(L, index), known) == 0) return false;
  write_members(L, lua_absindex(L, index), out, known, NULL, 0);
  dbf_scratch_check(L, out);
  if (out->len - before > 2) return true;
  out->len = before;
  return false;
}

/* ---- What scripts call ----------------------------------------------------------------------------------------- */

/* Copy argument 1 into `bytes` and validate it. On failure pushes nil and a message. */
static bool scan_argument(lua_State *L, dbf_bytes *bytes, dbf_json_value *value) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  const dbf_json_kernel *kernel = dbf_json_kernel_best();
  dbf_json_fault fault;
  dbf_bytes_append(bytes, text, len);
  if (!dbf_bytes_terminate(bytes)) dbf_memory_raise(L);
  const char *end = bytes->data + len, *p = dbf_json_skip_space(bytes->data, end);
  if (dbf_json_valid(kernel, bytes->data, len, &fault)) return dbf_json_skip(p, end, value), true;
  lua_pushnil(L);
  lua_pushfstring(L, "%s, at byte %I", fault.what, (lua_Integer)(fault.at - bytes->data) + 1);
  return false;
}

int dbf_lua_json_decode(lua_State *L) {
  dbf_json_value value;
  luaL_checkstring(L, 1);
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  bool ok = scan_argument(L, &scratch->text, &value);
  if (ok) dbf_lua_value_push(L, &value, false);
  dbf_scratch_give(L, taken);
  return ok ? 1 : 2;
}

static int l_encode(lua_State *L) {
  luaL_checkany(L, 1);
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  dbf_lua_json_write(L, 1, &scratch->text);
  lua_pushlstring(L, scratch->text.data, scratch->text.len);
  dbf_scratch_give(L, taken);
  return 1;
}

static int l_json(lua_State *L) {
  dbf_json_value value;
  luaL_checkstring(L, 1);
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  if (!scan_argument(L, &scratch->text, &value)) return dbf_scratch_give(L, taken), 2;
  dbf_bytes *out = &scratch->piece;
  dbf_json_compact(out, value.start, (size_t)(value.end - value.start), false);
  dbf_scratch_check(L, out);
  memcpy(lua_newuserdatauv(L, out->len, 0), out->data, out->len);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &json_key);
  lua_setmetatable(L, -2);
  dbf_scratch_give(L, taken);
  return 1;
}

static int l_json_tostring(lua_State *L) {
  if (!dbf_userdata_is(L, 1, &json_key)) return luaL_typeerror(L, 1, "JSON text");
  lua_pushlstring(L, lua_touserdata(L, 1), lua_rawlen(L, 1));
  return 1;
}

static int l_array(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  dbf_lua_value_mark_array(L);
  return 1;
}

static int l_table(lua_State *L) {
  dbf_json_value value;
  bool bad_utf8;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (!dbf_entry_userdata_get(L, 1, &value, &bad_utf8)) return 1;
  dbf_entry_userdata_anchor(L, 1);
  dbf_lua_value_push(L, &value, true);
  return 1;
}

static int l_raw(lua_State *L) {
  dbf_json_value value, member;
  bool bad_utf8;
  size_t len;
  if (!dbf_entry_userdata_get(L, 1, &value, &bad_utf8)) return luaL_typeerror(L, 1, "entry");
  if (lua_isnoneornil(L, 2)) return lua_pushlstring(L, value.start, (size_t)(value.end - value.start)), 1;
  const char *name = luaL_checklstring(L, 2, &len);
  if (!dbf_json_find(&value, name, len, &member)) return lua_pushnil(L), 1;
  lua_pushlstring(L, member.start, (size_t)(member.end - member.start));
  return 1;
}

/* numbers(object) -> name -> text of each member that is a number, in one pass over them: raw() looks for one member
 * from the beginning. */
static int l_numbers(lua_State *L) {
  dbf_json_value value, key, member;
  bool bad_utf8;
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (!dbf_entry_userdata_get(L, 1, &value, &bad_utf8)) return luaL_typeerror(L, 1, "entry");
  dbf_entry_userdata_anchor(L, 1);
  lua_newtable(L);
  if (value.type != DBF_JSON_OBJECT) return 1;
  for (const char *at = dbf_json_enter(value.start, value.end); at;) {
    at = dbf_json_member(at, value.end, &key, &member);
    if (member.type != DBF_JSON_INTEGER && member.type != DBF_JSON_NUMBER) continue;
    dbf_lua_value_push_scalar(L, &key, bad_utf8);
    lua_pushlstring(L, member.start, (size_t)(member.end - member.start));
    lua_rawset(L, -3);
  }
  return 1;
}

static int l_type(lua_State *L) {
  dbf_json_value value;
  bool bad_utf8;
  luaL_checkany(L, 1);
  if (dbf_entry_userdata_get(L, 1, &value, &bad_utf8))
    lua_pushstring(L, value.type == DBF_JSON_ARRAY ? "array" : "object");
  else if (dbf_lua_value_is_null(L, 1)) lua_pushstring(L, "null");
  else if (lua_istable(L, 1))
    lua_pushstring(L, dbf_lua_value_is_marked_array(L, 1) || lua_rawlen(L, 1) > 0 ? "array" : "object");
  else if (lua_type(L, 1) == LUA_TUSERDATA && dbf_userdata_is(L, 1, &json_key)) lua_pushstring(L, "json");
  else lua_pushstring(L, luaL_typename(L, 1));
  return 1;
}

void dbf_lua_json_open(lua_State *L) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, "JSON text");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, l_json_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &json_key);
}

void dbf_lua_json_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", l_encode}, {"decode", dbf_lua_json_decode},
                                       {"json", l_json},     {"array", l_array},
                                       {"table", l_table},   {"raw", l_raw},
                                       {"type", l_type},     {"numbers", l_numbers},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  dbf_lua_value_push_null(L);
  lua_setfield(L, -2, "null");
}
