#include "tail.h"
#include "entry.h"
#include "error.h"
#include "hash.h"
#include "io.h"
#include "look.h"
#include "salvage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, PRINT = 4096, KEPT = 16384 };

/* ---- Bytes of the file --------------------------------------------------------------------------------------- */

/* Read [begin, end) into t->text; less of it when the file is shorter by now. */
static bool read_range(dbf_tail *t, uint64_t begin, uint64_t end, debrief_error *err) {
  assert(begin <= end);
  dbf_bytes_clear(&t->text);
  if (!dbf_bytes_reserve(&t->text, (size_t)(end - begin))) return dbf_fail_memory(err);
  for (size_t got = 1; got > 0 && begin + t->text.len < end; t->text.len += got)
    if (!dbf_io_read(t->fd, t->path, t->text.data + t->text.len, (size_t)(end - begin) - t->text.len,
                     begin + t->text.len, &got, err))
      return false;
  return true;
}

/* Not fstat(2), which asks for times and so makes appends slower (look.h). */
static bool size_of(const dbf_tail *t, uint64_t *size, debrief_error *err) {
  dbf_look look = {0};
  bool ok = dbf_look_at(t->fd, &look);
  *size = look.size;
  return ok || dbf_fail_errno(err, "cannot look at %s", t->path);
}

/* ---- Prints -------------------------------------------------------------------------------------------------- */

/* How many bytes at the beginning and at the end of a print are hashed. */
static size_t print_part(const dbf_tail_print *p) {
  assert(p->begin <= p->end);
  return p->end - p->begin < PRINT ? (size_t)(p->end - p->begin) : PRINT;
}

/* The print of [begin, end), whose bytes are at `text`. Not read from the file, which may be another one by now. */
static dbf_tail_print print_of(const char *text, uint64_t begin, uint64_t end) {
  dbf_tail_print p = {begin, end, 0};
  size_t part = print_part(&p), len = (size_t)(end - begin);
  p.hash = dbf_hash(dbf_hash(DBF_HASH_START, text, part), text + len - part, part);
  return p;
}

static bool read_print(const dbf_tail *t, dbf_tail_print *p, debrief_error *err) {
  char text[PRINT];
  size_t part = print_part(p), got = 0;
  if (!dbf_io_read(t->fd, t->path, text, part, p->begin, &got, err)) return false;
  p->hash = dbf_hash(DBF_HASH_START, text, got);
  if (!dbf_io_read(t->fd, t->path, text, part, p->end - part, &got, err)) return false;
  p->hash = dbf_hash(p->hash, text, got);
  return true;
}

/* Does the file still hold what was printed? */
static bool still_there(const dbf_tail *t, const dbf_tail_print *printed, bool *same, debrief_error *err) {
  dbf_tail_print now = *printed;
  *same = true;
  if (printed->begin == printed->end) return true;
  if (!read_print(t, &now, err)) return false;
  *same = now.hash == printed->hash;
  return true;
}

/* ---- Opening ------------------------------------------------------------------------------------------------- */

static bool open_tail(dbf_tail *t, const char *session, debrief_error *err) {
  struct stat st;
  if (fstat(t->fd, &st) != 0) return dbf_fail_errno(err, "cannot look at %s", t->path);
  t->device = st.st_dev;
  t->inode = st.st_ino;
  dbf_read_options reading = {.strict = t->options.strict,
                              .session = session,
                              .line_limit = t->options.line_limit,
                              .on_diagnostic = t->options.on_diagnostic,
                              .user = t->options.user};
  t->reader = dbf_reader_open(-1, t->path, &reading, err);
  return t->reader != NULL;
}

