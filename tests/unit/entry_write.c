/* entry_write: entries from structs as the original writes them, and from JSON text as it stands. */
#include "unit.h"

#include "log/entry.h"
#include "log/timestamp.h"

#define TEXT(literal) \
  { literal, sizeof literal - 1 }

static const debrief_time noon = {1777809600, 500000000, 120, true}; /* 2026-05-03T14:00:00.5+02:00 */

typedef struct fixture {
  dbf_bytes out, scratch;
  debrief_error err;
} fixture;

static int begin(void **state) {
  *state = calloc(1, sizeof(fixture));
  return *state ? 0 : -1;
}

static int end(void **state) {
  fixture *f = *state;
  dbf_bytes_release(&f->out);
  dbf_bytes_release(&f->scratch);
  free(f);
  return 0;
}

static debrief_entry small_entry(void) {
  return (debrief_entry){.struct_size = sizeof(debrief_entry),
                         .timestamp = noon,
                         .skill = TEXT("review"),
                         .final_status = TEXT("ok")};
}

static void assert_entry(fixture *f, const debrief_entry *entry, const char *expected) {
  dbf_bytes_clear(&f->out);
  if (!dbf_entry_write(&f->out, "s1", entry, &f->err)) fail_msg("%s", f->err.message);
  assert_bytes(&f->out, expected);
}

static void assert_refused(fixture *f, const debrief_entry *entry, debrief_code code, const char *part) {
  dbf_bytes_clear(&f->out);
  dbf_bytes_append(&f->out, "before", 6);
  assert_false(dbf_entry_write(&f->out, "s1", entry, &f->err));
  assert_bytes(&f->out, "before");
  if (!strstr(f->err.message, part)) fail_msg("message: %s", f->err.message);
  assert_int_equal(f->err.code, code);
}

/* ---- Structs --------------------------------------------------------------------------------------------- */

#define HEAD "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T14:00:00.5+02:00\",\"skill\":\"review\","

static void leaves_out_empty_optional_fields(void **state) {
  debrief_entry entry = small_entry();
  assert_entry(*state, &entry, HEAD "\"final_status\":\"ok\"}");
  entry.skill = entry.final_status = (debrief_text){NULL, 0};
  assert_entry(*state, &entry,
               "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T14:00:00.5+02:00\",\"skill\":\"\","
               "\"final_status\":\"\"}");
}

static void writes_all_of_an_attempt(void **state) {
  debrief_attempt attempts[2] = {
      {.attempt = 1, .model = TEXT("m"), .runner_output = TEXT("a\xff<"), .verified = true}};
  debrief_entry entry = small_entry();
  entry.attempts = attempts;
  entry.attempt_count = 2;
  assert_entry(
      *state, &entry,
      HEAD "\"attempts\":[{\"attempt\":1,\"model\":\"m\",\"runner_output\":\"a\\ufffd\\u003c\",\"verified\":"
           "true},{\"attempt\":0,\"model\":\"\",\"verified\":false}],\"final_status\":\"ok\"}");
}

static void compacts_and_escapes_input(void **state) {
  debrief_entry entry = small_entry();
  entry.input = (debrief_text)TEXT(" { \"a\" : [ 1.50 , \"<\xff>\" ] }\n");
  assert_entry(*state, &entry,
               HEAD "\"input\":{\"a\":[1.50,\"\\u003c\\ufffd\\u003e\"]},\"final_status\":\"ok\"}");
}

static void puts_extra_members_after_the_known_ones(void **state) {
  debrief_attempt attempt = {.attempt = 1, .extra = TEXT("{\"tier\" : \"big\", \"skill\":1}")};
  debrief_entry entry = small_entry();
  entry.attempts = &attempt;
  entry.attempt_count = 1;
  entry.extra = (debrief_text)TEXT(" {\"z\":{\"k\":1, \"k\":2},\"a\":\"<\\u00e9\"}");
  assert_entry(
      *state, &entry,
      HEAD "\"attempts\":[{\"attempt\":1,\"model\":\"\",\"verified\":false,\"tier\":\"big\",\"skill\":1}],"
           "\"final_status\":\"ok\",\"z\":{\"k\":1,\"k\":2},\"a\":\"<\\u00e9\"}");
  entry = small_entry();
  entry.extra = (debrief_text)TEXT("{}");
  assert_entry(*state, &entry, HEAD "\"final_status\":\"ok\"}");
}

