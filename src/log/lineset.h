/* lineset.h: which entries a file held, each as often as it was there. Only their hashes are kept.
 *
 *     |hash, count|0|hash, count|...     open addressing, at most half full */
#ifndef DBF_LINESET_H
#define DBF_LINESET_H

#include "hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is empty. */
typedef struct dbf_lineset {
  struct dbf_lineset_slot *slots;
  dbf_hash_key key; /* made with the first slots */
  size_t used, cap;
  uint64_t total; /* entries that are in it now */
} dbf_lineset;

void dbf_lineset_release(dbf_lineset *set);

/* False: out of memory. */
bool dbf_lineset_add(dbf_lineset *set, const char *line, size_t len);

/* Remove one; false if it is not in the set. */
bool dbf_lineset_take(dbf_lineset *set, const char *line, size_t len);

#endif
