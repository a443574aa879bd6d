/* io.h: reading and writing what was asked for, whatever signals come in between. Not for appending to a session: there a
 * short write is never continued (append.c).
 *
 * And descriptors that are 3 or more: where the process was started with one of the first three closed (daemons, cron, hooks),
 * the next file that is opened becomes its standard output, and what somebody prints goes into the log. */
#ifndef DBF_IO_H
#define DBF_IO_H

#include <debrief/log.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The descriptor, moved to one of 3 or more when it is less, with its file closed on exec; -1 with errno, and it is closed.
 * -1 stays -1. */
int dbf_io_above(int fd);

/* Another descriptor of the same open file. -1 with errno. */
int dbf_io_duplicate(int fd);

/* A pipe: ends[0] to read, ends[1] to write. False with errno. */
bool dbf_io_pipe(int ends[2]);

/* Write all of it; false with errno, and a part may be written. */
bool dbf_io_write_all(int fd, const void *data, size_t len);

/* The same at byte `at`. */
bool dbf_io_write_at(int fd, const void *data, size_t len, uint64_t at);

/* Read `len` bytes at byte `at`, whatever pread(2) returns at once: how many there are, fewer only at the end of the file;
 * -1 with errno. */
ssize_t dbf_io_read_at(int fd, void *to, size_t len, uint64_t at);

/* The same with a failure as an error, EIO, that names the file and the byte. *got is 0 at the end of the file. */
bool dbf_io_read(int fd, const char *path, void *to, size_t len, uint64_t at, size_t *got,
                 debrief_error *err);

/* A file, or bytes of one that are taken for a file: `size` of them from `origin` on; size 0: all of it, as it grows. */
typedef struct dbf_extent {
  int fd; /* -1: an empty file */
  uint64_t origin, size;
} dbf_extent;

/* dbf_io_read of it: `at` counts from its first byte. */
bool dbf_io_read_of(const dbf_extent *file, const char *path, void *to, size_t len, uint64_t at, size_t *got,
                    debrief_error *err);

/* How many bytes it has. False with errno. */
bool dbf_io_size_of(const dbf_extent *file, uint64_t *size);

#endif
