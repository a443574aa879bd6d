/* Every function of debrief/log.h with NULL for each pointer: it says EARG, or does what its comment says. A spec looks that
 * none is missing here. */
#include "temp_folder.h"

#include <debrief/log.h>

static char *folder;
static debrief_log *log_;
static debrief_error err;

#define ENTRY "{\"skill\":\"a\"}"

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  log_ = debrief_log_open(folder, NULL, &err);
  return log_ == NULL || !debrief_log_append_json(log_, "s1", ENTRY, sizeof ENTRY - 1, &err);
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_);
  remove_temp(folder);
  return 0;
}

/* The call before failed with EARG, and says what is NULL. */
static void assert_refused(bool failed) {
  assert_true(failed);
  if (err.code != DEBRIEF_EARG || !strstr(err.message, "NULL"))
    fail_msg("code %d: %s", err.code, err.message);
  memset(&err, 0, sizeof err);
}

static bool each(void *user, const char *id) {
  (void)user, (void)id;
  return true;
}

static void of_the_log(void **state) {
  (void)state;
  debrief_entry entry = {.struct_size = sizeof entry};
  debrief_text text = {ENTRY, sizeof ENTRY - 1}, none = {NULL, 0};
  err.code = DEBRIEF_OK;
  assert_null(debrief_log_open(NULL, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_null(debrief_log_open(NULL, NULL, NULL));
  debrief_log_close(NULL);
  assert_refused(!debrief_log_append(NULL, "s1", &entry, &err));
  assert_refused(!debrief_log_append(log_, NULL, &entry, &err));
  assert_refused(!debrief_log_append(log_, "s1", NULL, &err));
  assert_false(debrief_log_append(log_, "s1", NULL, NULL));
  assert_true(debrief_log_append(log_, "s1", &entry, NULL));
  assert_refused(!debrief_log_append_json(NULL, "s1", ENTRY, sizeof ENTRY - 1, &err));
  assert_refused(!debrief_log_append_json(log_, NULL, ENTRY, sizeof ENTRY - 1, &err));
  assert_refused(!debrief_log_append_json(log_, "s1", NULL, 2, &err));
  assert_false(debrief_log_append_json(log_, "s1", NULL, 2, NULL));
  assert_refused(!debrief_log_append_batch(NULL, "s1", &text, 1, NULL, &err));
  assert_refused(!debrief_log_append_batch(log_, NULL, &text, 1, NULL, &err));
  assert_refused(!debrief_log_append_batch(log_, "s1", NULL, 1, NULL, &err));
  assert_refused(!debrief_log_append_batch(log_, "s1", &none, 1, NULL, &err));
  assert_false(debrief_log_append_batch(log_, "s1", NULL, 1, NULL, NULL));
  assert_refused(!debrief_log_sessions(NULL, each, NULL, &err));
  assert_refused(!debrief_log_sessions(log_, NULL, NULL, &err));
  assert_true(debrief_log_sessions(log_, each, NULL, NULL));
}

/* A text without bytes but with a length, in each place of an entry. */
static void of_the_texts_of_an_entry(void **state) {
  (void)state;
  static const debrief_text nowhere = {NULL, 5};
  debrief_attempt attempt = {0};
  debrief_entry entry = {.struct_size = sizeof entry, .attempts = &attempt, .attempt_count = 1};
  debrief_text *texts[] = {
      &entry.session_id,       &entry.skill,           &entry.phase,      &entry.project_root, &entry.input,
      &entry.final_status,     &entry.file_path,       &entry.model_used, &entry.extra,        &attempt.model,
      &attempt.output_summary, &attempt.runner_output, &attempt.extra};
  for (int sparse = 0; sparse < 2; sparse++) {
    entry.sparse = sparse;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
      *texts[i] = nowhere;
      assert_refused(!debrief_log_append(log_, "s1", &entry, &err));
      *texts[i] = (debrief_text){NULL, 0};
    }
    entry.attempts = NULL;
    assert_refused(!debrief_log_append(log_, "s1", &entry, &err));
    entry.attempts = &attempt;
    assert_true(debrief_log_append(log_, "s1", &entry, &err));
  }
}

static void of_readers(void **state) {
  (void)state;
  debrief_line line;
  assert_refused(!debrief_log_read(NULL, "s1", NULL, &err));
  assert_refused(!debrief_log_read(log_, NULL, NULL, &err));
  assert_null(debrief_log_read(log_, NULL, NULL, NULL));
  assert_refused(!debrief_log_read_path(NULL, NULL, &err));
  assert_null(debrief_log_read_path(NULL, NULL, NULL));
  assert_refused(debrief_reader_next(NULL, &line, &err) == DEBRIEF_NEXT_ERROR);
  assert_int_equal(debrief_reader_next(NULL, &line, NULL), DEBRIEF_NEXT_ERROR);
  debrief_reader *reader = debrief_log_read(log_, "s1", NULL, NULL);
  assert_refused(debrief_reader_next(reader, NULL, &err) == DEBRIEF_NEXT_ERROR);
  assert_int_equal(debrief_reader_next(reader, &line, NULL), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(debrief_reader_next(reader, &line, NULL), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
  debrief_reader_close(NULL);
  assert_string_equal(debrief_kind_name((debrief_kind)0), "unknown");
  assert_false(debrief_kind_is_damage((debrief_kind)0));
}

static void of_checks_and_repairs(void **state) {
  (void)state;
  debrief_check check = {.struct_size = sizeof check};
  debrief_repair repair = {.struct_size = sizeof repair};
  assert_refused(!debrief_log_check(NULL, "s1", NULL, &check, &err));
  assert_refused(!debrief_log_check(log_, NULL, NULL, &check, &err));
  assert_refused(!debrief_log_check(log_, "s1", NULL, NULL, &err));
  assert_true(debrief_log_check(log_, "s1", NULL, &check, NULL));
  assert_refused(!debrief_log_check_path(NULL, NULL, &check, &err));
  assert_refused(!debrief_log_check_path("x", NULL, NULL, &err));
  assert_false(debrief_log_check_path(NULL, NULL, &check, NULL));
  assert_refused(!debrief_log_repair(NULL, "s1", &repair, &err));
  assert_refused(!debrief_log_repair(log_, NULL, &repair, &err));
  assert_refused(!debrief_log_repair(log_, "s1", NULL, &err));
  assert_true(debrief_log_repair(log_, "s1", &repair, NULL));
  debrief_repair_release(&repair);
  debrief_repair_release(NULL);
}

static void of_followers(void **state) {
  (void)state;
  const char *const ids[] = {"s1", NULL};
  assert_refused(!debrief_log_follow(NULL, NULL, 0, NULL, &err));
  assert_refused(!debrief_log_follow(log_, ids, 2, NULL, &err));
  assert_refused(debrief_follower_next(NULL, 0, NULL, NULL, &err) == DEBRIEF_NEXT_ERROR);
  debrief_follow_config config = {.struct_size = sizeof config, .from_start = true};
  debrief_follower *follower = debrief_log_follow(log_, NULL, 0, &config, NULL);
  assert_int_equal(debrief_follower_next(follower, 0, NULL, NULL, NULL), DEBRIEF_NEXT_ENTRY);
  debrief_follower_close(follower);
  debrief_follower_stop(NULL);
  assert_int_equal(debrief_follower_fd(NULL), -1);
  debrief_follower_close(NULL);
}

static void of_fields(void **state) {
  (void)state;
  debrief_text none = {NULL, 0}, nowhere = {NULL, 5}, string = {"\"2026-05-03T12:00:00Z\"", 22},
               number = {"7", 1};
  char buffer[8], id[129];
  int64_t integer;
  debrief_time time;
  assert_null(debrief_member(none, "skill").data);
  assert_null(debrief_member(nowhere, "skill").data);
  assert_null(debrief_member((debrief_text){ENTRY, sizeof ENTRY - 1}, NULL).data);
  assert_null(debrief_element(none, 0).data);
  assert_null(debrief_element(nowhere, 0).data);
  assert_true(debrief_string(none, buffer, sizeof buffer) == SIZE_MAX);
  assert_int_equal(debrief_string(string, NULL, 0), 20);
  assert_int_equal(debrief_string(string, NULL, 8), 20);
  assert_false(debrief_integer(none, &integer));
  assert_true(debrief_integer(number, NULL));
  assert_false(debrief_integer(string, NULL));
  assert_false(debrief_timestamp(none, &time));
  assert_true(debrief_timestamp(string, NULL));
  assert_false(debrief_timestamp(number, NULL));
  assert_false(debrief_session_id_valid(NULL));
  debrief_session_id(NULL, 5, id);
  assert_true(debrief_session_id_valid(id));
  debrief_session_id("s1", 2, NULL);
  assert_non_null(debrief_version());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(of_the_log, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_the_texts_of_an_entry, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_readers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_checks_and_repairs, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_followers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_fields, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
