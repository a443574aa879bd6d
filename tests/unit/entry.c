/* What is an entry: types, depth, duplicates, by every kernel. What is said here holds for reading and appending. */
#include "unit.h"

#include "log/entry.h"

/* Scan with every kernel, which must agree; *fault and the returned status are of the last. */
static dbf_scan scan(const char *json, size_t len, bool foreign, bool *twice, dbf_json_fault *fault) {
  dbf_bytes text;
  dbf_scan status = DBF_SCAN_OK;
  const dbf_json_kernel *kernel;
  dbf_bytes_init(&text);
  dbf_bytes_append(&text, json, len);
  assert_true(dbf_bytes_terminate(&text));
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) {
    dbf_entry entry;
    dbf_entry_init(&entry);
    entry.kernel = kernel;
    dbf_scan now = dbf_entry_scan(&entry, text.data, text.len, foreign, fault);
    if (fault->at) fault->at = json + (fault->at - text.data);
    if (i > 0) assert_int_equal(now, status);
    if (i > 0) assert_int_equal(entry.duplicate_key, *twice);
    status = now;
    *twice = entry.duplicate_key;
    dbf_entry_release(&entry);
  }
  dbf_bytes_release(&text);
  return status;
}

static void assert_scan(const char *json, dbf_scan expected) {
  bool twice;
  dbf_json_fault fault;
  dbf_scan status = scan(json, strlen(json), false, &twice, &fault);
  if (status != expected)
    fail_msg("%s: %d, not %d: %s", json, status, expected, fault.what ? fault.what : "");
}

static void assert_refused(const char *json, const char *what, size_t at) {
  bool twice;
  dbf_json_fault fault;
  assert_int_equal(scan(json, strlen(json), false, &twice, &fault), DBF_SCAN_BAD_ENTRY);
  assert_string_equal(fault.what, what);
  assert_int_equal(fault.at - json, at);
  assert_int_equal(scan(json, strlen(json), true, &twice, &fault),
                   json[0] == '{' ? DBF_SCAN_OK : DBF_SCAN_BAD_ENTRY);
}

static bool has_twice(const char *json) {
  bool twice;
  dbf_json_fault fault;
  assert_int_equal(scan(json, strlen(json), false, &twice, &fault), DBF_SCAN_OK);
  return twice;
}

/* Does the scan know member `i` of the entry by this name, plain and with its first letter escaped? */
static void assert_known(const dbf_json_kernel *kernel, const char *name, const char *format, bool nested,
                         int field) {
  char json[200], escaped[80];
  snprintf(escaped, sizeof escaped, "\\u%04x%s", (unsigned char)name[0], name + 1);
  for (int i = 0; i < 2; i++) {
    dbf_bytes text;
    dbf_entry entry;
    dbf_json_fault fault;
    snprintf(json, sizeof json, format, i ? escaped : name);
    dbf_bytes_init(&text);
    dbf_bytes_append(&text, json, strlen(json));
    assert_true(dbf_bytes_terminate(&text));
    dbf_entry_init(&entry);
    entry.kernel = kernel;
    assert_int_equal(dbf_entry_scan(&entry, text.data, text.len, false, &fault), DBF_SCAN_OK);
    assert_int_equal(nested ? entry.attempts[0].known[field] : entry.known[field], 2);
    dbf_entry_release(&entry);
    dbf_bytes_release(&text);
  }
}

static void every_known_field_is_found_wherever_it_stands(void **state) {
  const dbf_json_kernel *kernel;
  (void)state;
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) {
    for (int field = 0; field < DBF_KNOWN_COUNT; field++)
      assert_known(kernel, dbf_entry_fields[field].name, "{\"x\":1, \"%s\" : null}", false, field);
    for (int field = 0; field < DBF_KNOWN_ATTEMPT_COUNT; field++)
      assert_known(kernel, dbf_attempt_fields[field].name, "{\"attempts\":[{\"x\":1, \"%s\" : null}]}", true,
                   field);
  }
}

/* ---- Types ------------------------------------------------------------------------------------------------------- */

/* A value of each type, and what the fields take it. */
static const char *const values[] = {"\"s\"", "1", "1.5", "true", "[]", "{}", "\"2026-05-03T12:00:00Z\""};
enum { TEXT, WHOLE, FRACTION, BOOLEAN, LIST, OBJECT, TIME, TYPES };

