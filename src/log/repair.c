/* repair.c: a session without its damage. Owns the order of the steps, and what of the file goes where.
 *
 *     lock   s1.jsonl
 *            s1.jsonl ----- every byte -----> s1.jsonl.broken-20261122T193000Z    fsync, fsync the folder
 *            s1.jsonl -- entry after entry -> .s1.jsonl.repair                    fsync
 *            .s1.jsonl.repair -- rename ----> s1.jsonl                            fsync the folder
 *     unlock (the old file, which has no name any more: that is how append.c notices)
 *
 * Killed between any two of these, the session is whole: the old one, or the new one with a whole copy beside it. What
 * is left of the temporary file is removed by the next repair. Nobody else makes it: its name is that of the session,
 * which is locked. */
#include "directory.h"
#include "error.h"
#include "io.h"
#include "lock.h"
#include "log_internal.h"
#include "read.h"
#include "salvage.h"
#include "struct_size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  REOPEN_LIMIT = 1000, /* as in append.c */
  COPY_NAMES = 10000,  /* repairs of one session in one second */
  CHUNK = 32 * 1024,   /* bytes of a copy at once */
  OUTPUT = 256 * 1024  /* bytes of entries to write at once */
};

/* The damaged line being taken apart:  |entry|entry| left out |entry| left out|
 *                                       ^begin of the line     ^next           ^end */
typedef struct dissection {
  int file;
  uint64_t line; /* 0: none */
  debrief_kind kind;
  uint64_t next, end; /* offsets in the file */
  dbf_bytes list;     /* of debrief_left_out */
} dissection;

typedef struct repair {
  dbf_directory *dir;
  const char *id;
  char *path;                     /* of the session */
  const char *shown;              /* for messages */
  const char *name;               /* in the folder */
  int folder, file;               /* the folder; the session, with its lock; -1: not open */
  struct stat st;                 /* of the session when it was locked */
  uint64_t copied;                /* bytes */
  char copy[200], temporary[160]; /* names in the folder; "" when there is no such file */
  dissection lines;
  debrief_repair result;
  debrief_error *err;
} repair;

static const char *advice(int reason) {
  if (reason == ENOSPC || reason == EDQUOT) return "free some space, then repair again";
  if (reason == EFBIG) return "raise the limit on file sizes (ulimit -f), then repair again";
  return "repair again when that is mended";
}

/* "cannot VERB NAME: reason of errno", and that nothing has happened. */
static bool fail_step(const repair *r, const char *verb, const char *name) {
  char reason[128];
  int saved = errno;
  return dbf_fail(r->err, saved == ENOMEM ? DEBRIEF_EMEMORY : DEBRIEF_EIO,
                  "cannot %s %s: %s: %s was not repaired and is as it was; %s", verb, name,
                  strerror_r(saved, reason, sizeof reason), r->shown, advice(saved));
}

/* ---- The lock ---------------------------------------------------------------------------------------------- */

static bool check_links(const repair *r) {
  if (r->st.st_nlink == 1) return true;
  return dbf_fail(
      r->err, DEBRIEF_EUNSAFE,
      "%s has %lu names (hard links), and writers could not tell that it was replaced: remove the "
      "others, then repair again",
      r->shown, (unsigned long)r->st.st_nlink);
}

/* Open and lock the file that has the session's name now. For writing, although nothing is written to it: network file
 * systems lock only such files. */
static bool lock(repair *r, uint32_t timeout_ms) {
  uint64_t deadline = 0;
  for (int tries = 0; tries < REOPEN_LIMIT; tries++) {
    if (!dbf_directory_open_session(r->dir, r->id, true, &r->file, NULL, r->err)) return false;
    if (!dbf_lock_wait(r->file, r->shown, "repair", timeout_ms, &deadline, r->err)) return false;
    if (fstat(r->file, &r->st) != 0) return fail_step(r, "look at", r->name);
    if (r->st.st_nlink > 0) return check_links(r);
    close(r->file);
    r->file = -1;
  }
  return dbf_fail(r->err, DEBRIEF_EIO, "nothing was repaired: %s is replaced again and again", r->shown);
}

