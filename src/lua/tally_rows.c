#include "tally_rows.h"

#include <stdlib.h>
#include <string.h>

void dbf_tally_rows_release(dbf_tally_rows *l, size_t columns) {
  for (size_t i = 0; i < l->count * columns; i++) dbf_cell_release(&l->cells[i]);
  free(l->rows);
  free(l->cells);
  free(l->slots);
  dbf_bytes_release(&l->keys);
  *l = (dbf_tally_rows){0};
  dbf_bytes_init(&l->keys);
}

static void place(dbf_tally_rows *l, uint32_t number) {
  size_t i = l->rows[number].hash & (l->slot_count - 1);
  while (l->slots[i]) i = (i + 1) & (l->slot_count - 1);
  l->slots[i] = number + 1;
}

static bool grow(dbf_tally_rows *l, size_t columns) {
  size_t cap = l->cap ? l->cap * 2 : 32;
  dbf_tally_row *rows = realloc(l->rows, cap * sizeof *rows);
  if (rows) l->rows = rows;
  dbf_cell *cells = realloc(l->cells, cap * columns * sizeof *cells);
  if (cells) l->cells = cells;
  uint32_t *slots = calloc(cap * 2, sizeof *slots);
  if (!rows || !cells || !slots) return free(slots), false;
  free(l->slots);
  l->slots = slots;
  l->cap = cap;
  l->slot_count = cap * 2;
  for (size_t i = 0; i < l->count; i++) place(l, (uint32_t)i);
  return true;
}

static bool is_row(const dbf_tally_rows *l, const dbf_tally_row *r, uint64_t hash, const char *key,
                   size_t len) {
  return r->hash == hash && r->key_len == len && memcmp(l->keys.data + r->key, key, len) == 0;
}

ptrdiff_t dbf_tally_rows_at(dbf_tally_rows *l, uint64_t hash, const char *key, size_t len, size_t columns) {
  if (l->slot_count)
    for (size_t i = hash & (l->slot_count - 1); l->slots[i]; i = (i + 1) & (l->slot_count - 1))
      if (is_row(l, &l->rows[l->slots[i] - 1], hash, key, len)) return (ptrdiff_t)l->slots[i] - 1;
  if (l->count == l->cap && !grow(l, columns)) return -1;
  dbf_tally_row *r = &l->rows[l->count];
  *r = (dbf_tally_row){.hash = hash, .key = l->keys.len, .key_len = len};
  dbf_bytes_append(&l->keys, key, len);
  if (l->keys.failed) return -1;
  if (columns) memset(&l->cells[l->count * columns], 0, columns * sizeof *l->cells);
  place(l, (uint32_t)l->count);
  return (ptrdiff_t)l->count++;
}

/* ---- Keys ----------------------------------------------------------------------------------------------------------- */

void dbf_tally_rows_add_key(dbf_bytes *out, const dbf_value *value) {
  char room[32];
  dbf_value key = dbf_cell_key(value, room);
  uint32_t len = (uint32_t)key.len;
  dbf_bytes_append_char(out, key.kind == DBF_INTEGER ? 'i' : 's');
  if (key.kind == DBF_INTEGER) {
    dbf_bytes_append(out, &key.integer, sizeof key.integer);
    return;
  }
  dbf_bytes_append(out, &len, sizeof len);
  dbf_bytes_append(out, key.text, key.len);
}

const char *dbf_tally_rows_push_key(lua_State *L, const char *p) {
  int64_t integer;
  uint32_t len;
  if (*p++ == 'i') {
    memcpy(&integer, p, sizeof integer);
    lua_pushinteger(L, integer);
    return p + sizeof integer;
  }
  memcpy(&len, p, sizeof len);
  lua_pushlstring(L, p + sizeof len, len);
  return p + sizeof len + len;
}
