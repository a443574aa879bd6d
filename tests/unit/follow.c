/* Following: whatever is done to a file, each entry is returned once and in order. Every test runs three times: with
 * inotify, with polling every few milliseconds, and reading a few bytes at a time. */
#include "temp_folder.h"

#include "log/follow.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>

typedef struct way {
  bool poll;
  size_t block;
} way;

static way ways[] = {{false, 0}, {true, 0}, {false, 7}};
static const way *the_way;

static char *folder;
static debrief_log *log_;
static debrief_follower *follower;
static debrief_error err;
static char reported[4096]; /* diagnostics: "kind:line kind:line" */

static int set_up(void **state) {
  the_way = *state;
  folder = make_temp();
  follower = NULL;
  *reported = '\0';
  memset(&err, 0, sizeof err);
  log_ = debrief_log_open(folder, NULL, &err);
  return log_ == NULL;
}

static int tear_down(void **state) {
  (void)state;
  debrief_follower_close(follower);
  debrief_log_close(log_);
  remove_temp(folder);
  return 0;
}

static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  (void)user;
  size_t n = strlen(reported);
  snprintf(reported + n, sizeof reported - n, "%s%s:%d", n ? " " : "", debrief_kind_name(d->kind),
           (int)d->line);
}

/* Since the last time. */
static void assert_told(const char *expected) {
  assert_string_equal(reported, expected);
  *reported = '\0';
}

static debrief_follow_config config_of(bool from_start) {
  return (debrief_follow_config){.struct_size = sizeof(debrief_follow_config),
                                 .from_start = from_start,
                                 .poll = the_way->poll,
                                 .poll_ms = the_way->poll ? 2 : 60000, /* not by looking */
                                 .on_diagnostic = on_diagnostic};
}

static void follow_with(const debrief_follow_config *config, const char *id) {
  follower = debrief_log_follow(log_, id ? &id : NULL, 1, config, &err);
  if (!follower) print_error("%s\n", err.message);
  assert_non_null(follower);
  dbf_follower_limit(follower, the_way->block, 0, 0);
}

/* `id` NULL: all sessions. */
static void follow(const char *id) {
  debrief_follow_config config = config_of(true);
  follow_with(&config, id);
}

#define LINE(skill) "{\"session_id\":\"s1\",\"skill\":\"" skill "\"}\n"

static void put(const char *text) {
  put_bytes(folder, "s1.jsonl", "a", text, strlen(text));
}

static void put_in(const char *name, const char *text) {
  put_bytes(folder, name, "a", text, strlen(text));
}

/* "session/skill@line" of the next entry, "" if there is none yet. */
static const char *next_one(int timeout_ms) {
  static char one[200];
  char skill[64];
  debrief_line line;
  const char *session;
  switch (debrief_follower_next(follower, timeout_ms, &line, &session, &err)) {
  case DEBRIEF_NEXT_END: return "";
  case DEBRIEF_NEXT_ERROR: snprintf(one, sizeof one, "error %d", err.code); return one;
  case DEBRIEF_NEXT_ENTRY: break;
  }
  debrief_string(debrief_member(line.json, "skill"), skill, sizeof skill);
  snprintf(one, sizeof one, "%s/%s@%d", session, skill, (int)line.line);
  return one;
}

/* Nothing is given, when everything that was done has been looked at. */
static void expect_nothing(void) {
  assert_string_equal(next_one(the_way->poll ? 20 : 0), "");
}

/* Exactly these, as "s1/a@1 s1/b@2", and then nothing. */
static void expect(const char *expected) {
  char got[4096] = "";
  while (strlen(got) < strlen(expected)) {
    const char *one = next_one(5000);
    if (!*one) break;
    size_t n = strlen(got);
    snprintf(got + n, sizeof got - n, "%s%s", n ? " " : "", one);
  }
  assert_string_equal(got, expected);
  expect_nothing();
}

static void move(const char *from, const char *to) {
  char *a = path_in(folder, from), *b = path_in(folder, to);
  assert_int_equal(rename(a, b), 0);
  free(a);
  free(b);
}

static void delete (const char *name) {
  char *path = path_in(folder, name);
  assert_int_equal(unlink(path), 0);
  free(path);
}

static void cut(const char *name, off_t size) {
  char *path = path_in(folder, name);
  assert_int_equal(truncate(path, size), 0);
  free(path);
}

static int open_file(const char *name, int flags) {
  char *path = path_in(folder, name);
  int fd = open(path, flags, 0600);
  assert_true(fd >= 0);
  free(path);
  return fd;
}

