/* queue.h: the interface of a queue of work beside a log that has an address. The kind of store that reads the address
 * has the functions (../nats/queue.c); nothing of them is linked.
 *
 *     kept work   "w"   a message stays until a worker has acknowledged it, and is delivered again when none does
 *     kept rest   "d"   what everyone may read, by key: jobs, and what workers answer
 *     said        "p"   heard by those who listen at that moment
 *
 * A key is words of [A-Za-z0-9_-] with dots between them; where it selects, `*` is any word and `>` the rest.
 * A queue belongs to one thread. Waits end when `stopped` returns true; what was called fails with EIO then. */
#ifndef DBF_QUEUE_H
#define DBF_QUEUE_H

#include <debrief/log.h>

typedef struct dbf_queue dbf_queue;

typedef enum dbf_queue_part { DBF_QUEUE_WORK, DBF_QUEUE_REST } dbf_queue_part;

typedef struct dbf_queue_message {
  void *held;        /* by the queue's library; let go of by its `drop` */
  const char *key;   /* with "w.", "d." or "p." before it; "" for what is in none of them */
  const char *reply; /* where an answer goes; NULL: nowhere */
  const char *data;
  size_t len;
  uint64_t sequence;   /* in the rest */
  int64_t time_ns;     /* of the rest: when it was stored, by the server's clock */
  uint64_t deliveries; /* of work: 1 for the first time */
} dbf_queue_message;

typedef struct dbf_queue_job {
  const char *name;
  uint64_t waiting, under_way;
} dbf_queue_job;

typedef struct dbf_queue_kind {
  dbf_queue *(*open)(const char *address, const debrief_log_config *config, bool (*stopped)(void *user),
                     void *user, debrief_error *err);
  void (*close)(dbf_queue *q, bool forked);
  const char *(*shown)(const dbf_queue *q);

  /* Make what the queue keeps its messages in, where it is missing, with the replicas of the log. */
  bool (*make)(dbf_queue *q, debrief_error *err);

  /* The most bytes of one message. */
  size_t (*room)(const dbf_queue *q);

  /* Keep a message, once for each `id`. */
  bool (*put)(dbf_queue *q, dbf_queue_part part, const char *key, const char *data, size_t len,
              const char *id, debrief_error *err);

  /* The first message of the rest from `sequence` on whose key `key` selects. held is NULL when no message matches. */
  bool (*next)(dbf_queue *q, const char *key, uint64_t sequence, dbf_queue_message *message,
               debrief_error *err);

  /* Remove the messages that `key` selects. */
  bool (*purge)(dbf_queue *q, dbf_queue_part part, const char *key, debrief_error *err);

  /* Let workers have the work whose key begins with `job`; a message that is not renewed or acknowledged in `patience_ms`
   * is delivered again. Nothing happens when that is so already. */
  bool (*offer)(dbf_queue *q, const char *job, int64_t patience_ms, debrief_error *err);

  /* No more; what waits is removed. Nothing happens when there is nothing of the job. */
  bool (*withdraw)(dbf_queue *q, const char *job, debrief_error *err);

  /* Ask for one message of work of a job, for so long: it is heard, if there is one. */
  bool (*ask)(dbf_queue *q, const char *job, int64_t ms, debrief_error *err);

  /* Answer a message: "+ACK", "+WPI" (it is under way) or "-NAK {"delay":ns}". */
  bool (*answer)(dbf_queue *q, const char *reply, const char *text, debrief_error *err);

  /* Say something; hear what is said with such a key from now on. */
  bool (*say)(dbf_queue *q, const char *key, const char *data, size_t len, debrief_error *err);
  bool (*listen)(dbf_queue *q, const char *key, debrief_error *err);

  /* The next message that was heard, waited for up to `ms`. held is NULL when nothing came. */
  bool (*hear)(dbf_queue *q, int64_t ms, dbf_queue_message *message, debrief_error *err);

  void (*drop)(dbf_queue_message *message);

  /* Bring a session of the log into a folder of the queue's, until its file has *size bytes or all there are, for up to `ms`.
   * *done: it is there, and *size is what it has. */
  bool (*bring)(dbf_queue *q, const char *id, uint64_t *size, int64_t ms, bool *done, debrief_error *err);

  /* That folder; NULL with *err when there can be none. */
  const char *(*folder)(dbf_queue *q, debrief_error *err);

  /* Call `each` with every job that has work. */
  bool (*jobs)(dbf_queue *q, void (*each)(void *user, const dbf_queue_job *job), void *user,
               debrief_error *err);
} dbf_queue_kind;

#endif
