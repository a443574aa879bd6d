/* append.h: getting lines into a session and never losing one.
 *
 *     flock(LOCK_EX), statx of the name, [pread the last byte], write once, lseek, [pread the byte before ours], flock(LOCK_UN)
 *
 *     |line\n|line\n|tor        a torn tail is healed: our record starts with \n
 *     ^             ^ remembered end: where this handle's own last record ended. When the file's size is that, and the
 *                     offset after the write is that plus our length, neither pread is needed.
 *
 * A session handle is one open descriptor with one lock; debrief_log (folder.c) keeps a table of them and the threads
 * apart. Why this way: a killed writer tears records even without a power cut, and looking at the last byte without
 * the lock lost acknowledged entries in measurements; a foreign writer that does not lock is why the byte before
 * ours is looked at after the write. */
#ifndef DBF_APPEND_H
#define DBF_APPEND_H

#include "directory.h"

typedef struct dbf_session dbf_session;

/* The session `id` of `dir`; nothing is opened yet. `dir` must outlive it. NULL: EMEMORY. */
dbf_session *dbf_session_new(dbf_directory *dir, const char *id, uint32_t lock_timeout_ms,
                             debrief_error *err);
void dbf_session_free(dbf_session *session);

/* Called under the lock with the file open (for reading too), before anything is written; it may shorten the list
 * of lines by setting entries of `lines` to {NULL, 0}. False, with *err filled, stops. */
typedef bool (*dbf_before_write)(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                                 debrief_error *err);

/* What an append left in the file. When it succeeded, all of it is stored. */
typedef struct dbf_appended {
  size_t stored;   /* so many lines are certainly in the file, the first ones */
  size_t doubtful; /* so many of the others are or may be: appended again, they could be there twice */
  bool numbered;   /* set by a caller that wants `line` */
  uint64_t line;   /* of the last line that was stored, from 1; 0: it is not known, or was not asked for */
} dbf_appended;

/* Append `count` lines. Each text ends with its own '\n' and is one record; neighbours that lie next to each other
 * in memory go out in one write of up to 1 MiB (a longer record alone). One lock. No sync.
 * *done is filled in whatever is returned; its line, when asked for, costs reading what was written since the last time
 * it was, the first time all of the file. Not thread-safe: the caller serialises. */
bool dbf_session_append(dbf_session *session, debrief_text *lines, size_t count, dbf_before_write before,
                        void *user, dbf_appended *done, debrief_error *err);

/* A descriptor to sync with: a duplicate, so that an append may replace or close its own meanwhile, and of the same
 * open file, so that it sees every error the kernel has for it. -1 if none is left. The caller serialises it with
 * appends. */
int dbf_session_sync_begin(dbf_session *session);

/* fdatasync and close `fd`; the first time, and after the file was created again, sync the folder too, and the parents of
 * folders created here. May run while another thread appends, but not with fd -1, when the session's own
 * descriptor is used. False: the data may be lost, and no later sync would report it; the caller poisons the session. */
bool dbf_session_sync_end(dbf_session *session, int fd, debrief_error *err);

#endif
