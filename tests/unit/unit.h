/* unit.h: what every cmocka program here includes first. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log/bytes.h"

/* By how much to divide the number of variants and the sizes of a test that would take too long: LESS of the environment, as
 * `make check-ports` sets it for emulators. 1 without. */
static inline size_t less(void) {
  const char *given = getenv("LESS");
  long factor = given ? strtol(given, NULL, 10) : 1;
  return factor > 1 ? (size_t)factor : 1;
}

/* Is the text exactly this? */
static inline void assert_bytes(const dbf_bytes *bytes, const char *expected) {
  size_t len = strlen(expected);
  if (bytes->len == len && (len == 0 || memcmp(bytes->data, expected, len) == 0)) return;
  print_error("expected: %s\n     got: %.*s\n", expected, (int)bytes->len, bytes->data);
  fail();
}

/* Append the whole file `folder`/`name` to `out`; false if it cannot be opened. */
static inline bool read_file(dbf_bytes *out, const char *folder, const char *name) {
  char path[4096], part[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;) dbf_bytes_append(out, part, n);
  fclose(file);
  return true;
}

#endif
