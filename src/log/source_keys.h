/* source_keys.h: the entries of a session by their source, {"source":{"kind":K,"key":X}}: what importers know a run by. A
 * table in memory; an entry without such a source is in no table. */
#ifndef DBF_SOURCE_KEYS_H
#define DBF_SOURCE_KEYS_H

#include "bytes.h"
#include "entry.h"
#include "hash.h"

#include <stddef.h>

typedef struct dbf_source_key {
  size_t at, kind, key; /* where its bytes begin in `text`, and the sizes of kind and key */
  int64_t ns;           /* the entry's timestamp; 0 without `timed` */
  bool timed;
  size_t tag; /* the user's */
} dbf_source_key;

/* |kind key|kind key|...   text      slots: index in `keys` + 1, 0 for a free one; open addressing, at most half full */
typedef struct dbf_source_keys {
  dbf_bytes text;
  dbf_source_key *keys;
  size_t *slots;
  size_t count, room, cap;
  dbf_hash_key hash;
  bool failed; /* out of memory: later calls do nothing */
} dbf_source_keys;

void dbf_source_keys_init(dbf_source_keys *table);
void dbf_source_keys_release(dbf_source_keys *table);

/* The key of an entry, put into the table if it is not there yet. *there: it was; its ns is then that of the first entry.
 * NULL: the entry has none, or the table has failed. Valid until the next put. */
dbf_source_key *dbf_source_keys_put(dbf_source_keys *table, const dbf_entry *entry, bool *there);

/* The same without putting it there; NULL: it is not in the table. *ns and *timed are the entry's own. */
dbf_source_key *dbf_source_keys_find(dbf_source_keys *table, const dbf_entry *entry, int64_t *ns,
                                     bool *timed);

/* Is a version that ended at `ns` a later one than the key's? False where either has no time. */
static inline bool dbf_source_key_is_before(const dbf_source_key *key, int64_t ns, bool timed) {
  return key->timed && timed && ns > key->ns;
}

#endif
