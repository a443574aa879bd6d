#include "desk.h"

#include "../log/error.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS     INT64_C(1000000)
#define PLACES 1024              /* threads that wait at once; more go the other way */
#define WORDS  (PLACES / 32)     /* bit masks of all places */
#define KEPT   256               /* messages that are destroyed together */
#define BYTES  ((size_t)1 << 20) /* or so much of their text */
#define FLUSH  1 /* ms, how long the carrier waits for the server to have read what was sent */

/* What a place is at: the lower bits of its state. The turn is in the upper ones, since an answer may come when its
 * thread has given up and another has the place.
 *
 *     IDLE --thread--> QUEUED --carrier--> BUSY --carrier--> WAITING --answer--> BUSY --> ANSWERED --thread--> IDLE
 *                        \--thread: too late--> LEFT --carrier--> IDLE   \--thread: too late--> IDLE
 *
 * BUSY: the carrier or the answer's thread reads or writes the place and does not block meanwhile. */
enum { IDLE, QUEUED, BUSY, WAITING, ANSWERED, LEFT, STATES = 8 };

typedef struct place {
  atomic_uint state;  /* turn * STATES + one of the above */
  struct place *next; /* in the queue */
  const dbf_nats_posting
      *posting; /* the thread's own, which stays until the carrier has made a message of it */
  natsStatus status;
  uint64_t sequence;
  jsErrCode code;
  char said[160];
} place;

/* Messages to destroy. Each destruction wakes a thread of the client library unless that is at work already. */
typedef struct kept {
  natsMsg *messages[KEPT];
  unsigned count;
  size_t bytes;
} kept;

struct dbf_nats_desk {
  dbf_nats_connection *c;
  natsSubscription *sub; /* NULL: no two threads have met here yet */
  natsInbox *inbox;
  atomic_uint inside; /* threads that publish */
  atomic_bool open;   /* there are the subscription and the carrier */
  pthread_mutex_t mutex;
  sem_t left; /* the client library's thread has */

  pthread_t carrier;
  _Atomic(place *) queue; /* the last one first */
  atomic_uint asleep;     /* the carrier is, or about to be: a futex */
  atomic_bool closing;
  kept sent; /* the carrier's */

  kept received;            /* of on_answer, as are the next two */
  uint32_t answered[WORDS]; /* a bit for each place whose thread does not know it yet */
  unsigned answered_count;

  atomic_uint waiting;      /* threads */
  atomic_uint taken[WORDS]; /* a bit for each place */
  atomic_uint bells[WORDS]; /* futexes of 32 places each: one call wakes all that have their answers */
  place places[PLACES];
};

/* ---- Sleeping and waking --------------------------------------------------------------------------------------- */

/* Sleep while *word is `value`, until somebody wakes one of these bits or the clock says `until`; false: it does. */
static bool sleep_on(atomic_uint *word, unsigned value, uint32_t bits, int64_t until) {
  struct timespec time = {.tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000)};
  return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, &time, NULL, bits) == 0 ||
         errno != ETIMEDOUT;
}

static void wake(atomic_uint *word, uint32_t bits) {
  syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, bits);
}

static unsigned index_of(const dbf_nats_desk *desk, const place *at) {
  return (unsigned)(at - desk->places);
}

static uint32_t bit_of(unsigned index) {
  return UINT32_C(1) << index % 32;
}

/* Wake those of 32 places whose answers are in. */
static void ring(dbf_nats_desk *desk, unsigned word, uint32_t bits) {
  atomic_fetch_add(&desk->bells[word], 1);
  wake(&desk->bells[word], bits);
}

/* ---- Places ---------------------------------------------------------------------------------------------------- */

/* The lowest free one, so that few bells serve all; NULL: all are taken. */
static place *take_place(dbf_nats_desk *desk) {
  for (unsigned word = 0; word < WORDS; word++) {
    uint32_t taken = atomic_load(&desk->taken[word]);
    while (taken != UINT32_MAX) {
      uint32_t bit = ~taken & (taken + 1);
      taken = atomic_fetch_or(&desk->taken[word], bit);
      if (!(taken & bit)) return &desk->places[word * 32 + (unsigned)__builtin_ctz(bit)];
    }
  }
  return NULL;
}

