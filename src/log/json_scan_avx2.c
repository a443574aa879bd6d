/* AVX2: compiled with the flags of AVX2 in the Makefile and called only when the processor has all of them. UTF-8 is
 * checked by the three table look-ups of J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction Per
 * Byte" (2021). */
#if defined(__x86_64__)
#include "json_kernels.h"

#include <immintrin.h>
#include <string.h>

static inline __m256i load(const char *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

#define STRIDE 32
#define BITS   1

static inline uint64_t special_mask(const char *p) {
  __m256i c = load(p);
  __m256i hit = _mm256_or_si256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8('"')),
                                _mm256_cmpeq_epi8(c, _mm256_set1_epi8('\\')));
  hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(_mm256_min_epu8(c, _mm256_set1_epi8(0x1f)), c));
  return (unsigned)_mm256_movemask_epi8(hit);
}

static inline bool starts(const char *p, const char *text, size_t len) {
  unsigned differ = ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), load(text)));
  return (differ & (unsigned)(((uint64_t)1 << len) - 1)) == 0;
}

static inline uint64_t join(__m256i low, __m256i high) {
  return (unsigned)_mm256_movemask_epi8(low) | (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

static inline block look(const char *p) {
  __m256i a = load(p), b = load(p + 32);
  __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'), control = _mm256_set1_epi8(0x1f);
  return (block){join(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
                 join(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash)),
                 join(_mm256_cmpeq_epi8(_mm256_min_epu8(a, control), a),
                      _mm256_cmpeq_epi8(_mm256_min_epu8(b, control), b))};
}

/* What two neighbouring bytes may do wrong; a bit that survives all three look-ups is an error. */
enum {
  TOO_SHORT = 1,  /* lead, then no continuation */
  TOO_LONG = 2,   /* ASCII, then a continuation */
  OVERLONG_3 = 4, /* e0 80..9f */
  TOO_LARGE = 8,  /* f4 90.. and above */
  SURROGATE = 16, /* ed a0..bf */
  OVERLONG_2 = 32,
  OVERLONG_4 = 64, /* f0 80..8f; shared with f5.. 80..8f, which the lead's low nibble distinguishes */
  TWO_CONTS = 128, /* right only where a lead two or three bytes before asks for it */
  CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS
};

#define TABLE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                              \
  _mm256_setr_epi8((char)(a), (char)(b), (char)(c), (char)(d), (char)(e), (char)(f), (char)(g), (char)(h), \
                   (char)(i), (char)(j), (char)(k), (char)(l), (char)(m), (char)(n), (char)(o), (char)(p), \
                   (char)(a), (char)(b), (char)(c), (char)(d), (char)(e), (char)(f), (char)(g), (char)(h), \
                   (char)(i), (char)(j), (char)(k), (char)(l), (char)(m), (char)(n), (char)(o), (char)(p))

static inline __m256i high_nibble(__m256i v) {
  return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0f));
}

/* Bytes among " \ / b f n r t u: a bit for each high nibble they have (2 5 6 7), looked up by both nibbles. */
static inline __m256i not_escape(__m256i c) {
  const __m256i low = TABLE(0, 0, 1 | 4 | 8, 0, 8, 8, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1);
  const __m256i high = TABLE(0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
  __m256i hit = _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(c, _mm256_set1_epi8(0x0f))),
                                 _mm256_shuffle_epi8(high, high_nibble(c)));
  return _mm256_cmpeq_epi8(hit, _mm256_setzero_si256());
}

static inline uint64_t follows_escape(const char *p) {
  return ~join(not_escape(load(p)), not_escape(load(p + 32)));
}

/* A byte is punctuation when, in upper case or lower, it is what stands in the table for its low nibble. */
static inline __m256i is_punctuation(__m256i c) {
  const __m256i table = TABLE(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0);
  return _mm256_cmpeq_epi8(_mm256_or_si256(c, _mm256_set1_epi8(0x20)), _mm256_shuffle_epi8(table, c));
}

static inline uint64_t punctuation(const char *p) {
  return join(is_punctuation(load(p)), is_punctuation(load(p + 32)));
}

