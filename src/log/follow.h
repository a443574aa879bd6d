/* follow.h: sessions as they grow. The rest of it is public: debrief_log_follow and what follows it in log.h. */
#ifndef DBF_FOLLOW_H
#define DBF_FOLLOW_H

#include <debrief/log.h>
#include "read.h"

/* debrief_follower_next for callers that need the scanned entry. */
debrief_next dbf_follower_next(debrief_follower *follower, int timeout_ms, dbf_record *record,
                               const char **session, debrief_error *err);

/* For tests: read `block` bytes at once, hold so many files open; the line limit is for files that come later. 0: as it
 * is. */
void dbf_follower_limit(debrief_follower *follower, size_t block, size_t open_files, size_t line_limit);

#endif
