/* The kernel for every machine, and the one the others are tested against. */
#include "json_kernels.h"
#include "utf8.h"

#include <endian.h>
#include <string.h>

#define STRIDE 8
#define BITS   8

#define EACH(byte) (0x0101010101010101u * (byte))

/* The high bit of each byte of x that is 0. No carry leaves a byte, so no neighbour is hit by mistake. */
static inline uint64_t zeros(uint64_t x) {
  return ~(((x & EACH(0x7f)) + EACH(0x7f)) | x | EACH(0x7f));
}

static inline uint64_t load(const char *p) {
  uint64_t c;
  memcpy(&c, p, sizeof c);
  return le64toh(c);
}

static inline uint64_t special_mask(const char *p) {
  uint64_t c = load(p);
  uint64_t control = ~(((c & EACH(0x7f)) + EACH(0x60)) | c) & EACH(0x80);
  return (zeros(c ^ EACH('"')) | zeros(c ^ EACH('\\')) | control) >> 7;
}

/* The high bits of eight bytes, one bit per byte: the multiplication brings them together at the top. */
static inline uint64_t gather(uint64_t high_bits) {
  return (high_bits >> 7) * 0x0102040810204080u >> 56;
}

static inline block look(const char *p) {
  block b = {0, 0, 0};
  for (int i = 0; i < 64; i += 8) {
    uint64_t c = load(p + i);
    b.quote |= gather(zeros(c ^ EACH('"'))) << i;
    b.backslash |= gather(zeros(c ^ EACH('\\'))) << i;
    b.control |= gather(~(((c & EACH(0x7f)) + EACH(0x60)) | c) & EACH(0x80)) << i;
  }
  return b;
}

static inline uint64_t follows_escape(const char *p) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; i++) mask |= (uint64_t)(p[i] && strchr("\"\\/bfnrtu", p[i]) != NULL) << i;
  return mask;
}

static inline bool starts(const char *p, const char *text, size_t len) {
  return memcmp(p, text, len) == 0;
}

static bool utf8_valid(const char *p, size_t len) {
  return dbf_utf8_valid_scalar(p, len);
}

#include "json_scan_loops.h"
#include "entry_scan.h"

const dbf_json_kernel dbf_json_kernel_scalar = {"scalar", scan_string, scan_value, scan_entry, utf8_valid};
