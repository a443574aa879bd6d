/* The kernel for every machine, and the one the others are tested against. */
#include "json_scan_kernels.h"
#include "utf8.h"

static inline const char *find_special(const char *p) {
  while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\') p++;
  return p;
}

static bool utf8_valid(const char *p, size_t len) {
  return dbf_utf8_valid_scalar(p, len);
}

#include "json_scan_kernel.h"

const dbf_json_kernel dbf_json_kernel_scalar = {"scalar", scan_string, scan_value, utf8_valid};
