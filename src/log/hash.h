/* hash.h: numbers for bytes: the same everywhere, or such that nobody outside can foresee them.
 *
 *     dbf_hash         FNV-1a       in what is printed, stored or sent: session ids, packed values, plugin hashes
 *     dbf_hash_keyed   SipHash-1-3  in tables in memory over names and texts that come from logs: whoever writes a log
 *                                   could otherwise choose names that all fall into one place */
#ifndef DBF_HASH_H
#define DBF_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits, continued from `hash`; DBF_HASH_START at first. */
#define DBF_HASH_START UINT64_C(14695981039346656037)
uint64_t dbf_hash(uint64_t hash, const void *data, size_t len);

typedef struct dbf_hash_key {
  uint64_t words[2];
} dbf_hash_key;

/* A random key. Each table has its own, so that no global is needed. */
dbf_hash_key dbf_hash_key_new(void);

uint64_t dbf_hash_keyed(const dbf_hash_key *key, const void *data, size_t len);

#endif
