/* SSE2: every x86-64 has it. */
#if defined(__x86_64__)
#include "json_scan_kernels.h"
#include "utf8.h"

#include <emmintrin.h>

static inline const char *find_special(const char *p) {
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
  for (;; p += 16) {
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(c, quote), _mm_cmpeq_epi8(c, backslash));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(c, control), c));
    int mask = _mm_movemask_epi8(hit);
    if (mask) return p + __builtin_ctz((unsigned)mask);
  }
}

/* Sixteen bytes of ASCII at a time, anything else character by character. */
static bool utf8_valid(const char *p, size_t len) {
  const char *end = p + len;
  while (end - p >= 16) {
    if (_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)p)) == 0) {
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

#include "json_scan_kernel.h"

const dbf_json_kernel dbf_json_kernel_sse2 = {"sse2", scan_string, scan_value, utf8_valid};
#else
typedef int dbf_no_sse2; /* a file must not be empty */
#endif
