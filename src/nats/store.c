#include "store.h"

#include "../log/bytes.h"
#include "../log/error.h"
#include "../log/io.h"
#include "connect.h"
#include "desk.h"
#include "folder.h"
#include "send.h"
#include "snapshot.h"
#include "stream.h"
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MS      INT64_C(1000000)
#define READING (2000 * MS) /* how long to try to connect for what only reads */

struct dbf_store {
  dbf_nats_address address;
  dbf_nats_login login;
  int64_t timeout; /* ns */
  pthread_mutex_t mutex;
  dbf_nats_connection connection; /* made when it is needed, under `mutex`, as the snapshot is */
  dbf_nats_snapshot *snapshot;
};

static void release(dbf_store *store) {
  dbf_nats_address_release(&store->address);
  dbf_nats_login_release(&store->login);
  free(store);
}

static bool check_config(const debrief_log_config *config, debrief_error *err) {
  if (config->sync != DEBRIEF_SYNC_NONE)
    return dbf_fail(
        err, DEBRIEF_EARG,
        "--sync is for folders: the servers acknowledge an entry when most of them have it, before it is on "
        "their disks; let them sync (sync_interval) for power cuts of all of them");
  if (config->timeout_ms > 540000)
    return dbf_fail(err, DEBRIEF_EARG,
                    "the timeout is at most 540,000 ms: what is sent again later would be stored twice");
  return true;
}

static dbf_store *store_open(const char *address, const debrief_log_config *config, debrief_error *err) {
  if (!check_config(config, err)) return NULL;
  dbf_store *store = calloc(1, sizeof *store);
  if (!store) return dbf_fail_memory(err), NULL;
  if (!dbf_nats_address_parse(&store->address, address, err) ||
      !dbf_nats_login_take(&store->login, config, err)) {
    release(store);
    return NULL;
  }
  store->timeout = (config->timeout_ms ? config->timeout_ms : 30000) * MS;
  pthread_mutex_init(&store->mutex, NULL);
  dbf_nats_connection_init(&store->connection, &store->address);
  return store;
}

/* A child of a fork has no thread of the client library: what it does to the connection would wait forever. */
static void store_close(dbf_store *store, bool forked) {
  dbf_nats_snapshot_free(store->snapshot, forked);
  if (forked) return;
  dbf_nats_desk_free(store->connection.desk);
  dbf_nats_disconnect(&store->connection);
  release(store);
}

static const char *store_shown(const dbf_store *store) {
  return store->address.shown;
}

static const char *store_name(const dbf_store *store) {
  return store->address.name;
}

/* An append waits for servers that start again; what only reads says soon that none is there. */
static bool connected(dbf_store *store, bool patient, debrief_error *err) {
  int64_t wait = patient || store->timeout < READING ? store->timeout : READING;
  pthread_mutex_lock(&store->mutex);
  bool ok = store->connection.nc ||
            dbf_nats_connect(&store->connection, &store->login, dbf_nats_clock() + wait, err);
  if (ok && patient && !store->connection.desk) {
    store->connection.desk = dbf_nats_desk_new(&store->connection, err);
    ok = store->connection.desk != NULL;
  }
  pthread_mutex_unlock(&store->mutex);
  return ok;
}

static bool store_make(dbf_store *store, const dbf_store_making *how, bool *made, debrief_error *err) {
  return connected(store, false, err) && dbf_nats_stream_make(&store->connection, how, made, err);
}

