/* utf8.h: what is a character. One definition for scanning, decoding and writing. */
#ifndef DBF_UTF8_H
#define DBF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed UTF-8 sequence at p (RFC 3629: no overlong form, no surrogate, up to U+10FFFF), at most
 * `left` bytes looked at; 0 when it is not well-formed. */
static inline size_t dbf_utf8_length(const char *text, size_t left) {
  const unsigned char *p = (const unsigned char *)text;
  if (left == 0) return 0;
  if (p[0] < 0x80) return 1;
  if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
  if (left < 2 || (p[1] & 0xc0) != 0x80) return 0;
  if (p[0] < 0xe0) return 2;
  if (left < 3 || (p[2] & 0xc0) != 0x80) return 0;
  if (p[0] < 0xf0) {
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    return p[0] == 0xed && p[1] >= 0xa0 ? 0 : 3;
  }
  if (left < 4 || (p[3] & 0xc0) != 0x80) return 0;
  if (p[0] == 0xf0 && p[1] < 0x90) return 0;
  return p[0] == 0xf4 && p[1] >= 0x90 ? 0 : 4;
}

/* Are these bytes UTF-8, from a character's start on? */
static inline bool dbf_utf8_valid_scalar(const char *p, size_t len) {
  const char *end = p + len;
  while (p < end) {
    size_t n = dbf_utf8_length(p, (size_t)(end - p));
    if (n == 0) return false;
    p += n;
  }
  return true;
}

/* The same, sixteen bytes of ASCII at a time, which `is_ascii` knows in one look; anything else character by character. */
static inline bool dbf_utf8_valid_blocks(const char *p, size_t len, bool (*is_ascii)(const char *p)) {
  const char *end = p + len;
  while (end - p >= 16) {
    if (is_ascii(p)) {
      p += 16;
      continue;
    }
    for (const char *stop = p + 16; p < stop;) {
      size_t n = dbf_utf8_length(p, (size_t)(end - p));
      if (n == 0) return false;
      p += n;
    }
  }
  return dbf_utf8_valid_scalar(p, (size_t)(end - p));
}

/* Write a code point (up to U+10FFFF, no surrogate); returns its 1 to 4 bytes. */
static inline size_t dbf_utf8_encode(uint32_t c, char out[4]) {
  if (c < 0x80) return out[0] = (char)c, 1;
  if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
  if (c < 0x10000)
    return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
           out[2] = (char)(0x80 | (c & 63)), 3;
  out[0] = (char)(0xf0 | c >> 18);
  out[1] = (char)(0x80 | (c >> 12 & 63));
  out[2] = (char)(0x80 | (c >> 6 & 63));
  return out[3] = (char)(0x80 | (c & 63)), 4;
}

#endif
