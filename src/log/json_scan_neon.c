/* NEON: every arm64 has it. */
#if defined(__aarch64__)
#include "json_kernels.h"
#include "utf8.h"

#include <string.h>

#include <arm_neon.h>

/* Four bits a byte: what movemask is elsewhere. */
static inline uint64_t nibbles(uint8x16_t hit) {
  return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hit), 4)), 0);
}

#define STRIDE 16
#define BITS   4

static inline uint64_t special_mask(const char *p) {
  uint8x16_t c = vld1q_u8((const uint8_t *)p);
  uint8x16_t hit = vorrq_u8(vceqq_u8(c, vdupq_n_u8('"')), vceqq_u8(c, vdupq_n_u8('\\')));
  return nibbles(vorrq_u8(hit, vcltq_u8(c, vdupq_n_u8(0x20))));
}

/* A bit a byte of 64: each byte keeps the bit of its place among eight, neighbours are added three times. */
static inline uint64_t mask_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
  const uint8x16_t place = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t low = vpaddq_u8(vandq_u8(a, place), vandq_u8(b, place));
  uint8x16_t high = vpaddq_u8(vandq_u8(c, place), vandq_u8(d, place));
  low = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(low, low)), 0);
}

typedef uint8x16_t (*test)(uint8x16_t c);

static inline uint64_t each(const char *p, test hit) {
  const uint8_t *u = (const uint8_t *)p;
  return mask_of(hit(vld1q_u8(u)), hit(vld1q_u8(u + 16)), hit(vld1q_u8(u + 32)), hit(vld1q_u8(u + 48)));
}

static inline uint8x16_t is_quote(uint8x16_t c) {
  return vceqq_u8(c, vdupq_n_u8('"'));
}
static inline uint8x16_t is_backslash(uint8x16_t c) {
  return vceqq_u8(c, vdupq_n_u8('\\'));
}
static inline uint8x16_t is_control(uint8x16_t c) {
  return vcltq_u8(c, vdupq_n_u8(0x20));
}

static inline uint8x16_t is_escape(uint8x16_t c) {
  static const char set[] = "/bfnrtu";
  uint8x16_t hit = vorrq_u8(is_quote(c), is_backslash(c));
  for (const char *one = set; *one; one++) hit = vorrq_u8(hit, vceqq_u8(c, vdupq_n_u8((uint8_t)*one)));
  return hit;
}

static inline block look(const char *p) {
  return (block){each(p, is_quote), each(p, is_backslash), each(p, is_control)};
}

static inline uint64_t follows_escape(const char *p) {
  return each(p, is_escape);
}

static inline bool starts(const char *p, const char *text, size_t len) {
  return memcmp(p, text, len) == 0;
}

static bool is_ascii(const char *p) {
  return vmaxvq_u8(vld1q_u8((const uint8_t *)p)) < 0x80;
}

static bool utf8_valid(const char *p, size_t len) {
  return dbf_utf8_valid_blocks(p, len, is_ascii);
}

#include "json_scan_loops.h"
#include "entry_scan.h"

const dbf_json_kernel dbf_json_kernel_neon = {"neon", scan_string, scan_value, scan_entry, utf8_valid};
#else
typedef int dbf_no_neon; /* a file must not be empty */
#endif
