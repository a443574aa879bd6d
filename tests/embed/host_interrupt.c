/* Interrupts: whatever Lua code runs is stopped, by a signal handler or another thread, and the host works on. */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* ThreadSanitizer calls signal handlers only where the program calls the system. */
#if defined(__SANITIZE_THREAD__)
#define BODY "debrief.host.begin()"
enum { ANY_CODE = false };
#else
#define BODY ""
enum { ANY_CODE = true };
#endif
#define SPIN "while true do " BODY " end "

static atomic_bool begun; /* the code under test runs */

static bool begin(void *user, debrief_call *call) {
  (void)user, (void)call;
  atomic_store(&begun, true);
  return true;
}

/* The interrupt that is waited for came: wait for another. */
static pthread_t second;
static void *interrupt_once(void *user);

static bool finish(void *user, debrief_call *call) {
  (void)user, (void)call;
  return pthread_create(&second, NULL, interrupt_once, NULL) == 0;
}

static void nap(long ms) {
  nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Interrupt when the code has begun, as soon as there is something to interrupt. */
static void *interrupt_once(void *user) {
  (void)user;
  while (!atomic_load(&begun)) nap(1);
  nap(5);
  while (debrief_interrupt(host) == DEBRIEF_INTERRUPT_NOTHING) nap(1);
  return NULL;
}

static void open_host(int signal) {
  open_with((debrief_config){.signal = signal, .workers = 2});
  assert_true(debrief_register(host, "begin", begin, NULL, DEBRIEF_ANY_THREAD, &err));
  assert_true(debrief_register(host, "finish", finish, NULL, DEBRIEF_ANY_THREAD, &err));
}

static int set_up_signal(void **state) {
  set_up(state);
  open_host(SIGURG);
  return 0;
}

static void must_work(void) {
  static const char code[] =
      "assert(debug.gethook() == nil)\n"
      "local co = coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i) end end)\n"
      "local n = 0 for _ = 1, 100 do n = n + co() end return n .. (kept or '')";
  debrief_text json;
  if (!debrief_eval(host, (debrief_text){code, strlen(code)}, &json, &err)) fail_msg("%s", err.message);
  assert_string_equal(json.data, "\"5050x\"");
}

static void is_stopped(const char *name, const char *code) {
  char text[2048];
  pthread_t thread;
  snprintf(text, sizeof text, "kept = 'x' local function loop() debrief.host.begin() " SPIN "end\n%s", code);
  atomic_store(&begun, false);
  pthread_create(&thread, NULL, interrupt_once, NULL);
  bool ok = debrief_run_text(host, name, (debrief_text){text, strlen(text)}, NULL, NULL, &err);
  pthread_join(thread, NULL);
  if (ok || err.code != DEBRIEF_EINTERRUPTED) fail_msg("%s: %d %s", name, ok, err.message);
  must_work();
}

static void lua_code_is_stopped_wherever_it_is(void **state) {
  (void)state;
  static const char *const codes[][2] = {
      {"loop", "loop()"},
      {"coroutine", "coroutine.resume(coroutine.create(loop))"},
      {"nested", "coroutine.wrap(function() coroutine.wrap(function() coroutine.wrap(loop)() end)() end)()"},
      {"iterator", "for _ in coroutine.wrap(loop) do end"},
      {"generator", "debrief.host.begin() for _ in coroutine.wrap(function() while true do "
                    "coroutine.yield(1) end end) do end"},
      {"pcall", "while true do pcall(loop) end"},
      {"pcalls", "while true do pcall(function() while true do pcall(loop) end end) end"},
      {"last pcall", "return pcall(loop)"},
      {"xpcall", "while true do xpcall(loop, debug.traceback) end"},
      {"pcall and coroutine",
       "while true do pcall(coroutine.wrap(loop)) coroutine.resume(coroutine.create(loop)) end"},
      {"close", "local c <close> = setmetatable({}, { __close = loop })"},
      {"coroutine.close",
       "local co = coroutine.wrap(function() local c <close> = setmetatable({}, { __close = loop })\n"
       "coroutine.yield() end) co() for _ in co do end"},
      {"metamethod", "return setmetatable({}, { __index = loop }).x"},
      {"sort",
       "debrief.host.begin() while true do table.sort({ 3, 1, 2 }, function(a, b) return a < b end) end"},
      {"gsub", "debrief.host.begin() while true do ('x'):rep(100):gsub('x', function() end) end"},
      {"entries",
       "log:append('s1', {}) debrief.host.begin() while true do for _ in log:entries() do end end"},
      {"entries and pcall", "log:append('s1', {}) debrief.host.begin()\n"
                            "while true do pcall(function() for _ in log:entries() do end end) end"},
      {"follow", "debrief.host.begin() for _ in log:follow {} do end"},
      {"process", "debrief.host.begin() require 'debrief.core'.run { 'sleep', '1000', timeout_ms = 100000 }"},
      {"require", "package.preload.slow = loop require 'slow'"},
  };
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (ANY_CODE || strstr(codes[i][1], "loop") || strstr(codes[i][1], "log:"))
      is_stopped(codes[i][0], codes[i][1]);
}

static void put_slow_plugin(void) {
  put_plugin("slow",
             "retrospective = { init = function() return {} end,\n"
             "step = function() local debrief = require 'debrief' while true do pcall(function()\n"
             "debrief.host.begin() " SPIN "end) end end,\n"
             "merge = function() end, finish = function() return { title = 'x' } end },\n"
             "enrich = function() local debrief = require 'debrief' debrief.host.begin() " SPIN "end");
  put_file(folder, "s1.jsonl", "{\"session_id\":\"s1\"}\n");
}

static void a_retrospective_is_stopped_with_its_workers(void **state) {
  (void)state;
  put_slow_plugin();
  is_stopped("one", "log:retro('slow', { workers = 1 })");
  is_stopped("two", "log:retro('slow', { workers = 2 })");
  is_stopped("again and again", "while true do pcall(log.retro, log, 'slow', { workers = 2 }) end");
}

static void an_enricher_is_stopped_and_nothing_is_appended(void **state) {
  (void)state;
  pthread_t thread;
  debrief_query query = reporting();
  query.enrich = "slow";
  put_slow_plugin();
  atomic_store(&begun, false);
  pthread_create(&thread, NULL, interrupt_once, NULL);
  assert_false(debrief_append_json(host, "s1", "{\"a\":1}", 7, &query, &err));
  pthread_join(thread, NULL);
  assert_failed(DEBRIEF_EINTERRUPTED, "interrupted");
  char *text = get_file(folder, "s1.jsonl");
  assert_string_equal(text, "{\"session_id\":\"s1\"}\n");
  free(text);
}

/* One made while the hook is set has it, too. */
static void a_coroutine_that_kept_the_hook_runs(void **state) {
  (void)state;
  is_stopped(
      "sleeper",
      "local core, co = require 'debrief.core', nil\n"
      "local function handler() co = coroutine.create(function(n) while true do n = n + coroutine.yield(n) "
      "end end) end\n"
      "core.guard(handler, loop)\n"
      "assert(debug.gethook(co) == 'external hook')\n"
      "assert(select(2, coroutine.resume(co, 1)) == 1 and select(2, coroutine.resume(co, 5)) == 6)\n"
      "assert(debug.gethook(co) == nil and coroutine.status(co) == 'suspended' and coroutine.close(co))\n"
      "debrief.host.finish() loop()");
  pthread_join(second, NULL);
}

static void a_guard_ends_what_is_in_it_only(void **state) {
  (void)state;
  pthread_t thread;
  static const char code[] =
      "local core = require 'debrief.core'\n"
      "local function loop() debrief.host.begin() while true do pcall(function() " SPIN "end) end end\n"
      "local ok, message, how = core.guard(function(m) return 'handled: ' .. m end, loop)\n"
      "assert(not ok and message == 'handled: interrupted' and how == 'interrupted', message)\n"
      "for i = 1, 1000 do assert(select('#', core.guard(nil, function(...) return ... end, nil, nil)) == 3) "
      "end\n"
      "assert(select(2, core.guard(nil, error, 'x')) == 'x')\n"
      "went_on = true";
  atomic_store(&begun, false);
  pthread_create(&thread, NULL, interrupt_once, NULL);
  bool ok = debrief_run_text(host, "x", (debrief_text){code, strlen(code)}, NULL, NULL, &err);
  pthread_join(thread, NULL);
  if (!ok) fail_msg("%s", err.message);
}

static void without_a_signal_bindings_look(void **state) {
  (void)state;
  open_host(0);
  is_stopped("entries",
             "log:append('s1', {}) debrief.host.begin() while true do for _ in log:entries() do end end");
  is_stopped("pcall", "log:append('s1', {}) debrief.host.begin()\n"
                      "while true do pcall(function() for _ in log:entries() do end end) end");
  is_stopped("coroutines", "debrief.host.begin() while true do coroutine.wrap(function() end)() end");
  is_stopped("follow", "debrief.host.begin() for _ in log:follow {} do end");
  is_stopped("process",
             "debrief.host.begin() require 'debrief.core'.run { 'sleep', '1000', timeout_ms = 100000 }");
  is_stopped("long text", "log:append('s1', {}) local e for x in log:entries() do e = x end\n"
                          "local text = debrief.json('\"' .. ('x'):rep(100000) .. '\"')\n"
                          "debrief.host.begin() while true do e.input = text end");
}

/* The clock of this process's processors, seconds. */
static double spent(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* With a signal by a timer, without by counting what Lua does. */
static void a_hook_gets_the_time_of_the_config(void **state) {
  (void)state;
  put_plugin("spin", "filter = function() while true do end end");
  put_plugin("deaf", "filter = function() while true do pcall(function() while true do end end) end end");
  for (int with = ANY_CODE ? 1 : 0; with >= 0; with--) {
    open_with((debrief_config){.signal = with ? SIGURG : 0, .workers = 1, .plugin_time_ms = 50});
    add("s1", SKILL("a"));
    for (int i = 0; i < 2; i++) {
      debrief_query query = {
          .struct_size = sizeof query, .filter = i ? "deaf" : "spin", .on_problem = on_problem};
      debrief_found found;
      double before = spent();
      *reported = '\0';
      debrief_entries *entries = debrief_query_entries(host, &query, &err);
      assert_non_null(entries);
      assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_END);
      debrief_entries_close(entries);
      if (!strstr(reported, i ? "deaf.filter s1:1" : "spin.filter s1:1")) fail_msg("%s", reported);
      assert_true(spent() - before < 3);
    }
  }
}

/* ---- Limits of time ---------------------------------------------------------------------------------------------- */

static double elapsed(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Milliseconds: too few for what does not end, enough for what is quick, though not in one go; more under valgrind. */
static unsigned short_limit(void) {
  const char *under = getenv("UNDER");
  return under && *under ? 1500 : 25;
}

/* On a machine that is busy even this may take longer than it may. */
static void works_on(const char *code) {
  debrief_text json;
  bool ok = false;
  for (int i = 0; i < 200 && !ok; i++) {
    ok = debrief_eval(host, (debrief_text){code, strlen(code)}, &json, &err);
    if (!ok && err.code != DEBRIEF_EINTERRUPTED) fail_msg("%s", err.message);
  }
  assert_true(ok);
}

static void takes_too_long(const char *code) {
  double before = elapsed();
  bool ok = debrief_run_text(host, "x", (debrief_text){code, strlen(code)}, NULL, NULL, &err);
  if (ok || err.code != DEBRIEF_EINTERRUPTED || !strstr(err.message, " ms that debrief_config.time_limit_ms"))
    fail_msg("%s: %s", code, err.message);
  assert_true(elapsed() - before >= 0.025 && elapsed() - before < 10);
  works_on("1");
}

static const char *const endless[] = {
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()",
    "local f = coroutine.wrap(function() while 1 do coroutine.yield() end end) while 1 do f() end",
    "log:append('s1', {}) while true do for _ in log:entries() do end end",
    "for _ in log:follow {} do end",
    "require 'debrief.core'.run { 'sleep', '1000', timeout_ms = 100000 }",
    "log:retro('slow', { workers = 1 })",
    "log:retro('slow', { workers = 2 })",
    "while true do pcall(log.retro, log, 'slow') end",
};

static void a_call_has_so_much_time(void **state) {
  (void)state;
  put_plugin("slow", "retrospective = { init = function() return {} end, merge = function() end,\n"
                     "step = function() while true do pcall(function() while true do end end) end end,\n"
                     "finish = function() return { title = 'x' } end }");
  for (int with = ANY_CODE ? 1 : 0; with >= 0; with--)
    for (int budget = 0; budget < 2; budget++) {
      open_with((debrief_config){
          .signal = with ? SIGURG : 0, .time_limit_ms = short_limit(), .plugin_time_ms = budget ? 5000 : 0});
      add("s1", SKILL("a"));
      for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) takes_too_long(endless[i]);
    }
}

static void what_is_quick_goes_on(void **state) {
  (void)state;
  debrief_text json;
  for (int with = 1; with >= 0; with--) {
    open_with((debrief_config){.signal = with ? SIGURG : 0, .time_limit_ms = 60000, .workers = 1});
    for (int i = 0; i < 10; i++) {
      static const char code[] = "local n = 0 for i = 1, 200000 do n = n + 1 end return n";
      assert_true(debrief_eval(host, (debrief_text){code, sizeof code - 1}, &json, &err));
      assert_string_equal(json.data, "200000");
    }
    add("s1", SKILL("a"));
    debrief_result *result = debrief_retro(host, "summary", NULL, &err);
    assert_non_null(result);
    debrief_result_close(result);
  }
}

/* A hook of the script's stays. */
static void a_limit_leaves_no_hook(void **state) {
  (void)state;
  static const char code[] =
      "assert(debug.gethook() == 'external hook') kept = coroutine.create(function() end)\n"
      "debug.sethook(function() end, 'c')";
  open_with((debrief_config){.time_limit_ms = 60000});
  assert_true(debrief_run_text(host, "x", (debrief_text){code, sizeof code - 1}, NULL, NULL, &err));
  static const char theirs[] = "assert(type(debug.gethook()) == 'function') debug.sethook()";
  assert_true(debrief_run_text(host, "x", (debrief_text){theirs, sizeof theirs - 1}, NULL, NULL, &err));
  static const char after[] = "coroutine.resume(kept)";
  assert_true(debrief_run_text(host, "x", (debrief_text){after, sizeof after - 1}, NULL, NULL, &err));
}

/* Without a signal, the hook that looks at the clock sees an interrupt, too. */
static void with_a_limit_interrupts_need_no_signal(void **state) {
  (void)state;
  open_with((debrief_config){.time_limit_ms = 100000, .workers = 2});
  assert_true(debrief_register(host, "begin", begin, NULL, DEBRIEF_ANY_THREAD, &err));
  static const char code[] = "debrief.host.begin() while true do pcall(function() while true do end end) end";
  pthread_t thread;
  atomic_store(&begun, false);
  pthread_create(&thread, NULL, interrupt_once, NULL);
  assert_false(debrief_run_text(host, "x", (debrief_text){code, sizeof code - 1}, NULL, NULL, &err));
  pthread_join(thread, NULL);
  assert_failed(DEBRIEF_EINTERRUPTED, "interrupted");
}

/* A callback of one host works in another one without a limit, beyond the time of the first. */
static bool work_long(void *user, debrief_call *call) {
  static const char code[] = "local core = require 'debrief.core' local from = core.clock()\n"
                             "while core.clock() - from < 40000000 do end return 1";
  debrief_text json;
  (void)call;
  return debrief_eval(user, (debrief_text){code, sizeof code - 1}, &json, NULL);
}

static void a_limit_is_for_one_host(void **state) {
  (void)state;
  for (int with = 1; with >= 0; with--) {
    debrief_config config = {.struct_size = sizeof config, .dir = folder, .signal = SIGURG};
    debrief *other = debrief_open(&config, &err);
    open_with((debrief_config){.signal = with ? SIGURG : 0, .time_limit_ms = short_limit()});
    assert_true(debrief_register(host, "work", work_long, other, DEBRIEF_HOST_THREAD, &err));
    takes_too_long("debrief.host.work() worked = true while true do end");
    works_on("worked");
    debrief_close(other);
  }
}

/* On the other stack of a thread that has one, and system calls go on: so Go wants it. */
static void the_handler_is_as_other_runtimes_want_it(void **state) {
  (void)state;
  struct sigaction action;
  assert_int_equal(sigaction(SIGURG, NULL, &action), 0);
  assert_int_equal(action.sa_flags & (SA_ONSTACK | SA_RESTART | SA_SIGINFO),
                   SA_ONSTACK | SA_RESTART | SA_SIGINFO);
}

static void between_calls_there_is_nothing_to_stop(void **state) {
  (void)state;
  assert_int_equal(debrief_interrupt(host), DEBRIEF_INTERRUPT_NOTHING);
  assert_int_equal(debrief_interrupt(NULL), DEBRIEF_INTERRUPT_NOTHING);
  raise(SIGURG); /* from elsewhere: harmless */
  debrief_text json;
  assert_true(debrief_eval(host, (debrief_text){"1", 1}, &json, &err));
}

/* A function of one host that asks another. */
static bool ask_other(void *user, debrief_call *call) {
  debrief_text json;
  (void)call;
  assert_int_equal(debrief_interrupt(host), DEBRIEF_INTERRUPT_SENT);
  assert_int_equal(debrief_interrupt(host), DEBRIEF_INTERRUPT_STILL);
  return debrief_eval(user, (debrief_text){"1 + 1", 5}, &json, NULL) && strcmp(json.data, "2") == 0;
}

static void an_interrupt_is_for_one_host(void **state) {
  (void)state;
  debrief_config config = {.struct_size = sizeof config, .dir = folder, .signal = SIGURG};
  debrief *other = debrief_open(&config, &err);
  static const char code[] = "debrief.host.ask() kept = 'went on'";
  assert_true(debrief_register(host, "ask", ask_other, other, DEBRIEF_HOST_THREAD, &err));
  assert_false(debrief_run_text(host, "x", (debrief_text){code, strlen(code)}, NULL, NULL, &err));
  assert_failed(DEBRIEF_EINTERRUPTED, "interrupted");
  debrief_text json;
  assert_true(debrief_eval(host, (debrief_text){"kept", 4}, &json, &err));
  assert_string_equal(json.data, "null");
  debrief_close(other);
}

static void a_finalizer_that_raises_is_no_harm(void **state) {
  (void)state;
  static const char code[] = "kept = setmetatable({}, { __gc = function() error 'x' end })\n"
                             "theirs = setmetatable({}, { __gc = function(t) t() end })";
  assert_true(debrief_run_text(host, "x", (debrief_text){code, strlen(code)}, NULL, NULL, &err));
}

static void ignore(int number) {
  (void)number;
}

static void a_signal_that_is_taken_is_refused(void **state) {
  (void)state;
  signal(SIGUSR2, ignore);
  debrief_config config = {.struct_size = sizeof config, .signal = SIGUSR2};
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "there is a handler already");
  config.signal = SIGKILL;
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "cannot be used");
  signal(SIGUSR2, SIG_DFL);
}

