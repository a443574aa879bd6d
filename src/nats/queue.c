/* queue.c: one piece, though long: it is a list of short functions, one for each of the interface, over one connection. */
#include "queue.h"

#include "../log/error.h"
#include "pick.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS INT64_C(1000000)

enum {
  HEADERS = 1024,  /* bytes that a message has besides its data, at most */
  SLICE = 50,      /* ms until `stopped` is asked again */
  WAIT = 2000,     /* ms for one answer of the servers: a request to a node that died is repeated then */
  STARTING = 5000, /* ms for which a server may have no JetStream yet */
  LEAVING = 5000,  /* ms for taking work off the queue */
  SUBSCRIPTIONS = 8,
  HEARD = 4096,           /* messages that may wait; what is said beyond them is lost */
  HEARD_BYTES = 64 << 20, /* of their data */
};

static const int64_t day = INT64_C(86400) * 1000 * MS, hour = INT64_C(3600) * 1000 * MS;

/* A message that was heard and waits. */
typedef struct letter {
  natsMsg *msg;
  struct letter *next;
} letter;

struct dbf_queue {
  dbf_nats_address address;
  dbf_nats_login login;
  dbf_nats_connection connection;
  int64_t timeout; /* ns */
  bool (*stopped)(void *user);
  void *user;
  dbf_nats_pick *pick;                            /* NULL: nothing was brought yet */
  bool leaving;                                   /* what is done now is done whatever has stopped */
  char streams[2][40];                            /* by dbf_queue_part */
  char inbox[64];                                 /* where work is delivered */
  natsSubscription *subscriptions[SUBSCRIPTIONS]; /* the first is that of `inbox` */
  int listening;
  pthread_mutex_t mutex; /* of what follows: threads of the client library add to it */
  pthread_cond_t heard;
  letter *first, **last;
  int letters;
  int64_t letter_bytes;
};

static bool is_stopped(const dbf_queue *q) {
  return !q->leaving && q->stopped(q->user);
}

static const char parts[] = {'w', 'd'};

/* "NAME.w.KEY" */
static void subject_of(const dbf_queue *q, char part, const char *key, char *out, size_t size) {
  snprintf(out, size, "%s.%c.%s", q->address.name, part, key);
}

/* ---- Trying again ---------------------------------------------------------------------------------------------- */

typedef struct attempt {
  int64_t began, deadline, pause;
} attempt;

static attempt first_attempt(const dbf_queue *q) {
  int64_t now = dbf_nats_clock();
  return (attempt){.began = now, .deadline = now + q->timeout, .pause = 20 * MS};
}

/* A server that starts says for a moment that it has no JetStream. */
static bool is_starting(const attempt *a, jsErrCode code) {
  return (code == JSNotEnabledErr || code == JSNotEnabledForAccountErr) &&
         dbf_nats_clock() - a->began < STARTING * MS;
}

/* Did a call fail in a way that passes, and is there time for another one? Waits before it. */
static bool again(const dbf_queue *q, attempt *a, natsStatus status, jsErrCode code) {
  if (status == NATS_OK || status == NATS_NOT_FOUND ||
      !(dbf_nats_is_passing(status, code) || is_starting(a, code)))
    return false;
  for (int64_t until = dbf_nats_clock() + a->pause; dbf_nats_clock() < until;) {
    if (is_stopped(q) || until > a->deadline) return false;
    dbf_nats_pause(SLICE * MS < a->pause ? SLICE * MS : a->pause);
  }
  if (a->pause < 500 * MS) a->pause *= 2;
  return true;
}

static jsOptions patient(void) {
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = WAIT;
  return options;
}

/* ---- What is heard ----------------------------------------------------------------------------------------------- */

