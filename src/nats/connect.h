/* connect.h: one connection to the servers of an address, and what its failures mean. No message holds a user, a password
 * or a part of a credentials file. */
#ifndef DBF_NATS_CONNECT_H
#define DBF_NATS_CONNECT_H

#include "address.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>

/* How to log in: copies of what the caller gave. */
typedef struct dbf_nats_login {
  char *creds, *tls_ca, *tls_cert, *tls_key; /* paths; NULL: none */
} dbf_nats_login;

/* Copy what `config` says, and $NATS_CREDS; release it afterwards, also when it failed. */
bool dbf_nats_login_take(dbf_nats_login *login, const debrief_log_config *config, debrief_error *err);
void dbf_nats_login_release(dbf_nats_login *login);

typedef struct dbf_nats_connection {
  const dbf_nats_address *address;
  natsConnection *nc; /* NULL: not connected yet */
  jsCtx *js;
  pthread_mutex_t mutex;
  char denied[256];            /* what the server said that it does not permit, under `mutex` */
  _Atomic int64_t max_payload; /* of the server, which is asked under a lock that every message needs */
  uint64_t identity[2];        /* random */
  _Atomic uint64_t messages;   /* that were given an identity */
  struct dbf_nats_desk *desk;  /* desk.h; NULL: each message by itself */
  atomic_uint reconnects;      /* how often the connection was lost and came back */
  natsSubscription **ended;    /* that are to be destroyed, under `mutex` */
  unsigned ended_count, ended_room;
  bool (*stopped)(void); /* is the caller's thread to end what it waits for? NULL: never */
} dbf_nats_connection;

/* Is the caller to wait no longer? */
bool dbf_nats_is_stopped(const dbf_nats_connection *c);

/* A clock that is never set, ns. */
int64_t dbf_nats_clock(void);

/* Wait a while; ns. */
void dbf_nats_pause(int64_t ns);

void dbf_nats_connection_init(dbf_nats_connection *c, const dbf_nats_address *address);

/* Connect, trying again until `deadline` of the clock unless the servers refuse the login, and at least once. A lost
 * connection comes back by itself. Errors: EIO; EARG, for a file that cannot be used. */
bool dbf_nats_connect(dbf_nats_connection *c, const dbf_nats_login *login, int64_t deadline,
                      debrief_error *err);

/* Close it. Nothing else may use it then. */
void dbf_nats_disconnect(dbf_nats_connection *c);

/* Nothing is to come to the subscription any more; NULL is fine. It is destroyed later, for the client library (3.4, issue 637 of
 * nats.c) crashes when that happens while it takes a message for it. Not on one of its threads. */
void dbf_nats_unsubscribe(dbf_nats_connection *c, natsSubscription *sub);

/* Fill *err with what a call of the client library returned; false. `what` is what did not work: "cannot append to
 * session s1". ENOENT when there is no such stream, else EIO. */
bool dbf_nats_fail(dbf_nats_connection *c, natsStatus status, jsErrCode code, debrief_error *err,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same with what the server said itself; "": as above. */
bool dbf_nats_fail_as(dbf_nats_connection *c, natsStatus status, jsErrCode code, const char *said,
                      debrief_error *err, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Has the server said that something is not permitted? Forgets it with the answer. */
bool dbf_nats_was_denied(dbf_nats_connection *c, char *text, size_t size);

/* Can the same call succeed later? */
bool dbf_nats_is_passing(natsStatus status, jsErrCode code);

#endif
