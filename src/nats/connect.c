#include "connect.h"

#include "../log/error.h"
#include "../log/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)

enum {
  ENDED = 8,     /* subscriptions that are destroyed together */
  FLUSHED = 2000 /* ms, how long the answer of the server is waited for */
};

int64_t dbf_nats_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void dbf_nats_pause(int64_t ns) {
  struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
  nanosleep(&time, NULL);
}

bool dbf_nats_is_stopped(const dbf_nats_connection *c) {
  return c->stopped && c->stopped();
}

/* ---- What failures mean ---------------------------------------------------------------------------------------- */

/* Called on a thread of the client library. Without a handler it prints. */
static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *user) {
  dbf_nats_connection *c = user;
  const char *text = NULL;
  (void)sub;
  if (status != NATS_NOT_PERMITTED) return;
  natsConnection_GetLastError(nc, &text);
  pthread_mutex_lock(&c->mutex);
  snprintf(c->denied, sizeof c->denied, "%s", text ? text : "not permitted");
  pthread_mutex_unlock(&c->mutex);
}

static void on_reconnect(natsConnection *nc, void *user) {
  dbf_nats_connection *c = user;
  atomic_store(&c->max_payload, natsConnection_GetMaxPayload(nc));
  atomic_fetch_add(&c->reconnects, 1);
}

bool dbf_nats_was_denied(dbf_nats_connection *c, char *text, size_t size) {
  pthread_mutex_lock(&c->mutex);
  bool was = *c->denied;
  if (was) snprintf(text, size, "%s", c->denied);
  *c->denied = '\0';
  pthread_mutex_unlock(&c->mutex);
  return was;
}

bool dbf_nats_is_passing(natsStatus status, jsErrCode code) {
  switch ((int)code) {
  case JSClusterNotAvailErr:
  case JSClusterNotLeaderErr:
  case JSClusterIncompleteErr:
  case JSClusterNotAssignedErr:
  case JSRaftGeneralErr:
  case JSStreamOfflineErr:
  case JSConsumerOfflineErr: return true;
  case 0: break;
  default: return false;
  }
  switch (status) {
  case NATS_CONNECTION_AUTH_FAILED:
  case NATS_SECURE_CONNECTION_WANTED:
  case NATS_SECURE_CONNECTION_REQUIRED:
  case NATS_SSL_ERROR:
  case NATS_NOT_PERMITTED:
  case NATS_INVALID_ARG:
  case NATS_INVALID_SUBJECT:
  case NATS_MAX_PAYLOAD:
  case NATS_NO_MEMORY:
  case NATS_CONNECTION_CLOSED:
  case NATS_ERR: return false;
  default: return true;
  }
}

/* What libssl says of a certificate, in words for people. */
static void reason_of_tls(const char *said, char *out, size_t size) {
  static const char unknown[] = "the authority of the server's certificate is not known here: --tls-ca FILE";
  static const char other[] = "the server's certificate is for another host";
  static const struct {
    const char *said, *meaning;
  } known[] = {
      {"certificate has expired", "the server's certificate has expired"},
      {"certificate is not yet valid", "the server's certificate is not valid yet, by the clock here"},
      {"hostname mismatch", other},
      {"IP address mismatch", other},
      {"unable to get local issuer", unknown},
      {"self-signed certificate", unknown},
      {"self signed certificate", unknown}};
  const char *text = strncmp(said, "(conn.c:", 8) == 0 ? strstr(said, "): ") : NULL;
  text = text ? text + 3 : said;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!strstr(said, known[i].said)) continue;
    snprintf(out, size, "TLS failed: %s (%.200s)", known[i].meaning, text);
    return;
  }
  snprintf(out, size, "TLS failed: %.200s", text);
}

