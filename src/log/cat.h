/* cat.h: whole sessions to a descriptor, each entry as a line of valid JSON, in order, on several threads.
 *
 *     items  0 1      2 3      4 5      6 7 ...
 *            turn     thread B reads ahead into a buffer; when the buffer is full it waits for its turn
 *            thread A writes as it reads
 *
 * The output is in the order of the items whatever the threads do, and memory is bounded: one buffer per thread. */
#ifndef DBF_CAT_H
#define DBF_CAT_H

#include "bytes.h"
#include "read.h"
#include <debrief/log.h>

typedef struct dbf_cat_item {
  const char *id;   /* a session of the log; NULL: a file */
  const char *path; /* the file */
  /* out */
  uint64_t entries;
  bool failed; /* it could not be read to its end: err says why */
  bool unsure; /* nor was it: the sieve was unsure of the entry after those */
  debrief_error err;
} dbf_cat_item;

typedef enum dbf_cat_verdict { DBF_CAT_KEEP, DBF_CAT_LEAVE, DBF_CAT_UNSURE } dbf_cat_verdict;

typedef struct dbf_cat_options {
  int fd;
  unsigned threads; /* 1 to DBF_CAT_THREADS */
  bool strict;      /* stop at the first damaged line of all */
  /* Which entries are copied; NULL: all. `thread` is below `threads`, and no two calls with the same one overlap. Unsure: the
   * copying ends before this entry. */
  dbf_cat_verdict (*sieve)(void *user, unsigned thread, const dbf_cat_item *item, const dbf_record *record);
  /* Called for the items in order, never by two threads at a time, before the item's end. `user` is yours. */
  void (*on_diagnostic)(void *user, const dbf_cat_item *item, const debrief_diagnostic *diagnostic);
  void *user;
} dbf_cat_options;

enum { DBF_CAT_THREADS = 64 };

/* Copy the items. False when writing failed: errno says why (EPIPE: the reader has gone). What failed for one item only
 * is in it; with `strict`, or where the sieve was unsure, the items after it are not copied. */
bool dbf_cat(debrief_log *log, dbf_cat_item *items, size_t count, const dbf_cat_options *options);

#endif
