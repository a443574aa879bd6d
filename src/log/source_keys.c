#include "source_keys.h"
#include "timestamp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 256 };

void dbf_source_keys_init(dbf_source_keys *table) {
  *table = (dbf_source_keys){.hash = dbf_hash_key_new()};
  dbf_bytes_init(&table->text);
}

void dbf_source_keys_release(dbf_source_keys *table) {
  dbf_bytes_release(&table->text);
  free(table->keys);
  free(table->slots);
  *table = (dbf_source_keys){0};
}

/* Two sizes and the bytes, not "kind:key": no text can be a separator in what others chose. */
static bool is_same(const dbf_source_keys *t, const dbf_source_key *a, const dbf_source_key *b) {
  return a->kind == b->kind && a->key == b->key &&
         memcmp(t->text.data + a->at, t->text.data + b->at, a->kind + a->key) == 0;
}

/* The slot that has this key, or the free one where it belongs. */
static size_t *probe(const dbf_source_keys *t, const dbf_source_key *key) {
  size_t i = (size_t)dbf_hash_keyed(&t->hash, t->text.data + key->at, key->kind + key->key) & (t->cap - 1);
  while (t->slots[i] && !is_same(t, &t->keys[t->slots[i] - 1], key)) i = (i + 1) & (t->cap - 1);
  return &t->slots[i];
}

static bool grow_slots(dbf_source_keys *t) {
  size_t cap = t->cap ? t->cap * 2 : FIRST;
  size_t *slots = calloc(cap, sizeof *slots);
  if (!slots) return false;
  free(t->slots);
  t->slots = slots;
  t->cap = cap;
  for (size_t i = 0; i < t->count; i++) *probe(t, &t->keys[i]) = i + 1;
  return true;
}

static bool grow_keys(dbf_source_keys *t) {
  size_t room = t->room ? t->room * 2 : FIRST;
  dbf_source_key *keys = realloc(t->keys, room * sizeof *keys);
  if (!keys) return false;
  t->keys = keys;
  t->room = room;
  return true;
}

/* Append the key of an entry to the text; false: it has none, or memory ran out. */
static bool take_key(dbf_source_keys *t, const dbf_entry *entry, dbf_source_key *out) {
  dbf_json_value whole = {entry->text, entry->text + entry->len, DBF_JSON_OBJECT, false};
  dbf_json_value source, kind, key, timestamp;
  debrief_time time;
  if (!dbf_json_find(&whole, "source", 6, &source) || !dbf_json_find(&source, "kind", 4, &kind) ||
      !dbf_json_find(&source, "key", 3, &key) || kind.type != DBF_JSON_STRING || key.type != DBF_JSON_STRING)
    return false;
  *out = (dbf_source_key){.at = t->text.len};
  dbf_json_decode_string(&kind, &t->text);
  out->kind = t->text.len - out->at;
  dbf_json_decode_string(&key, &t->text);
  out->key = t->text.len - out->at - out->kind;
  out->timed = dbf_json_find(&whole, "timestamp", 9, &timestamp) && dbf_timestamp_of(&timestamp, &time) &&
               dbf_timestamp_ns(&time, &out->ns);
  dbf_bytes_reserve(&t->text, 1); /* two empty texts have an address, too */
  t->failed = t->text.failed;
  return !t->failed;
}

dbf_source_key *dbf_source_keys_put(dbf_source_keys *t, const dbf_entry *entry, bool *there) {
  dbf_source_key key;
  *there = false;
  if (t->failed || !take_key(t, entry, &key)) return NULL;
  if ((t->count * 2 >= t->cap && !grow_slots(t)) || (t->count == t->room && !grow_keys(t))) {
    t->failed = true;
    return NULL;
  }
  size_t *slot = probe(t, &key);
  *there = *slot != 0;
  if (*there) {
    t->text.len = key.at;
    return &t->keys[*slot - 1];
  }
  t->keys[t->count++] = key;
  *slot = t->count;
  return &t->keys[t->count - 1];
}

dbf_source_key *dbf_source_keys_find(dbf_source_keys *t, const dbf_entry *entry, int64_t *ns, bool *timed) {
  dbf_source_key key;
  if (t->failed || t->cap == 0 || !take_key(t, entry, &key)) return NULL;
  size_t *slot = probe(t, &key);
  assert(key.at <= t->text.len);
  t->text.len = key.at;
  *ns = key.ns;
  *timed = key.timed;
  return *slot ? &t->keys[*slot - 1] : NULL;
}
