#include "desk.h"

#include "../log/error.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS     INT64_C(1000000)
#define PAUSE  (MS / 5)
#define BATCH  128
#define PLACES 1024 /* threads that wait at once; more go the other way */

/* Who waits here, and whether an answer has come: the turn in the upper bits, for one may come when who asked has gone. */
enum { IDLE, WAITING, ANSWERED };

typedef struct place {
  atomic_bool taken;
  atomic_uint state; /* turn * 4 + one of the above */
  sem_t answered;
  natsMsg *message; /* as it was sent, for the client library's thread to destroy */
  natsStatus status;
  uint64_t sequence;
  jsErrCode code;
  char said[160];
} place;

struct dbf_nats_desk {
  dbf_nats_connection *c;
  natsSubscription *sub; /* NULL: no two threads have met here yet */
  natsInbox *inbox;
  atomic_bool sending; /* a thread sends by itself */
  atomic_bool open;    /* there is the subscription */
  atomic_uint waiting;
  pthread_mutex_t mutex;
  sem_t left;          /* the client library's thread has */
  place *woken[BATCH]; /* who has an answer and does not know it yet */
  natsMsg *messages[2 * BATCH];
  unsigned woken_count, message_count;
  place places[PLACES];
};

/* ---- Answers --------------------------------------------------------------------------------------------------- */

static uint64_t number_in(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* {"stream":"T","seq":7} or {"error":{"code":503,"err_code":10077,"description":"..."},"stream":"T","seq":0} */
static natsStatus read_answer(place *at, const char *text) {
  const char *fault = strstr(text, "\"error\":");
  at->sequence = number_in(text, "\"seq\":");
  if (!fault) return at->sequence ? NATS_OK : NATS_ERR;
  at->code = (jsErrCode)number_in(fault, "\"err_code\":");
  const char *words = strstr(fault, "\"description\":\"");
  if (words) sscanf(words, "\"description\":\"%159[^\"]", at->said);
  return NATS_ERR;
}

/* The place that a subject ends with, INBOX.INDEX-TURN; NULL: nobody waits there for it. */
static place *place_of(dbf_nats_desk *desk, const char *subject) {
  const char *word = strrchr(subject, '.');
  char *end;
  unsigned long index = word ? strtoul(word + 1, &end, 10) : PLACES;
  if (index >= PLACES || *end != '-') return NULL;
  unsigned wanted = (unsigned)strtoul(end + 1, NULL, 10) * 4 + WAITING;
  place *at = &desk->places[index];
  return atomic_compare_exchange_strong(&at->state, &wanted, wanted - WAITING + ANSWERED) ? at : NULL;
}

/* What came together is settled together: to destroy one message wakes a thread of the client library, to wake one that waits
 * makes room for it at once. */
static void settle(dbf_nats_desk *desk) {
  for (unsigned i = 0; i < desk->message_count; i++) natsMsg_Destroy(desk->messages[i]);
  for (unsigned i = 0; i < desk->woken_count; i++) sem_post(&desk->woken[i]->answered);
  desk->message_count = desk->woken_count = 0;
}

static bool is_more_there(natsSubscription *sub) {
  int more = 0;
  return natsSubscription_GetPending(sub, &more, NULL) == NATS_OK && more > 0;
}

/* Are there more answers to come, for most of those who wait? */
static bool is_worth_waiting(const dbf_nats_desk *desk) {
  return desk->woken_count * 2 < atomic_load(&desk->waiting);
}

/* On a thread of the client library, and only there. */
static void on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *message, void *user) {
  dbf_nats_desk *desk = user;
  char text[512];
  size_t len = (size_t)natsMsg_GetDataLength(message);
  place *at = place_of(desk, natsMsg_GetSubject(message));
  (void)nc;
  if (at) {
    if (len >= sizeof text) len = sizeof text - 1;
    if (len) memcpy(text, natsMsg_GetData(message), len);
    text[len] = '\0';
    at->status = len == 0 && natsMsg_IsNoResponders(message) ? NATS_NO_RESPONDERS : read_answer(at, text);
    desk->woken[desk->woken_count++] = at;
  }
  desk->messages[desk->message_count++] = message;
  if (at && at->message) desk->messages[desk->message_count++] = at->message, at->message = NULL;
  bool full = desk->message_count > 2 * BATCH - 2 || desk->woken_count == BATCH;
  if (!full && is_more_there(sub)) return;
  if (!full && is_worth_waiting(desk)) {
    dbf_nats_pause(PAUSE);
    if (is_more_there(sub)) return;
  }
  settle(desk);
}

/* ---- Publishing ------------------------------------------------------------------------------------------------ */

static natsStatus publish_alone(dbf_nats_connection *c, dbf_nats_posting *p) {
  jsPubAck *ack = NULL;
  natsStatus s = js_Publish(&ack, c->js, p->subject, p->data, (int)p->len, &p->options, &p->code);
  if (s == NATS_OK) p->sequence = ack->Sequence;
  else if (p->code) snprintf(p->said, sizeof p->said, "%s", nats_GetLastError(NULL));
  jsPubAck_Destroy(ack);
  return s;
}

static natsStatus set_headers(natsMsg *message, const jsPubOptions *o) {
  char number[24];
  natsStatus s = natsMsgHeader_Set(message, "Nats-Msg-Id", o->MsgId);
  if (s == NATS_OK) s = natsMsgHeader_Set(message, "Nats-Expected-Stream", o->ExpectStream);
  if (s == NATS_OK && (o->ExpectLastSubjectSeq || o->ExpectNoMessage)) {
    snprintf(number, sizeof number, "%llu", (unsigned long long)o->ExpectLastSubjectSeq);
    s = natsMsgHeader_Set(message, "Nats-Expected-Last-Subject-Sequence", number);
  }
  return s;
}

