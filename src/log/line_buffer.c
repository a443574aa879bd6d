#include "line_buffer.h"
#include "error.h"
#include "io.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { EXCERPT = 256 }; /* bytes of an oversize line that are kept to be shown */

void dbf_line_buffer_init(dbf_line_buffer *w, int fd, const char *path, uint64_t begin, uint64_t end,
                          size_t step, size_t limit) {
  *w = (dbf_line_buffer){.file = {.fd = fd},
                         .path = path,
                         .first = begin,
                         .base = begin,
                         .end = end,
                         .step = step,
                         .limit = limit};
  dbf_bytes_init(&w->bytes);
  w->at_end = fd < 0;
}

void dbf_line_buffer_within(dbf_line_buffer *w, uint64_t origin, uint64_t size) {
  w->file.origin = origin;
  w->file.size = size;
}

void dbf_line_buffer_release(dbf_line_buffer *w) {
  dbf_bytes_release(&w->bytes);
}

/* A byte-order mark at the very beginning is no part of the first line. */
static void skip_mark(dbf_line_buffer *w) {
  if (w->bytes.len >= 3 && memcmp(w->bytes.data, "\xef\xbb\xbf", 3) == 0) w->start = 3;
}

void dbf_line_buffer_feed(dbf_line_buffer *w, dbf_bytes *bytes, uint64_t offset) {
  dbf_bytes before = w->bytes;
  w->bytes = *bytes;
  *bytes = before;
  w->base = offset;
  w->start = w->taken = w->searched = 0;
  w->at_end = true;
  w->is_open = false;
  if (offset == 0) skip_mark(w);
}

/* The places of the current line: |start ... taken|searched .. len|. Of a line over the limit, only its beginning is kept. */
static void check(const dbf_line_buffer *w) {
  (void)w; /* without assertions */
  assert(w->start <= w->bytes.len && w->bytes.len <= w->bytes.cap);
  assert(w->taken <= w->bytes.len - w->start);
  assert(!w->end || w->base + w->bytes.len <= w->end || w->file.fd < 0);
}

/* Drop what lies before the current line. */
static void slide(dbf_line_buffer *w) {
  check(w);
  if (w->start == 0) return;
  memmove(w->bytes.data, w->bytes.data + w->start, w->bytes.len - w->start);
  w->bytes.len -= w->start;
  w->base += w->start;
  w->start = 0;
}

/* Read one more step. at_end is set if there was nothing to read. */
static bool fill(dbf_line_buffer *w, debrief_error *err) {
  uint64_t at;
  size_t want = w->step;
  slide(w);
  at = w->base + w->bytes.len;
  if (w->end && at >= w->end) return w->at_end = true;
  if (w->end && w->end - at < want) want = (size_t)(w->end - at);
  if (w->file.size && w->file.size < at + want)
    want = at < w->file.size ? (size_t)(w->file.size - at) + 1 : 1;
  if (w->file.fd < 0) return w->at_end = true;
  if (w->is_short) { /* it has said so already: once, for the file may have grown when it is asked again */
    w->is_short = false;
    return w->at_end = true;
  }
  size_t got;
  if (!dbf_bytes_reserve(&w->bytes, want)) return dbf_fail_memory(err);
  if (!dbf_io_read_of(&w->file, w->path, w->bytes.data + w->bytes.len, want, at, &got, err)) return false;
  w->bytes.len += got;
  /* the scan looks a little past the end of a line, and stops at nothing there */
  dbf_bytes_terminate(&w->bytes);
  w->at_end = got == 0;
  w->is_short = got > 0 && got < want;
  return true;
}

/* Pass over the rest of a line that is too long; its beginning stays at `start`. */
static dbf_line_buffer_status skip_oversize(dbf_line_buffer *w, dbf_line_buffer_line *line,
                                            debrief_error *err) {
  const char *newline = NULL;
  slide(w);
  uint64_t offset = w->base, whole = w->bytes.len;
  while (!newline) {
    assert(w->start == 0 && w->bytes.len >= EXCERPT);
    w->base += w->bytes.len - EXCERPT;
    w->bytes.len = EXCERPT;
    if (!fill(w, err)) return DBF_LINE_BUFFER_ERROR;
    if (w->at_end) break;
    newline = memchr(w->bytes.data + EXCERPT, '\n', w->bytes.len - EXCERPT);
    whole += newline ? (size_t)(newline - w->bytes.data) - EXCERPT : w->bytes.len - EXCERPT;
  }
  w->taken = newline ? (size_t)(newline - w->bytes.data) + 1 : EXCERPT;
  w->is_open = !newline;
  *line = (dbf_line_buffer_line){w->bytes.data, EXCERPT, offset, whole, newline != NULL, true};
  return DBF_LINE_BUFFER_LINE;
}

/* The line of w->line_len bytes at `start`. */
static dbf_line_buffer_status hand_out(dbf_line_buffer *w, dbf_line_buffer_line *line, bool terminated) {
  assert(w->line_len + terminated <= w->bytes.len - w->start);
  w->taken = w->line_len + terminated;
  w->is_open = !terminated;
  line->oversize = w->line_len > w->limit;
  line->text = w->bytes.data + w->start;
  line->len = line->oversize && w->line_len > EXCERPT ? EXCERPT : w->line_len;
  line->offset = w->base + w->start;
  line->whole = w->line_len;
  line->terminated = terminated;
  return DBF_LINE_BUFFER_LINE;
}

