/* consume.h: the messages of a stream in order, each once, from a sequence on, whatever happens to its servers.
 *
 * A consumer of the server's, pushed, without acknowledgements, with a heartbeat. When messages are missing or nothing
 * comes, another one is made from the last sequence on: the ordered consumer of the client library does the same, but
 * was seen to wait for 27 s after a leader was killed. */
#ifndef DBF_NATS_CONSUME_H
#define DBF_NATS_CONSUME_H

#include "connect.h"

typedef struct dbf_nats_consumer {
  dbf_nats_connection *c;
  char *filter;          /* a subject; NULL: all */
  uint64_t next;         /* the sequence that is wanted next, or a later one */
  int64_t created;       /* when the stream was made that is read; 0: whichever there is */
  int64_t remade;        /* when the one was made that replaced it; 0: none has */
  natsSubscription *sub; /* NULL: there is no consumer now */
  int ready;             /* so many messages are here already */
  uint64_t delivered;    /* messages of this consumer */
  uint64_t pending;      /* so many are in the stream after the last one, as the server says */
  unsigned reconnects;   /* the connection's, when it was made */
  bool came;             /* a message, since it was looked whether the server is silent */
  int64_t heard;         /* when the server was heard last, or the consumer made; clock */
  int64_t tried;         /* when one was asked for last; clock */
} dbf_nats_consumer;

typedef enum dbf_nats_came {
  DBF_NATS_FAILED = -1, /* for good: *err says why */
  DBF_NATS_NOTHING = 0, /* none in time */
  DBF_NATS_MESSAGE = 1
} dbf_nats_came;

/* `created`, of dbf_store_state, or 0: of a stream that is removed and made again nothing is read, for its sequences mean
 * other messages; `next` fails then, and `remade` says so. */
void dbf_nats_consumer_init(dbf_nats_consumer *consumer, dbf_nats_connection *c, int64_t created,
                            uint64_t next);
void dbf_nats_consumer_release(dbf_nats_consumer *consumer);

/* Let the consumer of the server's go; the next call makes one. */
void dbf_nats_consumer_rest(dbf_nats_consumer *consumer);

/* The next message into *message, for the caller to destroy (many at once: each wakes a thread), and its sequence; waits
 * until `deadline` of the clock. */
dbf_nats_came dbf_nats_consumer_next(dbf_nats_consumer *consumer, int64_t deadline, natsMsg **message,
                                     uint64_t *sequence, debrief_error *err);

#endif