static void write_to(int fd, const char *text) {
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* ---- What is appended --------------------------------------------------------------------------------------- */

static void returns_old_and_new_entries(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  put(LINE("c"));
  expect("s1/c@3");
  put("\n" LINE("d") LINE("e"));
  expect("s1/d@5 s1/e@6");
  assert_told("");
}

static void starts_at_the_end_by_default(void **state) {
  (void)state;
  put(LINE("a") LINE("b") "{\"session_id\":\"s1\",\"skill\":");
  put_in("s2.jsonl", "");
  debrief_follow_config config = config_of(false);
  follow_with(&config, NULL);
  expect_nothing();
  put("\"c\"}\n" LINE("d"));
  expect("s1/c@3 s1/d@4");
  put_in("s2.jsonl", LINE("e"));
  expect("s2/e@1");
  put_in("s3.jsonl", LINE("f"));
  expect("s3/f@1");
  assert_told("");
}

static void waits_for_the_rest_of_a_line(void **state) {
  (void)state;
  follow("s1");
  put("{\"session_id\":\"s1\",");
  expect_nothing();
  put("\"skill\":\"a\"");
  expect_nothing();
  put("}");
  expect_nothing();
  put("\n{");
  expect("s1/a@1");
  put("}\n");
  expect("s1/@2");
  assert_told("");
}

static void a_last_entry_without_newline_is_given_when_stopped(void **state) {
  (void)state;
  put(LINE("a") "{\"skill\":\"b\"}");
  put_in("s2.jsonl", "{\"skill\":");
  follow(NULL);
  expect("s1/a@1");
  debrief_follower_stop(follower);
  expect("s1/b@2");
  put("\n" LINE("c"));
  expect_nothing();
  assert_told("");
}

static void damaged_lines_are_told(void **state) {
  (void)state;
  put(LINE("a") "{\"skill\":1}\nnonsense\n" LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@4");
  assert_told("bad_entry:2 bad_json:3");
  put("{\"session_id\":\"s1\",\"sk" LINE("c"));
  expect("s1/c@5");
  assert_told("spliced:5");
}

/* A writer that does not lock found its record glued to a fragment, and appended it once more. */
static void a_record_that_was_appended_again_is_given_once(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  put("{\"session_id\":\"s1\",\"sk" LINE("b"));
  expect("s1/b@2");
  put(LINE("b"));
  expect_nothing();
  put(LINE("b"));
  expect("s1/b@4");
  put("{\"session_id\":\"s1\",\"sk" LINE("c"));
  expect("s1/c@5");
  put("\n" LINE("c") LINE("c"));
  expect("s1/c@8");
  assert_told("spliced:2 spliced:5");
}

static void long_lines(void **state) {
  (void)state;
  char *pad = calloc(1, 300001);
  follow("s1");
  put("{\"pad\":\"");
  memset(pad, 'x', 300000);
  put(pad);
  expect_nothing();
  put("\",\"skill\":\"a\"}\n" LINE("b"));
  expect("s1/a@1 s1/b@2");
  free(pad);
  assert_told("");
}

static void lines_over_the_limit_are_passed_over(void **state) {
  (void)state;
  char pad[2000] = "";
  memset(pad, 'x', sizeof pad - 1);
  follow("s1");
  dbf_follower_limit(follower, the_way->block ? the_way->block : 300, 0, 1000);
  put(LINE("a") "{\"pad\":\"");
  expect("s1/a@1");
  put(pad);
  expect_nothing();
  put("\"}\n" LINE("b") LINE("c"));
  expect("s1/b@3 s1/c@4");
  put("\"");
  put(pad);
  put(pad);
  put("\"\n" LINE("d"));
  expect("s1/d@6");
  assert_told("oversize:2 oversize:5");
}

static void a_mark_of_byte_order_is_no_part_of_the_first_line(void **state) {
  (void)state;
  follow("s1");
  put("\xef\xbb\xbf" LINE("a"));
  put(LINE("b"));
  expect("s1/a@1 s1/b@2");
  assert_told("");
}

static void a_strict_follower_stops_at_damage(void **state) {
  (void)state;
  debrief_follow_config config = config_of(true);
  config.strict = true;
  put(LINE("a") "nonsense\n" LINE("b"));
  put_in("s2.jsonl", LINE("c"));
  follow_with(&config, NULL);
  char expected[100];
  snprintf(expected, sizeof expected, "error %d", DEBRIEF_EDAMAGED);
  int errors = 0, entries = 0;
  for (const char *one; *(one = next_one(the_way->poll ? 20 : 0)); entries++)
    if (strcmp(one, expected) == 0) errors++, assert_int_equal(err.line, 2);
  assert_int_equal(errors, 1);
  assert_int_equal(entries, 3);
  put(LINE("d"));
  expect_nothing();
  put_in("s2.jsonl", LINE("e"));
  expect("s2/e@2");
}

/* ---- What is not there yet ---------------------------------------------------------------------------------- */

static void waits_for_a_session(void **state) {
  (void)state;
  debrief_follow_config config = config_of(false);
  follow_with(&config, "s1");
  expect_nothing();
  put_in("s2.jsonl", LINE("x"));
  expect_nothing();
  put(LINE("a"));
  expect("s1/a@1");
}

static void waits_for_a_folder(void **state) {
  (void)state;
  debrief_log_close(log_);
  char *path = path_in(folder, "not/yet"), *parent = path_in(folder, "not");
  log_ = debrief_log_open(path, NULL, &err);
  debrief_follow_config config = config_of(false);
  config.poll_ms = 2;
  follow_with(&config, NULL);
  assert_string_equal(next_one(10), "");
  assert_int_equal(mkdir(parent, 0700), 0);
  assert_string_equal(next_one(10), "");
  assert_true(debrief_log_append_json(log_, "s1", "{\"skill\":\"a\"}", 13, &err));
  expect("s1/a@1");
  assert_true(debrief_log_append_json(log_, "s2", "{\"skill\":\"b\"}", 13, &err));
  expect("s2/b@1");
  free(path);
  free(parent);
}

static void the_folder_is_removed_and_made_again(void **state) {
  (void)state;
  debrief_log_close(log_);
  char *path = path_in(folder, "log"), *away = path_in(folder, "away");
  log_ = debrief_log_open(path, NULL, &err);
  assert_int_equal(mkdir(path, 0700), 0);
  debrief_follow_config config = config_of(false);
  config.poll_ms = 2;
  follow_with(&config, NULL);
  put_in("log/s1.jsonl", LINE("a"));
  expect("s1/a@1");
  assert_int_equal(rename(path, away), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  put_in("log/s1.jsonl", LINE("b"));
  expect("s1/b@1");
  delete ("log/s1.jsonl");
  assert_int_equal(rmdir(path), 0);
  assert_string_equal(next_one(10), "");
  assert_int_equal(mkdir(path, 0700), 0);
  put_in("log/s1.jsonl", LINE("c"));
  expect("s1/c@1");
  free(path);
  free(away);
}

/* ---- Truncation --------------------------------------------------------------------------------------------- */

static void a_file_is_emptied(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  cut("s1.jsonl", 0);
  expect_nothing();
  assert_told("truncated:2");
  put(LINE("c"));
  expect("s1/c@1");
  assert_told("");
}

static void a_file_is_emptied_and_filled_less_before_it_is_looked_at(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  cut("s1.jsonl", 0);
  put(LINE("c"));
  expect("s1/c@1");
  assert_told("truncated:2");
}

/* What is left was given, what came after the cut was not, however long the file is when it is looked at. */
static void a_file_is_cut_in_the_middle_and_grows(void **state) {
  (void)state;
  put(LINE("a") LINE("b") LINE("c") LINE("d"));
  follow("s1");
  expect("s1/a@1 s1/b@2 s1/c@3 s1/d@4");
  const off_t line = sizeof LINE("a") - 1;
  cut("s1.jsonl", 2 * line);
  put(LINE("e"));
  expect("s1/e@3");
  assert_told("truncated:4");
  put(LINE("f"));
  expect("s1/f@4");
  cut("s1.jsonl", line + 5);
  put("\n" LINE("g") LINE("h") LINE("i") LINE("j") LINE("k"));
  expect("s1/g@3 s1/h@4 s1/i@5 s1/j@6 s1/k@7");
  assert_told("truncated:4 bad_json:2");
  cut("s1.jsonl", 0);
  put(LINE("a") LINE("x"));
  expect("s1/x@2");
  assert_told("truncated:7");
}

static void a_file_is_cut_after_it_was_followed_from_its_end(void **state) {
  (void)state;
  debrief_follow_config config = config_of(false);
  put(LINE("a") LINE("b"));
  follow_with(&config, "s1");
  put(LINE("c") LINE("d"));
  expect("s1/c@3 s1/d@4");
  const off_t line = sizeof LINE("a") - 1;
  cut("s1.jsonl", 3 * line);
  put(LINE("e") LINE("f"));
  expect("s1/e@4 s1/f@5");
  assert_told("truncated:4");
  cut("s1.jsonl", 2 * line);
  put(LINE("g") LINE("h") LINE("i") LINE("j"));
  expect("s1/g@3 s1/h@4 s1/i@5 s1/j@6");
  assert_told("truncated:5");
}

static void a_file_is_emptied_and_filled_again_to_the_same_size(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  cut("s1.jsonl", 0);
  put(LINE("c") LINE("d"));
  expect("s1/c@1 s1/d@2");
  assert_told("truncated:2");
}

/* The case on which shippers of logs fail. */
static void a_file_is_emptied_and_filled_again_with_more(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  cut("s1.jsonl", 0);
  put(LINE("c") LINE("d") LINE("e") LINE("f"));
  expect("s1/c@1 s1/d@2 s1/e@3 s1/f@4");
  assert_told("truncated:2");
}

/* What comes last in a line is often the same, and lines are often as long as each other. */
static void lines_that_end_alike_are_distinguished(void **state) {
  (void)state;
  char a[20000], b[20000];
  snprintf(a, sizeof a, "{\"skill\":\"a\",\"pad\":\"%015000d\"}\n", 0);
  snprintf(b, sizeof b, "{\"skill\":\"b\",\"pad\":\"%015000d\"}\n", 0);
  put(a);
  follow("s1");
  expect("s1/a@1");
  cut("s1.jsonl", 0);
  put(b);
  put(b);
  expect("s1/b@1 s1/b@2");
  assert_told("truncated:1");
}

static void a_file_is_emptied_while_a_line_is_half_written(void **state) {
  (void)state;
  follow("s1");
  put("{\"session_id\":\"s1\",\"skill\":\"a");
  expect_nothing();
  cut("s1.jsonl", 0);
  put(LINE("b") LINE("c"));
  expect("s1/b@1 s1/c@2");
  assert_told("");
}

static void a_half_written_line_is_taken_back(void **state) {
  (void)state;
  follow("s1");
  put("{\"session_id\":\"s1\",\"skill\":\"a long name");
  expect_nothing();
  cut("s1.jsonl", 0);
  expect_nothing();
  put(LINE("b"));
  expect("s1/b@1");
  assert_told("");
}

static void a_file_is_cut_short(void **state) {
  (void)state;
  put(LINE("a") LINE("b") LINE("c"));
  follow("s1");
  expect("s1/a@1 s1/b@2 s1/c@3");
  cut("s1.jsonl", (off_t)(2 * sizeof(LINE("a")) - 2));
  expect_nothing();
  put(LINE("d"));
  expect("s1/d@3");
  assert_told("truncated:3");
}

/* ---- Replacement -------------------------------------------------------------------------------------------- */

static void replaced_by_the_same(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  put_file(folder, "new", LINE("a") LINE("b"));
  move("new", "s1.jsonl");
  expect_nothing();
  put(LINE("c"));
  expect("s1/c@3");
  assert_told("");
}

static void replaced_by_the_same_and_more_before_the_old_one_was_read(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  put("nonsense\n" LINE("b"));
  put_file(folder, "new", LINE("a") LINE("b") LINE("c"));
  move("new", "s1.jsonl");
  expect("s1/b@3 s1/c@3");
  assert_told("bad_json:2");
}

static void the_end_of_a_replaced_file_is_torn(void **state) {
  (void)state;
  put(LINE("a") "{\"session_id\":");
  follow("s1");
  expect("s1/a@1");
  assert_told("");
  put_file(folder, "new", LINE("a") LINE("b"));
  move("new", "s1.jsonl");
  expect("s1/b@2");
  assert_told("torn_tail:2");
}

static void the_last_entry_of_a_replaced_file_has_no_newline(void **state) {
  (void)state;
  put(LINE("a") "{\"session_id\":\"s1\",\"skill\":\"b\"}");
  follow("s1");
  expect("s1/a@1");
  put_file(folder, "new", LINE("a") LINE("b") LINE("c"));
  move("new", "s1.jsonl");
  expect("s1/b@2 s1/c@3");
  assert_told("");
}

static void replaced_by_something_else(void **state) {
  (void)state;
  put(LINE("a") LINE("b"));
  follow("s1");
  expect("s1/a@1 s1/b@2");
  put_file(folder, "new", LINE("c") LINE("d") LINE("e"));
  move("new", "s1.jsonl");
  expect("s1/c@1 s1/d@2 s1/e@3");
  assert_told("replaced:3");
}

static void replaced_by_an_edited_one(void **state) {
  (void)state;
  put(LINE("a") LINE("b") LINE("c") LINE("c"));
  follow("s1");
  expect("s1/a@1 s1/b@2 s1/c@3 s1/c@4");
  put_file(folder, "new", LINE("a") LINE("B") LINE("c") LINE("c") LINE("c"));
  move("new", "s1.jsonl");
  expect("s1/B@2 s1/c@5");
  assert_told("replaced:5");
}

static void replaced_twice_at_once(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  put(LINE("b"));
  put_file(folder, "new", LINE("a") LINE("b") LINE("c"));
  move("new", "s1.jsonl");
  put_file(folder, "new", LINE("a") LINE("b") LINE("c") LINE("d"));
  move("new", "s1.jsonl");
  expect("s1/b@2 s1/c@3 s1/d@4");
  put_file(folder, "new", LINE("a") LINE("b") LINE("c") LINE("d"));
  move("new", "s1.jsonl");
  put(LINE("e"));
  expect("s1/e@5");
  assert_told("");
}

static void repaired(void **state) {
  (void)state;
  debrief_repair repair = {.struct_size = sizeof repair};
  put(LINE("a") "nonsense\n" LINE("b"));
  follow(NULL);
  expect("s1/a@1 s1/b@3");
  assert_told("bad_json:2");
  put("{\"session_id\":\"s1\",\"sk" LINE("c"));
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_true(repair.repaired);
  debrief_repair_release(&repair);
  assert_true(debrief_log_append_json(log_, "s1", "{\"skill\":\"d\"}", 13, &err));
  expect("s1/c@4 s1/d@4");
  assert_told("spliced:4");
}

/* The old files keep a name each, and none is read to its end: the first must go, and what it gave is known all the
 * same. */
static void repaired_more_often_than_files_are_followed(void **state) {
  enum { LINES = 60, TIMES = 12 };
  (void)state;
  char line[100];
  int seen[LINES] = {0}, which;
  for (int i = 0; i < LINES; i++) {
    snprintf(line, sizeof line, "{\"session_id\":\"s1\",\"skill\":\"r%d\"}\n", i);
    put(line);
  }
  follow("s1");
  for (int i = 0; i < LINES; i++) {
    if (i % 3 == 0 && i / 3 < TIMES) {
      debrief_repair repair = {.struct_size = sizeof repair};
      put("nonsense\n");
      assert_true(debrief_log_repair(log_, "s1", &repair, &err));
      assert_true(repair.repaired);
      debrief_repair_release(&repair);
    }
    assert_int_equal(sscanf(next_one(5000), "s1/r%d@", &which), 1);
    assert_in_range(which, 0, LINES - 1);
    seen[which]++;
  }
  expect_nothing();
  for (int i = 0; i < LINES; i++) assert_int_equal(seen[i], 1);
}

/* Somebody has the lock of the file that lost its name: he may be about to write there. */
static void a_writer_with_the_lock_is_waited_for(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  int fd = open_file("s1.jsonl", O_RDWR | O_APPEND);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  put_file(folder, "new", LINE("a") LINE("b") LINE("c"));
  move("new", "s1.jsonl");
  assert_string_equal(next_one(20), "");
  write_to(fd, LINE("b"));
  close(fd);
  expect("s1/b@2 s1/c@3");
  assert_told("");
}

/* The locks of all are held, so none is read before the last: more than are followed. No entry is returned twice,
 * whichever of them follow which. */
static void replaced_more_often_than_files_are_followed(void **state) {
  enum { TIMES = 20 };
  (void)state;
  char text[TIMES * 64] = LINE("a") LINE("b");
  int locked[TIMES];
  put(text);
  follow("s1");
  expect("s1/a@1 s1/b@2");
  for (int i = 0; i < TIMES; i++) {
    locked[i] = open_file("s1.jsonl", O_RDONLY);
    assert_int_equal(flock(locked[i], LOCK_EX), 0);
    strcat(text, i == TIMES - 1 ? LINE("c") : "\n");
    put_file(folder, "new", text);
    move("new", "s1.jsonl");
    assert_string_equal(next_one(the_way->poll ? 20 : 0), "");
  }
  for (int i = 0; i < TIMES; i++) close(locked[i]);
  char expected[32];
  snprintf(expected, sizeof expected, "s1/c@%d", TIMES + 2);
  expect(expected);
  assert_told("");
}

/* ---- Deletion and rotation ----------------------------------------------------------------------------------- */

static void deleted_and_made_again(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  put(LINE("b"));
  delete ("s1.jsonl");
  expect("s1/b@2");
  put(LINE("a") LINE("c"));
  expect("s1/a@1 s1/c@2");
  assert_told("");
}

static void deleted_and_made_again_before_it_is_looked_at(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  put(LINE("b"));
  delete ("s1.jsonl");
  put(LINE("c"));
  expect("s1/b@2 s1/c@1");
  assert_told(the_way->poll ? "replaced:1" : "");
}

static void renamed_away_and_made_again(void **state) {
  (void)state;
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  put(LINE("b"));
  move("s1.jsonl", "s1.jsonl.1");
  put(LINE("a") LINE("c"));
  expect("s1/b@2 s1/a@1 s1/c@2");
  assert_told("");
}

/* A writer that has the file open notices nothing, and goes on writing to it. */
static void a_file_that_was_renamed_away_goes_on(void **state) {
  (void)state;
  follow("s1");
  int fd = open_file("s1.jsonl", O_WRONLY | O_APPEND | O_CREAT);
  write_to(fd, LINE("a"));
  expect("s1/a@1");
  move("s1.jsonl", "s1.jsonl.1");
  expect_nothing();
  write_to(fd, LINE("b"));
  expect("s1/b@2");
  put(LINE("c"));
  expect("s1/c@1");
  write_to(fd, "{\"session_id\":\"s1\",");
  put(LINE("d"));
  expect("s1/d@2");
  write_to(fd, "\"skill\":\"e\"}\n");
  expect("s1/e@3");
  delete ("s1.jsonl.1");
  write_to(fd, LINE("f"));
  close(fd);
  put(LINE("g"));
  expect("s1/f@4 s1/g@3");
  assert_told("");
}

static void the_last_entry_of_a_rotated_file_has_no_newline(void **state) {
  (void)state;
  follow("s1");
  put(LINE("a") "{\"skill\":\"b\"}");
  expect("s1/a@1");
  move("s1.jsonl", "s1.jsonl.1");
  put(LINE("c"));
  expect("s1/b@2 s1/c@1");
  put_in("s1.jsonl.1", "\n" LINE("d"));
  expect("s1/d@3");
  assert_told("");
}

static void rotated_many_times(void **state) {
  (void)state;
  follow("s1");
  char name[24], text[100], expected[100];
  for (int i = 1; i <= 20; i++) {
    snprintf(text, sizeof text, "{\"skill\":\"n%d\"}\n", i);
    put(text);
    snprintf(expected, sizeof expected, "s1/n%d@1", i);
    expect(expected);
    snprintf(name, sizeof name, "s1.jsonl.%d", i);
    move("s1.jsonl", name);
  }
  put_in("s1.jsonl.20", LINE("late"));
  expect("s1/late@2");
  assert_told("");
}

/* The name it gets is that of a session, too. */
static void rotated_inside_the_log(void **state) {
  (void)state;
  put(LINE("a"));
  follow(NULL);
  expect("s1/a@1");
  put(LINE("b"));
  move("s1.jsonl", "s1.1.jsonl");
  put(LINE("c"));
  char got[100];
  snprintf(got, sizeof got, "%s", next_one(5000));
  assert_true(strcmp(got, "s1/b@2") == 0 || strcmp(got, "s1.1/b@2") == 0);
  expect("s1/c@1");
  put_in("s1.1.jsonl", LINE("d"));
  put(LINE("e"));
  int seen = 0;
  for (int i = 0; i < 2; i++) {
    const char *one = next_one(5000);
    seen += strcmp(one, "s1.1/d@3") == 0 ? 1 : strcmp(one, "s1/e@2") == 0 ? 2 : 10;
  }
  assert_int_equal(seen, 3);
  expect_nothing();
  assert_told("");
}

static void linked_and_then_replaced_inside_the_log(void **state) {
  (void)state;
  put(LINE("a"));
  follow(NULL);
  expect("s1/a@1");
  char *a = path_in(folder, "s1.jsonl"), *b = path_in(folder, "old.jsonl");
  assert_int_equal(link(a, b), 0);
  expect_nothing();
  put(LINE("b"));
  expect("s1/b@2");
  put_file(folder, "new", LINE("c"));
  move("new", "s1.jsonl");
  expect("s1/c@1");
  put_in("old.jsonl", LINE("d"));
  expect("old/d@3");
  assert_told("");
  free(a);
  free(b);
}

static void moved_away_and_back(void **state) {
  (void)state;
  put(LINE("a"));
  follow(NULL);
  expect("s1/a@1");
  move("s1.jsonl", "away");
  expect_nothing();
  put_in("away", LINE("b"));
  expect("s1/b@2");
  move("away", "s1.jsonl");
  expect_nothing();
  put(LINE("c"));
  expect("s1/c@3");
  assert_told("");
}

/* ---- The rest ------------------------------------------------------------------------------------------------ */

static int open_files(void) {
  int n = 0;
  for (int fd = 0; fd < 200; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

static void more_sessions_than_may_be_open(void **state) {
  (void)state;
  enum { SESSIONS = 20 };
  char name[20], expected[64];
  for (int i = 0; i < SESSIONS; i++) {
    snprintf(name, sizeof name, "t%02d.jsonl", i);
    put_in(name, LINE("a"));
  }
  debrief_follow_config config = config_of(false);
  follow_with(&config, NULL);
  dbf_follower_limit(follower, 0, 3, 0);
  int most = open_files() - SESSIONS + 3;
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < SESSIONS; i++) {
      snprintf(name, sizeof name, "t%02d.jsonl", (i * 7) % SESSIONS);
      put_in(name, LINE("b"));
      snprintf(expected, sizeof expected, "%.3s/b@%d", name, round + 2);
      expect(expected);
    }
  assert_true(open_files() <= most);
  cut("t05.jsonl", 0);
  put_in("t05.jsonl", LINE("c") LINE("d") LINE("e") LINE("f") LINE("g"));
  expect("t05/c@1 t05/d@2 t05/e@3 t05/f@4 t05/g@5");
  move("t06.jsonl", "t06.jsonl.1");
  put_in("t06.jsonl", LINE("n"));
  expect("t06/n@1");
}

/* Nothing is reported of an empty folder that is removed while we have it open. */
static void an_empty_folder_is_removed_and_made_again(void **state) {
  (void)state;
  debrief_log_close(log_);
  char *path = path_in(folder, "log");
  log_ = debrief_log_open(path, NULL, &err);
  assert_int_equal(mkdir(path, 0700), 0);
  debrief_follow_config config = config_of(false);
  follow_with(&config, NULL);
  expect_nothing();
  assert_int_equal(rmdir(path), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  put_in("log/s1.jsonl", LINE("a"));
  expect("s1/a@1");
  put_in("log/s1.jsonl", LINE("b"));
  expect("s1/b@2");
  free(path);
}

/* From the first look on: all of them are opened before one is looked at again. */
static void follows_more_sessions_than_there_are_descriptors(void **state) {
  (void)state;
  enum { MANY = 100 };
  char name[32], expected[32];
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "t%02d.jsonl", i);
    put_in(name, LINE("a"));
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, before.rlim_max}), 0);
  debrief_follow_config config = config_of(false);
  follow_with(&config, NULL);
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "t%02d.jsonl", i);
    put_in(name, LINE("b"));
    snprintf(expected, sizeof expected, "t%02d/b@2", i);
    expect(expected);
  }
  debrief_follower_close(follower);
  config.from_start = true;
  follow_with(&config, NULL);
  int held[60], count = 0; /* of the limit, a host has most itself */
  while (count < 60 && (held[count] = dup(0)) >= 0) count++;
  for (int i = 0; i < 2; i++) close(held[--count]);
  for (int i = 0; i < 2 * MANY; i++) assert_string_not_equal(next_one(5000), "");
  expect_nothing();
  while (count > 0) close(held[--count]);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void its_descriptor_can_be_polled(void **state) {
  (void)state;
  put(LINE("a"));
  debrief_follow_config config = config_of(false);
  follow_with(&config, "s1");
  expect_nothing();
  struct pollfd item = {.fd = debrief_follower_fd(follower), .events = POLLIN};
  if (!the_way->poll) assert_int_equal(poll(&item, 1, 0), 0);
  put(LINE("b"));
  assert_int_equal(poll(&item, 1, 5000), 1);
  expect("s1/b@2");
  if (!the_way->poll) assert_int_equal(poll(&item, 1, 0), 0);
}

