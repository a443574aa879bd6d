/* Every function of debrief/debrief.h with NULL for each pointer: it says EARG, or does what its comment says. A spec looks
 * that none is missing here. */
#include "host.h"

/* The call before failed with EARG, and says what is NULL. */
static void assert_refused(bool failed) {
  assert_true(failed);
  assert_failed(DEBRIEF_EARG, "NULL");
}

static bool write_text(void *user, debrief_text text) {
  (void)user, (void)text;
  return true;
}

static void of_the_host(void **state) {
  (void)state;
  assert_refused(!debrief_attach(NULL, NULL, &err));
  assert_null(debrief_attach(NULL, NULL, NULL));
  debrief_close(debrief_open(NULL, NULL));
  debrief_close(NULL);
  assert_null(debrief_host_log(NULL));
  assert_null(debrief_details(NULL));
  assert_int_equal(debrief_interrupt(NULL), DEBRIEF_INTERRUPT_NOTHING);
  debrief_abandon(NULL);
}

static void of_isolation(void **state) {
  (void)state;
  char *none[] = {NULL, NULL}, *half[] = {(char *)"debrief-isolated", NULL};
  int status;
  assert_false(debrief_isolated(2, NULL, &status));
  assert_false(debrief_isolated(2, none, &status));
  assert_false(debrief_isolated(2, half, NULL));
}

static void of_appending(void **state) {
  (void)state;
  debrief_entry entry = {.struct_size = sizeof entry};
  assert_refused(!debrief_append(NULL, "s1", &entry, NULL, &err));
  assert_refused(!debrief_append(host, NULL, &entry, NULL, &err));
  assert_refused(!debrief_append(host, "s1", NULL, NULL, &err));
  assert_false(debrief_append(host, "s1", NULL, NULL, NULL));
  assert_true(debrief_append(host, "s1", &entry, NULL, NULL));
  assert_refused(!debrief_run_begin(NULL, "s1", (debrief_text){NULL, 0}, &err));
  assert_refused(!debrief_run_begin(host, NULL, (debrief_text){NULL, 0}, &err));
  assert_refused(!debrief_run_attempt(NULL, (debrief_text){"{}", 2}, &err));
  assert_refused(!debrief_run_finish(NULL, NULL, &err));
  assert_refused(!debrief_append_json(NULL, "s1", "{}", 2, NULL, &err));
  assert_refused(!debrief_append_json(host, NULL, "{}", 2, NULL, &err));
  assert_refused(!debrief_append_json(host, "s1", NULL, 2, NULL, &err));
  assert_false(debrief_append_json(host, "s1", NULL, 2, NULL, NULL));
}

