/* A child of a fork is distinguished from the process that made it, with and without the kernel's help: madvise is
 * replaced (ld --wrap). */
#include "unit.h"

#include "log/fork_guard.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static enum { AS_IT_IS, REFUSED, IGNORED } advice; /* what becomes of advice */

int __real_madvise(void *at, size_t len, int what);
int __wrap_madvise(void *at, size_t len, int what);
int __wrap_madvise(void *at, size_t len, int what) {
  if (advice == REFUSED) return errno = EINVAL, -1;
  return advice == IGNORED ? 0 : __real_madvise(at, len, what);
}

static void knows_a_child(void) {
  dbf_fork_guard guard;
  int status;
  dbf_fork_guard_set(&guard);
  assert_false(dbf_fork_guard_is_child(&guard));
  pid_t pid = fork();
  if (pid == 0) _exit(dbf_fork_guard_is_child(&guard) ? 17 : 1);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 17);
  assert_false(dbf_fork_guard_is_child(&guard));
  if (advice != AS_IT_IS) assert_null(guard.page);
  dbf_fork_guard_release(&guard);
}

static void by_a_page_that_is_emptied_in_it(void **state) {
  (void)state;
  advice = AS_IT_IS;
  knows_a_child();
}

static void by_its_number_where_there_are_no_such_pages(void **state) {
  (void)state;
  advice = REFUSED;
  knows_a_child();
}

static void by_its_number_where_advice_is_taken_and_not_followed(void **state) {
  (void)state;
  advice = IGNORED;
  knows_a_child();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_a_page_that_is_emptied_in_it),
      cmocka_unit_test(by_its_number_where_there_are_no_such_pages),
      cmocka_unit_test(by_its_number_where_advice_is_taken_and_not_followed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