static void assert_field(const char *name, const char *format, unsigned taken) {
  char json[200];
  for (int i = 0; i < TYPES; i++) {
    snprintf(json, sizeof json, format, name, values[i]);
    assert_scan(json, taken >> i & 1 ? DBF_SCAN_OK : DBF_SCAN_BAD_ENTRY);
  }
  snprintf(json, sizeof json, format, name, "null");
  assert_scan(json, DBF_SCAN_OK);
}

#define ALL   ((1u << TYPES) - 1)
#define TEXTS (1u << TEXT | 1u << TIME)

static void known_fields_have_their_type_or_are_null(void **state) {
  (void)state;
  const char *top = "{\"%s\":%s}", *inside = "{\"attempts\":[{},null,{\"x\":1,\"%s\":%s}]}";
  const char *texts[] = {"session_id",   "skill",     "phase",     "project_root",
                         "final_status", "file_path", "model_used"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_field(texts[i], top, TEXTS);
  assert_field("timestamp", top, 1u << TIME);
  assert_field("input", top, ALL);
  assert_field("attempts", top, 1u << LIST);
  assert_field("duration_ms", top, 1u << WHOLE);
  assert_field("attempt", inside, 1u << WHOLE);
  assert_field("model", inside, TEXTS);
  assert_field("output_summary", inside, TEXTS);
  assert_field("runner_output", inside, TEXTS);
  assert_field("verified", inside, 1u << BOOLEAN);
  assert_field("anything", top, ALL);
  assert_field("skill", inside, ALL);
  assert_field("verified", top, ALL);
  assert_field("sk\\u0069ll", top, TEXTS);
  assert_field("verif\\u0069ed", inside, 1u << BOOLEAN);
}

static void says_which_field_is_wrong_and_where(void **state) {
  (void)state;
  assert_refused("{\"x\":1,\"skill\": 7}", "skill is not a string", 16);
  assert_refused("{\"timestamp\":\"now\",\"skill\":7}", "timestamp is not an RFC 3339 time", 13);
  assert_refused("{\"duration_ms\":1e3}", "duration_ms is not a 64-bit integer", 15);
  assert_refused("{\"attempts\":{}}", "attempts is not an array of objects", 12);
  assert_refused("{\"attempts\":[{},[]]}", "attempts is not an array of objects", 16);
  assert_refused("{\"attempts\":[{\"attempt\":\"1\"}]}", "attempts[].attempt is not a 64-bit integer", 24);
  assert_refused("{\"attempts\":[{\"verified\":1}]}", "attempts[].verified is not true or false", 25);
  assert_refused("[{}]", "not an object", 0);
}

static void integers_are_those_of_64_bits(void **state) {
  (void)state;
  static const struct {
    const char *number;
    bool taken;
  } cases[] = {{"0", true},
               {"-0", true},
               {"9223372036854775807", true},
               {"-9223372036854775808", true},
               {"9223372036854775808", false},
               {"-9223372036854775809", false},
               {"18446744073709551616", false},
               {"1.0", false},
               {"1e2", false},
               {"0.0", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[100];
    snprintf(json, sizeof json, "{\"duration_ms\":%s}", cases[i].number);
    assert_scan(json, cases[i].taken ? DBF_SCAN_OK : DBF_SCAN_BAD_ENTRY);
    snprintf(json, sizeof json, "{\"attempts\":[{\"attempt\":%s}]}", cases[i].number);
    assert_scan(json, cases[i].taken ? DBF_SCAN_OK : DBF_SCAN_BAD_ENTRY);
    snprintf(json, sizeof json, "{\"n\":%s}", cases[i].number);
    assert_scan(json, DBF_SCAN_OK);
  }
}

static void timestamps_are_those_the_original_takes(void **state) {
  (void)state;
  static const struct {
    const char *time;
    bool taken;
  } cases[] = {{"2026-05-03T12:00:00Z", true},       {"2026-05-03T12:00:00.123456789123-07:30", true},
               {"0000-01-01T00:00:00Z", true},       {"2024-02-29T00:00:00+23:59", true},
               {"2026-05-03T12:00:00", false},       {"2026-05-03 12:00:00Z", false},
               {"2026-05-03t12:00:00z", false},      {"2026-05-03T24:00:00Z", false},
               {"2026-05-03T12:00:60Z", false},      {"2023-02-29T00:00:00Z", false},
               {"2026-05-03T12:00:00.Z", false},     {"2026-05-03T12:00:00,5Z", false},
               {"2026-05-03T12:00:00+24:00", false}, {"2026-05-03T1:00:00Z", false},
               {"10000-01-01T00:00:00Z", false},     {"", false},
               {"2026-05-03T12:00:00Z ", false},     {"2026-05-03T12:00:00Z\\u0000", false},
               {"2026-05-03T12:00:00+0200", false},  {"-026-05-03T12:00:00Z", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[100];
    snprintf(json, sizeof json, "{\"timestamp\":\"%s\"}", cases[i].time);
    assert_scan(json, cases[i].taken ? DBF_SCAN_OK : DBF_SCAN_BAD_ENTRY);
  }
}

/* ---- Depth ------------------------------------------------------------------------------------------------------- */

static dbf_scan scan_nested(const char *before, size_t depth, const char *after, dbf_json_fault *fault) {
  dbf_bytes json;
  bool twice;
  dbf_bytes_init(&json);
  dbf_bytes_append(&json, before, strlen(before));
  for (size_t i = 0; i < depth; i++) dbf_bytes_append_char(&json, '[');
  for (size_t i = 0; i < depth; i++) dbf_bytes_append_char(&json, ']');
  dbf_bytes_append(&json, after, strlen(after));
  dbf_scan status = scan(json.data, json.len, false, &twice, fault);
  dbf_bytes_release(&json);
  return status;
}

static void levels_are_counted_from_the_entry_on(void **state) {
  (void)state;
  static const struct {
    const char *before, *after;
    size_t around;
  } cases[] = {{"", "", 0},
               {"{\"input\":", "}", 1},
               {"{\"x\":{\"y\":", "}}", 2},
               {"{\"attempts\":", "}", 1},
               {"{\"attempts\":[", "]}", 2},
               {"{\"attempts\":[{},{\"x\":", "}]}", 3},
               {"{\"attempts\":[{\"x\":{\"y\":", "}}]}", 4}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dbf_json_fault fault;
    size_t room = 1024 - cases[i].around;
    assert_int_not_equal(scan_nested(cases[i].before, room, cases[i].after, &fault), DBF_SCAN_BAD_JSON);
    assert_int_equal(scan_nested(cases[i].before, room + 1, cases[i].after, &fault), DBF_SCAN_BAD_JSON);
    assert_true(fault.too_deep);
    assert_int_equal(scan_nested(cases[i].before, 1000000, cases[i].after, &fault), DBF_SCAN_BAD_JSON);
  }
}

/* ---- Duplicates ---------------------------------------------------------------------------------------------------- */

static void duplicates_are_noticed_at_the_top_and_in_attempts(void **state) {
  (void)state;
  assert_true(has_twice("{\"skill\":\"a\",\"skill\":\"b\"}"));
  assert_true(has_twice("{\"skill\":\"a\",\"x\":1,\"sk\\u0069ll\":null}"));
  assert_true(has_twice("{\"sk\\u0069ll\":\"a\",\"\\u0073kill\":\"b\"}"));
  assert_true(has_twice("{\"x\":1,\"y\":2,\"x\":3}"));
  assert_true(has_twice("{\"\":1,\"\":3}"));
  assert_true(has_twice("{\"\\u0078\":1,\"x\":3}"));
  assert_true(has_twice("{\"attempts\":[],\"attempts\":[]}"));
  assert_true(has_twice("{\"attempts\":[{},{\"model\":\"a\",\"model\":\"b\"}]}"));
  assert_true(has_twice("{\"attempts\":[{\"x\":1,\"x\":1},{}]}"));
  assert_true(has_twice("{\"attempts\":[{\"verified\":true,\"\\u0076erified\":null}]}"));
}

static void the_same_name_in_other_objects_is_no_duplicate(void **state) {
  (void)state;
  assert_false(
      has_twice("{\"x\":1,\"attempts\":[{\"x\":1,\"model\":\"a\"},{\"x\":1,\"model\":\"a\"}],\"model\":1}"));
  assert_false(has_twice("{\"input\":{\"a\":1,\"a\":2},\"x\":{\"a\":1,\"a\":2}}"));
  assert_false(has_twice("{\"attempts\":[{\"x\":{\"a\":1,\"a\":2}}]}"));
  assert_false(has_twice("{\"skill\":\"a\",\"Skill\":1,\"skill \":1}"));
}

static void known_returns_the_last_of_two(void **state) {
  (void)state;
  dbf_bytes text;
  dbf_entry entry;
  dbf_json_fault fault;
  dbf_json_value value;
  dbf_bytes_init(&text);
  dbf_bytes_append(&text, " \t{\"skill\":\"a\",\"x\":2,\"skill\":null} rest", 39);
  assert_true(dbf_bytes_terminate(&text));
  dbf_entry_init(&entry);
  assert_int_equal(dbf_entry_scan(&entry, text.data, text.len, false, &fault), DBF_SCAN_OK);
  assert_int_equal(entry.count, 3);
  assert_ptr_equal(entry.text, text.data + 2);
  assert_int_equal(entry.len, 32);
  assert_true(dbf_entry_known(&entry, DBF_SKILL, &value));
  assert_int_equal(value.type, DBF_JSON_NULL);
  assert_false(dbf_entry_known(&entry, DBF_PHASE, &value));
  assert_memory_equal(dbf_entry_value(&entry, 1).start, "2", 1);
  assert_true(dbf_entry_names(&entry, "any"));
  dbf_entry_release(&entry);
  dbf_bytes_release(&text);
}

/* `count` members with names of their own, perhaps one name again at the end. */
static void scan_many(size_t count, const char *before, const char *after, bool again) {
  dbf_bytes json;
  bool twice;
  dbf_json_fault fault;
  char member[40];
  dbf_bytes_init(&json);
  dbf_bytes_append(&json, before, strlen(before));
  for (size_t i = 0; i < count + again; i++) {
    snprintf(member, sizeof member, "%s\"name %zu\":0", i ? "," : "", i % count);
    dbf_bytes_append(&json, member, strlen(member));
  }
  dbf_bytes_append(&json, after, strlen(after));
  assert_int_equal(scan(json.data, json.len, false, &twice, &fault), DBF_SCAN_OK);
  assert_int_equal(twice, again);
  dbf_bytes_release(&json);
}

static void takes_any_number_of_unknown_members(void **state) {
  (void)state;
  const size_t counts[] = {1, 15, 16, 17, 32, 33, 100, 100000};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (int again = 0; again < 2; again++) {
      scan_many(counts[i], "{", "}", again);
      scan_many(counts[i], "{\"attempts\":[{", "}]}", again);
    }
}

/* One scan must leave nothing for the next: entries of a log share their memory. */
static void many_entries_are_scanned_with_one_memory(void **state) {
  (void)state;
  dbf_bytes text;
  dbf_entry entry;
  dbf_json_fault fault;
  dbf_bytes_init(&text);
  dbf_bytes_append_char(&text, '{');
  for (int i = 0; i < 20; i++) {
    char member[16];
    snprintf(member, sizeof member, "%s\"n%d\":0", i ? "," : "", i);
    dbf_bytes_append(&text, member, strlen(member));
  }
  dbf_bytes_append_char(&text, '}');
  assert_true(dbf_bytes_terminate(&text));
  dbf_entry_init(&entry);
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(dbf_entry_scan(&entry, text.data, text.len, i % 2, &fault), DBF_SCAN_OK);
    assert_false(entry.duplicate_key);
    assert_int_equal(entry.count, 20);
  }
  dbf_entry_release(&entry);
  dbf_bytes_release(&text);
}

/* Not an entry, and the text ends or goes wrong at each of its bytes. */
static void every_beginning_of_an_entry_is_no_json(void **state) {
  (void)state;
  const char *json =
      "{\"session_id\":\"s1\",\"attempts\":[{\"attempt\":1,\"x\":[true]},null],\"input\":{\"a\":-1.5e3}}";
  for (size_t len = 0; len < strlen(json); len++) {
    bool twice;
    dbf_json_fault fault;
    assert_int_equal(scan(json, len, false, &twice, &fault), DBF_SCAN_BAD_JSON);
    assert_non_null(fault.what);
    assert_true(fault.at >= json && fault.at <= json + len);
  }
  assert_scan(json, DBF_SCAN_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_known_field_is_found_wherever_it_stands),
      cmocka_unit_test(known_fields_have_their_type_or_are_null),
      cmocka_unit_test(says_which_field_is_wrong_and_where),
      cmocka_unit_test(integers_are_those_of_64_bits),
      cmocka_unit_test(timestamps_are_those_the_original_takes),
      cmocka_unit_test(levels_are_counted_from_the_entry_on),
      cmocka_unit_test(duplicates_are_noticed_at_the_top_and_in_attempts),
      cmocka_unit_test(the_same_name_in_other_objects_is_no_duplicate),
      cmocka_unit_test(known_returns_the_last_of_two),
      cmocka_unit_test(takes_any_number_of_unknown_members),
      cmocka_unit_test(many_entries_are_scanned_with_one_memory),
      cmocka_unit_test(every_beginning_of_an_entry_is_no_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