/* Work was asked for, and does not get lost among what others say. */
static bool has_room(const dbf_queue *q, natsMsg *msg, int64_t size) {
  size_t name = strlen(q->address.name);
  const char *subject = natsMsg_GetSubject(msg);
  bool work = strncmp(subject, q->address.name, name) == 0 && strncmp(subject + name, ".w.", 3) == 0;
  return work || (q->letters < HEARD && q->letter_bytes + size <= HEARD_BYTES);
}

/* On a thread of the client library. */
static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *user) {
  dbf_queue *q = user;
  (void)nc, (void)sub;
  letter *l = malloc(sizeof *l);
  int64_t size = natsMsg_GetDataLength(msg);
  pthread_mutex_lock(&q->mutex);
  if (l && has_room(q, msg, size)) {
    *l = (letter){.msg = msg};
    *q->last = l;
    q->last = &l->next;
    q->letters++;
    q->letter_bytes += size;
    l = NULL;
    msg = NULL;
    pthread_cond_signal(&q->heard);
  }
  pthread_mutex_unlock(&q->mutex);
  free(l);
  natsMsg_Destroy(msg);
}

/* The oldest letter; NULL: there was none in so many ms. */
static natsMsg *take(dbf_queue *q, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)(ms % 1000) * 1000000L;
  until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_mutex_lock(&q->mutex);
  while (!q->first && ms > 0 && pthread_cond_timedwait(&q->heard, &q->mutex, &until) == 0) {}
  letter *l = q->first;
  if (l) {
    q->first = l->next;
    if (!q->first) q->last = &q->first;
    q->letters--;
    q->letter_bytes -= natsMsg_GetDataLength(l->msg);
  }
  pthread_mutex_unlock(&q->mutex);
  natsMsg *msg = l ? l->msg : NULL;
  free(l);
  return msg;
}

static bool subscribe(dbf_queue *q, const char *subject, debrief_error *err) {
  char denied[256];
  if (q->listening == SUBSCRIPTIONS) return dbf_fail(err, DEBRIEF_EARG, "too many keys to listen to");
  natsStatus s =
      natsConnection_Subscribe(&q->subscriptions[q->listening], q->connection.nc, subject, on_message, q);
  if (s == NATS_OK) q->listening++;
  if (s == NATS_OK) s = natsConnection_FlushTimeout(q->connection.nc, WAIT);
  if (s != NATS_OK) return dbf_nats_fail(&q->connection, s, 0, err, "cannot listen to %s", subject);
  if (dbf_nats_was_denied(&q->connection, denied, sizeof denied))
    return dbf_fail(err, DEBRIEF_EIO, "cannot listen to %s: the server does not permit it: %s", subject,
                    denied);
  return true;
}

/* ---- Opening ------------------------------------------------------------------------------------------------------- */

static void release(dbf_queue *q) {
  for (natsMsg *msg; (msg = take(q, 0));) natsMsg_Destroy(msg);
  pthread_mutex_destroy(&q->connection.mutex);
  dbf_nats_login_release(&q->login);
  dbf_nats_address_release(&q->address);
  pthread_cond_destroy(&q->heard);
  pthread_mutex_destroy(&q->mutex);
  free(q);
}

/* No callback runs when this returns: the connection's threads are ended by its destruction. */
static void queue_close(dbf_queue *q, bool forked) {
  dbf_nats_pick_free(q->pick, forked);
  if (forked) return;
  for (int i = 0; i < q->listening; i++) dbf_nats_unsubscribe(&q->connection, q->subscriptions[i]);
  dbf_nats_disconnect(&q->connection);
  release(q);
}

static void init_mailbox(dbf_queue *q) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&q->heard, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&q->mutex, NULL);
  q->last = &q->first;
}

static bool open_inbox(dbf_queue *q, debrief_error *err) {
  natsInbox *inbox = NULL;
  natsStatus s = natsInbox_Create(&inbox);
  if (s != NATS_OK) return dbf_nats_fail(&q->connection, s, 0, err, "cannot make an inbox");
  snprintf(q->inbox, sizeof q->inbox, "%s", inbox);
  natsInbox_Destroy(inbox);
  return subscribe(q, q->inbox, err);
}

