/* Which lines a file held, each as often as it was there. */
#include "unit.h"

#include "log/lineset.h"

static bool add(dbf_lineset *set, const char *line) {
  return dbf_lineset_add(set, line, strlen(line));
}

static bool take(dbf_lineset *set, const char *line) {
  return dbf_lineset_take(set, line, strlen(line));
}

static void an_empty_set_has_nothing(void **state) {
  (void)state;
  dbf_lineset set = {0};
  assert_false(take(&set, "{}"));
  dbf_lineset_release(&set);
}

static void each_line_is_taken_as_often_as_it_was_added(void **state) {
  (void)state;
  dbf_lineset set = {0};
  assert_true(add(&set, "a") && add(&set, "b") && add(&set, "a"));
  assert_int_equal(set.total, 3);
  assert_true(take(&set, "a"));
  assert_true(take(&set, "a"));
  assert_false(take(&set, "a"));
  assert_true(take(&set, "b"));
  assert_false(take(&set, "c"));
  assert_int_equal(set.total, 0);
  assert_true(add(&set, "a"));
  assert_true(take(&set, "a"));
  dbf_lineset_release(&set);
}

static void holds_any_number_of_lines(void **state) {
  enum { LINES = 100000 };
  (void)state;
  dbf_lineset set = {0};
  char line[32];
  for (int i = 0; i < LINES; i++) {
    snprintf(line, sizeof line, "{\"n\":%d}", i);
    assert_true(add(&set, line));
  }
  for (int i = LINES; i-- > 0;) {
    snprintf(line, sizeof line, "{\"n\":%d}", i);
    assert_true(take(&set, line));
    assert_false(take(&set, line));
  }
  dbf_lineset_release(&set);
}

/* Released or handed over (a plain copy), it is usable as before. */
static void can_be_handed_over(void **state) {
  (void)state;
  dbf_lineset set = {0}, other;
  assert_true(add(&set, "a"));
  other = set;
  set = (dbf_lineset){0};
  assert_false(take(&set, "a"));
  assert_true(add(&set, "b"));
  assert_true(take(&other, "a"));
  dbf_lineset_release(&set);
  dbf_lineset_release(&other);
  assert_false(take(&other, "a"));
  assert_true(add(&other, "a"));
  dbf_lineset_release(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_set_has_nothing),
      cmocka_unit_test(each_line_is_taken_as_often_as_it_was_added),
      cmocka_unit_test(holds_any_number_of_lines),
      cmocka_unit_test(can_be_handed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