static inline uint64_t code_units(const char *p) {
  __m256i u = _mm256_set1_epi8('u');
  return join(_mm256_cmpeq_epi8(load(p), u), _mm256_cmpeq_epi8(load(p + 32), u));
}

static inline uint64_t digits(const char *p) {
  __m256i c = _mm256_sub_epi8(load(p), _mm256_set1_epi8('0'));
  return (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(c, _mm256_set1_epi8(9)), c));
}

/* Eight at a time, so that their number costs few branches. */
static inline uint16_t *write_marks(uint16_t *to, uint64_t bits, size_t base) {
  uint16_t *end = to + _mm_popcnt_u64(bits);
  for (; to < end; to += 8)
    for (int i = 0; i < 8; i++) {
      to[i] = (uint16_t)(base + _tzcnt_u64(bits));
      bits = _blsr_u64(bits);
    }
  return end;
}

/* A multiplication without carries by all ones. */
static inline uint64_t fill_below(uint64_t bits) {
  __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

/* The errors of 32 bytes at p; the three bytes before p are read too. */
static inline __m256i check_block(const char *p) {
  const __m256i lead_high =
      TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTS,
            TWO_CONTS, TWO_CONTS, TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
            TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
  const int above = CARRY | TOO_LARGE | OVERLONG_4;
  const __m256i lead_low =
      TABLE(CARRY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY, CARRY | TOO_LARGE,
            above, above, above, above, above, above, above, above, above | SURROGATE, above, above);
  const int cont = TOO_LONG | TWO_CONTS | OVERLONG_2;
  const __m256i next_high =
      TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
            cont | OVERLONG_3 | OVERLONG_4, cont | OVERLONG_3 | TOO_LARGE, cont | SURROGATE | TOO_LARGE,
            cont | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
  __m256i now = load(p), before = load(p - 1);
  __m256i wrong = _mm256_and_si256(
      _mm256_and_si256(_mm256_shuffle_epi8(lead_high, high_nibble(before)),
                       _mm256_shuffle_epi8(lead_low, _mm256_and_si256(before, _mm256_set1_epi8(0x0f)))),
      _mm256_shuffle_epi8(next_high, high_nibble(now)));
  __m256i third = _mm256_subs_epu8(load(p - 2), _mm256_set1_epi8((char)(0xe0 - 0x80)));
  __m256i fourth = _mm256_subs_epu8(load(p - 3), _mm256_set1_epi8((char)(0xf0 - 0x80)));
  __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
  return _mm256_xor_si256(wrong, must);
}

static inline bool block_valid(const char *p) {
  __m256i wrong = check_block(p);
  return _mm256_testz_si256(wrong, wrong);
}

/* Check `left` < 32 bytes at p as a separate block, with `before` (0 to 3) known bytes in front of them. The zeros
 * after them make a sequence that is cut short at the end an error. */
static bool edge_valid(const char *p, size_t before, size_t left) {
  char edge[3 + 32] = {0};
  memcpy(edge + 3 - before, p - before, before + left);
  return block_valid(edge + 3);
}

static bool utf8_valid(const char *p, size_t len) {
  size_t i = 0;
  while (i + 32 <= len && _mm256_movemask_epi8(load(p + i)) == 0) i += 32;
  if (i + 32 <= len && i < 3) { /* no three bytes in front yet */
    char edge[3 + 32] = {0};
    memcpy(edge + 3, p, 32);
    if (!block_valid(edge + 3)) return false;
    i = 32;
  }
  for (; i + 32 <= len; i += 32)
    if (!block_valid(p + i)) return false;
  return edge_valid(p + i, i < 3 ? i : 3, len - i);
}

#define HAS_MARKS

#include "json_scan_loops.h"
#include "json_marks.h"
#include "entry_scan.h"

const dbf_json_kernel dbf_json_kernel_avx2 = {"avx2", scan_string, scan_value, scan_entry, utf8_valid};
#else
typedef int dbf_no_avx2; /* a file must not be empty */
#endif
