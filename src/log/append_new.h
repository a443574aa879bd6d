/* append_new.h: appending only what a session does not hold yet, by the source of each entry. Importers use it. */
#ifndef DBF_APPEND_NEW_H
#define DBF_APPEND_NEW_H

#include "append.h"

/* Lines without a source (source_keys.h) are always appended. */
typedef struct dbf_append_new {
  size_t known; /* out: lines that were there already, or twice in the batch */
  debrief_text *
      newer; /* out: those of them that ended later than the one that is there, for dbf_log_replace; the texts
                          are the caller's */
  size_t newer_count;
} dbf_append_new;

void dbf_append_new_release(dbf_append_new *unique);

/* A dbf_before_write: takes out of `lines` every entry whose source kind and key an entry of the file has. `user` is a
 * dbf_append_new. Reads the whole file under the lock that is held; linear in it. */
bool dbf_append_new_filter(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                           debrief_error *err);

/* What appending the lines would do, without the lock and without writing: the same counts. A session that does not exist
 * holds nothing. The texts in `lines` that are known become empty. */
bool dbf_append_new_count(debrief_log *log, const char *id, debrief_text *lines, size_t count,
                          dbf_append_new *unique, debrief_error *err);

#endif
