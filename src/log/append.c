/* append.c: one session's descriptor, its lock, and the one write. Owns the rule when a record counts: it is whole,
 * ends in '\n', and begins after one. Knows nothing about JSON or threads.
 *
 *     lock --> where does it end? --> write the run --> what is in front of it? --> unlock
 *               |line\n|tor             \n{..}\n{..}\n     '\n': it counts; else: once more, after a '\n'
 *
 * A write that was cut short is never continued, for another writer may have appended in between: the cut record is
 * written again, whole. Nothing is ever cut off the file either; a fragment stays as a damaged line.
 *
 * A write past RLIMIT_FSIZE raises SIGXFSZ, which ends a process that neither ignores nor handles it. Signals are
 * the host's business; ignored, it becomes EFBIG, which is reported like a full disk. */
#include "append.h"

#include "error.h"
#include "io.h"
#include "lock.h"
#include "look.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define RUN_BYTES  ((size_t)1 << 20)
#define RUN_PIECES 64
#define REOPEN_LIMIT \
  1000 /* a file that is replaced that often between open and flock is somebody's mistake */
#define INTERRUPT_LIMIT 1000
#define CUT_LIMIT       3 /* writes in a row that do not get one whole record in; each leaves a fragment */

struct dbf_session {
  dbf_directory *dir;
  char *path, *file; /* as given, for messages; absolute */
  const char *shown; /* the path's end, for messages */
  int fd;            /* -1: not open */
  dbf_look opened;   /* which file that is */
  off_t end;         /* where this descriptor's own last record ended, -1 unknown */
  off_t counted;     /* the newlines up to here are counted: */
  uint64_t newlines;
  uint32_t lock_timeout_ms;
  atomic_bool
      folder_synced; /* the file's name is durable; a sync may run beside an append that makes the file anew */
  char id[129];
};

dbf_session *dbf_session_new(dbf_directory *dir, const char *id, uint32_t lock_timeout_ms,
                             debrief_error *err) {
  dbf_session *session = calloc(1, sizeof *session);
  if (session) {
    session->fd = -1;
    session->path = dbf_directory_session_path(dir, id);
    session->file = dbf_directory_session_file(dir, id);
  }
  if (!session || !session->path || !session->file) {
    dbf_session_free(session);
    dbf_fail_memory(err);
    return NULL;
  }
  session->dir = dir;
  session->shown = dbf_directory_shown(session->path);
  session->end = -1;
  session->lock_timeout_ms = lock_timeout_ms;
  strncpy(session->id, id, sizeof session->id - 1);
  return session;
}

static void close_file(dbf_session *session) {
  if (session->fd >= 0) close(session->fd);
  session->fd = -1;
  session->end = -1;
  session->counted = 0;
  session->newlines = 0;
}

void dbf_session_free(dbf_session *session) {
  if (!session) return;
  close_file(session);
  free(session->path);
  free(session->file);
  free(session);
}

/* ---- The lock ---------------------------------------------------------------------------------------------- */

/* Only closing frees a lock that cannot be unlocked. */
static void unlock(dbf_session *session) {
  if (flock(session->fd, LOCK_UN) != 0) close_file(session);
}

static bool open_file(dbf_session *session, debrief_error *err) {
  if (!dbf_directory_open_session(session->dir, session->id, true, &session->fd, NULL, err)) return false;
  if (!dbf_look_at(session->fd, &session->opened)) {
    dbf_fail_errno(err, "nothing was written: cannot look at %s", session->shown);
    close_file(session);
    return false;
  }
  atomic_store(&session->folder_synced, false); /* after it has its name, before anything is in it */
  return true;
}

typedef enum named { OURS, ANOTHER, UNKNOWN } named;

/* Look at the file that has the session's name: is it the one that is open? Where the name cannot be looked up, as by a
 * process that gave up its rights, the descriptor is all there is. */
static named look_at_name(const dbf_session *session, dbf_look *look) {
  if (dbf_look_at_name(AT_FDCWD, session->file, look))
    return dbf_look_is_same(look, &session->opened) ? OURS : ANOTHER;
  if (errno == ENOENT || errno == ENOTDIR) return ANOTHER;
  if (!dbf_look_at(session->fd, look)) return UNKNOWN;
  return look->links > 0 ? OURS : ANOTHER;
}