dbf_tail *dbf_tail_new(int fd, const char *path, const char *session, const dbf_tail_options *options,
                       debrief_error *err) {
  dbf_tail *t = calloc(1, sizeof *t);
  if (!t) {
    close(fd);
    dbf_fail_memory(err);
    return NULL;
  }
  t->fd = fd;
  t->path = path;
  t->options = *options;
  if (!t->options.block) t->options.block = BLOCK;
  if (!t->options.line_limit) t->options.line_limit = DBF_LINE_LIMIT;
  t->lines_known = t->base_known = true;
  dbf_bytes_init(&t->text);
  if (open_tail(t, session, err)) return t;
  dbf_tail_free(t);
  return NULL;
}

void dbf_tail_park(dbf_tail *t) {
  if (t->fd >= 0) close(t->fd);
  t->fd = -1;
}

void dbf_tail_resume(dbf_tail *t, int fd, uint64_t device, uint64_t inode) {
  t->fd = fd;
  t->device = device;
  t->inode = inode;
}

void dbf_tail_free(dbf_tail *t) {
  if (!t) return;
  dbf_tail_park(t);
  debrief_reader_close(t->reader);
  dbf_bytes_release(&t->text);
  dbf_lineset_release(&t->given);
  dbf_trail_release(&t->trail);
  free(t);
}

