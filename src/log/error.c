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
    /* glibc's strerror_r may return a static string instead of filling the buffer */
    const char *text = strerror_r(saved, reason, sizeof reason);
    snprintf(err->message + used, sizeof err->message - used, ": %s", text);
    errno = saved;
  }
  return false;
}

bool dbf_fail_memory(debrief_error *err) {
  return dbf_fail(err, DEBRIEF_EMEMORY, "out of memory");
}
