/* stream.h: the stream of a log: making it, looking at it, putting a message into it. */
#ifndef DBF_NATS_STREAM_H
#define DBF_NATS_STREAM_H

#include "../log/store.h"
#include "connect.h"

#define DBF_NATS_SUBJECT 512 /* bytes of the longest subject, and more */

/* The subject of a session: NAME.e.ID, with each '.' of the id as %2E. */
void dbf_nats_stream_subject(char out[DBF_NATS_SUBJECT], const char *name, const char *id);

/* The session of a subject into `id`; false when debrief makes no such subject. */
bool dbf_nats_stream_session(const char *name, const char *subject, char id[DBF_SESSION_ID_MAX + 1]);

/* As dbf_store_kind's. */
bool dbf_nats_stream_make(dbf_nats_connection *c, const dbf_store_making *how, bool *made,
                          debrief_error *err);

/* Tries again until `deadline` of the clock what can succeed later. */
bool dbf_nats_stream_look(dbf_nats_connection *c, dbf_store_state *state, int64_t deadline,
                          debrief_error *err);

/* How many bytes a message may have. */
size_t dbf_nats_stream_most(dbf_nats_connection *c);

typedef struct dbf_nats_message {
  const char *id; /* of the session */
  const char *data;
  size_t len;
  const char *identity;     /* servers store what has the same once; NULL: a new one */
  const uint64_t *expected; /* the sequence of the session's last message, 0: none; NULL: whatever it is */
} dbf_nats_message;

/* Put a message into the stream: true when most of its servers have it. Sent again until `deadline`, under the same
 * identity. *conflict: somebody else has appended to the session. *doubtful: it may be there all the same. *sequence is
 * what it has. */
bool dbf_nats_stream_publish(dbf_nats_connection *c, const dbf_nats_message *message, int64_t deadline,
                             uint64_t *sequence, bool *conflict, bool *doubtful, debrief_error *err);

#endif
