#include "read.h"
#include "diagnostic.h"
#include "error.h"
#include "io.h"
#include "hash.h"
#include "line_buffer.h"
#include "salvage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
  WINDOW = 256 * 1024,
  TAIL_TRIES = 50 /* looks at an unterminated tail whose writer holds the lock, a millisecond apart */
};

struct debrief_reader {
  int fd;
  char *path;
  dbf_read_options options;
  dbf_line_buffer window;
  dbf_line_buffer_line line;
  uint64_t number; /* of the current line */
  dbf_entry entry;
  dbf_bytes learned; /* decoded session id of the last entry; in a foreign log its first bytes, {"key" */
  bool handing_out;  /* a damaged line is being handed out record by record */
  bool told_bad_entry;
  size_t at;   /* where in that line, when it is nothing but whole values, the next one is looked for */
  size_t part; /* else which of the salvaged records is the next */
  dbf_salvage salvage;
  dbf_bytes begin;  /* how salvaged records begin */
  uint64_t echo;    /* hash of the record that was salvaged last, until a whole line comes; 0: none */
  dbf_hash_key key; /* of that hash, once it was needed */
  bool has_key;
  bool look_back; /* that record may stand before the part of the file that is read */
  dbf_read_counts counts;
  bool failed;
  debrief_error failure;
};

/* ---- Diagnostics ----------------------------------------------------------------------------------------- */

static bool fail_strictly(debrief_reader *r, const debrief_diagnostic *d) {
  r->failed = true;
  dbf_fail_at(&r->failure, DEBRIEF_EDAMAGED, d->line, d->offset, "%s:%llu:%llu %s: %s", d->path,
              (unsigned long long)d->line, (unsigned long long)d->offset, debrief_kind_name(d->kind),
              d->message);
  return false;
}

/* Report about the current line; `at` is the first damaged byte in it. False: strict, and this is damage. */
static bool report(debrief_reader *r, debrief_kind kind, size_t at, const char *message) {
  debrief_diagnostic d = {kind, r->path, r->number, r->line.offset, r->line.whole, message, ""};
  if (debrief_kind_is_damage(kind)) r->counts.damaged++;
  else if (kind == DEBRIEF_IN_PROGRESS) r->counts.in_progress++;
  else r->counts.warnings++;
  if (at < r->line.len) dbf_diagnostic_excerpt(&d, r->line.text + at, r->line.len - at);
  if (r->options.strict && debrief_kind_is_damage(kind)) return fail_strictly(r, &d);
  if (r->options.on_diagnostic) r->options.on_diagnostic(r->options.user, &d);
  return true;
}

static bool tell_fault(debrief_reader *r, debrief_kind kind, const dbf_json_fault *fault) {
  char message[160];
  size_t at = (size_t)(fault->at - r->line.text);
  snprintf(message, sizeof message, "%s, at byte %zu of the line", fault->what, at + 1);
  return report(r, kind, at, message);
}

/* ---- What a damaged line is measured by -------------------------------------------------------------------- */

static void learn_bytes(debrief_reader *r, const char *data, size_t len) {
  if (r->learned.len == len && memcmp(r->learned.data, data, len) == 0) return;
  dbf_bytes_clear(&r->learned);
  dbf_bytes_append(&r->learned, data, len);
  dbf_bytes_append_char(&r->learned, '\0');
  if (!r->learned.failed) r->learned.len = len;
}

/* Remember what the neighbours of a damaged line look like. */
static void learn(debrief_reader *r) {
  dbf_json_value id;
  if (r->options.foreign) {
    if (r->entry.count) learn_bytes(r, r->entry.text, r->entry.members[0].key_end);
  } else if (!r->options.session && dbf_entry_known(&r->entry, DBF_SESSION_ID, &id) &&
             id.type == DBF_JSON_STRING && !id.escaped) {
    learn_bytes(r, id.start + 1, (size_t)(id.end - id.start) - 2);
  }
}

/* Before the first entry, a session is called what its file is called. */
static void learn_from_path(debrief_reader *r) {
  const char *slash = strrchr(r->path, '/'), *name = slash ? slash + 1 : r->path;
  size_t len = strlen(name), suffix = sizeof ".jsonl" - 1;
  if (len > suffix && strcmp(name + len - suffix, ".jsonl") == 0) len -= suffix;
  learn_bytes(r, name, len);
}

/* How many bytes of the text are {"key", 0 when it does not begin so. */
static size_t first_key(const char *text, size_t len) {
  const char *end = len > 2 && memcmp(text, "{\"", 2) == 0 ? memchr(text + 2, '"', len - 2) : NULL;
  return end ? (size_t)(end - text) + 1 : 0;
}