/* Open and lock the file that has the session's name now, which is what readers will look for: a file that was moved away,
 * alone or with its folder, or replaced, as editors and repair do it, may still have a name, but not this one. Who replaces
 * it under the lock is noticed for certain. */
static bool lock(dbf_session *session, dbf_look *look, debrief_error *err) {
  uint64_t deadline = 0; /* set by the first wait: most appends never look at the clock */
  for (int tries = 0; tries < REOPEN_LIMIT; tries++) {
    if (session->fd < 0 && !open_file(session, err)) return false;
    if (!dbf_lock_wait(session->fd, session->shown, "append", session->lock_timeout_ms, &deadline, err))
      return false;
    named name = look_at_name(session, look);
    if (name == OURS) return true;
    if (name == UNKNOWN) dbf_fail_errno(err, "nothing was written: cannot look at %s", session->shown);
    unlock(session);
    if (name == UNKNOWN) return false;
    close_file(session);
  }
  return dbf_fail(err, DEBRIEF_EIO, "nothing was written: %s is replaced again and again", session->shown);
}

/* ---- The write --------------------------------------------------------------------------------------------- */

/* Lines on their way into the file. */
typedef struct batch {
  const debrief_text *lines;
  size_t count;
  size_t at;    /* the first that does not count yet */
  size_t limit; /* after the last to write now */
  size_t skip;  /* where to go on when `limit` is reached */
  bool heal;    /* the next write starts with '\n' */
  bool pending; /* of `at`, everything but the newline is in the file; the next write starts with it */
  off_t end;    /* of the file, as last seen */
} batch;

/* One write(2). */
typedef struct run {
  struct iovec pieces[RUN_PIECES];
  int count;
  size_t bytes;
} run;

static void run_add(run *r, const char *data, size_t len) {
  struct iovec *last = r->count ? &r->pieces[r->count - 1] : NULL;
  if (last && (const char *)last->iov_base + last->iov_len == data) last->iov_len += len;
  else r->pieces[r->count++] = (struct iovec){(void *)(uintptr_t)data, len};
  r->bytes += len;
}

static void gather(run *r, const batch *b) {
  assert(b->at < b->limit && b->limit <= b->count);
  assert(!(b->heal && b->pending));
  r->count = 0;
  r->bytes = 0;
  if (b->heal || b->pending) run_add(r, "\n", 1);
  for (size_t i = b->at + b->pending; i < b->limit && r->count < RUN_PIECES; i++) {
    if (r->bytes > 1 && r->bytes + b->lines[i].len > RUN_BYTES) break;
    if (b->lines[i].len) run_add(r, b->lines[i].data, b->lines[i].len);
  }
}

/* The one write of a run; on an interrupt, which a file system in user space may report, nothing was written. */
static ssize_t write_run(int fd, const run *r) {
  ssize_t n = -1;
  for (int tries = 0; tries < INTERRUPT_LIMIT; tries++) {
    n = r->count == 1 ? write(fd, r->pieces[0].iov_base, r->pieces[0].iov_len)
                      : writev(fd, r->pieces, r->count);
    if (n >= 0 || errno != EINTR) break;
  }
  return n;
}

/* 1: the byte in front of `offset` is '\n', or there is none; 0: it is another; -1: unreadable. */
static int newline_before(int fd, off_t offset) {
  char last;
  if (offset <= 0) return 1;
  ssize_t n = dbf_io_read_at(fd, &last, 1, (uint64_t)offset - 1);
  return n < 0 ? -1 : n == 1 && last == '\n';
}

static const char *advice(int reason) {
  if (reason == ENOSPC || reason == EDQUOT) return "free some space, then append again";
  if (reason == EFBIG) return "raise the limit on file sizes (ulimit -f), then append again";
  return "append again once that is fixed";
}

/* Lines that were not dropped, of lines[from..to). */
static size_t count_lines(const batch *b, size_t from, size_t to) {
  size_t n = 0;
  for (size_t i = from; i < to; i++) n += b->lines[i].len > 0;
  return n;
}

