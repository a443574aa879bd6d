#include "header.h"
#include "value.h"

#include <string.h>

enum { MOST_LINES = 48 };

/* What follows a scheme that is one word of a token. */
static const struct {
  const char *word, *kind;
  bool rest; /* all of the line belongs to it */
} schemes[] = {{"bearer", "bearer", false},
               {"basic", "basic_auth", false},
               {"token", "authorization", false},
               {"digest", "authorization", true},
               {"apikey", "authorization", false},
               {"api-key", "authorization", false},
               {"bot", "authorization", false},
               {"ssws", "authorization", false},
               {"key", "authorization", false},
               {"negotiate", "authorization", false},
               {"ntlm", "authorization", false},
               {"splunk", "authorization", false},
               {"oauth", "authorization", true},
               {"aws4-hmac-sha256", "authorization", true},
               {"aws", "authorization", true},
               {"hmac", "authorization", true},
               {"googlelogin", "authorization", true},
               {"sharedkey", "authorization", false},
               {"sharedaccesssignature", "authorization", true},
               {"genie", "authorization", false},
               {"genie-key", "authorization", false},
               {"geniekey", "authorization", false},
               {"flyv1", "authorization", true},
               {NULL, NULL, false}};

/* From the end of a header's name to its value: `: `, `=`, `": "`, `', '`, `", "`; *sign is what is between. SIZE_MAX: it is
 * not followed by one. */
static size_t value_of(const dbf_find *f, size_t at, unsigned char *sign) {
  while (dbf_find_is_quote(f, at) || dbf_find_plain(f, at) == ']') at++;
  at = dbf_find_skip_blanks(f, at);
  *sign = dbf_find_plain(f, at);
  if (*sign != ':' && *sign != '=' && *sign != ',') return SIZE_MAX;
  at++;
  if (dbf_find_plain(f, at) == '>') at++;
  if (f->t.s[at] == '\n') at++;
  return dbf_find_skip_blanks(f, at);
}

/* Where what begins at `at` ends: `quote` opened it, or stands somewhere before it. */
static size_t end_of_value(dbf_find *f, size_t at, size_t quote) {
  size_t close = quote != SIZE_MAX ? dbf_find_closing(f, quote, 32) : SIZE_MAX,
         end = dbf_find_line_end(f, at), more;
  for (int lines = 0; lines < MOST_LINES && end < close && f->t.s[end] == '\n';
       lines++, end = dbf_find_line_end(f, more)) {
    more = dbf_shape_continued(&f->t, end + 1, DBF_TOKEN);
    if (more == DBF_SHAPE_NONE) break;
  }
  return close < end ? close : end;
}

/* The end of one word that may go on in the next line. */
static size_t end_of_token(dbf_find *f, size_t at, int most_lines) {
  size_t end = dbf_shape_run(
      &f->t, at, f->t.s[at - 1] < ' ' && f->t.s[at - 1] != '\n' ? DBF_TOKEN : DBF_TOKEN | DBF_ENCODED);
  for (int lines = 0; lines < most_lines && f->t.s[end] == '\n'; lines++) {
    size_t more = dbf_shape_continued(&f->t, end + 1, DBF_TOKEN);
    if (more == DBF_SHAPE_NONE) break;
    end = more;
  }
  return end;
}

/* A word that is no credential: "Bearer authentication", "Basic realm=…". */
static bool is_credential(const dbf_find *f, size_t from, size_t to, size_t least, bool in_header) {
  dbf_shape_stats s = dbf_shape_measure(&f->t, from, to);
  if (to <= from || s.len < least || f->t.s[to] == '(' || f->t.s[to] == '[' ||
      dbf_value_is_placeholder(&f->t, from, to))
    return false;
  bool mixed = s.digits > 0 && s.small + s.capitals > 0;
  if (s.digits == 0) return in_header && s.len >= 20 && s.small > 3 && s.capitals > 3;
  return mixed ? in_header || !dbf_shape_is_wordy(&f->t, from, to > from + 256 ? from + 256 : to)
               : s.len >= 16;
}

/* The quote that a value is in: at its beginning, which is then moved past it, or at that of its whole line, before the
 * name of the header and the prefix that it may have. SIZE_MAX: none. */
static size_t quote_around(const dbf_find *f, size_t at, size_t *begin, const char *prefix) {
  size_t len = strlen(prefix);
  if (dbf_find_is_quote(f, *begin)) return (*begin)++;
  if (at >= len && dbf_find_word(f, at - len, prefix)) at -= len;
  return at > 0 && dbf_find_is_quote(f, at - 1) ? at - 1 : SIZE_MAX;
}

static int scheme_at(const dbf_find *f, size_t at, size_t *after) {
  int best = -1;
  for (int i = 0; schemes[i].word; i++) {
    size_t end = at + strlen(schemes[i].word);
    if (end > f->t.len || !dbf_find_word(f, at, schemes[i].word)) continue;
    unsigned char next = dbf_find_plain(f, end);
    if (next != ' ' && next != '\n' && next != '+' && next != ':') continue;
    best = i;
    *after = end;
  }
  return best;
}

