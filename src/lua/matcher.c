#include "matcher.h"
#include "limits.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

enum {
  DEPTH = 200,    /* of `match` within itself */
  PACE = 1 << 14, /* steps between two looks at the interrupt */
  OPEN = -1,
  PLACE = -2 /* lengths of a capture that has no end yet, and of `()` */
};

typedef dbf_matcher matcher;

static void step(matcher *m, size_t steps) {
  m->steps += steps;
  if (m->steps < PACE) return;
  m->steps = 0;
  dbf_limits_pace(m->L);
}

/* ---- One character ------------------------------------------------------------------------------------------- */

/* %a and its like; any other character stands for itself. */
static bool in_class(int c, int class) {
  bool in;
  switch (tolower(class)) {
  case 'a': in = isalpha(c); break;
  case 'c': in = iscntrl(c); break;
  case 'd': in = isdigit(c); break;
  case 'g': in = isgraph(c); break;
  case 'l': in = islower(c); break;
  case 'p': in = ispunct(c); break;
  case 's': in = isspace(c); break;
  case 'u': in = isupper(c); break;
  case 'w': in = isalnum(c); break;
  case 'x': in = isxdigit(c); break;
  case 'z': in = c == 0; break;
  default: return class == c;
  }
  return isupper(class) ? !in : in;
}

static int byte_at(const char *p) {
  return (unsigned char)*p;
}

/* Is c in the set whose first character is p, and whose ']' is `close`? */
static bool among(int c, const char *p, const char *close) {
  for (; p < close; p++) {
    if (*p == '%') {
      if (in_class(c, byte_at(++p))) return true;
    } else if (p[1] == '-' && p + 2 < close) {
      if (byte_at(p) <= c && c <= byte_at(p + 2)) return true;
      p += 2;
    } else if (byte_at(p) == c) return true;
  }
  return false;
}

/* The set from its '[' at p to its ']'. */
static bool in_set(int c, const char *p, const char *close) {
  return p[1] == '^' ? !among(c, p + 2, close) : among(c, p + 1, close);
}

/* Past the set whose '[' is before p. Its first character may be a ']', which then stands for itself. */
static const char *past_set(matcher *m, const char *p) {
  if (*p == '^') p++;
  do {
    if (p == m->last) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == '%' && p < m->last) p++;
  } while (*p != ']' || p == m->last);
  return p + 1;
}

/* Past the character, class or set that begins at p. */
static const char *past_item(matcher *m, const char *p) {
  if (*p == '[') return past_set(m, p + 1);
  if (*p != '%') return p + 1;
  if (p + 1 == m->last) luaL_error(m->L, "malformed pattern (ends with '%%')");
  return p + 2;
}

/* Does the character c fit the item from p to `past`? */
static bool fits(int c, const char *p, const char *past) {
  switch (*p) {
  case '.': return true;
  case '%': return in_class(c, byte_at(p + 1));
  case '[': return in_set(c, p, past - 1);
  default: return byte_at(p) == c;
  }
}

/* How many characters from s on fit the item. */
static ptrdiff_t span(matcher *m, const char *s, const char *p, const char *past) {
  const char *from = s;
  if (*p == '.') return m->end - s;
  while (s < m->end && fits(byte_at(s), p, past))
    if ((++s - from) % PACE == 0) step(m, PACE);
  step(m, (size_t)(s - from) % PACE);
  return s - from;
}

/* ---- Matching ------------------------------------------------------------------------------------------------ */

static const char *match(matcher *m, const char *s, const char *p);

/* The longest run first, then ever shorter ones. */
static const char *match_most(matcher *m, const char *s, const char *p, const char *past) {
  for (ptrdiff_t n = span(m, s, p, past); n >= 0; n--) {
    const char *found = match(m, s + n, past + 1);
    if (found) return found;
  }
  return NULL;
}

/* No character first, then ever longer runs. */
static const char *match_fewest(matcher *m, const char *s, const char *p, const char *past) {
  for (;; s++) {
    const char *found = match(m, s, past + 1);
    if (found) return found;
    if (s == m->end || !fits(byte_at(s), p, past)) return NULL;
  }
}

static const char *open_capture(matcher *m, const char *s, const char *p, ptrdiff_t len) {
  if (m->count >= DBF_MATCHER_CAPTURES) luaL_error(m->L, "too many captures");
  m->captures[m->count++] = (dbf_capture){s, len};
  const char *found = match(m, s, p);
  if (!found) m->count--;
  return found;
}

static const char *close_capture(matcher *m, const char *s, const char *p) {
  int i = m->count - 1;
  while (i >= 0 && m->captures[i].len != OPEN) i--;
  if (i < 0) luaL_error(m->L, "invalid pattern capture");
  m->captures[i].len = s - m->captures[i].at;
  const char *found = match(m, s, p);
  if (!found) m->captures[i].len = OPEN;
  return found;
}

/* %1 to %9: what a capture holds, once more. Past it, or NULL. */
static const char *match_again(matcher *m, const char *s, int digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->count || m->captures[i].len == OPEN)
    luaL_error(m->L, "invalid capture index %%%d", i + 1);
  ptrdiff_t len = m->captures[i].len;
  if (len == PLACE || m->end - s < len) return NULL;
  step(m, (size_t)len / 16); /* as many bytes as memcmp compares in the time of a step */
  return memcmp(m->captures[i].at, s, (size_t)len) == 0 ? s + len : NULL;
}

