#include "send.h"

#include "../log/error.h"
#include "../log/hash.h"
#include "../log/io.h"
#include "consume.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGES 16 /* of a step */

typedef struct step {
  const dbf_nats_sender *sender;
  dbf_sending *s;
  size_t most;    /* bytes of a message */
  char *buffer;   /* of so many */
  uint64_t whole; /* where the file's last line ends */
  debrief_error *err;
} step;

/* ---- The file in pieces ---------------------------------------------------------------------------------------- */

/* The whole lines at `at` that fit into a message: *len bytes of them in the buffer. When there are none, *too_big is the
 * length of a line that does not fit. At the end both are 0. */
static bool next_lines(step *t, uint64_t at, size_t *len, uint64_t *too_big) {
  uint64_t left = t->whole > at ? t->whole - at : 0, end = at;
  size_t want = left < t->most ? (size_t)left : t->most, got = 0;
  *len = *too_big = 0;
  if (want == 0) return true;
  if (!dbf_io_read(t->s->fd, t->s->path, t->buffer, want, at, &got, t->err)) return false;
  const char *last = memrchr(t->buffer, '\n', got), *found = NULL;
  if (last) {
    *len = (size_t)(last + 1 - t->buffer);
    return true;
  }
  for (; got > 0 && !found; end += got) {
    if (!dbf_io_read(t->s->fd, t->s->path, t->buffer, want, end, &got, t->err)) return false;
    found = memchr(t->buffer, '\n', got);
    if (found) got = (size_t)(found + 1 - t->buffer);
  }
  *too_big = end - at;
  return found || dbf_fail(t->err, DEBRIEF_EIO, "%s became shorter", t->s->path);
}

static size_t count_lines(const char *data, size_t len) {
  size_t count = 0;
  for (const char *p = data; (p = memchr(p, '\n', len - (size_t)(p - data))); p++) count++;
  return count;
}

/* Leave out a line that does not fit. */
static void pass(step *t, uint64_t too_big) {
  t->s->too_big = too_big;
  t->s->too_big_at = t->s->offset;
  t->s->offset += too_big;
}

/* ---- What is there: the file's beginning ----------------------------------------------------------------------- */

/* Is the piece in the buffer what the target has at `place`, or as much of it as there is? *same bytes are. */
static bool compare_piece(step *t, int to, const char *path, uint64_t place, size_t len, size_t *same) {
  char block[65536];
  size_t got = 1;
  *same = 0;
  while (*same < len && got > 0) {
    size_t want = len - *same < sizeof block ? len - *same : sizeof block;
    if (!dbf_io_read(to, path, block, want, place + *same, &got, t->err)) return false;
    size_t equal = 0;
    while (equal < got && block[equal] == t->buffer[*same + equal]) equal++;
    *same += equal;
    if (equal < got) return dbf_sending_refuse(t->s, t->s->offset + *same, t->err);
  }
  return *same == 0 || t->buffer[*same - 1] == '\n' || dbf_sending_refuse(t->s, t->s->offset + *same, t->err);
}

/* Go on with it where the step before ended: at a line that does not fit, and is not there. */
static bool compare(step *t, int to, const char *path) {
  size_t len, same;
  struct stat st;
  if (fstat(to, &st) != 0) return dbf_fail_errno(t->err, "cannot read %s", path);
  while (!t->s->known) {
    uint64_t too_big;
    if (!next_lines(t, t->s->offset, &len, &too_big)) return false;
    bool more = t->s->place < (uint64_t)st.st_size;
    if (more && too_big > 0) return pass(t, too_big), true;
    t->s->known = !more || len == 0;
    if (t->s->known) break;
    if (!compare_piece(t, to, path, t->s->place, len, &same)) return false;
    t->s->offset += same;
    t->s->place += same;
  }
  return true;
}

