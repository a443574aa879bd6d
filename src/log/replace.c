/* replace.c: newer versions of imported entries replace older ones.
 *
 *     lock   .s1.jsonl.repair                       as repair does: one of them at a time
 *     lock   s1.jsonl                               writers wait
 *            |line\n|old run\n|half a li            every byte but that of the old entry
 *            |line\n|longer run\n|half a li  --->   .s1.jsonl.repair       fsync
 *            .s1.jsonl.repair -- rename -> s1.jsonl                        fsync the folder
 *     unlock (the old file, which no longer has the session's name: that is how append.c notices)
 *
 * Killed between any two of these, the session is the old one or the new one, whole. The lock is held for all of it, as
 * an import holds it while it looks for what the session has: imported sessions are megabytes. */
#include "replace.h"
#include "directory.h"
#include "error.h"
#include "io.h"
#include "lock.h"
#include "log_internal.h"
#include "read.h"
#include "source_keys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REOPEN_LIMIT = 1000, CHUNK = 256 * 1024 };

typedef struct replacing {
  dbf_directory *dir;
  const char *id, *name, *shown; /* the session; its file's name in the folder; its path for messages */
  char *path;
  char temporary[160];
  int folder, file, output; /* -1: not open */
  uint32_t timeout_ms;
  uint64_t deadline;
  dbf_source_keys keys; /* of the lines, each tagged with its place among them */
  const debrief_text *lines;
  size_t replaced;
  uint64_t copied; /* bytes of the session that are in the new file, or replaced there */
  debrief_error *err;
} replacing;

static bool fail_step(const replacing *r, const char *verb, const char *name) {
  char reason[128];
  int saved = errno;
  return dbf_fail(
      r->err, saved == ENOMEM ? DEBRIEF_EMEMORY : DEBRIEF_EIO,
      "cannot %s %s: %s: the newer versions of entries of %s were not stored, and it is as it was; "
      "import again once that is fixed",
      verb, name, dbf_error_reason(saved, reason, sizeof reason), r->shown);
}

/* ---- The lines ----------------------------------------------------------------------------------------------- */

/* Of several versions in the batch the latest. */
static bool take_line(replacing *r, dbf_entry *entry, dbf_bytes *text, size_t i) {
  dbf_json_fault fault;
  bool there, timed = false;
  int64_t ns = 0;
  dbf_bytes_clear(text);
  dbf_bytes_append(text, r->lines[i].data, r->lines[i].len);
  if (!dbf_bytes_terminate(text)) return false;
  dbf_scan status = dbf_entry_scan(entry, text->data, text->len, false, &fault);
  if (status != DBF_SCAN_OK) return status != DBF_SCAN_NO_MEMORY;
  dbf_source_key *key = dbf_source_keys_find(&r->keys, entry, &ns, &timed);
  if (!key) {
    key = dbf_source_keys_put(&r->keys, entry, &there);
    if (key) key->tag = i;
  } else if (dbf_source_key_is_before(key, ns, timed)) {
    key->tag = i;
    key->ns = ns;
  }
  return !r->keys.failed;
}

static bool take_lines(replacing *r, size_t count) {
  dbf_entry entry;
  dbf_bytes text;
  bool ok = true;
  dbf_entry_init(&entry);
  dbf_bytes_init(&text);
  for (size_t i = 0; ok && i < count; i++) ok = take_line(r, &entry, &text, i);
  dbf_entry_release(&entry);
  dbf_bytes_release(&text);
  return ok || dbf_fail_memory(r->err);
}

/* ---- Locks --------------------------------------------------------------------------------------------------- */

static bool fail_again(const replacing *r) {
  return dbf_fail(r->err, DEBRIEF_EIO,
                  "%s is replaced again and again: newer versions of its entries were not stored", r->shown);
}

/* The temporary file of repair: its lock keeps the two apart. */
static bool open_output(replacing *r) {
  snprintf(r->temporary, sizeof r->temporary, ".%s.repair", r->name);
  for (int tries = 0; tries < REOPEN_LIMIT; tries++) {
    int fd = dbf_directory_open_file(r->folder, r->temporary);
    if (fd < 0) return fail_step(r, "make", r->temporary);
    bool locked = dbf_lock_wait(fd, r->shown, "replace entries", r->timeout_ms, &r->deadline, r->err);
    if (locked && dbf_directory_names(r->folder, r->temporary, fd)) {
      r->output = fd;
      return ftruncate(fd, 0) == 0 || fail_step(r, "empty", r->temporary);
    }
    close(fd);
    if (!locked) return false;
  }
  return fail_again(r);
}

static bool open_session(replacing *r) {
  for (int tries = 0; tries < REOPEN_LIMIT; tries++) {
    if (!dbf_directory_open_session(r->dir, r->id, true, &r->file, NULL, r->err)) return false;
    if (!dbf_lock_wait(r->file, r->shown, "replace entries", r->timeout_ms, &r->deadline, r->err))
      return false;
    if (dbf_directory_names(r->folder, r->name, r->file)) return true;
    close(r->file);
    r->file = -1;
  }
  return fail_again(r);
}

