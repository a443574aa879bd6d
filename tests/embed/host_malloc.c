/* malloc fails, one call after the other: a function of the host says so, and the host goes on. */
#include "host.h"

#include "../torture/figure.h"

#include <errno.h>
#include <stdatomic.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
int main(void) {
  puts("1..1\nok 1 # SKIP malloc belongs to the sanitizer");
  return 0;
}
#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static atomic_long count, fail_at; /* fail_at: the number of the call that fails; 0: none */
static long failed_in_all;
static atomic_bool for_good; /* all later ones fail too */

static bool fails(void) {
  long n = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
  bool now = at && (n == at || (n > at && atomic_load(&for_good)));
  if (now) errno = ENOMEM;
  return now;
}

void *malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *block, size_t size) {
  return size && fails() ? NULL : __libc_realloc(block, size);
}

static const char script[] = "local report, message = log:retro('sum', { workers = 2 })\n"
                             "if not report then error(message, 0) end\n"
                             "for _, p in ipairs(report.problems) do error(p.message, 0) end\n"
                             "for e in log:entries() do seen = debrief.table(e) end\n"
                             "assert(log:check 's1')\n"
                             "assert(report:text():find('sum'))";

/* True, or false when the message is about memory, or threads, which need some. */
static bool fine(bool ok) {
  if (ok) return true;
  if (!strstr(err.message, "emory") && !strstr(err.message, "no thread"))
    fail_msg("%d: %s", (int)err.code, err.message);
  return false;
}

static bool work(void) {
  debrief_query query = reporting();
  query.enrich = "team";
  bool ok = fine(debrief_append_json(host, "s1", SKILL("a"), strlen(SKILL("a")), &query, &err));
  ok = fine(debrief_run_text(host, "all", (debrief_text){script, strlen(script)}, NULL, NULL, &err)) && ok;
  return ok;
}

/* How many calls of malloc it took. */
static long once(bool (*function)(void), long at, bool ever_after) {
  atomic_store(&for_good, ever_after);
  atomic_store(&count, 0);
  atomic_store(&fail_at, at);
  failed_in_all += at > 0;
  function();
  atomic_store(&fail_at, 0);
  return atomic_load(&count);
}

static bool open_and_close(void) {
  debrief_config config = {.struct_size = sizeof config, .dir = folder, .plugin_path = folder};
  debrief *other = debrief_open(&config, &err);
  debrief_close(other);
  return fine(other != NULL);
}

static void a_host_is_opened_or_there_is_no_memory(void **state) {
  (void)state;
  long all = once(open_and_close, 0, false);
  assert_true(all > 2);
  for (long at = 1; at <= all; at++) {
    once(open_and_close, at, false);
    once(open_and_close, at, true);
  }
}

/* lua-cjson ends the process when it is loaded without memory: it is loaded before. */
static void a_host_lives_on(void **state) {
  (void)state;
  put_plugin("team", "enrich = function(entry) entry.team = ('x'):rep(3) end");
  put_plugin("sum",
             "retrospective = {\n"
             "init = function() return { n = 3 } end, step = function(acc, e) acc[#acc + 1] = e.skill end,\n"
             "merge = function(acc, o) table.move(o, 1, #o, #acc + 1, acc) end,\n"
             "finish = function(acc) return { title = 'sum' } end }");
  assert_true(work());
  long all = once(work, 0, false);
  for (long at = 1; at <= all; at += getenv("TORTURE") ? 1 : all / 100 + 1) {
    once(work, at, false);
    once(work, at, true);
    if (!work()) fail_msg("with memory again, after failing at %ld: %s", at, err.message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_host_is_opened_or_there_is_no_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_host_lives_on, set_up, tear_down),
  };
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  figure("allocations and calls", "allocations of a host that failed", "every one handled", failures == 0,
         "%ld, %d tests failed", failed_in_all, failures);
  return failures;
}
#endif
