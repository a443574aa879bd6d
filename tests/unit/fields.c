/* The fields of an entry for C programs. Every text has other bytes before and after it: nothing outside of it
 * may count. */
#include "unit.h"

#include <debrief/log.h>

static debrief_text text(const char *json) {
  return (debrief_text){json, strlen(json)};
}

static void assert_text(debrief_text got, const char *expected) {
  if (!expected) {
    assert_null(got.data);
    assert_int_equal(got.len, 0);
    return;
  }
  assert_non_null(got.data);
  assert_int_equal(got.len, strlen(expected));
  assert_memory_equal(got.data, expected, got.len);
}

static const char entry[] =
    "{\"session_id\":\"s1\",\"attempts\":[{\"attempt\":1,\"verified\":true},null,{\"a\":[]}],"
    "\"input\" : { \"x\" : [ 1 , \"]\\\"\" , {} ] } ,\"n\":-7,\"sk\\u0069ll\":\"z\","
    "\"n\":8,\"\":null}";

static void finds_members(void **state) {
  (void)state;
  assert_text(debrief_member(text(entry), "session_id"), "\"s1\"");
  assert_text(debrief_member(text(entry), "attempts"), "[{\"attempt\":1,\"verified\":true},null,{\"a\":[]}]");
  assert_text(debrief_member(text(entry), "input"), "{ \"x\" : [ 1 , \"]\\\"\" , {} ] }");
  assert_text(debrief_member(text(entry), "skill"), "\"z\"");
  assert_text(debrief_member(text(entry), ""), "null");
}

static void the_last_of_two_equal_members_counts(void **state) {
  (void)state;
  assert_text(debrief_member(text(entry), "n"), "8");
}

