#include "library.h"
#include "limits.h"
#include "patterns.h"

#include <ctype.h>
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
  SHORT = 1 << 16, /* bytes or items that need no look: less than a millisecond */
  SLICE = 1 << 20  /* bytes between two looks where a byte takes a nanosecond */
};

/* Every function here has Lua's own as its first upvalue. It is called as a C function, not by lua_call, to keep its
 * messages: they name the function that Lua called. */
static int stock(lua_State *L) {
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static size_t length_of(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TSTRING ? lua_rawlen(L, index) : 0;
}

/* ---- Strings -------------------------------------------------------------------------------------------------- */

/* Lua's own goes round n times, also for nothing, and byte by byte. */
static int l_rep(lua_State *L) {
  size_t len, gap_len;
  const char *text = luaL_checklstring(L, 1, &len), *gap;
  lua_Integer n = luaL_checkinteger(L, 2);
  gap = luaL_optlstring(L, 3, "", &gap_len);
  if (n <= 1 || len + gap_len == 0) return lua_settop(L, 1), n < 1 ? (lua_pushliteral(L, ""), 1) : 1;
  if (len + gap_len > INT_MAX / (lua_Unsigned)n) return luaL_error(L, "resulting string too large");
  luaL_Buffer b;
  size_t unit = len + gap_len, total = unit * (size_t)n - gap_len, done = unit < total ? unit : total;
  char *to = luaL_buffinitsize(L, &b, total);
  memcpy(to, text, len);
  memcpy(to + len, gap, done - len);
  while (done < total) { /* what is there is whole units: it doubles, a slice at a time */
    size_t most = done < SLICE ? done : SLICE / unit * unit > 0 ? SLICE / unit * unit : unit;
    size_t piece = total - done < most ? total - done : most;
    memcpy(to + done, to, piece);
    done += piece;
    dbf_limits_pace(L);
  }
  luaL_pushresultsize(&b, total);
  return 1;
}

/* upper and lower. */
static int in_slices(lua_State *L, int (*change)(int)) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  if (len <= SHORT) return stock(L);
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, len);
  for (size_t i = 0; i < len; i++) {
    to[i] = (char)change((unsigned char)text[i]);
    if (i % SLICE == 0) dbf_limits_pace(L);
  }
  luaL_pushresultsize(&b, len);
  return 1;
}

static int l_upper(lua_State *L) {
  return in_slices(L, toupper);
}

static int l_lower(lua_State *L) {
  return in_slices(L, tolower);
}

static int l_reverse(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  if (len <= SHORT) return stock(L);
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, len);
  for (size_t i = 0; i < len; i++) {
    to[i] = text[len - 1 - i];
    if (i % SLICE == 0) dbf_limits_pace(L);
  }
  luaL_pushresultsize(&b, len);
  return 1;
}

/* %q of a string, which takes Lua's own a call of snprintf for each control character. */
static void add_quoted(lua_State *L, luaL_Buffer *b, const char *text, size_t len) {
  luaL_addchar(b, '"');
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (i % SHORT == 0) dbf_limits_pace(L);
    if (c == '"' || c == '\\' || c == '\n') luaL_addchar(b, '\\');
    if (!iscntrl(c) || c == '\n') {
      luaL_addchar(b, (char)c);
      continue;
    }
    char escape[8];
    bool wide = i + 1 < len && isdigit((unsigned char)text[i + 1]);
    snprintf(escape, sizeof escape, wide ? "\\%03d" : "\\%d", c);
    luaL_addstring(b, escape);
  }
  luaL_addchar(b, '"');
}

