/* dbf_lock_wait: which process gets a session's lock, and how long the others wait. Time is the test's own: clock_gettime and
 * nanosleep as the code under test sees them (ld --wrap), so that nothing here waits. */
#include "temp_folder.h"

#include "log/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

static char *folder, *path;
static debrief_error err;
static uint64_t now_us, slept_us, looks;
static int fails[4], failures; /* errno for the next calls of flock */
static uint64_t unlock_at;     /* when the other one lets go; 0: never */
static int other;              /* its descriptor */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
  assert_int_equal(clock, CLOCK_MONOTONIC);
  looks++;
  *time = (struct timespec){(time_t)(now_us / 1000000), (long)(now_us % 1000000) * 1000};
  return 0;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
  (void)left;
  uint64_t us = (uint64_t)wanted->tv_nsec / 1000 + (uint64_t)wanted->tv_sec * 1000000;
  assert_in_range(us, 1, 4000); /* an append that waits notices soon that it can go on */
  slept_us += us;
  now_us += us;
  if (unlock_at && now_us >= unlock_at) assert_int_equal(flock(other, LOCK_UN), 0), unlock_at = 0;
  return 0;
}

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation) {
  if (failures > 0 && fd != other) return errno = fails[--failures], -1;
  return __real_flock(fd, operation);
}

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  path = path_in(folder, "s1.jsonl");
  put_file(folder, "s1.jsonl", "");
  now_us = 5000000;
  slept_us = looks = unlock_at = 0;
  failures = 0;
  other = open(path, O_RDWR);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  close(other);
  free(path);
  remove_temp(folder);
  return 0;
}

/* Wait for the lock on a descriptor of our own; whether it is held afterwards. */
static bool wait_for_lock(uint32_t timeout_ms, uint64_t *deadline) {
  int fd = open(path, O_RDWR);
  bool ok = dbf_lock_wait(fd, "s1.jsonl", "append", timeout_ms, deadline, &err);
  assert_int_equal(flock(other, LOCK_EX | LOCK_NB), ok ? -1 : 0);
  close(fd);
  return ok;
}

static void takes_a_free_lock_without_looking_at_the_clock(void **state) {
  (void)state;
  uint64_t deadline = 0;
  assert_true(wait_for_lock(100, &deadline));
  assert_int_equal(looks, 0);
  assert_int_equal(slept_us, 0);
  assert_int_equal(deadline, 0);
}

static void waits_until_the_lock_is_free(void **state) {
  (void)state;
  uint64_t deadline = 0;
  assert_int_equal(flock(other, LOCK_EX), 0);
  unlock_at = now_us + 50000;
  assert_true(wait_for_lock(100, &deadline));
  assert_in_range(slept_us, 50000, 53000);
  assert_int_equal(deadline, 5100000);
}

static void waits_for_a_shared_lock_too(void **state) {
  (void)state;
  uint64_t deadline = 0;
  assert_int_equal(flock(other, LOCK_SH), 0);
  unlock_at = now_us + 10;
  assert_true(wait_for_lock(100, &deadline));
}

static void gives_up_after_the_time_that_was_asked_for(void **state) {
  (void)state;
  uint64_t deadline = 0;
  int fd = open(path, O_RDWR);
  assert_int_equal(flock(other, LOCK_EX), 0);
  assert_false(dbf_lock_wait(fd, "s1.jsonl", "append", 100, &deadline, &err));
  assert_in_range(slept_us, 100000, 103000);
  assert_int_equal(err.code, DEBRIEF_ELOCKED);
  assert_non_null(strstr(err.message, "s1.jsonl has been locked by another process for more than 100 ms"));
  assert_non_null(strstr(err.message, "append again"));
  assert_int_equal(__real_flock(fd, LOCK_EX | LOCK_NB), -1); /* nothing is locked */
  close(fd);
}

static void has_one_limit_for_several_files(void **state) {
  (void)state;
  uint64_t deadline = now_us + 30000;
  int fd = open(path, O_RDWR);
  assert_int_equal(flock(other, LOCK_EX), 0);
  assert_false(dbf_lock_wait(fd, "s1.jsonl", "append", 100, &deadline, &err));
  assert_in_range(slept_us, 30000, 33000);
  close(fd);
}

static void tries_again_when_a_signal_came(void **state) {
  (void)state;
  uint64_t deadline = 0;
  fails[0] = fails[1] = EINTR;
  failures = 2;
  assert_true(wait_for_lock(100, &deadline));
}

static void gives_up_when_signals_keep_coming(void **state) {
  (void)state;
  uint64_t deadline = 0;
  int fd = open(path, O_RDWR);
  fails[0] = EINTR;
  for (failures = 1; !deadline || now_us < deadline + 10000; failures = 1)
    if (!dbf_lock_wait(fd, "s1.jsonl", "append", 0, &deadline, &err)) break;
  assert_int_equal(err.code, DEBRIEF_ELOCKED);
  close(fd);
}

static void says_why_a_file_cannot_be_locked(void **state) {
  (void)state;
  uint64_t deadline = 0;
  fails[0] = ENOLCK;
  failures = 1;
  assert_false(wait_for_lock(100, &deadline));
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_non_null(strstr(err.message, "cannot lock s1.jsonl: no locks available"));
  assert_non_null(strstr(err.message, "must be on a file system with flock(2)"));
  flock(other, LOCK_UN);
  fails[0] = EBADF;
  failures = 1;
  assert_false(wait_for_lock(100, &deadline));
  assert_non_null(strstr(err.message, "cannot lock s1.jsonl: Bad file descriptor"));
  assert_int_equal(slept_us, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(takes_a_free_lock_without_looking_at_the_clock),
      TEST(waits_until_the_lock_is_free),
      TEST(waits_for_a_shared_lock_too),
      TEST(gives_up_after_the_time_that_was_asked_for),
      TEST(has_one_limit_for_several_files),
      TEST(tries_again_when_a_signal_came),
      TEST(gives_up_when_signals_keep_coming),
      TEST(says_why_a_file_cannot_be_locked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
