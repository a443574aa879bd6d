/* SSE2: every x86-64 has it. */
#if defined(__x86_64__)
#include "json_kernels.h"
#include "utf8.h"

#include <string.h>

#include <emmintrin.h>

#define STRIDE 16
#define BITS   1

static inline uint64_t special_mask(const char *p) {
  __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('"')), _mm_cmpeq_epi8(c, _mm_set1_epi8('\\')));
  hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(c, _mm_set1_epi8(0x1f)), c));
  return (unsigned)_mm_movemask_epi8(hit);
}

static inline __m128i load(const char *p) {
  return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint64_t mask_of(__m128i hit) {
  return (unsigned)_mm_movemask_epi8(hit);
}

static inline block look(const char *p) {
  block b = {0, 0, 0};
  for (int i = 0; i < 64; i += 16) {
    __m128i c = load(p + i);
    b.quote |= mask_of(_mm_cmpeq_epi8(c, _mm_set1_epi8('"'))) << i;
    b.backslash |= mask_of(_mm_cmpeq_epi8(c, _mm_set1_epi8('\\'))) << i;
    b.control |= mask_of(_mm_cmpeq_epi8(_mm_min_epu8(c, _mm_set1_epi8(0x1f)), c)) << i;
  }
  return b;
}

static inline uint64_t follows_escape(const char *p) {
  static const char set[] = "\"\\/bfnrtu";
  uint64_t mask = 0;
  for (int i = 0; i < 64; i += 16)
    for (const char *c = set; *c; c++) mask |= mask_of(_mm_cmpeq_epi8(load(p + i), _mm_set1_epi8(*c))) << i;
  return mask;
}

static inline bool starts(const char *p, const char *text, size_t len) {
  return memcmp(p, text, len) == 0;
}

static bool is_ascii(const char *p) {
  return _mm_movemask_epi8(load(p)) == 0;
}

static bool utf8_valid(const char *p, size_t len) {
  return dbf_utf8_valid_blocks(p, len, is_ascii);
}

#include "json_scan_loops.h"
#include "entry_scan.h"

const dbf_json_kernel dbf_json_kernel_sse2 = {"sse2", scan_string, scan_value, scan_entry, utf8_valid};
#else
typedef int dbf_no_sse2; /* a file must not be empty */
#endif