static void of_queries(void **state) {
  (void)state;
  debrief_found found;
  add("s1", "{}");
  assert_refused(!debrief_query_entries(NULL, NULL, &err));
  assert_refused(debrief_entries_next(NULL, &found, &err) == DEBRIEF_NEXT_ERROR);
  assert_int_equal(debrief_entries_next(NULL, NULL, NULL), DEBRIEF_NEXT_ERROR);
  debrief_entries *entries = debrief_query_entries(host, NULL, NULL);
  assert_refused(debrief_entries_next(entries, NULL, &err) == DEBRIEF_NEXT_ERROR);
  assert_int_equal(debrief_entries_next(entries, &found, NULL), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(debrief_entries_next(entries, &found, NULL), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  debrief_entries_close(NULL);
  assert_refused(!debrief_query_follow(NULL, NULL, false, &err));
  assert_int_equal(debrief_entries_fd(NULL), -1);
  debrief_entries_close(debrief_query_follow(host, NULL, false, NULL));
}

static void of_retrospectives(void **state) {
  (void)state;
  add("s1", "{}");
  assert_refused(!debrief_retro(NULL, "summary", NULL, &err));
  assert_refused(!debrief_retro(host, NULL, NULL, &err));
  debrief_result_close(debrief_retro(host, "summary", NULL, NULL));
  debrief_result_close(NULL);
  assert_refused(!debrief_retro_write(NULL, "summary", NULL, NULL, write_text, NULL, &err));
  assert_refused(!debrief_retro_write(host, NULL, NULL, NULL, write_text, NULL, &err));
  assert_refused(!debrief_retro_write(host, "summary", NULL, NULL, NULL, NULL, &err));
  assert_true(debrief_retro_write(host, "summary", NULL, NULL, write_text, NULL, NULL));
  debrief_text text;
  assert_refused(!debrief_retro_text(NULL, "summary", NULL, NULL, &text, &err));
  assert_refused(!debrief_retro_text(host, NULL, NULL, NULL, &text, &err));
  assert_refused(!debrief_retro_text(host, "summary", NULL, NULL, NULL, &err));
  assert_true(debrief_retro_text(host, "summary", NULL, NULL, &text, NULL));
  assert_refused(!debrief_table_text(NULL, NULL, NULL, NULL, &text, &err));
  assert_refused(!debrief_table_text(host, NULL, NULL, NULL, NULL, &err));
  assert_true(debrief_table_text(host, NULL, NULL, NULL, &text, NULL));
}

static void of_scripts(void **state) {
  (void)state;
  debrief_text code = {"return 1", 8}, nowhere = {NULL, 5}, json;
  assert_refused(!debrief_run_file(NULL, "x.lua", NULL, NULL, &err));
  assert_refused(!debrief_run_file(host, NULL, NULL, NULL, &err));
  assert_refused(!debrief_run_text(NULL, "x", code, NULL, NULL, &err));
  assert_refused(!debrief_run_text(host, NULL, code, NULL, NULL, &err));
  assert_refused(!debrief_run_text(host, "x", nowhere, NULL, NULL, &err));
  assert_true(debrief_run_text(host, "x", code, NULL, NULL, NULL));
  assert_refused(!debrief_eval(NULL, code, &json, &err));
  assert_refused(!debrief_eval(host, nowhere, &json, &err));
  assert_refused(!debrief_eval(host, code, NULL, &err));
  assert_true(debrief_eval(host, code, &json, NULL));
}

static bool function(void *user, debrief_call *call) {
  debrief_value text = {.kind = DEBRIEF_TEXT, .as.text = {NULL, 5}};
  (void)user;
  assert_false(debrief_call_return(call, NULL));
  assert_false(debrief_call_return(call, &text));
  return debrief_call_fail(call, NULL);
}

static void of_values_and_functions(void **state) {
  (void)state;
  debrief_value value = {.kind = DEBRIEF_TEXT, .as.text = {NULL, 5}}, nil = {.kind = DEBRIEF_NIL};
  assert_refused(!debrief_set(NULL, "x", &nil, &err));
  assert_refused(!debrief_set(host, NULL, &nil, &err));
  assert_refused(!debrief_set(host, "x", NULL, &err));
  assert_false(debrief_set(host, "x", &value, &err));
  assert_failed(DEBRIEF_EARG, "debrief_set");
  assert_true(debrief_set(host, "x", &nil, NULL));
  assert_refused(!debrief_register(NULL, "f", function, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_refused(!debrief_register(host, NULL, function, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_refused(!debrief_register(host, "f", NULL, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_true(debrief_register(host, "f", function, NULL, DEBRIEF_HOST_THREAD, NULL));
  assert_false(debrief_run_text(host, "x", (debrief_text){"debrief.host.f()", 16}, NULL, NULL, &err));
  assert_failed(DEBRIEF_ESCRIPT, "the host's function failed");
  assert_int_equal(debrief_call_count(NULL), 0);
  assert_int_equal(debrief_call_argument(NULL, 0).kind, DEBRIEF_NIL);
  assert_false(debrief_call_return(NULL, &nil));
  assert_false(debrief_call_fail(NULL, "x"));
}

static debrief_input read_line(void *user, const char *prompt, debrief_completer *completer,
                               debrief_text *line) {
  (void)user, (void)prompt, (void)line;
  assert_int_equal(debrief_complete(completer, (debrief_text){NULL, 0}, 0, NULL, NULL), 0);
  assert_int_equal(debrief_complete(completer, (debrief_text){NULL, 5}, 5, write_text, NULL), 5);
  return DEBRIEF_INPUT_END;
}

static bool write_console(void *user, bool is_error, debrief_text text) {
  (void)user, (void)is_error, (void)text;
  return true;
}

static void of_consoles_and_commands(void **state) {
  (void)state;
  char *argv[] = {(char *)"debrief", (char *)"--version", NULL};
  debrief_console console = {.struct_size = sizeof console, .read_line = read_line, .write = write_console};
  int status;
  assert_int_equal(debrief_complete(NULL, (debrief_text){"a", 1}, 1, write_text, NULL), 1);
  assert_refused(!debrief_repl(NULL, &console, &err));
  assert_false(debrief_repl(host, NULL, &err));
  assert_failed(DEBRIEF_EARG, "console");
  assert_true(debrief_repl(host, &console, NULL));
  assert_refused(!debrief_command(NULL, 2, argv, &status, &err));
  assert_refused(!debrief_command(host, 2, NULL, &status, &err));
  assert_refused(!debrief_command(host, 2, argv, NULL, &err));
  assert_false(debrief_command(host, 2, NULL, &status, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(of_the_host, set_up, tear_down),
      cmocka_unit_test(of_isolation),
      cmocka_unit_test_setup_teardown(of_appending, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_queries, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_retrospectives, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_scripts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_values_and_functions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_consoles_and_commands, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