static void leaves_out_of_a_sparse_entry_what_was_not_given(void **state) {
  debrief_attempt attempts[3] = {{.model = TEXT("m"), .verified = true},
                                 {.has = DEBRIEF_HAS_VERIFIED | DEBRIEF_HAS_ATTEMPT},
                                 {.extra = TEXT("{\"x\":1}")}};
  debrief_entry entry = {.struct_size = sizeof entry, .sparse = true};
  assert_entry(*state, &entry, "{\"session_id\":\"s1\"}");
  entry.has = DEBRIEF_HAS_ATTEMPTS | DEBRIEF_HAS_DURATION;
  entry.phase = (debrief_text)TEXT("");
  assert_entry(*state, &entry, "{\"session_id\":\"s1\",\"phase\":\"\",\"attempts\":[],\"duration_ms\":0}");
  entry = small_entry();
  entry.sparse = true;
  entry.attempts = attempts;
  entry.attempt_count = 3;
  assert_entry(*state, &entry,
               HEAD "\"attempts\":[{\"model\":\"m\"},{\"attempt\":0,\"verified\":false},{\"x\":1}],"
                    "\"final_status\":\"ok\"}");
}

static void fills_in_the_time_of_a_struct(void **state) {
  fixture *f = *state;
  debrief_entry entry = small_entry();
  debrief_time now = dbf_timestamp_now(), written;
  entry.timestamp.set = false;
  assert_true(dbf_entry_write(&f->out, "s1", &entry, &f->err));
  const char *stamp = strstr(f->out.data, "\"timestamp\":\"") + 13;
  assert_true(dbf_timestamp_parse(stamp, strcspn(stamp, "\""), &written));
  assert_in_range(written.seconds, now.seconds, now.seconds + 5);
}

static void refuses_a_struct_for_another_session(void **state) {
  debrief_entry entry = small_entry();
  entry.session_id = (debrief_text)TEXT("s1");
  assert_entry(*state, &entry, HEAD "\"final_status\":\"ok\"}");
  entry.session_id = (debrief_text)TEXT("s2\n\xc2\x85\xc3\xa4");
  assert_refused(*state, &entry, DEBRIEF_EENTRY,
                 "session_id is \"s2??\xc3\xa4\", but the entry goes to session \"s1\": append it to");
  entry.session_id = (debrief_text)TEXT("");
  assert_refused(*state, &entry, DEBRIEF_EENTRY, "session_id is \"\"");
}

static void refuses_a_struct_it_does_not_know(void **state) {
  debrief_entry entry = small_entry();
  entry.struct_size = 0;
  assert_refused(*state, &entry, DEBRIEF_EARG, "struct_size is 0: set it to sizeof(debrief_entry)");
  entry = small_entry();
  entry.attempt_count = 1;
  assert_refused(*state, &entry, DEBRIEF_EARG, "attempts is NULL");
}

static void refuses_times_outside_years_1_to_9999(void **state) {
  debrief_entry entry = small_entry();
  entry.timestamp.seconds = INT64_C(-62135596801);
  entry.timestamp.offset_minutes = 0;
  assert_refused(*state, &entry, DEBRIEF_EENTRY, "years 0001 to 9999");
  entry.timestamp.seconds = INT64_C(253402300800);
  assert_refused(*state, &entry, DEBRIEF_EENTRY, "years 0001 to 9999");
}

static void refuses_input_that_is_not_json(void **state) {
  fixture *f = *state;
  static const debrief_text bad[] = {TEXT(" "), TEXT("{]"), TEXT("1 2"), TEXT("1\0"), TEXT("\xef\xbb\xbf{}"),
                                     TEXT("01")};
  static const unsigned at[] = {1, 1, 2, 1, 0, 0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    debrief_entry entry = small_entry();
    entry.input = bad[i];
    assert_refused(f, &entry, DEBRIEF_EJSON, "input is not JSON at byte ");
    assert_int_equal(f->err.offset, at[i]);
  }
}

