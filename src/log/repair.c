/* repair.c: replacing a damaged session by one without its damage. Owns the order of the steps, and what of the file goes
 * where.
 *
 *            s1.jsonl -- entry after entry, to the last newline --> .s1.jsonl.repair         fsync
 *     lock   s1.jsonl
 *            s1.jsonl -- what came meanwhile ---------------------> .s1.jsonl.repair         fsync
 *            s1.jsonl -- link -----------> s1.jsonl.broken-20261122T193000Z                  fsync the folder
 *            .s1.jsonl.repair -- rename -> s1.jsonl                                          fsync the folder
 *     unlock (the old file, which no longer has the session's name: that is how append.c notices)
 *
 * So writers wait for the end of it only, however big the session is, and what somebody appends to the old file through a
 * descriptor that stayed open is in the copy. On a file system without links the copy is made byte by byte, ahead
 * of the lock as well.
 *
 * Killed between any two of these, the session is whole: the old one, or the new one with a whole copy beside it. What
 * is left of the temporary file is overwritten by the next repair. Its lock keeps two repairs of a session apart; it goes on
 * to be the lock of the new session. */
#include "directory.h"
#include "dissection.h"
#include "error.h"
#include "hash.h"
#include "io.h"
#include "line_buffer.h"
#include "lock.h"
#include "log_internal.h"
#include "read.h"
#include "session_id.h"
#include "struct_size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  RESTART_LIMIT = 100,     /* a session that is replaced that often meanwhile is a mistake of the caller's */
  REOPEN_LIMIT = 1000,     /* as in append.c */
  ROUNDS = 10,             /* of reading what came meanwhile, before the lock is taken */
  MEANWHILE = 1024 * 1024, /* bytes that may be left to read under the lock */
  COPY_NAMES = 10000,      /* repairs of one session in one second */
  PRINT = 4096,            /* bytes before the lock that are compared with what was read */
  CHUNK = 32 * 1024,       /* bytes of a copy at once */
  OUTPUT = 256 * 1024,     /* bytes of entries to write at once */
};

typedef struct repair {
  dbf_directory *dir;
  const char *id;
  char *path;          /* of the session */
  const char *shown;   /* for messages */
  const char *name;    /* in the folder */
  int folder, file;    /* the folder; the session; -1: not open */
  int output, copying; /* the temporary file, locked; the copy, where it is made byte by byte */
  bool links;          /* the file system has them */
  struct stat st;      /* of the session */
  uint64_t read, lines,
      damaged;     /* bytes of the session that are in the temporary file, as far as wanted; their lines */
  uint64_t print;  /* hash of the last bytes of these */
  uint64_t copied; /* bytes */
  char copy[200], temporary[160]; /* names in the folder; copy is "" when there is no such file */
  dbf_dissection dissection;
  debrief_repair result;
  debrief_error *err;
} repair;

static const char *advice(int reason) {
  if (reason == ENOSPC || reason == EDQUOT) return "free some space, then repair again";
  if (reason == EFBIG) return "raise the limit on file sizes (ulimit -f), then repair again";
  return "repair again once that is fixed";
}

/* "cannot VERB NAME: reason of errno", and that nothing has happened. */
static bool fail_step(const repair *r, const char *verb, const char *name) {
  char reason[128];
  int saved = errno;
  return dbf_fail(r->err, saved == ENOMEM ? DEBRIEF_EMEMORY : DEBRIEF_EIO,
                  "cannot %s %s: %s: %s was not repaired and is as it was; %s", verb, name,
                  dbf_error_reason(saved, reason, sizeof reason), r->shown, advice(saved));
}

/* ---- Files ------------------------------------------------------------------------------------------------- */

