/* A name that ends in a word for a secret, something that assigns, and a value:
 *
 *     DB_PASSWORD=hunter2   "apiKey": "…"   --token …   <password>…</password>   &access_token=…   X-Api-Key: …
 *
 * One piece, for the name decides how far the way to the value may go, and both decide what is believed of the value. */
#include "name.h"
#include "header.h"
#include "value.h"

#include <string.h>

enum { LONGEST_NAME = 64, LONGEST_VALUE = 16384 };

typedef struct name {
  size_t from, to;
  const char *kind; /* NULL: it names no secret */
  dbf_value_kind value;
  bool is_flag;        /* --name, -name */
  bool must_be_random; /* the value, to be believed */
} name;

/* ---- The name ---------------------------------------------------------------------------------------------------- */

static bool is_in(const char *set, unsigned char c) {
  return c && strchr(set, c);
}

static const struct {
  const char *word;
  size_t len;
  const char *kind;
  dbf_value_kind value;
} names[] = {
#define NAME(word, kind, strictness) {word, sizeof word - 1, #kind, DBF_VALUE_##strictness},
#define KEY(word, kind)
#define QUERY(word, kind)
#define DULL(word)
#define MOCK(word)
#include "words.def"
#undef NAME
#undef KEY
    {NULL, 0, NULL, 0}};

static const struct {
  const char *word;
  size_t len;
  const char *kind;
} keys[] = {
#define NAME(word, kind, strictness)
#define KEY(word, kind) {word, sizeof word - 1, #kind},
#include "words.def"
#undef NAME
#undef KEY
#undef QUERY
    {NULL, 0, NULL}};

static const struct {
  const char *word, *kind;
} queries[] = {
#define NAME(word, kind, strictness)
#define KEY(word, kind)
#define QUERY(word, kind) {word, #kind},
#include "words.def"
#undef NAME
#undef KEY
#undef QUERY
#undef DULL
#undef MOCK
    {NULL, NULL}};

/* Inline: most words differ in their last letter. */
static inline bool ends_in(const char *text, size_t len, const char *word, size_t n) {
  return n <= len && text[len - 1] == word[n - 1] && memcmp(text + len - n, word, n) == 0;
}

/* Cut what says which of several it is: PASSWORD_2, API_KEY_PROD, token_value. */
static size_t without_suffix(const char *folded, size_t len) {
  static const char *const suffixes[] = {
      "prod",  "production", "dev", "development", "test", "live",    "staging",   "stage",  "old",     "new",
      "value", "base64",     "b64", "plain",       "raw",  "primary", "secondary", "backup", "default", NULL};
  while (len > 0 && folded[len - 1] >= '0' && folded[len - 1] <= '9') len--;
  for (int i = 0; suffixes[i]; i++) {
    size_t n = strlen(suffixes[i]);
    if (len > n + 2 && ends_in(folded, len, suffixes[i], n)) return len - n;
  }
  return len;
}

/* "pass" is in many words: bypass, compass. Such a word stands alone, or after a sign or a change of case, or after
 * something that has a password. */
static bool stands_alone(const dbf_find *f, const name *n, size_t at) {
  static const char *const owners[] = {"db", "user",  "my",   "ftp",   "smtp", "mail",
                                       "pg", "admin", "root", "proxy", "sql",  NULL};
  if (at == n->from || !dbf_shape_is(&f->t, at - 1, DBF_ALNUM)) return true;
  if (dbf_shape_is(&f->t, at - 1, DBF_SMALL | DBF_DIGIT) && dbf_shape_is(&f->t, at, DBF_CAPITAL)) return true;
  for (int i = 0; owners[i]; i++) {
    size_t len = strlen(owners[i]);
    if (at - n->from >= len && dbf_find_word(f, at - len, owners[i])) return true;
  }
  return false;
}

/* STRIPE_KEY=, in capitals as settings are, names a secret unless it is a key of another sort. */
static bool is_setting_of_key(const dbf_find *f, const name *n, const char *folded, size_t len) {
  static const char *const others[] = {"publickey",    "primarykey",     "foreignkey", "cachekey", "sortkey",
                                       "partitionkey", "hotkey",         "shortkey",   "hostkey",  "rowkey",
                                       "pkey",         "idempotencykey", "objectkey",  "s3key",    "pubkey",
                                       "hashkey",      "rangekey",       NULL};
  if (len < 5) return false;
  for (int i = 0; others[i]; i++)
    if (ends_in(folded, len, others[i], strlen(others[i]))) return false;
  for (size_t i = n->from; i < n->to; i++)
    if (dbf_shape_is(&f->t, i, DBF_SMALL | DBF_POINT)) return false;
  return true;
}

