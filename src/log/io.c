#include "io.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int dbf_io_duplicate(int fd) {
  return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int dbf_io_above(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int above = dbf_io_duplicate(fd), saved = errno;
  close(fd);
  errno = saved;
  return above;
}

bool dbf_io_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  for (int i = 0; i < 2; i++) ends[i] = dbf_io_above(ends[i]);
  if (ends[0] >= 0 && ends[1] >= 0) return true;
  int saved = errno;
  for (int i = 0; i < 2; i++)
    if (ends[i] >= 0) close(ends[i]);
  errno = saved;
  return false;
}

bool dbf_io_write_all(int fd, const void *data, size_t len) {
  const char *p = data;
  while (len > 0) { /* pipes and terminals take a part when a signal comes, too */
    ssize_t n = write(fd, p, len);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) p += n, len -= (size_t)n;
  }
  return true;
}

bool dbf_io_write_at(int fd, const void *data, size_t len, uint64_t at) {
  for (size_t done = 0; done < len;) {
    ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)(at + done));
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) done += (size_t)n;
  }
  return true;
}

ssize_t dbf_io_read_at(int fd, void *to, size_t len, uint64_t at) {
  size_t got = 0;
  while (got < len) {
    ssize_t n = pread(fd, (char *)to + got, len - got, (off_t)(at + got));
    if (n == 0) break;
    if (n < 0 && errno != EINTR) return -1;
    if (n > 0) got += (size_t)n;
  }
  return (ssize_t)got;
}

bool dbf_io_read(int fd, const char *path, void *to, size_t len, uint64_t at, size_t *got,
                 debrief_error *err) {
  ssize_t n = dbf_io_read_at(fd, to, len, at);
  *got = n > 0 ? (size_t)n : 0;
  return n >= 0 || dbf_fail_errno(err, "%s: cannot read at byte %llu", path, (unsigned long long)at);
}

bool dbf_io_read_of(const dbf_extent *file, const char *path, void *to, size_t len, uint64_t at, size_t *got,
                    debrief_error *err) {
  *got = 0;
  if (file->size && at >= file->size) return true;
  if (file->size && file->size - at < len) len = (size_t)(file->size - at);
  return dbf_io_read(file->fd, path, to, len, file->origin + at, got, err);
}

bool dbf_io_size_of(const dbf_extent *file, uint64_t *size) {
  struct stat st;
  *size = file->size;
  if (file->size || file->fd < 0) return true;
  if (fstat(file->fd, &st) != 0) return false;
  *size = (uint64_t)st.st_size;
  return true;
}
