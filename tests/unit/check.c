/* debrief_log_check: every damaged line is reported and counted, and nothing else is. */
#include "temp_folder.h"

#include <debrief/log.h>

static char *folder;
static debrief_log *log_;
static debrief_error err;
static debrief_check check;
static dbf_bytes said; /* "line:offset+length kind\n" of every diagnostic */

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  log_ = debrief_log_open(folder, NULL, &err);
  memset(&check, 0xff, sizeof check);
  check.struct_size = sizeof check;
  dbf_bytes_init(&said);
  return log_ == NULL;
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_);
  dbf_bytes_release(&said);
  remove_temp(folder);
  return 0;
}

static void say(void *user, const debrief_diagnostic *d) {
  char text[128];
  int n = snprintf(text, sizeof text, "%llu:%llu+%llu %s\n", (unsigned long long)d->line,
                   (unsigned long long)d->offset, (unsigned long long)d->length, debrief_kind_name(d->kind));
  dbf_bytes_append(user, text, (size_t)n);
}

static const debrief_read_config config = {
    .struct_size = sizeof config, .strict = true, .on_diagnostic = say, .user = &said};

#define A "{\"session_id\":\"s1\",\"skill\":\"a\"}"
#define B "{\"session_id\":\"s1\",\"skill\":\"b\"}"

/* A session that holds `text`, its totals, and what was said. */
static void expect(const char *text, size_t len, uint64_t lines, uint64_t blank, uint64_t entries,
                   uint64_t damaged, const char *diagnostics) {
  put_bytes(folder, "s1.jsonl", "w", text, len);
  dbf_bytes_clear(&said);
  assert_true(debrief_log_check(log_, "s1", &config, &check, &err));
  assert_int_equal(check.bytes, len);
  assert_int_equal(check.lines, lines);
  assert_int_equal(check.blank, blank);
  assert_int_equal(check.entries, entries);
  assert_int_equal(check.damaged, damaged);
  assert_bytes(&said, diagnostics);
  char *after = get_file(folder, "s1.jsonl");
  assert_memory_equal(after, text, len);
  free(after);
}
#define EXPECT(text, ...) expect(text, sizeof text - 1, __VA_ARGS__)

static void counts_a_session_without_damage(void **state) {
  (void)state;
  EXPECT("", 0, 0, 0, 0, "");
  EXPECT(A "\n" B "\n", 2, 0, 2, 0, "");
  EXPECT(A "\n\n  \r\n" B, 4, 2, 2, 0, "");
  EXPECT("\xef\xbb\xbf" A "\n", 1, 0, 1, 0, "");
  for (int kind = 0; kind < 16; kind++) assert_int_equal(check.found[kind], 0);
}

static void reports_every_kind_with_its_place(void **state) {
  (void)state;
  EXPECT(A "\n{\"tor", 2, 0, 1, 1, "2:32+5 torn_tail\n");
  EXPECT(A B "\n" A "\n", 2, 0, 3, 1, "1:0+62 glued\n");
  EXPECT("{\"cut" A "\n", 1, 0, 1, 1, "1:0+36 spliced\n");
  EXPECT("\0\0" A "\n", 1, 0, 1, 1, "1:0+33 nul_run\n");
  EXPECT("\n{bad}\n" A "\n", 3, 1, 1, 1, "2:1+5 bad_json\n");
  EXPECT(A "\n{\"skill\":1}\n[]\n", 3, 0, 1, 2, "2:32+11 bad_entry\n3:44+2 bad_entry\n");
}

static void counts_warnings_apart(void **state) {
  (void)state;
  EXPECT("{\"a\":\"\xff\"}\n{\"b\":1,\"b\":2}\n{\"c\":\"\xfe\"}\n", 3, 0, 3, 0,
         "1:0+9 bad_utf8\n2:10+13 duplicate_key\n3:24+9 bad_utf8\n");
  assert_int_equal(check.found[DEBRIEF_BAD_UTF8], 2);
  assert_int_equal(check.found[DEBRIEF_DUPLICATE_KEY], 1);
}

static void counts_a_line_once_however_often_it_is_reported(void **state) {
  (void)state;
  EXPECT(A "[]" B "\n{\"x\n", 2, 0, 2, 2, "1:0+64 glued\n1:0+64 bad_entry\n2:65+3 bad_json\n");
  assert_int_equal(check.found[DEBRIEF_GLUED], 1);
  assert_int_equal(check.found[DEBRIEF_BAD_ENTRY], 1);
  assert_int_equal(check.found[DEBRIEF_BAD_JSON], 1);
}

static void needs_no_callback(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A "\n{x}\n");
  assert_true(debrief_log_check(log_, "s1", NULL, &check, &err));
  assert_int_equal(check.damaged, 1);
}

static void takes_a_missing_session_for_an_empty_one(void **state) {
  (void)state;
  assert_true(debrief_log_check(log_, "s1", &config, &check, &err));
  assert_int_equal(check.bytes + check.lines + check.entries + check.damaged, 0);
}

static void checks_any_file_by_its_path(void **state) {
  (void)state;
  char *path = path_in(folder, "any.log");
  put_file(folder, "any.log", "{\"skill\":1}\n{x}\n");
  assert_true(debrief_log_check_path(path, &config, &check, &err));
  assert_int_equal(check.damaged, 2);
  debrief_read_config foreign = config;
  foreign.foreign = true;
  assert_true(debrief_log_check_path(path, &foreign, &check, &err));
  assert_int_equal(check.damaged, 1);
  assert_int_equal(check.entries, 1);
  free(path);
  assert_false(debrief_log_check_path("/no/such/file", &config, &check, &err));
  assert_int_equal(err.code, DEBRIEF_ENOENT);
  assert_int_equal(check.lines, 0);
}

static void refuses_calls_that_are_wrong(void **state) {
  (void)state;
  assert_false(debrief_log_check(NULL, "s1", NULL, &check, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_false(debrief_log_check(log_, "../s1", NULL, &check, &err));
  assert_int_equal(err.code, DEBRIEF_EID);
  assert_false(debrief_log_check(log_, "s1", NULL, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_false(debrief_log_check_path(NULL, NULL, &check, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  check.struct_size = 0;
  assert_false(debrief_log_check(log_, "s1", NULL, &check, &err));
  assert_string_equal(err.message, "debrief_check.struct_size is 0: set it to sizeof(debrief_check)");
}

static void writes_no_further_than_an_older_caller_has_room(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A "\n");
  check.struct_size = offsetof(debrief_check, blank);
  check.blank = 77;
  assert_true(debrief_log_check(log_, "s1", NULL, &check, &err));
  assert_int_equal(check.lines, 1);
  assert_int_equal(check.blank, 77);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(counts_a_session_without_damage),
      TEST(reports_every_kind_with_its_place),
      TEST(counts_warnings_apart),
      TEST(counts_a_line_once_however_often_it_is_reported),
      TEST(needs_no_callback),
      TEST(takes_a_missing_session_for_an_empty_one),
      TEST(checks_any_file_by_its_path),
      TEST(refuses_calls_that_are_wrong),
      TEST(writes_no_further_than_an_older_caller_has_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
