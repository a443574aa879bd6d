/* cat.h: whole sessions to a descriptor, each entry as a line of valid JSON, in order, on several threads.
 *
 *     item   0        1        2        3 ...
 *            turn     thread B reads ahead into a buffer; when the buffer is full it waits for its turn
 *            thread A writes as it reads
 *
 * The output is in the order of the items whatever the threads do, and memory is bounded: one buffer per thread. */
#ifndef DBF_CAT_H
#define DBF_CAT_H

#include "bytes.h"
#include <debrief/log.h>

typedef struct dbf_cat_item {
  const char *id;   /* a session of the log; NULL: a file */
  const char *path; /* the file */
  /* out */
  uint64_t entries;
  bool failed; /* it could not be read to its end: err says why */
  debrief_error err;
} dbf_cat_item;

typedef struct dbf_cat_options {
  int fd;
  unsigned threads; /* 1 or more */
  bool strict;      /* stop at the first damaged line of all */
  /* Called for the items in order, never by two threads at a time, before the item's end. `user` is yours. */
  void (*on_diagnostic)(void *user, const dbf_cat_item *item, const debrief_diagnostic *diagnostic);
  void *user;
} dbf_cat_options;

/* Copy the items. False when writing failed: errno says why (EPIPE: the reader has gone). What failed for one item only
 * is in it; with `strict` the items after it are not copied. */
bool dbf_cat(debrief_log *log, dbf_cat_item *items, size_t count, const dbf_cat_options *options);

#endif