static bool store_look(dbf_store *store, dbf_store_state *state, debrief_error *err) {
  bool ok = connected(store, false, err) &&
            dbf_nats_stream_look(&store->connection, state, dbf_nats_clock() + store->timeout, err);
  if (ok && store->snapshot) state->reached = dbf_nats_snapshot_at(store->snapshot);
  return ok;
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static dbf_nats_snapshot *snapshot_of(dbf_store *store, int64_t created, debrief_error *err) {
  pthread_mutex_lock(&store->mutex);
  if (!store->snapshot) store->snapshot = dbf_nats_snapshot_new(&store->connection, created, err);
  dbf_nats_snapshot *snapshot = store->snapshot;
  pthread_mutex_unlock(&store->mutex);
  return snapshot;
}

/* `whole`: with a file for each session. */
static dbf_nats_snapshot *up_to_date(dbf_store *store, bool whole, debrief_error *err) {
  dbf_store_state state;
  if (!store_look(store, &state, err)) return NULL;
  dbf_nats_snapshot *snapshot = snapshot_of(store, state.created_ns, err);
  bool ok =
      snapshot && dbf_nats_snapshot_bring(snapshot, state.created_ns, state.last, whole, store->timeout, err);
  return ok ? snapshot : NULL;
}

static const char *store_folder(dbf_store *store, bool whole, debrief_error *err) {
  dbf_nats_snapshot *snapshot = up_to_date(store, whole, err);
  return snapshot ? dbf_nats_snapshot_path(snapshot) : NULL;
}

static bool store_skip(dbf_store *store, uint64_t sequence, debrief_error *err) {
  dbf_store_state state;
  if (!store_look(store, &state, err)) return false;
  dbf_nats_snapshot *snapshot = snapshot_of(store, state.created_ns, err);
  if (!snapshot) return false;
  dbf_nats_snapshot_skip(snapshot, sequence);
  return true;
}

static bool store_follow(dbf_store *store, bool on, debrief_error *err) {
  if (!on) return !store->snapshot || dbf_nats_snapshot_follow(store->snapshot, false, err);
  return up_to_date(store, true, err) && dbf_nats_snapshot_follow(store->snapshot, true, err);
}

static uint64_t store_sequence_of(dbf_store *store, const char *id, uint64_t line) {
  return store->snapshot ? dbf_nats_snapshot_sequence(store->snapshot, id, line) : 0;
}

static uint64_t store_line_of(dbf_store *store, const char *id, uint64_t sequence) {
  return store->snapshot ? dbf_nats_snapshot_line(store->snapshot, id, sequence) : 0;
}

static void store_left_out(dbf_store *store, bool (*each)(void *user, const char *text), void *user) {
  if (store->snapshot) dbf_nats_snapshot_left_out(store->snapshot, each, user);
}

/* ---- Appending ------------------------------------------------------------------------------------------------- */

/* Do the lines lie one after the other? */
static bool is_one_run(const debrief_text *lines, size_t count, size_t *len) {
  bool one = true;
  *len = 0;
  for (size_t i = 0; i < count; i++) {
    one = one && lines[i].data == lines[0].data + *len;
    *len += lines[i].len;
  }
  return one;
}

static bool put(dbf_store *store, const char *id, const debrief_text *lines, size_t count,
                const uint64_t *expected, int64_t deadline, uint64_t *sequence, bool *conflict,
                bool *doubtful, debrief_error *err) {
  dbf_nats_message message = {.id = id, .data = lines[0].data, .expected = expected};
  dbf_bytes joined;
  dbf_bytes_init(&joined);
  if (!is_one_run(lines, count, &message.len)) {
    for (size_t i = 0; i < count; i++) dbf_bytes_append(&joined, lines[i].data, lines[i].len);
    message.data = joined.data;
  }
  bool ok = !joined.failed || dbf_fail_memory(err);
  ok = ok &&
       dbf_nats_stream_publish(&store->connection, &message, deadline, sequence, conflict, doubtful, err);
  dbf_bytes_release(&joined);
  return ok;
}

static bool append_all(dbf_store *store, const char *id, const debrief_text *lines, size_t count,
                       dbf_appended *done, debrief_error *err) {
  bool conflict = false, doubtful = false;
  uint64_t sequence;
  int64_t deadline = dbf_nats_clock() + store->timeout;
  if (count == 0) return true;
  bool ok = connected(store, true, err) &&
            put(store, id, lines, count, NULL, deadline, &sequence, &conflict, &doubtful, err);
  if (ok) done->stored = count;
  else if (doubtful) done->doubtful = count;
  return ok;
}

/* What an import adds to a session: lines that are sent are taken out of the list, so that the keys can be read again
 * when somebody else has appended meanwhile. */
typedef struct adding {
  dbf_store *store;
  const char *id;
  debrief_text *left;   /* as given, {NULL, 0} once they are stored */
  debrief_text *wanted; /* those of them that the session does not hold */
  size_t count;
  dbf_before_write before;
  void *user;
  dbf_appended *done;
  int64_t deadline;
  size_t big; /* so many lines fit into no message */
  debrief_error too_big;
} adding;

/* The session as it is in the folder; an empty file if it does not exist. */
static int open_session(const adding *a, char *path, size_t size) {
  snprintf(path, size, "%s/%s" DBF_SESSION_SUFFIX, dbf_nats_snapshot_path(a->store->snapshot), a->id);
  int fd = dbf_io_above(open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return fd < 0 && errno == ENOENT ? dbf_io_above(memfd_create("debrief", MFD_CLOEXEC)) : fd;
}

static bool choose(adding *a, uint64_t *last, debrief_error *err) {
  char path[4096];
  dbf_nats_snapshot *snapshot = up_to_date(a->store, true, err);
  if (!snapshot) return false;
  *last = dbf_nats_snapshot_last(snapshot, a->id);
  int fd = open_session(a, path, sizeof path);
  if (fd < 0) return dbf_fail_errno(err, "cannot read %s", path);
  memcpy(a->wanted, a->left, a->count * sizeof *a->wanted);
  bool ok = a->before(a->user, fd, path, a->wanted, a->count, err);
  close(fd);
  return ok;
}

/* How many of the lines from `first` on go into one message, and *texts of them. */
static size_t group(const adding *a, size_t first, size_t most, debrief_text *texts, size_t *count) {
  size_t bytes = 0, at = first;
  *count = 0;
  for (; at < a->count && bytes + a->wanted[at].len <= most; at++) {
    if (a->wanted[at].len) texts[(*count)++] = a->wanted[at];
    bytes += a->wanted[at].len;
  }
  return at - first;
}

/* One that fits into no message is left out, and named when the others are stored. */
static void leave_out_big(adding *a, size_t most) {
  for (size_t i = 0; i < a->count; i++) {
    if (a->wanted[i].len <= most) continue;
    if (a->big++ == 0)
      dbf_fail_at(
          &a->too_big, DEBRIEF_ETOOBIG, i + 1, 0,
          "session %s: an entry of %zu bytes is left out, for the server takes %zu at once (max_payload)",
          a->id, a->wanted[i].len, most);
    a->wanted[i] = a->left[i] = (debrief_text){NULL, 0};
  }
}

static bool fail_big(adding *a, debrief_error *err) {
  if (!err) return false;
  *err = a->too_big;
  size_t used = strlen(err->message);
  if (a->big > 1) snprintf(err->message + used, sizeof err->message - used, "; and %zu more", a->big - 1);
  return false;
}

static bool send_groups(adding *a, uint64_t last, debrief_text *texts, bool *conflict, debrief_error *err) {
  size_t most = dbf_nats_stream_most(&a->store->connection), count, taken;
  bool doubtful = false;
  leave_out_big(a, most);
  for (size_t at = 0; at < a->count; at += taken) {
    taken = group(a, at, most, texts, &count);
    if (count && !put(a->store, a->id, texts, count, &last, a->deadline, &last, conflict, &doubtful, err)) {
      if (doubtful) a->done->doubtful = count;
      return false;
    }
    a->done->stored += count;
    for (size_t i = at; i < at + taken; i++)
      if (a->wanted[i].len) a->left[i] = (debrief_text){NULL, 0};
  }
  return true;
}

static bool append_new(adding *a, debrief_error *err) {
  debrief_text *lists = calloc(a->count ? a->count * 2 : 1, sizeof *lists);
  bool ok, conflict;
  if (!lists) return dbf_fail_memory(err);
  a->wanted = lists;
  do {
    uint64_t last;
    conflict = false;
    ok = choose(a, &last, err) && send_groups(a, last, lists + a->count, &conflict, err);
  } while (!ok && conflict && dbf_nats_clock() < a->deadline);
  free(lists);
  return ok && a->big ? fail_big(a, err) : ok;
}

static bool store_append(dbf_store *store, const char *id, debrief_text *lines, size_t count,
                         dbf_before_write before, void *user, dbf_appended *done, debrief_error *err) {
  adding a = {.store = store,
              .id = id,
              .left = lines,
              .count = count,
              .before = before,
              .user = user,
              .done = done,
              .deadline = dbf_nats_clock() + store->timeout};
  if (!before) return append_all(store, id, lines, count, done, err);
  return connected(store, true, err) && append_new(&a, err);
}

/* ---- Bringing sessions over ------------------------------------------------------------------------------------ */

/* Without an origin the folder is asked for once, and again when somebody else has appended: what is sent meanwhile need not
 * come back. */
static bool store_send(dbf_store *store, dbf_sending *sending, debrief_error *err) {
  dbf_nats_sender sender = {.c = &store->connection, .deadline = dbf_nats_clock() + store->timeout};
  bool conflict = false, ok;
  if (!connected(store, true, err)) return false;
  do {
    bool has_files = store->snapshot && dbf_nats_snapshot_is_whole(store->snapshot);
    bool compares = !sending->origin && (conflict || !has_files);
    if (compares && !up_to_date(store, true, err)) return false;
    sender.snapshot = store->snapshot;
    ok = dbf_nats_send(&sender, sending, &conflict, err);
  } while (!ok && conflict && dbf_nats_clock() < sender.deadline);
  return ok;
}

static void store_heed(dbf_store *store, bool (*stopped)(void)) {
  store->connection.stopped = stopped;
}

static const dbf_store_kind kind = {.version = DBF_STORE_VERSION,
                                    .size = sizeof kind,
                                    .open = store_open,
                                    .close = store_close,
                                    .shown = store_shown,
                                    .name = store_name,
                                    .make = store_make,
                                    .look = store_look,
                                    .append = store_append,
                                    .folder = store_folder,
                                    .follow = store_follow,
                                    .sequence_of = store_sequence_of,
                                    .line_of = store_line_of,
                                    .left_out = store_left_out,
                                    .skip = store_skip,
                                    .queue = &dbf_nats_queue,
                                    .send = store_send,
                                    .heed = store_heed,
                                    .abandon = dbf_nats_folder_abandon};

const dbf_store_kind *debrief_nats_store(void) {
  return &kind;
}
