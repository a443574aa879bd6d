/* matcher.h: matching with the patterns of Lua's manual, 6.4.1, in a matcher that counts its steps.
 *
 *     "(%a+)-%1$" over a subject      an item, and how often: x  x?  x*  x+  x-
 *      ^ p        ^ s                 match(s, p) takes items off the front until one does not fit, and calls
 *                                     itself where there is more than one way to go on
 *
 * Lua's own matcher goes every way without a look at the hook, so that one call may take years:
 * ("a"):rep(3000):find((".-"):rep(5) .. "b"). This one looks every few thousand steps (dbf_limits_pace). Its messages
 * are those of Lua 5.4. */
#ifndef DBF_MATCHER_H
#define DBF_MATCHER_H

#include <lua.h>
#include <stddef.h>

enum { DBF_MATCHER_CAPTURES = 32 }; /* the most in a pattern */

typedef struct dbf_capture {
  const char *at;
  ptrdiff_t len; /* negative: it has no end yet, or it is `()`, a place */
} dbf_capture;

/* One subject, one pattern; on the stack of the caller, or in a userdata: it holds no memory. Lua raises through it. */
typedef struct dbf_matcher {
  lua_State *L;
  const char *text, *end;     /* the subject */
  const char *pattern, *last; /* last: the end of the pattern, where Lua keeps a zero byte */
  int depth;                  /* calls that are left, one within the other */
  int count;                  /* captures of the match, open ones included */
  size_t steps;
  dbf_capture captures[DBF_MATCHER_CAPTURES];
} dbf_matcher;

/* Both texts end with a zero byte that does not count. The pattern has lost its '^'. */
void dbf_matcher_init(dbf_matcher *matcher, lua_State *L, const char *text, size_t len, const char *pattern,
                      size_t pattern_len);

/* The end of a match that begins at s; NULL: there is none. */
const char *dbf_matcher_at(dbf_matcher *matcher, const char *s);

/* The first match from s on: where it begins, and its end in *to; NULL: there is none. */
const char *dbf_matcher_search(dbf_matcher *matcher, const char *s, const char **to);

/* Push capture i of the match from s to `to`. If the pattern has no captures, the first is the whole match. */
void dbf_matcher_push(dbf_matcher *matcher, int i, const char *s, const char *to);

/* Push all captures; returns how many. s is NULL: the whole match does not count as one. */
int dbf_matcher_push_all(dbf_matcher *matcher, const char *s, const char *to);

#endif
