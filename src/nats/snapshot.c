/* One piece, because all of it is under one mutex, and most of it about one table of sessions. */
#include "snapshot.h"

#include "../log/bytes.h"
#include "../log/error.h"
#include "../log/ids.h"
#include "../log/io.h"
#include "../log/pack.h"
#include "consume.h"
#include "folder.h"
#include "packing.h"
#include "places.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#define MS       INT64_C(1000000)
#define BUFFER   ((size_t)32 << 20) /* bytes that wait for being written */
#define PIECES   512                /* of a session, in one write */
#define STAGED   ((size_t)1 << 20)  /* bytes of packed sessions that are written together */
#define SMALL    65536              /* bytes of a session that is packed, at most */
#define PACKED   4                  /* how often it is: each time all of it is written again */
#define NONE     DBF_IDS_NONE
#define TAKEN    256
#define EXAMPLES 3 /* of what was left out, that are reported */

typedef struct session {
  uint64_t lines; /* that were read */
  uint64_t last;  /* sequence of its last message */
  dbf_nats_trace trace;
  uint64_t size;   /* bytes in the folder */
  uint64_t origin; /* of them in the pack, when it has no file */
  unsigned packed; /* how often it was */
  bool has_file;
  uint32_t first_piece, last_piece;
  char id[];
} session;

/* A message of the buffer. */
typedef struct piece {
  size_t offset, len;
  uint32_t next; /* of the same session */
} piece;

struct dbf_nats_snapshot {
  dbf_nats_connection *c;
  dbf_nats_folder folder;
  dbf_nats_consumer consumer;
  pthread_mutex_t turning; /* the thread is started and ended by one caller at a time; taken before `mutex` */
  pthread_mutex_t mutex;   /* over all that follows */
  uint64_t at;             /* the sequence up to which it was read */

  dbf_ids ids;
  session **sessions; /* by number */
  uint32_t room;

  natsMsg *taken[TAKEN]; /* to be destroyed together */
  unsigned taken_count;
  dbf_bytes buffer;  /* texts */
  dbf_bytes pieces;  /* piece[] */
  dbf_bytes touched; /* uint32_t[]: sessions with pieces */
  size_t done;       /* so many of them are written, or staged for the pack */
  dbf_nats_packing packing;
  bool whole;    /* none is packed any more */
  bool unpacked; /* and each has a file of its own */
  bool shown;    /* somebody may be reading the folder */
  dbf_nats_places places;

  uint64_t strangers; /* messages that were left out */
  char examples[EXAMPLES][160];

  pthread_t thread;
  unsigned followers;
  atomic_uint waiting; /* callers that want the mutex, to which the thread gives way */
  atomic_bool stop;
  bool stalled; /* what came could not be written, and followers are to say so */
};

/* ---- Sessions -------------------------------------------------------------------------------------------------- */

static bool make_room_for_one(dbf_nats_snapshot *s) {
  if (!dbf_ids_reserve(&s->ids)) return false;
  if (s->room == s->ids.room) return true;
  session **sessions = realloc(s->sessions, s->ids.room * sizeof(session *));
  if (!sessions) return false;
  s->sessions = sessions;
  s->room = s->ids.room;
  return true;
}

/* The number of a session; NONE: there is no memory. */
static uint32_t number_of(dbf_nats_snapshot *s, const char *id) {
  size_t len = strlen(id);
  uint32_t number = dbf_ids_find(&s->ids, id, len);
  if (number != NONE) return number;
  session *made = make_room_for_one(s) ? malloc(sizeof *made + len + 1) : NULL;
  if (!made) return NONE;
  *made = (session){.first_piece = NONE, .last_piece = NONE};
  memcpy(made->id, id, len + 1);
  number = dbf_ids_add(&s->ids, made->id);
  s->sessions[number] = made;
  return number;
}

static session *find(dbf_nats_snapshot *s, const char *id) {
  uint32_t number = dbf_ids_find(&s->ids, id, strlen(id));
  return number == NONE ? NULL : s->sessions[number];
}

/* ---- Taking messages ------------------------------------------------------------------------------------------- */

static uint64_t lines_in(const char *text, size_t len) {
  uint64_t lines = 0;
  for (const char *at = text, *end = text + len; (at = memchr(at, '\n', (size_t)(end - at))); at++) lines++;
  return lines;
}