static dbf_queue *queue_open(const char *address, const debrief_log_config *config,
                             bool (*stopped)(void *user), void *user, debrief_error *err) {
  dbf_queue *q = calloc(1, sizeof *q);
  if (!q) return dbf_fail_memory(err), NULL;
  init_mailbox(q);
  bool ok = dbf_nats_address_parse(&q->address, address, err);
  dbf_nats_connection_init(&q->connection, &q->address);
  ok = ok && dbf_nats_login_take(&q->login, config, err);
  if (!ok) return release(q), NULL;
  q->timeout = (config->timeout_ms ? config->timeout_ms : 30000) * MS;
  q->stopped = stopped;
  q->user = user;
  snprintf(q->streams[DBF_QUEUE_WORK], sizeof q->streams[0], "%s-work", q->address.name);
  snprintf(q->streams[DBF_QUEUE_REST], sizeof q->streams[0], "%s-done", q->address.name);
  if (dbf_nats_connect(&q->connection, &q->login, dbf_nats_clock() + q->timeout, err) && open_inbox(q, err))
    return q;
  queue_close(q, false);
  return NULL;
}

static const char *queue_shown(const dbf_queue *q) {
  return q->address.shown;
}

static size_t queue_room(const dbf_queue *q) {
  int64_t most = natsConnection_GetMaxPayload(q->connection.nc);
  return most > 2 * HEADERS ? (size_t)most - HEADERS : HEADERS;
}

/* ---- Making -------------------------------------------------------------------------------------------------------- */

/* As many replicas as the log has. */
static bool replicas_of_log(dbf_queue *q, int64_t *replicas, debrief_error *err) {
  jsStreamInfo *info = NULL;
  jsErrCode code = 0;
  natsStatus s;
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    s = js_GetStreamInfo(&info, q->connection.js, q->address.name, &options, &code);
  } while (again(q, &a, s, code));
  if (s != NATS_OK) return dbf_nats_fail(&q->connection, s, code, err, "cannot use %s", q->address.shown);
  *replicas = info->Config->Replicas;
  jsStreamInfo_Destroy(info);
  return true;
}

static bool make_part(dbf_queue *q, dbf_queue_part part, int64_t replicas, debrief_error *err) {
  char subject[64];
  const char *subjects[] = {subject};
  jsStreamConfig config;
  jsErrCode code = 0;
  natsStatus s;
  subject_of(q, parts[part], ">", subject, sizeof subject);
  jsStreamConfig_Init(&config);
  config.Name = q->streams[part];
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  config.Retention = part == DBF_QUEUE_WORK ? js_WorkQueuePolicy : js_LimitsPolicy;
  config.Replicas = replicas;
  config.MaxAge = day;
  config.AllowDirect = part == DBF_QUEUE_REST;
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    s = js_AddStream(NULL, q->connection.js, &config, &options, &code);
  } while (again(q, &a, s, code));
  if (s == NATS_OK || code == JSStreamNameExistErr) return true;
  return dbf_nats_fail(&q->connection, s, code, err, "cannot make the stream %s", config.Name);
}

static bool queue_make(dbf_queue *q, debrief_error *err) {
  int64_t replicas = 0;
  return replicas_of_log(q, &replicas, err) && make_part(q, DBF_QUEUE_WORK, replicas, err) &&
         make_part(q, DBF_QUEUE_REST, replicas, err);
}

/* ---- What is kept ---------------------------------------------------------------------------------------------------- */

