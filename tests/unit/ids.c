/* Numbers for session ids. */
#include "unit.h"

#include "log/ids.h"

enum { MANY = 5000 };

static void numbers_ids_in_the_order_in_which_they_came(void **state) {
  (void)state;
  static char texts[MANY][16];
  dbf_ids ids;
  assert_true(dbf_ids_init(&ids));
  for (uint32_t i = 0; i < MANY; i++) {
    int len = sprintf(texts[i], "s%u", i);
    assert_int_equal(dbf_ids_find(&ids, texts[i], (size_t)len), DBF_IDS_NONE);
    assert_true(dbf_ids_reserve(&ids));
    assert_int_equal(dbf_ids_add(&ids, texts[i]), i);
  }
  for (uint32_t i = 0; i < MANY; i++) {
    assert_int_equal(dbf_ids_find(&ids, texts[i], strlen(texts[i])), i);
    assert_ptr_equal(ids.list[i], texts[i]);
  }
  dbf_ids_release(&ids);
}

/* The bytes need not end there. */
static void tells_an_id_from_one_that_begins_with_it(void **state) {
  (void)state;
  dbf_ids ids;
  assert_true(dbf_ids_init(&ids));
  dbf_ids_add(&ids, "s10");
  assert_int_equal(dbf_ids_find(&ids, "s10", 2), DBF_IDS_NONE);
  assert_int_equal(dbf_ids_find(&ids, "s100", 4), DBF_IDS_NONE);
  assert_int_equal(dbf_ids_find(&ids, "s10.jsonl", 3), 0);
  assert_int_equal(dbf_ids_find(&ids, "", 0), DBF_IDS_NONE);
  dbf_ids_release(&ids);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_ids_in_the_order_in_which_they_came),
      cmocka_unit_test(tells_an_id_from_one_that_begins_with_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
