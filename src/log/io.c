#include "io.h"
#include "error.h"

#include <errno.h>
#include <unistd.h>

bool dbf_io_write_all(int fd, const void *data, size_t len) {
  const char *p = data;
  while (len > 0) {
    ssize_t n = write(fd, p, len);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) p += n, len -= (size_t)n;
  }
  return true;
}

ssize_t dbf_io_read_at(int fd, void *to, size_t len, uint64_t at) {
  ssize_t n;
  do n = pread(fd, to, len, (off_t)at);
  while (n < 0 && errno == EINTR);
  return n;
}

bool dbf_io_read(int fd, const char *path, void *to, size_t len, uint64_t at, size_t *got,
                 debrief_error *err) {
  ssize_t n = dbf_io_read_at(fd, to, len, at);
  *got = n > 0 ? (size_t)n : 0;
  return n >= 0 || dbf_fail_errno(err, "%s: cannot read at byte %llu", path, (unsigned long long)at);
}
