/* Member names that were there already: exact for any number of names, in any order, and in linear time. */
#include "unit.h"

#include "log/keyset.h"

static dbf_json_value name_at(const char *text) {
  dbf_json_value value;
  dbf_json_skip(text, text + strlen(text), &value);
  return value;
}

static dbf_keyset_result add(dbf_keyset *set, const char *text) {
  dbf_json_value name = name_at(text);
  return dbf_keyset_add(set, &name);
}

enum { WIDTH = 24 };

/* The names "n0", "n1", ... one after the other; a set holds pointers to them. */
static char *many_names(size_t count, const char *format) {
  char *names = calloc(count, WIDTH);
  assert_non_null(names);
  for (size_t i = 0; i < count; i++) assert_true(snprintf(names + i * WIDTH, WIDTH, format, i) < WIDTH);
  return names;
}

static void assert_all(dbf_keyset *set, const char *names, size_t count, dbf_keyset_result expected) {
  for (size_t i = 0; i < count; i++) assert_int_equal(add(set, names + i * WIDTH), expected);
}

/* Whatever the number of names before: the old ones are known, the new ones are new. */
static void knows_every_name_at_every_size(void **state) {
  (void)state;
  char *names = many_names(300, "\"name %zu\"");
  for (size_t count = 0; count < 300; count += count < 40 ? 1 : 37) {
    dbf_keyset set;
    dbf_keyset_init(&set);
    assert_all(&set, names, count, DBF_KEYSET_NEW);
    assert_all(&set, names, count, DBF_KEYSET_THERE);
    assert_all(&set, names + count * WIDTH, 300 - count, DBF_KEYSET_NEW);
    assert_all(&set, names, 300, DBF_KEYSET_THERE);
    dbf_keyset_release(&set);
  }
  free(names);
}

static void forgets_names_when_cleared(void **state) {
  (void)state;
  char *names = many_names(40, "\"name %zu\"");
  dbf_keyset set;
  dbf_keyset_init(&set);
  dbf_keyset_clear(&set);
  for (size_t count = 0; count <= 40; count++) {
    assert_all(&set, names, count, DBF_KEYSET_NEW);
    assert_all(&set, names, count, DBF_KEYSET_THERE);
    dbf_keyset_clear(&set);
  }
  dbf_keyset_release(&set);
  free(names);
}

static void stays_as_large_as_its_names(void **state) {
  (void)state;
  char *names = many_names(20, "\"name %zu\"");
  dbf_keyset set;
  dbf_keyset_init(&set);
  for (int round = 0; round < 100; round++) {
    assert_all(&set, names, 16, DBF_KEYSET_NEW);
    assert_all(&set, names, 16, DBF_KEYSET_THERE);
    assert_all(&set, names + 16 * WIDTH, 4, DBF_KEYSET_NEW);
    assert_true(set.cap <= 256);
    dbf_keyset_clear(&set);
  }
  dbf_keyset_release(&set);
  free(names);
}

/* One large object must not make all small ones after it expensive. */
static void releases_what_one_large_object_took(void **state) {
  (void)state;
  char *names = many_names(100000, "\"name %zu\"");
  dbf_keyset set;
  dbf_keyset_init(&set);
  assert_all(&set, names, 100000, DBF_KEYSET_NEW);
  for (int round = 0; round < 2; round++) {
    dbf_keyset_clear(&set);
    assert_all(&set, names, 20, DBF_KEYSET_NEW);
  }
  assert_true(set.cap <= 256);
  dbf_keyset_release(&set);
  free(names);
}

static void takes_names_however_they_are_escaped(void **state) {
  (void)state;
  dbf_keyset set;
  dbf_keyset_init(&set);
  assert_int_equal(add(&set, "\"skill\""), DBF_KEYSET_NEW);
  assert_int_equal(add(&set, "\"sk\\u0069ll\""), DBF_KEYSET_THERE);
  assert_int_equal(add(&set, "\"\\u00e9\\ud83d\\ude00\""), DBF_KEYSET_NEW);
  assert_int_equal(add(&set, "\"\xc3\xa9\xf0\x9f\x98\x80\""), DBF_KEYSET_THERE);
  assert_int_equal(add(&set, "\"\""), DBF_KEYSET_NEW);
  assert_int_equal(add(&set, "\"\""), DBF_KEYSET_THERE);
  assert_int_equal(add(&set, "\"\\u0000\""), DBF_KEYSET_NEW);
  assert_int_equal(add(&set, "\"\\u0000\\u0000\""), DBF_KEYSET_NEW);
  assert_int_equal(add(&set, "\"\\n\xff\""), DBF_KEYSET_NEW);
  assert_int_equal(add(&set, "\"\\n\xff\""), DBF_KEYSET_THERE);
  dbf_keyset_release(&set);
}

/* Quadratic, each of these would take minutes. */
static void takes_many_names_of_one_shape_in_linear_time(void **state) {
  (void)state;
  const char *shapes[] = {"\"%zu\"", "\"%06zxa\"", "\"name of %zu\"", "\"%07zu ends alike\"",
                          "\"\\u0061%zu\""};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    char *names = many_names(100000, shapes[i]);
    dbf_keyset set;
    dbf_keyset_init(&set);
    assert_all(&set, names, 100000, DBF_KEYSET_NEW);
    assert_all(&set, names, 100000, DBF_KEYSET_THERE);
    dbf_keyset_release(&set);
    free(names);
  }
}

/* Names that share a hash which multiplies and shifts, whatever its seed: a difference in the highest bit of one word
 * stays where it is, and the next word takes it back. Quadratic, this would take minutes. */
static void takes_names_that_were_chosen_to_collide(void **state) {
  enum { BLOCKS = 16, LEN = BLOCKS * 16 + 2, COUNT = 1 << BLOCKS };
  (void)state;
  char *names = malloc((size_t)COUNT * LEN);
  dbf_keyset set;
  assert_non_null(names);
  memset(names, 'a', (size_t)COUNT * LEN);
  dbf_keyset_init(&set);
  for (size_t i = 0; i < COUNT; i++) {
    char *name = names + i * LEN;
    name[0] = name[LEN - 1] = '"';
    for (size_t b = 0; b < BLOCKS; b++) {
      char *block = name + 1 + b * 16;
      if (i >> b & 1) block[7] = block[15] = (char)('a' ^ 0x80), block[12] = 'a' ^ 4;
    }
    dbf_json_value value = {name, name + LEN, DBF_JSON_STRING, false};
    assert_int_equal(dbf_keyset_add(&set, &value), DBF_KEYSET_NEW);
  }
  dbf_keyset_release(&set);
  free(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_every_name_at_every_size),
      cmocka_unit_test(forgets_names_when_cleared),
      cmocka_unit_test(stays_as_large_as_its_names),
      cmocka_unit_test(releases_what_one_large_object_took),
      cmocka_unit_test(takes_names_however_they_are_escaped),
      cmocka_unit_test(takes_many_names_of_one_shape_in_linear_time),
      cmocka_unit_test(takes_names_that_were_chosen_to_collide),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