/* The line before had no newline when it was handed out. One that was written since then ends it, and is no line. */
static void pass_newline(dbf_line_buffer *w) {
  if (!w->is_open || w->start == w->bytes.len) return;
  w->start += w->bytes.data[w->start] == '\n';
  w->is_open = false;
}

/* Find the end of the line that begins at `start`. */
static dbf_line_buffer_status find(dbf_line_buffer *w, dbf_line_buffer_line *line, debrief_error *err) {
  for (;;) {
    pass_newline(w);
    size_t have = w->bytes.len - w->start;
    assert(w->searched <= have);
    const char *text = have ? w->bytes.data + w->start : NULL;
    const char *newline =
        text && have > w->searched ? memchr(text + w->searched, '\n', have - w->searched) : NULL;
    w->line_len = newline ? (size_t)(newline - text) : have;
    if (newline) return hand_out(w, line, true);
    /* else a line that comes in a thousand steps would be searched from its beginning at each */
    w->searched = have;
    if (have > w->limit && have > EXCERPT) return skip_oversize(w, line, err);
    if (!fill(w, err)) return DBF_LINE_BUFFER_ERROR;
    if (!w->at_end) continue;
    if (have == 0) return DBF_LINE_BUFFER_END;
    if (!dbf_bytes_terminate(&w->bytes)) return dbf_fail_memory(err), DBF_LINE_BUFFER_ERROR;
    return hand_out(w, line, false);
  }
}

static bool pass_mark(dbf_line_buffer *w, debrief_error *err) {
  while (w->bytes.len < 3 && !w->at_end)
    if (!fill(w, err)) return false;
  skip_mark(w);
  return true;
}

dbf_line_buffer_status dbf_line_buffer_next(dbf_line_buffer *w, dbf_line_buffer_line *line,
                                            debrief_error *err) {
  if (w->base == 0 && w->bytes.len == 0 && !pass_mark(w, err)) return DBF_LINE_BUFFER_ERROR;
  check(w);
  w->start += w->taken;
  w->taken = 0;
  w->searched = 0;
  return find(w, line, err);
}

dbf_line_buffer_status dbf_line_buffer_again(dbf_line_buffer *w, dbf_line_buffer_line *line,
                                             debrief_error *err) {
  size_t before = w->bytes.len - w->start;
  w->is_short = false;
  if (!fill(w, err)) return DBF_LINE_BUFFER_ERROR;
  line->text = w->bytes.data + w->start; /* making room may have moved it */
  if (w->bytes.len - w->start == before) return DBF_LINE_BUFFER_END;
  w->searched = before;
  w->is_open = false;
  return find(w, line, err);
}

bool dbf_line_buffer_before(const dbf_line_buffer *w, uint64_t end, uint64_t *begin, debrief_error *err) {
  char block[4096];
  for (*begin = end > 0 ? end - 1 : 0; *begin > 0;) {
    size_t want = *begin < sizeof block ? (size_t)*begin : sizeof block, got;
    if (!dbf_io_read_of(&w->file, w->path, block, want, *begin - want, &got, err)) return false;
    const char *newline = got == want ? memrchr(block, '\n', got) : NULL;
    *begin -= newline ? want - (size_t)(newline + 1 - block) : want;
    if (newline) break;
  }
  return true;
}

/* A file that is read up to a given end may hold the second record after it: then another reader would return it again. */
/* Read up to `want` bytes after the end of the window's part of the file. They are only looked at: they stand after
 * `bytes` and do not count. */
static bool peek(dbf_line_buffer *w, size_t want, size_t *got, debrief_error *err) {
  *got = 0;
  if (!w->end || w->file.fd < 0) return true;
  if (!dbf_bytes_reserve(&w->bytes, want)) return dbf_fail_memory(err);
  return dbf_io_read_of(&w->file, w->path, w->bytes.data + w->bytes.len, want, w->base + w->bytes.len, got,
                        err);
}

dbf_line_buffer_status dbf_line_buffer_repeats(dbf_line_buffer *w, dbf_line_buffer_line *line, size_t from,
                                               size_t len, bool *same, debrief_error *err) {
  assert(from + len <= line->len);
  size_t keep = w->line_len, next = keep + 1, want = next + 1 + len + 1, more = 0;
  while (w->bytes.len - w->start < want && !w->at_end)
    if (!fill(w, err)) return DBF_LINE_BUFFER_ERROR;
  size_t have = w->bytes.len - w->start;
  if (have < want && !peek(w, want - have, &more, err)) return DBF_LINE_BUFFER_ERROR;
  have += more;
  const char *text = w->bytes.data + w->start;
  if (have > next && text[next] == '\n') next++;
  bool ended = have == next + len || (have > next + len && text[next + len] == '\n');
  *same = line->terminated && ended && memcmp(text + from, text + next, len) == 0;
  hand_out(w, line, line->terminated);
  return DBF_LINE_BUFFER_LINE;
}