/* What the records of a damaged line must look like: in a foreign log, like those before, and if there are none yet, like
 * the first one on the line. False: out of memory. */
static bool make_rule(debrief_reader *r, dbf_salvage_rule *rule) {
  static const char ours[] = "{\"session_id\":\"";
  dbf_bytes *begin = &r->begin;
  dbf_bytes_clear(begin);
  *rule = (dbf_salvage_rule){.foreign = r->options.foreign};
  if (r->options.foreign) {
    if (r->learned.len) dbf_bytes_append(begin, r->learned.data, r->learned.len);
    else dbf_bytes_append(begin, r->line.text, first_key(r->line.text, r->line.len));
  } else {
    rule->session = r->options.session ? r->options.session : r->learned.data;
    dbf_bytes_append(begin, ours, sizeof ours - 1);
    if (rule->session) dbf_bytes_append(begin, rule->session, strlen(rule->session));
    dbf_bytes_append_char(begin, '"');
  }
  rule->begin = begin->data;
  rule->begin_len = begin->len;
  return !begin->failed && !r->learned.failed;
}

/* ---- Records ----------------------------------------------------------------------------------------------- */

static debrief_next stop(debrief_reader *r, debrief_error *err) {
  if (err) *err = r->failure;
  return DEBRIEF_NEXT_ERROR;
}

static debrief_next out_of_memory(debrief_reader *r, debrief_error *err) {
  r->failed = true;
  dbf_fail_memory(&r->failure);
  return stop(r, err);
}

/* Hand out what r->entry holds. */
static debrief_next give(debrief_reader *r, dbf_record *record, bool salvaged, debrief_error *err) {
  bool bad_utf8 = !r->entry.kernel->utf8_valid(r->entry.text, r->entry.len);
  size_t at = (size_t)(r->entry.text - r->line.text);
  *record = (dbf_record){&r->entry, r->number, r->line.offset, r->line.offset + at, salvaged, bad_utf8};
  if (bad_utf8 && !report(r, DEBRIEF_BAD_UTF8, at, "bytes that are not UTF-8; shown as U+FFFD"))
    return stop(r, err);
  if (r->entry.duplicate_key &&
      !report(r, DEBRIEF_DUPLICATE_KEY, at, "a member is there twice; the last one counts"))
    return stop(r, err);
  learn(r);
  r->counts.entries++;
  return DEBRIEF_NEXT_ENTRY;
}

/* A value of a damaged line was scanned; is it one to return? */
static bool accept(debrief_reader *r, dbf_scan status, const dbf_json_fault *fault) {
  if (status == DBF_SCAN_BAD_ENTRY && !r->told_bad_entry) {
    r->told_bad_entry = true;
    tell_fault(r, DEBRIEF_BAD_ENTRY, fault);
  }
  return status == DBF_SCAN_OK;
}

/* Where in the damaged line the next value begins; false when it is used up. */
static bool next_value(debrief_reader *r, size_t *at) {
  const char *text = r->line.text;
  bool ignored;
  if (!r->salvage.whole) {
    if (r->part == r->salvage.count) return false;
    *at = dbf_salvage_at(&r->salvage, r->part++);
    return true;
  }
  *at = (size_t)(dbf_salvage_skip(text + r->at, text + r->line.len, &ignored) - text);
  return *at < r->line.len;
}

/* Keyed: nobody can write a record that makes another one look repeated. Never 0. */
static uint64_t hash_of(debrief_reader *r, const dbf_entry *entry) {
  if (!r->has_key) r->key = dbf_hash_key_new();
  r->has_key = true;
  return dbf_hash_keyed(&r->key, entry->text, entry->len) | 1;
}

/* Is the record just scanned the end of its line, with something before it, and there again on the next line? Then it was
 * appended a second time by a writer that saw what it was glued to, and the second one counts. */
static dbf_line_buffer_status is_repeated(debrief_reader *r, bool *repeated) {
  const char *end = r->line.text + r->line.len;
  size_t from = (size_t)(r->entry.text - r->line.text), len = r->entry.len;
  bool nuls = false;
  *repeated = false;
  r->echo = 0;
  r->look_back = false; /* this record is the one salvaged last */
  if (from == 0 || dbf_salvage_skip(r->entry.text + len, end, &nuls) != end) return DBF_LINE_BUFFER_LINE;
  r->echo = hash_of(r, &r->entry);
  dbf_line_buffer_status status =
      dbf_line_buffer_repeats(&r->window, &r->line, from, len, repeated, &r->failure);
  r->entry.text = r->line.text + from;
  if (*repeated) r->echo = 0;
  return status;
}

