/* lineset.h: which entries a file held, each as often as it was there. Only their hashes are kept.
 *
 *     |hash, count|0|hash, count|...     open addressing, at most half full */
#ifndef DBF_LINESET_H
#define DBF_LINESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is empty. */
typedef struct dbf_lineset {
  struct dbf_lineset_slot *slots;
  size_t used, cap;
  uint64_t total; /* entries that are in it now */
} dbf_lineset;

void dbf_lineset_release(dbf_lineset *set);

/* False: out of memory. */
bool dbf_lineset_add(dbf_lineset *set, uint64_t hash);

/* Take one out; false when there is none. */
bool dbf_lineset_take(dbf_lineset *set, uint64_t hash);

/* FNV-1a, 64 bits, going on from `hash` (DBF_HASH_START at first). */
#define DBF_HASH_START 14695981039346656037u
uint64_t dbf_hash(uint64_t hash, const char *data, size_t len);

#endif
