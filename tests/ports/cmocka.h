/* cmocka.h: the part of cmocka that our tests use, for processors and C libraries for which Debian's is not at hand. A test
 * that raises a signal ends the program here; with cmocka it only fails. */
#ifndef PORTS_CMOCKA_H
#define PORTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*test)(void **state);
  int (*setup)(void **state);
  int (*teardown)(void **state);
  void *state;
};

enum { PORTS_RUNS, PORTS_FAILED, PORTS_SKIPPED };

static jmp_buf ports_end; /* of the test that runs */

#define cmocka_unit_test(f) \
  { #f, f, NULL, NULL, NULL }
#define cmocka_unit_test_teardown(f, down) \
  { #f, f, NULL, down, NULL }
#define cmocka_unit_test_setup_teardown(f, up, down) \
  { #f, f, up, down, NULL }
#define cmocka_unit_test_prestate_setup_teardown(f, up, down, state) \
  { #f, f, up, down, state }

static inline void print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void print_error(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
}

static inline void ports_end_test(int how) __attribute__((noreturn));
static inline void ports_end_test(int how) {
  longjmp(ports_end, how);
}

static inline void ports_check(int holds, const char *text, const char *file, int line) {
  if (holds) return;
  print_error("# %s:%d: %s\n", file, line, text);
  ports_end_test(PORTS_FAILED);
}

static inline void ports_compare(uintmax_t a, uintmax_t b, int equal, const char *text, const char *file,
                                 int line) {
  if ((a == b) == equal) return;
  print_error("# %s:%d: %s: %#jx and %#jx\n", file, line, text, a, b);
  ports_end_test(PORTS_FAILED);
}

static inline int ports_is_within(uintmax_t a, uintmax_t low, uintmax_t high) {
  return a >= low && a <= high;
}

static inline void ports_compare_texts(const char *a, const char *b, int equal, const char *file, int line) {
  if ((strcmp(a, b) == 0) == equal) return;
  print_error("# %s:%d: \"%s\" and \"%s\"\n", file, line, a, b);
  ports_end_test(PORTS_FAILED);
}

#define PORTS_HERE                    __FILE__, __LINE__
#define assert_true(a)                ports_check(!!(a), #a, PORTS_HERE)
#define assert_false(a)               ports_check(!(a), "not " #a, PORTS_HERE)
#define assert_non_null(a)            ports_check((a) != NULL, #a, PORTS_HERE)
#define assert_null(a)                ports_check((a) == NULL, "NULL: " #a, PORTS_HERE)
#define assert_ptr_equal(a, b)        ports_check((const void *)(a) == (const void *)(b), #a " == " #b, PORTS_HERE)
#define assert_int_equal(a, b)        ports_compare((uintmax_t)(a), (uintmax_t)(b), 1, #a " == " #b, PORTS_HERE)
#define assert_int_not_equal(a, b)    ports_compare((uintmax_t)(a), (uintmax_t)(b), 0, #a " != " #b, PORTS_HERE)
#define assert_string_equal(a, b)     ports_compare_texts(a, b, 1, PORTS_HERE)
#define assert_string_not_equal(a, b) ports_compare_texts(a, b, 0, PORTS_HERE)
#define assert_memory_equal(a, b, n)  ports_check(memcmp(a, b, n) == 0, "the bytes " #a " and " #b, PORTS_HERE)
#define assert_in_range(a, low, high) \
  ports_check(ports_is_within((uintmax_t)(a), (uintmax_t)(low), (uintmax_t)(high)), #a, PORTS_HERE)
#define skip()        ports_end_test(PORTS_SKIPPED)
#define fail()        fail_msg("failed")
#define fail_msg(...) (print_error("# " __VA_ARGS__), print_error("\n"), ports_end_test(PORTS_FAILED))

/* One that fails leaves what it made, as with cmocka: the group goes on with the next one. */
static inline int ports_run(const struct CMUnitTest *t, void *state) {
  volatile int result = setjmp(ports_end);
  if (result != PORTS_RUNS) return result;
  if (t->setup && t->setup(&state) != 0) return PORTS_FAILED;
  t->test(&state);
  return t->teardown && t->teardown(&state) != 0 ? PORTS_FAILED : PORTS_RUNS;
}

static inline int ports_run_all(const struct CMUnitTest *tests, size_t count, int (*setup)(void **),
                                int (*teardown)(void **)) {
  static const char *const said[] = {"ok %zu - %s\n", "not ok %zu - %s\n", "ok %zu # SKIP %s\n"};
  int failed = 0;
  void *state = NULL;
  printf("1..%zu\n", count);
  fflush(stdout); /* children must not print it again */
  if (setup && setup(&state) != 0) return 1;
  for (size_t i = 0; i < count; i++) {
    int result = ports_run(&tests[i], tests[i].state ? tests[i].state : state);
    failed += result == PORTS_FAILED;
    printf(said[result], i + 1, tests[i].name);
    fflush(stdout);
  }
  if (teardown && teardown(&state) != 0) failed++;
  return failed;
}

#define cmocka_run_group_tests(tests, setup, teardown) \
  ports_run_all(tests, sizeof(tests) / sizeof *(tests), setup, teardown)

#endif