static void give_back(dbf_nats_desk *desk, place *at, unsigned turn) {
  unsigned index = index_of(desk, at);
  atomic_store(&at->state, turn + IDLE);
  atomic_fetch_and(&desk->taken[index / 32], ~bit_of(index));
}

static bool change(place *at, unsigned from, unsigned to) {
  return atomic_compare_exchange_strong(&at->state, &from, to);
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

static void destroy(kept *k) {
  for (unsigned i = 0; i < k->count; i++) natsMsg_Destroy(k->messages[i]);
  k->count = 0;
  k->bytes = 0;
}

static void keep(kept *k, natsMsg *message) {
  if (!message) return;
  k->messages[k->count++] = message;
  k->bytes += (size_t)natsMsg_GetDataLength(message);
  if (k->count == KEPT || k->bytes > BYTES) destroy(k);
}

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

/* The place that a subject ends with, INBOX.INDEX-TURN, now BUSY; NULL: nobody waits there for it. */
static place *place_of(dbf_nats_desk *desk, const char *subject, unsigned *turn) {
  const char *word = strrchr(subject, '.');
  char *end;
  unsigned long index = word ? strtoul(word + 1, &end, 10) : PLACES;
  if (index >= PLACES || *end != '-') return NULL;
  *turn = (unsigned)strtoul(end + 1, NULL, 10) * STATES;
  place *at = &desk->places[index];
  return change(at, *turn + WAITING, *turn + BUSY) ? at : NULL;
}

static void take_answer(dbf_nats_desk *desk, natsMsg *message) {
  char text[512];
  unsigned turn;
  size_t len = (size_t)natsMsg_GetDataLength(message);
  place *at = place_of(desk, natsMsg_GetSubject(message), &turn);
  if (!at) return;
  if (len >= sizeof text) len = sizeof text - 1;
  if (len) memcpy(text, natsMsg_GetData(message), len);
  text[len] = '\0';
  at->status = len == 0 && natsMsg_IsNoResponders(message) ? NATS_NO_RESPONDERS : read_answer(at, text);
  atomic_store(&at->state, turn + ANSWERED);
  unsigned index = index_of(desk, at);
  desk->answered[index / 32] |= bit_of(index);
  desk->answered_count++;
}

static bool is_more_there(natsSubscription *sub) {
  int more = 0;
  return natsSubscription_GetPending(sub, &more, NULL) == NATS_OK && more > 0;
}

/* On a thread of the client library, and only there. Answers that came together wake their threads together: one call
 * for 32, and what these threads append then goes out together, too. */
static void on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *message, void *user) {
  dbf_nats_desk *desk = user;
  (void)nc;
  take_answer(desk, message);
  keep(&desk->received, message);
  if (desk->answered_count < atomic_load(&desk->waiting) && is_more_there(sub)) return;
  for (unsigned word = 0; word < WORDS; word++) {
    if (desk->answered[word]) ring(desk, word, desk->answered[word]);
    desk->answered[word] = 0;
  }
  desk->answered_count = 0;
}

/* The last error of this thread, without the place in the client library that stands in front: "(js.c:535): ". */
static void copy_error(char *out, size_t size) {
  const char *words = nats_GetLastError(NULL), *end = words && *words == '(' ? strstr(words, "): ") : NULL;
  snprintf(out, size, "%s", end ? end + 3 : words ? words : "");
}

/* ---- The carrier ----------------------------------------------------------------------------------------------- */

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
  snprintf(reply, sizeof reply, "%s.%u-%u", desk->inbox, index, turn / STATES);
  natsStatus s = natsMsg_Create(out, p->subject, reply, p->data, (int)p->len);
  return s == NATS_OK ? set_headers(*out, &p->options) : s;
}

/* Answer for a server that was not asked. */
static void refuse(dbf_nats_desk *desk, place *at, unsigned turn, natsStatus s) {
  unsigned index = index_of(desk, at);
  if (!change(at, turn + WAITING, turn + BUSY)) return;
  at->status = s;
  copy_error(at->said, sizeof at->said);
  atomic_store(&at->state, turn + ANSWERED);
  ring(desk, index / 32, bit_of(index));
}