/* Names that repairs gave it, one that was killed perhaps, are no matter. */
static bool check_links(const repair *r) {
  nlink_t others = r->st.st_nlink - dbf_directory_copies(r->dir, r->id, &r->st);
  if (others <= 1) return true;
  return dbf_fail(
      r->err, DEBRIEF_EUNSAFE,
      "%s has %lu names (hard links), and writers could not tell that it was replaced: remove the "
      "others, then repair again",
      r->shown, (unsigned long)others);
}

/* For writing, although nothing is written to it: network file systems lock only such files. */
static bool open_session(repair *r) {
  if (r->file >= 0) close(r->file);
  r->file = -1;
  if (!dbf_directory_open_session(r->dir, r->id, true, &r->file, NULL, r->err)) return false;
  return fstat(r->file, &r->st) == 0 ? check_links(r) : fail_step(r, "look at", r->name);
}

/* Open and lock the temporary file. If another repair held the lock, it has renamed the file by now: then there is a new one. */
static bool open_output(repair *r, uint32_t timeout_ms) {
  uint64_t deadline = 0;
  snprintf(r->temporary, sizeof r->temporary, ".%s.repair", r->name);
  for (int tries = 0; tries < REOPEN_LIMIT; tries++) {
    int fd = dbf_directory_open_file(r->folder, r->temporary);
    if (fd < 0) return fail_step(r, "make", r->temporary);
    bool locked = dbf_lock_wait(fd, r->shown, "repair", timeout_ms, &deadline, r->err);
    if (locked && dbf_directory_names(r->folder, r->temporary, fd)) return r->output = fd, true;
    if (!locked && errno != EWOULDBLOCK) unlinkat(r->folder, r->temporary, 0); /* it is nobody's */
    close(fd);
    if (!locked) return false;
  }
  return dbf_fail(r->err, DEBRIEF_EIO, "nothing was repaired: %s is repaired again and again", r->shown);
}

/* ---- The copy ---------------------------------------------------------------------------------------------- */

/* Give the copy the first name that is free, with `make`: its result, EEXIST when that is taken. */
static int name_copy(repair *r, int (*make)(repair *r)) {
  char stamp[32], number[16] = "";
  struct timespec now;
  struct tm utc;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  for (int i = 1; i <= COPY_NAMES; i++) {
    snprintf(r->copy, sizeof r->copy, "%s.broken-%s%s", r->name, stamp, number);
    int result = make(r);
    if (result >= 0 || errno != EEXIST) return result;
    snprintf(number, sizeof number, "-%d", i);
  }
  return -1;
}

static int make_file(repair *r) {
  return dbf_directory_make_file(r->folder, r->copy, 0600, &r->st);
}

/* Of the file that is open, and not of one that has its name by now. */
static int make_link(repair *r) {
  if (linkat(r->folder, r->name, r->folder, r->copy, 0) != 0) return -1;
  if (dbf_directory_names(r->folder, r->copy, r->file)) return 0;
  unlinkat(r->folder, r->copy, 0);
  errno = ESTALE;
  return -1;
}

static bool drop_copy(repair *r) {
  int saved = errno;
  if (*r->copy) unlinkat(r->folder, r->copy, 0);
  r->copy[0] = '\0';
  errno = saved;
  return false;
}

/* Copy the session up to byte `end`. */
static bool copy_bytes(repair *r, uint64_t end) {
  char chunk[CHUNK];
  while (r->copied < end) {
    size_t want = end - r->copied < sizeof chunk ? (size_t)(end - r->copied) : sizeof chunk;
    ssize_t n = dbf_io_read_at(r->file, chunk, want, r->copied);
    if (n == 0) break; /* a process that does not lock may have cut it: is_unchanged */
    if (n < 0) return fail_step(r, "read", r->name);
    if (!dbf_io_write_all(r->copying, chunk, (size_t)n)) return fail_step(r, "write", r->copy);
    r->copied += (uint64_t)n;
  }
  return true;
}

