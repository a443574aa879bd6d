/* replace.h: newer versions of imported entries replace older ones. */
#ifndef DBF_REPLACE_H
#define DBF_REPLACE_H

#include <debrief/log.h>

/* Each of `count` lines, which are written entries that end in '\n', replaces the entry of the session that has the same
 * source (source_keys.h) and ended earlier: a run that was imported before it was over. Lines of entries that the session
 * does not hold, or holds as late a version of, are ignored. Every other byte of the session stays as it is, and line numbers stay
 * true. The session is replaced as by repair, under its lock: a new file, synced, gets its name. Nothing is kept of
 * the old one: what was imported can be imported again.
 *
 * *replaced is how many entries were. False, and the session is as it was: EUNSAFE when it has other names (hard links),
 * ELOCKED, EIO, EMEMORY. */
bool dbf_log_replace(debrief_log *log, const char *id, const debrief_text *lines, size_t count,
                     size_t *replaced, debrief_error *err);

#endif
