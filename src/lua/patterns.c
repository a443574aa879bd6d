#include "patterns.h"
#include "limits.h"
#include "matcher.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

enum { WINDOW = 1 << 20 }; /* bytes of a plain search between two looks at the interrupt */

/* memmem, which is linear for long words only, a window at a time. */
static const char *search_plain(lua_State *L, const char *s, size_t len, const char *word, size_t word_len) {
  size_t window = word_len > WINDOW / 4 ? word_len * 4 : WINDOW;
  for (; len >= word_len; s += window - word_len, len -= window - word_len) {
    const char *found = memmem(s, len < window ? len : window, word, word_len);
    if (found || len <= window) return found;
    dbf_limits_pace(L);
  }
  return NULL;
}

/* ---- find and match ------------------------------------------------------------------------------------------- */

/* Bytes before the start that argument `index` names, from 1 on, or from the end if negative. */
static size_t start_of(lua_State *L, int index, size_t len) {
  lua_Integer i = luaL_optinteger(L, index, 1);
  if (i > 0) return (size_t)i - 1;
  if (i == 0 || i < -(lua_Integer)len) return 0;
  return len - (size_t)-i;
}

static bool has_specials(const char *p, size_t len) {
  for (const char *end = p + len; p < end; p++)
    if (*p && strchr("^$*+?.([%-", *p)) return true;
  return false;
}

static int find_plain(lua_State *L, const char *text, size_t len, size_t from, const char *word,
                      size_t word_len) {
  const char *found = search_plain(L, text + from, len - from, word, word_len);
  if (!found) return luaL_pushfail(L), 1;
  lua_pushinteger(L, found - text + 1);
  lua_pushinteger(L, found - text + (lua_Integer)word_len);
  return 2;
}

static int find(lua_State *L, bool places) {
  size_t len, pattern_len;
  const char *text = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len), *to;
  size_t from = start_of(L, 3, len);
  if (from > len) return luaL_pushfail(L), 1;
  if (places && (lua_toboolean(L, 4) || !has_specials(pattern, pattern_len)))
    return find_plain(L, text, len, from, pattern, pattern_len);
  dbf_matcher m;
  bool anchored = *pattern == '^';
  dbf_matcher_init(&m, L, text, len, pattern + anchored, pattern_len - anchored);
  const char *s = text + from;
  if (anchored) to = dbf_matcher_at(&m, s);
  else if (!(s = dbf_matcher_search(&m, s, &to))) to = NULL;
  if (!to) return luaL_pushfail(L), 1;
  if (!places) return dbf_matcher_push_all(&m, s, to);
  lua_pushinteger(L, s - text + 1);
  lua_pushinteger(L, to - text);
  return dbf_matcher_push_all(&m, NULL, NULL) + 2;
}

static int l_find(lua_State *L) {
  return find(L, true);
}

static int l_match(lua_State *L) {
  return find(L, false);
}

/* ---- gmatch --------------------------------------------------------------------------------------------------- */

typedef struct walk {
  dbf_matcher m;
  const char *s, *before; /* where to go on, and where the last match ended */
} walk;

/* An empty match right where the last one ended does not count. */
static int l_next(lua_State *L) {
  walk *w = lua_touserdata(L, lua_upvalueindex(3));
  const char *to;
  w->m.L = L;
  for (const char *s = w->s; (s = dbf_matcher_search(&w->m, s, &to)); s++) {
    if (to == w->before) continue;
    w->s = w->before = to;
    return dbf_matcher_push_all(&w->m, s, to);
  }
  w->s = w->m.end + 1; /* nothing more: the next call is at the end at once */
  return 0;
}

static int l_gmatch(lua_State *L) {
  size_t len, pattern_len;
  const char *text = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len);
  size_t from = start_of(L, 3, len);
  lua_settop(L, 2); /* both stay where they are as long as the iterator lives */
  walk *w = lua_newuserdatauv(L, sizeof *w, 0);
  dbf_matcher_init(&w->m, L, text, len, pattern, pattern_len);
  w->s = text + (from > len ? len + 1 : from);
  w->before = NULL;
  lua_pushcclosure(L, l_next, 3);
  return 1;
}