/* `count` times '[' and as many ']', after `before`. */
static debrief_text nested(char *buffer, const char *before, int count, const char *after) {
  size_t len = strlen(before), n = (size_t)count;
  memcpy(buffer, before, len);
  memset(buffer + len, '[', n);
  memset(buffer + len + n, ']', n);
  strcpy(buffer + len + 2 * n, after);
  return (debrief_text){buffer, strlen(buffer)};
}

static void counts_levels_from_the_entry_down(void **state) {
  char buffer[4096];
  debrief_attempt attempt = {.attempt = 1};
  debrief_entry entry = small_entry();
  fixture *f = *state;
  entry.input = nested(buffer, "", 1023, "");
  assert_true(dbf_entry_write(&f->out, "s1", &entry, &f->err));
  entry.input = nested(buffer, "", 1024, "");
  assert_refused(f, &entry, DEBRIEF_ETOOBIG, "nested deeper than 1024 levels");
  entry = small_entry();
  entry.attempts = &attempt;
  entry.attempt_count = 1;
  attempt.extra = nested(buffer, "{\"x\":", 1021, "}");
  assert_true(dbf_entry_write(&f->out, "s1", &entry, &f->err));
  attempt.extra = nested(buffer, "{\"x\":", 1022, "}");
  assert_refused(f, &entry, DEBRIEF_ETOOBIG, "nested deeper than 1024 levels");
}

