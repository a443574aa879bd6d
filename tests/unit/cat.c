/* dbf_cat: whole sessions to a descriptor, in order, whatever the threads do. */
#include "temp_folder.h"

#include "log/cat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#define LINE(skill) "{\"session_id\":\"s1\",\"skill\":\"" skill "\"}"

enum { SESSIONS = 200 };

static char *folder;
static debrief_log *log_;
static dbf_cat_item items[SESSIONS];
static char names[SESSIONS][16];
static dbf_bytes out, found;

static int threads_to_have = -1; /* pthread_create fails after so many (ld --wrap); -1: never */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*start)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*start)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*start)(void *),
                          void *argument) {
  if (threads_to_have == 0) return EAGAIN;
  if (threads_to_have > 0) threads_to_have--;
  return __real_pthread_create(thread, how, start, argument);
}

/* Skills that the sieve keeps, and leaves; NULL: no sieve. */
static const char *kept, *left;

static dbf_cat_verdict judge(void *user, unsigned thread, const dbf_cat_item *item,
                             const dbf_record *record) {
  dbf_json_value skill;
  (void)user, (void)thread, (void)item;
  if (!dbf_entry_known(record->entry, DBF_SKILL, &skill)) return DBF_CAT_LEAVE;
  if (strchr(kept, skill.start[1])) return DBF_CAT_KEEP;
  return strchr(left, skill.start[1]) ? DBF_CAT_LEAVE : DBF_CAT_UNSURE;
}

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  log_ = debrief_log_open(folder, NULL, NULL);
  memset(items, 0, sizeof items);
  for (int i = 0; i < SESSIONS; i++) {
    snprintf(names[i], sizeof names[i], "s%d", i);
    items[i].id = names[i];
    items[i].path = names[i];
  }
  threads_to_have = -1;
  return log_ ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_);
  dbf_bytes_release(&out);
  dbf_bytes_release(&found);
  remove_temp(folder);
  return 0;
}

static void put_session(int i, const char *text) {
  char name[32];
  snprintf(name, sizeof name, "s%d.jsonl", i);
  put_file(folder, name, text);
}

static void report(void *user, const dbf_cat_item *item, const debrief_diagnostic *d) {
  char text[300];
  (void)user;
  int n = snprintf(text, sizeof text, "%s:%d %s\n", item->id ? item->id : "file", (int)d->line,
                   debrief_kind_name(d->kind));
  dbf_bytes_append(&found, text, (size_t)n);
}

/* Copy the first `count` items to a file; what is in it afterwards is in `out`. */
static bool copy(size_t count, unsigned threads, bool strict) {
  char *path = path_in(folder, "out");
  dbf_cat_options options = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600),
                             .threads = threads,
                             .strict = strict,
                             .sieve = kept ? judge : NULL,
                             .on_diagnostic = report};
  dbf_bytes_clear(&found);
  dbf_bytes_clear(&out);
  for (size_t i = 0; i < count; i++) items[i].entries = 0, items[i].failed = items[i].unsure = false;
  bool ok = dbf_cat(log_, items, count, &options);
  close(options.fd);
  read_file(&out, folder, "out");
  free(path);
  return ok;
}

/* ---- What is copied ------------------------------------------------------------------------------------------ */

static void copies_the_entries_of_each_session_in_order(void **state) {
  (void)state;
  put_session(0, LINE("a") "\n\n" LINE("b"));
  put_session(2, LINE("c") "\n");
  for (unsigned threads = 1; threads <= 100; threads += 33) {
    assert_true(copy(3, threads, false));
    assert_bytes(&out, LINE("a") "\n" LINE("b") "\n" LINE("c") "\n");
    assert_int_equal(items[0].entries, 2);
    assert_int_equal(items[1].entries, 0);
    assert_false(items[1].failed); /* a session that is not there is empty */
    assert_int_equal(items[2].entries, 1);
    assert_bytes(&found, "");
  }
}

static void writes_valid_utf8_for_bytes_that_are_not(void **state) {
  (void)state;
  put_session(0, "{\"skill\": \"a\xff"
                 "b\"}\n");
  assert_true(copy(1, 1, false));
  assert_bytes(&out, "{\"skill\":\"a\\ufffdb\"}\n");
  assert_bytes(&found, "s0:1 bad_utf8\n");
}

static void tells_what_is_damaged_in_the_order_of_the_sessions(void **state) {
  (void)state;
  dbf_bytes expected = {0};
  for (int i = 0; i < SESSIONS; i++) {
    char line[64];
    put_session(i, LINE("a") "\n{x\n" LINE("b") "\n{y");
    int n = snprintf(line, sizeof line, "s%d:2 bad_json\ns%d:4 torn_tail\n", i, i);
    dbf_bytes_append(&expected, line, (size_t)n);
  }
  dbf_bytes_terminate(&expected);
  for (unsigned threads = 1; threads <= 4; threads++) {
    assert_true(copy(SESSIONS, threads, false));
    assert_bytes(&found, expected.data);
  }
  dbf_bytes_release(&expected);
}

