/* Appending only what a session does not hold yet. */
#include "temp_folder.h"

#include "log/error.h"
#include "log/log_internal.h"
#include "log/append_new.h"

#include <fcntl.h>

static char *folder;
static debrief_log *log_;
static debrief_error err;

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  log_ = debrief_log_open(folder, NULL, &err);
  return log_ == NULL;
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_);
  remove_temp(folder);
  return 0;
}

#define KEYED(kind, key) "{\"session_id\":\"s1\",\"source\":{\"kind\":\"" kind "\",\"key\":\"" key "\"}}\n"
#define PLAIN            "{\"session_id\":\"s1\",\"skill\":\"a\"}\n"

enum { MOST = 8 };

/* Append these lines, up to NULL; returns how many were there already. */
static size_t add(const char *const *lines) {
  debrief_text texts[MOST];
  dbf_append_new unique = {0};
  size_t count = 0;
  dbf_appended done = {0};
  for (; lines[count]; count++) texts[count] = (debrief_text){lines[count], strlen(lines[count])};
  assert_true(dbf_log_append_lines(log_, "s1", texts, count, dbf_append_new_filter, &unique, &done, &err));
  assert_int_equal(done.stored + unique.known, count);
  return unique.known;
}

#define ADD(...) add((const char *const[]){__VA_ARGS__, NULL})

static void the_same_batch_twice_adds_nothing_twice(void **state) {
  (void)state;
  assert_int_equal(ADD(KEYED("k", "1"), KEYED("k", "2")), 0);
  assert_int_equal(ADD(KEYED("k", "1"), KEYED("k", "2")), 2);
  assert_int_equal(ADD(KEYED("k", "2"), KEYED("k", "3"), KEYED("k", "1")), 2);
  assert_file(folder, "s1.jsonl", KEYED("k", "1") KEYED("k", "2") KEYED("k", "3"));
}

static void a_key_twice_in_one_batch_is_taken_once(void **state) {
  (void)state;
  assert_int_equal(ADD(KEYED("k", "1"), KEYED("k", "1"), KEYED("k", "2"), KEYED("k", "1")), 2);
  assert_file(folder, "s1.jsonl", KEYED("k", "1") KEYED("k", "2"));
}

static void entries_without_a_key_are_always_added(void **state) {
  (void)state;
  const char *number = "{\"source\":{\"kind\":\"k\",\"key\":1}}\n", *half = "{\"source\":{\"key\":\"1\"}}\n";
  const char *text = "{\"source\":\"k\"}\n", *null = "{\"source\":null}\n";
  for (int i = 0; i < 2; i++) { assert_int_equal(ADD(PLAIN, PLAIN, number, half, text, null), 0); }
}

static void kind_and_key_are_distinguished(void **state) {
  (void)state;
  assert_int_equal(ADD(KEYED("a", "bc"), KEYED("ab", "c"), KEYED("", "abc"), KEYED("abc", "")), 0);
  assert_int_equal(ADD(KEYED("a", "bc"), KEYED("ab", "c"), KEYED("", "abc"), KEYED("abc", "")), 4);
}

static void every_byte_of_a_key_counts(void **state) {
  (void)state;
  assert_int_equal(ADD(KEYED("k", "a\\u0000b"), KEYED("k", "a\\u0001b"), KEYED("k", "a"),
                       KEYED("k\\u0000a", ""), KEYED("k", "\\u0000a")),
                   0);
  assert_int_equal(ADD(KEYED("k", "a\\u0000b"), KEYED("k", "a\\u0001b"), KEYED("k", "\\u0061")), 3);
}

static void finds_keys_in_a_damaged_file(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl",
           "\xef\xbb\xbf" KEYED("k", "1") "not JSON\n{\"session_id\":\"s1\",\"sk" KEYED("k", "2") "\n[1]\n");
  put_bytes(folder, "s1.jsonl", "a", "\0\0\0" KEYED("k", "3"), sizeof KEYED("k", "3") + 2);
  put_bytes(folder, "s1.jsonl", "a", "{\"session_id\":\"s1\",\"sour", 24);
  assert_int_equal(ADD(KEYED("k", "1"), KEYED("k", "2"), KEYED("k", "3"), KEYED("k", "4")), 3);
  assert_int_equal(ADD(KEYED("k", "4")), 1);
}

static void knows_many_keys_in_linear_time(void **state) {
  (void)state;
  enum { COUNT = 100000, EACH = 80 };
  char *lines = calloc(COUNT, EACH);
  debrief_text *texts = calloc(COUNT, sizeof *texts);
  assert_true(lines && texts);
  for (int round = 0; round < 2; round++) {
    dbf_append_new unique = {0};
    dbf_appended done = {0};
    for (size_t i = 0; i < COUNT; i++) {
      int len = snprintf(lines + i * EACH, EACH, "{\"source\":{\"kind\":\"k\",\"key\":\"%zu\"}}\n", i);
      texts[i] = (debrief_text){lines + i * EACH, (size_t)len};
    }
    assert_true(dbf_log_append_lines(log_, "s1", texts, COUNT, dbf_append_new_filter, &unique, &done, &err));
    assert_int_equal(done.stored, round == 0 ? COUNT : 0);
    assert_int_equal(unique.known, round == 0 ? 0 : COUNT);
  }
  free(lines);
  free(texts);
}

/* A writer that does not lock writes half a line while the keys are read. */
static bool filter_disturbed(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                             debrief_error *e) {
  bool ok = dbf_append_new_filter(user, fd, path, lines, count, e);
  put_bytes(folder, "s1.jsonl", "a", "{\"session_id\":\"s1\",\"sk", 22);
  return ok;
}

static void begins_on_a_new_line_whatever_was_written_meanwhile(void **state) {
  (void)state;
  assert_int_equal(ADD(KEYED("k", "1")), 0);
  debrief_text lines[] = {{KEYED("k", "2"), sizeof KEYED("k", "2") - 1},
                          {KEYED("k", "3"), sizeof KEYED("k", "3") - 1}};
  dbf_append_new unique = {0};
  dbf_appended done = {0};
  assert_true(dbf_log_append_lines(log_, "s1", lines, 2, filter_disturbed, &unique, &done, &err));
  assert_int_equal(done.stored, 2);
  assert_file(folder, "s1.jsonl",
              KEYED("k", "1") "{\"session_id\":\"s1\",\"sk\n" KEYED("k", "2") KEYED("k", "3"));
}

static void a_file_that_cannot_be_read_is_an_error(void **state) {
  (void)state;
  debrief_text line = {PLAIN, sizeof PLAIN - 1};
  dbf_append_new unique = {0};
  char *path = path_in(folder, "write-only");
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_false(dbf_append_new_filter(&unique, fd, path, &line, 1, &err));
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_false(dbf_append_new_filter(&unique, -1, path, &line, 1, &err));
  assert_int_equal(err.code, DEBRIEF_EIO);
  close(fd);
  free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_same_batch_twice_adds_nothing_twice),
      TEST(a_key_twice_in_one_batch_is_taken_once),
      TEST(entries_without_a_key_are_always_added),
      TEST(kind_and_key_are_distinguished),
      TEST(every_byte_of_a_key_counts),
      TEST(finds_keys_in_a_damaged_file),
      TEST(knows_many_keys_in_linear_time),
      TEST(begins_on_a_new_line_whatever_was_written_meanwhile),
      TEST(a_file_that_cannot_be_read_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
