/* follow_files.h: the sessions of a follower and the files of each.
 *
 *     session "s1":   files  |renamed away|unlinked by a repair|s1.jsonl|     each a tail, read in this order
 *                                                               ^ last, while `named`
 *
 * A session is looked at when something changed: then its name may mean another file, and what was the current one
 * becomes a former one. A former file is read to its end as soon as no writer holds its lock (writers look, under the lock, at
 * the session's name), then compared with its successor. Without a name, it is closed. One that has another name, as a
 * repair leaves it, may still be written to, by programs that do not look; it is kept, and its successor is read too. */
#ifndef DBF_FOLLOW_FILES_H
#define DBF_FOLLOW_FILES_H

#include "directory.h"
#include "store.h"
#include "tail.h"
#include "watch.h"

/* Of one session; of those that were renamed away the oldest is let go beyond that. */
#define DBF_FOLLOW_FILES_FILES 6

typedef struct dbf_follow_files_file {
  dbf_tail *tail;
  int watch;     /* of a former file, -1: none */
  bool created;  /* it was made under this name, not moved to it */
  bool compared; /* what the file before it gave is not given again */
} dbf_follow_files_file;

typedef struct dbf_follow_files {
  char *id, *path;
  dbf_follow_files_file files[DBF_FOLLOW_FILES_FILES];
  size_t count;
  bool named;          /* the last file has the session's name */
  bool created;        /* what has the name now came to it by being created */
  bool ended;          /* strict, and a line was damaged */
  debrief_code failed; /* reported already */
  bool queued;
  struct dbf_follow_files *next; /* in the queue */
} dbf_follow_files;

struct debrief_follower {
  dbf_directory dir;
  dbf_watch watch;
  debrief_follow_config config;
  dbf_tail_options reading;
  dbf_follow_files **sessions; /* by id */
  size_t count, cap;
  dbf_follow_files *queue, *queue_end; /* to be looked at */
  dbf_follow_files *giving;            /* whose `from` has entries that were found */
  dbf_tail *from;
  size_t open, open_limit; /* files */
  size_t hand;             /* goes round the sessions, closing files when too many are open */
  bool all, opening, stopped;
  uint64_t folder_device, folder_inode; /* of the folder that is watched */
  bool watched;                         /* changes in the folder are reported */
  bool locked;                          /* something waits for a lock */
  bool retry;                           /* something waited for a lock when the timer was set */
  bool failed;                          /* out of memory in a callback */
  const dbf_store_kind *kind;           /* of a store that keeps the folder up to date meanwhile; NULL */
  bool stalled;                         /* that was reported */
  dbf_store *store;
};

/* The queue. */
void dbf_follow_files_enqueue(debrief_follower *follower, dbf_follow_files *session);
void dbf_follow_files_enqueue_all(debrief_follower *follower);
void dbf_follow_files_dequeue(debrief_follower *follower);

/* The session, NULL if there is none; the session, made when there is none, NULL when out of memory. */
dbf_follow_files *dbf_follow_files_find(const debrief_follower *follower, const char *id);
dbf_follow_files *dbf_follow_files_add(debrief_follower *follower, const char *id);
void dbf_follow_files_free(dbf_follow_files *session);

/* Close a file that can be spared, to be opened again when there is something new: a dbf_directory's give_way. False: no
 * file can be. */
bool dbf_follow_files_give_way(void *follower);

/* See which file the session's name means. Errors: EIO, EUNSAFE, EMEMORY. */
bool dbf_follow_files_refresh(debrief_follower *follower, dbf_follow_files *session, debrief_error *err);

typedef enum dbf_follow_files_state {
  DBF_FOLLOW_FILES_FAILED = -1,
  DBF_FOLLOW_FILES_IDLE,
  DBF_FOLLOW_FILES_READY /* follower->giving and ->from have entries */
} dbf_follow_files_state;

/* Refresh, and see whether one of its files has lines to return. */
dbf_follow_files_state dbf_follow_files_look(debrief_follower *follower, dbf_follow_files *session,
                                             debrief_error *err);

#endif