/* Where there are no links, begin to copy before the lock is taken. */
static bool copy_ahead(repair *r) {
  r->links = name_copy(r, make_link) == 0;
  if (r->links) return drop_copy(r), true;
  r->copying = name_copy(r, make_file);
  if (r->copying >= 0) return copy_bytes(r, r->read);
  fail_step(r, "make", r->copy);
  r->copy[0] = '\0'; /* it is not ours */
  return false;
}

/* The session is locked, and its bytes are final. */
static bool finish_copy(repair *r) {
  if (r->links) {
    if (name_copy(r, make_link) != 0) {
      fail_step(r, "make", r->copy);
      r->copy[0] = '\0';
      return false;
    }
  } else if (!copy_bytes(r, r->read)) return false;
  else if (fsync(r->copying) != 0) return fail_step(r, "sync", r->copy);
  size_t folder = (size_t)(r->name - r->path);
  if (asprintf(&r->result.copy, "%.*s%s", (int)folder, r->path, r->copy) < 0) {
    r->result.copy = NULL;
    return dbf_fail_memory(r->err);
  }
  return fsync(r->folder) == 0 || fail_step(r, "sync the folder of", r->copy);
}

/* ---- The new session --------------------------------------------------------------------------------------- */

/* Write what has gathered once it, with `more` bytes, is worth it. */
static bool flush(repair *r, dbf_bytes *out, size_t more) {
  if (out->len + more < OUTPUT) return true;
  if (!dbf_io_write_all(r->output, out->data, out->len)) return fail_step(r, "write", r->temporary);
  out->len = 0;
  return true;
}

static bool write_entry(repair *r, dbf_bytes *out, const dbf_entry *entry) {
  if (!flush(r, out, entry->len)) return false;
  if (entry->len < OUTPUT) dbf_bytes_append(out, entry->text, entry->len);
  else if (!dbf_io_write_all(r->output, entry->text, entry->len)) return fail_step(r, "write", r->temporary);
  dbf_bytes_append_char(out, '\n');
  return !out->failed || dbf_fail_memory(r->err);
}

static bool write_entries(repair *r, debrief_reader *reader) {
  dbf_bytes out;
  dbf_record record;
  debrief_next next;
  bool ok = true;
  dbf_bytes_init(&out);
  while (ok && (next = dbf_reader_next(reader, &record, r->err)) == DEBRIEF_NEXT_ENTRY) {
    ok = write_entry(r, &out, record.entry);
    dbf_dissection_entry(&r->dissection, &record);
    r->result.entries++;
    r->result.salvaged += record.salvaged;
  }
  dbf_dissection_end(&r->dissection);
  ok = ok && next == DEBRIEF_NEXT_END && flush(r, &out, OUTPUT);
  dbf_bytes_release(&out);
  return ok && (!r->dissection.list.failed || dbf_fail_memory(r->err));
}

/* Hash of the last bytes before r->read. */
static bool take_print(const repair *r, uint64_t *print) {
  char text[PRINT];
  size_t want = r->read < PRINT ? (size_t)r->read : PRINT;
  ssize_t n = want ? dbf_io_read_at(r->file, text, want, r->read - want) : 0;
  if (n < 0) return fail_step(r, "read", r->name);
  *print = dbf_hash(DBF_HASH_START, text, (size_t)n);
  return true;
}

/* Write the entries of the session from r->read to byte `end`, a line's end, or 0: to the end of the file, which is locked.
 * The reader closes the descriptor it gets, and a lock goes with the last one only. */
static bool write_part(repair *r, uint64_t end) {
  dbf_read_options options = {.session = r->id,
                              .begin = r->read,
                              .end = end,
                              .first_line = r->lines + 1,
                              .holding_lock = true,
                              .on_diagnostic = dbf_dissection_damage,
                              .user = &r->dissection};
  int fd = dbf_io_duplicate(r->file);
  if (fd < 0) return fail_step(r, "read", r->name);
  debrief_reader *reader = dbf_reader_open(fd, r->path, &options, r->err);
  if (!reader) return false;
  bool ok = write_entries(r, reader);
  dbf_read_counts counts = dbf_reader_counts(reader);
  debrief_reader_close(reader);
  r->damaged += counts.damaged;
  r->lines += counts.lines;
  r->read = counts.bytes;
  return ok && take_print(r, &r->print);
}

