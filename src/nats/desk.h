/* desk.h: many threads append through one connection without a system call each.
 *
 *     thread 1   publish, flushed at once, and wait   ---- what the others left in the buffer goes with it ---->
 *     thread 2   publish into the buffer, and wait
 *     thread 3   publish into the buffer, and wait    <--- answers come to one subscription, which wakes whose they are
 *
 * One thread at a time sends as the client library does for one alone: its message is on its way at once. Those that come
 * meanwhile leave theirs in the buffer of the connection, which the next one sends, or the client library within 1 ms. */
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
