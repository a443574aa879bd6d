/* Walking and decoding what was validated. No checks of grammar, no byte read at or past `end`. */
#include "json_scan.h"
#include "utf8.h"

#include <float.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* In validated text every byte up to a blank is white space here: one comparison instead of four. */
static inline const char *skip_space(const char *p, const char *end) {
  while (p < end && (unsigned char)*p <= ' ') p++;
  return p;
}

/* The next quote or backslash at or after p, or end. */
static inline const char *find_quote(const char *p, const char *end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  for (; end - p >= 16; p += 16) {
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
    int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(c, quote), _mm_cmpeq_epi8(c, backslash)));
    if (mask) return p + __builtin_ctz((unsigned)mask);
  }
#endif
  while (p < end && *p != '"' && *p != '\\') p++;
  return p;
}

static const char *skip_string(const char *p, const char *end, bool *escaped) {
  *escaped = false;
  for (p++;;) {
    p = find_quote(p, end);
    if (p >= end) return end;
    if (*p == '"') return p + 1;
    *escaped = true;
    if (end - p <= 2) return end;
    p += 2;
  }
}

/* Brackets in strings do not count, so strings are skipped as a whole; the kinds of brackets are not compared: that was
 * done. */
static const char *skip_container(const char *p, const char *end) {
  bool escaped;
  size_t level = 0;
  while (p < end) {
    switch (*p) {
    case '"': p = skip_string(p, end, &escaped); continue;
    case '{':
    case '[': level++; break;
    case '}':
    case ']':
      if (--level == 0) return p + 1;
      break;
    default: break;
    }
    p++;
  }
  return end;
}

static const char *skip_number(const char *p, const char *end, uint8_t *type) {
  *type = DBF_JSON_INTEGER;
  for (; p < end; p++) {
    char c = *p;
    if (c == '.' || c == 'e' || c == 'E') *type = DBF_JSON_NUMBER;
    else if ((c < '0' || c > '9') && c != '-' && c != '+') break;
  }
  return p;
}

static const char *skip_word(const char *p, const char *end, size_t len) {
  return (size_t)(end - p) < len ? end : p + len;
}

const char *dbf_json_skip(const char *p, const char *end, dbf_json_value *value) {
  value->start = p;
  value->escaped = false;
  value->type = DBF_JSON_NONE;
  if (p >= end) return value->end = end;
  switch (*p) {
  case '"':
    value->type = DBF_JSON_STRING;
    p = skip_string(p, end, &value->escaped);
    break;
  case '{':
    value->type = DBF_JSON_OBJECT;
    p = skip_container(p, end);
    break;
  case '[':
    value->type = DBF_JSON_ARRAY;
    p = skip_container(p, end);
    break;
  case 't':
    value->type = DBF_JSON_TRUE;
    p = skip_word(p, end, 4);
    break;
  case 'f':
    value->type = DBF_JSON_FALSE;
    p = skip_word(p, end, 5);
    break;
  case 'n':
    value->type = DBF_JSON_NULL;
    p = skip_word(p, end, 4);
    break;
  default: p = skip_number(p, end, &value->type); break;
  }
  return value->end = p;
}

const char *dbf_json_enter(const char *p, const char *end) {
  if (p >= end) return NULL;
  p = skip_space(p + 1, end);
  return p >= end || *p == '}' || *p == ']' ? NULL : p;
}

/* `p` is after a member or element: the next one, or NULL at the closing bracket. */
static const char *next_of(const char *p, const char *end) {
  p = skip_space(p, end);
  return p < end && *p == ',' ? skip_space(p + 1, end) : NULL;
}

const char *dbf_json_member(const char *p, const char *end, dbf_json_value *key, dbf_json_value *value) {
  p = skip_space(dbf_json_skip(p, end, key), end);
  p = p < end ? skip_space(p + 1, end) : end; /* the colon */
  return next_of(dbf_json_skip(p, end, value), end);
}

const char *dbf_json_element(const char *p, const char *end, dbf_json_value *value) {
  return next_of(dbf_json_skip(p, end, value), end);
}

bool dbf_json_string_is(const dbf_json_value *key, const char *bytes, size_t len) {
  size_t raw = (size_t)(key->end - key->start) - 2;
  if (!key->escaped) return raw == len && memcmp(key->start + 1, bytes, len) == 0;
  if (len > raw * 3) return false; /* a byte that is not UTF-8 becomes three */
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(key, &decoded);
  bool same = !decoded.failed && decoded.len == len && memcmp(decoded.data, bytes, len) == 0;
  dbf_bytes_release(&decoded);
  return same;
}

