/* log_internal.h: functions on a debrief_log for the upper floors, not for hosts. */
#ifndef DBF_LOG_INTERNAL_H
#define DBF_LOG_INTERNAL_H

#include "append.h"

/* Append lines that are written entries already, each ending in '\n': importers check what the session holds in
 * `before` (append.h), under the lock. `lines` is changed by it. *done may be NULL. With
 * DEBRIEF_SYNC_DATA they are synced. Errors as debrief_log_append_batch. */
bool dbf_log_append_lines(debrief_log *log, const char *id, debrief_text *lines, size_t count,
                          dbf_before_write before, void *user, dbf_appended *done, debrief_error *err);

/* Another handle of the same folder, wherever the process is by now. It may outlive `other`. */
debrief_log *dbf_log_open_again(const debrief_log *other, const debrief_log_config *config,
                                debrief_error *err);

/* The log's folder and how long to wait for a lock in it, for code that changes a session other than by appending.
 * NULL: EARG, EFORK. */
dbf_directory *dbf_log_directory(debrief_log *log, uint32_t *lock_timeout_ms, debrief_error *err);

#endif