static atomic_bool storm;

static void *interrupt_often(void *user) {
  (void)user;
  for (unsigned n = 0; atomic_load(&storm); n++) {
    debrief_interrupt(host);
    if (n % 64 == 0) sched_yield();
  }
  return NULL;
}

/* No call is stopped by an interrupt of the one before: one that is sent while nothing runs does nothing, and one that
 * was acknowledged takes effect. */
static void a_storm_of_interrupts_does_no_harm(void **state) {
  (void)state;
  pthread_t threads[2];
  int stopped = 0;
  static const char code[] =
      "for i = 1, 300 do coroutine.wrap(function() pcall(function() n = (n or 0) + 1 end) end)() end";
  atomic_store(&storm, true);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, interrupt_often, NULL);
  for (int i = 0; i < 2000; i++) {
    if (debrief_run_text(host, "x", (debrief_text){code, strlen(code)}, NULL, NULL, &err)) continue;
    if (err.code != DEBRIEF_EINTERRUPTED) fail_msg("%d %s", (int)err.code, err.message);
    stopped++;
  }
  atomic_store(&storm, false);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  assert_true(stopped > 0);
  for (int i = 0; i < 100; i++)
    assert_true(debrief_run_text(host, "x", (debrief_text){code, strlen(code)}, NULL, NULL, &err));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_signal, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(lua_code_is_stopped_wherever_it_is),
      TEST(a_retrospective_is_stopped_with_its_workers),
      TEST(an_enricher_is_stopped_and_nothing_is_appended),
      TEST(a_coroutine_that_kept_the_hook_runs),
      TEST(a_guard_ends_what_is_in_it_only),
      TEST(without_a_signal_bindings_look),
      cmocka_unit_test_setup_teardown(a_hook_gets_the_time_of_the_config, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_call_has_so_much_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_quick_goes_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_limit_leaves_no_hook, set_up, tear_down),
      cmocka_unit_test_setup_teardown(with_a_limit_interrupts_need_no_signal, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_limit_is_for_one_host, set_up, tear_down),
      TEST(the_handler_is_as_other_runtimes_want_it),
      TEST(between_calls_there_is_nothing_to_stop),
      TEST(a_signal_that_is_taken_is_refused),
      TEST(an_interrupt_is_for_one_host),
      TEST(a_finalizer_that_raises_is_no_harm),
      TEST(a_storm_of_interrupts_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
