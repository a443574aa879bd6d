/* Later versions of imported entries replace earlier ones, and every other byte of the session stays as it was. */
#include "temp_folder.h"

#include "log/append_new.h"
#include "log/log_internal.h"
#include "log/replace.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static debrief_log *log_;
static debrief_error err;

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  log_ = debrief_log_open(folder, NULL, &err);
  return log_ == NULL;
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_);
  remove_temp(folder);
  return 0;
}

#define RUN(key, second, more)                                                 \
  "{\"session_id\":\"s1\",\"timestamp\":\"2026-11-02T10:00:" second "Z\"" more \
  ",\"source\":{\"kind\":\"k\",\"key\":\"" key "\"}}\n"
#define UNTIMED(key) "{\"session_id\":\"s1\",\"source\":{\"kind\":\"k\",\"key\":\"" key "\"}}\n"

enum { MOST = 8 };

/* Replace older versions by these lines, up to NULL; how many were replaced. */
static size_t put(const char *const *lines) {
  debrief_text texts[MOST];
  size_t count = 0, replaced;
  for (; lines[count]; count++) texts[count] = (debrief_text){lines[count], strlen(lines[count])};
  if (!dbf_log_replace(log_, "s1", texts, count, &replaced, &err)) fail_msg("%s", err.message);
  return replaced;
}

#define PUT(...) put((const char *const[]){__VA_ARGS__, NULL})

static void the_later_version_takes_the_place_of_the_earlier_one(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", RUN("1", "01", "") RUN("2", "02", "") RUN("3", "03", ""));
  assert_int_equal(PUT(RUN("2", "09", ",\"skill\":\"longer\"")), 1);
  assert_file(folder, "s1.jsonl",
              RUN("1", "01", "") RUN("2", "09", ",\"skill\":\"longer\"") RUN("3", "03", ""));
}

static void what_is_not_later_or_not_there_changes_nothing(void **state) {
  (void)state;
  const char *text = RUN("1", "05", "") UNTIMED("2");
  put_file(folder, "s1.jsonl", text);
  assert_int_equal(PUT(RUN("1", "05", ",\"skill\":\"same time\""), RUN("1", "04", ""), RUN("2", "09", ""),
                       UNTIMED("1"), RUN("3", "09", "")),
                   0);
  assert_file(folder, "s1.jsonl", text);
}

static void the_latest_of_several_versions_is_taken(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", RUN("1", "01", ""));
  assert_int_equal(PUT(RUN("1", "03", ""), RUN("1", "07", ",\"skill\":\"latest\""), RUN("1", "05", "")), 1);
  assert_file(folder, "s1.jsonl", RUN("1", "07", ",\"skill\":\"latest\""));
}

static void damage_stays_byte_for_byte(void **state) {
  (void)state;
#define BEFORE "\xef\xbb\xbf\n{\"session_id\":\"s1\",\"sk\n" RUN("0", "01", "")
#define AFTER  "not JSON\r\n{ \"session_id\" : \"s1\" }\n{\"session_id\":\"s1\",\"to"
  put_file(folder, "s1.jsonl", BEFORE RUN("1", "01", "") AFTER);
  assert_int_equal(PUT(RUN("1", "09", "")), 1);
  assert_file(folder, "s1.jsonl", BEFORE RUN("1", "09", "") AFTER);
}

static void mode_stays_and_nothing_lies_about(void **state) {
  (void)state;
  struct stat st;
  put_file(folder, "s1.jsonl", RUN("1", "01", ""));
  char *path = path_in(folder, "s1.jsonl"), *temporary = path_in(folder, ".s1.jsonl.repair");
  assert_int_equal(chmod(path, 0640), 0);
  assert_int_equal(PUT(RUN("1", "09", "")), 1);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
  assert_int_equal(access(temporary, F_OK), -1);
  free(path);
  free(temporary);
}

static void a_session_with_another_name_is_refused(void **state) {
  (void)state;
  debrief_text line = {RUN("1", "09", ""), sizeof RUN("1", "09", "") - 1};
  size_t replaced = 7;
  put_file(folder, "s1.jsonl", RUN("1", "01", ""));
  char *path = path_in(folder, "s1.jsonl"), *other = path_in(folder, "other");
  assert_int_equal(link(path, other), 0);
  assert_false(dbf_log_replace(log_, "s1", &line, 1, &replaced, &err));
  assert_int_equal(err.code, DEBRIEF_EUNSAFE);
  assert_int_equal(replaced, 0);
  assert_file(folder, "s1.jsonl", RUN("1", "01", ""));
  free(path);
  free(other);
}

