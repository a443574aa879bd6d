/* keyset.h: which member names an object had so far. Linear time for any number of names. */
#ifndef DBF_KEYSET_H
#define DBF_KEYSET_H

#include "hash.h"
#include "json_scan.h"

typedef struct dbf_keyset_slot {
  uint64_t hash;
  dbf_json_value name;
} dbf_keyset_slot;

/* |slot slot slot ...|            up to DBF_KEYSET_SMALL names: a list that is compared hash by hash
 * |slot ---- slot ---- ---- ...|  above: open addressing, at most half full, by a hash that cannot be foreseen */
typedef struct dbf_keyset {
  dbf_keyset_slot *slots;
  size_t count, cap;
  bool is_table;
  bool has_key; /* the key is made with the first table */
  dbf_hash_key key;
} dbf_keyset;

#define DBF_KEYSET_SMALL 16

void dbf_keyset_init(dbf_keyset *set);
void dbf_keyset_release(dbf_keyset *set);
void dbf_keyset_clear(dbf_keyset *set);

typedef enum dbf_keyset_result { DBF_KEYSET_NEW, DBF_KEYSET_THERE, DBF_KEYSET_NO_MEMORY } dbf_keyset_result;

/* Add a member name (a JSON string with its quotes; its bytes must outlive the set). */
dbf_keyset_result dbf_keyset_add(dbf_keyset *set, const dbf_json_value *name);

#endif
