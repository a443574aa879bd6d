#include "trail.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 16384 };

typedef struct dbf_trail_step {
  uint64_t end, hash;
} step;

/* ---- The hash -------------------------------------------------------------------------------------------------- */

/* Eight bytes at a time: a byte at a time would halve the speed of following. Nobody gains by two texts with one hash but
 * whoever may cut the file anyway, so it has no key. */
static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 32;
}

/* The first byte is the lowest, as where bytes come one at a time. */
static uint64_t word_at(const char *p) {
  uint64_t word;
  memcpy(&word, p, 8);
  return le64toh(word);
}

static void add_bytes(dbf_trail_hash *h, const char *p, size_t len) {
  for (; len > 0 && h->filled > 0; p++, len--) {
    h->word |= (uint64_t)(unsigned char)*p << 8 * h->filled++;
    if (h->filled < 8) continue;
    h->hash = mix(h->hash, h->word);
    h->word = h->filled = 0;
  }
  for (; len >= 8; p += 8, len -= 8) h->hash = mix(h->hash, word_at(p));
  for (; len > 0; p++, len--) h->word |= (uint64_t)(unsigned char)*p << 8 * h->filled++;
}

static uint64_t value_of(const dbf_trail_hash *h) {
  return mix(mix(h->hash, h->word), h->filled);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

void dbf_trail_release(dbf_trail *t) {
  free(t->steps);
  *t = (dbf_trail){0};
}

void dbf_trail_begin(dbf_trail *t, uint64_t offset) {
  dbf_trail_release(t);
  t->begin = offset;
}

static void thin(dbf_trail *t) {
  size_t kept = 0;
  for (size_t i = 0; i < t->count; i++)
    if (i >= t->count / 2 || i % 2 == 1) t->steps[kept++] = t->steps[i];
  t->count = kept;
}

static bool reserve(dbf_trail *t) {
  if (t->count < t->cap) return true;
  size_t cap = t->cap ? t->cap * 2 : 16;
  step *steps = cap <= STEPS ? realloc(t->steps, cap * sizeof *steps) : NULL;
  if (steps) {
    t->steps = steps;
    t->cap = cap;
  } else if (t->count > 2) {
    thin(t);
  }
  return t->count < t->cap;
}

void dbf_trail_add(dbf_trail *t, uint64_t offset, const char *text, size_t len) {
  const char *end = text + len, *p = text;
  for (const char *newline; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
    add_bytes(&t->hash, p, (size_t)(newline + 1 - p));
    if (reserve(t))
      t->steps[t->count++] = (step){offset + (uint64_t)(newline + 1 - text), value_of(&t->hash)};
  }
  add_bytes(&t->hash, p, (size_t)(end - p));
}

/* ---- The way back ------------------------------------------------------------------------------------------------ */

dbf_trail_walk dbf_trail_walk_begin(const dbf_trail *t) {
  return (dbf_trail_walk){.trail = t, .at = t->begin, .end = t->begin};
}

/* The walk is at the end of a line. False: that is not the trail any more. */
static bool arrive(dbf_trail_walk *w) {
  const step *next = &w->trail->steps[w->next];
  w->lines++;
  if (w->at < next->end) return true;
  if (w->at > next->end || value_of(&w->hash) != next->hash) return false;
  w->end = w->at;
  w->end_lines = w->lines;
  w->found = w->hash;
  return ++w->next < w->trail->count;
}

bool dbf_trail_walk_on(dbf_trail_walk *w, const char *text, size_t len) {
  const char *end = text + len, *p = text;
  if (w->next == w->trail->count) return false;
  for (const char *newline; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
    add_bytes(&w->hash, p, (size_t)(newline + 1 - p));
    w->at += (uint64_t)(newline + 1 - p);
    if (!arrive(w)) return false;
  }
  add_bytes(&w->hash, p, (size_t)(end - p));
  w->at += (uint64_t)(end - p);
  return true;
}

void dbf_trail_cut(dbf_trail *t, const dbf_trail_walk *w) {
  assert(w->trail == t && w->next <= t->count);
  t->count = w->next;
  t->hash = w->found;
}