/* The message that is the place's is only the carrier's from here on: the thread may give up at any time. */
static void carry(dbf_nats_desk *desk, place *at) {
  unsigned turn = atomic_load(&at->state) / STATES * STATES;
  natsMsg *message = NULL;
  if (!change(at, turn + QUEUED, turn + BUSY)) {
    give_back(desk, at, turn);
    return;
  }
  natsStatus s = make(desk, at->posting, index_of(desk, at), turn, &message);
  atomic_store(&at->state, turn + WAITING);
  if (s == NATS_OK) s = natsConnection_PublishMsg(desk->c->nc, message);
  if (s != NATS_OK) refuse(desk, at, turn, s);
  keep(&desk->sent, message);
}

/* All that are queued, first come first; NULL: nobody. */
static place *take_queue(dbf_nats_desk *desk) {
  place *list = atomic_exchange(&desk->queue, NULL), *first = NULL, *next;
  for (; list; list = next) {
    next = list->next;
    list->next = first;
    first = list;
  }
  return first;
}

/* Until there is something to carry, or nothing ever more. What was sent is let go after a moment. */
static void await_work(dbf_nats_desk *desk) {
  atomic_store(&desk->asleep, 1);
  while (atomic_load(&desk->asleep) && !atomic_load(&desk->queue) && !atomic_load(&desk->closing)) {
    int64_t most = desk->sent.count ? 100 * MS : 600000 * MS;
    if (!sleep_on(&desk->asleep, 1, 1, dbf_nats_clock() + most)) destroy(&desk->sent);
  }
  atomic_store(&desk->asleep, 0);
}

static void rouse(dbf_nats_desk *desk) {
  if (atomic_load(&desk->asleep) && atomic_exchange(&desk->asleep, 0)) wake(&desk->asleep, 1);
}

/* Returns how many. The threads whose answers came together get to add what they append next before it is sent: so the
 * processor is left to them once. */
static unsigned carry_all(dbf_nats_desk *desk) {
  unsigned count = 0;
  for (place *list; (list = take_queue(desk)); sched_yield()) {
    for (place *next; list; list = next, count++) {
      next = list->next; /* it may be another's as soon as it is carried */
      carry(desk, list);
    }
  }
  return count;
}

/* Only a question makes the client library send what is in its buffer without delay. While the carrier waits for the
 * answer, more comes together. It does not ask when most threads wait for what was sent before: with what they append
 * next the buffer is full soon, and the client library sends it after 1 ms anyway. */
static void *carrier(void *user) {
  dbf_nats_desk *desk = user;
  unsigned unflushed = 0;
  while (!atomic_load(&desk->closing)) {
    unsigned carried = carry_all(desk);
    unflushed += carried;
    if (carried == 0) {
      await_work(desk);
    } else if (unflushed * 2 >= atomic_load(&desk->waiting)) {
      natsConnection_FlushTimeout(desk->c->nc, FLUSH);
      unflushed = 0;
    }
  }
  destroy(&desk->sent);
  nats_ReleaseThreadMemory();
  return NULL;
}

/* A thread that handles no signal: those are for threads of the program. */
static bool start_carrier(dbf_nats_desk *desk) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool ok = pthread_create(&desk->carrier, NULL, carrier, desk) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return ok;
}

static bool subscribe(dbf_nats_desk *desk) {
  char subject[128];
  natsStatus s = desk->inbox ? NATS_OK : natsInbox_Create(&desk->inbox);
  if (s != NATS_OK) return false;
  snprintf(subject, sizeof subject, "%s.*", desk->inbox);
  s = natsConnection_Subscribe(&desk->sub, desk->c->nc, subject, on_answer, desk);
  if (s == NATS_OK) natsSubscription_SetPendingLimits(desk->sub, -1, -1);
  return s == NATS_OK;
}

/* The first time that two threads append at once. */
static bool open_desk(dbf_nats_desk *desk) {
  if (atomic_load(&desk->open)) return true;
  pthread_mutex_lock(&desk->mutex);
  bool ok = atomic_load(&desk->open) || ((desk->sub || subscribe(desk)) && start_carrier(desk));
  atomic_store(&desk->open, ok);
  pthread_mutex_unlock(&desk->mutex);
  return ok;
}