/* What the call failed for, without what it was for. */
static void reason(dbf_nats_connection *c, natsStatus status, jsErrCode code, const char *said, char *out,
                   size_t size) {
  natsStatus unused;
  char denied[256];
  if (!said || !*said) said = nats_GetLastError(&unused);
  if (!said || !*said) said = natsStatus_GetText(status);
  switch (code) {
  case JSStreamNotFoundErr:
    snprintf(out, size, "there is no stream %s (`debrief init %s` makes it)", c->address->name,
             c->address->shown);
    return;
  case JSNotEnabledErr:
  case JSNotEnabledForAccountErr:
    snprintf(
        out, size,
        "JetStream is not enabled there for this account (`jetstream {}` in the server's configuration)");
    return;
  case JSStreamStoreFailedErr:
  case JSStorageResourcesExceededErr:
  case JSAccountResourcesExceededErr:
  case JSInsufficientResourcesErr:
  case JSMemoryResourcesExceededErr:
  case JSStreamLimitsErr:
    snprintf(out, size, "the stream is full (%.160s): raise its limits, or the server's", said);
    return;
  default: break;
  }
  switch (status) {
  case NATS_CONNECTION_AUTH_FAILED:
    snprintf(out, size, "the server refused the login: check user, password or --creds");
    return;
  case NATS_SECURE_CONNECTION_REQUIRED:
    snprintf(out, size, "the server wants TLS: write tls:// instead of nats://");
    return;
  case NATS_SECURE_CONNECTION_WANTED:
    snprintf(out, size, "the server has no TLS, and the address says tls://");
    return;
  case NATS_SSL_ERROR: reason_of_tls(said, out, size); return;
  case NATS_NO_RESPONDERS:
    snprintf(out, size,
             "no JetStream answers there (`jetstream {}` in the server's configuration, and a leader)");
    return;
  case NATS_TIMEOUT:
    if (dbf_nats_was_denied(c, denied, sizeof denied))
      snprintf(out, size, "the server does not permit it: %s", denied);
    else snprintf(out, size, "the servers did not answer in time");
    return;
  case NATS_NO_SERVER: snprintf(out, size, "no server answers there"); return;
  default: snprintf(out, size, "%.240s", said); return;
  }
}

static bool fail(dbf_nats_connection *c, natsStatus status, jsErrCode code, const char *said,
                 debrief_error *err, const char *format, va_list args) {
  char what[200], why[320];
  vsnprintf(what, sizeof what, format, args);
  if (status == NATS_NO_MEMORY) return dbf_fail_memory(err);
  reason(c, status, code, said, why, sizeof why);
  return dbf_fail(err, code == JSStreamNotFoundErr ? DEBRIEF_ENOENT : DEBRIEF_EIO, "%s: %s", what, why);
}

bool dbf_nats_fail(dbf_nats_connection *c, natsStatus status, jsErrCode code, debrief_error *err,
                   const char *format, ...) {
  va_list args;
  va_start(args, format);
  fail(c, status, code, NULL, err, format, args);
  va_end(args);
  return false;
}

bool dbf_nats_fail_as(dbf_nats_connection *c, natsStatus status, jsErrCode code, const char *said,
                      debrief_error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fail(c, status, code, said, err, format, args);
  va_end(args);
  return false;
}

/* ---- Logging in ------------------------------------------------------------------------------------------------ */

static char *copy(const char *text, bool *ok) {
  char *out = text && *text ? strdup(text) : NULL;
  *ok = *ok && (out || !text || !*text);
  return out;
}

bool dbf_nats_login_take(dbf_nats_login *login, const debrief_log_config *config, debrief_error *err) {
  bool ok = true;
  const char *creds = config->creds ? config->creds : getenv("NATS_CREDS");
  *login = (dbf_nats_login){.creds = copy(creds, &ok),
                            .tls_ca = copy(config->tls_ca, &ok),
                            .tls_cert = copy(config->tls_cert, &ok),
                            .tls_key = copy(config->tls_key, &ok)};
  return ok || dbf_fail_memory(err);
}

void dbf_nats_login_release(dbf_nats_login *login) {
  free(login->creds);
  free(login->tls_ca);
  free(login->tls_cert);
  free(login->tls_key);
}

/* ---- Connecting ------------------------------------------------------------------------------------------------ */

void dbf_nats_connection_init(dbf_nats_connection *c, const dbf_nats_address *address) {
  *c = (dbf_nats_connection){.address = address};
  dbf_hash_key random = dbf_hash_key_new();
  memcpy(c->identity, random.words, sizeof c->identity);
  pthread_mutex_init(&c->mutex, NULL);
}