/* Is this still the file that was locked and copied? A process that does not lock may have done anything. */
static bool is_unchanged(const repair *r) {
  struct stat name, file;
  if (fstatat(r->folder, r->name, &name, AT_SYMLINK_NOFOLLOW) != 0 || fstat(r->file, &file) != 0)
    return fail_step(r, "look at", r->name);
  if (name.st_dev == file.st_dev && name.st_ino == file.st_ino && (uint64_t)file.st_size == r->copied)
    return true;
  return dbf_fail(
      r->err, DEBRIEF_EIO,
      "somebody who does not lock changed %s while it was repaired: what they made of it was left alone; "
      "repair again",
      r->shown);
}

/* ---- Files ------------------------------------------------------------------------------------------------- */

/* Sync and close a file that was written. */
static bool finish(const repair *r, int fd, const char *name, bool ok) {
  if (ok && fsync(fd) != 0) ok = fail_step(r, "sync", name);
  close(fd);
  return ok;
}

static bool copy_bytes(repair *r, int to) {
  char chunk[CHUNK];
  for (;;) {
    ssize_t n = dbf_io_read_at(r->file, chunk, sizeof chunk, r->copied);
    if (n == 0) return true;
    if (n < 0) return fail_step(r, "read", r->name);
    if (!dbf_io_write_all(to, chunk, (size_t)n)) return fail_step(r, "write", r->copy);
    r->copied += (uint64_t)n;
  }
}

/* Make the file of the copy, under the first name that is free. */
static int make_copy_file(repair *r) {
  char stamp[32], number[16] = "";
  struct timespec now;
  struct tm utc;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  for (int i = 1; i <= COPY_NAMES; i++) {
    snprintf(r->copy, sizeof r->copy, "%s.broken-%s%s", r->name, stamp, number);
    int fd = dbf_directory_make_file(r->folder, r->copy, 0600, &r->st);
    if (fd >= 0 || errno != EEXIST) return fd;
    snprintf(number, sizeof number, "-%d", i);
  }
  return -1;
}

static bool copy_session(repair *r) {
  int fd = make_copy_file(r);
  if (fd < 0) {
    fail_step(r, "make", r->copy);
    r->copy[0] = '\0'; /* it is not ours */
    return false;
  }
  if (!finish(r, fd, r->copy, copy_bytes(r, fd))) return false;
  size_t folder = (size_t)(r->name - r->path);
  if (asprintf(&r->result.copy, "%.*s%s", (int)folder, r->path, r->copy) < 0) {
    r->result.copy = NULL;
    return dbf_fail_memory(r->err);
  }
  return fsync(r->folder) == 0 || fail_step(r, "sync the folder of", r->copy);
}

/* ---- What is left out -------------------------------------------------------------------------------------- */

/* Nothing but white space from `next` to `to`? What cannot be read is taken for something. */
static bool is_blank(const dissection *d, uint64_t to) {
  char piece[4096];
  for (uint64_t at = d->next; at < to;) {
    size_t want = to - at < sizeof piece ? (size_t)(to - at) : sizeof piece;
    bool nuls = false;
    ssize_t n = dbf_io_read_at(d->file, piece, want, at);
    if (n <= 0 || dbf_salvage_skip(piece, piece + n, &nuls) != piece + n || nuls) return false;
    at += (uint64_t)n;
  }
  return true;
}

static void leave_out(dissection *d, uint64_t to) {
  if (is_blank(d, to)) return;
  debrief_left_out item = {d->kind, d->line, d->next, to - d->next};
  dbf_bytes_append(&d->list, &item, sizeof item);
}

static void end_line(dissection *d) {
  if (d->line) leave_out(d, d->end);
  d->line = 0;
}

