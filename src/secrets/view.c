#include "view.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { BLOCK = 64, NOTHING = -1, OTHER = 0xff };

void dbf_view_init(dbf_view *view) {
  memset(view, 0, sizeof *view);
}

void dbf_view_release(dbf_view *view) {
  dbf_bytes_release(&view->text_bytes);
  dbf_bytes_release(&view->mark_bytes);
  dbf_view_init(view);
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `count` hexadecimal digits at p, or -1. */
static int hex_number(const char *p, const char *end, int count) {
  int value = 0;
  if (end - p < count) return -1;
  for (; count > 0; count--, p++) {
    if (hex(*p) < 0) return -1;
    value = value << 4 | hex(*p);
  }
  return value;
}

/* ---- Units --------------------------------------------------------------------------------------------------------
 * Each function takes p at the first byte of a unit, sets *c to what it stands for (NOTHING: no byte of text), and
 * returns the byte past it. They look at nothing before p, so that decoding can start at any unit. */

/* Only line breaks, blanks and what a secret can be made of keep their meaning among the codes below 0x20. */
static int as_text(int code) {
  if (code == '\n' || code == '\r') return '\n';
  if (code == 0) return NOTHING;
  return code < 0x20 || code == 0x7f ? ' ' : code;
}

static bool is_invisible(int code) {
  return code == 0xad || (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x2064) || code == 0xfeff;
}

static int from_code(int code) {
  if (code < 0x80) return as_text(code);
  if (code == 0xa0) return ' ';
  if (code >= 0x2018 && code <= 0x201f) return '"';
  return is_invisible(code) ? NOTHING : OTHER;
}

/* Behind a line break: the indent belongs to it, as blanks, tabs or `\t`. */
static const char *skip_indent(const char *p, const char *end) {
  while (p < end) {
    if (*p == ' ' || *p == '\t') p++;
    else if (end - p > 1 && p[0] == '\\' && p[1] == 't') p += 2;
    else break;
  }
  return p;
}

static const char *line_break(const char *p, const char *end, int *c) {
  *c = '\n';
  if (*p == '\r' && end - p > 1 && p[1] == '\n') p++;
  return skip_indent(p + 1, end);
}

/* p is past an ESC: the rest of the sequence, which moves the cursor or colours. Of a title or a link only the
 * introducer goes: its text must be searched. Nothing is taken that could be the beginning of another unit. */
static const char *escape_sequence(const char *p, const char *end, int *c) {
  bool plain = p < end && *p != '%';
  int next = p >= end ? 0 : plain ? (unsigned char)*p : hex_number(p + 1, end, 2);
  const char *inside = plain ? p + 1 : p + 3;
  *c = next == ']' ? ' ' : NOTHING;
  if (next == ']') return inside;
  if (next == '(') return inside + (inside < end && *inside == 'B'); /* as tput sgr0 ends colours */
  if (next != '[') return p;
  while (inside < end && ((*inside >= '0' && *inside <= '9') || memchr(";:<=>?", *inside, 6))) inside++;
  bool letter = inside < end && ((*inside | 0x20) >= 'a' && (*inside | 0x20) <= 'z');
  return inside + letter;
}

static const char *coded(const char *p, const char *end, int code, int *c) {
  if (code == 0x1b) return escape_sequence(p, end, c);
  *c = from_code(code);
  return p;
}

/* A run of `count` backslashes and what follows at p. In the JSON text itself an even number escapes nothing. */
static const char *after_backslashes(const dbf_view *v, const char *p, const char *end, size_t count,
                                     int *c) {
  static const char octal_escape[] = {'0', '3', '3'};
  int code;
  *c = '\\';
  if (p >= end) return p;
  switch (*p) {
  case '"':
    if (v->json && count % 2 == 0) return p;
    *c = '"';
    return p + 1;
  case '\'':
  case '`':
  case '/': *c = *p; return p + 1;
  case 'n':
  case 'r':
    if (*p == 'r' && end - p > 2 && p[1] == '\\') { /* \r\n is one */
      const char *q = p + 1;
      while (q < end && *q == '\\') q++;
      if (q < end && *q == 'n') p = q;
    }
    *c = '\n';
    return skip_indent(p + 1, end);
  case 't': *c = ' '; return p + 1;
  case '\n':
  case '\r': return line_break(p, end, c);
  case 'u': return (code = hex_number(p + 1, end, 4)) < 0 ? p : coded(p + 5, end, code, c);
  case 'x': return (code = hex_number(p + 1, end, 2)) < 0 ? p : coded(p + 3, end, code, c);
  case '0': return end - p < 3 || memcmp(p, octal_escape, 3) != 0 ? p : escape_sequence(p + 3, end, c);
  case 'e': return end - p > 1 && p[1] == '[' ? escape_sequence(p + 1, end, c) : p;
  default: return p;
  }
}

static const char *backslash(const dbf_view *v, const char *p, const char *end, int *c) {
  const char *begin = p;
  while (p < end && *p == '\\') p++;
  return after_backslashes(v, p, end, (size_t)(p - begin), c);
}

/* Punctuation keeps a mark that it was encoded: within a value that was not, it is a part of it and ends nothing. */
static int encoded(int code) {
  if (code == '@') return DBF_VIEW_AT;
  if (code == ' ') return DBF_VIEW_BLANK;
  if (code == '"') return DBF_VIEW_QUOTE;
  if (code == '*' || code == '!' || code == '-' || code == '.' || (code >= '0' && code <= '9')) return code;
  return code > ' ' && code < '@' ? code & 0x1f : from_code(code);
}

/* %3A, and %253A, however deep. */
static const char *percent(const char *p, const char *end, int *c) {
  int code = hex_number(p + 1, end, 2);
  const char *next = p + 3;
  *c = '%';
  if (code < 0) return p + 1;
  for (int inner; code == '%' && (inner = hex_number(next, end, 2)) >= 0; next += 2) code = inner;
  if (code == 0x1b) return escape_sequence(next, end, c);
  *c = code < 0x80 ? encoded(code) : OTHER;
  return next;
}

/* &quot; &#34; &#x22; and the few others that stand around secrets. */
static const char *entity(const char *p, const char *end, int *c) {
  static const struct {
    const char *name;
    int c;
  } names[] = {{"quot;", '"'}, {"amp;", '&'},    {"lt;", '<'},    {"gt;", '>'},     {"apos;", '\''},
               {"nbsp;", ' '}, {"equals;", '='}, {"colon;", ':'}, {"commat;", '@'}, {NULL, 0}};
  const char *digits = p + 2;
  int code = 0;
  *c = '&';
  for (int i = 0; names[i].name; i++) {
    size_t len = strlen(names[i].name);
    if ((size_t)(end - p) <= len || memcmp(p + 1, names[i].name, len) != 0) continue;
    *c = names[i].c;
    return p + 1 + len;
  }
  if (end - p < 4 || p[1] != '#') return p + 1;
  int base = (p[2] | 0x20) == 'x' ? 16 : 10;
  if (base == 16) digits++;
  const char *q = digits;
  for (; q < end && q - digits < 5 && hex(*q) >= 0 && hex(*q) < base; q++) code = code * base + hex(*q);
  if (q == digits || q >= end || *q != ';') return p + 1;
  *c = from_code(code);
  return q + 1;
}

static const char *marker(const char *p, const char *end, int *c) {
  static const char head[] = "[REDACTED:";
  size_t len = sizeof head - 1;
  *c = '[';
  if ((size_t)(end - p) <= len || memcmp(p, head, len) != 0) return p + 1;
  const char *q = p + len;
  while (q < end && q - p < 80 && (hex(*q) >= 0 || (*q >= 'a' && *q <= 'z') || *q == '_')) q++;
  if (q >= end || *q != ']') return p + 1;
  *c = DBF_VIEW_MARKER;
  return q + 1;
}

/* The few that are not one other letter: invisible ones, blanks, quotes. */
static const char *utf8(const char *p, const char *end, int *c) {
  const unsigned char *u = (const unsigned char *)p;
  int code = 0x100;
  size_t len = u[0] == 0xc2 ? 2 : 3;
  *c = u[0];
  if ((size_t)(end - p) < len) return p + 1;
  if (len == 2) code = u[1];
  else if (u[0] == 0xe2 || u[0] == 0xef) code = (u[0] & 0x0f) << 12 | (u[1] & 0x3f) << 6 | (u[2] & 0x3f);
  int meant = from_code(code);
  if (meant == OTHER) return p + 1;
  *c = meant;
  return p + len;
}

static const char *unit_at(const dbf_view *v, const char *p, const char *end, int *c) {
  switch ((unsigned char)*p) {
  case '\\': return backslash(v, p, end, c);
  case '%': return percent(p, end, c);
  case '&': return entity(p, end, c);
  case '[': return marker(p, end, c);
  case '^': /* ESC as cat -v shows it */
    if (end - p > 2 && p[1] == '[' && p[2] == '[') return escape_sequence(p + 2, end, c);
    break;
  case '"': *c = v->json ? DBF_VIEW_FENCE : '"'; return p + 1;
  case '\n':
  case '\r': return line_break(p, end, c);
  case 0x1b: return escape_sequence(p + 1, end, c);
  case 0xc2:
  case 0xe2:
  case 0xef: return utf8(p, end, c);
  default: break;
  }
  *c = as_text((unsigned char)*p);
  return p + 1;
}

/* ---- Making the text ------------------------------------------------------------------------------------------- */

static bool is_special(const dbf_view *v, unsigned char c) {
  return c < ' ' || c == 0x7f || c == '\\' || c == '%' || c == '&' || c == '[' || c == '^' || c == 0xc2 ||
         c == 0xe2 || c == 0xef || (c == '"' && v->json);
}

/* The next byte that begins a unit of more than itself, or end. */
static const char *find_special(const dbf_view *v, const char *p, const char *end) {
#if defined(__SSE2__)
  const __m128i backslashes = _mm_set1_epi8('\\'), percents = _mm_set1_epi8('%'),
                ampersands = _mm_set1_epi8('&'), brackets = _mm_set1_epi8('['), carets = _mm_set1_epi8('^'),
                deletes = _mm_set1_epi8(0x7f), quotes = _mm_set1_epi8(v->json ? '"' : '\\'),
                blanks = _mm_set1_epi8(' ');
  for (; end - p >= 16; p += 16) {
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i a = _mm_or_si128(_mm_cmpeq_epi8(c, backslashes), _mm_cmpeq_epi8(c, percents));
    __m128i b = _mm_or_si128(_mm_cmpeq_epi8(c, ampersands), _mm_cmpeq_epi8(c, brackets));
    __m128i d = _mm_or_si128(_mm_cmpeq_epi8(c, carets), _mm_cmpeq_epi8(c, deletes));
    __m128i e =
        _mm_or_si128(_mm_cmpeq_epi8(c, quotes), _mm_cmplt_epi8(c, blanks)); /* all that is not ASCII, too */
    int mask = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(d, e)));
    if (mask) return p + __builtin_ctz((unsigned)mask);
  }
