#include "json_write.h"

#include "json_block.h"
#include "utf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline bool is_html(char c) {
  return c == '<' || c == '>' || c == '&';
}

/* ---- Strings --------------------------------------------------------------------------------------------- */

/* What an ASCII byte becomes. Copied as a whole and counted by `len`: no branch depends on which byte it is. */
typedef struct piece {
  char text[7];
  uint8_t len;
} piece;

#define SELF(c) \
  { {c}, 1 }
#define SELF8(c) \
  SELF(c), SELF(c + 1), SELF(c + 2), SELF(c + 3), SELF(c + 4), SELF(c + 5), SELF(c + 6), SELF(c + 7)
#define SHORT(c) \
  { {'\\', c}, 2 }
#define UNICODE(xx) \
  { "\\u00" xx, 6 }

/* clang-format off */
static const piece pieces[0x80] = {
  UNICODE("00"), UNICODE("01"), UNICODE("02"), UNICODE("03"), UNICODE("04"), UNICODE("05"), UNICODE("06"), UNICODE("07"),
  UNICODE("08"), SHORT('t'),    SHORT('n'),    UNICODE("0b"), UNICODE("0c"), SHORT('r'),    UNICODE("0e"), UNICODE("0f"),
  UNICODE("10"), UNICODE("11"), UNICODE("12"), UNICODE("13"), UNICODE("14"), UNICODE("15"), UNICODE("16"), UNICODE("17"),
  UNICODE("18"), UNICODE("19"), UNICODE("1a"), UNICODE("1b"), UNICODE("1c"), UNICODE("1d"), UNICODE("1e"), UNICODE("1f"),
  SELF(' '), SELF('!'), SHORT('"'), SELF('#'), SELF('$'), SELF('%'), UNICODE("26"), SELF('\''),
  SELF8('('), SELF8('0'),
  SELF('8'), SELF('9'), SELF(':'), SELF(';'), UNICODE("3c"), SELF('='), UNICODE("3e"), SELF('?'),
  SELF8('@'), SELF8('H'), SELF8('P'),
  SELF('X'), SELF('Y'), SELF('Z'), SELF('['), SHORT('\\'), SELF(']'), SELF('^'), SELF('_'),
  SELF8('`'), SELF8('h'), SELF8('p'), SELF8('x'),
};
/* clang-format on */

#define REPLACED 6 /* bytes of "\ufffd" */

/* U+2028 and U+2029 end a line in JavaScript. */
static bool is_separator(const char *p, size_t len) {
  return len == 3 && p[0] == '\xe2' && p[1] == '\x80' && (p[2] == '\xa8' || p[2] == '\xa9');
}

/* What the character at p, a byte >= 0x80, becomes: REPLACED bytes, or NULL when it stays. *len: its own bytes. */
static const char *replacement(const char *p, const char *end, bool separators, size_t *len) {
  *len = dbf_utf8_length(p, (size_t)(end - p));
  if (*len == 0) return *len = 1, "\\ufffd";
  if (!separators || !is_separator(p, *len)) return NULL;
  return p[2] & 1 ? "\\u2029" : "\\u2028";
}

static char *put_high(char *to, const char **p, const char *end) {
  size_t len;
  const char *other = replacement(*p, end, true, &len);
  memcpy(to, other ? other : *p, other ? REPLACED : len);
  *p += len;
  return to + (other ? REPLACED : len);
}

static char *put_piece(char *to, char c) {
  memcpy(to, &pieces[(unsigned char)c], sizeof(piece));
  return to + pieces[(unsigned char)c].len;
}

static char *put_character(char *to, const char **p, const char *end) {
  return (unsigned char)**p < 0x80 ? put_piece(to, *(*p)++) : put_high(to, p, end);
}

/* One block and what is left of a character that begins in it. Whatever lies between two hits is copied as a whole block
 * and counted as what it is, so that as many bytes after the block must be there, too. */
