/* store.h: where the sessions of a log live. A folder is the one that this library has itself; another kind comes in a
 * library of its own, which is opened for an address only (nats://, tls://), because it brings an engine's client with it.
 *
 *     debrief_log -- "sessions"           --> the folder
 *               \--- "nats://host/NAME"   --> dbf_store_kind of libdebrief-nats: appends go to the stream, and what reads
 *                                             gets a folder that was brought up to date from it
 *
 * A kind is a struct of functions and needs no symbol of the library that uses it. All functions of a store may be called
 * from any thread, but for `close`. */
#ifndef DBF_STORE_H
#define DBF_STORE_H

#include "append.h"
#include "queue.h"
#include "sending.h"

#define DBF_STORE_VERSION 2
#define DBF_STORE_LIBRARY "libdebrief-nats.so.0"
#define DBF_STORE_SYMBOL  "debrief_nats_store"

typedef struct dbf_store dbf_store;

/* How a new store is made. */
typedef struct dbf_store_making {
  unsigned replicas;  /* 0: 1 */
  int64_t max_age_ns; /* entries that are older are removed; 0: none */
} dbf_store_making;

typedef struct dbf_store_state {
  uint64_t first, last; /* sequences; last is 0 in an empty one */
  int64_t created_ns;   /* when it was made: another of the same name has another time */
  unsigned replicas;
  uint64_t reached; /* up to which the folder has what is stored; 0: it was not asked for */
} dbf_store_state;

typedef struct dbf_store_kind {
  uint32_t version; /* DBF_STORE_VERSION */
  uint32_t size;    /* of this struct */

  /* Understand an address. Nothing is sent before it is needed. NULL: EARG, EMEMORY. `config` is copied. */
  dbf_store *(*open)(const char *address, const debrief_log_config *config, debrief_error *err);

  /* `forked`: in a child of the process that opened it, where only memory may be let go. */
  void (*close)(dbf_store *store, bool forked);

  /* The address without a user and a password, and the name of the stream: what messages show. */
  const char *(*shown)(const dbf_store *store);
  const char *(*name)(const dbf_store *store);

  /* Make the store. *made is false when it is there already, as it is to be; EARG when it is another. */
  bool (*make)(dbf_store *store, const dbf_store_making *how, bool *made, debrief_error *err);

  bool (*look)(dbf_store *store, dbf_store_state *state, debrief_error *err);

  /* As dbf_session_append. Without `before` all lines are one message, all or nothing; with it, as many whole lines in a
   * message as fit, and `before` is called again when somebody else has appended to the session meanwhile. */
  bool (*append)(dbf_store *store, const char *id, debrief_text *lines, size_t count, dbf_before_write before,
                 void *user, dbf_appended *done, debrief_error *err);

  /* A folder with what is stored at this moment, or more. It stays until the store is closed, and a later call adds to it
   * what came meanwhile. Small sessions may lie in its pack (pack.h), unless it is to be `whole`: then each has a file,
   * from now on. Belongs to the store. */
  const char *(*folder)(dbf_store *store, bool whole, debrief_error *err);

  /* Keep the folder up to date from now on, without being asked: for followers. Calls are counted. */
  bool (*follow)(dbf_store *store, bool on, debrief_error *err);

  /* The message that a line of a session in the folder came in, and the other way round: its first line. 0: unknown. */
  uint64_t (*sequence_of)(dbf_store *store, const char *id, uint64_t line);
  uint64_t (*line_of)(dbf_store *store, const char *id, uint64_t sequence);

  /* What was left out of the folder, one line each, until `each` returns false. */
  void (*left_out)(dbf_store *store, bool (*each)(void *user, const char *text), void *user);

  /* The queue of work beside the log. */
  const dbf_queue_kind *queue;

  /* Bring a session's lines over, one step of it: see sending.h. What does not fit into a message is left out. */
  bool (*send)(dbf_store *store, dbf_sending *sending, debrief_error *err);

  /* Let the folder, which was not asked for yet, begin after this sequence: what is before it is known already. Lines are
   * then counted from there. */
  bool (*skip)(dbf_store *store, uint64_t sequence, debrief_error *err);

  /* From now on calls that wait ask `stopped`, on the caller's thread and several times a second, and fail once it returns
   * true. */
  void (*heed)(dbf_store *store, bool (*stopped)(void));

  /* Remove what all stores have on disk for a time, because a signal ends the process. Async-signal-safe. */
  void (*abandon)(void);
} dbf_store_kind;

/* Is it the address of a store that is no folder? */
bool dbf_store_is_address(const char *text);

/* What address stores need, loaded when it is not there; NULL with *err, which names the package. */
const dbf_store_kind *dbf_store_load(debrief_error *err);

/* `abandon` of what was loaded. */
void dbf_store_abandon(void);

#endif