/* Where the last line ends. */
static bool find_line_end(repair *r, uint64_t *end) {
  struct stat st;
  dbf_line_buffer file;
  if (fstat(r->file, &st) != 0) return fail_step(r, "look at", r->name);
  dbf_line_buffer_init(&file, r->file, r->path, 0, 0, 0, 0);
  return dbf_line_buffer_before(&file, (uint64_t)st.st_size + 1, end, r->err);
}

/* Write the whole lines there are, and those that come meanwhile, until few are left. */
static bool write_ahead(repair *r) {
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t end;
    if (!find_line_end(r, &end)) return false;
    if (end <= r->read || (i > 0 && end - r->read < MEANWHILE)) break;
    if (!write_part(r, end)) return false;
  }
  return fsync(r->output) == 0 || fail_step(r, "sync", r->temporary);
}

static bool write_rest(repair *r) {
  struct stat st;
  if (fstat(r->file, &st) != 0) return fail_step(r, "look at", r->name);
  if ((uint64_t)st.st_size > r->read && !write_part(r, 0)) return false;
  if (!dbf_directory_dress(r->output, r->st.st_mode & 0777, &r->st))
    return fail_step(r, "set owner and mode of", r->temporary);
  return fsync(r->output) == 0 || fail_step(r, "sync", r->temporary);
}

/* ---- The steps --------------------------------------------------------------------------------------------- */

/* Look first: no file is made when there is nothing to do. */
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
 * may report a failure and have happened; and if an editor replaced the session, when nothing else has the old bytes. */
static void discard(repair *r) {
  if (*r->copy && dbf_directory_names(r->folder, r->name, r->file)) drop_copy(r);
  if (r->output >= 0) unlinkat(r->folder, r->temporary, 0);
  free(r->result.copy);
  r->result.copy = NULL;
}

/* Is this still the file that was locked and read? A process that does not lock may have done anything. */
static bool is_unchanged(repair *r) {
  struct stat st;
  if (fstat(r->file, &st) != 0) return fail_step(r, "look at", r->name);
  if (dbf_directory_names(r->folder, r->name, r->file) && (uint64_t)st.st_size == r->read) return true;
  return dbf_fail(
      r->err, DEBRIEF_EIO,
      "somebody who does not lock changed %s while it was repaired: what they made of it was left alone; "
      "repair again",
      r->shown);
}

static bool put_in_place(repair *r) {
  if (!finish_copy(r) || !is_unchanged(r)) return false;
  if (renameat(r->folder, r->temporary, r->folder, r->name) != 0) return fail_step(r, "rename", r->temporary);
  r->result.repaired = true;
  if (r->links) fchmod(r->file, 0600);
  if (fsync(r->folder) == 0) return true;
  return dbf_fail_errno(
      r->err, "%s was repaired, but its folder cannot be synced, and after a power cut it may be as it was",
      r->shown);
}

/* Begin with the file that has the name now. */
static bool begin(repair *r) {
  if (r->copying >= 0) close(r->copying);
  r->copying = -1;
  drop_copy(r);
  dbf_bytes_clear(&r->dissection.list);
  r->dissection.total = r->copied = r->read = r->lines = r->damaged = 0;
  r->result = (debrief_repair){.struct_size = sizeof r->result};
  if (!open_session(r)) return false;
  r->dissection.file = r->file;
  r->dissection.line = 0;
  if (ftruncate(r->output, 0) == 0 && lseek(r->output, 0, SEEK_SET) == 0) return true;
  return fail_step(r, "empty", r->temporary);
}