static void stops_at_the_first_damaged_line_when_it_is_strict(void **state) {
  (void)state;
  put_session(0, LINE("a") "\n");
  put_session(1, LINE("b") "\n{x\n" LINE("c") "\n");
  for (int i = 2; i < SESSIONS; i++) put_session(i, LINE("d") "\n");
  for (unsigned threads = 1; threads <= 4; threads++) {
    assert_true(copy(SESSIONS, threads, true));
    assert_bytes(&out, LINE("a") "\n" LINE("b") "\n");
    assert_true(items[1].failed);
    assert_int_equal(items[1].err.code, DEBRIEF_EDAMAGED);
    assert_int_equal(items[1].err.line, 2);
  }
}

static void knows_nothing_of_what_comes_after_that(void **state) {
  (void)state;
  for (int i = 0; i < SESSIONS; i++) put_session(i, LINE("a") "\n{x\n");
  for (int n = 0; n < 200; n++) {
    assert_true(copy(SESSIONS, 8, true));
    assert_true(items[0].failed);
    assert_int_equal(items[0].entries, 1);
    for (int i = 1; i < SESSIONS; i++) assert_false(items[i].failed || items[i].entries);
  }
}

static void copies_files_by_their_path_and_goes_on_past_those_that_fail(void **state) {
  (void)state;
  put_session(2, LINE("c") "\n");
  put_file(folder, "other", LINE("f") "\n");
  char *path = path_in(folder, "other");
  items[0] = (dbf_cat_item){.path = "/nothing/here"};
  items[1] = (dbf_cat_item){.path = path};
  for (unsigned threads = 1; threads <= 3; threads++) {
    assert_true(copy(3, threads, false));
    assert_bytes(&out, LINE("f") "\n" LINE("c") "\n");
    assert_true(items[0].failed);
    assert_int_equal(items[0].err.code, DEBRIEF_ENOENT);
    assert_true(copy(3, threads, true)); /* strictly, the failure ends it */
    assert_bytes(&out, "");
  }
  free(path);
}

/* ---- A sieve ------------------------------------------------------------------------------------------------- */

static void copies_what_the_sieve_keeps(void **state) {
  (void)state;
  for (int i = 0; i < SESSIONS; i++) put_session(i, LINE("a") "\n" LINE("b") "\n{x\n" LINE("c") "\n");
  kept = "b";
  left = "ac";
  for (unsigned threads = 1; threads <= 4; threads++) {
    assert_true(copy(SESSIONS, threads, false));
    assert_int_equal(out.len, SESSIONS * sizeof LINE("b"));
    for (int i = 0; i < SESSIONS; i++) {
      assert_int_equal(items[i].entries, 1);
      assert_false(items[i].unsure);
      assert_memory_equal(out.data + (size_t)i * sizeof LINE("b"), LINE("b") "\n", sizeof LINE("b"));
    }
  }
  kept = NULL;
}

static void stops_before_an_entry_that_the_sieve_is_unsure_of(void **state) {
  (void)state;
  for (int i = 0; i < SESSIONS; i++) put_session(i, LINE("a") "\n" LINE("b") "\n");
  kept = "a";
  left = "b";
  for (int at = 0; at < SESSIONS; at += 13) {
    put_session(at, LINE("a") "\n" LINE("b") "\n" LINE("a") "\n" LINE("?") "\n" LINE("a") "\n");
    for (unsigned threads = 1; threads <= 4; threads++) {
      assert_true(copy(SESSIONS, threads, false));
      assert_int_equal(out.len, ((size_t)at + 2) * sizeof LINE("a"));
      assert_true(items[at].unsure);
      assert_int_equal(items[at].entries, 2);
      for (int i = 0; i < at; i++) assert_false(items[i].unsure);
    }
    put_session(at, LINE("a") "\n");
  }
  kept = NULL;
}

/* ---- Much ---------------------------------------------------------------------------------------------------- */

/* Sessions of several sizes, some with lines longer than what is buffered; what they make together is in `all`. */
static void put_sizes(dbf_bytes *all, size_t longest) {
  for (int i = 0; i < 8; i++) {
    dbf_bytes text = {0};
    size_t pad = i == 3 ? longest : (size_t)i * 1000;
    char name[32];
    for (int n = 0; n < (i == 3 ? 2 : 400); n++) {
      int len = snprintf(name, sizeof name, "{\"skill\":\"%d-%d", i, n);
      dbf_bytes_append(&text, name, (size_t)len);
      for (size_t at = 0; at < pad; at++) dbf_bytes_append_char(&text, 'x');
      dbf_bytes_append(&text, "\"}\n", 3);
    }
    snprintf(name, sizeof name, "s%d.jsonl", i);
    put_bytes(folder, name, "w", text.data, text.len);
    dbf_bytes_append(all, text.data, text.len);
    dbf_bytes_release(&text);
  }
}

