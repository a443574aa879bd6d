#include "value.h"
#include "view.h"

#include <string.h>

static const char *const dull[] = {
#define NAME(word, kind, strictness)
#define KEY(word, kind)
#define QUERY(word, kind)
#define DULL(word) word,
#define MOCK(word)
#include "words.def"
#undef DULL
#undef MOCK
    NULL};

static const char *const mocks[] = {
#define DULL(word)
#define MOCK(word) word,
#include "words.def"
#undef NAME
#undef KEY
#undef QUERY
#undef DULL
#undef MOCK
    NULL};

enum { LOOK = 512 }; /* bytes of a value that say what it is */

static unsigned char plain_at(const dbf_shape_text *t, size_t at) {
  return dbf_view_plain(t->s[at]);
}

static bool starts_with(const dbf_shape_text *t, size_t at, size_t to, const char *text) {
  for (; *text && at < to && plain_at(t, at) == (unsigned char)*text; at++) text++;
  return !*text;
}

static bool contains(const dbf_shape_text *t, size_t at, size_t to, const char *text) {
  for (; at < to; at++)
    if (starts_with(t, at, to, text)) return true;
  return false;
}

size_t dbf_value_fold(const dbf_shape_text *t, size_t from, size_t to, char *out, size_t size) {
  size_t len = 0;
  for (; from < to; from++) {
    if (!dbf_shape_is(t, from, DBF_ALNUM)) continue;
    if (len + 1 < size) out[len] = (char)(t->s[from] | 0x20);
    len++;
  }
  out[len < size ? len : size - 1] = '\0';
  return len;
}

/* ---- Placeholders ------------------------------------------------------------------------------------------------ */

static bool is_name(const dbf_shape_text *t, size_t from, size_t to) {
  if (from >= to || dbf_shape_is(t, from, DBF_DIGIT)) return false;
  while (from < to && dbf_shape_is(t, from, DBF_WORD)) from++;
  return from == to;
}

/* name, name->member, name[index], name.member: what follows a '$'. */
static bool is_variable(const dbf_shape_text *t, size_t from, size_t to) {
  size_t end = from;
  while (end < to && dbf_shape_is(t, end, DBF_WORD)) end++;
  if (!is_name(t, from, end)) return false;
  return end == to || starts_with(t, end, to, "->") || starts_with(t, end, to, "[") ||
         starts_with(t, end, to, "{") || starts_with(t, end, to, "::") ||
         (plain_at(t, end) == '.' && is_name(t, end + 1, to));
}

/* $TOKEN ${TOKEN} $(cat file) %TOKEN% {{ token }} {token} <token> [token] !Ref token @file *** ... */
static bool is_reference(const dbf_shape_text *t, size_t from, size_t to) {
  unsigned char first = plain_at(t, from), second = to - from > 1 ? plain_at(t, from + 1) : 0;
  switch (first) {
  case '$':
    return second == '{' || second == '(' || second == '[' || second == '$' || is_variable(t, from + 1, to);
  case '%': return second == '{' || second == '(' || (to - from > 2 && is_name(t, from + 1, to - 1));
  case '#': return second == '{';
  case '{':
  case '<':
  case '[': return true;
  case '!': return is_name(t, from + 1, to);
  case '@': return second == '/' || second == '.' || second == '@';
  case '*': return second == '*' || second == 0;
  case '.': return second == '.';
  default: return false;
  }
}

/* A place where the secret can be found. */
static bool is_address(const dbf_shape_text *t, size_t from, size_t to) {
  static const char *const heads[] = {"/",    "./",   "../", "~/",   "vault:",   "arn:",      "file:", "ssm:",
                                      "env:", "ref+", "op:", "env.", "doppler:", "projects/", NULL};
  if (contains(t, from, to, "://")) return true;
  for (int i = 0; heads[i]; i++)
    if (starts_with(t, from, to, heads[i])) return true;
  return to - from > 2 && plain_at(t, from + 1) == ':' && plain_at(t, from + 2) == '\\';
}

static bool is_one_of(const char *const words[], const char *folded) {
  for (; *words; words++)
    if (strcmp(*words, folded) == 0) return true;
  return false;
}

static bool holds_one_of(const char *const words[], const char *folded) {
  for (; *words; words++)
    if (strstr(folded, *words)) return true;
  return false;
}

static bool looks_made_up(const dbf_shape_text *t, size_t from, size_t to, const dbf_shape_stats *stats) {
  char folded[80];
  size_t len = dbf_value_fold(t, from, to, folded, sizeof folded);
  if (stats->distinct <= 2 && stats->len >= 3) return true;
  return (len == stats->len && is_one_of(dull, folded)) || holds_one_of(mocks, folded);
}

bool dbf_value_is_placeholder(const dbf_shape_text *t, size_t from, size_t to) {
  if (to > from + LOOK) to = from + LOOK;
  dbf_shape_stats stats = dbf_shape_measure(t, from, to);
  return from >= to || is_reference(t, from, to) || looks_made_up(t, from, to, &stats);
}

/* ---- Code, words, prose ------------------------------------------------------------------------------------------ */

/* config.password, self->token, Foo::bar, get_token(, os.environ[: what a program says of a secret. */
static bool is_code(const dbf_shape_text *t, size_t from, size_t to) {
  size_t name = from;
  while (name < to && dbf_shape_is(t, name, DBF_WORD)) name++;
  if (name > from && name + 1 < to && plain_at(t, name) == '=') return true;
  if (contains(t, from, to, "(") || contains(t, from, to, "[") || contains(t, from, to, "->") ||
      contains(t, from, to, "::"))
    return true;
  size_t parts = 0;
  while (from < to) {
    size_t end = from;
    while (end < to && dbf_shape_is(t, end, DBF_WORD)) end++;
    if (!is_name(t, from, end) || end - from > 30) return false;
    if (end < to && plain_at(t, end) != '.' && plain_at(t, end) != '?' && plain_at(t, end) != '!')
      return false;
    while (end < to && !dbf_shape_is(t, end, DBF_WORD)) end++;
    from = end;
    parts++;
  }
  return parts > 1;
}

