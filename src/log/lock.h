/* lock.h: waiting for a session's lock, which whoever changes the file holds. flock(2), never POSIX record locks: closing
 * any other descriptor of the file would drop those. */
#ifndef DBF_LOCK_H
#define DBF_LOCK_H

#include <debrief/log.h>

/* flock(fd, LOCK_EX), waited for at most `timeout_ms`. `shown` is the file and `verb` what the caller wants to do, for
 * messages. *deadline is 0 at first; a caller that has to take another file's lock instead passes it on, so that all
 * its waiting has one limit. False, with nothing locked: ELOCKED, EIO. */
bool dbf_lock_wait(int fd, const char *shown, const char *verb, uint32_t timeout_ms, uint64_t *deadline,
                   debrief_error *err);

#endif