/* A subject may hold anything. */
static void leave_out(dbf_nats_snapshot *s, uint64_t sequence, const char *subject) {
  if (s->strangers++ >= EXAMPLES) return;
  char *at = s->examples[s->strangers - 1];
  int len = snprintf(at, sizeof *s->examples, "message %llu of subject '%.64s' is of no session",
                     (unsigned long long)sequence, subject);
  for (int i = 0; i < len && at[i]; i++)
    if ((unsigned char)at[i] < ' ' || (unsigned char)at[i] > '~') at[i] = '?';
}

/* A failure leaves what is there as it was. */
static bool make_room(dbf_bytes *bytes, size_t len) {
  bool ok = dbf_bytes_reserve(bytes, len);
  bytes->failed = false;
  return ok;
}

/* Chain the last piece to those of its session. */
static void chain(dbf_nats_snapshot *s, uint32_t number) {
  session *one = s->sessions[number];
  uint32_t added = (uint32_t)(s->pieces.len / sizeof(piece)) - 1;
  if (one->first_piece == NONE) {
    one->first_piece = added;
    dbf_bytes_append(&s->touched, &number, sizeof number);
  } else {
    ((piece *)(void *)s->pieces.data)[one->last_piece].next = added;
  }
  one->last_piece = added;
}

/* A message that does not end its last line was written by something else: its line is ended here, so that the next one
 * begins with its own. False: no memory, and it was not taken. */
static bool take(dbf_nats_snapshot *s, uint64_t sequence, const char *subject, const char *text, size_t len) {
  char id[DBF_SESSION_ID_MAX + 1];
  if (!dbf_nats_stream_session(s->c->address->name, subject, id))
    return leave_out(s, sequence, subject), true;
  uint32_t number = number_of(s, id);
  piece new = {.offset = s->buffer.len, .next = NONE};
  if (number == NONE || !make_room(&s->buffer, len + 1) || !make_room(&s->pieces, sizeof new) ||
      !make_room(&s->touched, sizeof number) || !dbf_nats_places_reserve(&s->places))
    return false;
  session *one = s->sessions[number];
  one->last = sequence;
  if (len == 0) return true;
  dbf_bytes_append(&s->buffer, text, len);
  if (text[len - 1] != '\n') dbf_bytes_append_char(&s->buffer, '\n');
  new.len = s->buffer.len - new.offset;
  dbf_bytes_append(&s->pieces, &new, sizeof new);
  chain(s, number);
  dbf_nats_places_note(&s->places, &one->trace, one->lines + 1, sequence);
  one->lines += lines_in(text, len) + (text[len - 1] != '\n');
  return true;
}

/* ---- Writing --------------------------------------------------------------------------------------------------- */

/* At byte `at` of the file, so that what a failure left there is written over by the next attempt. */
static bool write_pieces(int fd, struct iovec *list, int count, uint64_t *at) {
  while (count > 0) {
    ssize_t n = pwritev(fd, list, count, (off_t)*at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    *at += (uint64_t)n;
    for (; count > 0 && (size_t)n >= list->iov_len; list++, count--) n -= (ssize_t)list->iov_len;
    if (count > 0) {
      list->iov_base = (char *)list->iov_base + n;
      list->iov_len -= (size_t)n;
    }
  }
  return true;
}

/* Neighbours in the buffer are one piece. */
static bool write_chain(dbf_nats_snapshot *s, int fd, const session *one, uint64_t *size) {
  const piece *pieces = (const piece *)(const void *)s->pieces.data;
  struct iovec list[PIECES];
  uint32_t at = one->first_piece;
  while (at != NONE) {
    int count = 0;
    for (; at != NONE && count < PIECES; at = pieces[at].next) {
      char *text = s->buffer.data + pieces[at].offset;
      struct iovec *before = count ? &list[count - 1] : NULL;
      if (before && (char *)before->iov_base + before->iov_len == text) before->iov_len += pieces[at].len;
      else list[count++] = (struct iovec){text, pieces[at].len};
    }
    if (!write_pieces(fd, list, count, size)) return false;
  }
  return true;
}

/* What the pack has of a session becomes the beginning of its file. */
static bool move_out(dbf_nats_snapshot *s, int fd, const session *one) {
  char block[SMALL];
  struct iovec all = {block, one->size};
  uint64_t at = 0;
  return one->size == 0 || (dbf_nats_packing_read(&s->packing, one->origin, block, one->size) &&
                            write_pieces(fd, &all, 1, &at) && dbf_nats_packing_drop(&s->packing, one->id));
}

static size_t chain_len(const dbf_nats_snapshot *s, const session *one) {
  const piece *pieces = (const piece *)(const void *)s->pieces.data;
  size_t len = 0;
  for (uint32_t at = one->first_piece; at != NONE; at = pieces[at].next) len += pieces[at].len;
  return len;
}

static bool is_in_limit(uint64_t size) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur)
    return true;
  errno = EFBIG;
  return false;
}