/* get_token(…, options[…: a name and what is done with it. */
static bool is_call(const dbf_shape_text *t, size_t from, size_t to) {
  size_t end = from;
  while (end < to && dbf_shape_is(t, end, DBF_WORD | DBF_POINT)) end++;
  return end > from && end < to && !dbf_shape_is(t, from, DBF_DIGIT) &&
         (plain_at(t, end) == '(' || plain_at(t, end) == '[');
}

/* 0x0B96: a constant. */
static bool is_constant(const dbf_shape_text *t, size_t from, size_t to) {
  size_t at = from + 2;
  while (at < to && dbf_shape_is(t, at, DBF_HEX)) at++;
  return to - from <= 20 && at == to && (starts_with(t, from, to, "0x") || starts_with(t, from, to, "0X"));
}

static size_t count_words(const dbf_shape_text *t, size_t from, size_t to) {
  size_t words = 1;
  for (; from < to; from++) words += plain_at(t, from) == ' ';
  return words;
}

/* A label names what the user types in: "Password", "your secret". */
static bool is_label(const dbf_shape_text *t, size_t from, size_t to) {
  static const char *const labels[] = {"password", "passwd",     "passphrase", "secret",  "token",
                                       "apikey",   "credential", "passwort",   "contras", "username",
                                       "required", "login",      "auth",       NULL};
  char folded[80];
  dbf_value_fold(t, from, to, folded, sizeof folded);
  return holds_one_of(labels, folded);
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

static bool is_token(const dbf_shape_text *t, const dbf_value *v, const dbf_shape_stats *s) {
  size_t letters = s->small + s->capitals;
  if (s->blanks || s->foreign || s->digits == 0 || letters == 0 || dbf_shape_is_wordy(t, v->from, v->to))
    return false;
  if (v->firm) return s->len >= 8;
  return v->quoted && s->len >= 10 && s->digits >= 2 && letters >= 2 && s->turns >= 2;
}

static bool is_password_of_letters(const dbf_shape_text *t, const dbf_value *v, const dbf_shape_stats *s) {
  bool is_camel = s->capitals > 0 && s->small > 0;
  if (is_label(t, v->from, v->to) || is_camel || (v->kind == DBF_VALUE_SECRET && s->symbols > 0))
    return false;
  if (v->firm && !v->quoted) return s->len >= 4;
  return v->quoted && v->kind == DBF_VALUE_PASSWORD && s->len >= 6 && s->symbols == 0 && !s->foreign;
}

static bool is_password(const dbf_shape_text *t, const dbf_value *v, const dbf_shape_stats *s) {
  size_t letters = s->small + s->capitals;
  if (v->to - v->from > 128) return false;
  if (s->blanks)
    return v->quoted && s->digits + s->symbols > 1 && count_words(t, v->from, v->to) <= 3 && letters > 3 &&
           !is_label(t, v->from, v->to);
  if (v->kind == DBF_VALUE_SECRET && dbf_shape_is_wordy(t, v->from, v->to) && s->symbols > 0) return false;
  if (s->digits == 0 && (s->symbols == 0 || dbf_shape_is_wordy(t, v->from, v->to)) && letters > 0)
    return is_password_of_letters(t, v, s);
  if (letters == 0 && s->foreign == 0) return (v->quoted || v->firm) && s->len >= 4;
  if (v->firm || v->quoted) return s->len >= 4;
  return s->len >= 6 && !(is_label(t, v->from, v->to) && s->turns <= 1);
}

/* An address, or a path with something random in it; but base64 may begin with a slash, too. */
static bool is_far(const dbf_shape_text *t, const dbf_value *v) {
  size_t end = v->from;
  if (contains(t, v->from, v->to, "://")) return true;
  while (end < v->to && dbf_shape_is(t, end, DBF_BASE64 | DBF_NEWLINE)) end++;
  return plain_at(t, v->from) == '/' && (end < v->to || v->to - v->from < 40);
}

bool dbf_value_is_secret(const dbf_shape_text *t, const dbf_value *value) {
  dbf_value short_value = *value, *v = &short_value;
  if (v->to - v->from < 3 || is_reference(t, v->from, v->to)) return false;
  if (v->to - v->from > LOOK) v->to = v->from + LOOK;
  dbf_shape_stats stats = dbf_shape_measure(t, v->from, v->to);
  bool random = dbf_shape_is_random(&stats) &&
                (dbf_shape_is_of_odd_case(&stats) || !dbf_shape_is_wordy(t, v->from, v->to));
  if (!v->quoted && is_call(t, v->from, v->to)) return false;
  if ((v->loose || (!v->quoted && !v->firm)) && is_code(t, v->from, v->to)) return false;
  if (random && stats.len >= 24 && !contains(t, v->from, v->to, "(")) return !is_far(t, v);
  if (is_address(t, v->from, v->to) || looks_made_up(t, v->from, v->to, &stats)) return false;
  if (random) return true;
  if (is_constant(t, v->from, v->to) || (v->loose && is_label(t, v->from, v->to))) return false;
  return v->kind == DBF_VALUE_TOKEN ? is_token(t, v, &stats) : is_password(t, v, &stats);
}
