/* Hashes: the one that is the same everywhere, and the one that differs from table to table. */
#include "unit.h"

#include "log/hash.h"

static uint64_t hash(const char *text) {
  return dbf_hash(DBF_HASH_START, text, strlen(text));
}

/* The published values of FNV-1a. What is printed, and ids of sessions, rest on them. */
static void is_fnv_1a(void **state) {
  (void)state;
  assert_true(hash("") == UINT64_C(0xcbf29ce484222325));
  assert_true(hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
  assert_true(hash("foobar") == UINT64_C(0x85944171f73967e8));
  assert_true(dbf_hash(hash("foo"), "bar", 3) == hash("foobar"));
}

static void keys_differ(void **state) {
  (void)state;
  dbf_hash_key a = dbf_hash_key_new(), b = dbf_hash_key_new();
  assert_true(dbf_hash_keyed(&a, "a", 1) != dbf_hash_keyed(&b, "a", 1));
  assert_true(dbf_hash_keyed(&a, "a", 1) == dbf_hash_keyed(&a, "a", 1));
}

/* Every byte and the length count, at every length around the words it is read by. */
static void every_byte_counts(void **state) {
  (void)state;
  dbf_hash_key key = dbf_hash_key_new();
  char text[40] = {0};
  for (size_t len = 0; len < sizeof text; len++) {
    uint64_t before = dbf_hash_keyed(&key, text, len);
    assert_true(before != dbf_hash_keyed(&key, text, len + 1));
    for (size_t i = 0; i < len; i++) {
      text[i] = 1;
      assert_true(dbf_hash_keyed(&key, text, len) != before);
      text[i] = 0;
    }
  }
}

/* The low bits choose the place in a table: texts of one shape must not share them. */
static void spreads_over_a_table(void **state) {
  (void)state;
  enum { SLOTS = 1024, TEXTS = 4096 };
  dbf_hash_key key = dbf_hash_key_new();
  unsigned char used[SLOTS] = {0};
  char text[32];
  size_t most = 0;
  for (int i = 0; i < TEXTS; i++) {
    size_t len = (size_t)snprintf(text, sizeof text, "name of %d", i);
    size_t at = (size_t)dbf_hash_keyed(&key, text, len) % SLOTS;
    if (++used[at] > most) most = used[at];
  }
  assert_in_range(most, 5, 30); /* 4 on average; of random places the fullest has about 13 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_fnv_1a),
      cmocka_unit_test(keys_differ),
      cmocka_unit_test(every_byte_counts),
      cmocka_unit_test(spreads_over_a_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
