#include "ids.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t *slot_of(const dbf_ids *ids, const char *id, size_t len) {
  uint32_t at = (uint32_t)dbf_hash_keyed(&ids->key, id, len) & (ids->slots - 1);
  while (ids->table[at] != DBF_IDS_NONE) {
    const char *there = ids->list[ids->table[at]];
    if (strncmp(there, id, len) == 0 && there[len] == '\0') break;
    at = (at + 1) & (ids->slots - 1);
  }
  return &ids->table[at];
}

/* Twice as many slots as ids, so that some are always free. */
static bool grow(dbf_ids *ids) {
  uint32_t room = ids->room ? ids->room * 2 : 64;
  uint32_t *table = malloc((size_t)room * 2 * sizeof *table);
  const char **list = table ? realloc(ids->list, room * sizeof *list) : NULL;
  if (!list) return free(table), false;
  free(ids->table);
  ids->list = list;
  ids->table = table;
  ids->slots = room * 2;
  ids->room = room;
  memset(table, 0xff, (size_t)ids->slots * sizeof *table);
  for (uint32_t i = 0; i < ids->count; i++) *slot_of(ids, list[i], strlen(list[i])) = i;
  return true;
}

bool dbf_ids_init(dbf_ids *ids) {
  *ids = (dbf_ids){.key = dbf_hash_key_new()};
  return grow(ids);
}

void dbf_ids_release(dbf_ids *ids) {
  free(ids->list);
  free(ids->table);
  *ids = (dbf_ids){.list = NULL};
}

uint32_t dbf_ids_find(const dbf_ids *ids, const char *id, size_t len) {
  return ids->count ? *slot_of(ids, id, len) : DBF_IDS_NONE;
}

bool dbf_ids_reserve(dbf_ids *ids) {
  return ids->count < ids->room || grow(ids);
}

uint32_t dbf_ids_add(dbf_ids *ids, const char *id) {
  uint32_t *slot = slot_of(ids, id, strlen(id));
  assert(ids->count < ids->room && *slot == DBF_IDS_NONE);
  ids->list[ids->count] = id;
  return *slot = ids->count++;
}