static char *put_block(char *to, const char **p, const char *end) {
  const char *block = *p;
  unsigned done = 0;
  for (uint64_t hits = dbf_block_hits(block, true); hits; hits &= hits - 1) {
    unsigned hit = dbf_block_first(hits);
    memcpy(to, block + done, DBF_BLOCK);
    to += hit - done;
    if ((unsigned char)block[hit] >= 0x80) {
      *p = block + hit;
      return put_high(to, p, end);
    }
    to = put_piece(to, block[hit]);
    done = hit + 1;
  }
  memcpy(to, block + done, DBF_BLOCK);
  *p = block + DBF_BLOCK;
  return to + DBF_BLOCK - done;
}

/* The characters that begin before `stop`; *p moves after them. */
static char *put_characters(char *to, const char **p, const char *stop, const char *end) {
  while (*p < stop && end - *p >= 2 * DBF_BLOCK) to = put_block(to, p, end);
  while (*p < stop) to = put_character(to, p, end);
  return to;
}

#define STEP  ((size_t)4096)          /* bytes of text for which there is room even if each becomes WORST */
#define WORST 6                       /* "\u0000" */
#define SLACK ((size_t)8 * DBF_BLOCK) /* after them: the last block may go on, and is copied as a whole */

void dbf_json_write_string(dbf_bytes *out, const char *data, size_t len) {
  const char *p = len ? data : "", *end = p + len; /* no text may be NULL */
  dbf_bytes_append_char(out, '"');
  while (p < end) {
    size_t step = (size_t)(end - p) < STEP ? (size_t)(end - p) : STEP;
    if (!dbf_bytes_reserve(out, step * WORST + SLACK)) return;
    char *to = put_characters(out->data + out->len, &p, p + step, end);
    assert(to >= out->data + out->len && to <= out->data + out->cap);
    out->len = (size_t)(to - out->data);
  }
  dbf_bytes_append_char(out, '"');
}

/* ---- Compacting ------------------------------------------------------------------------------------------ */

static bool is_plain(char c, bool html) {
  return (unsigned char)c < 0x80 && c != '"' && c != '\\' && !(html && is_html(c));
}

/* The first byte from p on that is neither plain nor part of an escape. That an escape may go on after its block is a
 * branch, not arithmetic: so the next block is looked at before this one is done. */
static const char *skip_inside(const char *p, const char *end, bool html) {
  for (; end - p > DBF_BLOCK; p += DBF_BLOCK) {
    for (uint64_t hits = dbf_block_hits(p, html); hits; hits = dbf_block_after_pair(hits)) {
      unsigned hit = dbf_block_first(hits);
      if (p[hit] != '\\') return p + hit;
      if (hit + 1 == DBF_BLOCK) {
        p++;
        break;
      }
    }
  }
  while (p < end && is_plain(*p, html)) p++;
  return p;
}

/* p at what may have to be written in another way: the byte after it. *run: the first byte not yet written. */
static const char *compact_special(dbf_bytes *out, const char **run, const char *p, const char *end,
                                   bool html) {
  size_t len = 1;
  const char *other = NULL;
  if ((unsigned char)*p >= 0x80) other = replacement(p, end, html, &len);
  else if (html && is_html(*p)) other = pieces[(unsigned char)*p].text;
  if (!other) return p + len;
  dbf_bytes_append(out, *run, (size_t)(p - *run));
  dbf_bytes_append(out, other, REPLACED);
  return *run = p + len;
}

/* p after the opening quote; returns the byte after the closing one. */
static const char *compact_string(dbf_bytes *out, const char **run, const char *p, const char *end,
                                  bool html) {
  while ((p = skip_inside(p, end, html)) < end) {
    if (*p == '"') return p + 1;
    if (*p == '\\') p += end - p > 1 ? 2 : 1;
    else p = compact_special(out, run, p, end, html);
  }
  return end;
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
  assert(d->count > 0 && d->count <= precision && precision < (int)sizeof d->digits);
  d->exponent = atoi(p + 1);
  while (d->count > 1 && d->digits[d->count - 1] == '0') d->count--;
}

/* The next larger decimal of `precision` digits. */
static void increment(decimal *d, int precision) {
  while (d->count < precision) d->digits[d->count++] = '0';
  int i = d->count - 1;
  while (i > 0 && d->digits[i] == '9') d->digits[i--] = '0';
  assert(d->digits[i] < '9');
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
  assert(*len < 48);
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