/* What reads along, as followers do, would take half a message for a damaged line: it is begun when there is room for all
 * of it. File systems that cannot say (EOPNOTSUPP) are trusted. */
static bool has_room(const dbf_nats_snapshot *s, int fd, const session *one) {
  uint64_t len = chain_len(s, one);
  int failed;
  if (len == 0 || (s->followers == 0 && !s->shown)) return true;
  if (!is_in_limit(one->size + len)) return false;
  do failed = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)one->size, (off_t)len);
  while (failed && errno == EINTR);
  return !failed || errno == EOPNOTSUPP || errno == ENOSYS;
}

/* Write to the session's file, which is made if it has none. */
static bool write_to_file(dbf_nats_snapshot *s, session *one) {
  char name[DBF_SESSION_ID_MAX + sizeof DBF_SESSION_SUFFIX];
  uint64_t size = one->size;
  snprintf(name, sizeof name, "%s" DBF_SESSION_SUFFIX, one->id);
  int fd = dbf_io_above(openat(s->folder.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  bool ok = fd >= 0 && (one->has_file || move_out(s, fd, one));
  if (ok) one->has_file = true;
  ok = ok && has_room(s, fd, one) && write_chain(s, fd, one, &size);
  if (ok) one->size = size;
  int saved = errno;
  if (!ok && fd >= 0 && !one->has_file) unlinkat(s->folder.fd, name, 0);
  if (fd >= 0) close(fd);
  errno = saved;
  return ok;
}

static bool pack(dbf_nats_snapshot *s, session *one, size_t len) {
  const piece *pieces = (const piece *)(const void *)s->pieces.data;
  char *to = dbf_nats_packing_stage(&s->packing, one->id, &one->origin, one->size, len);
  if (!to) return false;
  for (uint32_t at = one->first_piece; at != NONE; at = pieces[at].next) {
    memcpy(to, s->buffer.data + pieces[at].offset, pieces[at].len);
    to += pieces[at].len;
  }
  one->size += len;
  one->packed++;
  return true;
}

static bool write_session(dbf_nats_snapshot *s, session *one) {
  size_t len = chain_len(s, one);
  bool packs = !s->whole && !one->has_file && one->packed < PACKED && one->size + len <= SMALL;
  if (!(packs ? pack(s, one, len) : write_to_file(s, one))) return false;
  one->first_piece = one->last_piece = NONE;
  return dbf_nats_packing_write(&s->packing, STAGED);
}

static bool write_all(dbf_nats_snapshot *s) {
  const uint32_t *touched = (const uint32_t *)(const void *)s->touched.data;
  for (; s->done < s->touched.len / sizeof *touched; s->done++) {
    session *one = s->sessions[touched[s->done]];
    if (one->first_piece != NONE && !write_session(s, one)) return false;
  }
  return dbf_nats_packing_write(&s->packing, 0) && dbf_nats_places_write(&s->places);
}

static bool fail_write(const dbf_nats_snapshot *s, debrief_error *err) {
  return dbf_fail_errno(err, "cannot write what was read from %s to %s ($TMPDIR names another place)",
                        s->c->address->shown, s->folder.path);
}

/* What cannot be written stays in the buffer, for the next attempt. */
static bool flush(dbf_nats_snapshot *s, debrief_error *err) {
  if (!write_all(s)) return fail_write(s, err);
  s->done = 0;
  dbf_bytes_clear(&s->buffer);
  dbf_bytes_clear(&s->pieces);
  dbf_bytes_clear(&s->touched);
  return true;
}

/* ---- Bringing -------------------------------------------------------------------------------------------------- */

/* To destroy a message wakes a thread of the client library. */
static void let_go(dbf_nats_snapshot *s) {
  for (unsigned i = 0; i < s->taken_count; i++) natsMsg_Destroy(s->taken[i]);
  s->taken_count = 0;
}

/* The next consumer begins with this message again. */
static dbf_nats_came fail_taking(dbf_nats_snapshot *s, uint64_t sequence, debrief_error *err) {
  dbf_nats_consumer_rest(&s->consumer);
  s->consumer.next = sequence;
  return dbf_fail_memory(err), DBF_NATS_FAILED;
}

/* Small messages have more around them than in them. */
static size_t waiting_bytes(const dbf_nats_snapshot *s) {
  return s->buffer.len + s->pieces.len + s->places.staged.len;
}

/* Take messages until the sequence `until` was passed, or none came until `deadline`. */
static dbf_nats_came pull(dbf_nats_snapshot *s, uint64_t until, int64_t deadline, debrief_error *err) {
  while (true) {
    natsMsg *message;
    uint64_t sequence;
    if (waiting_bytes(s) > BUFFER && !flush(s, err)) return DBF_NATS_FAILED;
    dbf_nats_came came = dbf_nats_consumer_next(&s->consumer, deadline, &message, &sequence, err);
    if (came != DBF_NATS_MESSAGE) return came;
    bool ok = take(s, sequence, natsMsg_GetSubject(message), natsMsg_GetData(message),
                   (size_t)natsMsg_GetDataLength(message));
    s->taken[s->taken_count++] = message;
    if (!ok || s->taken_count == TAKEN || s->consumer.ready == 0) let_go(s);
    if (!ok) return fail_taking(s, sequence, err);
    s->at = sequence;
    if (sequence >= until || s->consumer.pending == 0 || dbf_nats_is_stopped(s->c)) return DBF_NATS_MESSAGE;
  }
}

/* Is the message with this sequence in the stream, as its leader knows it? The consumer's server may lag. */
static bool is_there(dbf_nats_snapshot *s, uint64_t sequence) {
  natsMsg *message = NULL;
  jsErrCode code = 0;
  natsStatus status = js_GetMsg(&message, s->c->js, s->c->address->name, sequence, NULL, &code);
  natsMsg_Destroy(message);
  return status == NATS_OK || code != JSNoMessageFoundErr;
}

static bool fail_silent(dbf_nats_snapshot *s, int64_t patience, debrief_error *err) {
  return dbf_fail(err, DEBRIEF_EIO, "cannot read %s: nothing has come for %lld s, and there is more",
                  s->c->address->shown, (long long)(patience / (1000 * MS)));
}

static bool bring(dbf_nats_snapshot *s, uint64_t until, int64_t patience, debrief_error *err) {
  int64_t came_last = dbf_nats_clock();
  unsigned quiet = 0;
  while (s->at < until) {
    uint64_t before = s->at;
    dbf_nats_came came = pull(s, until, dbf_nats_clock() + 250 * MS, err);
    if (came == DBF_NATS_FAILED) return false;
    if (s->at > before) came = DBF_NATS_MESSAGE; /* and then none for a moment */
    if (s->at < until && dbf_nats_is_stopped(s->c)) return dbf_fail(err, DEBRIEF_EINTERRUPTED, "interrupted");
    if (came == DBF_NATS_MESSAGE) came_last = dbf_nats_clock(), quiet = 0;
    else if (s->consumer.sub && s->consumer.pending == 0 && ++quiet >= 2 && !is_there(s, until))
      s->at = until;
    else if (dbf_nats_clock() - came_last > patience) return fail_silent(s, patience, err);
  }
  return true;
}

static void enter(dbf_nats_snapshot *s) {
  atomic_fetch_add(&s->waiting, 1);
  pthread_mutex_lock(&s->mutex);
  atomic_fetch_sub(&s->waiting, 1);
}

/* Give each session that is packed a file of its own. */
static bool unpack(dbf_nats_snapshot *s, debrief_error *err) {
  s->whole = true;
  for (uint32_t i = 0; i < s->ids.count; i++) {
    session *one = s->sessions[i];
    if (!one->has_file && one->size && !write_to_file(s, one)) return fail_write(s, err);
  }
  s->unpacked = dbf_nats_packing_write(&s->packing, 0);
  return s->unpacked || fail_write(s, err);
}

bool dbf_nats_snapshot_bring(dbf_nats_snapshot *s, int64_t created, uint64_t until, bool whole,
                             int64_t patience, debrief_error *err) {
  enter(s);
  bool ok =
      s->consumer.created == created ||
      dbf_fail(err, DEBRIEF_EIO, "the stream %s was removed and made again meanwhile: open the log again",
               s->c->address->name);
  if (whole && s->at == 0) s->whole = s->unpacked = true;
  ok = ok && bring(s, until, patience, err) && flush(s, err) && (!whole || s->unpacked || unpack(s, err));
  s->shown = s->shown || ok;
  if (s->followers == 0) dbf_nats_consumer_rest(&s->consumer);
  pthread_mutex_unlock(&s->mutex);
  return ok;
}

void dbf_nats_snapshot_skip(dbf_nats_snapshot *s, uint64_t sequence) {
  enter(s);
  if (s->at == 0) {
    s->at = sequence;
    s->consumer.next = sequence + 1;
  }
  pthread_mutex_unlock(&s->mutex);
}

uint64_t dbf_nats_snapshot_at(dbf_nats_snapshot *s) {
  enter(s);
  uint64_t at = s->at;
  pthread_mutex_unlock(&s->mutex);
  return at;
}

bool dbf_nats_snapshot_is_whole(dbf_nats_snapshot *s) {
  enter(s);
  bool whole = s->unpacked;
  pthread_mutex_unlock(&s->mutex);
  return whole;
}

uint64_t dbf_nats_snapshot_last(dbf_nats_snapshot *s, const char *id) {
  enter(s);
  const session *one = find(s, id);
  uint64_t last = one ? one->last : 0;
  pthread_mutex_unlock(&s->mutex);
  return last;
}

uint64_t dbf_nats_snapshot_lines(dbf_nats_snapshot *s, const char *id) {
  enter(s);
  const session *one = find(s, id);
  uint64_t lines = one ? one->lines : 0;
  pthread_mutex_unlock(&s->mutex);
  return lines;
}

/* ---- Following ------------------------------------------------------------------------------------------------- */

/* The stream was made again: its messages follow those of the one before, whose sequences name others now. False: try
 * later. */
static bool start_over(dbf_nats_snapshot *s) {
  if (!dbf_nats_places_clear(&s->places)) return false;
  for (uint32_t i = 0; i < s->ids.count; i++) {
    s->sessions[i]->last = 0;
    s->sessions[i]->trace = (dbf_nats_trace){.last = 0};
  }
  dbf_nats_consumer_init(&s->consumer, s->c, s->consumer.remade, 1);
  s->at = 0;
  return true;
}

/* A link takes no room on a disk that is full. */
static void note_stall(dbf_nats_snapshot *s, bool stalled) {
  const char *why = strerror(errno);
  if (stalled && !s->stalled) stalled = symlinkat(why, s->folder.fd, DBF_PACK_STALLED) == 0;
  if (!stalled && s->stalled) unlinkat(s->folder.fd, DBF_PACK_STALLED, 0);
  s->stalled = stalled;
}

/* Whatever fails is tried again: a follower waits for the servers as for its files. */
static void *read_on(void *user) {
  dbf_nats_snapshot *s = user;
  debrief_error unused;
  while (!atomic_load(&s->stop)) {
    pthread_mutex_lock(&s->mutex);
    dbf_nats_came came = pull(s, UINT64_MAX, dbf_nats_clock() + 50 * MS, &unused);
    bool ok = flush(s, &unused);
    note_stall(s, !ok);
    ok = ok && came != DBF_NATS_FAILED;
    if (!ok && s->consumer.remade) ok = start_over(s);
    pthread_mutex_unlock(&s->mutex);
    if (!ok) dbf_nats_pause(200 * MS);
    while (atomic_load(&s->waiting) && !atomic_load(&s->stop)) dbf_nats_pause(MS / 10);
  }
  return NULL;
}

bool dbf_nats_snapshot_follow(dbf_nats_snapshot *s, bool on, debrief_error *err) {
  pthread_mutex_lock(&s->turning);
  enter(s);
  bool start = on && s->followers++ == 0, end = !on && s->followers > 0 && --s->followers == 0;
  int failed = 0;
  if (start) {
    atomic_store(&s->stop, false);
    failed = pthread_create(&s->thread, NULL, read_on, s);
    if (failed) s->followers--;
  }
  if (end) atomic_store(&s->stop, true);
  pthread_mutex_unlock(&s->mutex);
  if (end) pthread_join(s->thread, NULL);
  pthread_mutex_unlock(&s->turning);
  errno = failed;
  return !failed || dbf_fail_errno(err, "cannot start a thread that follows %s", s->c->address->shown);
}

/* ---- Places ---------------------------------------------------------------------------------------------------- */

uint64_t dbf_nats_snapshot_sequence(dbf_nats_snapshot *s, const char *id, uint64_t line) {
  enter(s);
  const session *one = find(s, id);
  const dbf_nats_place *at = NULL;
  if (one && line >= 1 && line <= one->lines) at = dbf_nats_places_find(&s->places, &one->trace, true, line);
  uint64_t sequence = at ? at->sequence : 0;
  pthread_mutex_unlock(&s->mutex);
  return sequence;
}

uint64_t dbf_nats_snapshot_line(dbf_nats_snapshot *s, const char *id, uint64_t sequence) {
  enter(s);
  const session *one = find(s, id);
  const dbf_nats_place *at = one ? dbf_nats_places_find(&s->places, &one->trace, false, sequence) : NULL;
  uint64_t line = at && at->sequence == sequence ? at->line : 0;
  pthread_mutex_unlock(&s->mutex);
  return line;
}

void dbf_nats_snapshot_left_out(dbf_nats_snapshot *s, bool (*each)(void *user, const char *text),
                                void *user) {
  char more[64];
  enter(s);
  uint64_t count = s->strangers;
  bool go_on = true;
  for (uint64_t i = 0; go_on && i < count && i < EXAMPLES; i++) go_on = each(user, s->examples[i]);
  if (go_on && count > EXAMPLES) {
    snprintf(more, sizeof more, "and %llu more messages like these", (unsigned long long)(count - EXAMPLES));
    each(user, more);
  }
  pthread_mutex_unlock(&s->mutex);
}

/* ---- Making and freeing ---------------------------------------------------------------------------------------- */

const char *dbf_nats_snapshot_path(const dbf_nats_snapshot *s) {
  return s->folder.path;
}

static bool prepare(dbf_nats_snapshot *s, debrief_error *err) {
  if (!dbf_nats_folder_make(&s->folder, err)) return false;
  if (!dbf_ids_init(&s->ids)) return dbf_fail_memory(err);
  return (dbf_nats_packing_open(&s->packing, s->folder.fd) &&
          dbf_nats_places_open(&s->places, s->folder.fd)) ||
         dbf_fail_errno(err, "cannot write to %s ($TMPDIR names another place)", s->folder.path);
}

dbf_nats_snapshot *dbf_nats_snapshot_new(dbf_nats_connection *c, int64_t created, debrief_error *err) {
  dbf_nats_snapshot *s = calloc(1, sizeof *s);
  if (!s) return dbf_fail_memory(err), NULL;
  s->c = c;
  s->packing.data = s->packing.index = s->places.fd = -1;
  s->folder = (dbf_nats_folder){.fd = -1, .lock = -1};
  pthread_mutex_init(&s->turning, NULL);
  pthread_mutex_init(&s->mutex, NULL);
  dbf_nats_consumer_init(&s->consumer, c, created, 1);
  if (prepare(s, err)) return s;
  dbf_nats_snapshot_free(s, false);
  return NULL;
}

void dbf_nats_snapshot_free(dbf_nats_snapshot *s, bool forked) {
  if (!s) return;
  if (!forked && s->followers) {
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
  }
  if (!forked) let_go(s);
  if (!forked) dbf_nats_consumer_release(&s->consumer);
  dbf_nats_packing_close(&s->packing);
  dbf_nats_places_close(&s->places);
  dbf_nats_folder_remove(&s->folder, forked);
  for (uint32_t i = 0; i < s->ids.count; i++) free(s->sessions[i]);
  free(s->sessions);
  dbf_ids_release(&s->ids);
  dbf_bytes_release(&s->buffer);
  dbf_bytes_release(&s->pieces);
  dbf_bytes_release(&s->touched);
  free(s);
}
