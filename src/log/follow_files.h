/* followed.h: the sessions of a follower and the files of each.
 *
 *     session "s1":   files  |renamed away|unlinked by a repair|s1.jsonl|     each a tail, read in this order
 *                                                               ^ last, while `named`
 *
 * A session is looked at when something changed: then its name may mean another file, and what was the current one
 * becomes a former one. A former file without a name is read to its end as soon as no writer holds its lock (writers
 * look, under the lock, whether it has a name), then compared with its successor and closed. A former file that has
 * another name may still be written to, by those who have not noticed; it is kept, and its successor is read too. */
#ifndef DBF_FOLLOWED_H
#define DBF_FOLLOWED_H

#include "directory.h"
#include "tail.h"
#include "watch.h"

/* Of one session; of those that were renamed away the oldest is let go beyond that. */
#define DBF_FOLLOWED_FILES 6

typedef struct dbf_followed_file {
  dbf_tail *tail;
  int watch;    /* of a former file, -1: none */
  bool created; /* it was made under this name, not moved to it */
} dbf_followed_file;

typedef struct dbf_followed {
  char *id, *path;
  dbf_followed_file files[DBF_FOLLOWED_FILES];
  size_t count;
  bool named;          /* the last file has the session's name */
  bool created;        /* what has the name now came to it by being created */
  bool ended;          /* strict, and a line was damaged */
  debrief_code failed; /* told already */
  bool queued;
  struct dbf_followed *next; /* in the queue */
} dbf_followed;

struct debrief_follower {
  dbf_directory dir;
  dbf_watch watch;
  debrief_follow_config config;
  dbf_tail_options reading;
  dbf_followed **sessions; /* by id */
  size_t count, cap;
  dbf_followed *queue, *queue_end; /* to be looked at */
  dbf_followed *giving;            /* whose `from` has entries that were found */
  dbf_tail *from;
  size_t open, open_limit; /* files */
  size_t hand;             /* goes round the sessions, closing files when too many are open */
  bool all, opening, stopped;
  bool watched; /* changes in the folder are told */
  bool locked;  /* something waits for a lock */
  bool failed;  /* out of memory in a callback */
};

/* The queue. */
void dbf_followed_enqueue(debrief_follower *follower, dbf_followed *session);
void dbf_followed_enqueue_all(debrief_follower *follower);
void dbf_followed_dequeue(debrief_follower *follower);

/* The session, NULL when there is none; the session, made when there is none, NULL when out of memory. */
dbf_followed *dbf_followed_find(const debrief_follower *follower, const char *id);
dbf_followed *dbf_followed_add(debrief_follower *follower, const char *id);
void dbf_followed_free(dbf_followed *session);

/* See which file the session's name means. Errors: EIO, EUNSAFE, EMEMORY. */
bool dbf_followed_refresh(debrief_follower *follower, dbf_followed *session, debrief_error *err);

typedef enum dbf_followed_state {
  DBF_FOLLOWED_FAILED = -1,
  DBF_FOLLOWED_IDLE,
  DBF_FOLLOWED_READY /* follower->giving and ->from have entries */
} dbf_followed_state;

/* Refresh, and see whether one of its files has lines to give. */
dbf_followed_state dbf_followed_look(debrief_follower *follower, dbf_followed *session, debrief_error *err);

#endif
