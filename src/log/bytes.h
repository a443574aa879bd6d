/* bytes.h: a growable run of bytes.
 *
 *     |data ........ len|  slack, at least DBF_PADDING readable bytes  | cap
 *
 * It remembers its first failure: after one, appends do nothing, and one look at `failed` at the end is enough. */
#ifndef DBF_BYTES_H
#define DBF_BYTES_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that may be read (not used) past the end of any text the scanner gets: two AVX2 registers. */
#define DBF_PADDING 64

typedef struct dbf_bytes {
  char *data; /* NULL until something was reserved */
  size_t len;
  size_t cap; /* bytes that may be used; DBF_PADDING more are allocated, and zero when they were never used */
  bool failed; /* an allocation failed or a length overflowed; the bytes up to len are still good */
} dbf_bytes;

void dbf_bytes_init(dbf_bytes *bytes);
void dbf_bytes_release(dbf_bytes *bytes);

/* Forget the content and a failure, keep the memory. */
void dbf_bytes_clear(dbf_bytes *bytes);

/* Room for `more` bytes behind len; false (and failed) when there is none. Grows by doubling. */
bool dbf_bytes_reserve(dbf_bytes *bytes, size_t more);

void dbf_bytes_append(dbf_bytes *bytes, const void *data, size_t len);
void dbf_bytes_append_char(dbf_bytes *bytes, char c);

/* Put the terminator the scanner asks for behind len (a 0 byte that does not count); false when failed. */
bool dbf_bytes_terminate(dbf_bytes *bytes);

#endif