static bool look_at_beginning(step *t) {
  char path[4096];
  dbf_nats_snapshot *snapshot = t->sender->snapshot;
  t->s->sequence = dbf_nats_snapshot_last(snapshot, t->s->id);
  if (dbf_nats_snapshot_lines(snapshot, t->s->id) == 0)
    return t->s->known = true; /* empty messages have no file */
  snprintf(path, sizeof path, "%s/%s.jsonl", dbf_nats_snapshot_path(snapshot), t->s->id);
  int to = dbf_io_above(open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (to < 0) return dbf_fail_errno(t->err, "cannot read %s", path);
  bool ok = compare(t, to, path);
  close(to);
  return ok;
}

/* ---- What is there: what was sent from here -------------------------------------------------------------------- */

/* What a message is known by: which log and session it is from, and which bytes. */
static void name_message(const dbf_sending *s, size_t len, char out[80]) {
  uint64_t session = dbf_hash(DBF_HASH_START, s->id, strlen(s->id));
  snprintf(out, 80, "%.32s.%" PRIx64 ".%" PRIx64 ".%zx", s->origin, session, s->offset, len);
}

/* Is it from here? Then what it holds is over. */
static void recognise(dbf_sending *s, natsMsg *message) {
  const char *name = NULL;
  uint64_t session, at, len;
  size_t prefix = strlen(s->origin);
  if (natsMsgHeader_Get(message, "Nats-Msg-Id", &name) != NATS_OK || !name) return;
  if (strncmp(name, s->origin, prefix) != 0) return;
  if (sscanf(name + prefix, ".%" SCNx64 ".%" SCNx64 ".%" SCNx64, &session, &at, &len) != 3) return;
  if (session == dbf_hash(DBF_HASH_START, s->id, strlen(s->id)) && at + len > s->offset) s->offset = at + len;
}

/* The last message of the session, from here or not; 0 without one. */
static bool look_at_last(step *t, const char *subject, uint64_t *sequence) {
  const dbf_nats_connection *c = t->sender->c;
  natsMsg *message = NULL;
  jsErrCode code = 0;
  natsStatus s;
  *sequence = 0;
  while ((s = js_GetLastMsg(&message, c->js, c->address->name, subject, NULL, &code)) != NATS_OK) {
    if (code == JSNoMessageFoundErr) return true;
    if (!dbf_nats_is_passing(s, code) || dbf_nats_clock() > t->sender->deadline)
      return dbf_nats_fail(t->sender->c, s, code, t->err, "cannot read session %s of %s", t->s->id,
                           c->address->shown);
    dbf_nats_pause(INT64_C(100000000));
  }
  *sequence = natsMsg_GetSequence(message);
  recognise(t->s, message);
  natsMsg_Destroy(message);
  return true;
}

/* All messages of the session after the one that was noted, up to `last`. */
static bool look_through(step *t, const char *subject, uint64_t last) {
  dbf_nats_consumer consumer;
  dbf_nats_consumer_init(&consumer, t->sender->c, 0, t->s->sequence + 1);
  consumer.filter = strdup(subject);
  bool ok = consumer.filter || dbf_fail_memory(t->err);
  while (ok && t->s->sequence < last) {
    natsMsg *message = NULL;
    debrief_error why = {0};
    dbf_nats_came came =
        dbf_nats_consumer_next(&consumer, t->sender->deadline, &message, &t->s->sequence, &why);
    if (came == DBF_NATS_NOTHING)
      dbf_fail(&why, DEBRIEF_EIO, "cannot read session %s of %s: nothing came", t->s->id,
               t->sender->c->address->shown);
    ok = came == DBF_NATS_MESSAGE;
    if (ok) recognise(t->s, message);
    else if (t->err) *t->err = why;
    natsMsg_Destroy(message);
  }
  dbf_nats_consumer_release(&consumer);
  return ok;
}

static bool look_for_ours(step *t) {
  char subject[DBF_NATS_SUBJECT];
  uint64_t last, before = t->s->offset;
  dbf_nats_stream_subject(subject, t->sender->c->address->name, t->s->id);
  if (!look_at_last(t, subject, &last)) return false;
  bool enough = last <= t->s->sequence || t->s->offset > before; /* later ones of ours hold later bytes */
  if (!enough && !look_through(t, subject, last)) return false;
  t->s->sequence = last;
  return t->s->known = true;
}

/* ---- Sending --------------------------------------------------------------------------------------------------- */

static bool send_piece(step *t, size_t len, bool *conflict) {
  char name[80];
  bool doubtful;
  dbf_nats_message message = {.id = t->s->id, .data = t->buffer, .len = len, .expected = &t->s->sequence};
  if (t->s->origin) {
    name_message(t->s, len, name);
    message.identity = name;
  }
  uint64_t sequence;
  if (!dbf_nats_stream_publish(t->sender->c, &message, t->sender->deadline, &sequence, conflict, &doubtful,
                               t->err))
    return false;
  t->s->sequence = sequence;
  t->s->lines += count_lines(t->buffer, len);
  t->s->offset += len;
  return true;
}

static bool send_some(step *t, bool *conflict) {
  for (int messages = 0; messages < MESSAGES; messages++) {
    size_t len;
    uint64_t too_big;
    if (!next_lines(t, t->s->offset, &len, &too_big)) return false;
    if (too_big > 0) return pass(t, too_big), true;
    t->s->done = len == 0;
    if (t->s->done) return true;
    if (!send_piece(t, len, conflict)) return false;
  }
  return true;
}

/* The target is looked at again, from the start when bytes are compared. */
static void forget(dbf_sending *s) {
  s->known = false;
  if (!s->origin) s->offset = s->place = 0;
}

bool dbf_nats_send(const dbf_nats_sender *sender, dbf_sending *sending, bool *conflict, debrief_error *err) {
  uint64_t size;
  step t = {.sender = sender, .s = sending, .most = dbf_nats_stream_most(sender->c), .err = err};
  sending->lines = sending->too_big = 0;
  sending->done = *conflict = false;
  if (!dbf_sending_whole(sending, &t.whole, &size, err)) return false;
  sending->rest = size - t.whole;
  sending->done = sending->origin && sending->offset >= t.whole;
  if (sending->done) return true;
  t.buffer = malloc(t.most + 1);
  bool ok = t.buffer || dbf_fail_memory(err);
  if (ok && !sending->known) ok = sending->origin ? look_for_ours(&t) : look_at_beginning(&t);
  if (ok && sending->known) ok = send_some(&t, conflict);
  if (*conflict) forget(sending);
  free(t.buffer);
  return ok;
}