static bool is_name(const dbf_find *f, name *n, size_t at, const char *folded, size_t len) {
  for (int i = 0; names[i].word; i++) {
    if (!ends_in(folded, len, names[i].word, names[i].len)) continue;
    if (names[i].len <= 4 && !stands_alone(f, n, at)) continue;
    n->kind = names[i].kind;
    n->value = names[i].value;
    return true;
  }
  return false;
}

static bool is_key(const dbf_find *f, name *n, const char *folded, size_t len) {
  if (!ends_in(folded, len, "key", 3)) return false;
  n->value = DBF_VALUE_TOKEN;
  for (int i = 0; keys[i].word && !n->kind; i++)
    if (ends_in(folded, len - 3, keys[i].word, keys[i].len)) n->kind = keys[i].kind;
  if (!n->kind && is_setting_of_key(f, n, folded, len)) n->kind = "api_key";
  return n->kind != NULL;
}

/* key, code: such a word names nothing but in a query, and there only what looks random. */
static bool is_of_query(const dbf_find *f, name *n, const char *folded) {
  if (n->from == 0 || !is_in("?&", dbf_find_plain(f, n->from - 1)) || dbf_find_plain(f, n->to) != '=')
    return false;
  for (int i = 0; queries[i].word && !n->kind; i++)
    if (strcmp(folded, queries[i].word) == 0) n->kind = queries[i].kind;
  n->value = DBF_VALUE_TOKEN;
  n->must_be_random = n->kind != NULL;
  return n->must_be_random;
}

static void classify(const dbf_find *f, name *n, size_t at) {
  char folded[LONGEST_NAME * 2];
  size_t len = dbf_value_fold(&f->t, n->from, n->to, folded, sizeof folded);
  if (len < sizeof folded && is_of_query(f, n, folded)) return;
  if (len == 0 || len >= sizeof folded || is_name(f, n, at, folded, len) || is_key(f, n, folded, len)) return;
  len = without_suffix(folded, len);
  if (len > 0 && !is_name(f, n, at, folded, len)) is_key(f, n, folded, len);
}

/* The word before the one at `from`, when one blank is between them: API key, Secret Access Key. */
static size_t with_word_before(const dbf_find *f, size_t from) {
  size_t at = from;
  if (at < 2 || dbf_find_plain(f, at - 1) != ' ' || !dbf_shape_is(&f->t, at - 2, DBF_LETTER)) return from;
  for (at--; at > 0 && from - at < 16 && dbf_shape_is(&f->t, at - 1, DBF_LETTER);) at--;
  return at;
}

static bool is_key_alone(const dbf_find *f, const name *n) {
  return n->to - n->from == 3 && dbf_find_word(f, n->from, "key");
}

static bool has_digit(const dbf_find *f, size_t from, size_t to) {
  while (from < to && !dbf_shape_is(&f->t, from, DBF_DIGIT)) from++;
  return from < to;
}

static size_t line_of(const dbf_find *f, size_t at) {
  size_t begin = at;
  while (begin > 0 && at - begin < 120 && f->t.s[begin - 1] != '\n') begin--;
  return begin;
}

/* `machine host login ada password x` in a .netrc, in one line or in several. */
static bool follows_login(const dbf_find *f, size_t from) {
  size_t line = line_of(f, from);
  if (line == from && line > 1) return dbf_find_word(f, line_of(f, line - 1), "login ");
  return dbf_find_word(f, line, "machine ") || dbf_find_word(f, line, "default login ") ||
         dbf_find_word(f, line, "login ");
}

static bool is_in_capitals(const dbf_find *f, const name *n) {
  for (size_t i = n->from; i < n->to; i++)
    if (dbf_shape_is(&f->t, i, DBF_SMALL | DBF_POINT)) return false;
  return n->to - n->from >= 4;
}

/* `AWS Secret Access Key [None]: ` asks for one: from '[' to the colon. Otherwise `at`. */
static size_t end_of_default(const dbf_find *f, size_t at) {
  size_t end = at;
  if (dbf_find_plain(f, at) != '[') return at;
  while (end - at < 32 && f->t.s[end] && dbf_find_plain(f, end) != ']' && f->t.s[end] != '\n') end++;
  return dbf_find_plain(f, end) == ']' && dbf_find_plain(f, end + 1) == ':' ? end + 1 : at;
}

