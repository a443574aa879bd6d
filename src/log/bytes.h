/* bytes.h: a growable run of bytes.
 *
 *     |data ........ len|  slack, at least DBF_PADDING readable bytes  | cap
 *
 * It remembers its first failure: after one, appends do nothing, and one look at `failed` at the end is enough. */
#ifndef DBF_BYTES_H
#define DBF_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Bytes that may be read (not used) past the end of any text the scanner gets: a block of 64 that starts up to 64
 * after. */
#define DBF_PADDING 128

/* How much may still be taken, by all that share it. */
typedef struct dbf_quota {
  size_t left;
  bool refused; /* the last request that failed did so because of it, and not for want of memory */
} dbf_quota;

typedef struct dbf_bytes {
  char *data; /* NULL until something was reserved */
  size_t len;
  size_t cap; /* bytes that may be used; DBF_PADDING more are allocated, and zero when they were never used */
  bool failed; /* an allocation failed or a length overflowed; the bytes up to len are still good */
  dbf_quota *
      quota; /* of capacity; NULL: there is no limit. Set it before the first byte; it stays through a release */
} dbf_bytes;

void dbf_bytes_init(dbf_bytes *bytes);

/* Free the memory. What is left can be filled again. */
void dbf_bytes_release(dbf_bytes *bytes);

/* Forget the content and a failure, keep the memory. */
void dbf_bytes_clear(dbf_bytes *bytes);

/* Make room for `more` bytes after len if needed, by doubling; false (and failed) if memory runs out. */
bool dbf_bytes_grow(dbf_bytes *bytes, size_t more);

/* Copy `len` bytes that nobody will read at `from` again: of a long run, each part is given back to the system when it
 * is copied, so that it is never in memory twice. What stays at `from` is unspecified; it must be memory of malloc. */
void dbf_bytes_move(char *to, const char *from, size_t len);

/* What follows is inline because entries are written a few bytes at a time: as calls it was a third of an append. */

/* Make room for `more` bytes after len; false (and failed) if memory runs out. */
static inline bool dbf_bytes_reserve(dbf_bytes *bytes, size_t more) {
  assert(bytes->len <= bytes->cap);
  bool there = bytes->data && !bytes->failed && more <= bytes->cap - bytes->len;
  return __builtin_expect(there, true) || dbf_bytes_grow(bytes, more);
}

static inline void dbf_bytes_append(dbf_bytes *bytes, const void *data, size_t len) {
  if (len == 0 || !dbf_bytes_reserve(bytes, len)) return;
  assert(data);
  memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
}

static inline void dbf_bytes_append_char(dbf_bytes *bytes, char c) {
  if (dbf_bytes_reserve(bytes, 1)) bytes->data[bytes->len++] = c;
}

/* Put the terminator the scanner asks for after len (a 0 byte that does not count); false when failed. */
bool dbf_bytes_terminate(dbf_bytes *bytes);

#endif
