#include "append_new.h"
#include "error.h"
#include "io.h"
#include "hash.h"
#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* |keys: size of kind, size of key, kind, key; ...|  one run of bytes
 * |slots: offset in keys + 1, 0 for a free one|      open addressing, at most half full */
typedef struct key_table {
  dbf_bytes keys;
  size_t *slots;
  size_t count, cap;
  dbf_hash_key key;
} key_table;

/* Two sizes and the bytes, not "kind:key": no text can be a separator in what others chose. */
static size_t key_length(const char *key) {
  size_t sizes[2];
  memcpy(sizes, key, sizeof sizes);
  return sizeof sizes + sizes[0] + sizes[1];
}

static size_t *probe(const key_table *t, const char *key, size_t len) {
  size_t i = (size_t)dbf_hash_keyed(&t->key, key, len) & (t->cap - 1);
  for (; t->slots[i]; i = (i + 1) & (t->cap - 1)) {
    const char *other = t->keys.data + t->slots[i] - 1;
    if (key_length(other) == len && memcmp(other, key, len) == 0) break;
  }
  return &t->slots[i];
}

static bool grow(key_table *t) {
  key_table old = *t;
  t->cap = t->cap ? t->cap * 2 : 256;
  if (!(t->slots = calloc(t->cap, sizeof *t->slots))) {
    *t = old;
    return false;
  }
  for (size_t i = 0; i < old.cap; i++) {
    const char *key = old.slots[i] ? old.keys.data + old.slots[i] - 1 : NULL;
    if (key) *probe(t, key, key_length(key)) = old.slots[i];
  }
  free(old.slots);
  return true;
}

/* Put the key that begins at offset `at` of t->keys (its end) into the table; *there: it was in it, and the bytes are
 * dropped again. */
static bool add_key(key_table *t, size_t at, bool *there) {
  *there = false;
  if (t->keys.failed || (t->count * 2 >= t->cap && !grow(t))) return false;
  size_t *slot = probe(t, t->keys.data + at, t->keys.len - at);
  *there = *slot != 0;
  if (*there) {
    t->keys.len = at;
    return true;
  }
  *slot = at + 1;
  t->count++;
  return true;
}

/* Append the key of an entry to t->keys; false: it has none. */
static bool append_key(key_table *t, const dbf_entry *entry) {
  dbf_json_value whole = {entry->text, entry->text + entry->len, DBF_JSON_OBJECT, false}, source, kind, key;
  if (!dbf_json_find(&whole, "source", 6, &source) || !dbf_json_find(&source, "kind", 4, &kind) ||
      !dbf_json_find(&source, "key", 3, &key) || kind.type != DBF_JSON_STRING || key.type != DBF_JSON_STRING)
    return false;
  size_t at = t->keys.len, sizes[2] = {0};
  dbf_bytes_append(&t->keys, sizes, sizeof sizes);
  size_t first = t->keys.len;
  dbf_json_decode_string(&kind, &t->keys);
  sizes[0] = t->keys.len - first;
  dbf_json_decode_string(&key, &t->keys);
  sizes[1] = t->keys.len - first - sizes[0];
  if (!t->keys.failed) memcpy(t->keys.data + at, sizes, sizeof sizes);
  return true;
}

static bool note(key_table *t, const dbf_entry *entry, bool *there) {
  size_t at = t->keys.len;
  *there = false;
  return append_key(t, entry) ? add_key(t, at, there) : true;
}

/* Every key the file holds. */
static bool read_keys(key_table *t, int fd, const char *path, debrief_error *err) {
  dbf_read_options options = {.holding_lock = true};
  dbf_record record;
  debrief_next next;
  bool there, ok = true;
  int own = dbf_io_duplicate(fd);
  if (own < 0) return dbf_fail_errno(err, "%s: cannot look for entries that are stored already", path);
  debrief_reader *reader = dbf_reader_open(own, path, &options, err);
  if (!reader) return false;
  while (ok && (next = dbf_reader_next(reader, &record, err)) == DEBRIEF_NEXT_ENTRY)
    if (!(ok = note(t, record.entry, &there))) dbf_fail_memory(err);
  debrief_reader_close(reader);
  return ok && next == DEBRIEF_NEXT_END;
}

/* Take the known ones out of the list. */
static bool filter(key_table *t, dbf_append_new *unique, debrief_text *lines, size_t count,
                   debrief_error *err) {
  dbf_entry entry;
  dbf_bytes text;
  bool ok = true;
  dbf_entry_init(&entry);
  dbf_bytes_init(&text);
  for (size_t i = 0; ok && i < count; i++) {
    dbf_json_fault fault;
    bool there = false;
    dbf_bytes_clear(&text);
    dbf_bytes_append(&text, lines[i].data, lines[i].len);
    ok = dbf_bytes_terminate(&text);
    dbf_scan status = ok ? dbf_entry_scan(&entry, text.data, text.len, false, &fault) : DBF_SCAN_NO_MEMORY;
    ok = status == DBF_SCAN_OK ? note(t, &entry, &there) : status != DBF_SCAN_NO_MEMORY;
    if (there) {
      lines[i] = (debrief_text){NULL, 0};
      unique->known++;
    }
  }
  dbf_entry_release(&entry);
  dbf_bytes_release(&text);
  return ok || dbf_fail_memory(err);
}

/* Both importers and hosts may write the same run at once: under the lock, the later one sees what the earlier one wrote. */
bool dbf_append_new_filter(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                           debrief_error *err) {
  key_table t = {.key = dbf_hash_key_new()};
  dbf_bytes_init(&t.keys);
  bool ok = read_keys(&t, fd, path, err) && filter(&t, user, lines, count, err);
  dbf_bytes_release(&t.keys);
  free(t.slots);
  return ok;
}
