/* One file that took the place of another, and is itself replaced before it was read to its end. */
#include "temp_folder.h"

#include "log/tail.h"

#include <fcntl.h>
#include <sys/syscall.h>

#define LINE(skill) "{\"session_id\":\"s1\",\"skill\":\"" skill "\"}\n"

static char *folder;
size_t bytes_read; /* not static: glibc's headers make pread an inline function where they check its buffer */

ssize_t pread(int fd, void *to, size_t len, off_t at) {
  ssize_t n = syscall(SYS_pread64, fd, to, len, at);
  if (n > 0) bytes_read += (size_t)n;
  return n;
}

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  remove_temp(folder);
  return 0;
}

/* The tail of a new file that holds `text`, read a few bytes at a time. */
static dbf_tail *tail_of(const char *name, const char *text) {
  debrief_error err;
  dbf_tail_options options = {.block = 40};
  put_file(folder, name, text);
  char *path = path_in(folder, name);
  dbf_tail *tail = dbf_tail_new(open(path, O_RDONLY | O_CLOEXEC), "s1.jsonl", "s1", &options, &err);
  free(path);
  assert_non_null(tail);
  return tail;
}

/* The entries of the next look: the skill of each, one letter. */
static void assert_look_gives(dbf_tail *tail, const char *expected) {
  debrief_error err;
  dbf_record record;
  char got[16] = "";
  if (dbf_tail_look(tail, &err) == DBF_TAIL_LINES)
    while (dbf_tail_next(tail, &record, &err) == DEBRIEF_NEXT_ENTRY)
      strncat(got, record.entry->text + sizeof "{\"session_id\":\"s1\",\"skill\":\"" - 1, 1);
  assert_string_equal(got, expected);
}

static void what_was_given_is_passed_on_by_a_file_that_was_not_read_to_its_end(void **state) {
  (void)state;
  debrief_error err;
  dbf_tail *first = tail_of("1", LINE("a") LINE("b"));
  assert_look_gives(first, "a");
  assert_look_gives(first, "b");
  dbf_tail *second = tail_of("2", LINE("a") LINE("b") LINE("c"));
  assert_true(dbf_tail_replaces(second, first, &err));
  assert_look_gives(second, ""); /* a, which was given; b and c are not reached */
  dbf_tail *third = tail_of("3", LINE("b") LINE("a") LINE("c"));
  assert_true(dbf_tail_replaces(third, second, &err));
  assert_look_gives(third, "");
  assert_look_gives(third, "");
  assert_look_gives(third, "c");
  dbf_tail_free(first);
  dbf_tail_free(second);
  dbf_tail_free(third);
}

/* Lines are counted when one of them is to be numbered. */
static void going_to_the_end_does_not_read_the_file(void **state) {
  (void)state;
  debrief_error err;
  dbf_tail *tail = tail_of("1", LINE("a"));
  char *path = path_in(folder, "1");
  tail->options.block = 64 * 1024;
  assert_int_equal(truncate(path, 8 << 20), 0);
  put_bytes(folder, "1", "a", "\n", 1);
  bytes_read = 0;
  assert_true(dbf_tail_to_end(tail, &err));
  assert_int_equal(dbf_tail_look(tail, &err), DBF_TAIL_NOTHING);
  assert_true(bytes_read < 200000);
  put_bytes(folder, "1", "a", LINE("b"), sizeof LINE("b") - 1);
  assert_look_gives(tail, "b");
  assert_int_equal(tail->lines, 3);
  dbf_tail_free(tail);
  free(path);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(what_was_given_is_passed_on_by_a_file_that_was_not_read_to_its_end),
      TEST(going_to_the_end_does_not_read_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