/* A line may be reported twice: glued, and then what one of its records is. */
static void meet_damage(void *user, const debrief_diagnostic *damage) {
  dissection *d = user;
  if (!debrief_kind_is_damage(damage->kind)) return;
  if (d->line != damage->line) {
    end_line(d);
    d->line = damage->line;
    d->next = damage->offset;
    d->end = damage->offset + damage->length;
  }
  d->kind = damage->kind;
}

static void meet_entry(dissection *d, const dbf_record *record) {
  if (d->line != record->line) return;
  leave_out(d, record->at);
  d->next = record->at + record->entry->len;
}

/* ---- The new session --------------------------------------------------------------------------------------- */

/* Write what has gathered once it, with `more` bytes, is worth it. */
static bool flush(repair *r, int fd, dbf_bytes *out, size_t more) {
  if (out->len + more < OUTPUT) return true;
  if (!dbf_io_write_all(fd, out->data, out->len)) return fail_step(r, "write", r->temporary);
  out->len = 0;
  return true;
}

static bool write_entry(repair *r, int fd, dbf_bytes *out, const dbf_entry *entry) {
  if (!flush(r, fd, out, entry->len)) return false;
  if (entry->len < OUTPUT) dbf_bytes_append(out, entry->text, entry->len);
  else if (!dbf_io_write_all(fd, entry->text, entry->len)) return fail_step(r, "write", r->temporary);
  dbf_bytes_append_char(out, '\n');
  return !out->failed || dbf_fail_memory(r->err);
}

static bool write_entries(repair *r, int fd, debrief_reader *reader) {
  dbf_bytes out;
  dbf_record record;
  debrief_next next;
  bool ok = true;
  dbf_bytes_init(&out);
  while (ok && (next = dbf_reader_next(reader, &record, r->err)) == DEBRIEF_NEXT_ENTRY) {
    ok = write_entry(r, fd, &out, record.entry);
    meet_entry(&r->lines, &record);
    r->result.entries++;
    r->result.salvaged += record.salvaged;
  }
  end_line(&r->lines);
  ok = ok && next == DEBRIEF_NEXT_END && flush(r, fd, &out, OUTPUT);
  dbf_bytes_release(&out);
  return ok && (!r->lines.list.failed || dbf_fail_memory(r->err));
}

/* A reader over the locked file. It closes what it gets, and the lock goes with the last descriptor only. */
static debrief_reader *open_reader(repair *r, void (*on_diagnostic)(void *, const debrief_diagnostic *)) {
  dbf_read_options options = {
      .session = r->id, .holding_lock = true, .on_diagnostic = on_diagnostic, .user = &r->lines};
  int fd = fcntl(r->file, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0) return dbf_reader_open(fd, r->path, &options, r->err);
  fail_step(r, "read", r->name);
  return NULL;
}

static bool write_session(repair *r, uint64_t *damaged) {
  debrief_reader *reader = open_reader(r, meet_damage);
  if (!reader) return false;
  snprintf(r->temporary, sizeof r->temporary, ".%s.repair", r->name);
  unlinkat(r->folder, r->temporary, 0); /* of a repair that was killed */
  int fd = dbf_directory_make_file(r->folder, r->temporary, r->st.st_mode & 0777, &r->st);
  bool ok = fd >= 0 || fail_step(r, "make", r->temporary);
  if (ok) ok = finish(r, fd, r->temporary, write_entries(r, fd, reader));
  *damaged = dbf_reader_counts(reader).damaged;
  debrief_reader_close(reader);
  return ok;
}

/* ---- The steps --------------------------------------------------------------------------------------------- */

/* Look without the lock first: writers need not wait while nothing is to be done. */
static bool is_damaged(repair *r, bool *damaged) {
  int fd;
  dbf_record record;
  debrief_next next;
  dbf_read_options options = {.session = r->id};
  if (!dbf_directory_open_session(r->dir, r->id, false, &fd, NULL, r->err)) return false;
  if (fd < 0) return dbf_fail(r->err, DEBRIEF_ENOENT, "there is no session %s", r->shown);
  debrief_reader *reader = dbf_reader_open(fd, r->path, &options, r->err);
  if (!reader) return false;
  while ((next = dbf_reader_next(reader, &record, r->err)) == DEBRIEF_NEXT_ENTRY) continue;
  dbf_read_counts counts = dbf_reader_counts(reader);
  debrief_reader_close(reader);
  *damaged = counts.damaged > 0;
  if (!*damaged) r->result.entries = counts.entries;
  return next == DEBRIEF_NEXT_END;
}

