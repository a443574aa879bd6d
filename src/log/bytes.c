#include "bytes.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SMALLEST 256

void dbf_bytes_init(dbf_bytes *bytes) {
  memset(bytes, 0, sizeof *bytes);
}

void dbf_bytes_release(dbf_bytes *bytes) {
  dbf_quota *quota = bytes->quota;
  if (quota) quota->left += bytes->cap;
  free(bytes->data);
  dbf_bytes_init(bytes);
  bytes->quota = quota;
}

void dbf_bytes_clear(dbf_bytes *bytes) {
  bytes->len = 0;
  bytes->failed = false;
}

/* The next capacity that holds `need`; 0 when the padding would overflow it. */
static size_t grown(size_t cap, size_t need) {
  if (need > SIZE_MAX / 2 - DBF_PADDING) return 0;
  size_t next = cap > need / 2 ? cap * 2 : need;
  return next < SMALLEST ? SMALLEST : next;
}

void dbf_bytes_move(char *to, const char *from, size_t len) {
  assert(to + len <= from || from + len <= to);
  enum { PART = 1024 * 1024 };
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  while (len > PART) {
    memcpy(to, from, PART);
    /* only pages that lie wholly in what was copied; memory is handed out private and anonymous, so they read as zeroes */
    uintptr_t begin = ((uintptr_t)from + page - 1) / page * page,
              end = ((uintptr_t)from + PART) / page * page;
    if (begin < end) madvise((char *)from + (begin - (uintptr_t)from), end - begin, MADV_DONTNEED);
    to += PART;
    from += PART;
    len -= PART;
  }
  memcpy(to, from, len);
}

/* May the capacity be `cap`? */
static bool is_within(const dbf_bytes *bytes, size_t cap) {
  return !bytes->quota || cap - bytes->cap <= bytes->quota->left;
}

bool dbf_bytes_grow(dbf_bytes *bytes, size_t more) {
  size_t cap = more <= SIZE_MAX - bytes->len ? grown(bytes->cap, bytes->len + more) : 0;
  if (cap && !is_within(bytes, cap)) cap = is_within(bytes, bytes->len + more) ? bytes->len + more : 0;
  assert(!cap || cap >= bytes->len + more);
  char *data = cap && !bytes->failed ? realloc(bytes->data, cap + DBF_PADDING) : NULL;
  if (!data) {
    if (bytes->quota && !bytes->failed) bytes->quota->refused = cap == 0;
    bytes->failed = true;
    return false;
  }
  memset(data + cap, 0, DBF_PADDING);
  if (bytes->quota) bytes->quota->left -= cap - bytes->cap;
  bytes->data = data;
  bytes->cap = cap;
  return true;
}

/* The whole padding is zeroed, not only the first byte: vector code branches on what it loads there, and
 * valgrind and MSan would call that a use of uninitialised memory. */
bool dbf_bytes_terminate(dbf_bytes *bytes) {
  if (!dbf_bytes_reserve(bytes, 0)) return false;
  memset(bytes->data + bytes->len, 0, DBF_PADDING);
  return true;
}
