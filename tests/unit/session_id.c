/* What may be called a session, and what a session of any text is called. */
#include "unit.h"

#include "log/session_id.h"

static debrief_error err;

static void accepts_session_ids(void **state) {
  (void)state;
  const char *good[] = {"a", "Z9", "0", "s1", "2026-05-03T12.00_x", "a..b", "a-", "con"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(dbf_session_id_check(good[i], &err));
  char longest[129];
  memset(longest, 'a', 128);
  longest[128] = '\0';
  assert_true(debrief_session_id_valid(longest));
}

static void says_how_an_id_is_made(void **state) {
  (void)state;
  assert_false(dbf_session_id_check("../x", &err));
  assert_string_equal(
      err.message, "session id \"../x\" is not allowed: use letters, digits, '.', '_' and '-', 128 at most, "
                   "a letter or digit first (debrief.session_id(text) makes one)");
}

static void makes_ids_of_any_text(void **state) {
  (void)state;
  struct {
    const char *text, *id;
  } made[] = {{"s1", "s1"},
              {"", "s-cbf29ce484222325"},
              {"a", "a"},
              {"../x", "x-7132eda6838c62fa"},
              {"a b", "a-b-e63f991904833892"}};
  char id[129];
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    debrief_session_id(made[i].text, strlen(made[i].text), id);
    assert_string_equal(id, made[i].id);
  }
}

static void makes_different_ids_of_different_texts(void **state) {
  (void)state;
  char text[400], a[129], b[129];
  memset(text, 'x', sizeof text);
  debrief_session_id(text, 399, a);
  debrief_session_id(text, 400, b);
  assert_string_not_equal(a, b);
  assert_int_equal(strlen(a), 117);
  assert_true(debrief_session_id_valid(a));
  for (unsigned c = 0; c < 256; c++) {
    text[0] = text[1] = (char)c;
    debrief_session_id(text, 2, a);
    assert_true(debrief_session_id_valid(a));
  }
  debrief_session_id("a\0b", 3, a);
  debrief_session_id("a\0c", 3, b);
  assert_string_not_equal(a, b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_session_ids),
      cmocka_unit_test(says_how_an_id_is_made),
      cmocka_unit_test(makes_ids_of_any_text),
      cmocka_unit_test(makes_different_ids_of_different_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
