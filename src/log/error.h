/* error.h: filling a debrief_error. Owns the wording helpers; knows nothing about what failed. */
#ifndef DBF_ERROR_H
#define DBF_ERROR_H

#include <debrief/log.h>

/* Fill *err (may be NULL) and return false, so that `return dbf_fail(...)` ends a function. errno is kept. */
bool dbf_fail(debrief_error *err, debrief_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a place: line (from 1, 0 for none) and offset (bytes). */
bool dbf_fail_at(debrief_error *err, debrief_code code, uint64_t line, uint64_t offset, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));

/* "what: reason of errno". ENOMEM becomes DEBRIEF_EMEMORY, everything else DEBRIEF_EIO. */
bool dbf_fail_errno(debrief_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool dbf_fail_memory(debrief_error *err);

/* What an errno means, in `buffer` or a static text. */
const char *dbf_error_reason(int number, char *buffer, size_t size);

#endif