/* What of the entries is in the file, as the end of a message. */
static void say_what_is_there(char *out, size_t size, const batch *b, const dbf_appended *done,
                              bool fragment) {
  size_t all = count_lines(b, 0, b->count);
  if (all > 1 && done->stored > 0)
    snprintf(out, size, "%zu of %zu entries were stored%s", done->stored, all,
             fragment ? ", and of the next a damaged line is left" : "");
  else
    snprintf(out, size, "%s",
             fragment ? "of the cut entry only a damaged line is left" : "the entry was not stored");
}

static bool fail_write(const dbf_session *session, const batch *b, const dbf_appended *done, bool fragment,
                       debrief_error *err) {
  char reason[128], there[128];
  int saved = errno;
  say_what_is_there(there, sizeof there, b, done, fragment);
  dbf_fail(err, saved == ENOMEM ? DEBRIEF_EMEMORY : DEBRIEF_EIO, "cannot append to %s: %s: %s; %s",
           session->shown, dbf_error_reason(saved, reason, sizeof reason), there, advice(saved));
  return false;
}

/* Count the records of which every byte is among the `n` that were written, and see whether the next is cut, or lacks
 * nothing but its newline. */
static size_t whole_records(const batch *b, size_t n, bool *cut, bool *pending) {
  size_t i = b->at + b->pending;
  if ((b->heal || b->pending) && n > 0) n--;
  for (; i < b->limit && b->lines[i].len <= n; i++) n -= b->lines[i].len;
  *pending = n > 0 && n == b->lines[i].len - 1;
  *cut = n > 0 && !*pending;
  return i;
}

/* Is the first record spoilt by a writer without a lock: is there half a line in front of what was written at `offset`,
 * or something between a record and its newline? -1: cannot tell. */
static int is_glued(int fd, const batch *b, off_t offset) {
  if (offset == b->end) return 0;
  if (b->pending) return 1;
  if (b->heal) return 0;
  int newline = newline_before(fd, offset);
  return newline < 0 ? -1 : !newline;
}

/* The first record is spoilt: that one again, then on after the others that were written. */
static void write_first_again(batch *b, size_t next) {
  if (next > b->at && b->limit == b->count) b->skip = next;
  if (next > b->at) b->limit = b->at + 1;
  b->heal = true;
  b->pending = false;
}

/* No more can be written. A record that lacks its newline counts if it still ends the file. */
static bool settle_pending(const dbf_session *session, batch *b, dbf_appended *done) {
  dbf_look look;
  int saved = errno;
  bool last = b->pending && dbf_look_at(session->fd, &look) && (off_t)look.size == b->end;
  errno = saved;
  b->pending = false;
  if (!last) return false;
  done->stored++;
  b->at++;
  b->heal = true;
  return true;
}

/* What was written last cannot be looked at: it may be whole. */
static bool fail_look(const dbf_session *session, const batch *b, size_t next, dbf_appended *done,
                      debrief_error *err) {
  done->doubtful = count_lines(b, b->at, next);
  return dbf_fail_errno(err, "cannot tell whether %s in %s: look at its end before you append it again",
                        done->doubtful == 1 ? "the entry is whole" : "the last entries are whole",
                        session->shown);
}

/* Write one run and settle what of it counts. */
static bool write_some(dbf_session *session, batch *b, dbf_appended *done, bool *cut, debrief_error *err) {
  run r;
  bool pending;
  gather(&r, b);
  assert(r.count > 0 && r.count <= RUN_PIECES &&
         r.bytes > 0); /* a write of nothing would count as one that failed */
  ssize_t n = write_run(session->fd, &r);
  if (n < 0) {
    if (settle_pending(session, b, done)) return *cut = false, true;
    return fail_write(session, b, done, *cut, err);
  }
  off_t end = lseek(session->fd, 0, SEEK_CUR);
  int glued = end < 0 ? -1 : is_glued(session->fd, b, end - n);
  if (n == 0 && glued >= 0) return true;
  size_t next = whole_records(b, (size_t)n, cut, &pending);
  if (glued < 0) return fail_look(session, b, next, done, err);
  b->end = end;
  if (glued) return write_first_again(b, next + (pending && next > b->at)), true;
  done->stored += count_lines(b, b->at, next);
  b->at = next;
  b->pending = pending;
  b->heal = *cut;
  return true;
}

/* The records after a glued one are in the file already. */
static void step_over(batch *b, dbf_appended *done) {
  assert(b->at == b->limit && b->limit <= b->skip);
  done->stored += count_lines(b, b->limit, b->skip);
  b->at = b->skip;
  b->limit = b->skip = b->count;
}