/* The next record of a damaged line; END: the line is used up. */
static debrief_next hand_out(debrief_reader *r, dbf_record *record, debrief_error *err) {
  size_t at;
  while (next_value(r, &at)) {
    bool repeated;
    dbf_json_fault fault;
    const char *text = r->line.text;
    dbf_scan status = dbf_entry_scan(&r->entry, text + at, r->line.len - at, r->options.foreign, &fault);
    if (status == DBF_SCAN_NO_MEMORY) return out_of_memory(r, err);
    r->at = (size_t)(r->entry.text + r->entry.len - text);
    assert(at < r->at && r->at <= r->line.len); /* each turn of the loop moves on */
    bool wanted = accept(r, status, &fault);
    if (r->failed) return stop(r, err);
    if (!wanted) continue;
    if (is_repeated(r, &repeated) == DBF_LINE_BUFFER_ERROR) {
      r->failed = true;
      return stop(r, err);
    }
    if (!repeated) return give(r, record, true, err);
  }
  r->handing_out = false;
  return DEBRIEF_NEXT_END;
}

/* ---- Echoes ------------------------------------------------------------------------------------------------- */

/* Whoever glued a record to half a line may write the rest of that before the record is appended again:
 *
 *     halfA\nrest\n\nA\n      the first A was returned when the second is met, which is passed over
 *
 * So the record that was salvaged last is remembered until a whole line comes. */

/* Before anything was read of a part of the file: what was salvaged last before it, when only damaged and blank lines came
 * after that? The lines before are read one by one, backwards, usually one. False: *failure of the reader is filled. */
static bool look_back(debrief_reader *r) {
  uint64_t end = r->window.first;
  dbf_record record;
  r->look_back = false;
  for (debrief_next next = DEBRIEF_NEXT_END; next == DEBRIEF_NEXT_END && end > 0;) {
    uint64_t begin;
    if (!dbf_line_buffer_before(&r->window, end, &begin, &r->failure)) return false;
    int fd = dbf_io_duplicate(r->fd);
    if (fd < 0)
      return dbf_fail_errno(&r->failure, "%s: cannot read the lines before byte %llu", r->path,
                            (unsigned long long)end);
    dbf_read_options options = {.foreign = r->options.foreign,
                                .session = r->options.session,
                                .origin = r->options.origin,
                                .size = r->options.size,
                                .begin = begin,
                                .end = end,
                                .holding_lock = true,
                                .alone = true,
                                .line_limit = r->options.line_limit};
    debrief_reader *before = dbf_reader_open(fd, r->path, &options, &r->failure);
    if (!before) return false;
    while ((next = dbf_reader_next(before, &record, &r->failure)) == DEBRIEF_NEXT_ENTRY)
      r->echo = before->echo ? hash_of(r, record.entry) : 0;
    bool met = before->counts.entries > 0;
    debrief_reader_close(before);
    if (next == DEBRIEF_NEXT_ERROR) return false;
    if (met) break;
    end = begin;
  }
  return true;
}

/* A whole line was scanned: is it that record once more? */
static bool is_echo(debrief_reader *r, bool *echo) {
  if (r->look_back && !look_back(r)) return false;
  *echo = r->echo && r->echo == hash_of(r, &r->entry);
  r->echo = 0;
  return true;
}

/* ---- Tails ------------------------------------------------------------------------------------------------- */

