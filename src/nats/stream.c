#include "stream.h"

#include "../log/error.h"
#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS       INT64_C(1000000)
#define WINDOW   (INT64_C(600) * 1000 * MS) /* for so long the servers know what was sent twice */
#define SURE     (1000 * MS)                /* every stream knows for so long what was sent twice */
#define NOBODY   (3000 * MS)                /* after that, JetStream is not about to start */
#define STARTING (10000 * MS)               /* how long servers may take until they take a stream */
#define OVERHEAD 320                        /* bytes of a message that are headers, and more */

/* ---- Subjects -------------------------------------------------------------------------------------------------- */

void dbf_nats_stream_subject(char out[DBF_NATS_SUBJECT], const char *name, const char *id) {
  char *at = out + sprintf(out, "%.32s.e.", name);
  for (; *id && at < out + DBF_NATS_SUBJECT - 4; id++) {
    if (*id == '.') at = stpcpy(at, "%2E");
    else *at++ = *id;
  }
  *at = '\0';
}

bool dbf_nats_stream_session(const char *name, const char *subject, char id[DBF_SESSION_ID_MAX + 1]) {
  size_t len = strlen(name), out = 0;
  if (strncmp(subject, name, len) != 0 || strncmp(subject + len, ".e.", 3) != 0) return false;
  for (const char *at = subject + len + 3; *at; at++) {
    bool dot = strncmp(at, "%2E", 3) == 0;
    if (out == DBF_SESSION_ID_MAX || *at == '.') return false;
    id[out++] = dot ? '.' : *at;
    if (dot) at += 2;
  }
  id[out] = '\0';
  return dbf_session_id_is(id, out);
}

/* ---- Making and looking ---------------------------------------------------------------------------------------- */

static natsStatus info_of(dbf_nats_connection *c, int64_t wait_ms, jsStreamInfo **info, jsErrCode *code) {
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = wait_ms;
  *code = 0;
  return js_GetStreamInfo(info, c->js, c->address->name, &options, code);
}

static bool is_as_wanted(const jsStreamInfo *info, const char *subject, const dbf_store_making *how) {
  const jsStreamConfig *has = info->Config;
  return has->SubjectsLen == 1 && strcmp(has->Subjects[0], subject) == 0 && has->Storage == js_FileStorage &&
         has->Retention == js_LimitsPolicy && has->Replicas == (how->replicas ? how->replicas : 1) &&
         has->MaxAge == how->max_age_ns;
}

static bool check_existing(dbf_nats_connection *c, const jsStreamInfo *info, const char *subject,
                           const dbf_store_making *how, debrief_error *err) {
  if (is_as_wanted(info, subject, how)) return true;
  return dbf_fail(
      err, DEBRIEF_EARG,
      "there is a stream %s already, and it is another: replicas %lld, age limit %lld s, subject %s",
      c->address->name, (long long)info->Config->Replicas, (long long)(info->Config->MaxAge / (1000 * MS)),
      info->Config->SubjectsLen ? info->Config->Subjects[0] : "-");
}

/* How long to wait before trying again, longer each time. */
static int64_t next_pause(int64_t pause) {
  return pause < 800 * MS ? pause * 2 : pause;
}

/* A server that starts says so for a moment, too. */
static bool is_disabled(jsErrCode code) {
  return code == JSNotEnabledErr || code == JSNotEnabledForAccountErr;
}

static natsStatus add_stream(dbf_nats_connection *c, const char *subject, const dbf_store_making *how,
                             jsErrCode *code) {
  const char *subjects[] = {subject};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = c->address->name;
  config.Description = "a log of debrief";
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Replicas = how->replicas ? how->replicas : 1;
  config.MaxAge = how->max_age_ns;
  config.Duplicates = how->max_age_ns && how->max_age_ns < WINDOW ? how->max_age_ns : WINDOW;
  /* a full stream refuses what is new, and forgets nothing that was acknowledged */
  config.Discard = js_DiscardNew;
  *code = 0;
  return js_AddStream(NULL, c->js, &config, NULL, code);
}

/* Servers that were started just now have no leader yet, or do not know each other. */
static bool is_starting(natsStatus s, jsErrCode code) {
  return dbf_nats_is_passing(s, code) || is_disabled(code) || code == JSClusterNoPeersErr;
}

