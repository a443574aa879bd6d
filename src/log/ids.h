/* ids.h: numbers for session ids, from 0 on in the order in which they came. The texts belong to the owner of the table. */
#ifndef DBF_IDS_H
#define DBF_IDS_H

#include "hash.h"

#include <stdbool.h>

#define DBF_IDS_NONE UINT32_MAX

typedef struct dbf_ids {
  const char **list;
  uint32_t count, room;
  uint32_t *table; /* a power of two of slots; DBF_IDS_NONE: free */
  uint32_t slots;
  dbf_hash_key key;
} dbf_ids;

/* False: no memory. */
bool dbf_ids_init(dbf_ids *ids);
void dbf_ids_release(dbf_ids *ids);

/* The number of the id that these bytes are; DBF_IDS_NONE: it has none. */
uint32_t dbf_ids_find(const dbf_ids *ids, const char *id, size_t len);

/* Make room for one more, so that adding it does not fail. */
bool dbf_ids_reserve(dbf_ids *ids);

/* Add an id that has no number yet. Returns its number. */
uint32_t dbf_ids_add(dbf_ids *ids, const char *id);

#endif
