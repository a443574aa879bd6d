/* NEON: every arm64 has it. */
#if defined(__aarch64__)
#include "json_scan_kernels.h"
#include "utf8.h"

#include <arm_neon.h>

/* Four bits a byte: what movemask is elsewhere. */
static inline uint64_t nibbles(uint8x16_t hit) {
  return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hit), 4)), 0);
}

static inline const char *find_special(const char *p) {
  for (;; p += 16) {
    uint8x16_t c = vld1q_u8((const uint8_t *)p);
    uint8x16_t hit = vorrq_u8(vceqq_u8(c, vdupq_n_u8('"')), vceqq_u8(c, vdupq_n_u8('\\')));
    uint64_t mask = nibbles(vorrq_u8(hit, vcltq_u8(c, vdupq_n_u8(0x20))));
    if (mask) return p + (__builtin_ctzll(mask) >> 2);
  }
}

static bool utf8_valid(const char *p, size_t len) {
  const char *end = p + len;
  while (end - p >= 16) {
    if (vmaxvq_u8(vld1q_u8((const uint8_t *)p)) < 0x80) {
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

const dbf_json_kernel dbf_json_kernel_neon = {"neon", scan_string, scan_value, utf8_valid};
#else
typedef int dbf_no_neon; /* a file must not be empty */
#endif
