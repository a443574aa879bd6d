/* io.h: reading and writing what was asked for, whatever signals come in between. Not for appending to a session: there a
 * short write is never continued (append.c). */
#ifndef DBF_IO_H
#define DBF_IO_H

#include <debrief/log.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Write all of it; false with errno, and a part may be written. */
bool dbf_io_write_all(int fd, const void *data, size_t len);

/* pread(2) at byte `at`, begun again when a signal came: how many bytes, 0 at the end of the file, -1 with errno. */
ssize_t dbf_io_read_at(int fd, void *to, size_t len, uint64_t at);

/* The same with a failure as an error, EIO, that names the file and the byte. *got is 0 at the end of the file. */
bool dbf_io_read(int fd, const char *path, void *to, size_t len, uint64_t at, size_t *got,
                 debrief_error *err);

#endif