static natsStatus make(dbf_nats_desk *desk, const dbf_nats_posting *p, unsigned index, unsigned turn,
                       natsMsg **out) {
  char reply[128];
  snprintf(reply, sizeof reply, "%s.%u-%u", desk->inbox, index, turn);
  natsStatus s = natsMsg_Create(out, p->subject, reply, p->data, (int)p->len);
  return s == NATS_OK ? set_headers(*out, &p->options) : s;
}

static bool wait_for(sem_t *event, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t ns = until.tv_nsec + ms * MS;
  until.tv_sec += (time_t)(ns / 1000000000);
  until.tv_nsec = (long)(ns % 1000000000);
  int failed;
  while ((failed = sem_clockwait(event, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR) continue;
  return failed == 0;
}

/* The first time that two threads append at once. */
static bool subscribe(dbf_nats_desk *desk) {
  char subject[128];
  if (atomic_load(&desk->open)) return true;
  pthread_mutex_lock(&desk->mutex);
  bool there = atomic_load(&desk->open);
  natsStatus s = there || desk->inbox ? NATS_OK : natsInbox_Create(&desk->inbox);
  if (s == NATS_OK && !there) {
    snprintf(subject, sizeof subject, "%s.*", desk->inbox);
    for (size_t i = 0; i < PLACES; i++) sem_init(&desk->places[i].answered, 0, 0);
    s = natsConnection_Subscribe(&desk->sub, desk->c->nc, subject, on_answer, desk);
    if (s == NATS_OK) natsSubscription_SetPendingLimits(desk->sub, -1, -1);
    atomic_store(&desk->open, s == NATS_OK);
  }
  pthread_mutex_unlock(&desk->mutex);
  return s == NATS_OK;
}

/* A free place, looked for from one on that is another for each thread; NULL: all are taken. */
static place *take_place(dbf_nats_desk *desk) {
  uintptr_t self = (uintptr_t)pthread_self();
  size_t start = (size_t)((self >> 12) ^ (self >> 22));
  if (!subscribe(desk)) return NULL;
  for (size_t i = 0; i < PLACES; i++) {
    place *at = &desk->places[(start + i) % PLACES];
    if (!atomic_load(&at->taken) && !atomic_exchange(&at->taken, true)) return at;
  }
  return NULL;
}

static natsStatus wait_at(place *at, unsigned turn, dbf_nats_posting *p) {
  unsigned waiting = turn * 4 + WAITING;
  if (!wait_for(&at->answered, p->options.MaxWait)) {
    if (atomic_compare_exchange_strong(&at->state, &waiting, turn * 4 + IDLE)) return NATS_TIMEOUT;
    wait_for(&at->answered, 1000); /* it is being answered at this moment */
  }
  p->sequence = at->sequence;
  p->code = at->code;
  memcpy(p->said, at->said, sizeof p->said);
  return at->status;
}

static natsStatus publish_together(dbf_nats_desk *desk, dbf_nats_posting *p, place *at) {
  unsigned turn = (atomic_load(&at->state) / 4 + 1) & 0xfffffff;
  at->code = 0;
  *at->said = '\0';
  natsStatus s = make(desk, p, (unsigned)(at - desk->places), turn, &at->message);
  natsMsg *message = at->message;
  atomic_store(&at->state, turn * 4 + WAITING);
  atomic_fetch_add(&desk->waiting, 1);
  if (s == NATS_OK) s = natsConnection_PublishMsg(desk->c->nc, message);
  if (s == NATS_OK) s = wait_at(at, turn, p);
  atomic_fetch_sub(&desk->waiting, 1);
  atomic_store(&at->state, turn * 4 + IDLE);
  natsMsg_Destroy(at->message); /* of what had no answer */
  at->message = NULL;
  atomic_store(&at->taken, false);
  return s;
}

natsStatus dbf_nats_desk_publish(dbf_nats_desk *desk, dbf_nats_connection *c, dbf_nats_posting *p) {
  p->code = 0;
  *p->said = '\0';
  bool alone = !desk || !atomic_exchange(&desk->sending, true);
  place *at = alone ? NULL : take_place(desk);
  natsStatus s = at ? publish_together(desk, p, at) : publish_alone(c, p);
  if (alone && desk) atomic_store(&desk->sending, false);
  return s;
}

/* ---- Making and freeing ---------------------------------------------------------------------------------------- */

dbf_nats_desk *dbf_nats_desk_new(dbf_nats_connection *c, debrief_error *err) {
  dbf_nats_desk *desk = calloc(1, sizeof *desk);
  if (!desk) return dbf_fail_memory(err), NULL;
  desk->c = c;
  pthread_mutex_init(&desk->mutex, NULL);
  sem_init(&desk->left, 0, 0);
  return desk;
}

/* An answer may be on its way to on_answer: the client library says when its thread has left it for good. */
static void on_complete(void *user) {
  dbf_nats_desk *desk = user;
  sem_post(&desk->left);
}

void dbf_nats_desk_free(dbf_nats_desk *desk) {
  if (!desk) return;
  bool told = desk->sub && natsSubscription_SetOnCompleteCB(desk->sub, on_complete, desk) == NATS_OK;
  natsSubscription_Destroy(desk->sub);
  if (told) wait_for(&desk->left, 5000);
  natsInbox_Destroy(desk->inbox);
  free(desk);
}
