/* Choosing a kernel, and whole texts. */
#include "json_scan.h"
#include "json_kernels.h"

#include <assert.h>

#if defined(__x86_64__)
/* Every processor with AVX2 has the others, too; a virtual one may hide some. */
static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt");
}

static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

const dbf_json_kernel *dbf_json_kernel_at(size_t index) {
  const dbf_json_kernel *all[4] = {NULL};
  size_t n = 0;
#if defined(__x86_64__)
  if (has_avx512()) all[n++] = &dbf_json_kernel_avx512;
  if (has_avx2()) all[n++] = &dbf_json_kernel_avx2;
  all[n++] = &dbf_json_kernel_sse2;
#elif defined(__aarch64__)
  all[n++] = &dbf_json_kernel_neon;
#endif
  all[n++] = &dbf_json_kernel_scalar;
  return index < n ? all[index] : NULL;
}

const dbf_json_kernel *dbf_json_kernel_best(void) {
  return dbf_json_kernel_at(0);
}

bool dbf_json_valid(const dbf_json_kernel *kernel, const char *text, size_t len, dbf_json_fault *fault) {
  const char *end = text + len;
  assert((unsigned char)*end < 0x20); /* what ends every loop of the kernels */
  dbf_json_value value;
  *fault = (dbf_json_fault){0};
  const char *p = kernel->scan_value(dbf_json_skip_space(text, end), end, 0, &value, fault);
  if (!p) return false;
  if ((p = dbf_json_skip_space(p, end)) != end) {
    *fault = (dbf_json_fault){"expected the end of the text", p, false};
    return false;
  }
  if (!kernel->utf8_valid(text, len)) {
    *fault = (dbf_json_fault){"bytes that are not UTF-8", text, false};
    return false;
  }
  return true;
}
