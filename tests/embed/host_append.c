/* Appending through enrichers. */
#include "host.h"

static debrief_query through(const char *plugins) {
  debrief_query query = reporting();
  query.enrich = plugins;
  return query;
}

static const debrief_entry review = {
    .struct_size = sizeof review,
    .timestamp = {.seconds = 1777802400, .set = true},
    .skill = {"review", 6},
    .final_status = {"ok", 2},
};

static void assert_session(const char *expected) {
  char *text = get_file(folder, "s1.jsonl");
  assert_string_equal(text, expected);
  free(text);
}

#define HEAD "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T10:00:00Z\",\"skill\":\"review\","

static void a_struct_is_stored_as_it_is_or_enriched(void **state) {
  (void)state;
  put_plugin("team", "enrich = function(entry) entry.team = 'x' end");
  put_plugin("more", "enrich = function(entry) entry.team = entry.team .. 'y' end");
  debrief_query none = reporting(), both = through("team,more");
  assert_true(debrief_append(host, "s1", &review, NULL, &err));
  assert_true(debrief_append(host, "s1", &review, &none, &err));
  assert_true(debrief_append(host, "s1", &review, &both, &err));
  assert_session(HEAD "\"final_status\":\"ok\"}\n" HEAD "\"final_status\":\"ok\"}\n" HEAD
                      "\"final_status\":\"ok\",\"team\":\"xy\"}\n");
}

static void a_sparse_entry_stays_sparse(void **state) {
  (void)state;
  debrief_entry sparse = {.struct_size = sizeof sparse, .skill = {"review", 6}, .sparse = true};
  put_plugin("team", "enrich = function(entry) entry.team = 'x' end");
  debrief_query query = through("team");
  assert_true(debrief_append(host, "s1", &sparse, &query, &err));
  assert_session("{\"session_id\":\"s1\",\"skill\":\"review\",\"team\":\"x\"}\n");
}

static void plugins_are_loaded_once_for_the_same_list(void **state) {
  (void)state;
  put_plugin("count",
             "options = { by = { type = 'integer', default = 1 } },\n"
             "enrich = function(entry, ctx) math.n = (math.n or 0) + ctx.options.by; entry.n = math.n end");
  const char *by_ten[] = {"by=10", NULL};
  debrief_query query = through("count");
  for (int i = 0; i < 2; i++) assert_true(debrief_append_json(host, "s1", "{\"a\":1}", 7, &query, &err));
  put_plugin("count", "enrich = 1"); /* not looked at: it is loaded */
  assert_true(debrief_append_json(host, "s1", "{\"a\":1}", 7, &query, &err));
  assert_file_has("s1.jsonl", "\"a\":1,\"n\":3}");
  query.options = by_ten;
  assert_false(debrief_append_json(host, "s1", "{\"a\":1}", 7, &query, &err));
  assert_failed(DEBRIEF_EPLUGIN, "enrich must be a function");
  assert_string_equal(debrief_details(host)->plugin, "count");
}

static void each_entry_has_a_now_of_its_own(void **state) {
  (void)state;
  put_plugin(
      "clock",
      "enrich = function(entry, ctx) entry.grown = ctx.now > (math.last or 0) math.last = ctx.now end");
  debrief_query query = through("clock");
  for (int i = 0; i < 2; i++) assert_true(debrief_append_json(host, "s1", "{}", 2, &query, &err));
  char *text = get_file(folder, "s1.jsonl");
  assert_null(strstr(text, "\"grown\":false"));
  free(text);
}

static void a_failing_enricher_goes_by_its_on_error(void **state) {
  (void)state;
  put_plugin("weak", "enrich = function(entry) entry.half = 1; error 'no' end");
  put_plugin("hard", "on_error = 'refuse', enrich = function() error 'never' end");
  debrief_query weak = through("weak"), hard = through("hard");
  assert_true(debrief_append(host, "s1", &review, &weak, &err));
  assert_session(HEAD "\"final_status\":\"ok\"}\n");
  assert_non_null(strstr(reported, "weak.enrich s1:0 "));
  assert_non_null(strstr(reported, "weak.lua:1: no\n"));
  assert_false(debrief_append(host, "s1", &review, &hard, &err));
  assert_failed(DEBRIEF_ESCRIPT, "plugin 'hard' refuses it: ");
  const debrief_problem *d = debrief_details(host);
  assert_string_equal(d->plugin, "hard");
  assert_string_equal(d->hook, "enrich");
  assert_string_equal(d->session, "s1");
  assert_non_null(strstr(d->message, "hard.lua:1: never"));
  assert_non_null(strstr(d->traceback, "hard.lua:1: in "));
  assert_session(HEAD "\"final_status\":\"ok\"}\n");
}