#endif
  while (p < end && !is_special(v, (unsigned char)*p)) p++;
  return p;
}

/* Note where every BLOCKth byte of text begins, for `len` more bytes that stand for themselves. */
static void note(dbf_view *v, const char *p, size_t len) {
  size_t at = v->text_bytes.len, next = (at + BLOCK - 1) / BLOCK * BLOCK;
  uint32_t *marks = (uint32_t *)(void *)v->mark_bytes.data;
  for (; next < at + len; next += BLOCK)
    marks[next / BLOCK] = (uint32_t)(p - v->raw + (ptrdiff_t)(next - at));
}

static void put(dbf_view *v, const char *p, int c) {
  note(v, p, 1);
  v->text_bytes.data[v->text_bytes.len++] = (char)c;
}

static void put_plain(dbf_view *v, const char *p, size_t len) {
  note(v, p, len);
  memcpy(v->text_bytes.data + v->text_bytes.len, p, len);
  v->text_bytes.len += len;
}

bool dbf_view_set(dbf_view *v, const char *raw, size_t len, bool json) {
  const char *p = raw, *end = raw + len;
  v->raw = raw;
  v->raw_len = len;
  v->json = json;
  dbf_bytes_clear(&v->text_bytes);
  dbf_bytes_clear(&v->mark_bytes);
  if (!dbf_bytes_reserve(&v->text_bytes, len + DBF_VIEW_PADDING) ||
      !dbf_bytes_reserve(&v->mark_bytes, (len / BLOCK + 1) * sizeof(uint32_t)))
    return false;
  while (p < end) {
    const char *special = find_special(v, p, end);
    int c;
    if (special > p) put_plain(v, p, (size_t)(special - p));
    if (special == end) break;
    p = unit_at(v, special, end, &c);
    if (c != NOTHING) put(v, special, c);
  }
  v->len = v->text_bytes.len;
  memset(v->text_bytes.data + v->len, 0, DBF_VIEW_PADDING);
  v->text = (const unsigned char *)v->text_bytes.data;
  return true;
}

void dbf_view_locate(const dbf_view *v, size_t at, size_t *begin, size_t *end) {
  const char *stop = v->raw + v->raw_len,
             *p = v->raw + ((const uint32_t *)(const void *)v->mark_bytes.data)[at / BLOCK];
  for (size_t i = at / BLOCK * BLOCK;;) {
    int c = 0;
    const char *unit = p;
    p = is_special(v, (unsigned char)*p) ? unit_at(v, p, stop, &c) : p + 1;
    if (c == NOTHING || i++ < at) continue;
    *begin = (size_t)(unit - v->raw);
    *end = (size_t)(p - v->raw);
    return;
  }
}

size_t dbf_view_unit_before(const dbf_view *v, size_t at) {
  const uint32_t *marks = (const uint32_t *)(const void *)v->mark_bytes.data;
  size_t low = 0, high = (v->len + BLOCK - 1) / BLOCK;
  if (high == 0 || marks[0] > at) return 0;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (marks[middle] <= at) low = middle;
    else high = middle;
  }
  return marks[low];
}