/* The client library reads the file when it connects, and then says little of what is wrong with it. */
static bool check_file(const char *option, const char *path, debrief_error *err) {
  if (!path || access(path, R_OK) == 0) return true;
  dbf_fail_errno(err, "cannot read the file of %s, %.200s", option, path);
  if (err) err->code = DEBRIEF_EARG;
  return false;
}

static bool check_files(const dbf_nats_login *login, debrief_error *err) {
  if (!check_file("--creds", login->creds, err) || !check_file("--tls-ca", login->tls_ca, err) ||
      !check_file("--tls-cert", login->tls_cert, err) || !check_file("--tls-key", login->tls_key, err))
    return false;
  if (!login->tls_cert == !login->tls_key) return true;
  return dbf_fail(err, DEBRIEF_EARG, "--tls-cert and --tls-key go together: a certificate, and its key");
}

static natsStatus set_login(natsOptions *o, const dbf_nats_address *a, const dbf_nats_login *login) {
  natsStatus s = NATS_OK;
  if (a->user && a->password) s = natsOptions_SetUserInfo(o, a->user, a->password);
  else if (a->user) s = natsOptions_SetToken(o, a->user);
  if (s == NATS_OK && login->creds) s = natsOptions_SetUserCredentialsFromFiles(o, login->creds, NULL);
  if (s == NATS_OK && (a->tls || login->tls_ca || login->tls_cert)) s = natsOptions_SetSecure(o, true);
  if (s == NATS_OK && login->tls_ca) s = natsOptions_LoadCATrustedCertificates(o, login->tls_ca);
  if (s == NATS_OK && login->tls_cert)
    s = natsOptions_LoadCertificatesChain(o, login->tls_cert, login->tls_key);
  return s;
}

/* A node that is gone without a word is noticed in 6 s; what waits for it fails at once when the connection is lost, and
 * is tried again on the next node. */
static natsStatus set_manner(natsOptions *o, dbf_nats_connection *c) {
  natsStatus s = natsOptions_SetServers(o, (const char **)c->address->servers, c->address->count);
  if (s == NATS_OK) s = natsOptions_SetName(o, "debrief");
  if (s == NATS_OK) s = natsOptions_SetTimeout(o, 2000);
  if (s == NATS_OK) s = natsOptions_SetMaxReconnect(o, 1 << 30);
  if (s == NATS_OK) s = natsOptions_SetReconnectWait(o, 100);
  if (s == NATS_OK) s = natsOptions_SetReconnectJitter(o, 50, 50);
  if (s == NATS_OK) s = natsOptions_SetPingInterval(o, 2000);
  if (s == NATS_OK) s = natsOptions_SetMaxPingsOut(o, 2);
  if (s == NATS_OK) s = natsOptions_SetFailRequestsOnDisconnect(o, true);
  if (s == NATS_OK) s = natsOptions_SetErrorHandler(o, on_error, c);
  if (s == NATS_OK) s = natsOptions_SetReconnectedCB(o, on_reconnect, c);
  return s;
}

static natsStatus try_once(dbf_nats_connection *c, natsOptions *options) {
  natsStatus s = natsConnection_Connect(&c->nc, options);
  jsOptions js;
  if (s == NATS_OK) s = jsOptions_Init(&js);
  if (s == NATS_OK) js.Wait = 5000;
  if (s == NATS_OK) s = natsConnection_JetStream(&c->js, c->nc, &js);
  if (s == NATS_OK) atomic_store(&c->max_payload, natsConnection_GetMaxPayload(c->nc));
  else dbf_nats_disconnect(c);
  return s;
}

/* With several servers the client library says that none is there, whatever the last one failed for. */
static natsStatus cause_of(natsStatus status) {
  natsStatus last = NATS_OK;
  nats_GetLastError(&last);
  bool tells = last == NATS_PROTOCOL_ERROR || !dbf_nats_is_passing(last, 0);
  return status == NATS_NO_SERVER && tells ? last : status;
}

/* Did the server end the connection while it was greeted? One that refuses the client's certificate does so when TLS is
 * made already, and the client notices when it reads or when it writes. */
static bool was_ended(natsStatus cause) {
  natsStatus unused;
  const char *said = nats_GetLastError(&unused);
  return cause != NATS_OK && said && (strstr(said, "'PONG', got ''") || strstr(said, "SSL_"));
}

