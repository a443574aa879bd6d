#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Messages are made from what failed a moment ago: errno is kept, so that a caller that looks at it afterwards does not
 * see what printf left. */
static void fill(debrief_error *err, debrief_code code, uint64_t line, uint64_t offset, const char *format,
                 va_list args) {
  err->code = code;
  err->line = line;
  err->offset = offset;
  vsnprintf(err->message, sizeof err->message, format, args);
}

/* POSIX's strerror_r fills the buffer and returns an error; GNU's returns a text, which may stand elsewhere. */
static inline const char *reason_of_posix(int failed, char *buffer, size_t size, int number) {
  if (failed) snprintf(buffer, size, "error %d", number);
  return buffer;
}

static inline const char *reason_of_gnu(const char *text, char *buffer, size_t size, int number) {
  (void)buffer, (void)size, (void)number;
  return text;
}

const char *dbf_error_reason(int number, char *buffer, size_t size) {
  return _Generic(strerror_r(number, buffer, size), int
                  : reason_of_posix, default
                  : reason_of_gnu)(strerror_r(number, buffer, size), buffer, size, number);
}

bool dbf_fail(debrief_error *err, debrief_code code, const char *format, ...) {
  if (err) {
    int saved = errno;
    va_list args;
    va_start(args, format);
    fill(err, code, 0, 0, format, args);
    va_end(args);
    errno = saved;
  }
  return false;
}

bool dbf_fail_at(debrief_error *err, debrief_code code, uint64_t line, uint64_t offset, const char *format,
                 ...) {
  if (err) {
    int saved = errno;
    va_list args;
    va_start(args, format);
    fill(err, code, line, offset, format, args);
    va_end(args);
    errno = saved;
  }
  return false;
}

bool dbf_fail_errno(debrief_error *err, const char *format, ...) {
  if (err) {
    int saved = errno;
    char reason[128];
    va_list args;
    va_start(args, format);
    fill(err, saved == ENOMEM ? DEBRIEF_EMEMORY : DEBRIEF_EIO, 0, 0, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s",
             dbf_error_reason(saved, reason, sizeof reason));
    errno = saved;
  }
  return false;
}

bool dbf_fail_memory(debrief_error *err) {
  return dbf_fail(err, DEBRIEF_EMEMORY, "out of memory");
}
