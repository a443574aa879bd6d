#include "cut.h"
#include "error.h"
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1024 * 1024 };

typedef struct cutter {
  uint64_t step;
  uint64_t begin, line, first_line; /* of the part under way; lines seen so far */
  dbf_cut_each each;
  void *user;
} cutter;

/* Count the lines of a block at file offset `at`, and end a part at the first line end after its step. */
static void count(cutter *c, const char *block, size_t len, uint64_t at) {
  const char *end = block + len;
  for (const char *p = block; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
    uint64_t after = at + (uint64_t)(p - block) + 1;
    c->line++;
    if (after - c->begin < c->step) continue;
    c->each(c->user, c->begin, after, c->first_line);
    c->begin = after;
    c->first_line = c->line + 1;
  }
}

/* Count the lines of the file up to byte `end`. */
static bool read_lines(cutter *c, const dbf_extent *file, const char *path, uint64_t end,
                       debrief_error *err) {
  char *block = malloc(BLOCK);
  size_t got = file->fd >= 0; /* no file: no bytes */
  bool ok = true;
  if (!block) return dbf_fail_memory(err);
  for (uint64_t at = 0; ok && got > 0 && at < end; at += got) {
    size_t want = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
    ok = dbf_io_read_of(file, path, block, want, at, &got, err);
    count(c, block, got, at);
  }
  free(block);
  return ok;
}

/* Parts depend on the file and the step alone, never on the number of workers: any number of them makes the same report. */
bool dbf_cut(const dbf_extent *file, const char *path, uint64_t step, dbf_cut_each each, void *user,
             debrief_error *err) {
  cutter c = {.step = step, .first_line = 1, .each = each, .user = user};
  if (!read_lines(&c, file, path, UINT64_MAX, err)) return false;
  each(user, c.begin, 0, c.first_line);
  return true;
}

bool dbf_count_lines(const dbf_extent *file, const char *path, uint64_t end, uint64_t *lines,
                     debrief_error *err) {
  cutter c = {.step = UINT64_MAX}; /* no part is as long */
  bool ok = read_lines(&c, file, path, end, err);
  *lines = c.line;
  return ok;
}
