#include "json_write.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Eight bytes at a time -------------------------------------------------------------------------------
 * Nearly all text is plain. A word with a byte that may need work is left to the byte loop, which decides. */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH       EACH(0x80)
#define ZEROS(word) \
  (((word)-EACH(1)) & ~(word)) /* the high bit of some byte is set if and only if one is 0 */

static inline uint64_t load(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

static inline bool has_end(uint64_t word) {
  return ((ZEROS(word ^ EACH('"')) | ZEROS(word ^ EACH('\\')) | word) & HIGH) != 0;
}

/* < and > differ in one bit. */
static inline bool has_html(uint64_t word) {
  return ((ZEROS(word ^ EACH('&')) | ZEROS((word | EACH(2)) ^ EACH('>'))) & HIGH) != 0;
}

static inline bool has_control(uint64_t word) {
  return ((word - EACH(0x20)) & ~word & HIGH) != 0;
}

static inline bool is_html(char c) {
  return c == '<' || c == '>' || c == '&';
}

/* ---- Strings --------------------------------------------------------------------------------------------- */

static const char hex[] = "0123456789abcdef";

static void write_unicode(dbf_bytes *out, unsigned c) {
  char text[6] = {'\\', 'u', hex[c >> 12], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};
  dbf_bytes_append(out, text, sizeof text);
}

static void write_escaped(dbf_bytes *out, char c) {
  static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
  const char *at = c ? strchr(from, c) : NULL;
  if (!at) {
    write_unicode(out, (unsigned char)c);
    return;
  }
  char text[2] = {'\\', to[at - from]};
  dbf_bytes_append(out, text, sizeof text);
}

/* U+2028 and U+2029 end a line in JavaScript. */
static bool is_separator(const char *p, size_t len) {
  return len == 3 && p[0] == '\xe2' && p[1] == '\x80' && (p[2] == '\xa8' || p[2] == '\xa9');
}

/* A byte >= 0x80 at p: what must be replaced is written, with what stands between *run and p before it. Returns the
 * byte behind the character; *run moves when something was written. */
static const char *write_high(dbf_bytes *out, const char **run, const char *p, const char *end,
                              bool separators) {
  size_t len = dbf_utf8_length(p, (size_t)(end - p));
  if (len && !(separators && is_separator(p, len))) return p + len;
  dbf_bytes_append(out, *run, (size_t)(p - *run));
  write_unicode(out, len ? 0x2028 + (unsigned)(p[2] & 1) : 0xfffd);
  return *run = p + (len ? len : 1);
}

static const char *skip_plain(const char *p, const char *end) {
  for (; end - p >= 8; p += 8) {
    uint64_t word = load(p);
    if (has_end(word) || has_html(word) || has_control(word)) break;
  }
  return p;
}

static bool must_escape(char c) {
  return (unsigned char)c < 0x20 || c == '"' || c == '\\' || is_html(c);
}

void dbf_json_write_string(dbf_bytes *out, const char *data, size_t len) {
  const char *p = len ? data : "", *run = p, *end = p + len; /* no text may be NULL */
  dbf_bytes_append_char(out, '"');
  while ((p = skip_plain(p, end)) < end) {
    const char *stop = end - p > 8 ? p + 8 : end;
    while (p < stop) {
      if ((unsigned char)*p >= 0x80) {
        p = write_high(out, &run, p, end, true);
      } else if (must_escape(*p)) {
        dbf_bytes_append(out, run, (size_t)(p - run));
        write_escaped(out, *p);
        run = ++p;
      } else {
        p++;
      }
    }
  }
  dbf_bytes_append(out, run, (size_t)(end - run));
  dbf_bytes_append_char(out, '"');
}

/* ---- Compacting ------------------------------------------------------------------------------------------ */

static const char *skip_inside(const char *p, const char *end, bool html) {
  for (; end - p >= 8; p += 8) {
    uint64_t word = load(p);
    if (has_end(word) || (html && has_html(word))) break;
  }
  return p;
}

/* p behind the opening quote; returns the byte behind the closing one. */
static const char *compact_string(dbf_bytes *out, const char **run, const char *p, const char *end,
                                  bool html) {
  for (;;) {
    p = skip_inside(p, end, html);
    if (p >= end) return end;
    if (*p == '"') return p + 1;
    if (*p == '\\') {
      p += end - p > 1 ? 2 : 1;
    } else if ((unsigned char)*p >= 0x80) {
      p = write_high(out, run, p, end, html);
    } else if (html && is_html(*p)) {
      dbf_bytes_append(out, *run, (size_t)(p - *run));
      write_unicode(out, (unsigned char)*p);
      *run = ++p;
    } else {
      p++;
    }
  }
}

void dbf_json_compact(dbf_bytes *out, const char *text, size_t len, bool html) {
  const char *p = text, *run = p, *end = p + len;
  while (p < end) {
    char c = *p++;
    if (c == '"') {
      p = compact_string(out, &run, p, end, html);
    } else if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      dbf_bytes_append(out, run, (size_t)(p - 1 - run));
      run = p;
    }
  }
  dbf_bytes_append(out, run, (size_t)(end - run));
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

void dbf_json_write_integer(dbf_bytes *out, int64_t value) {
  char text[20], *p = text + sizeof text;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do *--p = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0) *--p = '-';
  dbf_bytes_append(out, p, (size_t)(text + sizeof text - p));
}