/* %bxy, whose x is at p. Past what it matches, or NULL. */
static const char *match_balanced(matcher *m, const char *s, const char *p) {
  if (m->last - p < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s == m->end || *s != *p) return NULL;
  const char *from = s++;
  for (size_t open = 1; s < m->end; s++) {
    if (*s == p[1]) {
      if (--open == 0) return step(m, (size_t)(s - from) % PACE), s + 1;
    } else if (*s == *p) open++;
    if ((s - from) % PACE == 0) step(m, PACE);
  }
  step(m, (size_t)(s - from) % PACE);
  return NULL;
}

/* %f, whose set begins at p: is s where the set begins to hold? The subject's ends count as zero bytes. */
static bool at_frontier(matcher *m, const char *s, const char *p, const char *past) {
  int before = s == m->text ? 0 : byte_at(s - 1), here = s == m->end ? 0 : byte_at(s);
  return !in_set(before, p, past - 1) && in_set(here, p, past - 1);
}

static const char *frontier_set(matcher *m, const char *p) {
  if (*p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
  return past_item(m, p);
}

/* An item with what follows it. True: it took *s and *p on, from where matching goes on. False: *found is the
 * answer. */
static bool match_item(matcher *m, const char **s, const char **p, const char **found) {
  const char *past = past_item(m, *p), *rest;
  bool fit = *s < m->end && fits(byte_at(*s), *p, past);
  *found = NULL;
  switch (*past) {
  case '?':
    rest = fit ? match(m, *s + 1, past + 1) : NULL;
    if (rest) return *found = rest, false;
    *p = past + 1;
    return true;
  case '+': *found = fit ? match_most(m, *s + 1, *p, past) : NULL; return false;
  case '*': *found = match_most(m, *s, *p, past); return false;
  case '-': *found = match_fewest(m, *s, *p, past); return false;
  default:
    *s += fit;
    *p = past;
    return fit;
  }
}

/* %b, %f and %1, which look like classes. The same answers as match_item. */
static bool match_special(matcher *m, const char **s, const char **p, const char **found) {
  const char *past;
  int c = byte_at(*p + 1);
  switch (c) {
  case 'b':
    *found = match_balanced(m, *s, *p + 2);
    past = *p + 4;
    break;
  case 'f':
    past = frontier_set(m, *p + 2);
    *found = at_frontier(m, *s, *p + 2, past) ? *s : NULL;
    break;
  default:
    if (!isdigit(c)) return match_item(m, s, p, found);
    *found = match_again(m, *s, c);
    past = *p + 2;
  }
  if (!*found) return false;
  *s = *found;
  *p = past;
  return true;
}

/* Past what the pattern from p on matches at s, or NULL. */
static const char *match(matcher *m, const char *s, const char *p) {
  const char *found = NULL;
  bool on = true;
  if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
  while (on && p != m->last) {
    step(m, 1);
    if (*p == '(') {
      bool place = p[1] == ')';
      found = open_capture(m, s, place ? p + 2 : p + 1, place ? PLACE : OPEN);
      on = false;
    } else if (*p == ')') {
      found = close_capture(m, s, p + 1);
      on = false;
    } else if (*p == '$' && p + 1 == m->last) {
      found = s == m->end ? s : NULL;
      on = false;
    } else if (*p == '%') on = match_special(m, &s, &p, &found);
    else on = match_item(m, &s, &p, &found);
  }
  m->depth++;
  return on ? s : found;
}

/* ---- Searching ----------------------------------------------------------------------------------------------- */

void dbf_matcher_init(matcher *m, lua_State *L, const char *text, size_t len, const char *pattern,
                      size_t pattern_len) {
  m->L = L;
  m->text = text;
  m->end = text + len;
  m->pattern = pattern;
  m->last = pattern + pattern_len;
  m->steps = 0;
}

const char *dbf_matcher_at(matcher *m, const char *s) {
  m->count = 0;
  m->depth = DEPTH;
  return match(m, s, m->pattern);
}

/* The character that every match begins with; -1: there is no such thing. */
static int first_of(const matcher *m) {
  const char *p = m->pattern;
  if (p == m->last || strchr(".[%()", *p)) return -1; /* a zero byte is in every set of strchr */
  if (*p == '$' && p + 1 == m->last) return -1;
  return p[1] == '?' || p[1] == '*' || p[1] == '-' ? -1 : byte_at(p);
}

const char *dbf_matcher_search(matcher *m, const char *s, const char **to) {
  int first = first_of(m);
  for (; s <= m->end; s++) {
    if (first >= 0 && !(s = s < m->end ? memchr(s, first, (size_t)(m->end - s)) : NULL)) return NULL;
    step(m, 1);
    *to = dbf_matcher_at(m, s);
    if (*to) return s;
  }
  return NULL;
}

/* ---- Captures as Lua values ----------------------------------------------------------------------------------- */

void dbf_matcher_push(matcher *m, int i, const char *s, const char *to) {
  if (i >= m->count) {
    if (i != 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    lua_pushlstring(m->L, s, (size_t)(to - s));
    return;
  }
  const dbf_capture *c = &m->captures[i];
  if (c->len == OPEN) luaL_error(m->L, "unfinished capture");
  if (c->len == PLACE) lua_pushinteger(m->L, c->at - m->text + 1);
  else lua_pushlstring(m->L, c->at, (size_t)c->len);
}

int dbf_matcher_push_all(matcher *m, const char *s, const char *to) {
  int n = m->count == 0 && s ? 1 : m->count;
  luaL_checkstack(m->L, n, "too many captures");
  for (int i = 0; i < n; i++) dbf_matcher_push(m, i, s, to);
  return n;
}