bool dbf_tail_is_locked(const dbf_tail *t) {
  if (flock(t->fd, LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  flock(t->fd, LOCK_UN);
  return false;
}

/* ---- Places -------------------------------------------------------------------------------------------------- */

static void go_to(dbf_tail *t, uint64_t offset) {
  t->offset = t->searched = offset;
  t->mark = (dbf_tail_print){offset, offset, 0};
}

/* Where the line that `size` is in begins. */
static bool after_last_newline(dbf_tail *t, uint64_t size, uint64_t *place, debrief_error *err) {
  for (*place = size; *place > 0;) {
    uint64_t begin = *place > t->options.block ? *place - t->options.block : 0;
    if (!read_range(t, begin, *place, err)) return false;
    const char *newline = t->text.len ? memrchr(t->text.data, '\n', t->text.len) : NULL;
    *place = newline ? begin + (size_t)(newline - t->text.data) + 1 : begin;
    if (newline) break;
  }
  return true;
}

/* Begin anew at `place`, which the file is unchanged before or was not read before. */
static bool begin_trail(dbf_tail *t, uint64_t place, debrief_error *err) {
  dbf_trail_begin(&t->trail, place);
  t->base = (dbf_tail_print){place > 2 * PRINT ? place - 2 * PRINT : 0, place, 0};
  return place == 0 || read_print(t, &t->base, err);
}

/* Go after the last newline before `size`, as if everything before it had been given. */
static bool pass_over(dbf_tail *t, uint64_t size, debrief_error *err) {
  uint64_t place;
  if (!after_last_newline(t, size, &place, err)) return false;
  go_to(t, place);
  t->lines_known = t->base_known = place == 0;
  t->lines = t->base_lines = 0;
  t->mark.begin = place > 2 * PRINT ? place - 2 * PRINT : 0;
  t->head = (dbf_tail_print){0, place < PRINT ? place : PRINT, 0};
  return read_print(t, &t->mark, err) && read_print(t, &t->head, err) && begin_trail(t, place, err);
}

bool dbf_tail_to_end(dbf_tail *t, debrief_error *err) {
  uint64_t size;
  return size_of(t, &size, err) && pass_over(t, size, err);
}

static uint64_t count_newlines(const char *p, const char *end) {
  uint64_t n = 0;
  for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) n++;
  return n;
}

/* Count the lines that were passed over: only when one after them needs a number. */
static bool count_lines(dbf_tail *t, debrief_error *err) {
  if (t->lines_known) return true;
  t->lines = 0;
  for (uint64_t at = 0; at < t->offset;) {
    uint64_t end = at + t->options.block < t->offset ? at + t->options.block : t->offset;
    if (!read_range(t, at, end, err)) return false;
    if (t->text.len == 0) break;
    t->lines += count_newlines(t->text.data, t->text.data + t->text.len);
    at += t->text.len;
  }
  t->lines_known = true;
  if (t->offset == t->trail.begin) {
    t->base_lines = t->lines;
    t->base_known = true;
  }
  return true;
}

static void report(const dbf_tail *t, debrief_kind kind, uint64_t length, const char *message) {
  debrief_diagnostic d = {kind, t->path, t->lines, t->offset, length, message, ""};
  if (t->options.on_diagnostic) t->options.on_diagnostic(t->options.user, &d);
}

/* Walk along the file as far as it is still what was read. */
static bool walk(dbf_tail *t, dbf_trail_walk *walk, debrief_error *err) {
  *walk = dbf_trail_walk_begin(&t->trail);
  for (bool more = true; more;) {
    if (!read_range(t, walk->at, walk->at + t->options.block, err)) return false;
    more = t->text.len > 0 && dbf_trail_walk_on(walk, t->text.data, t->text.len);
  }
  return true;
}

/* Go on where the walk ended. */
static bool go_back(dbf_tail *t, const dbf_trail_walk *walk, debrief_error *err) {
  uint64_t place = walk->end;
  t->lines = t->base_lines + walk->end_lines;
  t->lines_known = t->base_known;
  dbf_trail_cut(&t->trail, walk);
  go_to(t, place);
  t->mark.begin = place > 2 * PRINT ? place - 2 * PRINT : 0;
  return place == 0 || read_print(t, &t->mark, err);
}

static void go_to_beginning(dbf_tail *t) {
  go_to(t, 0);
  t->lines = t->base_lines = 0;
  t->lines_known = t->base_known = true;
  t->head = t->base = (dbf_tail_print){0, 0, 0};
  dbf_trail_begin(&t->trail, 0);
}

static const char CUT[] =
    "lines that were read are no longer in the file; continuing after those that are left";

/* The file is not any more what was read. Where it is up to some line, somebody cut off its end, and it may have grown again;
 * else it was emptied and filled again. Of lines that were there before the first that was read, only the beginning is known:
 * when the file ends among them, it is read on from where it ends. */
static bool restart(dbf_tail *t, uint64_t size, debrief_error *err) {
  dbf_trail_walk back;
  bool same = size >= t->trail.begin, head = false;
  if (same && t->trail.begin > 0 && !still_there(t, &t->base, &same, err)) return false;
  if (same && !walk(t, &back, err)) return false;
  if (same && back.end > 0) {
    report(t, DEBRIEF_TRUNCATED, size, CUT);
    return go_back(t, &back, err);
  }
  if (size < t->trail.begin && t->head.end > 0 && size >= t->head.end &&
      !still_there(t, &t->head, &head, err))
    return false;
  report(t, DEBRIEF_TRUNCATED, size,
         head ? CUT : "the file was emptied since it was read; reading it from its beginning");
  if (head) return pass_over(t, size, err);
  go_to_beginning(t);
  return true;
}

/* ---- Looking ------------------------------------------------------------------------------------------------- */

/* Find a newline at or after t->searched. When t->text begins at t->offset, it will be handed out. *end is
 * where it ends, 0 when there is no newline. */
static bool find_lines(dbf_tail *t, uint64_t size, uint64_t *end, debrief_error *err) {
  *end = 0;
  assert(t->offset <= t->searched);
  while (t->searched < size) {
    uint64_t most = t->searched + t->options.block;
    if (!read_range(t, t->searched, size < most ? size : most, err)) return false;
    if (t->text.len == 0) break;
    bool long_line = t->searched > t->offset;
    const char *newline =
        long_line ? memchr(t->text.data, '\n', t->text.len) : memrchr(t->text.data, '\n', t->text.len);
    if (newline) {
      *end = t->searched + (size_t)(newline - t->text.data) + 1;
      t->text.len = (size_t)(*end - t->searched);
      return true;
    }
    t->searched += t->text.len;
  }
  return true;
}

/* A line over the limit goes through a reader of the file, which passes over it in constant memory. */
static bool pass_oversize(dbf_tail *t, uint64_t end, debrief_error *err) {
  int fd = dbf_io_duplicate(t->fd);
  dbf_record record;
  if (fd < 0) return dbf_fail_errno(err, "%s: cannot read at byte %" PRIu64, t->path, t->offset);
  dbf_read_options reading = {.strict = t->options.strict,
                              .begin = t->offset,
                              .end = end,
                              .first_line = t->lines + 1,
                              .line_limit = t->options.line_limit,
                              .on_diagnostic = t->options.on_diagnostic,
                              .user = t->options.user};
  debrief_reader *reader = dbf_reader_open(fd, t->path, &reading, err);
  debrief_next next = reader ? dbf_reader_next(reader, &record, err) : DEBRIEF_NEXT_ERROR;
  debrief_reader_close(reader);
  if (next == DEBRIEF_NEXT_ERROR) return false;
  t->lines++;
  go_to(t, end);
  t->base_lines = t->lines;
  return begin_trail(t, end, err);
}

/* Give t->text, which is [offset, end), to the reader. */
static void hand_over(dbf_tail *t, uint64_t end) {
  const char *text = t->text.data;
  size_t len = t->text.len;
  const char *before = len > 1 ? memrchr(text, '\n', len - 1) : NULL;
  size_t last = before ? (size_t)(before - text) + 1 : 0;
  uint64_t line = t->lines + 1;
  assert(len > 0 && len == end - t->offset && t->lines_known);
  if (t->offset == 0) {
    const char *newline = memchr(text, '\n', len);
    t->head = print_of(text, 0, newline ? (size_t)(newline - text) + 1 : len);
  }
  t->mark = print_of(text + last, t->offset + last, end);
  t->lines += count_newlines(text, text + len);
  dbf_trail_add(&t->trail, t->offset, text, len);
  dbf_reader_feed(t->reader, &t->text, t->offset, line);
  t->offset = t->searched = end;
}

/* What the file that had the name before gave is after us. */
static void end_replacing(dbf_tail *t) {
  char message[160];
  if (!t->replacing) return;
  t->replacing = false;
  if (t->given.total == t->given_before)
    report(t, DEBRIEF_REPLACED, t->offset,
           "another file took this one's name; reading it from its beginning");
  else if (t->given.total > 0) {
    snprintf(message, sizeof message,
             "another file took this one's name, in which %" PRIu64 " of the %" PRIu64
             " entries that were read are not",
             t->given.total, t->given_before);
    report(t, DEBRIEF_REPLACED, t->offset, message);
  }
  dbf_lineset_release(&t->given);
}

/* Keep no memory for a file that does not grow: there may be thousands. */
static void give_back(dbf_tail *t) {
  dbf_bytes none;
  if (t->text.cap > KEPT) dbf_bytes_release(&t->text);
  dbf_bytes_init(&none);
  dbf_reader_feed(t->reader, &none, t->offset, t->lines + 1);
  if (none.cap <= KEPT && !t->text.data) t->text = none;
  else dbf_bytes_release(&none);
}

dbf_tail_status dbf_tail_look(dbf_tail *t, debrief_error *err) {
  for (;;) {
    uint64_t size, end = 0;
    bool same = true;
    if (!size_of(t, &size, err)) return DBF_TAIL_ERROR;
    if (size > t->offset && !count_lines(t, err)) return DBF_TAIL_ERROR;
    if (size < t->searched) t->searched = t->offset;
    if (size >= t->offset && !find_lines(t, size, &end, err)) return DBF_TAIL_ERROR;
    bool direct = t->searched == t->offset, oversize = end - t->offset > t->options.line_limit + 1;
    if (end && !direct && !oversize && !read_range(t, t->offset, end, err)) return DBF_TAIL_ERROR;
    if (size >= t->offset && !still_there(t, &t->mark, &same, err)) return DBF_TAIL_ERROR;
    if (size < t->offset || !same) {
      if (!restart(t, size, err)) return DBF_TAIL_ERROR;
    } else if (!end) {
      end_replacing(t);
      give_back(t);
      return DBF_TAIL_NOTHING;
    } else if (oversize && !direct) {
      if (!pass_oversize(t, end, err)) return DBF_TAIL_ERROR;
    } else if (t->text.len == end - t->offset) {
      hand_over(t, end);
      return DBF_TAIL_LINES;
    }
  }
}

/* t->text is one entry and nothing else. */
static bool is_entry(dbf_tail *t, bool *yes, debrief_error *err) {
  dbf_entry entry;
  dbf_json_fault fault;
  bool nuls = false;
  if (!dbf_bytes_terminate(&t->text)) return dbf_fail_memory(err);
  dbf_entry_init(&entry);
  dbf_scan status = dbf_entry_scan(&entry, t->text.data, t->text.len, false, &fault);
  const char *end = t->text.data + t->text.len;
  *yes = status == DBF_SCAN_OK && dbf_salvage_skip(entry.text + entry.len, end, &nuls) == end && !nuls;
  dbf_entry_release(&entry);
  return status != DBF_SCAN_NO_MEMORY || dbf_fail_memory(err);
}

dbf_tail_status dbf_tail_look_past(dbf_tail *t, bool whole, debrief_error *err) {
  uint64_t size;
  bool same, yes = true;
  if (!size_of(t, &size, err)) return DBF_TAIL_ERROR;
  if (size <= t->offset) return DBF_TAIL_NOTHING;
  if (!count_lines(t, err)) return DBF_TAIL_ERROR;
  if (size - t->offset > t->options.line_limit) {
    if (whole) return DBF_TAIL_NOTHING;
    return pass_oversize(t, size, err) ? DBF_TAIL_NOTHING : DBF_TAIL_ERROR;
  }
  if (!read_range(t, t->offset, size, err) || !still_there(t, &t->mark, &same, err)) return DBF_TAIL_ERROR;
  assert(t->text.len <= size - t->offset);
  if (!same || t->text.len != size - t->offset || memchr(t->text.data, '\n', t->text.len))
    return DBF_TAIL_NOTHING;
  if (whole && !is_entry(t, &yes, err)) return DBF_TAIL_ERROR;
  if (!yes) return DBF_TAIL_NOTHING;
  hand_over(t, size);
  return DBF_TAIL_LINES;
}

/* ---- Handing out --------------------------------------------------------------------------------------------- */

/* By the entry's bytes, not by its place: what replaces a file has the same entries at other offsets. */
debrief_next dbf_tail_next(dbf_tail *t, dbf_record *record, debrief_error *err) {
  debrief_next next;
  while ((next = dbf_reader_next(t->reader, record, err)) == DEBRIEF_NEXT_ENTRY) {
    if (!t->replacing || !dbf_lineset_take(&t->given, record->entry->text, record->entry->len)) break;
  }
  return next;
}

bool dbf_tail_replaces(dbf_tail *t, dbf_tail *former, debrief_error *err) {
  int fd = dbf_io_duplicate(former->fd);
  dbf_record record;
  debrief_next next = DEBRIEF_NEXT_END;
  if (fd < 0) return dbf_fail_errno(err, "cannot read %s again", t->path);
  dbf_read_options reading = {.end = former->offset, .line_limit = t->options.line_limit};
  debrief_reader *reader = dbf_reader_open(fd, t->path, &reading, err);
  if (!reader) return false;
  if (former->replacing) { /* what it had to skip, and has not met yet */
    t->given = former->given;
    former->given = (dbf_lineset){0};
    former->replacing = false;
  }
  while (former->offset > 0 && (next = dbf_reader_next(reader, &record, err)) == DEBRIEF_NEXT_ENTRY)
    if (!dbf_lineset_add(&t->given, record.entry->text, record.entry->len)) {
      next = dbf_fail_memory(err) ? DEBRIEF_NEXT_END : DEBRIEF_NEXT_ERROR;
      break;
    }
  debrief_reader_close(reader);
  t->given_before = t->given.total;
  t->replacing = t->given.total > 0;
  return next != DEBRIEF_NEXT_ERROR;
}
