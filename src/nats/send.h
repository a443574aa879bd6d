/* send.h: bringing a session's lines into the stream (../log/sending.h): as many whole lines in a message as fit, each
 * message only after the session's last one that is known, so that one that a killed process has sent and that arrives
 * late is not added to what was sent after it. */
#ifndef DBF_NATS_SEND_H
#define DBF_NATS_SEND_H

#include "../log/sending.h"
#include "connect.h"
#include "snapshot.h"

typedef struct dbf_nats_sender {
  dbf_nats_connection *c;
  dbf_nats_snapshot *snapshot; /* without an origin: where the session is compared */
  int64_t deadline;            /* clock */
} dbf_nats_sender;

/* One step. False with *conflict: somebody else has appended to the session meanwhile, and nothing was lost: bring the
 * snapshot up to date, and again. */
bool dbf_nats_send(const dbf_nats_sender *sender, dbf_sending *sending, bool *conflict, debrief_error *err);

#endif