/* Without its stream there is no queue yet: that is not the log's stream, which `debrief init` makes. */
static bool fail_of(dbf_queue *q, dbf_queue_part part, natsStatus s, jsErrCode code, debrief_error *err,
                    const char *what) {
  if (is_stopped(q)) return dbf_fail(err, DEBRIEF_EIO, "%s: interrupted", what);
  if (code == JSStreamNotFoundErr || s == NATS_NOT_FOUND)
    return dbf_fail(err, DEBRIEF_ENOENT, "%s: there is no stream %s", what, q->streams[part]);
  return dbf_nats_fail(&q->connection, s, code, err, "%s", what);
}

static bool queue_put(dbf_queue *q, dbf_queue_part part, const char *key, const char *data, size_t len,
                      const char *id, debrief_error *err) {
  char subject[256];
  jsPubOptions options;
  jsErrCode code = 0;
  natsStatus s;
  subject_of(q, parts[part], key, subject, sizeof subject);
  attempt a = first_attempt(q);
  do {
    jsPubOptions_Init(&options);
    options.MsgId = id;
    options.MaxWait = WAIT;
    s = js_Publish(NULL, q->connection.js, subject, data, (int)len, &options, &code);
  } while (again(q, &a, s, code));
  return s == NATS_OK || fail_of(q, part, s, code, err, "cannot put work into the queue");
}

static void describe(const dbf_queue *q, natsMsg *msg, dbf_queue_message *out) {
  const char *subject = natsMsg_GetSubject(msg), *reply = natsMsg_GetReply(msg);
  size_t name = strlen(q->address.name);
  bool ours = strncmp(subject, q->address.name, name) == 0 && subject[name] == '.';
  *out = (dbf_queue_message){.held = msg,
                             .key = ours ? subject + name + 1 : "",
                             .reply = reply && *reply ? reply : NULL,
                             .data = natsMsg_GetData(msg),
                             .len = (size_t)natsMsg_GetDataLength(msg)};
  if (!out->data) out->data = "";
}

static bool queue_next(dbf_queue *q, const char *key, uint64_t sequence, dbf_queue_message *message,
                       debrief_error *err) {
  char subject[256];
  jsDirectGetMsgOptions which;
  natsMsg *msg = NULL;
  natsStatus s;
  *message = (dbf_queue_message){0};
  subject_of(q, parts[DBF_QUEUE_REST], key, subject, sizeof subject);
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    jsDirectGetMsgOptions_Init(&which);
    which.Sequence = sequence ? sequence : 1;
    which.NextBySubject = subject;
    s = js_DirectGetMsg(&msg, q->connection.js, q->streams[DBF_QUEUE_REST], &options, &which);
  } while (again(q, &a, s, 0));
  if (s == NATS_NOT_FOUND) return true;
  if (s != NATS_OK) return fail_of(q, DBF_QUEUE_REST, s, 0, err, "cannot read answers");
  describe(q, msg, message);
  message->sequence = natsMsg_GetSequence(msg);
  message->time_ns = natsMsg_GetTime(msg);
  return true;
}

static bool queue_purge(dbf_queue *q, dbf_queue_part part, const char *key, debrief_error *err) {
  char subject[256];
  jsErrCode code = 0;
  natsStatus s;
  subject_of(q, parts[part], key, subject, sizeof subject);
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    options.Stream.Purge.Subject = subject;
    s = js_PurgeStream(q->connection.js, q->streams[part], &options, &code);
  } while (again(q, &a, s, code));
  return s == NATS_OK || fail_of(q, part, s, code, err, "cannot take work off the queue");
}

static bool queue_say(dbf_queue *q, const char *key, const char *data, size_t len, debrief_error *err) {
  char subject[256];
  subject_of(q, 'p', key, subject, sizeof subject);
  natsStatus s = natsConnection_Publish(q->connection.nc, subject, data, (int)len);
  return s == NATS_OK || dbf_nats_fail(&q->connection, s, 0, err, "cannot speak to workers");
}

/* ---- Work -------------------------------------------------------------------------------------------------------------- */

