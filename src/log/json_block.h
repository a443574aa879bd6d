/* json_block.h: which bytes of a block of JSON text or of text for JSON need work. SSE2, NEON, or a plain word.
 *
 *     p     s a y   " h i " \n ...
 *     hits  . . . . x . . x x ...      DBF_BLOCK_LANE bits a byte, at most one of them set
 *
 * Only the first hit is sure: with plain words, bytes after it may be marked that need none. */
#ifndef DBF_JSON_BLOCK_H
#define DBF_JSON_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(DBF_BLOCK_PLAIN)
#include <emmintrin.h>

#define DBF_BLOCK      16
#define DBF_BLOCK_LANE 1

/* The '"', '\\', control characters and bytes above ASCII, with `html` also '<', '>' and '&', of DBF_BLOCK bytes at
 * p. */
static inline uint64_t dbf_block_hits(const char *p, bool html) {
  __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('"')), _mm_cmpeq_epi8(c, _mm_set1_epi8('\\')));
  hit =
      _mm_or_si128(hit, _mm_cmplt_epi8(c, _mm_set1_epi8(0x20))); /* signed: those above ASCII are negative */
  if (html) {                                                    /* < and > differ in one bit */
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(c, _mm_set1_epi8('&')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_or_si128(c, _mm_set1_epi8(2)), _mm_set1_epi8('>')));
  }
  return (uint64_t)_mm_movemask_epi8(hit);
}

#elif defined(__aarch64__) && !defined(DBF_BLOCK_PLAIN)
#include <arm_neon.h>

#define DBF_BLOCK      16
#define DBF_BLOCK_LANE 4

static inline uint64_t dbf_block_hits(const char *p, bool html) {
  uint8x16_t c = vld1q_u8((const uint8_t *)p);
  uint8x16_t hit = vorrq_u8(vceqq_u8(c, vdupq_n_u8('"')), vceqq_u8(c, vdupq_n_u8('\\')));
  hit = vorrq_u8(hit, vcltq_s8(vreinterpretq_s8_u8(c), vdupq_n_s8(0x20)));
  if (html) {
    hit = vorrq_u8(hit, vceqq_u8(c, vdupq_n_u8('&')));
    hit = vorrq_u8(hit, vceqq_u8(vorrq_u8(c, vdupq_n_u8(2)), vdupq_n_u8('>')));
  }
  uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(hit), 4);
  return vget_lane_u64(vreinterpret_u64_u8(nibbles), 0) & UINT64_C(0x1111111111111111);
}

#else

#define DBF_BLOCK      8
#define DBF_BLOCK_LANE 8

#define DBF_EACH(byte)  (UINT64_C(0x0101010101010101) * (byte))
/* The high bit of the first byte that is 0 is set; above it, 1 counts as 0 where a 0 precedes. */
#define DBF_ZEROS(word) (((word)-DBF_EACH(1)) & ~(word))

static inline uint64_t dbf_block_hits(const char *p, bool html) {
  uint64_t c;
  memcpy(&c, p, sizeof c);
  if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) c = __builtin_bswap64(c);
  uint64_t hit = DBF_ZEROS(c ^ DBF_EACH('"')) | DBF_ZEROS(c ^ DBF_EACH('\\'));
  hit |= ((c - DBF_EACH(0x20)) & ~c) | c;
  if (html) hit |= DBF_ZEROS(c ^ DBF_EACH('&')) | DBF_ZEROS((c | DBF_EACH(2)) ^ DBF_EACH('>'));
  return hit & DBF_EACH(0x80);
}

#endif

/* Which byte is the first hit? `hits` is not 0. */
static inline unsigned dbf_block_first(uint64_t hits) {
  return (unsigned)__builtin_ctzll(hits) / DBF_BLOCK_LANE;
}

/* The hits without the first and the byte after it. */
static inline uint64_t dbf_block_after_pair(uint64_t hits) {
  uint64_t first = hits & (0 - hits);
  return hits & ~(first | first << DBF_BLOCK_LANE);
}

#endif
