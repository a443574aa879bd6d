/* The history of the prompt: src/program/history.c, which belongs to the program, is taken in whole. */
#include "temp_folder.h"

#include "../../src/program/history.c"

static char *folder;
static char why[PATH_MAX + 128];
static char *seen[HISTORY_MOST + SLACK + 16];
static size_t count;

static void see(const char *statement) {
  seen[count++] = strdup(statement);
}

static void load(void) {
  while (count > 0) free(seen[--count]);
  if (!history_load(see, why, sizeof why)) fail_msg("%s", why);
}

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  setenv("XDG_STATE_HOME", folder, 1);
  load();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  while (count > 0) free(seen[--count]);
  remove_temp(folder);
  return 0;
}

static void keep(const char *statement) {
  if (!history_append(statement, why, sizeof why)) fail_msg("%s", why);
}

static void statements_come_back_whole(void **state) {
  (void)state;
  keep("one");
  keep("for i = 1, 2 do\n\tprint(i)\n\n#1 end");
  keep("größe");
  load();
  assert_int_equal(count, 3);
  assert_string_equal(seen[1], "for i = 1, 2 do\n\tprint(i)\n\n#1 end");
  assert_string_equal(seen[2], "größe");
}

static void a_damaged_file_loses_the_damage_only(void **state) {
  (void)state;
  put_file(folder, "debrief/history", "\tno beginning\none\n\n\ntwo\n\thalf");
  keep("three");
  load();
  assert_int_equal(count, 4);
  assert_string_equal(seen[1], "one");
  assert_string_equal(seen[2], "two\nhalf");
  assert_string_equal(seen[3], "three");
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  assert_int_equal(write(fd, "\0\0\0\0four\n", 9), 9); /* as a power cut leaves it */
  close(fd);
  load();
  assert_string_equal(seen[count - 1], "four");
}

static void what_is_too_long_is_not_kept(void **state) {
  (void)state;
  char *text = malloc(LONGEST + 2);
  memset(text, 'x', LONGEST + 1);
  text[LONGEST + 1] = '\0';
  keep(text);
  keep(text + 1);
  free(text);
  load();
  assert_int_equal(count, 1);
  assert_int_equal(strlen(seen[0]), LONGEST);
}

static void a_large_file_is_halved(void **state) {
  (void)state;
  char *line = malloc(60001);
  memset(line, 'x', 60000);
  line[60000] = '\0';
  for (int i = 0; i < 200; i++) keep(line);
  free(line);
  put_file(folder, "debrief/history.new", "half a st"); /* as one leaves it that was killed */
  keep("last");
  load();
  assert_string_equal(seen[count - 1], "last");
  assert_int_equal(strlen(seen[0]), 60000);
  char left[PATH_MAX + 8];
  snprintf(left, sizeof left, "%s.new", path);
  assert_int_equal(access(left, F_OK), -1);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_in_range(st.st_size, MOST_BYTES / 2 - 60001, MOST_BYTES / 2 + 60001);
}

static void a_link_is_followed_and_stays(void **state) {
  (void)state;
  char real[4096];
  snprintf(real, sizeof real, "%s/elsewhere", folder);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(symlink(real, path), 0);
  for (int i = 0; i < HISTORY_MOST + SLACK + 1; i++) keep("x");
  load();
  assert_int_equal(count, HISTORY_MOST);
  struct stat st;
  assert_int_equal(lstat(path, &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(stat(real, &st), 0);
  assert_int_equal(st.st_size, 2 * HISTORY_MOST);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(symlink("/dev/null", path), 0);
  keep("x");
  load();
  assert_int_equal(count, 0);
}

static void what_stands_in_its_way_is_told(void **state) {
  (void)state;
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_false(history_append("x", why, sizeof why));
  assert_non_null(strstr(why, "/debrief/history: Is a directory"));
  assert_false(history_load(see, why, sizeof why));
  setenv("XDG_STATE_HOME", "not/absolute", 1);
  unsetenv("HOME");
  assert_false(history_load(see, why, sizeof why));
  assert_string_equal(why, "HOME is not set");
}

static void ignore(const char *statement) {
  (void)statement;
}

/* Four append at once to a file that is about to be cut; one of them opens it again and again, as new prompts do. */
static void nothing_is_lost_while_it_is_cut(void **state) {
  (void)state;
  enum { EACH = 1000 };
  for (int i = 0; i < HISTORY_MOST + SLACK - 1000; i++) keep("old");
  for (int writer = 0; writer < 4; writer++) {
    if (fork() > 0) continue;
    for (int i = 0; i < EACH; i++) {
      char text[64];
      snprintf(text, sizeof text, "%d %d\nend", writer, i);
      if (!history_append(text, why, sizeof why)) _exit(1);
      if (writer == 3 && i % 50 == 0 && !history_load(ignore, why, sizeof why)) _exit(1);
    }
    _exit(0);
  }
  for (int writer = 0, status; writer < 4; writer++) {
    wait(&status);
    assert_int_equal(status, 0);
  }
  int next[4] = {0};
  load();
  assert_int_equal(count, HISTORY_MOST);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_in_range(st.st_size, 0, (HISTORY_MOST + SLACK) * 14); /* it was cut */
  for (size_t i = HISTORY_MOST - 4 * EACH; i < count; i++) {
    int writer, number, at = 0;
    assert_int_equal(sscanf(seen[i], "%d %d\nend%n", &writer, &number, &at), 2);
    assert_int_equal(seen[i][at], '\0');
    assert_int_equal(number, next[writer]++);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(statements_come_back_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_file_loses_the_damage_only, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_too_long_is_not_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_large_file_is_halved, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_link_is_followed_and_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_stands_in_its_way_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_is_lost_while_it_is_cut, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