/* Writers could not notice that a file with another name was replaced. Names that repairs gave it are no matter. */
static bool check_links(const replacing *r, struct stat *st) {
  if (fstat(r->file, st) != 0) return fail_step(r, "look at", r->name);
  nlink_t others = st->st_nlink - dbf_directory_copies(r->dir, r->id, st);
  return others <= 1 ||
         dbf_fail(r->err, DEBRIEF_EUNSAFE,
                  "%s has %lu names (hard links): newer versions of its entries were not stored; remove "
                  "the others, then import again",
                  r->shown, (unsigned long)others);
}

/* ---- The new file -------------------------------------------------------------------------------------------- */

/* The bytes of the session from where the new file has it to `end`; UINT64_MAX: all there are. */
static bool copy_to(replacing *r, uint64_t end) {
  char chunk[CHUNK / 16];
  while (r->copied < end) {
    size_t want = end - r->copied < sizeof chunk ? (size_t)(end - r->copied) : sizeof chunk;
    ssize_t n = dbf_io_read_at(r->file, chunk, want, r->copied);
    if (n < 0) return fail_step(r, "read", r->name);
    if (n == 0) break;
    if (!dbf_io_write_all(r->output, chunk, (size_t)n)) return fail_step(r, "write", r->temporary);
    r->copied += (uint64_t)n;
  }
  return true;
}

/* An entry whose text is not the bytes of the file, as salvage finds it, is left alone. */
static bool take_record(replacing *r, const dbf_record *record) {
  bool timed = false;
  int64_t ns = 0;
  if (record->salvaged || record->bad_utf8) return true;
  dbf_source_key *key = dbf_source_keys_find(&r->keys, record->entry, &ns, &timed);
  if (!key) return !r->keys.failed || dbf_fail_memory(r->err);
  if (!timed || !key->timed || ns >= key->ns) return true;
  const debrief_text *line = &r->lines[key->tag];
  assert(line->len > 0 && record->at >= r->copied);
  if (!copy_to(r, record->at)) return false;
  if (!dbf_io_write_all(r->output, line->data, line->len - 1)) return fail_step(r, "write", r->temporary);
  r->copied = record->at + record->entry->len;
  r->replaced++;
  return true;
}

static bool write_session(replacing *r) {
  dbf_read_options options = {.session = r->id, .holding_lock = true};
  dbf_record record;
  debrief_next next = DEBRIEF_NEXT_ERROR;
  bool ok = true;
  int fd = dbf_io_duplicate(r->file);
  if (fd < 0) return fail_step(r, "read", r->name);
  debrief_reader *reader = dbf_reader_open(fd, r->path, &options, r->err);
  if (!reader) return false;
  while (ok && (next = dbf_reader_next(reader, &record, r->err)) == DEBRIEF_NEXT_ENTRY)
    ok = take_record(r, &record);
  debrief_reader_close(reader);
  return ok && next == DEBRIEF_NEXT_END && copy_to(r, UINT64_MAX);
}

static bool put_in_place(replacing *r, const struct stat *st) {
  if (!dbf_directory_dress(r->output, st->st_mode & 0777, st))
    return fail_step(r, "set owner and mode of", r->temporary);
  if (fsync(r->output) != 0) return fail_step(r, "sync", r->temporary);
  if (!dbf_directory_names(r->folder, r->name, r->file)) {
    errno = ESTALE;
    return fail_step(r, "replace", r->name);
  }
  if (renameat(r->folder, r->temporary, r->folder, r->name) != 0) return fail_step(r, "rename", r->temporary);
  close(r->output);
  r->output = -1;
  return fsync(r->folder) == 0 ||
         dbf_fail_errno(
             r->err,
             "newer versions of entries of %s were stored, but its folder cannot be synced, and after a "
             "power cut they may be missing: import again",
             r->shown);
}

static bool run(replacing *r, size_t count) {
  struct stat st;
  r->path = dbf_directory_session_path(r->dir, r->id);
  if (!r->path) return dbf_fail_memory(r->err);
  r->shown = dbf_directory_shown(r->path);
  r->name = strrchr(r->path, '/') + 1;
  r->folder = dbf_directory_handle(r->dir, r->err);
  if (r->folder < 0 || !take_lines(r, count) || !open_output(r) || !open_session(r)) return false;
  if (!check_links(r, &st) || !write_session(r)) return false;
  return r->replaced == 0 || put_in_place(r, &st);
}

bool dbf_log_replace(debrief_log *log, const char *id, const debrief_text *lines, size_t count,
                     size_t *replaced, debrief_error *err) {
  replacing r = {.id = id, .folder = -1, .file = -1, .output = -1, .lines = lines, .err = err};
  *replaced = 0;
  if (!dbf_log_must_be_folder(log, "replace", err)) return false;
  r.dir = dbf_log_directory(log, &r.timeout_ms, err);
  if (!r.dir) return false;
  dbf_source_keys_init(&r.keys);
  bool ok = run(&r, count);
  if (r.output >= 0) {
    unlinkat(r.folder, r.temporary, 0);
    close(r.output);
  }
  if (r.file >= 0) close(r.file);
  if (r.folder >= 0) close(r.folder);
  dbf_source_keys_release(&r.keys);
  free(r.path);
  if (ok) *replaced = r.replaced;
  return ok;
}
