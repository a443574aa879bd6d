#include "lineset.h"

#include <assert.h>
#include <stdlib.h>

/* A slot that was used stays so with count 0, so that probing goes on after it. */
struct dbf_lineset_slot {
  uint64_t hash; /* 0: free */
  uint64_t count;
};

void dbf_lineset_release(dbf_lineset *set) {
  free(set->slots);
  *set = (dbf_lineset){0};
}

/* Never 0: that is a free slot. */
static uint64_t hash_of(const dbf_lineset *set, const char *line, size_t len) {
  return dbf_hash_keyed(&set->key, line, len) | 1;
}

static struct dbf_lineset_slot *probe(const dbf_lineset *set, uint64_t hash) {
  assert(hash != 0 && set->used * 2 <= set->cap);
  size_t i = (size_t)(hash >> 1) & (set->cap - 1);
  while (set->slots[i].hash && set->slots[i].hash != hash) i = (i + 1) & (set->cap - 1);
  return &set->slots[i];
}

static bool grow(dbf_lineset *set) {
  dbf_lineset old = *set;
  set->cap = old.cap ? old.cap * 2 : 256;
  if (!(set->slots = calloc(set->cap, sizeof *set->slots))) {
    *set = old;
    return false;
  }
  if (!old.cap) set->key = dbf_hash_key_new();
  for (size_t i = 0; i < old.cap; i++)
    if (old.slots[i].hash) *probe(set, old.slots[i].hash) = old.slots[i];
  free(old.slots);
  return true;
}

bool dbf_lineset_add(dbf_lineset *set, const char *line, size_t len) {
  if (set->used * 2 >= set->cap && !grow(set)) return false;
  uint64_t hash = hash_of(set, line, len);
  struct dbf_lineset_slot *slot = probe(set, hash);
  set->used += slot->hash == 0;
  slot->hash = hash;
  slot->count++;
  set->total++;
  return true;
}

bool dbf_lineset_take(dbf_lineset *set, const char *line, size_t len) {
  if (set->total == 0) return false;
  struct dbf_lineset_slot *slot = probe(set, hash_of(set, line, len));
  if (slot->count == 0) return false;
  assert(slot->count <= set->total);
  slot->count--;
  set->total--;
  return true;
}
