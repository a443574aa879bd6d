/* wrapped.h: calls of the log that a test replaces (ld --wrap, the names are in the Makefile). Where files may be larger than
 * 2 GiB, glibc gives calls that know sizes and offsets another name than the one in the source. */
#ifndef WRAPPED_H
#define WRAPPED_H

#ifdef __GLIBC__
#define WIDE(name) name "64"
#else
#define WIDE(name) name
#endif

/* Declare the call `name`, and what replaces it. */
#define WRAPPED(type, name, params)                         \
  type __real_##name params __asm__(WIDE("__real_" #name)); \
  type __wrap_##name params __asm__(WIDE("__wrap_" #name))

#endif
