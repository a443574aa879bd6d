#include "consume.h"

#include "../log/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
/* A consumer may be given to a server that is gone, for some seconds after it went: then there is no answer. */
#define ANSWER    1500        /* ms */
#define HEARTBEAT (500 * MS)  /* how often the server says that it is there */
#define SILENCE   (2000 * MS) /* after that it is not */
#define PAUSE     (MS / 4)
#define AGAIN     (200 * MS) /* how long to wait before the next consumer is asked for */

void dbf_nats_consumer_init(dbf_nats_consumer *consumer, dbf_nats_connection *c, int64_t created,
                            uint64_t next) {
  *consumer = (dbf_nats_consumer){.c = c, .created = created, .next = next};
}

void dbf_nats_consumer_rest(dbf_nats_consumer *consumer) {
  dbf_nats_unsubscribe(consumer->c, consumer->sub);
  consumer->sub = NULL;
}

void dbf_nats_consumer_release(dbf_nats_consumer *consumer) {
  dbf_nats_consumer_rest(consumer);
  free(consumer->filter);
  consumer->filter = NULL;
}

/* ---- The server's consumer ------------------------------------------------------------------------------------- */

static natsStatus add(dbf_nats_consumer *consumer, const char *inbox, jsErrCode *code) {
  jsConsumerConfig config;
  jsConsumerInfo *info = NULL;
  jsOptions options;
  jsConsumerConfig_Init(&config);
  jsOptions_Init(&options);
  options.Wait = ANSWER;
  config.DeliverPolicy = js_DeliverByStartSequence;
  config.OptStartSeq = consumer->next ? consumer->next : 1;
  config.AckPolicy = js_AckNone;
  config.MaxDeliver = 1;
  config.FilterSubject = consumer->filter;
  config.DeliverSubject = inbox;
  config.FlowControl = true;
  config.Heartbeat = HEARTBEAT;
  config.MemoryStorage = true;
  config.Replicas = 1;
  natsStatus s = js_AddConsumer(&info, consumer->c->js, consumer->c->address->name, &config, &options, code);
  if (s == NATS_OK) consumer->pending = info->NumPending;
  jsConsumerInfo_Destroy(info);
  return s;
}

/* Looked at once there is the consumer, which goes with its stream: so it is of this one, or of none. */
static natsStatus look(dbf_nats_consumer *consumer, jsErrCode *code) {
  jsStreamInfo *info = NULL;
  natsStatus s = js_GetStreamInfo(&info, consumer->c->js, consumer->c->address->name, NULL, code);
  if (s == NATS_OK && info->Created != consumer->created) consumer->remade = info->Created;
  jsStreamInfo_Destroy(info);
  return s == NATS_OK && consumer->remade ? NATS_NOT_FOUND : s;
}

static natsStatus make(dbf_nats_consumer *consumer, jsErrCode *code) {
  natsInbox *inbox = NULL;
  unsigned reconnects = atomic_load(&consumer->c->reconnects);
  *code = 0;
  natsStatus s = natsInbox_Create(&inbox);
  if (s == NATS_OK) s = natsConnection_SubscribeSync(&consumer->sub, consumer->c->nc, inbox);
  /* The server stops by itself (flow control): nothing is to be dropped here. */
  if (s == NATS_OK) s = natsSubscription_SetPendingLimits(consumer->sub, -1, -1);
  if (s == NATS_OK) s = add(consumer, inbox, code);
  if (s == NATS_OK && consumer->created) s = look(consumer, code);
  if (s != NATS_OK) dbf_nats_consumer_rest(consumer);
  natsInbox_Destroy(inbox);
  consumer->delivered = 0;
  consumer->ready = 0;
  consumer->reconnects = reconnects;
  consumer->heard = dbf_nats_clock();
  return s;
}

/* There is a consumer, or after a while there may be. */
static dbf_nats_came ensure(dbf_nats_consumer *consumer, int64_t deadline, debrief_error *err) {
  jsErrCode code;
  int64_t now = dbf_nats_clock(), when = consumer->tried + AGAIN;
  if (consumer->sub) return DBF_NATS_MESSAGE;
  if (now < when) {
    dbf_nats_pause((when < deadline ? when : deadline) - now > 0 ? (when < deadline ? when : deadline) - now
                                                                 : 0);
    if (when > deadline) return DBF_NATS_NOTHING;
  }
  natsStatus s = make(consumer, &code);
  consumer->tried = s == NATS_OK ? 0 : dbf_nats_clock();
  if (s == NATS_OK) return DBF_NATS_MESSAGE;
  if (consumer->remade) {
    dbf_fail(err, DEBRIEF_EIO, "the stream %s was removed and made again meanwhile: open the log again",
             consumer->c->address->name);
    return DBF_NATS_FAILED;
  }
  if (dbf_nats_is_passing(s, code)) return DBF_NATS_NOTHING;
  dbf_nats_fail(consumer->c, s, code, err, "cannot read %s", consumer->c->address->shown);
  return DBF_NATS_FAILED;
}

