/* desk.h: many threads append through one connection without a system call each.
 *
 *     thread 1, alone     publish, flushed at once, and wait
 *     thread 2, 3, ...    into a queue, and sleep ----> the carrier publishes all that is there, and flushes once
 *                         woken, 32 with one call <---- answers come to one subscription
 *
 * A thread sends as the client library does while it is alone: its message is on its way at once. What others append
 * meanwhile is for the carrier, a thread of the desk's own from then on: so no two wait for the connection's lock. */
#ifndef DBF_NATS_DESK_H
#define DBF_NATS_DESK_H

#include "connect.h"

typedef struct dbf_nats_desk dbf_nats_desk;

/* NULL: EMEMORY. Nothing is sent yet. */
dbf_nats_desk *dbf_nats_desk_new(dbf_nats_connection *c, debrief_error *err);

/* Before the connection is closed; nobody may wait at it. */
void dbf_nats_desk_free(dbf_nats_desk *desk);

/* What is published, and what of it the server said. */
typedef struct dbf_nats_posting {
  const char *subject, *data;
  size_t len;
  jsPubOptions options; /* MsgId, ExpectStream, ExpectLastSubjectSeq or ExpectNoMessage; MaxWait, ms */
  uint64_t sequence;    /* out: with NATS_OK */
  jsErrCode code;       /* out: with NATS_ERR */
  char said[160];       /* out: the server's words, "" for none */
} dbf_nats_posting;

/* Publish and wait for the answer. `desk` NULL: by itself. */
natsStatus dbf_nats_desk_publish(dbf_nats_desk *desk, dbf_nats_connection *c, dbf_nats_posting *posting);

#endif
