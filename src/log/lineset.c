#include "lineset.h"

#include <stdlib.h>

/* A slot that was used stays so with count 0, so that probing goes on behind it. */
struct dbf_lineset_slot {
  uint64_t hash; /* 0: free */
  uint64_t count;
};

void dbf_lineset_release(dbf_lineset *set) {
  free(set->slots);
  *set = (dbf_lineset){0};
}

static struct dbf_lineset_slot *probe(const dbf_lineset *set, uint64_t hash) {
  size_t i = (size_t)(hash ^ hash >> 32) & (set->cap - 1);
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
  for (size_t i = 0; i < old.cap; i++)
    if (old.slots[i].hash) *probe(set, old.slots[i].hash) = old.slots[i];
  free(old.slots);
  return true;
}

bool dbf_lineset_add(dbf_lineset *set, uint64_t hash) {
  if (set->used * 2 >= set->cap && !grow(set)) return false;
  struct dbf_lineset_slot *slot = probe(set, hash | 1);
  set->used += slot->hash == 0;
  slot->hash = hash | 1;
  slot->count++;
  set->total++;
  return true;
}

bool dbf_lineset_take(dbf_lineset *set, uint64_t hash) {
  if (set->total == 0) return false;
  struct dbf_lineset_slot *slot = probe(set, hash | 1);
  if (slot->count == 0) return false;
  slot->count--;
  set->total--;
  return true;
}

uint64_t dbf_hash(uint64_t hash, const char *data, size_t len) {
  for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)data[i]) * 1099511628211u;
  return hash;
}
