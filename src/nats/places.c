#include "places.h"

#include "../log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define NAME ".sequences"

bool dbf_nats_places_open(dbf_nats_places *p, int folder) {
  *p = (dbf_nats_places){.fd = -1};
  p->fd = dbf_io_above(openat(folder, NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  return p->fd >= 0;
}

void dbf_nats_places_close(dbf_nats_places *p) {
  if (p->fd >= 0) close(p->fd);
  dbf_bytes_release(&p->staged);
  dbf_bytes_release(&p->known);
}

bool dbf_nats_places_reserve(dbf_nats_places *p) {
  bool ok = dbf_bytes_reserve(&p->staged, sizeof(dbf_nats_place));
  p->staged.failed = false;
  return ok;
}

void dbf_nats_places_note(dbf_nats_places *p, dbf_nats_trace *session, uint64_t line, uint64_t sequence) {
  dbf_nats_place place = {.line = line, .sequence = sequence, .before = session->last};
  dbf_bytes_append(&p->staged, &place, sizeof place);
  session->last = p->written + p->staged.len / sizeof place;
  session->count++;
}

bool dbf_nats_places_write(dbf_nats_places *p) {
  if (!dbf_io_write_at(p->fd, p->staged.data, p->staged.len, p->written * sizeof(dbf_nats_place)))
    return false;
  p->written += p->staged.len / sizeof(dbf_nats_place);
  dbf_bytes_clear(&p->staged);
  return true;
}

bool dbf_nats_places_clear(dbf_nats_places *p) {
  if (ftruncate(p->fd, 0) != 0) return false;
  p->written = 0;
  dbf_bytes_clear(&p->staged);
  p->asked = NULL;
  return true;
}

/* ---- Looking up ------------------------------------------------------------------------------------------------- */

enum {
  BLOCK = 512, /* records read at once */
  NEAR = 64    /* who asks about what came last needs no more of them */
};

/* Records back from number `from`, in blocks: those of a session lie near each other where it has many. */
typedef struct walk {
  dbf_nats_place block[BLOCK];
  uint64_t first; /* number of the first in the block */
  size_t count;
} walk;

static const dbf_nats_place *record(const dbf_nats_places *p, walk *w, uint64_t number, bool dense) {
  if (number > p->written) {
    size_t at = (size_t)(number - p->written - 1);
    return at < p->staged.len / sizeof *w->block ? (const dbf_nats_place *)(const void *)p->staged.data + at
                                                 : NULL;
  }
  if (number >= w->first && number < w->first + w->count) return &w->block[number - w->first];
  size_t want = dense ? BLOCK : 1;
  w->first = number > want ? number - want + 1 : 1;
  want = (size_t)(number - w->first) + 1;
  ssize_t got = dbf_io_read_at(p->fd, w->block, want * sizeof *w->block, (w->first - 1) * sizeof *w->block);
  w->count = got > 0 ? (size_t)got / sizeof *w->block : 0;
  return w->count == want ? &w->block[want - 1] : NULL;
}

static void turn_around(dbf_nats_place *list, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    dbf_nats_place one = list[i];
    list[i] = list[count - 1 - i];
    list[count - 1 - i] = one;
  }
}

/* All records of the session, in order. */
static bool look_up(dbf_nats_places *p, const dbf_nats_trace *session) {
  walk w = {.count = 0};
  if (p->asked == session && p->asked_last == session->last) return p->known.len > 0;
  dbf_bytes_clear(&p->known);
  p->asked = NULL;
  uint64_t all = p->written + p->staged.len / sizeof *w.block;
  bool dense = session->count > all / BLOCK;
  for (uint64_t number = session->last; number > 0;) {
    const dbf_nats_place *at = record(p, &w, number, dense);
    if (!at || at->before >= number) return false;
    dbf_bytes_append(&p->known, at, sizeof *at);
    number = at->before;
  }
  if (p->known.failed) return false;
  turn_around((dbf_nats_place *)(void *)p->known.data, p->known.len / sizeof *w.block);
  p->asked = session;
  p->asked_last = session->last;
  return p->known.len > 0;
}

static bool is_until(const dbf_nats_place *at, bool by_line, uint64_t value) {
  return (by_line ? at->line : at->sequence) <= value;
}

const dbf_nats_place *dbf_nats_places_find(dbf_nats_places *p, const dbf_nats_trace *session, bool by_line,
                                           uint64_t value) {
  walk w = {.count = 0};
  const dbf_nats_place *list, *found = NULL;
  uint64_t number = session->last;
  for (int i = 0; i < NEAR && number > 0; i++) {
    const dbf_nats_place *at = record(p, &w, number, false);
    if (!at || at->before >= number) return NULL;
    if (is_until(at, by_line, value)) return p->found = *at, &p->found;
    number = at->before;
  }
  if (number == 0 || !look_up(p, session)) return NULL;
  list = (const dbf_nats_place *)(const void *)p->known.data;
  size_t low = 0, high = p->known.len / sizeof *list;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (is_until(&list[middle], by_line, value)) found = &list[middle], low = middle + 1;
    else high = middle;
  }
  return found;
}