/* d.ddd x 10^exponent, without sign */
typedef struct decimal {
  char digits[18];
  int count, exponent;
} decimal;

/* The nearest decimal of at most `precision` digits. Only digits are taken from what printf wrote: the point between
 * them is the locale's. */
static void decimal_of(decimal *d, double value, int precision) {
  char text[48];
  snprintf(text, sizeof text, "%.*e", precision - 1, fabs(value));
  d->count = 0;
  const char *p = text;
  for (; *p != 'e'; p++)
    if (*p >= '0' && *p <= '9') d->digits[d->count++] = *p;
  d->exponent = atoi(p + 1);
  while (d->count > 1 && d->digits[d->count - 1] == '0') d->count--;
}

/* The next larger decimal of `precision` digits. */
static void increment(decimal *d, int precision) {
  while (d->count < precision) d->digits[d->count++] = '0';
  int i = d->count - 1;
  while (i > 0 && d->digits[i] == '9') d->digits[i--] = '0';
  d->digits[i]++; /* the first digit never passes 9: no power of two begins with sixteen nines */
}

static char *put_zeros(char *p, int count) {
  for (; count > 0; count--) *p++ = '0';
  return p;
}

static char *put_digits(char *p, const decimal *d, int from, int to) {
  for (int i = from; i < to; i++) *p++ = i < d->count ? d->digits[i] : '0';
  return p;
}

static char *put_plain(char *p, const decimal *d) {
  int whole = d->exponent + 1;
  p = whole > 0 ? put_digits(p, d, 0, whole) : put_zeros(p, 1);
  *p++ = '.';
  p = put_zeros(p, -whole);
  return put_digits(p, d, whole > 0 ? whole : 0, d->count > whole ? d->count : whole + 1);
}

static char *put_scientific(char *p, const decimal *d) {
  int size = abs(d->exponent);
  p = put_digits(p, d, 0, 1);
  if (d->count > 1) *p++ = '.';
  p = put_digits(p, d, 1, d->count);
  *p++ = 'e';
  *p++ = d->exponent < 0 ? '-' : '+';
  if (size >= 100) *p++ = (char)('0' + size / 100);
  *p++ = (char)('0' + size / 10 % 10);
  *p++ = (char)('0' + size % 10);
  return p;
}

/* Write the decimal as text[0..*len); does it read back as `value`? */
static bool format(const decimal *d, double value, char text[48], size_t *len) {
  char *p = text;
  if (signbit(value)) *p++ = '-';
  p = d->exponent >= -4 && d->exponent < 16 ? put_plain(p, d) : put_scientific(p, d);
  *p = '\0';
  *len = (size_t)(p - text);
  dbf_json_value number = {text, p, DBF_JSON_NUMBER, false};
  double back = dbf_json_decode_number(&number);
  return memcmp(&back, &value, sizeof value) == 0;
}

/* Every decimal of up to 15 digits comes back from a normal double, so that shorter ones are found there with their
 * zeros; a subnormal one may have fewer digits. Above a power of two the gap is twice the one below, so the nearest
 * 16 digits may fail where the next ones do not. */
static size_t shortest(double value, char text[48]) {
  size_t len;
  decimal d;
  int exponent;
  bool power_of_two = fabs(frexp(value, &exponent)) == 0.5;
  for (int precision = fabs(value) < 2.2250738585072014e-308 ? 1 : 15; precision < 17; precision++) {
    decimal_of(&d, value, precision);
    if (format(&d, value, text, &len)) return len;
    if (power_of_two) {
      increment(&d, precision);
      if (format(&d, value, text, &len)) return len;
    }
  }
  decimal_of(&d, value, 17);
  format(&d, value, text, &len);
  return len;
}

bool dbf_json_write_number(dbf_bytes *out, double value) {
  char text[48];
  if (!isfinite(value)) return false;
  dbf_bytes_append(out, text, shortest(value, text));
  return true;
}