bool dbf_nats_stream_make(dbf_nats_connection *c, const dbf_store_making *how, bool *made,
                          debrief_error *err) {
  char subject[64];
  int64_t deadline = dbf_nats_clock() + STARTING;
  jsOptions soon;
  jsOptions_Init(&soon);
  soon.Wait = 500; /* without a leader nobody answers */
  *made = false;
  snprintf(subject, sizeof subject, "%s.e.*", c->address->name);
  for (int64_t pause = 20 * MS;; pause = next_pause(pause)) {
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus s = js_GetStreamInfo(&info, c->js, c->address->name, &soon, &code);
    if (s == NATS_OK) {
      bool ok = check_existing(c, info, subject, how, err);
      jsStreamInfo_Destroy(info);
      return ok;
    }
    if (code == JSStreamNotFoundErr) s = add_stream(c, subject, how, &code);
    *made = s == NATS_OK;
    if (*made) return true;
    if (!is_starting(s, code) || dbf_nats_clock() + pause > deadline)
      return dbf_nats_fail(c, s, code, err, "cannot make the stream %s", c->address->name);
    dbf_nats_pause(pause);
  }
}

bool dbf_nats_stream_look(dbf_nats_connection *c, dbf_store_state *state, int64_t deadline,
                          debrief_error *err) {
  jsStreamInfo *info = NULL;
  jsErrCode code;
  natsStatus s;
  int64_t began = dbf_nats_clock();
  for (int64_t pause = 20 * MS;; pause = next_pause(pause)) {
    s = info_of(c, 2000, &info, &code);
    int64_t now = dbf_nats_clock();
    bool passing = dbf_nats_is_passing(s, code) || (is_disabled(code) && now - began < NOBODY);
    if (s == NATS_OK || !passing || dbf_nats_is_stopped(c) || now + pause > deadline) break;
    dbf_nats_pause(pause);
  }
  if (s != NATS_OK) return dbf_nats_fail(c, s, code, err, "cannot read %s", c->address->shown);
  *state = (dbf_store_state){.first = info->State.FirstSeq,
                             .last = info->State.LastSeq,
                             .created_ns = info->Created,
                             .replicas = (unsigned)info->Config->Replicas};
  jsStreamInfo_Destroy(info);
  return true;
}

/* ---- Putting --------------------------------------------------------------------------------------------------- */

size_t dbf_nats_stream_most(dbf_nats_connection *c) {
  int64_t most = atomic_load(&c->max_payload);
  return most > OVERHEAD ? (size_t)most - OVERHEAD : 0;
}

/* 128 bits that no other append has: random ones of the connection, and what counts its messages. */
static void new_identity(dbf_nats_connection *c, char out[33]) {
  uint64_t count = atomic_fetch_add(&c->messages, 1) + 1;
  sprintf(out, "%016llx%016llx", (unsigned long long)c->identity[0],
          (unsigned long long)(c->identity[1] + count));
}

typedef struct publishing {
  dbf_nats_connection *c;
  const dbf_nats_message *message;
  dbf_nats_posting posting;
  int64_t nobody_since; /* clock: there has been no JetStream; 0: there is */
  bool sent;            /* at least once, perhaps */
  int64_t first;        /* clock, when it was sent first, perhaps */
  int64_t window;       /* ns, for which the stream knows what was sent twice; 0: not asked */
} publishing;

static natsStatus publish_once(publishing *p, int64_t deadline) {
  int64_t left = (deadline - dbf_nats_clock()) / MS;
  p->posting.options.MaxWait = left < 1 ? 1 : left > 2000 ? 2000 : left;
  if (!p->sent) p->first = dbf_nats_clock();
  natsStatus s = dbf_nats_desk_publish(p->c->desk, p->c, &p->posting);
  if (s != NATS_NO_RESPONDERS && p->posting.code == 0) p->sent = true;
  return s;
}

/* Where nobody takes messages, the reason may be one that stays. */
static bool is_gone(publishing *p, natsStatus *s) {
  jsErrCode code = p->posting.code;
  if (*s != NATS_NO_RESPONDERS && !is_disabled(code)) return p->nobody_since = 0, false;
  jsStreamInfo *info = NULL;
  natsStatus looked = info_of(p->c, 500, &info, &code);
  jsStreamInfo_Destroy(info);
  int64_t now = dbf_nats_clock();
  if (!is_disabled(code) && looked != NATS_NO_RESPONDERS) p->nobody_since = 0;
  else if (!p->nobody_since) p->nobody_since = now;
  bool stays = p->nobody_since && now - p->nobody_since > NOBODY;
  if (code != JSStreamNotFoundErr && !stays) return false;
  p->posting.code = code;
  *s = looked;
  return true;
}

