/* Walking and decoding what was validated: values that end exactly where their memory ends. */
#include "unit.h"

#include "log/json_scan.h"

/* The value of a text whose memory ends after its last byte, so that a sanitizer sees one read too many. */
static dbf_json_value exact(const char *json) {
  size_t len = strlen(json);
  char *copy = malloc(len);
  dbf_json_value value;
  assert_non_null(copy);
  memcpy(copy, json, len);
  assert_ptr_equal(dbf_json_skip(copy, copy + len, &value), copy + len);
  return value;
}

static void drop(dbf_json_value *value) {
  free((char *)value->start);
}

static void every_value_ends_where_it_ends(void **state) {
  (void)state;
  static const struct {
    const char *json;
    dbf_json_type type;
  } cases[] = {{"null", DBF_JSON_NULL},
               {"true", DBF_JSON_TRUE},
               {"false", DBF_JSON_FALSE},
               {"-12", DBF_JSON_INTEGER},
               {"1e5", DBF_JSON_NUMBER},
               {"0.5", DBF_JSON_NUMBER},
               {"\"\"", DBF_JSON_STRING},
               {"\"\\\\\"", DBF_JSON_STRING},
               {"\"a\\\"]\"", DBF_JSON_STRING},
               {"[]", DBF_JSON_ARRAY},
               {"[[],{\"]\":\"\\\"}\"}]", DBF_JSON_ARRAY},
               {"{\"}\":[]}", DBF_JSON_OBJECT}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dbf_json_value value = exact(cases[i].json);
    assert_int_equal(value.type, cases[i].type);
    assert_int_equal(value.escaped, cases[i].type == DBF_JSON_STRING && strchr(cases[i].json, '\\') != NULL);
    drop(&value);
  }
}

static void containers_are_walked_to_their_end(void **state) {
  (void)state;
  dbf_json_value list = exact("[ 1 ,\t\"a,]\" , [ 2 , 3 ] , { } ]"),
                 object = exact("{ \"a\" : { \"b\" : 1 } , \"c\":2 }");
  dbf_json_value key, value;
  size_t count = 0;
  for (const char *p = dbf_json_enter(list.start, list.end); p; count++)
    p = dbf_json_element(p, list.end, &value);
  assert_int_equal(count, 4);
  assert_memory_equal(value.start, "{ }", 3);
  assert_null(dbf_json_enter(value.start, value.end));
  count = 0;
  for (const char *p = dbf_json_enter(object.start, object.end); p; count++)
    p = dbf_json_member(p, object.end, &key, &value);
  assert_int_equal(count, 2);
  assert_true(dbf_json_string_is(&key, "c", 1));
  assert_true(dbf_json_find(&object, "a", 1, &value));
  assert_false(dbf_json_find(&object, "b", 1, &key));
  assert_true(dbf_json_find(&value, "b", 1, &key));
  assert_int_equal(key.type, DBF_JSON_INTEGER);
  drop(&list);
  drop(&object);
}

/* Runs of backslashes that end at every place of a block of 16. */
static void strings_end_after_any_run_of_backslashes(void **state) {
  (void)state;
  char json[128];
  for (int before = 0; before < 34; before++)
    for (int run = 0; run < 20; run++) {
      int n = 1 + before + 2 * run + 1;
      memset(json, '"', sizeof json);
      memset(json + 1, 'x', (size_t)before);
      memset(json + 1 + before, '\\', 2 * (size_t)run);
      json[n] = '\0';
      dbf_json_value value = exact(json);
      dbf_bytes out;
      dbf_bytes_init(&out);
      dbf_json_decode_string(&value, &out);
      assert_int_equal(out.len, n - 2 - run);
      assert_true(dbf_json_string_is(&value, out.data ? out.data : "", out.len));
      dbf_bytes_release(&out);
      drop(&value);
    }
}

static void numbers_are_rounded_correctly(void **state) {
  (void)state;
  static const char *const numbers[] = {"0",
                                        "-0",
                                        "-0.0",
                                        "1",
                                        "0.1",
                                        "123456789012345678",
                                        "9007199254740993",
                                        "562949953421311",
                                        "562949953421312",
                                        "5629499534213129",
                                        "0.30000000000000004",
                                        "1e22",
                                        "1e23",
                                        "1e-400",
                                        "1e400",
                                        "-1E+400",
                                        "2.2250738585072011e-308",
                                        "4.9e-324",
                                        "0.0000000000000000000001",
                                        "0.00000000000000000000001",
                                        "1.7976931348623157e308",
                                        "100.000",
                                        "9007199254740991.5",
                                        "123456.789e3"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    dbf_bytes text;
    dbf_json_value value;
    dbf_bytes_init(&text);
    dbf_bytes_append(&text, numbers[i], strlen(numbers[i]));
    assert_true(dbf_bytes_terminate(&text));
    dbf_json_skip(text.data, text.data + text.len, &value);
    double got = dbf_json_decode_number(&value), expected = strtod(numbers[i], NULL);
    if (memcmp(&got, &expected, sizeof got) != 0) fail_msg("%s: %a, not %a", numbers[i], got, expected);
    dbf_bytes_release(&text);
  }
}

static void what_is_nothing_has_no_members(void **state) {
  (void)state;
  dbf_json_value value;
  int64_t integer;
  dbf_json_skip("", "", &value);
  assert_int_equal(value.type, DBF_JSON_NONE);
  assert_false(dbf_json_find(&value, "a", 1, &value));
  assert_false(dbf_json_decode_integer(&(dbf_json_value){NULL, NULL, DBF_JSON_NONE, false}, &integer));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_value_ends_where_it_ends),
      cmocka_unit_test(containers_are_walked_to_their_end),
      cmocka_unit_test(strings_end_after_any_run_of_backslashes),
      cmocka_unit_test(numbers_are_rounded_correctly),
      cmocka_unit_test(what_is_nothing_has_no_members),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