/* Remove what was made. The copy stays if the session is not the old one any more after all, as a rename on a network
 * may report a failure and have happened. */
static void discard(repair *r) {
  struct stat st;
  bool old = fstatat(r->folder, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == r->st.st_dev &&
             st.st_ino == r->st.st_ino;
  if (*r->temporary) unlinkat(r->folder, r->temporary, 0);
  if (*r->copy && old) unlinkat(r->folder, r->copy, 0);
  free(r->result.copy);
  r->result.copy = NULL;
}

static bool put_in_place(repair *r) {
  if (!is_unchanged(r)) return false;
  if (renameat(r->folder, r->temporary, r->folder, r->name) != 0) return fail_step(r, "rename", r->temporary);
  r->result.repaired = true;
  if (fsync(r->folder) == 0) return true;
  return dbf_fail_errno(
      r->err, "%s was repaired, but its folder cannot be synced, and after a power cut it may be as it was",
      r->shown);
}

/* The file is locked. */
static bool replace(repair *r) {
  uint64_t damaged = 0;
  r->lines.file = r->file;
  bool ok = copy_session(r) && write_session(r, &damaged);
  if (ok && damaged > 0) ok = put_in_place(r);
  if (!r->result.repaired) discard(r); /* failed, or somebody else has repaired it meanwhile */
  return ok;
}

static bool run(repair *r, uint32_t timeout_ms) {
  bool damaged;
  r->path = dbf_directory_session_path(r->dir, r->id);
  if (!r->path) return dbf_fail_memory(r->err);
  r->shown = dbf_directory_shown(r->path);
  r->name = strrchr(r->path, '/') + 1;
  if (!is_damaged(r, &damaged)) return false;
  if (!damaged) return true;
  r->folder = dbf_directory_handle(r->dir, r->err);
  return r->folder >= 0 && lock(r, timeout_ms) && replace(r);
}

/* What the caller gets: all of it after a repair, else only numbers. */
static void hand_over(repair *r, debrief_repair *result) {
  if (r->result.repaired) {
    r->result.left_out = (debrief_left_out *)(void *)r->lines.list.data;
    r->result.left_out_count = r->lines.list.len / sizeof(debrief_left_out);
  } else {
    dbf_bytes_release(&r->lines.list);
  }
  dbf_struct_size_give(result, &r->result, sizeof r->result);
}

bool debrief_log_repair(debrief_log *log, const char *id, debrief_repair *result, debrief_error *err) {
  repair r = {.id = id, .folder = -1, .file = -1, .err = err};
  uint32_t timeout_ms;
  if (!result) return dbf_fail(err, DEBRIEF_EARG, "nothing to fill in was given (result is NULL)");
  if (!dbf_struct_size_take(&r.result, sizeof r.result, result, "debrief_repair", err)) return false;
  r.result = (debrief_repair){.struct_size = sizeof r.result};
  dbf_struct_size_give(result, &r.result, sizeof r.result);
  r.dir = dbf_log_directory(log, &timeout_ms, err);
  if (!r.dir || !dbf_session_id_check(id, err)) return false;
  bool ok = run(&r, timeout_ms);
  hand_over(&r, result);
  if (r.file >= 0) close(r.file);
  if (r.folder >= 0) close(r.folder);
  free(r.path);
  return ok;
}

void debrief_repair_release(debrief_repair *result) {
  if (!result) return;
  free(result->copy);
  free(result->left_out);
  *result = (debrief_repair){.struct_size = result->struct_size};
}
