/* append_new.h: appending only what a session does not hold yet, by the source of each entry. Importers use it. */
#ifndef DBF_APPEND_NEW_H
#define DBF_APPEND_NEW_H

#include "append.h"

/* The key of a line: {"source":{"kind":K,"key":X}}. Lines without one are always appended. */
typedef struct dbf_append_new {
  size_t known; /* out: lines that were there already, or twice in the batch */
} dbf_append_new;

/* A dbf_before_write: takes out of `lines` every entry whose source kind and key an entry of the file has. `user` is a
 * dbf_append_new. Reads the whole file under the lock that is held; linear in it. */
bool dbf_append_new_filter(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                           debrief_error *err);

#endif