static void an_enricher_cannot_store_what_is_no_entry(void **state) {
  (void)state;
  put_plugin("wrong", "enrich = function(entry) entry.duration_ms = 'long' end");
  debrief_query query = through("wrong");
  assert_true(debrief_append(host, "s1", &review, &query, &err));
  assert_non_null(strstr(reported, "duration_ms"));
  assert_session(HEAD "\"final_status\":\"ok\"}\n");
}

static void bad_input_is_refused_as_without_plugins(void **state) {
  (void)state;
  put_plugin("team", "enrich = function(entry) entry.team = 'x' end");
  debrief_query query = through("team");
  assert_false(debrief_append_json(host, "s1", "{\"a\":}", 6, &query, &err));
  assert_int_equal(err.offset, 5);
  assert_failed(DEBRIEF_EJSON, "");
  assert_false(debrief_append_json(host, "s1", "[]", 2, &query, &err));
  assert_failed(DEBRIEF_EENTRY, "");
  assert_false(debrief_append_json(host, "../s1", "{}", 2, &query, &err));
  assert_failed(DEBRIEF_EID, "");
  assert_false(debrief_append(host, "", &review, &query, &err));
  assert_failed(DEBRIEF_EID, "");
  debrief_entry old = review;
  old.struct_size = 1;
  assert_false(debrief_append(host, "s1", &old, &query, &err));
  assert_failed(DEBRIEF_EARG, "debrief_entry.struct_size");
  query.struct_size = 1;
  assert_false(debrief_append(host, "s1", &review, &query, &err));
  assert_failed(DEBRIEF_EARG, "debrief_query.struct_size");
}

static void a_plugin_that_is_not_fit_is_named(void **state) {
  (void)state;
  put_file(folder, "broken.lua", "return {");
  put_plugin("kept", "filter = function() return true end");
  const char *unknown[] = {"kept.x=1", NULL}, *rights[] = {"nobody:process", NULL};
  static const char *const plugins[] = {"nowhere", "broken", "kept", "git"};
  static const char *const messages[] = {"no plugin 'nowhere'", "plugin does not load", "no enrich hook",
                                         "--allow git:process"};
  for (int i = 0; i < 4; i++) {
    debrief_query query = through(plugins[i]);
    assert_false(debrief_append(host, "s1", &review, &query, &err));
    assert_failed(DEBRIEF_EPLUGIN, messages[i]);
  }
  debrief_query query = through("outcome");
  query.options = unknown;
  assert_false(debrief_append(host, "s1", &review, &query, &err));
  assert_failed(DEBRIEF_EPLUGIN, "kept.x");
  query.options = NULL;
  query.allow = rights;
  assert_false(debrief_append(host, "s1", &review, &query, NULL));
  assert_non_null(strstr(debrief_details(host)->message, "nobody"));
  assert_session("");
}

static void null_is_an_error(void **state) {
  (void)state;
  assert_false(debrief_append(NULL, "s1", &review, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_append(host, NULL, &review, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_append(host, "s1", NULL, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_append_json(NULL, "s1", "{}", 2, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_append_json(host, NULL, "{}", 2, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_append_json(host, "s1", NULL, 2, NULL, NULL));
}

static void a_fork_between_open_and_append_is_told(void **state) {
  (void)state;
  put_plugin("team", "enrich = function(entry) entry.team = 'x' end");
  assert_true(debrief_append(host, "s1", &review, NULL, &err));
  pid_t pid = fork();
  if (pid == 0) {
    debrief_query query = through("team");
    bool plain = !debrief_append(host, "s1", &review, NULL, &err) && err.code == DEBRIEF_EFORK;
    bool enriched = !debrief_append(host, "s1", &review, &query, &err) && err.code == DEBRIEF_EFORK;
    _exit(plain && enriched ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  assert_int_equal(status, 0);
  assert_true(debrief_append(host, "s1", &review, NULL, &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_struct_is_stored_as_it_is_or_enriched, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_sparse_entry_stays_sparse, set_up, tear_down),
      cmocka_unit_test_setup_teardown(plugins_are_loaded_once_for_the_same_list, set_up, tear_down),
      cmocka_unit_test_setup_teardown(each_entry_has_a_now_of_its_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failing_enricher_goes_by_its_on_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_enricher_cannot_store_what_is_no_entry, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bad_input_is_refused_as_without_plugins, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_plugin_that_is_not_fit_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(null_is_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_fork_between_open_and_append_is_told, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