/* What follows most names in prose and code assigns nothing: said before anything is looked up. */
static bool assigns_nothing(dbf_find *f, const name *n) {
  size_t at = dbf_find_skip_blanks(f, n->to);
  unsigned char c = dbf_find_plain(f, at);
  if (dbf_find_is_quote(f, at) || is_in("=:>,(])*?!}|;\n", c) || end_of_default(f, at) != at) return false;
  if (at == n->to) return true;
  size_t end = dbf_shape_run(&f->t, at, DBF_RAW_VALUE);
  bool is_word = c == 'i' || c == 'w' || c == 'b'; /* is, was, by */
  return !is_word && !has_digit(f, at, end) && f->t.s[end] != '\n' && !is_in_capitals(f, n) &&
         !follows_login(f, n->from);
}

static name name_at(dbf_find *f, size_t at, size_t after) {
  name n = {.from = at, .to = after};
  while (n.from > 0 && at - n.from < LONGEST_NAME) {
    size_t i = n.from - 1;
    if (f->t.s[i] == '\n' && i > 0 && (f->t.s[i - 1] == '_' || f->t.s[i - 1] == '-')) i--; /* a broken line */
    if (!dbf_shape_is(&f->t, i, DBF_NAME)) break;
    n.from = i;
  }
  while (dbf_shape_is(&f->t, n.to, DBF_KEY) && n.to - after < LONGEST_NAME) n.to++;
  n.is_flag = f->t.s[n.from] == '-';
  if (is_key_alone(f, &n)) {
    n.from = with_word_before(f, n.from);
    n.from = with_word_before(f, n.from);
  }
  if (!assigns_nothing(f, &n)) classify(f, &n, at);
  return n;
}

/* ---- From the name to the value ---------------------------------------------------------------------------------- */

typedef enum place { NOWHERE, LOOSE, CODE, LINE, FIRM } place;

/* Where a value begins, and what place it stands in. LOOSE: after a word or a comma, where most words are not values. CODE:
 * after = or :. LINE: the first on its line. FIRM: where values stand and no code. */
typedef struct way {
  size_t at;
  place place;
  bool is_encoded; /* the sign between was */
  bool is_query, is_element;
  bool compares; /* == */
  int breaks;    /* line breaks on the way */
} way;

static bool begins_line(const dbf_find *f, size_t from) {
  while (from > 0 && f->t.s[from - 1] == ' ') from--;
  if (from > 0 && is_in("-+#*>", f->t.s[from - 1])) from--;
  while (from > 0 && f->t.s[from - 1] == ' ') from--;
  return from == 0 || f->t.s[from - 1] == '\n' || dbf_find_is_quote(f, from - 1);
}

/* export NAME=, ENV NAME value, set NAME=: the word before a setting of a shell. */
static bool follows_setter(const dbf_find *f, size_t from) {
  static const char *const words[] = {"export", "env",        "arg",   "set", "setx",
                                      "setenv", "declare -x", "local", NULL};
  if (from < 4 || f->t.s[from - 1] != ' ') return false;
  for (int i = 0; words[i]; i++) {
    size_t len = strlen(words[i]);
    if (from > len && dbf_find_word(f, from - 1 - len, words[i]) &&
        (from == len + 1 || !dbf_shape_is(&f->t, from - 2 - len, DBF_ALNUM)))
      return true;
  }
  return false;
}

static bool has_hyphen(const dbf_find *f, const name *n) {
  return memchr(f->t.s + n->from, '-', n->to - n->from) != NULL;
}

/* The place of a value after '=': `tight` when no blank is around it. */
static place place_of_equals(const dbf_find *f, const name *n, bool tight) {
  unsigned char before = n->from > 0 ? dbf_find_plain(f, n->from - 1) : '\n';
  if (n->is_flag || before == '?' || before == '&' || before == ';') return FIRM;
  if (tight && (begins_line(f, n->from) || follows_setter(f, n->from) || is_in_capitals(f, n))) return FIRM;
  return begins_line(f, n->from) ? LINE : CODE;
}

static place place_of_colon(const dbf_find *f, const name *n) {
  if (has_hyphen(f, n) && !n->is_flag) return FIRM;
  return begins_line(f, n->from) ? LINE : CODE;
}

static size_t skip_closers(const dbf_find *f, size_t at) {
  for (int i = 0; i < 4; i++, at++)
    if (!dbf_find_is_quote(f, at) && !is_in("])*?!}", dbf_find_plain(f, at))) break;
  return at;
}