static bool queue_offer(dbf_queue *q, const char *job, int64_t patience_ms, debrief_error *err) {
  char key[128], subject[256];
  jsConsumerConfig config;
  jsErrCode code = 0;
  natsStatus s;
  snprintf(key, sizeof key, "%s.>", job);
  subject_of(q, 'w', key, subject, sizeof subject);
  jsConsumerConfig_Init(&config);
  config.Durable = job;
  config.FilterSubject = subject;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = patience_ms * MS;
  config.MaxDeliver = -1;
  config.InactiveThreshold = hour;
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    s = js_AddConsumer(NULL, q->connection.js, q->streams[DBF_QUEUE_WORK], &config, &options, &code);
  } while (again(q, &a, s, code));
  return s == NATS_OK || fail_of(q, DBF_QUEUE_WORK, s, code, err, "cannot offer work");
}

static bool delete_consumer(dbf_queue *q, const char *job, debrief_error *err) {
  jsErrCode code = 0;
  natsStatus s;
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    s = js_DeleteConsumer(q->connection.js, q->streams[DBF_QUEUE_WORK], job, &options, &code);
  } while (again(q, &a, s, code));
  if (s == NATS_OK || s == NATS_NOT_FOUND || code == JSConsumerNotFoundErr) return true;
  return fail_of(q, DBF_QUEUE_WORK, s, code, err, "cannot take work off the queue");
}

/* Also after an interrupt, and then not for long. Workers that hear of it look whether the consumer is gone: anyone may
 * say that a job is over. */
static bool queue_withdraw(dbf_queue *q, const char *job, debrief_error *err) {
  char key[128];
  int64_t timeout = q->timeout;
  snprintf(key, sizeof key, "%s.>", job);
  q->leaving = true;
  if (q->timeout > LEAVING * MS) q->timeout = LEAVING * MS;
  bool ok = delete_consumer(q, job, err);
  queue_say(q, "over", job, strlen(job), NULL);
  ok = queue_purge(q, DBF_QUEUE_WORK, key, err) && ok;
  ok = queue_purge(q, DBF_QUEUE_REST, key, err) && ok;
  natsConnection_FlushTimeout(q->connection.nc, WAIT);
  q->timeout = timeout;
  q->leaving = false;
  return ok;
}

static bool queue_ask(dbf_queue *q, const char *job, int64_t ms, debrief_error *err) {
  char subject[256], request[64];
  snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s", q->streams[DBF_QUEUE_WORK], job);
  int len = snprintf(request, sizeof request, "{\"batch\":1,\"expires\":%" PRId64 "}", ms * MS);
  natsStatus s = natsConnection_PublishRequest(q->connection.nc, subject, q->inbox, request, len);
  return s == NATS_OK || dbf_nats_fail(&q->connection, s, 0, err, "cannot ask for work");
}

static bool queue_answer(dbf_queue *q, const char *reply, const char *text, debrief_error *err) {
  natsStatus s = natsConnection_PublishString(q->connection.nc, reply, text);
  return s == NATS_OK || dbf_nats_fail(&q->connection, s, 0, err, "cannot acknowledge work");
}

/* $JS.ACK.STREAM.CONSUMER.DELIVERIES. ..., or with a domain and an account before the stream; 0: it is no work. */
static uint64_t deliveries_of(const char *reply) {
  const char *words[12];
  int count = 0;
  if (!reply || strncmp(reply, "$JS.ACK.", 8) != 0) return 0;
  for (const char *at = reply; at && count < 12; at = strchr(at, '.'), at = at ? at + 1 : NULL)
    words[count++] = at;
  int place = count == 9 ? 4 : count > 10 ? 6 : 0;
  return place ? strtoull(words[place], NULL, 10) : 0;
}

/* ---- What is said -------------------------------------------------------------------------------------------------------- */

static bool queue_listen(dbf_queue *q, const char *key, debrief_error *err) {
  char subject[256];
  subject_of(q, 'p', key, subject, sizeof subject);
  return subscribe(q, subject, err);
}

