/* log_internal.h: functions on a debrief_log for the upper floors, not for hosts. */
#ifndef DBF_LOG_INTERNAL_H
#define DBF_LOG_INTERNAL_H

#include "append.h"
#include "store.h"

/* Append lines that are written entries already, each ending in '\n': importers check what the session holds in
 * `before` (append.h), under the lock. `lines` is changed by it. *done may be NULL. With
 * DEBRIEF_SYNC_DATA they are synced. Errors as debrief_log_append_batch. */
bool dbf_log_append_lines(debrief_log *log, const char *id, debrief_text *lines, size_t count,
                          dbf_before_write before, void *user, dbf_appended *done, debrief_error *err);

/* Another handle of the same folder, wherever the process is by now. It may outlive `other`. */
debrief_log *dbf_log_open_again(const debrief_log *other, const debrief_log_config *config,
                                debrief_error *err);

/* As debrief_log_read, of what a listing has seen: a store that is no folder is not asked for more. */
debrief_reader *dbf_log_read_seen(debrief_log *log, const char *id, const debrief_read_config *config,
                                  debrief_error *err);

/* debrief_log_check of the same. */
bool dbf_log_check_seen(debrief_log *log, const char *id, const debrief_read_config *config,
                        debrief_check *check, debrief_error *err);

/* The path of the log's folder, in which each session has a file, for code that opens them by itself. NULL: EARG, EFORK; EIO of the store. */
const char *dbf_log_whole_folder(debrief_log *log, debrief_error *err);

/* The store of a log that is no folder; *kind is NULL when it is one. */
dbf_store *dbf_log_store(debrief_log *log, const dbf_store_kind **kind);

/* The folder that a stream is read into, once it has been asked for; else NULL. */
const char *dbf_log_seen_folder(debrief_log *log);

/* Refuse what changes a session otherwise than by appending; `what` names it: "repair". */
bool dbf_log_must_be_folder(const debrief_log *log, const char *what, debrief_error *err);

/* The log's folder and how long to wait for a lock in it, for code that changes a session other than by appending. Of
 * another store: where its sessions are now, for reading. NULL: EARG, EFORK; EIO of the store. */
dbf_directory *dbf_log_directory(debrief_log *log, uint32_t *lock_timeout_ms, debrief_error *err);

#endif