/* What stands between a name and its value in { "name": "TOKEN", "value": … }: the way to what `value` is. */
static size_t find_value_member(const dbf_find *f, size_t at) {
  size_t stop = at + 24;
  while (at < stop && (dbf_find_is_quote(f, at) || is_in(" ,;\n", dbf_find_plain(f, at)))) at++;
  while (at < stop && dbf_shape_is(&f->t, at, DBF_LETTER) && !dbf_find_word(f, at, "value")) at++;
  return at < stop && f->t.s[at] && dbf_find_word(f, at, "value") ? at + 5 : SIZE_MAX;
}

/* `password: str = "…"`: from past the colon to past the '=', or where it was. */
static size_t skip_type(const dbf_find *f, size_t at) {
  size_t i = at;
  while (i - at < 40 && f->t.s[i] &&
         (dbf_shape_is(&f->t, i, DBF_WORD | DBF_BLANK | DBF_POINT) || is_in("[]<>|&?,", f->t.s[i])))
    i++;
  return f->t.s[i] == '=' && f->t.s[i + 1] != '=' && f->t.s[i + 1] != '>' && f->t.s[i - 1] == ' ' ? i + 1
                                                                                                  : at;
}

static way after_equals(const dbf_find *f, const name *n, size_t at, bool tight) {
  way w = {.is_encoded = f->t.s[at] < ' '};
  unsigned char before = n->from > 0 ? dbf_find_plain(f, n->from - 1) : '\n';
  size_t begin = at;
  while (dbf_find_plain(f, at) == '=') at++;
  w.compares = at > begin + 1;
  if (dbf_find_plain(f, at) == '>') at++;
  w.is_query = before == '?' || before == '&';
  w.place = place_of_equals(f, n, tight && at == begin + 1 && dbf_find_plain(f, at) != ' ');
  w.at = at;
  return w;
}

static way after_colon(const dbf_find *f, const name *n, size_t at) {
  way w = {.is_encoded = f->t.s[at] < ' ', .place = place_of_colon(f, n)};
  at++;
  if (f->t.s[at] == ':' || (f->t.s[at] == '/' && f->t.s[at + 1] == '/')) return (way){0};
  if (n->from > 0 && f->t.s[n->from - 1] == ':' && f->t.s[at] != ' ')
    return (way){0}; /* one of several: arn:…:secret:x */
  if (f->t.s[at] == '=') at++;
  w.at = skip_type(f, at);
  return w;
}

/* --password hunter2, login ada password x, IDENTIFIED BY 'x', the password is x. */
static way after_blank(const dbf_find *f, const name *n, size_t at) {
  way w = {.at = at, .place = LOOSE, .is_encoded = f->t.s[at - 1] == DBF_VIEW_BLANK};
  if ((follows_setter(f, n->from) && is_in_capitals(f, n)) || follows_login(f, n->from)) w.place = FIRM;
  if (dbf_find_word(f, at, "is ") || dbf_find_word(f, at, "by ")) w.at = at + 3;
  else if (dbf_find_word(f, at, "was ")) w.at = at + 4;
  else if (f->t.s[at] == '|') w.at = at + 1;
  return w;
}

/* "--password", "hunter2": both in quotes, with a comma between. */
static bool is_list(const dbf_find *f, const name *n, size_t at) {
  return dbf_find_plain(f, at) == ',' && dbf_find_is_quote(f, n->to) &&
         dbf_find_is_quote(f, dbf_find_skip_blanks(f, at + 1));
}

/* `PASS: TestLogin`, `pass: 12/13` are results of tests, Event::Pass a class; `pass: "…"`, `pass:hunter2` and PASS= are
 * not. */
static bool is_result(const dbf_find *f, const name *n, const way *w) {
  if (n->to - n->from != 4 || !dbf_find_word(f, n->from, "pass") || f->t.s[n->to] == '=') return false;
  if (w->place == LOOSE) return true; /* and a verb */
  if (n->from > 1 && f->t.s[n->from - 1] == ':' && f->t.s[n->from - 2] == ':') return true;
  return !dbf_find_is_quote(f, dbf_find_skip_blanks(f, w->at)) &&
         (dbf_find_plain(f, w->at) == ' ' || dbf_shape_is(&f->t, n->from, DBF_CAPITAL));
}