static bool queue_hear(dbf_queue *q, int64_t ms, dbf_queue_message *message, debrief_error *err) {
  char denied[256];
  int64_t until = dbf_nats_clock() + ms * MS;
  natsMsg *msg;
  *message = (dbf_queue_message){0};
  do {
    int64_t left = (until - dbf_nats_clock()) / MS;
    if (is_stopped(q)) return dbf_fail(err, DEBRIEF_EIO, "interrupted");
    msg = take(q, left < 0 ? 0 : left > SLICE ? SLICE : left);
  } while (!msg && dbf_nats_clock() < until);
  if (dbf_nats_was_denied(&q->connection, denied, sizeof denied)) {
    natsMsg_Destroy(msg);
    return dbf_fail(err, DEBRIEF_EIO, "the server does not permit it: %s", denied);
  }
  if (!msg) return true;
  describe(q, msg, message);
  message->deliveries = deliveries_of(message->reply);
  return true;
}

static void queue_drop(dbf_queue_message *message) {
  natsMsg_Destroy(message->held);
  message->held = NULL;
}

static bool queue_jobs(dbf_queue *q, void (*each)(void *user, const dbf_queue_job *job), void *user,
                       debrief_error *err) {
  jsConsumerInfoList *list = NULL;
  jsErrCode code = 0;
  natsStatus s;
  attempt a = first_attempt(q);
  do {
    jsOptions options = patient();
    s = js_Consumers(&list, q->connection.js, q->streams[DBF_QUEUE_WORK], &options, &code);
  } while (again(q, &a, s, code));
  if (s == NATS_NOT_FOUND || code == JSStreamNotFoundErr) return true;
  if (s != NATS_OK) return fail_of(q, DBF_QUEUE_WORK, s, code, err, "cannot look at the queue");
  for (int i = 0; i < list->Count; i++) {
    const jsConsumerInfo *one = list->List[i];
    each(user, &(dbf_queue_job){
                   .name = one->Name, .waiting = one->NumPending, .under_way = (uint64_t)one->NumAckPending});
  }
  jsConsumerInfoList_Destroy(list);
  return true;
}

/* A stream that was made again has other sessions, and a folder that could not be written is tried again. */
static const char *queue_folder(dbf_queue *q, debrief_error *err) {
  dbf_store_state state;
  if (!dbf_nats_stream_look(&q->connection, &state, dbf_nats_clock() + q->timeout, err)) return NULL;
  if (q->pick && (dbf_nats_pick_created(q->pick) != state.created_ns || dbf_nats_pick_is_broken(q->pick))) {
    dbf_nats_pick_free(q->pick, false);
    q->pick = NULL;
  }
  if (!q->pick) q->pick = dbf_nats_pick_new(&q->connection, state.created_ns, err);
  return q->pick ? dbf_nats_pick_path(q->pick) : NULL;
}

static bool queue_bring(dbf_queue *q, const char *id, uint64_t *size, int64_t ms, bool *done,
                        debrief_error *err) {
  return (q->pick || queue_folder(q, err)) &&
         dbf_nats_pick_bring(q->pick, id, size, dbf_nats_clock() + ms * MS, done, err);
}

const dbf_queue_kind dbf_nats_queue = {.open = queue_open,
                                       .close = queue_close,
                                       .shown = queue_shown,
                                       .make = queue_make,
                                       .room = queue_room,
                                       .put = queue_put,
                                       .next = queue_next,
                                       .purge = queue_purge,
                                       .offer = queue_offer,
                                       .withdraw = queue_withdraw,
                                       .ask = queue_ask,
                                       .answer = queue_answer,
                                       .say = queue_say,
                                       .listen = queue_listen,
                                       .hear = queue_hear,
                                       .drop = queue_drop,
                                       .bring = queue_bring,
                                       .folder = queue_folder,
                                       .jobs = queue_jobs};