/* What importers do: append what is new, replace what has a later version. */
static size_t import(debrief_log *log, const char *text) {
  debrief_text line = {text, strlen(text)};
  debrief_error failure;
  dbf_append_new unique = {0};
  size_t replaced = 0;
  if (!dbf_log_append_lines(log, "s1", &line, 1, dbf_append_new_filter, &unique, NULL, &failure) ||
      !dbf_log_replace(log, "s1", unique.newer, unique.newer_count, &replaced, &failure))
    fail_msg("%s", failure.message);
  dbf_append_new_release(&unique);
  return replaced;
}

static void an_open_handle_appends_to_the_new_file(void **state) {
  (void)state;
  assert_int_equal(import(log_, RUN("1", "01", "")), 0);
  assert_int_equal(import(log_, RUN("1", "09", "")), 1);
  assert_int_equal(import(log_, RUN("2", "02", "")), 0);
  assert_int_equal(import(log_, RUN("1", "09", "")), 0);
  assert_file(folder, "s1.jsonl", RUN("1", "09", "") RUN("2", "02", ""));
}

static void followers_get_the_new_version_once(void **state) {
  (void)state;
  debrief_follow_config config = {.struct_size = sizeof config, .from_start = true};
  debrief_line line;
  assert_int_equal(import(log_, RUN("1", "01", ",\"skill\":\"short\"")), 0);
  assert_int_equal(import(log_, RUN("2", "02", ",\"skill\":\"other\"")), 0);
  debrief_follower *follower = debrief_log_follow(log_, NULL, 0, &config, &err);
  assert_non_null(follower);
  for (int i = 0; i < 2; i++)
    assert_int_equal(debrief_follower_next(follower, 5000, &line, NULL, &err), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(import(log_, RUN("1", "09", ",\"skill\":\"longer\"")), 1);
  assert_int_equal(debrief_follower_next(follower, 5000, &line, NULL, &err), DEBRIEF_NEXT_ENTRY);
  assert_non_null(memmem(line.json.data, line.json.len, "longer", 6));
  assert_int_equal(line.line, 1);
  assert_int_equal(debrief_follower_next(follower, 0, &line, NULL, &err), DEBRIEF_NEXT_END);
  debrief_follower_close(follower);
}

/* ---- Several at once ----------------------------------------------------------------------------------------- */

enum { THREADS = 4, VERSIONS = 30 };

static void *import_versions(void *user) {
  debrief_error failure;
  debrief_log *log = debrief_log_open(folder, NULL, &failure);
  char text[200], *which = user;
  for (int i = 0; log && i < VERSIONS; i++) {
    snprintf(text, sizeof text, RUN("run", "%02d", ",\"n\":%d"), i, i);
    import(log, text);
    snprintf(text, sizeof text, UNTIMED("%s-%d"), which, i);
    import(log, text);
  }
  debrief_log_close(log);
  return NULL;
}

static void versions_of_several_writers_leave_the_last_one(void **state) {
  (void)state;
  static char names[THREADS][2] = {"a", "b", "c", "d"};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, import_versions, names[i]), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  char *text = get_file(folder, "s1.jsonl"), last[200];
  size_t lines = 0;
  for (const char *p = text; (p = strchr(p, '\n')); p++) lines++;
  assert_int_equal(lines, THREADS * VERSIONS + 1);
  snprintf(last, sizeof last, RUN("run", "%02d", ",\"n\":%d"), VERSIONS - 1, VERSIONS - 1);
  assert_non_null(strstr(text, last));
  free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_later_version_takes_the_place_of_the_earlier_one),
      TEST(what_is_not_later_or_not_there_changes_nothing),
      TEST(the_latest_of_several_versions_is_taken),
      TEST(damage_stays_byte_for_byte),
      TEST(mode_stays_and_nothing_lies_about),
      TEST(a_session_with_another_name_is_refused),
      TEST(an_open_handle_appends_to_the_new_file),
      TEST(followers_get_the_new_version_once),
      TEST(versions_of_several_writers_leave_the_last_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