static way follow(const dbf_find *f, const name *n) {
  size_t closed = skip_closers(f, n->to), member;
  size_t at = end_of_default(f, dbf_find_skip_blanks(f, closed));
  unsigned char c = dbf_find_plain(f, at);
  bool tight = at == closed;
  way w = {0};
  if (c == '=') w = after_equals(f, n, at, tight);
  else if (c == ':') w = after_colon(f, n, at);
  else if (c == '>' && n->from > 0 && dbf_find_plain(f, n->from - 1) == '<')
    w = (way){.at = at + 1, .place = FIRM, .is_element = true};
  else if ((member = find_value_member(f, n->to)) != SIZE_MAX) {
    at = dbf_find_skip_blanks(f, skip_closers(f, member));
    c = dbf_find_plain(f, at);
    if (c == ':' || c == '=') w = (way){.at = at + 1, .place = LINE};
    else if (c == '>') w = (way){.at = at + 1, .place = FIRM, .is_element = true};
  } else if (is_list(f, n, at) || (c == '(' && tight && dbf_find_is_quote(f, at + 1)))
    w = (way){.at = at + 1, .place = LOOSE};
  else if (at > n->to && at - closed <= 2) w = after_blank(f, n, at);
  return w;
}

/* ---- The value --------------------------------------------------------------------------------------------------- */

/* To the opening quote or the first character. A line may break on the way. */
static void approach(const dbf_find *f, way *w) {
  w->at = dbf_find_skip_blanks(f, w->at);
  if (w->place >= CODE && (f->t.s[w->at] == '|' || f->t.s[w->at] == '>') &&
      (f->t.s[w->at + 1] == '\n' || f->t.s[w->at + 1] == '-'))
    w->at += f->t.s[w->at + 1] == '-' ? 2 : 1; /* a block of YAML */
  if (w->place >= CODE && f->t.s[w->at] == '\n') {
    w->at++;
    w->breaks = 1;
  }
  size_t i = w->at;
  while (i - w->at < 2 && is_in("bfrucL@$&", f->t.s[i])) i++; /* f"…", @"…" */
  if (i > w->at && (f->t.s[i] == '"' || f->t.s[i] == '\'')) w->at = i;
}

static bool is_pair(const dbf_find *f, size_t at) {
  size_t i = at + 1;
  while (i - at < 32 && dbf_shape_is(&f->t, i, DBF_KEY | DBF_BLANK)) i++;
  return i > at + 1 && dbf_find_plain(f, i) == '=';
}

/* Where a value without quotes ends before its run does: at the next pair of a query or a list, at the sign that closes
 * what is around it. */
static size_t cut(const dbf_find *f, const way *w, size_t from, size_t to) {
  const char *stops = w->is_element                           ? "<"
                      : w->is_query                           ? "&#;"
                      : w->place == CODE || w->place == LOOSE ? ",;)]}<>|&"
                                                              : "";
  for (size_t i = from; i < to && i - from < LONGEST_VALUE; i++) {
    if (is_in(stops, f->t.s[i]) || (f->t.s[i] == '<' && f->t.s[i + 1] == '/')) return i;
    if ((f->t.s[i] == '&' || f->t.s[i] == ';') && is_pair(f, i)) return i;
  }
  if (w->place != FIRM || !w->is_query)
    while (to > from && is_in(",;&", f->t.s[to - 1])) to--;
  return to;
}

/* A value that ends with its line, and looks as if it went on in the next one. One that is no secret without that needs
 * less to be believed. */
static size_t over_lines(dbf_find *f, const dbf_value *v) {
  size_t from = v->from, to = v->to;
  if (f->t.s[to] != '\n') return to;
  bool needs_more = !v->loose && dbf_shape_run(&f->t, from, DBF_KEY) == to && !dbf_value_is_secret(&f->t, v);
  if (dbf_shape_run(&f->t, from, DBF_TOKEN | DBF_ENCODED) != to) return to;
  for (int lines = 0; lines < 32 && f->t.s[to] == '\n' && to > from; lines++) {
    if (!dbf_shape_is(&f->t, to - 1, DBF_TOKEN)) break;
    size_t end = dbf_shape_continued(&f->t, to + 1, DBF_TOKEN);
    dbf_shape_stats stats = dbf_shape_measure(&f->t, from, end ? end : to);
    if (end == DBF_SHAPE_NONE || !(needs_more || dbf_shape_is_random(&stats))) break;
    needs_more = false;
    to = end;
  }
  return to;
}