/* ---- Publishing ------------------------------------------------------------------------------------------------ */

static natsStatus publish_alone(dbf_nats_connection *c, dbf_nats_posting *p) {
  jsPubAck *ack = NULL;
  natsStatus s = js_Publish(&ack, c->js, p->subject, p->data, (int)p->len, &p->options, &p->code);
  if (s == NATS_OK) p->sequence = ack->Sequence;
  else if (p->code) copy_error(p->said, sizeof p->said);
  jsPubAck_Destroy(ack);
  return s;
}

static void put_in_queue(dbf_nats_desk *desk, place *at) {
  place *last = atomic_load(&desk->queue);
  do at->next = last;
  while (!atomic_compare_exchange_weak(&desk->queue, &last, at));
  if (!last) rouse(desk);
}

/* It is too late: true when nobody will touch the place for this turn any more, or only to give it back. */
static bool give_up(dbf_nats_desk *desk, place *at, unsigned turn) {
  if (change(at, turn + QUEUED, turn + LEFT)) return true;
  if (!change(at, turn + WAITING, turn + IDLE)) return false;
  give_back(desk, at, turn);
  return true;
}

static natsStatus wait_at(dbf_nats_desk *desk, place *at, unsigned turn, dbf_nats_posting *p) {
  unsigned index = index_of(desk, at);
  atomic_uint *bell = &desk->bells[index / 32];
  int64_t until = dbf_nats_clock() + p->options.MaxWait * MS;
  for (;;) {
    unsigned rung = atomic_load(bell);
    if (atomic_load(&at->state) == turn + ANSWERED) break;
    if (sleep_on(bell, rung, bit_of(index), until)) continue;
    if (give_up(desk, at, turn)) return NATS_TIMEOUT;
    dbf_nats_pause(MS / 10); /* BUSY, which ends by itself, or answered at this moment */
  }
  natsStatus s = at->status;
  p->sequence = at->sequence;
  p->code = at->code;
  memcpy(p->said, at->said, sizeof p->said);
  give_back(desk, at, turn);
  return s;
}

static natsStatus publish_together(dbf_nats_desk *desk, dbf_nats_posting *p, place *at) {
  unsigned turn = (atomic_load(&at->state) / STATES + 1) * STATES;
  at->code = 0;
  *at->said = '\0';
  at->posting = p;
  atomic_store(&at->state, turn + QUEUED);
  atomic_fetch_add(&desk->waiting, 1);
  put_in_queue(desk, at);
  natsStatus s = wait_at(desk, at, turn, p);
  atomic_fetch_sub(&desk->waiting, 1);
  return s;
}

natsStatus dbf_nats_desk_publish(dbf_nats_desk *desk, dbf_nats_connection *c, dbf_nats_posting *p) {
  p->code = 0;
  *p->said = '\0';
  if (!desk) return publish_alone(c, p);
  bool alone = atomic_fetch_add(&desk->inside, 1) == 0;
  place *at = !alone && open_desk(desk) ? take_place(desk) : NULL;
  natsStatus s = at ? publish_together(desk, p, at) : publish_alone(c, p);
  atomic_fetch_sub(&desk->inside, 1);
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

static void stop_carrier(dbf_nats_desk *desk) {
  if (!atomic_load(&desk->open)) return;
  atomic_store(&desk->closing, true);
  rouse(desk);
  pthread_join(desk->carrier, NULL);
}

/* An answer may be on its way to on_answer: the client library says when its thread has left it for good. */
static void on_complete(void *user) {
  dbf_nats_desk *desk = user;
  sem_post(&desk->left);
}

static void await_complete(dbf_nats_desk *desk) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += 5;
  while (sem_clockwait(&desk->left, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR) continue;
}

void dbf_nats_desk_free(dbf_nats_desk *desk) {
  if (!desk) return;
  stop_carrier(desk);
  bool told = desk->sub && natsSubscription_SetOnCompleteCB(desk->sub, on_complete, desk) == NATS_OK;
  dbf_nats_unsubscribe(desk->c, desk->sub);
  if (told) await_complete(desk);
  destroy(&desk->received);
  natsInbox_Destroy(desk->inbox);
  free(desk);
}