bool dbf_json_find(const dbf_json_value *object, const char *name, size_t len, dbf_json_value *value) {
  bool found = false;
  dbf_json_value key, member;
  const char *p = object->type == DBF_JSON_OBJECT ? dbf_json_enter(object->start, object->end) : NULL;
  while (p) {
    p = dbf_json_member(p, object->end, &key, &member);
    if (dbf_json_string_is(&key, name, len)) {
      *value = member;
      found = true;
    }
  }
  return found;
}

/* ---- Strings --------------------------------------------------------------------------------------------- */

static uint32_t hex4(const char *p) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    unsigned c = (unsigned char)p[i];
    value = value << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
  }
  return value;
}

/* p at the 'u' of \uXXXX. A lone surrogate becomes U+FFFD. */
static const char *decode_unicode(const char *p, const char *end, dbf_bytes *out) {
  char utf8[4];
  uint32_t c = hex4(p + 1);
  p += 5;
  if (c >= 0xd800 && c < 0xe000) {
    bool pair = c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u';
    uint32_t low = pair ? hex4(p + 2) : 0;
    if (low >= 0xdc00 && low < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      p += 6;
    } else {
      c = 0xfffd;
    }
  }
  dbf_bytes_append(out, utf8, dbf_utf8_encode(c, utf8));
  return p;
}

static const char *decode_escape(const char *p, const char *end, dbf_bytes *out) {
  static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
  if (p[1] == 'u') return decode_unicode(p + 1, end, out);
  const char *at = strchr(from, p[1]);
  dbf_bytes_append_char(out, at ? to[at - from] : p[1]);
  return p + 2;
}

/* The plain run at p, up to the next backslash; bytes that are not UTF-8 are replaced one by one. */
static const char *decode_run(const char *p, const char *end, dbf_bytes *out) {
  const char *stop = memchr(p, '\\', (size_t)(end - p));
  if (!stop) stop = end;
  if (dbf_utf8_valid_scalar(p, (size_t)(stop - p))) {
    dbf_bytes_append(out, p, (size_t)(stop - p));
    return stop;
  }
  while (p < stop) {
    size_t n = dbf_utf8_length(p, (size_t)(stop - p));
    if (n) dbf_bytes_append(out, p, n);
    else dbf_bytes_append(out, "\xef\xbf\xbd", 3);
    p += n ? n : 1;
  }
  return p;
}

void dbf_json_decode_string(const dbf_json_value *string, dbf_bytes *out) {
  const char *p = string->start + 1, *end = string->end - 1;
  while (p < end) p = *p == '\\' ? decode_escape(p, end, out) : decode_run(p, end, out);
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

bool dbf_json_decode_integer(const dbf_json_value *number, int64_t *value) {
  if (number->type != DBF_JSON_INTEGER) return false;
  const char *p = number->start;
  bool negative = *p == '-';
  uint64_t n = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
  for (p += negative; p < number->end; p++) {
    unsigned digit = (unsigned)(*p - '0');
    if (n > (limit - digit) / 10) return false;
    n = n * 10 + digit;
  }
  if (negative && n == 0) return false;
  *value = negative ? (int64_t)(0 - n) : (int64_t)n;
  return true;
}

/* Up to 19 digits and a small power of ten are exact in one operation (W. Clinger, 1990), which must not be rounded twice, as
 * the old floating-point unit of x86 does. */
static bool decode_exact(const char *p, const char *end, double *value) {
  if (FLT_EVAL_METHOD != 0) return false;
  static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  bool negative = *p == '-', fraction = false;
  uint64_t digits = 0;
  int scale = 0;
  for (p += negative; p < end; p++) {
    if (*p == '.') {
      fraction = true;
    } else if (*p >= '0' && *p <= '9') {
      if (digits >= (uint64_t)1 << 49) return false; /* ten times this and nine more would pass 2^53 */
      digits = digits * 10 + (unsigned)(*p - '0');
      scale += fraction;
    } else {
      return false;
    }
  }
  if (scale > 22) return false;
  *value = (double)digits / power[scale];
  if (negative) *value = -*value;
  return true;
}

double dbf_json_decode_number(const dbf_json_value *number) {
  double value;
  if (decode_exact(number->start, number->end, &value)) return value;
  /* "C" is a static locale in glibc and musl: nothing is allocated, nothing global changes */
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return strtod_l(number->start, NULL, c);
}