static bool take_quoted(dbf_find *f, const way *w, dbf_value *v) {
  size_t close = dbf_find_closing(f, w->at, f->t.s[w->at] == DBF_VIEW_FENCE ? 1000 : 32);
  if (close == SIZE_MAX) return false;
  v->from = w->at + 1;
  v->to = close;
  v->quoted = true;
  bool broken = memchr(f->t.s + v->from, '\n', close - v->from) != NULL;
  dbf_shape_stats stats = dbf_shape_measure(&f->t, v->from, v->to);
  return !broken || dbf_shape_is_random(&stats);
}

/* A run may hold many names, and all that follows each is a value. Past some times its length it is not looked at again. */
static bool can_afford(dbf_find *f, const dbf_value *v) {
  if (f->run_to != v->to) f->run_spent = 0;
  f->run_to = v->to;
  f->run_spent += v->to - v->from;
  return f->run_spent < 64 * (v->to - v->from) + 16384;
}

/* <password>…</password>: any other '>' is a comparison or closes a list of types. */
static bool closes_element(const dbf_find *f, size_t from, size_t to) {
  const unsigned char *sign = memchr(f->t.s + from, '<', to - from);
  return sign && sign[1] == '/';
}

static bool take_bare(dbf_find *f, const way *w, dbf_value *v) {
  v->from = w->at;
  v->to = dbf_shape_run(&f->t, w->at, w->is_encoded ? DBF_VALUE : DBF_RAW_VALUE);
  if (!can_afford(f, v)) return false;
  if (w->place == LOOSE && f->t.s[v->to] != '\n' && (v->to - v->from < 6 || !has_digit(f, v->from, v->to)))
    return false;
  if (w->is_element && !closes_element(f, v->from, v->to)) return false;
  bool ends_line = f->t.s[v->to] == '\n' || v->to == f->t.len;
  way here = *w;
  if (w->place == LINE && !ends_line && !dbf_find_is_quote(f, v->to)) here.place = CODE;
  v->to = cut(f, &here, v->from, v->to);
  if (v->to > v->from) v->to = over_lines(f, v);
  return v->to > v->from;
}

/* What holds after a word or a comma: most of what follows there is prose. */
static bool is_believable(const dbf_find *f, const way *w, const dbf_value *v) {
  dbf_shape_stats stats = dbf_shape_measure(&f->t, v->from, v->to);
  if (w->breaks && !v->quoted) return dbf_shape_is_random(&stats);
  return w->place != LOOSE ||
         (stats.digits > 0 && stats.small + stats.capitals > 0 && stats.len >= 6 && !stats.blanks);
}

/* `password=password,` on a line of its own, in a call of several lines: code, though it looks like a setting. */
static bool is_argument(const dbf_find *f, const name *n, const way *w, const dbf_value *v) {
  bool closed = f->t.s[v->to] == ',' || f->t.s[v->to] == ')' || f->t.s[v->to - 1] == ')';
  return w->place == FIRM && !w->is_query && !n->is_flag && closed && !is_in_capitals(f, n);
}

bool dbf_name_find(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  name n = name_at(f, at, after);
  if (!n.kind) return false;
  way w = follow(f, &n);
  if (w.place == NOWHERE || is_result(f, &n, &w)) return false;
  approach(f, &w);
  dbf_value v = {.kind = n.value, .firm = w.place == FIRM, .loose = w.place == LOOSE && !n.is_flag};
  bool quoted = dbf_find_is_quote(f, w.at) && take_quoted(f, &w, &v);
  if (!quoted && dbf_find_is_quote(f, w.at)) w.at++; /* it is not closed: cut short */
  if (!quoted && (w.compares || !take_bare(f, &w, &v))) return false;
  if (!quoted && is_argument(f, &n, &w, &v)) v.firm = false;
  if (w.place == LOOSE && v.kind == DBF_VALUE_PASSWORD && !quoted && !n.is_flag) v.kind = DBF_VALUE_SECRET;
  bool pair = w.place != LOOSE && v.kind == DBF_VALUE_TOKEN && dbf_header_is_pair(f, v.from, v.to);
  if (!pair && (!is_believable(f, &w, &v) || !dbf_value_is_secret(&f->t, &v))) return false;
  dbf_shape_stats stats = dbf_shape_measure(&f->t, v.from, v.to);
  if (n.must_be_random && !dbf_shape_is_random(&stats)) return false;
  *span = (dbf_span){v.from, v.to, n.kind, DBF_RANK_NAME};
  return true;
}