static void a_member_that_is_not_there_is_no_text(void **state) {
  (void)state;
  const char *others[] = {"{}", "{ }", "[]", "[\"n\",1]", "\"n\"", "7", "null", "true"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_text(debrief_member(text(others[i]), "n"), NULL);
  assert_text(debrief_member(text(entry), "attempt"), NULL);
  assert_text(debrief_member(text(entry), "sk\\u0069ll"), NULL);
  assert_text(debrief_member(text(entry), NULL), NULL);
  assert_text(debrief_member((debrief_text){NULL, 0}, "n"), NULL);
  assert_text(debrief_member((debrief_text){"", 0}, "n"), NULL);
}

static void finds_elements(void **state) {
  (void)state;
  debrief_text list = debrief_member(text(entry), "attempts");
  assert_text(debrief_element(list, 0), "{\"attempt\":1,\"verified\":true}");
  assert_text(debrief_element(list, 1), "null");
  assert_text(debrief_element(list, 2), "{\"a\":[]}");
  assert_text(debrief_element(list, 3), NULL);
  assert_text(debrief_element(list, SIZE_MAX), NULL);
  list = debrief_member(debrief_member(text(entry), "input"), "x");
  assert_text(debrief_element(list, 0), "1");
  assert_text(debrief_element(list, 1), "\"]\\\"\"");
  assert_text(debrief_element(list, 2), "{}");
  assert_text(debrief_element(text("[]"), 0), NULL);
  assert_text(debrief_element(text("{\"a\":1}"), 0), NULL);
  assert_text(debrief_element((debrief_text){NULL, 0}, 0), NULL);
}

static void walks_from_value_to_value(void **state) {
  (void)state;
  debrief_text first = debrief_element(debrief_member(text(entry), "attempts"), 0);
  int64_t number;
  assert_true(debrief_integer(debrief_member(first, "attempt"), &number));
  assert_int_equal(number, 1);
  assert_text(debrief_member(first, "verified"), "true");
  assert_text(debrief_member(first, "session_id"), NULL);
}

/* U+00E9 U+20AC U+1F600: 2, 3 and 4 bytes */
static void cuts_strings_between_characters(void **state) {
  (void)state;
  const char *json = "\"a\xc3\xa9\\u20ac\\ud83d\\ude00z\"", *whole = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
  const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (size_t size = 1; size <= 13; size++) {
    char buffer[16];
    memset(buffer, '#', sizeof buffer);
    assert_int_equal(debrief_string(text(json), buffer, size), 11);
    assert_int_equal(strlen(buffer), ends[size - 1]);
    assert_memory_equal(buffer, whole, ends[size - 1]);
    for (size_t i = size; i < sizeof buffer; i++) assert_int_equal(buffer[i], '#');
  }
  assert_int_equal(debrief_string(text(json), NULL, 0), 11);
}

static void decodes_strings(void **state) {
  (void)state;
  static const struct {
    const char *json, *bytes;
    size_t len;
  } cases[] = {
      {"\"\"", "", 0},
      {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
      {"\"a\\u0000b\"", "a\0b", 3},
      {"\"\\ud83d\"", "\xef\xbf\xbd", 3},
      {"\"\\ud83dx\"", "\xef\xbf\xbdx", 4},
      {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd", 6},
      {"\"\\ude00\\ude01\"", "\xef\xbf\xbd\xef\xbf\xbd", 6},
      {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd\x41", 4},
      {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7},
      {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4},
      {"\"\\uD83D\\uDE00\\uFFFF\"", "\xf0\x9f\x98\x80\xef\xbf\xbf", 7},
      {"\"\xff\xc3\"", "\xef\xbf\xbd\xef\xbf\xbd", 6},
      {"\"\xe2\x82\\n\"", "\xef\xbf\xbd\xef\xbf\xbd\n", 7},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char buffer[32];
    assert_int_equal(debrief_string(text(cases[i].json), buffer, sizeof buffer), cases[i].len);
    assert_memory_equal(buffer, cases[i].bytes, cases[i].len + 1);
  }
}

static void what_is_no_string_empties_the_buffer(void **state) {
  (void)state;
  const char *others[] = {"1", "null", "{}", "[\"a\"]", "true", ""};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    char buffer[8] = "before";
    assert_true(debrief_string(text(others[i]), buffer, sizeof buffer) == SIZE_MAX);
    assert_string_equal(buffer, "");
  }
  assert_true(debrief_string((debrief_text){NULL, 0}, NULL, 0) == SIZE_MAX);
}

static void decodes_integers_of_64_bits(void **state) {
  (void)state;
  static const struct {
    const char *json;
    int64_t value;
  } cases[] = {{"0", 0},
               {"-1", -1},
               {"9007199254740993", 9007199254740993},
               {"9223372036854775807", INT64_MAX},
               {"-9223372036854775808", INT64_MIN}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t value = 42;
    assert_true(debrief_integer(text(cases[i].json), &value));
    assert_true(value == cases[i].value);
  }
}

static void what_is_no_integer_leaves_the_value_alone(void **state) {
  (void)state;
  const char *others[] = {"1.0",
                          "1e3",
                          "9223372036854775808",
                          "-9223372036854775809",
                          "99999999999999999999",
                          "null",
                          "[1]",
                          "\"1\"",
                          "18446744073709551617",
                          ""};
  int64_t value = 42;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_false(debrief_integer(text(others[i]), &value));
  assert_false(debrief_integer(debrief_member(text("{}"), "missing"), &value));
  assert_int_equal(value, 42);
}

static void decodes_timestamps(void **state) {
  (void)state;
  debrief_time time;
  assert_true(debrief_timestamp(text("\"2026-05-03T12:00:00.5+02:00\""), &time));
  assert_int_equal(time.seconds, 1777802400);
  assert_int_equal(time.nanoseconds, 500000000);
  assert_int_equal(time.offset_minutes, 120);
  assert_true(debrief_timestamp(
      text("\"2026-05-03T12:00:00.00000000000000000000000000000000000000000000000001Z\""), &time));
  assert_int_equal(time.nanoseconds, 0);
  const char *others[] = {
      "\"2026-05-03\"", "1777795200", "null", "\"\"", "\"2026-05-03T12:00:00Z\\u0000\"", ""};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_false(debrief_timestamp(text(others[i]), &time));
  assert_false(debrief_timestamp(debrief_member(text("{}"), "timestamp"), &time));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_members),
      cmocka_unit_test(the_last_of_two_equal_members_counts),
      cmocka_unit_test(a_member_that_is_not_there_is_no_text),
      cmocka_unit_test(finds_elements),
      cmocka_unit_test(walks_from_value_to_value),
      cmocka_unit_test(cuts_strings_between_characters),
      cmocka_unit_test(decodes_strings),
      cmocka_unit_test(what_is_no_string_empties_the_buffer),
      cmocka_unit_test(decodes_integers_of_64_bits),
      cmocka_unit_test(what_is_no_integer_leaves_the_value_alone),
      cmocka_unit_test(decodes_timestamps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