/* Can it not pass? A server may die at any moment of a greeting, but not three times. */
static bool is_final(natsStatus cause, int *ended) {
  if (was_ended(cause) || cause == NATS_PROTOCOL_ERROR) return ++*ended == 3;
  return !dbf_nats_is_passing(cause, 0);
}

static bool fail_to_connect(dbf_nats_connection *c, const dbf_nats_login *login, natsStatus cause,
                            debrief_error *err) {
  if (!was_ended(cause) || !(c->address->tls || login->tls_ca || login->tls_cert))
    return dbf_nats_fail(c, cause, 0, err, "cannot connect to %s", c->address->shown);
  return dbf_fail(err, DEBRIEF_EIO,
                  "cannot connect to %s: the server ended the connection as soon as TLS was made: %s",
                  c->address->shown,
                  login->tls_cert ? "it may not accept the certificate of --tls-cert"
                                  : "it may want a client's certificate (--tls-cert, --tls-key)");
}

bool dbf_nats_connect(dbf_nats_connection *c, const dbf_nats_login *login, int64_t deadline,
                      debrief_error *err) {
  natsOptions *options = NULL;
  if (!check_files(login, err)) return false;
  natsStatus s = natsOptions_Create(&options);
  if (s == NATS_OK) s = set_manner(options, c);
  if (s == NATS_OK) s = set_login(options, c->address, login);
  if (s != NATS_OK) {
    natsOptions_Destroy(options);
    dbf_nats_fail(c, s, 0, err, "cannot log in at %s", c->address->shown);
    if (err && s != NATS_NO_MEMORY) err->code = DEBRIEF_EARG;
    return false;
  }
  int ended = 0;
  for (int64_t pause = 50 * MS;; pause = pause < 800 * MS ? pause * 2 : pause) {
    s = cause_of(try_once(c, options));
    if (s == NATS_OK || is_final(s, &ended) || dbf_nats_is_stopped(c) || dbf_nats_clock() + pause > deadline)
      break;
    dbf_nats_pause(pause);
  }
  natsOptions_Destroy(options);
  return s == NATS_OK || fail_to_connect(c, login, s, err);
}

/* ---- The end of subscriptions -------------------------------------------------------------------------------------- */

static void destroy_all(natsSubscription **subs, unsigned count) {
  for (unsigned i = 0; i < count; i++) natsSubscription_Destroy(subs[i]);
}

/* Without memory it is never destroyed. */
static bool remember(dbf_nats_connection *c, natsSubscription *sub) {
  if (c->ended_count == c->ended_room) {
    unsigned room = c->ended_room + ENDED;
    natsSubscription **more = realloc(c->ended, room * sizeof(natsSubscription *));
    if (!more) return false;
    c->ended = more;
    c->ended_room = room;
  }
  c->ended[c->ended_count++] = sub;
  return true;
}

/* The thread that takes messages has come to the answer of a flush when it has taken all that were there before. */
void dbf_nats_unsubscribe(dbf_nats_connection *c, natsSubscription *sub) {
  natsSubscription *passed[ENDED];
  unsigned count = 0;
  if (!sub) return;
  natsSubscription_Unsubscribe(sub);
  pthread_mutex_lock(&c->mutex);
  if (remember(c, sub) && c->ended_count >= ENDED) {
    count = ENDED;
    memcpy(passed, c->ended, sizeof passed);
    c->ended_count -= count;
    memmove(c->ended, c->ended + count, c->ended_count * sizeof *c->ended);
  }
  pthread_mutex_unlock(&c->mutex);
  if (count == 0) return;
  if (natsConnection_FlushTimeout(c->nc, FLUSHED) == NATS_OK) {
    destroy_all(passed, count);
    return;
  }
  pthread_mutex_lock(&c->mutex);
  for (unsigned i = 0; i < count; i++) remember(c, passed[i]);
  pthread_mutex_unlock(&c->mutex);
}

/* The connection's threads have ended when it is destroyed. */
void dbf_nats_disconnect(dbf_nats_connection *c) {
  jsCtx_Destroy(c->js);
  natsConnection_Destroy(c->nc);
  destroy_all(c->ended, c->ended_count);
  free(c->ended);
  c->ended = NULL;
  c->ended_count = c->ended_room = 0;
  c->js = NULL;
  c->nc = NULL;
}