static size_t skip_gap(const dbf_find *f, size_t at) {
  while (dbf_find_plain(f, at) == ' ' || f->t.s[at] == '\n' || f->t.s[at] == '+') at++;
  return at;
}

bool dbf_header_find_authorization(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  unsigned char sign;
  size_t begin = value_of(f, after, &sign), quote, from;
  if (begin == SIZE_MAX) return false;
  quote = quote_around(f, at, &begin, "proxy-");
  int scheme = scheme_at(f, begin, &from);
  if (scheme < 0 && sign == ',') return false;
  from = scheme < 0 ? begin : skip_gap(f, from);
  bool rest = scheme >= 0 && schemes[scheme].rest;
  size_t to = rest ? end_of_value(f, from, quote) : end_of_token(f, from, scheme < 0 ? 0 : MOST_LINES);
  bool firm = rest ? to - from >= 16 && dbf_shape_measure(&f->t, from, to).digits > 0 &&
                         memchr(f->t.s + from, '=', to - from > 512 ? 512 : to - from)
                   : is_credential(f, from, to, scheme < 0 ? 16 : 6, scheme >= 0);
  if (rest && !firm && schemes[scheme].word[0] == 'f') firm = to - from >= 16;
  if (!firm) return false;
  *span = (dbf_span){from, to, scheme < 0 ? "authorization" : schemes[scheme].kind, DBF_RANK_PLACE};
  return true;
}

bool dbf_header_find_bearer(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  size_t from = skip_gap(f, after);
  if (from == after || (at > 0 && dbf_shape_is(&f->t, at - 1, DBF_ALNUM))) return false;
  size_t to = end_of_token(f, from, MOST_LINES);
  if (!is_credential(f, from, to, 16, false)) return false;
  *span = (dbf_span){from, to, "bearer", DBF_RANK_PLACE};
  return true;
}

/* ---- Basic ------------------------------------------------------------------------------------------------------- */

static int sextet(unsigned char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool dbf_header_is_pair(const dbf_find *f, size_t from, size_t to) {
  uint32_t bits = 0;
  int count = 0, colons = 0;
  if (to - from < 8 || to - from > 4096) return false;
  for (; from < to; from++) {
    unsigned char c = dbf_find_plain(f, from);
    if (c == '=' || c == '\n') continue;
    if (sextet(c) < 0) return false;
    bits = bits << 6 | (uint32_t)sextet(c);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    unsigned byte = bits >> count & 0xff;
    if (byte < ' ' || byte >= 0x7f) return false;
    colons += byte == ':';
  }
  return colons > 0;
}

bool dbf_header_find_basic(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  size_t from = skip_gap(f, after);
  if (from == after || (at > 0 && dbf_shape_is(&f->t, at - 1, DBF_ALNUM))) return false;
  size_t to = end_of_token(f, from, MOST_LINES);
  if (!dbf_header_is_pair(f, from, to)) return false;
  *span = (dbf_span){from, to, "basic_auth", DBF_RANK_PLACE};
  return true;
}

/* ---- Cookies ----------------------------------------------------------------------------------------------------- */

/* `name=value` at `at`; sets *value. */
static bool is_cookie(const dbf_find *f, size_t at, size_t *value) {
  size_t i = at;
  while (i - at < 128 && dbf_shape_is(&f->t, i, DBF_NAME | DBF_TILDE)) i++;
  *value = i + 1;
  return i > at && dbf_find_plain(f, i) == '=';
}

/* Does one of the cookies from..to hold something that is not a mere word? */
static bool has_session(const dbf_find *f, size_t from, size_t to) {
  dbf_shape_stats s = dbf_shape_measure(&f->t, from, to);
  return s.len >= 12 && s.digits > 0 && !dbf_value_is_placeholder(&f->t, from, to);
}

bool dbf_header_find_cookie(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  unsigned char sign;
  size_t begin = value_of(f, after, &sign), quote, value;
  bool is_set = at >= 4 && dbf_find_word(f, at - 4, "set-");
  if (begin == SIZE_MAX) return false;
  quote = quote_around(f, at, &begin, "set-");
  if (!is_cookie(f, begin, &value)) return false;
  size_t to = end_of_value(f, begin, quote);
  if (to <= begin) return false;
  if (!is_set) {
    *span = (dbf_span){begin, to, "cookie", DBF_RANK_BLOCK};
    return has_session(f, begin, to);
  }
  const unsigned char *semicolon = memchr(f->t.s + value, ';', to > value ? to - value : 0);
  if (semicolon) to = (size_t)(semicolon - f->t.s);
  *span = (dbf_span){value, to, "cookie", DBF_RANK_BLOCK};
  return to > value + 7 && has_session(f, value, to);
}