static void refuses_extra_that_repeats_or_is_no_object(void **state) {
  static const struct {
    debrief_text extra;
    const char *message;
  } bad[] = {
      {TEXT("[1]"), "extra is not a JSON object"},
      {TEXT("{\"a\":1"), "extra is not JSON at byte 6"},
      {TEXT("{\"phase\":1}"), "member \"phase\" is a known one: set it in the struct"},
      {TEXT("{\"\\u0073kill\":1}"), "member \"skill\" is a known one"},
      {TEXT("{\"a\":1,\"b\":1,\"\\u0061\":2}"), "member \"a\" occurs twice: keep one"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    debrief_entry entry = small_entry();
    entry.extra = bad[i].extra;
    assert_refused(*state, &entry, i == 1 ? DEBRIEF_EJSON : DEBRIEF_EENTRY, bad[i].message);
  }
  debrief_attempt attempt = {.extra = TEXT("{\"verified\":true}")};
  debrief_entry entry = small_entry();
  entry.attempts = &attempt;
  entry.attempt_count = 1;
  assert_refused(*state, &entry, DEBRIEF_EENTRY, "member \"verified\" is a known one");
}

/* ---- JSON text ------------------------------------------------------------------------------------------- */

static bool write_json(fixture *f, const char *json, bool sparse) {
  dbf_bytes_clear(&f->out);
  return dbf_entry_write_json(&f->out, &f->scratch, "s1", json, strlen(json), sparse, &f->err);
}

/* With `@` in `expected` where the time of writing stands. */
static void assert_json(fixture *f, const char *json, bool sparse, const char *expected) {
  if (!write_json(f, json, sparse)) fail_msg("%s", f->err.message);
  const char *at = strchr(expected, '@');
  if (at) {
    debrief_time time;
    size_t front = (size_t)(at - expected), stamp = f->out.len - strlen(expected) + 1;
    assert_in_range(front + stamp, front + 20, f->out.len);
    assert_true(dbf_timestamp_parse(f->out.data + front, stamp, &time));
    assert_in_range(time.seconds, dbf_timestamp_now().seconds - 5, dbf_timestamp_now().seconds);
    f->out.data[front] = '@';
    memmove(f->out.data + front + 1, f->out.data + front + stamp, f->out.len - front - stamp);
    f->out.len -= stamp - 1;
  }
  assert_bytes(&f->out, expected);
}

static void assert_json_refused(fixture *f, const char *json, debrief_code code, unsigned offset,
                                const char *part) {
  assert_false(write_json(f, json, false));
  assert_int_equal(f->out.len, 0);
  if (!strstr(f->err.message, part)) fail_msg("message: %s", f->err.message);
  assert_int_equal(f->err.code, code);
  assert_int_equal(f->err.offset, offset);
}

#define WHEN "\"timestamp\":\"2026-05-03T10:00:00.120Z\""

static void changes_nothing_of_json_but_white_space(void **state) {
  assert_json(
      *state,
      " { \"z\" : [ 1.50, -0 , 1E3 ] , \"session_id\" : \"\\u00731\", \"a\\/<&>\" : \"x y \\ud800\" , " WHEN
      ",\n\t\"input\" : {\"k\":1, \"k\":2} }\r\n",
      false,
      "{\"z\":[1.50,-0,1E3],\"session_id\":\"\\u00731\",\"a\\/<&>\":\"x y \\ud800\"," WHEN
      ",\"input\":{\"k\":1,\"k\":2}}");
}

static void fills_in_what_is_missing_in_front(void **state) {
  assert_json(*state, "{}", false, "{\"session_id\":\"s1\",\"timestamp\":\"@\"}");
  assert_json(*state, "{\"skill\":\"x\"}", false,
              "{\"session_id\":\"s1\",\"timestamp\":\"@\",\"skill\":\"x\"}");
  assert_json(*state, "{" WHEN "}", false, "{\"session_id\":\"s1\"," WHEN "}");
  assert_json(*state, "{\"a\":1,\"session_id\":\"s1\"}", false,
              "{\"timestamp\":\"@\",\"a\":1,\"session_id\":\"s1\"}");
}

static void leaves_a_leading_session_id_in_front(void **state) {
  assert_json(*state, "{\"session_id\":\"s1\",\"skill\":\"x\"}", false,
              "{\"session_id\":\"s1\",\"timestamp\":\"@\",\"skill\":\"x\"}");
  assert_json(*state, "{\"session_id\":\"s1\"}", false, "{\"session_id\":\"s1\",\"timestamp\":\"@\"}");
}

static void replaces_null_ones_in_place(void **state) {
  assert_json(*state, "{\"a\":1,\"timestamp\":null,\"session_id\": null,\"skill\":null}", false,
              "{\"a\":1,\"timestamp\":\"@\",\"session_id\":\"s1\",\"skill\":null}");
}

static void fills_in_no_time_in_a_sparse_entry(void **state) {
  assert_json(*state, "{\"skill\":\"x\"}", true, "{\"session_id\":\"s1\",\"skill\":\"x\"}");
  assert_json(*state, "{\"timestamp\":null}", true, "{\"session_id\":\"s1\",\"timestamp\":null}");
}

static void stores_replacements_for_bytes_that_are_not_utf8(void **state) {
  assert_json(*state, "{" WHEN ",\"\xff\":\"a\xc3\"}", false,
              "{\"session_id\":\"s1\"," WHEN ",\"\\ufffd\":\"a\\ufffd\"}");
}

static void refuses_json_that_is_no_entry(void **state) {
  assert_json_refused(*state, "", DEBRIEF_EJSON, 0, "not JSON at byte 0");
  assert_json_refused(*state, "[1]", DEBRIEF_EENTRY, 0, "not an entry: ");
  assert_json_refused(*state, "null", DEBRIEF_EENTRY, 0, "not an entry: ");
  assert_json_refused(*state, "{\"skill\":7}", DEBRIEF_EENTRY, 9, "skill is not a string");
  assert_json_refused(*state, "{\"skill\":\"x\",}", DEBRIEF_EJSON, 13, "not JSON at byte 13");
  assert_json_refused(*state, "{\"skill\":\"x\"", DEBRIEF_EJSON, 12, "not JSON at byte 12");
  assert_json_refused(*state, "{} {}", DEBRIEF_EJSON, 3,
                      "byte 3 follows the entry: append one entry at a time");
  assert_json_refused(*state, "\xef\xbb\xbf{}", DEBRIEF_EJSON, 0, "byte-order mark");
}

static void refuses_json_for_another_session(void **state) {
  assert_json_refused(
      *state, "{\"session_id\":\"s\\u0032\"}", DEBRIEF_EENTRY, 14,
      "session_id is \"s2\", but the entry goes to session \"s1\": append it to \"s2\", or leave "
      "session_id out");
}

static void refuses_duplicate_members_by_name(void **state) {
  assert_json_refused(*state, "{\"a\":1,\"\\u0061\":2}", DEBRIEF_EENTRY, 7,
                      "member \"a\" occurs twice: keep one");
  assert_json_refused(*state, "{\"\":1,\"\":2}", DEBRIEF_EENTRY, 6, "member \"\" occurs twice");
  assert_json_refused(*state, "{\"skill\":\"a\",\"skill\":\"a\"}", DEBRIEF_EENTRY, 13,
                      "member \"skill\" occurs twice");
  assert_json_refused(*state, "{\"attempts\":[null,{\"b\":1},{\"model\":\"\",\"b\":1,\"b\":1}]}",
                      DEBRIEF_EENTRY, 44, "member \"b\" of an attempt occurs twice: keep one");
}

static void finds_a_duplicate_among_many_members_quickly(void **state) {
  fixture *f = *state;
  dbf_bytes json = {0};
  char name[32];
  dbf_bytes_append_char(&json, '{');
  for (int i = 0; i < 200000; i++)
    dbf_bytes_append(&json, name, (size_t)snprintf(name, sizeof name, "\"k%d\":0,", i));
  dbf_bytes_append(&json, "\"k7\":1}", 8);
  assert_json_refused(f, json.data, DEBRIEF_EENTRY, (unsigned)json.len - 8, "member \"k7\" occurs twice");
  dbf_bytes_release(&json);
}

static void refuses_json_that_is_too_deep_or_too_long(void **state) {
  fixture *f = *state;
  char buffer[4096];
  nested(buffer, "{\"x\":", 1023, "}");
  assert_true(write_json(f, buffer, false));
  nested(buffer, "{\"x\":", 1024, "}");
  assert_json_refused(f, buffer, DEBRIEF_ETOOBIG, 5 + 1023, "nested deeper than 1024 levels");
  assert_false(dbf_entry_write_json(&f->out, &f->scratch, "s1", "{}", DBF_LINE_LIMIT + 1, false, &f->err));
  assert_int_equal(f->err.code, DEBRIEF_ETOOBIG);
  assert_string_equal(f->err.message,
                      "the entry has 268435457 bytes, and a line at most 268435456: shorten it");
}

/* What is filled in and escaped counts, too. */
static void refuses_a_line_that_grows_too_long(void **state) {
  fixture *f = *state;
  size_t len = DBF_LINE_LIMIT / 6;
  char *text = malloc(len);
  debrief_entry entry = small_entry();
  assert_non_null(text);
  memset(text, '<', len);
  entry.phase = (debrief_text){text, len};
  assert_refused(f, &entry, DEBRIEF_ETOOBIG, "a line at most 268435456");
  entry.phase.len = len - 100;
  assert_true(dbf_entry_write(&f->out, "s1", &entry, &f->err));
  free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(leaves_out_empty_optional_fields),
      TEST(writes_all_of_an_attempt),
      TEST(compacts_and_escapes_input),
      TEST(puts_extra_members_after_the_known_ones),
      TEST(leaves_out_of_a_sparse_entry_what_was_not_given),
      TEST(fills_in_the_time_of_a_struct),
      TEST(refuses_a_struct_for_another_session),
      TEST(refuses_a_struct_it_does_not_know),
      TEST(refuses_times_outside_years_1_to_9999),
      TEST(refuses_input_that_is_not_json),
      TEST(counts_levels_from_the_entry_down),
      TEST(refuses_extra_that_repeats_or_is_no_object),
      TEST(changes_nothing_of_json_but_white_space),
      TEST(fills_in_what_is_missing_in_front),
      TEST(leaves_a_leading_session_id_in_front),
      TEST(replaces_null_ones_in_place),
      TEST(fills_in_no_time_in_a_sparse_entry),
      TEST(stores_replacements_for_bytes_that_are_not_utf8),
      TEST(refuses_json_that_is_no_entry),
      TEST(refuses_json_for_another_session),
      TEST(refuses_duplicate_members_by_name),
      TEST(finds_a_duplicate_among_many_members_quickly),
      TEST(refuses_json_that_is_too_deep_or_too_long),
      TEST(refuses_a_line_that_grows_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