/* Those are there even when the glued one could not be written again. */
static bool give_up(const batch *b, dbf_appended *done) {
  if (b->limit < b->skip) done->doubtful += count_lines(b, b->limit, b->skip);
  return false;
}

static bool write_lines(dbf_session *session, batch *b, dbf_appended *done, debrief_error *err) {
  bool cut = false;
  int fruitless = 0;
  for (;;) {
    if (b->at == b->limit) step_over(b, done);
    while (b->at < b->limit && b->lines[b->at].len == 0) b->at++;
    if (b->at == b->count) return true;
    size_t before = b->at;
    if (!write_some(session, b, done, &cut, err)) return give_up(b, done);
    fruitless = b->at > before ? 0 : fruitless + 1;
    if (fruitless > CUT_LIMIT && !settle_pending(session, b, done)) {
      errno = EIO;
      fail_write(session, b, done, cut, err);
      return give_up(b, done);
    }
  }
}

/* Where the file ends, and whether somebody's half a line does. Nothing needs reading where our own record ended. */
static bool look_at_end(const dbf_session *session, off_t size, batch *b, debrief_error *err) {
  int newline = size == session->end ? 1 : newline_before(session->fd, size);
  if (newline < 0)
    return dbf_fail_errno(err, "nothing was written: cannot read the end of %s", session->shown);
  b->heal = !newline;
  b->end = size;
  return true;
}

/* Let the caller look at the file, and look at its size again: that may have taken long, and a writer without a lock may have
 * written meanwhile. */
static bool prepare(dbf_session *session, dbf_before_write before, void *user, debrief_text *lines,
                    size_t count, dbf_look *look, debrief_error *err) {
  if (!before(user, session->fd, session->path, lines, count, err)) return false;
  return dbf_look_at(session->fd, look) ||
         dbf_fail_errno(err, "nothing was written: cannot look at %s", session->shown);
}

/* Count the newlines up to `end`, which nobody changes any more. */
static bool count_newlines(dbf_session *session, off_t end) {
  char buffer[1 << 14];
  if (session->counted > end) session->counted = 0, session->newlines = 0;
  while (session->counted < end) {
    size_t left = (size_t)(end - session->counted), most = left < sizeof buffer ? left : sizeof buffer;
    ssize_t n = dbf_io_read_at(session->fd, buffer, most, (uint64_t)session->counted);
    if (n <= 0) return false;
    for (const char *at = buffer; (at = memchr(at, '\n', (size_t)(buffer + n - at))); at++)
      session->newlines++;
    session->counted += n;
  }
  return true;
}

/* The number of the line that ends at b->end, or, with a newline missing, there. */
static uint64_t line_number(dbf_session *session, const batch *b) {
  if (session->fd < 0 || !count_newlines(session, b->end)) return 0;
  return session->newlines + b->heal;
}

bool dbf_session_append(dbf_session *session, debrief_text *lines, size_t count, dbf_before_write before,
                        void *user, dbf_appended *done, debrief_error *err) {
  dbf_look look;
  batch b = {.lines = lines, .count = count, .limit = count, .skip = count};
  *done = (dbf_appended){.numbered = done->numbered};
  if (!lock(session, &look, err)) return false;
  bool ok = (!before || prepare(session, before, user, lines, count, &look, err)) &&
            look_at_end(session, (off_t)look.size, &b, err) && write_lines(session, &b, done, err);
  session->end = ok && !b.heal ? b.end : -1;
  unlock(session);
  if (ok && done->numbered) done->line = line_number(session, &b);
  return ok;
}

/* ---- The sync ---------------------------------------------------------------------------------------------- */

int dbf_session_sync_begin(dbf_session *session) {
  return dbf_io_duplicate(session->fd);
}

bool dbf_session_sync_end(dbf_session *session, int fd, debrief_error *err) {
  bool ok = fdatasync(fd >= 0 ? fd : session->fd) == 0;
  if (!ok)
    dbf_fail_errno(err, "cannot sync %s: what was written may be lost; open the log again", session->shown);
  if (fd >= 0) close(fd);
  if (!ok || atomic_exchange(&session->folder_synced, true)) return ok;
  return dbf_directory_sync(session->dir, err);
}