static void copies_much_in_order_with_any_number_of_threads(void **state) {
  (void)state;
  dbf_bytes all = {0};
  put_sizes(&all, 5 << 20);
  for (unsigned threads = 1; threads <= 4; threads++) {
    assert_true(copy(8, threads, false));
    assert_int_equal(out.len, all.len);
    assert_memory_equal(out.data, all.data, all.len);
  }
  dbf_bytes_release(&all);
}

static void waits_with_a_full_buffer_and_with_many_diagnostics(void **state) {
  enum { LINES = 12000 }; /* their notes are more than a thread keeps to itself */
  (void)state;
  dbf_bytes text = {0};
  for (int i = 0; i < LINES; i++) dbf_bytes_append(&text, "{x\n", 3);
  for (int i = 0; i < 3; i++) {
    char name[32];
    snprintf(name, sizeof name, "s%d.jsonl", i);
    put_bytes(folder, name, "w", text.data, text.len);
  }
  assert_true(copy(3, 3, false));
  assert_bytes(&out, "");
  size_t lines = 0;
  for (size_t i = 0; i < found.len; i++) lines += found.data[i] == '\n';
  assert_int_equal(lines, 3 * LINES);
  dbf_bytes_release(&text);
}

static void copies_with_as_many_threads_as_can_be_had(void **state) {
  (void)state;
  for (int i = 0; i < SESSIONS; i++) put_session(i, LINE("a") "\n");
  for (int had = 0; had < 3; had++) {
    threads_to_have = had;
    assert_true(copy(SESSIONS, 4, false));
    assert_int_equal(out.len, SESSIONS * sizeof LINE("a"));
  }
}

/* ---- Writing fails ------------------------------------------------------------------------------------------- */

static bool copy_to(int fd, unsigned threads) {
  dbf_cat_options options = {.fd = fd, .threads = threads};
  errno = 0;
  return dbf_cat(log_, items, 8, &options);
}

static void says_why_writing_failed(void **state) {
  (void)state;
  static const size_t longest[] = {0, 5 << 20};
  for (size_t i = 0; i < 2; i++) {
    dbf_bytes all = {0};
    put_sizes(&all, longest[i]);
    for (unsigned threads = 1; threads <= 4; threads++) {
      int full = open("/dev/full", O_WRONLY);
      assert_false(copy_to(full, threads));
      assert_int_equal(errno, ENOSPC);
      close(full);
    }
    dbf_bytes_release(&all);
  }
  for (int i = 0; i < 8; i++) put_session(i, "");
  dbf_bytes text = {0};
  dbf_bytes_append(&text, "{\"skill\":\"", 10);
  for (int i = 0; i < 5 << 20; i++) dbf_bytes_append_char(&text, 'x');
  dbf_bytes_append(&text, "\"}\n", 3);
  put_bytes(folder, "s0.jsonl", "w", text.data, text.len);
  int full = open("/dev/full", O_WRONLY); /* one line that is too long to be buffered */
  assert_false(copy_to(full, 1));
  close(full);
  dbf_bytes_release(&text);
}

static void says_that_nobody_reads(void **state) {
  (void)state;
  dbf_bytes all = {0};
  int ends[2];
  put_sizes(&all, 0);
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  assert_false(copy_to(ends[1], 2));
  assert_int_equal(errno, EPIPE);
  signal(SIGPIPE, SIG_DFL);
  close(ends[1]);
  dbf_bytes_release(&all);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(copies_the_entries_of_each_session_in_order),
      TEST(writes_valid_utf8_for_bytes_that_are_not),
      TEST(tells_what_is_damaged_in_the_order_of_the_sessions),
      TEST(stops_at_the_first_damaged_line_when_it_is_strict),
      TEST(knows_nothing_of_what_comes_after_that),
      TEST(copies_files_by_their_path_and_goes_on_past_those_that_fail),
      TEST(copies_what_the_sieve_keeps),
      TEST(stops_before_an_entry_that_the_sieve_is_unsure_of),
      TEST(copies_much_in_order_with_any_number_of_threads),
      TEST(waits_with_a_full_buffer_and_with_many_diagnostics),
      TEST(copies_with_as_many_threads_as_can_be_had),
      TEST(says_why_writing_failed),
      TEST(says_that_nobody_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
