/* Reading and writing all of it, with signals in between and a byte at a time. */
#include "unit.h"
#include "wrapped.h"

#include "log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SIZE = 1024 * 1024 };

static char text[SIZE], got[SIZE];

static int interrupted; /* every second pread is, and the others return one byte (ld --wrap) */

WRAPPED(ssize_t, pread, (int fd, void *to, size_t len, off_t at));
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at) {
  if (interrupted++ % 2 == 0) return errno = EINTR, -1;
  return __real_pread(fd, to, len > 0, at);
}

static void on_signal(int number) {
  (void)number;
}

/* Reads a pipe to its end, and interrupts the writer between its reads. */
static void *drain(void *argument) {
  const pthread_t *writer = ((void **)argument)[1];
  int fd = *(int *)((void **)argument)[0];
  size_t len = 0;
  for (ssize_t n = 1; n > 0 && len < SIZE; len += (size_t)(n > 0 ? n : 0)) {
    pthread_kill(*writer, SIGUSR1);
    n = read(fd, got + len, SIZE - len);
  }
  return NULL;
}

static void writes_all_whatever_signals_come(void **state) {
  (void)state;
  int ends[2];
  pthread_t self = pthread_self(), reader;
  void *argument[2] = {&ends[0], &self};
  struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */
  assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
  for (size_t i = 0; i < SIZE; i++) text[i] = (char)(i * 7 + i / 251);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(pthread_create(&reader, NULL, drain, argument), 0);
  assert_true(dbf_io_write_all(ends[1], text, SIZE));
  pthread_join(reader, NULL);
  assert_memory_equal(text, got, SIZE);
  close(ends[0]);
  close(ends[1]);
}

static void says_why_it_cannot_write(void **state) {
  (void)state;
  int fd = open("/dev/full", O_WRONLY);
  assert_true(fd >= 0);
  assert_true(dbf_io_write_all(fd, "", 0));
  assert_false(dbf_io_write_all(fd, "a", 1));
  assert_int_equal(errno, ENOSPC);
  close(fd);
}

static void reads_at_the_given_place_and_nothing_past_the_end(void **state) {
  (void)state;
  FILE *file = tmpfile();
  char some[8];
  assert_non_null(file);
  assert_true(dbf_io_write_all(fileno(file), "abcdef", 6));
  assert_int_equal(dbf_io_read_at(fileno(file), some, 3, 2), 3);
  assert_memory_equal(some, "cde", 3);
  assert_int_equal(dbf_io_read_at(fileno(file), some, sizeof some, 4), 2);
  assert_int_equal(dbf_io_read_at(fileno(file), some, sizeof some, 6), 0);
  assert_int_equal(dbf_io_read_at(-1, some, sizeof some, 0), -1);
  assert_int_equal(errno, EBADF);
  fclose(file);
}

static void keeps_off_the_places_of_standard_files(void **state) {
  (void)state;
  int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10), ends[2];
  assert_true(kept >= 10);
  close(STDIN_FILENO);
  assert_true(dbf_io_pipe(ends));
  assert_true(ends[0] > 2 && ends[1] > 2);
  assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
  assert_int_equal(dbf_io_above(ends[0]), ends[0]);
  assert_int_equal(dbf_io_above(-1), -1);
  close(ends[0]);
  close(ends[1]);
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  for (rlim_t most = 0; most < 5;
       most++) { /* 0, 1 and 2 are not enough, and with 4 there is one above them */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, before.rlim_max}), 0);
    bool ok = dbf_io_pipe(ends);
    int e = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(ok);
    assert_true(e == EMFILE || e == EINVAL);
  }
  assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
  close(kept);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_all_whatever_signals_come),
      cmocka_unit_test(says_why_it_cannot_write),
      cmocka_unit_test(reads_at_the_given_place_and_nothing_past_the_end),
      cmocka_unit_test(keeps_off_the_places_of_standard_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
