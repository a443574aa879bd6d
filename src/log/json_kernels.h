/* json_kernels.h: the kernels there are. Only json_scan.c chooses among them. */
#ifndef DBF_JSON_KERNELS_H
#define DBF_JSON_KERNELS_H

#include "json_scan.h"

/* The contents of 64 bytes: bit i stands for byte i. */
typedef struct block {
  uint64_t quote, backslash, control;
} block;

extern const dbf_json_kernel dbf_json_kernel_scalar;
#if defined(__x86_64__)
extern const dbf_json_kernel dbf_json_kernel_sse2;
extern const dbf_json_kernel dbf_json_kernel_avx2;
extern const dbf_json_kernel dbf_json_kernel_avx512;
#elif defined(__aarch64__)
extern const dbf_json_kernel dbf_json_kernel_neon;
#endif

#endif
