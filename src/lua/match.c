#include "match.h"
#include "userdata.h"
#include "entry_userdata.h"
#include "../log/utf8.h"

#include <string.h>

static const char match_type[] = "debrief.match";

/* What a field may be. */
typedef struct wanted {
  int type; /* LUA_TSTRING, LUA_TNUMBER or LUA_TBOOLEAN */
  bool is_integer, boolean;
  int64_t integer;
  double number;
  const char *text; /* kept alive by the matcher's user value */
  size_t len;
  bool decode; /* text holds U+FFFD or is not UTF-8: a value must be decoded to be compared */
} wanted;

typedef struct field {
  const char *name;
  size_t len;
  size_t first, count; /* in dbf_match.values */
} field;

/* |head|fields ...|values ...| in one block */
struct dbf_match {
  const dbf_match *
      other; /* passes as well what this one lets pass; kept alive by user value 2; NULL: there is no other */
  size_t fields;
  field *field;
  wanted *values;
};

/* ---- Testing --------------------------------------------------------------------------------------------------- */

/* As Lua compares them: exactly, also where a double has no room for all digits of an integer. */
static bool same_mixed(int64_t integer, double number) {
  return number >= -0x1p63 && number < 0x1p63 && (double)(int64_t)number == number &&
         (int64_t)number == integer;
}

static bool same_number(const dbf_json_value *v, const wanted *w) {
  int64_t integer;
  if (dbf_json_decode_integer(v, &integer))
    return w->is_integer ? integer == w->integer : same_mixed(integer, w->number);
  double number = dbf_json_decode_number(v);
  return w->is_integer ? same_mixed(w->integer, number) : number == w->number;
}

/* What a script sees of the value is compared, not its bytes. */
static bool same_text(const dbf_json_value *v, const wanted *w) {
  if (!w->decode) return dbf_json_string_is(v, w->text, w->len);
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(v, &decoded);
  bool same = !decoded.failed && decoded.len == w->len && memcmp(decoded.data, w->text, w->len) == 0;
  dbf_bytes_release(&decoded);
  return same;
}

static bool is_wanted(const dbf_json_value *v, const wanted *w) {
  switch (w->type) {
  case LUA_TSTRING: return v->type == DBF_JSON_STRING && same_text(v, w);
  case LUA_TBOOLEAN: return v->type == (w->boolean ? DBF_JSON_TRUE : DBF_JSON_FALSE);
  default: return (v->type == DBF_JSON_INTEGER || v->type == DBF_JSON_NUMBER) && same_number(v, w);
  }
}

static bool has_wanted(const dbf_match *m, const field *f, const dbf_json_value *v) {
  for (size_t i = 0; i < f->count; i++)
    if (is_wanted(v, &m->values[f->first + i])) return true;
  return false;
}

static bool has_all(const dbf_match *m, const char *text, const dbf_member *members, uint32_t count) {
  dbf_json_value v;
  for (const field *f = m->field; f < m->field + m->fields; f++)
    if (!dbf_member_find(text, members, count, f->name, f->len, &v) || !has_wanted(m, f, &v)) return false;
  return true;
}

bool dbf_match_test(const dbf_match *m, const char *text, const dbf_member *members, uint32_t count) {
  for (; m; m = m->other)
    if (has_all(m, text, members, count)) return true;
  return false;
}

/* ---- Making ---------------------------------------------------------------------------------------------------- */

/* The bytes of the string at `index`, which the table at `anchors` keeps alive: the plugin may change its own. */
static const char *keep(lua_State *L, int index, int anchors, size_t *len) {
  lua_pushvalue(L, index);
  const char *text = lua_tolstring(L, -1, len);
  lua_pushboolean(L, 1);
  lua_rawset(L, anchors);
  return text;
}

static void set_wanted(lua_State *L, wanted *w, int anchors) {
  *w = (wanted){.type = lua_type(L, -1)};
  if (w->type == LUA_TSTRING) {
    w->text = keep(L, -1, anchors, &w->len);
    w->decode = memmem(w->text, w->len, "\xef\xbf\xbd", 3) || !dbf_utf8_valid_scalar(w->text, w->len);
  }
  w->is_integer = lua_isinteger(L, -1);
  w->integer = lua_tointeger(L, -1);
  w->number = lua_tonumber(L, -1);
  w->boolean = lua_toboolean(L, -1);
}

/* The value of one field, on top of the stack: one, or a list of them. Returns how many. */
static size_t count_values(lua_State *L) {
  return lua_istable(L, -1) ? lua_rawlen(L, -1) : 1;
}

/* The room for values: what was counted before the memory was made. */
static void add_field(lua_State *L, dbf_match *m, size_t *used, size_t room, int anchors) {
  field *f = &m->field[m->fields];
  *f = (field){.first = *used, .count = count_values(L)};
  if (f->count > room - *used) luaL_error(L, "match changes while it is read");
  m->fields++;
  f->name = keep(L, -2, anchors, &f->len);
  for (size_t i = 0; i < f->count; i++) {
    if (lua_istable(L, -1)) lua_rawgeti(L, -1, (lua_Integer)i + 1);
    else lua_pushvalue(L, -1);
    set_wanted(L, &m->values[(*used)++], anchors);
    lua_pop(L, 1);
  }
}

static int l_match(lua_State *L) {
  size_t fields = 0, values = 0, used = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  const dbf_match *other = lua_isnoneornil(L, 2) ? NULL : luaL_checkudata(L, 2, match_type);
  lua_settop(L, 2);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1), fields++) {
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, 1, "field names are strings");
    values += count_values(L);
  }
  dbf_match *m = lua_newuserdatauv(L, sizeof *m + fields * sizeof(field) + values * sizeof(wanted), 2);
  m->other = other;
  m->fields = 0;
  m->field = (field *)(m + 1);
  m->values = (wanted *)(m->field + fields);
  luaL_setmetatable(L, match_type);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 2);
  lua_newtable(L);
  int anchors = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    if (m->fields == fields || lua_type(L, -2) != LUA_TSTRING)
      return luaL_error(L, "match changes while it is read");
    add_field(L, m, &used, values, anchors);
  }
  lua_setiuservalue(L, -2, 1);
  return 1;
}

const dbf_match *dbf_match_get(lua_State *L, int index) {
  return luaL_testudata(L, index, match_type);
}

static int l_matches(lua_State *L) {
  const dbf_match *m = luaL_checkudata(L, 1, match_type);
  const char *text;
  const dbf_member *members;
  uint32_t count;
  if (!dbf_entry_userdata_members(L, 2, &text, &members, &count)) return luaL_typeerror(L, 2, "entry");
  lua_pushboolean(L, dbf_match_test(m, text, members, count));
  return 1;
}

static int l_nothing(lua_State *L) {
  (void)L;
  return 0;
}

void dbf_match_open(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  dbf_userdata_type(L, match_type, none, l_nothing);
}

void dbf_match_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"match", l_match}, {"matches", l_matches}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
