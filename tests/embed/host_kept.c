/* States that a host keeps between retrospectives: they save their making, and nothing else goes from one to the next. */
#include "host.h"

#include <dirent.h>
#include <stdatomic.h>

/* Bytes that the host has from `allocate`, and that it has ever asked for; worker threads ask, too. */
static atomic_size_t held, asked;

static void *allocate(void *user, void *block, size_t old_size, size_t new_size) {
  (void)user;
  if (!block) old_size = 0;
  void *to = new_size ? realloc(block, new_size) : NULL;
  if (!new_size) free(block);
  if (!to && new_size) return NULL;
  held += new_size - old_size;
  if (new_size > old_size) asked += new_size - old_size;
  return to;
}

static void open_counted(debrief_config config) {
  config.allocate = allocate;
  open_with(config);
}

static int with_log(void **state) {
  set_up(state);
  held = asked = 0;
  open_counted((debrief_config){.workers = 1});
  add("a", "{\"skill\":\"review\",\"attempts\":[{\"attempt\":1,\"verified\":true}],\"final_status\":\"ok\"}");
  add("b", "{\"skill\":\"debug\",\"final_status\":\"error\"}");
  return 0;
}

static int and_nothing_is_left(void **state) {
  tear_down(state);
  assert_int_equal(held, 0);
  return 0;
}

/* A retrospective NAME whose finish evaluates to a title; `before` stands at the top of the file. */
static void put_title(const char *name, const char *before, const char *title) {
  char text[4096], file[64];
  snprintf(text, sizeof text,
           "%s\nreturn { name = '%s', api = 1, retrospective = { init = function() return { n = 0 } end,\n"
           "step = function(acc, entry) acc.n = acc.n + 1 end,\n"
           "merge = function(a, b) a.n = a.n + b.n end,\n"
           "finish = function(acc) return { title = tostring(%s) } end } }\n",
           before, name, title);
  snprintf(file, sizeof file, "%s.lua", name);
  put_file(folder, file, text);
}

static void assert_title(const char *plugin, const char *title) {
  debrief_result *result = debrief_retro(host, plugin, NULL, &err);
  if (!result) fail_msg("%s: %s", plugin, err.message);
  if (!result->report_count) fail_msg("%s: %s", plugin, result->problems[0]->message);
  assert_string_equal(result->reports[0]->title.data, title);
  debrief_result_close(result);
}

static size_t asked_for(const char *plugin, const char *title) {
  size_t before = asked;
  assert_title(plugin, title);
  return asked - before;
}

static int descriptors(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (d && readdir(d)) n++;
  closedir(d);
  return n;
}

static void the_second_one_makes_no_state(void **state) {
  (void)state;
  size_t first = asked_for("pass_rate", "Pass rate"), second = asked_for("pass_rate", "Pass rate");
  if (second * 4 > first) fail_msg("%zu bytes, then %zu", first, second);
  assert_true(asked_for("skills", "Skills") * 4 < first);
}

static void what_they_hold_does_not_grow(void **state) {
  (void)state;
  debrief_query query = {.struct_size = sizeof query, .where = "skill ~= 'x'"};
  for (int i = 0; i < 20; i++) assert_title("pass_rate", "Pass rate");
  size_t before = held;
  int open = descriptors();
  for (int i = 0; i < 150; i++) {
    assert_title(i % 2 ? "pass_rate" : "skills", i % 2 ? "Pass rate" : "Skills");
    debrief_found found;
    debrief_entries *entries = debrief_query_entries(host, &query, &err);
    assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    debrief_entries_close(entries);
  }
  if (held > before + (8 << 20)) fail_msg("%zu bytes, then %zu", before, (size_t)held);
  assert_int_equal(descriptors(), open);
}

/* On the caller's thread, and on one of a crew. */
static void each_has_its_own_plugin(void **state) {
  (void)state;
  debrief_value value = {.kind = DEBRIEF_BOOLEAN};
  put_title("counts", "local n, seen = 0, {}\nn = n + 1\nseen[#seen + 1] = n", "n .. #seen .. acc.n");
  put_title("later", "local n = 0", "(function() n = n + 1 return n end)()");
  for (int crews = 0; crews < 2; crews++) {
    open_counted((debrief_config){.workers = crews ? 2 : 1});
    if (crews) assert_true(debrief_set(host, "some", &value, &err));
    for (int i = 0; i < 3; i++) {
      assert_title("counts", "112");
      assert_title("later", "1");
    }
  }
}

