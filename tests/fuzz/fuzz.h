/* fuzz.h: what every target includes. */
#ifndef FUZZ_H
#define FUZZ_H

#include "log/bytes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stays on in every build. */
#define CHECK(what)                                              \
  do {                                                           \
    if (!(what)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
      abort();                                                   \
    }                                                            \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The input with the terminator and padding that the scanner asks for, and no byte more. */
static inline char *padded(const uint8_t *data, size_t len) {
  char *text = calloc(1, len + DBF_PADDING);
  CHECK(text);
  if (len) memcpy(text, data, len);
  return text;
}

#endif
