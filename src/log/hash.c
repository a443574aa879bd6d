#include "hash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

uint64_t dbf_hash(uint64_t hash, const void *data, size_t len) {
  const unsigned char *p = data;
  for (size_t i = 0; i < len; i++) hash = (hash ^ p[i]) * UINT64_C(1099511628211);
  return hash;
}

/* ---- SipHash ------------------------------------------------------------------------------------------------- */

/* Early in the start of a machine, and in sandboxes that forbid the call, there may be no random bytes. Where this memory
 * lies and what time it is are better than a constant. */
dbf_hash_key dbf_hash_key_new(void) {
  dbf_hash_key key;
  if (getrandom(&key, sizeof key, GRND_NONBLOCK) == (ssize_t)sizeof key) return key;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  key.words[0] = dbf_hash((uint64_t)(uintptr_t)&key, &now, sizeof now);
  key.words[1] = dbf_hash(key.words[0], &now, sizeof now);
  return key;
}

static inline uint64_t rotate(uint64_t x, int bits) {
  return x << bits | x >> (64 - bits);
}

static inline void mix(uint64_t v[4]) {
  v[0] += v[1];
  v[1] = rotate(v[1], 13) ^ v[0];
  v[0] = rotate(v[0], 32);
  v[2] += v[3];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = rotate(v[1], 17) ^ v[2];
  v[2] = rotate(v[2], 32);
}

static inline void take(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  mix(v);
  v[0] ^= word;
}

/* One round for each word and three at the end: what hash tables elsewhere (Rust, Python) use; four rounds are for
 * authentication. */
uint64_t dbf_hash_keyed(const dbf_hash_key *key, const void *data, size_t len) {
  const char *p = data, *end = p + len - len % 8;
  uint64_t v[4] = {key->words[0] ^ UINT64_C(0x736f6d6570736575), key->words[1] ^ UINT64_C(0x646f72616e646f6d),
                   key->words[0] ^ UINT64_C(0x6c7967656e657261),
                   key->words[1] ^ UINT64_C(0x7465646279746573)};
  uint64_t word;
  for (; p < end; p += 8) {
    memcpy(&word, p, sizeof word);
    take(v, le64toh(word));
  }
  word = 0;
  if (len % 8) memcpy(&word, p, len % 8);
  take(v, le64toh(word) | (uint64_t)len << 56);
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++) mix(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}
