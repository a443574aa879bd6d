/* AVX-512 with VBMI2: the processors that have it do not slow down for it. Compiled with the flags of AVX512 in the
 * Makefile and called only when the processor has all of them. The rules are those of json_scan_avx2.c. */
#if defined(__x86_64__)
#include "json_kernels.h"

#include <immintrin.h>
#include <string.h>

static inline __m512i load(const char *p) {
  return _mm512_loadu_si512((const void *)p);
}

static inline __m512i all(int c) {
  return _mm512_set1_epi8((char)c);
}

#define STRIDE 64
#define BITS   1

static inline block look(const char *p) {
  __m512i c = load(p);
  return (block){_mm512_cmpeq_epi8_mask(c, all('"')), _mm512_cmpeq_epi8_mask(c, all('\\')),
                 _mm512_cmplt_epu8_mask(c, all(0x20))};
}

static inline uint64_t special_mask(const char *p) {
  block b = look(p);
  return b.quote | b.backslash | b.control;
}

static inline bool starts(const char *p, const char *text, size_t len) {
  __m256i ours = _mm256_loadu_si256((const __m256i *)(const void *)text);
  __mmask32 differ = _mm256_cmpneq_epi8_mask(_mm256_loadu_si256((const __m256i *)(const void *)p), ours);
  return (differ & (((uint64_t)1 << len) - 1)) == 0;
}

/* What can be wrong with two adjacent bytes: see json_scan_avx2.c. */
enum {
  TOO_SHORT = 1,
  TOO_LONG = 2,
  OVERLONG_3 = 4,
  TOO_LARGE = 8,
  SURROGATE = 16,
  OVERLONG_2 = 32,
  OVERLONG_4 = 64,
  TWO_CONTS = 128,
  CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS
};

#define TABLE(...) _mm512_broadcast_i32x4(_mm_setr_epi8(__VA_ARGS__))

static inline __m512i high_nibble(__m512i v) {
  return _mm512_and_si512(_mm512_srli_epi16(v, 4), all(0x0f));
}

/* Bytes among " \\ / b f n r t u: a bit for each high nibble they have (2 5 6 7), looked up by both nibbles. */
static inline uint64_t follows_escape(const char *p) {
  const __m512i low = TABLE(0, 0, 1 | 4 | 8, 0, 8, 8, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1);
  const __m512i high = TABLE(0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
  __m512i c = load(p);
  return _mm512_test_epi8_mask(_mm512_shuffle_epi8(low, _mm512_and_si512(c, all(0x0f))),
                               _mm512_shuffle_epi8(high, high_nibble(c)));
}

static inline uint64_t code_units(const char *p) {
  return _mm512_cmpeq_epi8_mask(load(p), all('u'));
}

/* A byte is punctuation when, in upper case or lower, it is what stands in the table for its low nibble. */
static inline uint64_t punctuation(const char *p) {
  const __m512i table = TABLE(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0);
  __m512i c = load(p);
  return _mm512_cmpeq_epi8_mask(_mm512_or_si512(c, all(0x20)), _mm512_shuffle_epi8(table, c));
}

static inline uint64_t digits(const char *p) {
  __m256i c = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)p), _mm256_set1_epi8('0'));
  return _mm256_cmple_epu8_mask(c, _mm256_set1_epi8(9));
}

/* The numbers of the bits, moved together, then widened. */
static inline uint16_t *write_marks(uint16_t *to, uint64_t bits, size_t base) {
  static const uint8_t numbers[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                      32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                      48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  size_t count = (size_t)_mm_popcnt_u64(bits);
  __m512i places = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(numbers));
  __m512i from = _mm512_set1_epi16((short)base);
  _mm512_storeu_si512(to, _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(places)), from));
  if (count > 32)
    _mm512_storeu_si512(to + 32,
                        _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(places, 1)), from));
  return to + count;
}

/* A multiplication without carries by all ones. */
static inline uint64_t fill_below(uint64_t bits) {
  __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

/* What is wrong with 64 bytes after 64 others; zeros stand for those before the text and after it, and so make a
 * sequence that the end cuts short an error. */
static inline __m512i check_block(__m512i now, __m512i before) {
  const __m512i lead_high =
      TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, (char)TWO_CONTS,
            (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
            TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
  const char carry = (char)CARRY, above = (char)(CARRY | TOO_LARGE | OVERLONG_4);
  const __m512i lead_low =
      TABLE((char)(CARRY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), (char)(CARRY | OVERLONG_2), carry, carry,
            (char)(CARRY | TOO_LARGE), above, above, above, above, above, above, above, above,
            (char)(CARRY | TOO_LARGE | OVERLONG_4 | SURROGATE), above, above);
  const int cont = TOO_LONG | TWO_CONTS | OVERLONG_2;
  const __m512i next_high =
      TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
            (char)(cont | OVERLONG_3 | OVERLONG_4), (char)(cont | OVERLONG_3 | TOO_LARGE),
            (char)(cont | SURROGATE | TOO_LARGE), (char)(cont | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
            TOO_SHORT, TOO_SHORT);
  __m512i lanes =
      _mm512_alignr_epi32(now, before, 12); /* those 16 bytes further on, for shifts that stay in a lane */
  __m512i lead = _mm512_alignr_epi8(now, lanes, 15);
  __m512i wrong =
      _mm512_and_si512(_mm512_and_si512(_mm512_shuffle_epi8(lead_high, high_nibble(lead)),
                                        _mm512_shuffle_epi8(lead_low, _mm512_and_si512(lead, all(0x0f)))),
                       _mm512_shuffle_epi8(next_high, high_nibble(now)));
  __m512i third = _mm512_subs_epu8(_mm512_alignr_epi8(now, lanes, 14), all(0xe0 - 0x80));
  __m512i fourth = _mm512_subs_epu8(_mm512_alignr_epi8(now, lanes, 13), all(0xf0 - 0x80));
  return _mm512_xor_si512(wrong, _mm512_and_si512(_mm512_or_si512(third, fourth), all(0x80)));
}

static bool utf8_valid(const char *p, size_t len) {
  __m512i before = _mm512_setzero_si512(), wrong = before;
  size_t i = 0;
  while (i + 64 <= len && _mm512_movepi8_mask(load(p + i)) == 0) i += 64;
  for (; i + 64 <= len; i += 64) {
    __m512i now = load(p + i);
    wrong = _mm512_or_si512(wrong, check_block(now, before));
    before = now;
  }
  __m512i rest = _mm512_maskz_loadu_epi8(((uint64_t)1 << (len - i)) - 1, (const void *)(p + i));
  wrong = _mm512_or_si512(wrong, check_block(rest, before));
  return _mm512_test_epi8_mask(wrong, wrong) == 0;
}

#define HAS_MARKS

#include "json_scan_loops.h"
#include "json_marks.h"
#include "entry_scan.h"

const dbf_json_kernel dbf_json_kernel_avx512 = {"avx512", scan_string, scan_value, scan_entry, utf8_valid};
#else
typedef int dbf_no_avx512; /* a file must not be empty */
#endif