/* ---- Messages -------------------------------------------------------------------------------------------------- */

/* What the reply subject of a message says: $JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE.OWN.TIME.PENDING, with two more
 * words after ACK for accounts of a domain. */
static bool place_of(const char *reply, uint64_t *sequence, uint64_t *own, uint64_t *pending) {
  const char *words[16];
  size_t count = 0;
  for (const char *at = reply; at && count < 16; at = strchr(at, '.'), at = at ? at + 1 : NULL)
    words[count++] = at;
  size_t first = count == 9 ? 5 : 7;
  if (count < 9 || (count != 9 && count < 11)) return false;
  *sequence = strtoull(words[first], NULL, 10);
  *own = strtoull(words[first + 1], NULL, 10);
  *pending = strtoull(words[first + 3], NULL, 10);
  return true;
}

/* A heartbeat, or the server asks whether we are so far. */
static void answer(dbf_nats_consumer *consumer, natsMsg *message, const char *reply) {
  const char *stalled = NULL;
  if (reply && *reply) natsConnection_Publish(consumer->c->nc, reply, NULL, 0);
  else if (natsMsgHeader_Get(message, "Nats-Consumer-Stalled", &stalled) == NATS_OK && stalled)
    natsConnection_Publish(consumer->c->nc, stalled, NULL, 0);
}

/* Is it the one that follows? One that was seen is dropped; when some are missing, another consumer is to bring them. */
static bool take(dbf_nats_consumer *consumer, natsMsg *message, uint64_t *sequence) {
  uint64_t own, pending;
  const char *reply = natsMsg_GetReply(message);
  if (!reply || strncmp(reply, "$JS.ACK.", 8) != 0) return answer(consumer, message, reply), false;
  if (!place_of(reply, sequence, &own, &pending)) return false;
  if (own != consumer->delivered + 1) {
    dbf_nats_consumer_rest(consumer);
    return false;
  }
  consumer->delivered = own;
  consumer->pending = pending;
  consumer->came = true;
  if (*sequence < consumer->next) return false;
  consumer->next = *sequence + 1;
  return true;
}

/* Is its server silent, or was the connection lost meanwhile, and with it perhaps what came? */
static bool is_silent(dbf_nats_consumer *consumer) {
  if (consumer->reconnects != atomic_load(&consumer->c->reconnects)) return true;
  int64_t now = dbf_nats_clock();
  if (consumer->came) consumer->heard = now;
  consumer->came = false;
  return now - consumer->heard > SILENCE;
}

/* While there is more in the stream, let some of it come: to wait for each message is four times as much work for two
 * threads of the client library and this one. */
static void let_come(dbf_nats_consumer *consumer) {
  if (consumer->ready > 0) return;
  natsSubscription_GetPending(consumer->sub, &consumer->ready, NULL);
  if (consumer->ready > 0 || consumer->pending < 16) return;
  dbf_nats_pause(PAUSE);
  natsSubscription_GetPending(consumer->sub, &consumer->ready, NULL);
}

dbf_nats_came dbf_nats_consumer_next(dbf_nats_consumer *consumer, int64_t deadline, natsMsg **message,
                                     uint64_t *sequence, debrief_error *err) {
  bool first = true;
  for (int64_t now = 0; first || now < deadline; first = false) {
    dbf_nats_came there = ensure(consumer, deadline, err);
    if (there == DBF_NATS_FAILED) return there;
    if (there == DBF_NATS_MESSAGE) {
      int64_t wait = (deadline - (now ? now : dbf_nats_clock())) / MS;
      let_come(consumer);
      consumer->ready -= consumer->ready > 0;
      natsStatus s = natsSubscription_NextMsg(message, consumer->sub, wait < 1 ? 1 : wait < 500 ? wait : 500);
      if (s == NATS_OK) {
        if (take(consumer, *message, sequence)) return DBF_NATS_MESSAGE;
        natsMsg_Destroy(*message);
        consumer->heard = dbf_nats_clock();
      } else if (s != NATS_TIMEOUT || is_silent(consumer)) {
        dbf_nats_consumer_rest(consumer);
      }
    }
    now = dbf_nats_clock();
  }
  return DBF_NATS_NOTHING;
}