/* The session is locked: is it what was read, and more after that? False, and *changed, if it is not. */
static bool is_continued(repair *r, bool *changed) {
  struct stat st;
  uint64_t print = r->print;
  if (fstat(r->file, &st) != 0) return fail_step(r, "look at", r->name);
  *changed = !dbf_directory_names(r->folder, r->name, r->file) || (uint64_t)st.st_size < r->read;
  if (!*changed && r->read > 0 && !take_print(r, &print)) return false;
  *changed = *changed || print != r->print;
  return !*changed;
}

/* Once. False, and *again, when the session was replaced, or what was read of it changed, before it was locked. */
static bool replace(repair *r, uint32_t timeout_ms, bool *again) {
  uint64_t deadline = 0;
  *again = false;
  if (!begin(r) || !write_ahead(r) || !copy_ahead(r)) return false;
  if (!dbf_lock_wait(r->file, r->shown, "repair", timeout_ms, &deadline, r->err)) return false;
  if (!is_continued(r, again) || !write_rest(r)) return false;
  return r->damaged == 0 || put_in_place(r); /* somebody else has repaired it meanwhile */
}

static bool run(repair *r, uint32_t timeout_ms) {
  bool damaged = false, again = true, ok = false;
  r->path = dbf_directory_session_path(r->dir, r->id);
  if (!r->path) return dbf_fail_memory(r->err);
  r->shown = dbf_directory_shown(r->path);
  r->name = strrchr(r->path, '/') + 1;
  if (!is_damaged(r, &damaged)) return false;
  if (!damaged) return true;
  r->folder = dbf_directory_handle(r->dir, r->err);
  if (r->folder < 0 || !open_output(r, timeout_ms)) return false;
  for (int tries = 0; again && tries < RESTART_LIMIT; tries++) ok = replace(r, timeout_ms, &again);
  if (again)
    ok = dbf_fail(r->err, DEBRIEF_EIO, "nothing was repaired: %s is replaced again and again", r->shown);
  if (!r->result.repaired) discard(r);
  return ok;
}

/* What the caller gets: all of it after a repair, else only numbers. */
static void hand_over(repair *r, debrief_repair *result) {
  if (r->result.repaired) {
    r->result.left_out = (debrief_left_out *)(void *)r->dissection.list.data;
    r->result.left_out_count = r->dissection.list.len / sizeof(debrief_left_out);
    r->result.left_out_total = r->dissection.total;
  } else {
    dbf_bytes_release(&r->dissection.list);
  }
  dbf_struct_size_give(result, &r->result, sizeof r->result);
}

static void close_files(const repair *r) {
  const int files[] = {r->copying, r->file, r->output, r->folder};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (files[i] >= 0) close(files[i]);
}

bool debrief_log_repair(debrief_log *log, const char *id, debrief_repair *result, debrief_error *err) {
  repair r = {.id = id, .folder = -1, .file = -1, .output = -1, .copying = -1, .err = err};
  uint32_t timeout_ms;
  if (!result) return dbf_fail(err, DEBRIEF_EARG, "nothing to fill in was given (result is NULL)");
  if (!dbf_struct_size_take(&r.result, sizeof r.result, result, "debrief_repair", err)) return false;
  r.result = (debrief_repair){.struct_size = sizeof r.result};
  dbf_struct_size_give(result, &r.result, sizeof r.result);
  if (!dbf_log_must_be_folder(log, "repair", err)) return false;
  r.dir = dbf_log_directory(log, &timeout_ms, err);
  if (!r.dir || !dbf_session_id_check(id, err)) return false;
  bool ok = run(&r, timeout_ms);
  hand_over(&r, result);
  close_files(&r);
  free(r.path);
  return ok;
}

void debrief_repair_release(debrief_repair *result) {
  if (!result) return;
  free(result->copy);
  free(result->left_out);
  *result = (debrief_repair){.struct_size = result->struct_size};
}