static bool is_locked(const debrief_reader *r) {
  if (r->options.holding_lock) return false;
  if (flock(r->fd, LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  flock(r->fd, LOCK_UN);
  return false;
}

typedef enum tail_state { TAIL_CHANGED, TAIL_TORN, TAIL_IN_PROGRESS, TAIL_ERROR } tail_state;

/* An unterminated tail that is no whole entry: has it grown, is somebody writing it, or is it torn? Whether the lock is
 * free is looked at first: then a tail that does not grow afterwards is nobody's. */
static tail_state settle(debrief_reader *r) {
  for (int i = 0; i < TAIL_TRIES; i++) {
    bool locked = is_locked(r);
    switch (dbf_line_buffer_again(&r->window, &r->line, &r->failure)) {
    case DBF_LINE_BUFFER_ERROR: return TAIL_ERROR;
    case DBF_LINE_BUFFER_LINE: return TAIL_CHANGED;
    case DBF_LINE_BUFFER_END: break;
    }
    if (!locked) return TAIL_TORN;
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  return TAIL_IN_PROGRESS;
}

/* ---- Lines --------------------------------------------------------------------------------------------------- */

/* Name what is wrong with the line that r->salvage describes. */
static bool tell_damage(debrief_reader *r, bool in_progress) {
  const dbf_salvage *s = &r->salvage;
  if (s->nuls) return report(r, DEBRIEF_NUL_RUN, 0, "NUL bytes in the line, as a power cut leaves them");
  if (s->whole && s->values > 1) return report(r, DEBRIEF_GLUED, 0, "several records on one line");
  if (s->spliced) return report(r, DEBRIEF_SPLICED, s->broken, "a cut record and a whole one on one line");
  if (in_progress) return report(r, DEBRIEF_IN_PROGRESS, s->broken, "the last line is still being written");
  if (!r->line.terminated) return report(r, DEBRIEF_TORN_TAIL, s->broken, "the last line was cut short");
  return tell_fault(r, DEBRIEF_BAD_JSON, &s->fault);
}

/* The line holds something else than one whole value. END: nothing came of it, or it changed and must be taken again
 * (*again). */
static debrief_next take_damaged(debrief_reader *r, dbf_record *record, bool *again, debrief_error *err) {
  bool in_progress = false;
  dbf_salvage_rule rule;
  if (!r->line.terminated) {
    tail_state tail = settle(r);
    if (tail == TAIL_ERROR) {
      r->failed = true;
      return stop(r, err);
    }
    *again = tail == TAIL_CHANGED;
    if (*again) return DEBRIEF_NEXT_END;
    in_progress = tail == TAIL_IN_PROGRESS;
  }
  if (!make_rule(r, &rule) || !dbf_salvage_line(&r->entry, r->line.text, r->line.len, &rule, &r->salvage))
    return out_of_memory(r, err);
  if (!tell_damage(r, in_progress)) return stop(r, err);
  r->handing_out = true;
  r->told_bad_entry = !r->salvage.whole; /* the line was reported as broken: once is enough */
  r->at = r->part = 0;
  return hand_out(r, record, err);
}

static bool tell_oversize(debrief_reader *r) {
  char message[96];
  size_t limit = r->window.limit;
  snprintf(message, sizeof message, "the line has %llu bytes, the limit is %zu",
           (unsigned long long)r->line.whole, limit);
  return report(r, DEBRIEF_OVERSIZE, 0, message);
}

/* A line that is one entry. A follower passes over an echo without a word: what it repeats was reported. */
static debrief_next take_whole(debrief_reader *r, dbf_record *record, debrief_error *err) {
  bool echo = false;
  if ((r->echo || r->look_back) && !is_echo(r, &echo)) {
    r->failed = true;
    return stop(r, err);
  }
  if (!echo) return give(r, record, false, err);
  bool reported = r->fd < 0 ||
                  report(r, DEBRIEF_GLUED, 0, "appended again: it was returned from the damaged line before");
  return reported ? DEBRIEF_NEXT_END : stop(r, err);
}

/* One line as the window shows it. END: there is no entry on it. */
static debrief_next take(debrief_reader *r, dbf_record *record, bool *again, debrief_error *err) {
  const char *text = r->line.text, *end = text + r->line.len;
  bool nuls = false;
  dbf_json_fault fault;
  *again = false;
  if (r->line.oversize) return tell_oversize(r) ? DEBRIEF_NEXT_END : stop(r, err);
  text = dbf_salvage_skip(text, end, &nuls);
  if (text == end && !nuls) {
    r->counts.blank++;
    return DEBRIEF_NEXT_END;
  }
  if (nuls) return take_damaged(r, record, again, err);
  dbf_scan status = dbf_entry_scan(&r->entry, text, (size_t)(end - text), r->options.foreign, &fault);
  if (status == DBF_SCAN_NO_MEMORY) return out_of_memory(r, err);
  bool whole = status != DBF_SCAN_BAD_JSON &&
               dbf_salvage_skip(r->entry.text + r->entry.len, end, &nuls) == end && !nuls;
  if (!whole) return take_damaged(r, record, again, err);
  if (status == DBF_SCAN_OK) return take_whole(r, record, err);
  return tell_fault(r, DEBRIEF_BAD_ENTRY, &fault) ? DEBRIEF_NEXT_END : stop(r, err);
}

debrief_next dbf_reader_next(debrief_reader *r, dbf_record *record, debrief_error *err) {
  bool again = false;
  for (;;) {
    debrief_next next;
    if (r->failed) return stop(r, err);
    if (r->handing_out) {
      next = hand_out(r, record, err);
    } else {
      dbf_line_buffer_status status =
          again ? DBF_LINE_BUFFER_LINE : dbf_line_buffer_next(&r->window, &r->line, &r->failure);
      if (status == DBF_LINE_BUFFER_END) return DEBRIEF_NEXT_END;
      r->failed = status == DBF_LINE_BUFFER_ERROR;
      if (r->failed) return stop(r, err);
      if (!again) {
        r->number++;
        r->counts.lines++;
      }
      next = take(r, record, &again, err);
    }
    if (next != DEBRIEF_NEXT_END) return next;
  }
}

/* ---- Opening and closing ------------------------------------------------------------------------------------- */

debrief_reader *dbf_reader_open(int fd, const char *path, const dbf_read_options *options,
                                debrief_error *err) {
  debrief_reader *r = calloc(1, sizeof *r);
  char *session = options->session ? strdup(options->session) : NULL;
  if (r) r->path = strdup(path);
  if (!r || !r->path || (options->session && !session)) {
    if (r) free(r->path);
    free(session);
    free(r);
    if (fd >= 0) close(fd);
    dbf_fail_memory(err);
    return NULL;
  }
  r->fd = fd;
  r->options = *options;
  r->options.session = session;
  r->number = options->first_line ? options->first_line - 1 : 0;
  dbf_line_buffer_init(&r->window, fd, r->path, options->begin, options->end,
                       options->window ? options->window : WINDOW,
                       options->line_limit ? options->line_limit : DBF_LINE_LIMIT);
  dbf_line_buffer_within(&r->window, options->origin, options->size);
  dbf_entry_init(&r->entry);
  dbf_bytes_init(&r->learned);
  dbf_bytes_init(&r->begin);
  dbf_bytes_init(&r->salvage.at);
  if (!options->foreign && !session) learn_from_path(r);
  r->look_back = fd >= 0 && options->begin > 0 && !options->alone;
  return r;
}

void dbf_reader_feed(debrief_reader *r, dbf_bytes *text, uint64_t offset, uint64_t line) {
  if (offset != dbf_reader_counts(r).bytes) r->echo = 0; /* it is read again, or another file is */
  dbf_line_buffer_feed(&r->window, text, offset);
  r->number = line - 1;
}

void dbf_reader_narrow(debrief_reader *r, uint64_t begin, uint64_t end, uint64_t first_line) {
  r->window.base = r->window.first = begin;
  r->window.end = end;
  r->look_back = r->fd >= 0 && begin > 0;
  r->number = first_line ? first_line - 1 : 0;
}

bool dbf_reader_line_start(const debrief_reader *r, uint64_t at, uint64_t *begin, debrief_error *err) {
  return dbf_line_buffer_before(&r->window, at, begin, err);
}

dbf_extent dbf_reader_file(const debrief_reader *r) {
  return r->window.file;
}

void debrief_reader_close(debrief_reader *r) {
  if (!r) return;
  dbf_line_buffer_release(&r->window);
  dbf_entry_release(&r->entry);
  dbf_bytes_release(&r->learned);
  dbf_bytes_release(&r->begin);
  dbf_bytes_release(&r->salvage.at);
  if (r->fd >= 0) close(r->fd);
  free((char *)r->options.session);
  free(r->path);
  free(r);
}

debrief_line dbf_record_line(const dbf_record *record) {
  const dbf_entry *e = record->entry;
  return (debrief_line){{e->text, e->len}, record->line,     record->offset,
                        record->salvaged,  record->bad_utf8, e->duplicate_key};
}

debrief_next debrief_reader_next(debrief_reader *r, debrief_line *line, debrief_error *err) {
  dbf_record record;
  if (!r) return dbf_fail(err, DEBRIEF_EARG, "no reader was given (reader is NULL)"), DEBRIEF_NEXT_ERROR;
  if (!line)
    return dbf_fail(err, DEBRIEF_EARG, "nothing to fill in was given (line is NULL)"), DEBRIEF_NEXT_ERROR;
  debrief_next next = dbf_reader_next(r, &record, err);
  if (next == DEBRIEF_NEXT_ENTRY) *line = dbf_record_line(&record);
  return next;
}

dbf_read_counts dbf_reader_counts(const debrief_reader *r) {
  dbf_read_counts counts = r->counts;
  counts.bytes = r->window.base + r->window.start + r->window.taken;
  return counts;
}