static void outlives_its_log(void **state) {
  (void)state;
  follow("s1");
  debrief_log_close(log_);
  log_ = NULL;
  put(LINE("a"));
  expect("s1/a@1");
}

static void passes_over_what_is_no_file(void **state) {
  (void)state;
  char *path = path_in(folder, "link.jsonl");
  follow(NULL);
  assert_int_equal(symlink("s1.jsonl", path), 0);
  put(LINE("a"));
  expect("s1/a@1");
  const char *id = "link";
  assert_null(debrief_log_follow(log_, &id, 1, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EUNSAFE);
  free(path);
}

static void an_error_is_reported_once_and_the_session_goes_on_when_it_is_gone(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl"), expected[20];
  snprintf(expected, sizeof expected, "error %d", DEBRIEF_EUNSAFE);
  put(LINE("a"));
  follow("s1");
  expect("s1/a@1");
  for (int i = 0; i < 2; i++) {
    delete ("s1.jsonl");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_string_equal(next_one(5000), expected);
    assert_int_equal(chmod(path, 0750), 0);
    expect_nothing();
    assert_int_equal(rmdir(path), 0);
    put(LINE("b"));
    expect("s1/b@1");
  }
  free(path);
}

static void refuses_wrong_arguments(void **state) {
  (void)state;
  const char *id = "../x";
  debrief_follow_config config = {.struct_size = 1};
  assert_null(debrief_log_follow(NULL, NULL, 0, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_null(debrief_log_follow(log_, &id, 1, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EID);
  assert_null(debrief_log_follow(log_, NULL, 0, &config, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_int_equal(debrief_follower_next(NULL, 0, NULL, NULL, &err), DEBRIEF_NEXT_ERROR);
  debrief_follower_stop(NULL);
  debrief_follower_close(NULL);
}

#define TESTS(way)                                                                                           \
  T(way, returns_old_and_new_entries), T(way, starts_at_the_end_by_default),                                 \
      T(way, waits_for_the_rest_of_a_line), T(way, a_last_entry_without_newline_is_given_when_stopped),      \
      T(way, damaged_lines_are_told), T(way, a_record_that_was_appended_again_is_given_once),                \
      T(way, long_lines), T(way, lines_over_the_limit_are_passed_over),                                      \
      T(way, a_mark_of_byte_order_is_no_part_of_the_first_line), T(way, a_strict_follower_stops_at_damage),  \
      T(way, waits_for_a_session), T(way, waits_for_a_folder), T(way, the_folder_is_removed_and_made_again), \
      T(way, an_empty_folder_is_removed_and_made_again),                                                     \
      T(way, follows_more_sessions_than_there_are_descriptors), T(way, a_file_is_emptied),                   \
      T(way, a_file_is_emptied_and_filled_less_before_it_is_looked_at),                                      \
      T(way, a_file_is_cut_in_the_middle_and_grows),                                                         \
      T(way, a_file_is_cut_after_it_was_followed_from_its_end),                                              \
      T(way, a_file_is_emptied_and_filled_again_to_the_same_size),                                           \
      T(way, a_file_is_emptied_and_filled_again_with_more), T(way, lines_that_end_alike_are_distinguished),  \
      T(way, a_file_is_emptied_while_a_line_is_half_written), T(way, a_half_written_line_is_taken_back),     \
      T(way, a_file_is_cut_short), T(way, replaced_by_the_same),                                             \
      T(way, replaced_by_the_same_and_more_before_the_old_one_was_read),                                     \
      T(way, the_end_of_a_replaced_file_is_torn), T(way, the_last_entry_of_a_replaced_file_has_no_newline),  \
      T(way, replaced_by_something_else), T(way, replaced_by_an_edited_one), T(way, replaced_twice_at_once), \
      T(way, repaired), T(way, repaired_more_often_than_files_are_followed),                                 \
      T(way, a_writer_with_the_lock_is_waited_for), T(way, deleted_and_made_again),                          \
      T(way, deleted_and_made_again_before_it_is_looked_at), T(way, renamed_away_and_made_again),            \
      T(way, a_file_that_was_renamed_away_goes_on), T(way, the_last_entry_of_a_rotated_file_has_no_newline), \
      T(way, rotated_many_times), T(way, rotated_inside_the_log),                                            \
      T(way, linked_and_then_replaced_inside_the_log), T(way, moved_away_and_back),                          \
      T(way, replaced_more_often_than_files_are_followed), T(way, more_sessions_than_may_be_open),           \
      T(way, its_descriptor_can_be_polled), T(way, outlives_its_log), T(way, passes_over_what_is_no_file),   \
      T(way, an_error_is_reported_once_and_the_session_goes_on_when_it_is_gone),                             \
      T(way, refuses_wrong_arguments)
#define T(way, test) cmocka_unit_test_prestate_setup_teardown(test, set_up, tear_down, way)

int main(void) {
  const struct CMUnitTest tests[] = {TESTS(&ways[0]), TESTS(&ways[1]), TESTS(&ways[2])};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
