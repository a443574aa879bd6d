#include "keyset.h"

#include <assert.h>
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
  set->count = 0;
  set->is_table = false;
}

/* In a list the hash only saves comparing names: a fast one will do, for most objects have a handful of unknown names, and
 * every entry of such a log comes through here. */
static uint64_t hash_quickly(const char *p, size_t len) {
  uint64_t h = len, word;
  for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
    memcpy(&word, p, sizeof word);
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  }
  word = 0;
  memcpy(&word, p, len);
  h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

/* Never 0: that is a free slot. */
static uint64_t hash_bytes(const dbf_keyset *set, const char *p, size_t len) {
  return (set->is_table ? dbf_hash_keyed(&set->key, p, len) : hash_quickly(p, len)) | 1;
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

/* The slot of a name in the table: where it is, or the free one where it belongs. */
static dbf_keyset_slot *probe(dbf_keyset_slot *slots, size_t cap, uint64_t hash, const dbf_json_value *name) {
  assert(hash != 0 && (cap & (cap - 1)) == 0);
  size_t i = (size_t)(hash >> 7) & (cap - 1);
  while (slots[i].hash && !same(&slots[i], hash, name)) i = (i + 1) & (cap - 1);
  return &slots[i];
}

/* Double the table. */
static bool grow(dbf_keyset *set) {
  size_t cap = set->cap * 2;
  dbf_keyset_slot *slots = calloc(cap, sizeof *slots);
  if (!slots) return false;
  for (size_t i = 0; i < set->cap; i++)
    if (set->slots[i].hash) *probe(slots, cap, set->slots[i].hash, &set->slots[i].name) = set->slots[i];
  free(set->slots);
  set->slots = slots;
  set->cap = cap;
  return true;
}

/* Make a table of the list, which is full. Not inlined: its array would cost every small object a stack check. */
__attribute__((noinline)) static bool make_table(dbf_keyset *set) {
  dbf_keyset_slot list[DBF_KEYSET_SMALL];
  assert(set->count == DBF_KEYSET_SMALL && set->cap > 2 * DBF_KEYSET_SMALL);
  memcpy(list, set->slots, sizeof list);
  memset(set->slots, 0, set->cap * sizeof *set->slots);
  if (!set->has_key) set->key = dbf_hash_key_new();
  set->has_key = set->is_table = true;
  for (size_t i = 0; i < DBF_KEYSET_SMALL; i++) {
    if (!hash_name(set, &list[i].name, &list[i].hash)) return false;
    *probe(set->slots, set->cap, list[i].hash, &list[i].name) = list[i];
  }
  return true;
}

static dbf_keyset_result add_to_table(dbf_keyset *set, const dbf_json_value *name) {
  uint64_t hash;
  if (!hash_name(set, name, &hash)) return DBF_KEYSET_NO_MEMORY;
  if (set->count * 2 >= set->cap && !grow(set)) return DBF_KEYSET_NO_MEMORY;
  dbf_keyset_slot *slot = probe(set->slots, set->cap, hash, name);
  if (slot->hash) return DBF_KEYSET_THERE;
  *slot = (dbf_keyset_slot){hash, *name};
  set->count++;
  assert(set->count * 2 <= set->cap); /* else a search for what is not there never ends */
  return DBF_KEYSET_NEW;
}

static dbf_keyset_result add_to_list(dbf_keyset *set, const dbf_json_value *name) {
  uint64_t hash;
  if (!name->escaped) hash = hash_quickly(name->start + 1, (size_t)(name->end - name->start) - 2) | 1;
  else if (!hash_name(set, name, &hash)) return DBF_KEYSET_NO_MEMORY;
  for (size_t i = 0; i < set->count; i++)
    if (same(&set->slots[i], hash, name)) return DBF_KEYSET_THERE;
  if (set->count == DBF_KEYSET_SMALL) return make_table(set) ? add_to_table(set, name) : DBF_KEYSET_NO_MEMORY;
  set->slots[set->count++] = (dbf_keyset_slot){hash, *name};
  return DBF_KEYSET_NEW;
}

dbf_keyset_result dbf_keyset_add(dbf_keyset *set, const dbf_json_value *name) {
  if (!set->slots) {
    set->slots = calloc(FIRST, sizeof *set->slots);
    if (!set->slots) return DBF_KEYSET_NO_MEMORY;
    set->cap = FIRST;
  }
  return set->is_table ? add_to_table(set, name) : add_to_list(set, name);
}