/* ---- gsub ----------------------------------------------------------------------------------------------------- */

/* A replacement text: %0 to %9 are captures, %% is a percent sign. */
static void add_text(dbf_matcher *m, luaL_Buffer *b, const char *s, const char *to) {
  size_t len;
  const char *text = lua_tolstring(m->L, 3, &len), *end = text + len;
  for (const char *sign; (sign = memchr(text, '%', (size_t)(end - text))); text = sign + 2) {
    luaL_addlstring(b, text, (size_t)(sign - text));
    if (sign[1] == '%') luaL_addchar(b, '%');
    else if (sign[1] == '0') luaL_addlstring(b, s, (size_t)(to - s));
    else if (isdigit((unsigned char)sign[1])) {
      dbf_matcher_push(m, sign[1] - '1', s, to);
      luaL_addvalue(b);
    } else luaL_error(m->L, "invalid use of '%c' in replacement string", '%');
  }
  luaL_addlstring(b, text, (size_t)(end - text));
}

/* What replaces the match. False: nothing does, so it stays. */
static bool add_replacement(dbf_matcher *m, luaL_Buffer *b, int type, const char *s, const char *to) {
  lua_State *L = m->L;
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, dbf_matcher_push_all(m, s, to), 1);
  } else if (type == LUA_TTABLE) {
    dbf_matcher_push(m, 0, s, to);
    lua_gettable(L, 3);
  } else return add_text(m, b, s, to), true;
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(b, s, (size_t)(to - s));
    return false;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(b);
  return true;
}

/* Replace matches in m's subject, `most` at most; returns how many there were. *changed: the buffer differs from the
 * subject up to *at. */
static lua_Integer replace(dbf_matcher *m, luaL_Buffer *b, lua_Integer most, bool anchored, const char **at,
                           bool *changed) {
  const char *s = m->text, *before = NULL, *to;
  int type = lua_type(m->L, 3);
  lua_Integer n = 0;
  *changed = false;
  while (n < most) {
    const char *found = s;
    if (anchored) to = dbf_matcher_at(m, s);
    else if (!(found = dbf_matcher_search(m, s, &to))) break;
    if (to && to == before && found == s) { /* empty, right where the last one ended */
      if (s == m->end) break;
      luaL_addchar(b, *s);
      s++;
      if (anchored) break;
      continue;
    }
    if (!to) break;
    luaL_addlstring(b, s, (size_t)(found - s));
    n++;
    size_t len = luaL_bufflen(b);
    if (add_replacement(m, b, type, found, to)) *changed = true;
    m->steps += (luaL_bufflen(b) - len) / 32; /* a step is as long as it takes to copy these */
    s = before = to;
    if (anchored) break;
  }
  *at = s;
  return n;
}

static int l_gsub(lua_State *L) {
  size_t len, pattern_len;
  const char *text = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len), *at;
  int type = lua_type(L, 3);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1);
  luaL_argexpected(L,
                   type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
                   3, "string/function/table");
  dbf_matcher m;
  luaL_Buffer b;
  bool changed, anchored = *pattern == '^';
  dbf_matcher_init(&m, L, text, len, pattern + anchored, pattern_len - anchored);
  luaL_buffinit(L, &b);
  lua_Integer n = replace(&m, &b, most, anchored, &at, &changed);
  if (!changed) lua_pushvalue(L, 1);
  else {
    luaL_addlstring(&b, at, (size_t)(m.end - at));
    luaL_pushresult(&b);
  }
  lua_pushinteger(L, n);
  return 2;
}

void dbf_patterns_register(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"find", l_find}, {"match", l_match}, {"gmatch", l_gmatch}, {"gsub", l_gsub}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
