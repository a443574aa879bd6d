#include "keyset.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = DBF_KEYSET_SMALL * 4, LARGE = FIRST * 4 }; /* slots */

void dbf_keyset_init(dbf_keyset *set) {
  *set = (dbf_keyset){0};
}

void dbf_keyset_release(dbf_keyset *set) {
  free(set->slots);
  *set = (dbf_keyset){0};
}

/* A large table is given back: to wipe it would make every small object after one large one expensive. */
void dbf_keyset_clear(dbf_keyset *set) {
  if (set->cap > LARGE) dbf_keyset_release(set);
  else if (set->count > DBF_KEYSET_SMALL) memset(set->slots, 0, set->cap * sizeof *set->slots);
  set->count = 0;
}

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

/* Seeded by an address, so that a log cannot be written to collide. Never 0: that is a free slot. */
static uint64_t hash_bytes(const dbf_keyset *set, const char *p, size_t len) {
  uint64_t h = mix((uint64_t)(uintptr_t)set, len), word;
  for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
    memcpy(&word, p, sizeof word);
    h = mix(h, word);
  }
  word = 0;
  memcpy(&word, p, len);
  return mix(h, word) | 1;
}

/* Equal names hash equally, however they are escaped. */
static bool hash_name(const dbf_keyset *set, const dbf_json_value *name, uint64_t *hash) {
  size_t len = (size_t)(name->end - name->start) - 2;
  if (!name->escaped) {
    *hash = hash_bytes(set, name->start + 1, len);
    return true;
  }
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(name, &decoded);
  bool ok = dbf_bytes_reserve(&decoded, 1);
  if (ok) *hash = hash_bytes(set, decoded.data, decoded.len);
  dbf_bytes_release(&decoded);
  return ok;
}

static bool same_name(const dbf_json_value *a, const dbf_json_value *b) {
  if (!a->escaped) return dbf_json_string_is(b, a->start + 1, (size_t)(a->end - a->start) - 2);
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(a, &decoded);
  bool same = dbf_bytes_reserve(&decoded, 1) && dbf_json_string_is(b, decoded.data, decoded.len);
  dbf_bytes_release(&decoded);
  return same;
}

static bool same(const dbf_keyset_slot *slot, uint64_t hash, const dbf_json_value *name) {
  return slot->hash == hash && same_name(name, &slot->name);
}

/* The slot of a name in the open table: where it is, or the free one where it belongs. */
static dbf_keyset_slot *probe(dbf_keyset_slot *slots, size_t cap, uint64_t hash, const dbf_json_value *name) {
  size_t i = (size_t)(hash >> 7) & (cap - 1);
  while (slots[i].hash && !same(&slots[i], hash, name)) i = (i + 1) & (cap - 1);
  return &slots[i];
}

/* Move everything into a table of `cap` slots (a power of two). */
static bool spread(dbf_keyset *set, size_t cap) {
  bool listed = set->count <= DBF_KEYSET_SMALL;
  size_t used = listed ? set->count : set->cap;
  dbf_keyset_slot *slots = calloc(cap, sizeof *slots);
  if (!slots) return false;
  for (size_t i = 0; i < used; i++)
    if (set->slots[i].hash) *probe(slots, cap, set->slots[i].hash, &set->slots[i].name) = set->slots[i];
  free(set->slots);
  set->slots = slots;
  set->cap = cap;
  return true;
}

static bool is_listed(const dbf_keyset *set, uint64_t hash, const dbf_json_value *name) {
  for (size_t i = 0; i < set->count; i++)
    if (same(&set->slots[i], hash, name)) return true;
  return false;
}

/* The 17th name makes a table of the list: which of both it is, the count alone tells. */
static dbf_keyset_result add_to_list(dbf_keyset *set, uint64_t hash, const dbf_json_value *name) {
  if (is_listed(set, hash, name)) return DBF_KEYSET_THERE;
  if (set->count == DBF_KEYSET_SMALL) {
    if (!spread(set, FIRST)) return DBF_KEYSET_NO_MEMORY;
    *probe(set->slots, set->cap, hash, name) = (dbf_keyset_slot){hash, *name};
  } else {
    set->slots[set->count] = (dbf_keyset_slot){hash, *name};
  }
  set->count++;
  return DBF_KEYSET_NEW;
}

static dbf_keyset_result add_to_table(dbf_keyset *set, uint64_t hash, const dbf_json_value *name) {
  if (set->count * 2 >= set->cap && !spread(set, set->cap * 2)) return DBF_KEYSET_NO_MEMORY;
  dbf_keyset_slot *slot = probe(set->slots, set->cap, hash, name);
  if (slot->hash) return DBF_KEYSET_THERE;
  *slot = (dbf_keyset_slot){hash, *name};
  set->count++;
  return DBF_KEYSET_NEW;
}

dbf_keyset_result dbf_keyset_add(dbf_keyset *set, const dbf_json_value *name) {
  uint64_t hash;
  if (!hash_name(set, name, &hash)) return DBF_KEYSET_NO_MEMORY;
  if (!set->slots && !spread(set, FIRST)) return DBF_KEYSET_NO_MEMORY;
  bool listed = set->count <= DBF_KEYSET_SMALL;
  return listed ? add_to_list(set, hash, name) : add_to_table(set, hash, name);
}