/* The conversion at p with argument `arg` of those up to `top`. */
static void add_converted(lua_State *L, luaL_Buffer *b, const char *p, size_t len, int arg, int top) {
  if (arg > top) luaL_argerror(L, arg, "no value");
  if (len == 2 && p[1] == 'q' && lua_type(L, arg) == LUA_TSTRING) {
    size_t text_len;
    const char *text = lua_tolstring(L, arg, &text_len);
    add_quoted(L, b, text, text_len);
    return;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushlstring(L, p, len);
  lua_pushvalue(L, arg);
  lua_call(L, 2, 1);
  luaL_addvalue(b);
}

/* format(…) one conversion after the other. */
static int format_long(lua_State *L) {
  int top = lua_gettop(L), arg = 1;
  size_t len;
  const char *p = lua_tolstring(L, 1, &len), *end = p + len;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  while (p < end) {
    const char *sign = memchr(p, '%', (size_t)(end - p));
    luaL_addlstring(&b, p, (size_t)((sign ? sign : end) - p));
    if (!sign) break;
    size_t spec = 1 + strspn(sign + 1, "-+ #0123456789.");
    spec += sign + spec < end;
    if (spec == 2 && sign[1] == '%') luaL_addchar(&b, '%');
    else add_converted(L, &b, sign, spec, ++arg, top);
    p = sign + spec;
    dbf_limits_pace(L);
  }
  luaL_pushresult(&b);
  return 1;
}

static int l_format(lua_State *L) {
  size_t len;
  int top = lua_gettop(L), i = 2;
  const char *form = luaL_checklstring(L, 1, &len);
  while (i <= top && length_of(L, i) <= SHORT) i++;
  bool is_long = len > SHORT || (i <= top && memmem(form, len, "%q", 2));
  return is_long ? format_long(L) : stock(L);
}

/* utf8.len: characters that begin within a slice are counted by Lua's own. */
static int l_utf8_len(lua_State *L) {
  size_t len = length_of(L, 1);
  if (len <= SHORT) return stock(L);
  const char *text = lua_tostring(L, 1);
  lua_Integer from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, -1), count = 0;
  if (from < 0) from = from < -(lua_Integer)len ? 0 : from + (lua_Integer)len + 1;
  if (to < 0) to = to < -(lua_Integer)len ? 0 : to + (lua_Integer)len + 1;
  if (from < 1 || from > (lua_Integer)len + 1 || to > (lua_Integer)len)
    return stock(L); /* which refuses it */
  lua_settop(L, 4);
  while (from <= to) {
    lua_Integer last = to - from < SLICE ? to : from + SLICE;
    while (last < to && (text[last] & 0xc0) == 0x80) last++; /* text[last] is the character after it */
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushinteger(L, from);
    lua_pushinteger(L, last);
    lua_pushvalue(L, 4);
    lua_call(L, 4, 2);
    if (!lua_toboolean(L, -2)) return 2; /* fail, and where */
    count += lua_tointeger(L, -2);
    lua_settop(L, 4);
    from = last + 1;
    dbf_limits_pace(L);
  }
  lua_pushinteger(L, count);
  return 1;
}

/* ---- Tables --------------------------------------------------------------------------------------------------- */

/* The length of a table, and not of what only behaves like one: entries are short. */
static lua_Integer items_of(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TTABLE ? luaL_len(L, index) : 0;
}

static void look(lua_State *L, lua_Integer i) {
  if (i % SHORT == 0) dbf_limits_pace(L);
}

/* A length may be any number: #t of a table with holes is one of its ends. */
static int l_insert(lua_State *L) {
  lua_Integer n = lua_gettop(L) == 3 ? items_of(L, 1) : 0, at;
  if (n <= SHORT || n == LUA_MAXINTEGER) return stock(L);
  at = luaL_checkinteger(L, 2);
  if (at < 1 || at > n) return stock(L);
  for (lua_Integer i = n; i >= at; i--) {
    lua_geti(L, 1, i);
    lua_seti(L, 1, i + 1);
    look(L, i);
  }
  lua_seti(L, 1, at);
  return 0;
}

static int l_remove(lua_State *L) {
  lua_Integer n = lua_gettop(L) > 1 ? items_of(L, 1) : 0, at;
  if (n <= SHORT) return stock(L);
  at = luaL_checkinteger(L, 2);
  if (at < 1 || at >= n) return stock(L);
  lua_geti(L, 1, at);
  for (lua_Integer i = at; i < n; i++) {
    lua_geti(L, 1, i + 1);
    lua_seti(L, 1, i);
    look(L, i);
  }
  lua_pushnil(L);
  lua_seti(L, 1, n);
  return 1;
}

/* A table, or what can be used as one. */
static bool has(lua_State *L, int index, const char *field) {
  if (lua_istable(L, index)) return true;
  bool found = luaL_getmetafield(L, index, field) != LUA_TNIL;
  if (found) lua_pop(L, 1);
  return found;
}

/* The last one first where they would overwrite what is still to be moved. Lua's own move says what is wrong with a
 * call. */
