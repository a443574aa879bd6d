/* Runs that are recorded while they go on. */
#include "host.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT(literal) ((debrief_text){literal, sizeof(literal) - 1})

static int set_up_state(void **state) {
  int failed = set_up(state);
  setenv("XDG_STATE_HOME", folder, 1);
  return failed;
}

static void recover(void) {
  char *argv[] = {(char *)"debrief", (char *)"record", (char *)"--recover", NULL};
  int status = -1;
  assert_true(debrief_command(host, 3, argv, &status, &err));
  assert_int_equal(status, 0);
}

static void a_run_is_one_entry(void **state) {
  (void)state;
  debrief_run *run = debrief_run_begin(
      host, "s1", TEXT("{\"skill\":\"fix\",\"model\":\"m\",\"input\":{\"pr\":7},\"team\":[1,2.50]}"), &err);
  assert_non_null(run);
  assert_true(debrief_run_attempt(run, TEXT("{\"verified\":false,\"runner_output\":\"no\"}"), &err));
  assert_true(debrief_run_attempt(run, TEXT("{\"verified\":true}"), &err));
  assert_true(debrief_run_finish(run, NULL, &err));
  assert_file_has(
      "s1.jsonl",
      "\"skill\":\"fix\",\"input\":{\"pr\":7},\"attempts\":[{\"attempt\":1,\"model\":\"m\",\"runner_output\":"
      "\"no\",\"verified\":false},"
      "{\"attempt\":2,\"model\":\"m\",\"verified\":true}],\"final_status\":\"ok\",\"model_used\":\"m\"");
  assert_file_has("s1.jsonl", "\"team\":[1,2.50]}\n");
  run = debrief_run_begin(host, "s2", (debrief_text){NULL, 0}, &err);
  assert_true(debrief_run_attempt(run, TEXT("{\"verified\":false}"), &err));
  assert_true(debrief_run_finish(run, NULL, &err));
  assert_file_has("s2.jsonl", "\"final_status\":\"fail\"");
}

static void what_is_wrong_is_refused(void **state) {
  (void)state;
  assert_null(debrief_run_begin(host, "a/b", TEXT("{}"), &err));
  assert_failed(DEBRIEF_EID, "a/b");
  assert_null(debrief_run_begin(host, "s1", TEXT("[]"), &err));
  assert_failed(DEBRIEF_EARG, "debrief_run_begin");
  assert_null(debrief_run_begin(host, "s1", TEXT("{\"skill\":7}"), &err));
  assert_failed(DEBRIEF_EARG, "skill");
  debrief_run *run = debrief_run_begin(host, "s1", TEXT("{\"skill\":\"a\"}"), &err);
  assert_false(debrief_run_attempt(run, TEXT("{\"verified\":\"yes\"}"), &err));
  assert_failed(DEBRIEF_EARG, "verified");
  assert_true(debrief_run_finish(run, "ok", &err));
  assert_file_has("s1.jsonl", "\"skill\":\"a\",\"final_status\":\"ok\"");
}

static void a_host_that_is_closed_leaves_an_aborted_run(void **state) {
  (void)state;
  debrief_run *run = debrief_run_begin(host, "s1", TEXT("{\"skill\":\"fix\"}"), &err);
  open_with((debrief_config){0});
  assert_false(debrief_run_attempt(run, TEXT("{}"), &err));
  assert_failed(DEBRIEF_EARG, "the host was closed");
  assert_false(debrief_run_finish(run, NULL, &err));
  assert_failed(DEBRIEF_EARG, "the host was closed");
  recover();
  assert_file_has("s1.jsonl", "\"skill\":\"fix\",\"final_status\":\"aborted\"");
}

static void a_process_that_dies_leaves_an_aborted_run(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0) {
    debrief_config config = {.struct_size = sizeof config, .dir = folder};
    debrief *own = debrief_open(&config, NULL);
    debrief_run *run = debrief_run_begin(own, "s1", TEXT("{\"skill\":\"fix\"}"), NULL);
    if (run && debrief_run_attempt(run, TEXT("{\"verified\":false}"), NULL)) kill(getpid(), SIGKILL);
    _exit(1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  assert_true(WIFSIGNALED(status));
  recover();
  assert_file_has("s1.jsonl",
                  "\"attempts\":[{\"attempt\":1,\"verified\":false}],\"final_status\":\"aborted\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_run_is_one_entry, set_up_state, tear_down),
      cmocka_unit_test_setup_teardown(what_is_wrong_is_refused, set_up_state, tear_down),
      cmocka_unit_test_setup_teardown(a_host_that_is_closed_leaves_an_aborted_run, set_up_state, tear_down),
      cmocka_unit_test_setup_teardown(a_process_that_dies_leaves_an_aborted_run, set_up_state, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
