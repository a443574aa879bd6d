/* debrief_log_repair: what it refuses, and what happens when something happens between two steps. */
#include "repair_scene.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <time.h>

/* ---- Refused ----------------------------------------------------------------------------------------------- */

static void refuse(const char *id, debrief_code code) {
  assert_false(debrief_log_repair(log_, id, &repair, &err));
  assert_int_equal(err.code, code);
  assert_false(repair.repaired);
  assert_null(repair.copy);
}

static void refuses_what_is_no_session(void **state) {
  (void)state;
  refuse("s1", DEBRIEF_ENOENT);
  assert_beside("");
  refuse("../s1", DEBRIEF_EID);
  refuse(NULL, DEBRIEF_EARG);
  char *path = path_in(folder, "s1.jsonl");
  assert_int_equal(symlink("elsewhere", path), 0);
  refuse("s1", DEBRIEF_EUNSAFE);
  free(path);
  assert_false(debrief_log_repair(NULL, "s1", &repair, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_false(debrief_log_repair(log_, "s1", NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  repair.struct_size = sizeof(size_t) - 1;
  refuse("s1", DEBRIEF_EARG);
}

static void refuses_a_file_with_hard_links(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl"), *other = path_in(folder, "other");
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_int_equal(link(path, other), 0);
  refuse("s1", DEBRIEF_EUNSAFE);
  assert_non_null(strstr(err.message, " has 2 names (hard links), "));
  assert_file(folder, "s1.jsonl", A "\n{x");
  assert_beside("other");
  free(path);
  free(other);
}

/* As a repair leaves it that was killed before the rename. */
static void a_name_that_a_repair_gave_is_no_matter(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl"), *copy = path_in(folder, "s1.jsonl.broken-20260102T030405Z");
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_int_equal(link(path, copy), 0);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_file(folder, "s1.jsonl", A "\n");
  assert_file(folder, "s1.jsonl.broken-20260102T030405Z", A "\n{x");
  assert_copy(A "\n{x", sizeof A "\n{x" - 1);
  free(path);
  free(copy);
}

static void waits_for_the_lock_no_longer_than_asked_for(void **state) {
  (void)state;
  debrief_log_config config = {.struct_size = sizeof config, .lock_timeout_ms = 30};
  debrief_log_close(log_);
  log_ = debrief_log_open(folder, &config, &err);
  put_file(folder, "s1.jsonl", A "\n{x}\n");
  char *path = path_in(folder, "s1.jsonl");
  int fd = open(path, O_RDWR);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  refuse("s1", DEBRIEF_ELOCKED);
  assert_non_null(strstr(err.message, "s1.jsonl has been locked by another process for more than 30 ms: "
                                      "nothing was written; repair again when it "
                                      "is done"));
  assert_untouched(A "\n{x}\n");
  close(fd);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  free(path);
}

/* ---- In the middle ----------------------------------------------------------------------------------------- */

static int failing;

static int fail_one(int nr) {
  return nr == failing ? EIO : 0;
}

static void undoes_everything_when_a_sync_fails(void **state) {
  (void)state;
  at_sync = fail_one;
  for (failing = 1; failing <= 3; failing++) {
    syncs = 0;
    put_file(folder, "s1.jsonl", A "\n{x");
    refuse("s1", DEBRIEF_EIO);
    assert_untouched(A "\n{x");
  }
}

static void says_so_when_only_the_last_sync_fails(void **state) {
  (void)state;
  at_sync = fail_one;
  failing = 4;
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_false(debrief_log_repair(log_, "s1", &repair, &err));
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_non_null(strstr(err.message, "s1.jsonl was repaired, but its folder cannot be synced, "));
  assert_true(repair.repaired);
  assert_copy(A "\n{x", sizeof A "\n{x" - 1);
  assert_left_out("2:32+2 torn_tail\n");
  assert_file(folder, "s1.jsonl", A "\n");
}

static int append_unlocked(int nr) {
  if (nr == 3) put_bytes(folder, "s1.jsonl", "a", "\n" B "\n", sizeof B + 1);
  return 0;
}

static void leaves_alone_what_a_foreign_writer_appended(void **state) {
  (void)state;
  at_sync = append_unlocked;
  put_file(folder, "s1.jsonl", A "\n{x");
  refuse("s1", DEBRIEF_EIO);
  assert_non_null(strstr(err.message, "somebody who does not lock changed "));
  assert_untouched(A "\n{x\n" B "\n");
}

static int replace_unlocked(int nr) {
  if (nr != 3) return 0;
  char *from = path_in(folder, "new"), *to = path_in(folder, "s1.jsonl");
  put_file(folder, "new", B "\n");
  assert_int_equal(rename(from, to), 0);
  free(from);
  free(to);
  return 0;
}

static void leaves_alone_what_an_editor_made(void **state) {
  (void)state;
  at_sync = replace_unlocked;
  put_file(folder, "s1.jsonl", A "\n{x");
  refuse("s1", DEBRIEF_EIO);
  assert_file(folder, "s1.jsonl", B "\n");
  assert_beside("s1.jsonl.broken"); /* nothing else has the old bytes */
}

static pthread_t second;
static debrief_repair of_second;

static void *repair_too(void *unused) {
  (void)unused;
  of_second = (debrief_repair){.struct_size = sizeof of_second};
  assert_true(debrief_log_repair(log_, "s1", &of_second, NULL));
  return NULL;
}

static int start_second(int nr) {
  if (nr == 1) pthread_create(&second, NULL, repair_too, NULL);
  if (nr == 3)
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL); /* it has seen the damage, and waits */
  return 0;
}

static void repairs_once_when_two_begin(void **state) {
  (void)state;
  at_sync = start_second;
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  pthread_join(second, NULL);
  assert_true(repair.repaired);
  assert_false(of_second.repaired);
  assert_int_equal(of_second.entries, 1);
  assert_null(of_second.copy);
  assert_file(folder, "s1.jsonl", A "\n");
  assert_beside("s1.jsonl.broken");
}

static bool is_locked(void) {
  char *path = path_in(folder, "s1.jsonl");
  int fd = open(path, O_RDWR);
  bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
  assert_true(!locked || errno == EWOULDBLOCK);
  close(fd);
  free(path);
  return locked;
}

static int try_the_lock(int nr) {
  assert_int_equal(is_locked(),
                   nr > 1); /* at last that of the new file, which is given away when all is done */
  return 0;
}

static void holds_the_lock_for_the_rest_only(void **state) {
  (void)state;
  at_sync = try_the_lock;
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_int_equal(syncs, 4);
  assert_false(is_locked());
}

#define C "{\"session_id\":\"s1\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"skill\":\"c\"}"

static int append_meanwhile(int nr) {
  if (nr == 1) {
    assert_true(debrief_log_append_json(log_, "s1", C, sizeof C - 1, &err));
    put_bytes(folder, "s1.jsonl", "a", "{y", 2);
  }
  return 0;
}

/* Behind the lines that are written before the lock is taken. */
static void takes_what_comes_meanwhile(void **state) {
  (void)state;
  at_sync = append_meanwhile;
  put_file(folder, "s1.jsonl", A "\n{x\n" B "\n");
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_file(folder, "s1.jsonl", A "\n" B "\n" C "\n");
  assert_int_equal(repair.entries, 3);
  assert_left_out("2:32+2 bad_json\n5:134+2 torn_tail\n");
  assert_copy(A "\n{x\n" B "\n" C "\n{y", 2 * sizeof A + 3 + sizeof C + 2);
}

static int replace_before_the_lock(int nr) {
  return nr == 1 ? replace_unlocked(3) : 0;
}

static void begins_again_with_a_file_that_took_the_name(void **state) {
  (void)state;
  at_sync = replace_before_the_lock;
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_false(repair.repaired);
  assert_int_equal(repair.entries, 1);
  assert_untouched(B "\n");
}

static int change_before_the_lock(int nr) {
  if (nr == 1) {
    char *path = path_in(folder, "s1.jsonl");
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "{\"", 2, 32), 2);
    close(fd);
    free(path);
  }
  return 0;
}

static void begins_again_with_bytes_that_were_changed(void **state) {
  (void)state;
  at_sync = change_before_the_lock;
  put_file(folder, "s1.jsonl", A "\n{xa\":1}\n");
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_int_equal(repair.entries, 2);
  assert_untouched(A "\n{\"a\":1}\n");
}

static int keeps_open = -1;

static void a_line_that_comes_through_an_old_descriptor_is_in_the_copy(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl");
  put_file(folder, "s1.jsonl", A "\n{x\n");
  keeps_open = open(path, O_WRONLY | O_APPEND);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_int_equal(write(keeps_open, B "\n", sizeof B), sizeof B);
  close(keeps_open);
  assert_copy(A "\n{x\n" B "\n", 2 * sizeof A + 3);
  free(path);
}

/* There are logs with millions of such lines: the list has an end. */
static void lists_the_first_of_what_is_left_out(void **state) {
  (void)state;
  enum { LINES = 12345 };
  char *text = calloc(LINES, 2);
  for (int i = 0; i < LINES; i++) memcpy(text + (size_t)i * 2, "x\n", 2);
  put_bytes(folder, "s1.jsonl", "w", text, (size_t)LINES * 2);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_int_equal(repair.left_out_count, 10000);
  assert_int_equal(repair.left_out_total, LINES);
  assert_int_equal(repair.left_out[9999].line, 10000);
  free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(refuses_what_is_no_session),
      TEST(refuses_a_file_with_hard_links),
      TEST(a_name_that_a_repair_gave_is_no_matter),
      TEST(waits_for_the_lock_no_longer_than_asked_for),
      TEST(undoes_everything_when_a_sync_fails),
      TEST(says_so_when_only_the_last_sync_fails),
      TEST(leaves_alone_what_a_foreign_writer_appended),
      TEST(leaves_alone_what_an_editor_made),
      TEST(repairs_once_when_two_begin),
      TEST(holds_the_lock_for_the_rest_only),
      TEST(takes_what_comes_meanwhile),
      TEST(begins_again_with_a_file_that_took_the_name),
      TEST(begins_again_with_bytes_that_were_changed),
      TEST(a_line_that_comes_through_an_old_descriptor_is_in_the_copy),
      TEST(lists_the_first_of_what_is_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