/* What debrief gives to a plugin is the plugin's: its changes end with it. */
static void none_changes_what_the_next_one_gets(void **state) {
  (void)state;
  put_title("vandal",
            "local debrief, cjson = require 'debrief', require 'cjson'\n"
            "debrief.measure 'passed'.of = nil\ndebrief.measure('rate(skill)').of = nil\n"
            "debrief.passed, debrief.aggregate.by, cjson.encode, string.rep, table.concat = nil\n"
            "_G.math = nil\nfor k in pairs(debrief.statistics) do debrief.statistics[k] = nil end",
            "'done'");
  put_title(
      "honest",
      "local debrief, cjson = require 'debrief', require 'cjson'\n"
      "local fine = debrief.measure 'passed'.of and debrief.measure('rate(skill)').of and debrief.passed\n"
      "  and debrief.aggregate.by and cjson.encode and string.rep and table.concat and math.abs\n"
      "  and next(debrief.statistics)",
      "fine ~= nil");
  for (int i = 0; i < 3; i++) {
    assert_title("vandal", "done");
    assert_title("honest", "true");
    assert_title("pass_rate", "Pass rate");
  }
}

/* One that was edited meanwhile is the new one. */
static void a_plugin_is_read_again(void **state) {
  (void)state;
  put_title("edited", "", "'one'");
  assert_title("edited", "one");
  put_title("edited", "", "'two'");
  assert_title("edited", "two");
}

static void assert_problem(const char *plugin, const char *part) {
  debrief_result *result = debrief_retro(host, plugin, NULL, &err);
  if (!result) fail_msg("%s: %s", plugin, err.message);
  assert_true(result->problem_count > 0);
  if (!strstr(result->problems[0]->message, part)) fail_msg("%s", result->problems[0]->message);
  debrief_result_close(result);
}

/* What failed may be half done, so its state goes. */
static void a_state_in_which_something_failed_goes(void **state) {
  (void)state;
  put_title("fails", "", "error 'boom'");
  assert_title("pass_rate", "Pass rate");
  size_t kept = held;
  assert_problem("fails", "boom");
  assert_true(held < kept);
  assert_title("pass_rate", "Pass rate");
}

static bool stop(void *user, debrief_call *call) {
  (void)user, (void)call;
  return debrief_interrupt(host) != DEBRIEF_INTERRUPT_NOTHING;
}

/* What was interrupted as well, though its query is closed as any other. */
static void a_state_that_was_interrupted_goes(void **state) {
  (void)state;
  put_plugin("spins", "filter = function() local debrief = require 'debrief' debrief.host.stop() while true "
                      "do debrief.encode { {} } end end");
  assert_true(debrief_register(host, "stop", stop, NULL, DEBRIEF_HOST_THREAD, &err));
  debrief_query query = {.struct_size = sizeof query, .filter = "spins"};
  assert_title("pass_rate", "Pass rate");
  size_t kept = held;
  debrief_found found;
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ERROR);
  assert_failed(DEBRIEF_EINTERRUPTED, "interrupted");
  debrief_entries_close(entries);
  assert_true(held + 500000 < kept);
  assert_title("pass_rate", "Pass rate");
}

/* Scripts take the same states. */
static void scripts_use_them(void **state) {
  (void)state;
  static const char code[] = "local n = 0 for _ in log:entries { filter = 'retried' } do n = n + 1 end\n"
                             "assert(log:retro('pass_rate')) return n";
  debrief_text json;
  assert_title("pass_rate", "Pass rate");
  assert_true(debrief_eval(host, (debrief_text){code, sizeof code - 1}, &json, &err));
  size_t before = asked;
  assert_true(debrief_eval(host, (debrief_text){code, sizeof code - 1}, &json, &err));
  if (asked > before + 1000000) fail_msg("%zu bytes", asked - before);
}

/* A limit of memory counts from nothing each time, and what a big one filled is given back. */
static void limits_of_memory_are_those_of_each(void **state) {
  (void)state;
  open_counted((debrief_config){.workers = 1, .plugin_memory = 12 << 20});
  put_title("greedy", "local t = {}", "(function() for i = 1, 1e7 do t[i] = i .. 'x' end end)()");
  put_title("big", "local t = {}", "(function() for i = 1, 1e5 do t[i] = i .. 'x' end return #t end)()");
  put_title("buffer", "local debrief = require 'debrief'", "#debrief.encode { ('x'):rep(2500000) } > 0");
  for (int i = 0; i < 4; i++) {
    assert_title("buffer", "true");
    assert_title("big", "100000");
    if (held > 16 << 20) fail_msg("%zu bytes", (size_t)held);
    assert_null(debrief_retro(host, "greedy", NULL, &err));
    assert_failed(DEBRIEF_ESCRIPT, "not enough memory: plugins may use");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_second_one_makes_no_state, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(what_they_hold_does_not_grow, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(each_has_its_own_plugin, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(none_changes_what_the_next_one_gets, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(a_plugin_is_read_again, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(a_state_in_which_something_failed_goes, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(a_state_that_was_interrupted_goes, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(scripts_use_them, with_log, and_nothing_is_left),
      cmocka_unit_test_setup_teardown(limits_of_memory_are_those_of_each, with_log, and_nothing_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
