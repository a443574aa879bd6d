/* Opening hosts: configs of other versions, misuse, commands. */
#include "host.h"

static void an_older_config_works(void **state) {
  (void)state;
  debrief_config config = {.dir = folder, .plugin_path = "/garbage that is not looked at"};
  config.struct_size = offsetof(debrief_config, log);
  debrief *other = debrief_open(&config, &err);
  assert_non_null(other);
  assert_true(debrief_append_json(other, "s1", "{}", 2, NULL, &err));
  assert_file_has("s1.jsonl", "s1");
  debrief_close(other);
}

static void a_config_of_an_unknown_size_is_refused(void **state) {
  (void)state;
  debrief_config config = {.struct_size = 3};
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "debrief_config.struct_size is 3");
  config.struct_size = 1u << 20;
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "struct_size");
  assert_null(debrief_open(&config, NULL));
}

static void a_newer_config_works(void **state) {
  (void)state;
  struct {
    debrief_config known;
    char later[64];
  } config = {.known = {.struct_size = sizeof config, .dir = folder}};
  debrief *other = debrief_open(&config.known, &err);
  assert_non_null(other);
  debrief_close(other);
}

static void what_the_config_asks_for_is_checked(void **state) {
  (void)state;
  debrief_config config = {.struct_size = sizeof config, .workers = 257};
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "workers is 257");
  debrief_log_config log = {.struct_size = 1};
  config = (debrief_config){.struct_size = sizeof config, .log = &log};
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "debrief_log_config");
}

static mode_t mode_of(const char *name) {
  struct stat st;
  char *path = path_in(folder, name);
  assert_int_equal(stat(path, &st), 0);
  free(path);
  return st.st_mode & 0777;
}

static void the_log_is_opened_as_the_config_says_by_scripts_too(void **state) {
  (void)state;
  static const char code[] = "assert(log:append('by_lua', { skill = 'x' }))";
  debrief_log_config log = {.struct_size = sizeof log, .file_mode = 0640};
  open_with((debrief_config){.log = &log});
  assert_true(debrief_append_json(host, "by_c", "{}", 2, NULL, &err));
  assert_true(debrief_run_text(host, "test", (debrief_text){code, strlen(code)}, NULL, NULL, &err));
  assert_int_equal(mode_of("by_c.jsonl"), 0640);
  assert_int_equal(mode_of("by_lua.jsonl"), 0640);
}

static void the_config_may_go_after_opening(void **state) {
  (void)state;
  char dir[4096];
  snprintf(dir, sizeof dir, "%s/logs", folder);
  debrief_config config = {.struct_size = sizeof config, .dir = dir, .plugin_path = dir};
  debrief *other = debrief_open(&config, &err);
  memset(dir, 'x', sizeof dir - 1);
  assert_true(debrief_append_json(other, "s1", "{}", 2, NULL, &err));
  debrief_close(other);
  assert_file_has("logs/s1.jsonl", "s1");
}

static void null_is_an_error_or_nothing(void **state) {
  (void)state;
  debrief_close(NULL);
  debrief_close(NULL);
  assert_null(debrief_host_log(NULL));
  assert_null(debrief_details(NULL));
  char *words[] = {"debrief", "--version", NULL};
  int status;
  assert_false(debrief_command(NULL, 2, words, &status, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_command(host, 2, NULL, &status, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_command(host, 2, words, NULL, NULL));
  assert_false(debrief_command(host, 0, words, &status, &err));
  assert_failed(DEBRIEF_EARG, "argument");
}

static void the_log_is_open_for_the_functions_below(void **state) {
  (void)state;
  assert_true(debrief_log_append_json(debrief_host_log(host), "s1", "{}", 2, &err));
  assert_true(debrief_session_id_valid("s1"));
}

static void a_host_without_a_failure_has_empty_details(void **state) {
  (void)state;
  const debrief_problem *d = debrief_details(host);
  assert_string_equal(d->message, "");
  assert_string_equal(d->plugin, "");
  assert_int_equal(d->line, 0);
}

static void a_command_is_about_the_folder_of_the_host(void **state) {
  (void)state;
  char path[4096];
  snprintf(path, sizeof path, "%s/out", folder);
  char *words[] = {"debrief", "retro", "summary", "-o", path, NULL};
  int status = -1;
  add("s1", SKILL("review"));
  assert_true(debrief_command(host, 5, words, &status, &err));
  assert_int_equal(status, 0);
  assert_file_has("out", "1 entry in 1 session");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_older_config_works, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_config_of_an_unknown_size_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_newer_config_works, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_the_config_asks_for_is_checked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_log_is_opened_as_the_config_says_by_scripts_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_config_may_go_after_opening, set_up, tear_down),
      cmocka_unit_test_setup_teardown(null_is_an_error_or_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_log_is_open_for_the_functions_below, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_host_without_a_failure_has_empty_details, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_command_is_about_the_folder_of_the_host, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