static int l_move(lua_State *L) {
  lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3), at = luaL_checkinteger(L, 4);
  int into = lua_isnoneornil(L, 5) ? 1 : 5;
  if (to < from || (lua_Unsigned)to - (lua_Unsigned)from < SHORT || !has(L, 1, "__index") ||
      !has(L, into, "__newindex") || (from <= 0 && to >= LUA_MAXINTEGER + from) ||
      at > LUA_MAXINTEGER - (to - from))
    return stock(L);
  bool backwards = at > from && at <= to && lua_compare(L, 1, into, LUA_OPEQ);
  for (lua_Integer i = 0, n = to - from; i <= n; i++) {
    lua_Integer offset = backwards ? n - i : i;
    lua_geti(L, 1, from + offset);
    lua_seti(L, into, at + offset);
    look(L, i);
  }
  lua_pushvalue(L, into);
  return 1;
}

static int l_concat(lua_State *L) {
  if (!lua_istable(L, 1)) return stock(L);
  size_t gap_len;
  const char *gap = luaL_optlstring(L, 2, "", &gap_len);
  lua_Integer i = luaL_optinteger(L, 3, 1), to = luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1));
  if (to < i || (lua_Unsigned)to - (lua_Unsigned)i < SHORT) return stock(L);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (;; i++) {
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1))
      return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1), i);
    luaL_addvalue(&b);
    look(L, i);
    if (i == to) break;
    luaL_addlstring(&b, gap, gap_len);
  }
  luaL_pushresult(&b);
  return 1;
}

/* Compares what sort compares: by '<', or by the C function that is the first upvalue. */
static int l_less(lua_State *L) {
  lua_Integer done = lua_tointeger(L, lua_upvalueindex(2)) + 64 +
                     (lua_Integer)(length_of(L, 1) < length_of(L, 2) ? length_of(L, 1) : length_of(L, 2));
  if (done > SLICE) done = 0, dbf_limits_pace(L);
  lua_pushinteger(L, done);
  lua_replace(L, lua_upvalueindex(2));
  if (lua_isnil(L, lua_upvalueindex(1))) return lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT)), 1;
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

/* Few items, and no long texts among them, which take long to compare. */
static bool is_quick(lua_State *L, lua_Integer n) {
  size_t sum = 0;
  if (n > 4 * SHORT) return false;
  for (lua_Integer i = 1; i <= n && sum <= 4 * SLICE; i++) {
    lua_rawgeti(L, 1, i);
    sum += length_of(L, -1);
    lua_pop(L, 1);
  }
  return sum <= 4 * SLICE;
}

/* A comparison in Lua sees the hook; Lua's own and those in C do not. */
static int l_sort(lua_State *L) {
  bool plain = lua_isnoneornil(L, 2), by_c = lua_iscfunction(L, 2);
  if (!lua_istable(L, 1) || (!plain && !by_c) || (plain && is_quick(L, items_of(L, 1)))) return stock(L);
  lua_settop(L, 2);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, l_less, 2);
  return stock(L);
}

/* ---- Replacing ------------------------------------------------------------------------------------------------ */

/* In the library on top of the stack; each gets Lua's own as its upvalue. */
static void replace(lua_State *L, const luaL_Reg *functions) {
  for (const luaL_Reg *f = functions; f->name; f++) {
    lua_getfield(L, -1, f->name);
    lua_pushcclosure(L, f->func, 1);
    lua_setfield(L, -2, f->name);
  }
}

void dbf_library_reduce(lua_State *L) {
  static const luaL_Reg strings[] = {{"rep", l_rep},         {"upper", l_upper},   {"lower", l_lower},
                                     {"reverse", l_reverse}, {"format", l_format}, {NULL, NULL}};
  static const luaL_Reg tables[] = {{"insert", l_insert}, {"remove", l_remove}, {"move", l_move},
                                    {"concat", l_concat}, {"sort", l_sort},     {NULL, NULL}};
  static const luaL_Reg utf8[] = {{"len", l_utf8_len}, {NULL, NULL}};
  lua_getglobal(L, LUA_STRLIBNAME);
  dbf_patterns_register(L);
  replace(L, strings);
  lua_getglobal(L, LUA_TABLIBNAME);
  replace(L, tables);
  lua_getglobal(L, LUA_UTF8LIBNAME);
  replace(L, utf8);
  lua_pop(L, 3);
}