/* Does the server not permit this subject? */
static bool is_denied(publishing *p, natsStatus *s, debrief_error *err) {
  char text[256];
  if (*s != NATS_TIMEOUT || !dbf_nats_was_denied(p->c, text, sizeof text)) return false;
  return !dbf_fail(err, DEBRIEF_EIO, "cannot append to session %s: the server does not permit it: %s",
                   p->message->id, text);
}

typedef enum again { NOW, LATER, NEVER } again;

/* What may be stored is sent again only while the stream would know it. Streams of others know for less long than ours. */
static again when_again(publishing *p) {
  jsStreamInfo *info = NULL;
  jsErrCode code;
  if (!p->sent || dbf_nats_clock() - p->first < SURE) return NOW;
  if (!p->window && info_of(p->c, 500, &info, &code) == NATS_OK) p->window = info->Config->Duplicates;
  jsStreamInfo_Destroy(info);
  if (!p->window) return LATER;
  return dbf_nats_clock() - p->first < p->window - p->window / 10 ? NOW : NEVER;
}

static bool fail_unacknowledged(publishing *p, natsStatus s, bool *doubtful, debrief_error *err) {
  const char *id = p->message->id;
  *doubtful = p->sent && dbf_nats_is_passing(s, p->posting.code);
  dbf_nats_fail_as(p->c, s, p->posting.code, p->posting.said, err, "cannot append to session %s of %s", id,
                   p->c->address->shown);
  if (err && *doubtful) {
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, "; it may be stored all the same");
  }
  return false;
}

static bool publish(publishing *p, int64_t deadline, bool *conflict, bool *doubtful, debrief_error *err) {
  for (int64_t pause = 20 * MS;; pause = next_pause(pause)) {
    natsStatus s = publish_once(p, deadline);
    if (s == NATS_OK) return true;
    *conflict = p->posting.code == JSStreamWrongLastSequenceErr;
    if (*conflict) return dbf_fail(err, DEBRIEF_EIO, "session %s was appended to meanwhile", p->message->id);
    if (is_denied(p, &s, err)) return false;
    bool passing = dbf_nats_is_passing(s, p->posting.code) || is_disabled(p->posting.code);
    again when = LATER;
    if (is_gone(p, &s) || !passing) return fail_unacknowledged(p, s, doubtful, err);
    while (when == LATER && !dbf_nats_is_stopped(p->c) && dbf_nats_clock() + pause < deadline) {
      dbf_nats_pause(pause);
      when = when_again(p);
    }
    if (when != NOW) return fail_unacknowledged(p, s, doubtful, err);
  }
}

bool dbf_nats_stream_publish(dbf_nats_connection *c, const dbf_nats_message *message, int64_t deadline,
                             uint64_t *sequence, bool *conflict, bool *doubtful, debrief_error *err) {
  char subject[DBF_NATS_SUBJECT], identity[33];
  publishing p = {.c = c,
                  .message = message,
                  .posting = {.subject = subject, .data = message->data, .len = message->len}};
  *conflict = *doubtful = false;
  if (message->len > dbf_nats_stream_most(c))
    return dbf_fail(err, DEBRIEF_ETOOBIG,
                    "session %s: %zu bytes are more than the %zu that the server takes at once (max_payload, "
                    "and headers)",
                    message->id, message->len, dbf_nats_stream_most(c));
  dbf_nats_stream_subject(subject, c->address->name, message->id);
  new_identity(c, identity);
  jsPubOptions_Init(&p.posting.options);
  p.posting.options.MsgId = message->identity ? message->identity : identity;
  p.posting.options.ExpectStream = c->address->name;
  if (message->expected) {
    p.posting.options.ExpectLastSubjectSeq = *message->expected;
    p.posting.options.ExpectNoMessage = *message->expected == 0;
  }
  bool ok = publish(&p, deadline, conflict, doubtful, err);
  *sequence = p.posting.sequence;
  return ok;
}
