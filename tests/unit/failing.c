/* Every call that can fail, failing in turn, in every operation of the log. Whatever fails: an operation that says it is
 * done has done all of it, one that says it is not says why, nothing acknowledged is lost or there twice, memory and
 * descriptors are given back, and the same operation works afterwards. */
#include "failing.h"
#include "../torture/figure.h"
#include "transcript.h"

#include "log/append_new.h"
#include "log/cat.h"
#include "log/follow.h"
#include "log/log_internal.h"
#include "log/replace.h"

enum { MANY = 3000 }; /* calls of one operation, at most */

#define A "{\"session_id\":\"s1\",\"skill\":\"a\"}"
#define B "{\"session_id\":\"s1\",\"skill\":\"b\"}"

static char *folder, *session_path, *other_path; /* the log, its session s1, and a file beside it */
static debrief_error err;
static dbf_bytes said;   /* what the operation found */
static int acknowledged; /* entries k1, k2 ... of this run */

/* An operation on the log in `folder`; false with `err`. `before` makes the files that it finds, `after` looks at those
 * that it leaves. What it `said` must be the same whenever it succeeds. */
typedef struct operation {
  const char *name;
  void (*before)(void);
  bool (*run)(debrief_log *log);
  void (*after)(bool done);
  debrief_sync sync;
} operation;

static void put_text(const char *text) {
  put_file(folder, "s1.jsonl", text);
}

/* ---- Appending ----------------------------------------------------------------------------------------------- */

static void nothing(void) {}

static void old_and_torn(void) {
  put_text(A "\n{\"session_id\":\"s1\",\"to");
}

/* Append the entry of a number, and count it when it was acknowledged. */
static bool append(debrief_log *log, int number) {
  char json[80];
  int n =
      snprintf(json, sizeof json,
               "{\"session_id\":\"s1\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"skill\":\"k%d\"}", number);
  bool ok = debrief_log_append_json(log, "s1", json, (size_t)n, &err);
  acknowledged += ok;
  return ok;
}

static bool append_three(debrief_log *log) {
  return append(log, 1) && append(log, 2) && append(log, 3);
}

static bool append_batch(debrief_log *log) {
  debrief_text lines[3] = {
      {"{\"skill\":\"k1\"}", 14}, {"{\"skill\":\"k2\"}", 14}, {"{\"skill\":\"k3\"}", 14}};
  size_t stored;
  bool ok = debrief_log_append_batch(log, "s1", lines, 3, &stored, &err);
  assert_true(ok ? stored == 3 : stored <= 3);
  acknowledged = (int)stored;
  return ok;
}

static bool append_struct(debrief_log *log) {
  debrief_attempt attempt = {.attempt = 1, .model = {"m", 1}, .verified = true};
  debrief_entry entry = {.struct_size = sizeof entry,
                         .skill = {"k1", 2},
                         .attempts = &attempt,
                         .attempt_count = 1,
                         .input = {"[1, 2]", 6}};
  bool ok = debrief_log_append(log, "s1", &entry, &err);
  acknowledged += ok;
  return ok;
}

/* How many lines of the session hold the skill, and nothing else than one entry. */
static int lines_with(const char *skill) {
  char *text = get_file(folder, "s1.jsonl"), wanted[40];
  int count = 0;
  snprintf(wanted, sizeof wanted, "\"skill\":\"%s\"", skill);
  for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    count += strncmp(line, "{\"session_id\":\"s1\"", 18) == 0 && end[-1] == '}' && strstr(line, wanted);
  }
  free(text);
  return count;
}

/* Each acknowledged entry once, the others at most once; what was there before is there still. */
static void is_appended(bool done) {
  char skill[16];
  (void)done;
  for (int i = 1; i <= 3; i++) {
    snprintf(skill, sizeof skill, "k%d", i);
    assert_in_range(lines_with(skill), i <= acknowledged, 1);
  }
}

static void is_appended_behind_the_old(bool done) {
  assert_int_equal(lines_with("a"), 1);
  is_appended(done);
}

/* Appending goes on where one failed: with the same log, and when that was poisoned, with another. */
static void goes_on(debrief_log *log) {
  bool ok = append(log, 4);
  if (!ok && err.code == DEBRIEF_EPOISONED) {
    debrief_log *other = debrief_log_open(folder, NULL, &err);
    ok = append(other, 4);
    debrief_log_close(other);
  }
  if (!ok) print_error("goes on: %s\n", err.message);
  assert_true(ok);
  assert_int_equal(lines_with("k4"), 1);
}

#define SOURCE(key) "\"source\":{\"kind\":\"test\",\"key\":\"" key "\"}}\n"

static void one_imported(void) {
  put_text("{\"session_id\":\"s1\",\"skill\":\"a\"," SOURCE("1") "{\"session_id\":\"s1\",\"to");
}

static bool append_new_ones(debrief_log *log) {
  static const char first[] = "{\"session_id\":\"s1\",\"skill\":\"again\"," SOURCE("1");
  static const char second[] = "{\"session_id\":\"s1\",\"skill\":\"k1\"," SOURCE("2");
  debrief_text lines[2] = {{first, sizeof first - 1}, {second, sizeof second - 1}};
  dbf_append_new fresh = {0};
  dbf_appended appended = {0};
  bool ok = dbf_log_append_lines(log, "s1", lines, 2, dbf_append_new_filter, &fresh, &appended, &err);
  if (ok && fresh.known != 1) fail_msg("%zu known after %s", fresh.known, failed);
  acknowledged = ok;
  return ok;
}

static void only_new_ones_are_appended(bool done) {
  (void)done;
  assert_int_equal(lines_with("a"), 1);
  assert_int_equal(lines_with("again"), 0);
  assert_in_range(lines_with("k1"), acknowledged, 1);
}

#define ENDED(second, skill) \
  "{\"session_id\":\"s1\",\"timestamp\":\"2026-11-02T10:00:" second "Z\",\"skill\":\"" skill "\"," SOURCE("1")
#define BROKEN "{\"session_id\":\"s1\",\"to\n"

static void one_that_grows(void) {
  put_text(ENDED("01", "short") BROKEN B "\n");
}

static bool replace_by_a_later_version(debrief_log *log) {
  static const char later[] = ENDED("09", "longer");
  debrief_text line = {later, sizeof later - 1};
  size_t replaced;
  return dbf_log_replace(log, "s1", &line, 1, &replaced, &err) && replaced == 1;
}

static void is_the_old_one_or_the_new_one(bool done) {
  char *text = get_file(folder, "s1.jsonl");
  const char *old = ENDED("01", "short") BROKEN B "\n", *new = ENDED("09", "longer") BROKEN B "\n";
  if (strcmp(text, new) != 0 && (done || strcmp(text, old) != 0)) fail_msg("after %s: %s", failed, text);
  free(text);
}

/* ---- Reading ------------------------------------------------------------------------------------------------- */

#define DAMAGED                                      \
  A "\n\n{x\n{\"session_id\":\"s1\",\"sk" B "\n" B B \
    "\n42\n{\"skill\":\"d\",\"skill\":\"e\"}\n{\"skill\":\"\xff\"}\n" A "\n{\"se"

static void damaged(void) {
  put_text(DAMAGED);
}

static void is_unchanged(bool done) {
  (void)done;
  assert_file(folder, "s1.jsonl", DAMAGED);
}

static bool read_all(debrief_reader *reader) {
  debrief_line line;
  debrief_next next = DEBRIEF_NEXT_ERROR;
  while (reader && (next = debrief_reader_next(reader, &line, &err)) == DEBRIEF_NEXT_ENTRY)
    say(&said, "%d %.*s\n", (int)line.line, (int)line.json.len, line.json.data);
  if (reader && next == DEBRIEF_NEXT_ERROR)
    assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_ERROR);
  debrief_reader_close(reader);
  return next == DEBRIEF_NEXT_END;
}

static bool read_session(debrief_log *log) {
  debrief_read_config config = {.struct_size = sizeof config, .on_diagnostic = say_diagnostic, .user = &said};
  return read_all(debrief_log_read(log, "s1", &config, &err));
}

static bool read_foreign(debrief_log *log) {
  debrief_read_config config = {
      .struct_size = sizeof config, .foreign = true, .on_diagnostic = say_diagnostic, .user = &said};
  (void)log;
  return read_all(debrief_log_read_path(session_path, &config, &err));
}

static bool check(debrief_log *log) {
  debrief_check result = {.struct_size = sizeof result};
  bool ok = debrief_log_check(log, "s1", NULL, &result, &err);
  say(&said, "%d entries, %d damaged\n", (int)result.entries, (int)result.damaged);
  return ok;
}

static bool add_session(void *user, const char *id) {
  (void)user;
  say(&said, "%s ", id);
  return true;
}

static void three_sessions(void) {
  put_file(folder, "s2.jsonl", "");
  put_file(folder, "s3.jsonl", B "\n");
  put_text(DAMAGED);
}

/* p1 and s3 in a pack. */
static void packed_sessions(void) {
  dbf_pack_record records[] = {{.size = strlen(DAMAGED), .id_len = 2},
                               {.origin = strlen(DAMAGED), .size = strlen(B "\n"), .id_len = 2}};
  put_file(folder, ".pack", DAMAGED B "\n");
  put_bytes(folder, ".packed", "w", (const char *)&records[0], sizeof *records);
  put_bytes(folder, ".packed", "a", "p1", 2);
  put_bytes(folder, ".packed", "a", (const char *)&records[1], sizeof *records);
  put_bytes(folder, ".packed", "a", "s3", 2);
  put_text(A "\n");
}

static bool read_packed(debrief_log *log) {
  debrief_read_config config = {.struct_size = sizeof config, .on_diagnostic = say_diagnostic, .user = &said};
  return read_all(debrief_log_read(log, "p1", &config, &err));
}

static bool list(debrief_log *log) {
  return debrief_log_sessions(log, add_session, NULL, &err);
}

static bool add_item(void *user, const dbf_directory_item *item) {
  (void)user;
  say(&said, "%s %d %s ", item->id, (int)item->size, item->kind ? item->kind : "");
  return true;
}

static bool look(debrief_log *log) {
  uint32_t timeout;
  dbf_directory *dir = dbf_log_directory(log, &timeout, &err);
  dbf_directory_item item;
  bool ok = dir && dbf_directory_look(dir, false, add_item, NULL, &err) &&
            dbf_directory_find(dir, "s3", &item, &err);
  if (ok) say(&said, "%d", (int)item.size);
  return ok;
}

static void say_copied(void *user, const dbf_cat_item *item, const debrief_diagnostic *d) {
  (void)user;
  say(&said, "%s:%d ", item->id, (int)d->line);
}

static bool copy(debrief_log *log) {
  dbf_cat_item items[3] = {{.id = "s1", .path = "1"}, {.id = "s2", .path = "2"}, {.id = "s3", .path = "3"}};
  rest();
  dbf_cat_options options = {
      .fd = open(other_path, O_RDWR | O_CREAT | O_TRUNC, 0600), .threads = 3, .on_diagnostic = say_copied};
  resume();
  bool ok = dbf_cat(log, items, 3, &options);
  if (!ok) err = (debrief_error){.code = DEBRIEF_EIO, .message = "errno"};
  for (int i = 0; i < 3; i++)
    if (items[i].failed) ok = false, err = items[i].err;
  close(options.fd);
  return ok;
}

/* ---- Repairing ----------------------------------------------------------------------------------------------- */

static bool repair(debrief_log *log) {
  debrief_repair result = {.struct_size = sizeof result};
  bool ok = debrief_log_repair(log, "s1", &result, &err) ||
            (result.repaired && strstr(err.message, "was repaired, but its folder cannot be synced"));
  if (ok) say(&said, "%d entries, %d left out", (int)result.entries, (int)result.left_out_count);
  debrief_repair_release(&result);
  return ok;
}

static void is_the_old_one_or_repaired(bool done) {
  char *text = get_file(folder, "s1.jsonl");
  bool old = strcmp(text, DAMAGED) == 0;
  assert_int_equal(old, !done);
  if (!old) assert_null(strstr(text, "{x"));
  free(text);
}

/* ---- Following ----------------------------------------------------------------------------------------------- */

static void put_more(const char *text) {
  rest();
  put_bytes(folder, "s1.jsonl", "a", text, strlen(text));
  resume();
}

static void replace(const char *text) {
  rest();
  put_file(folder, "other", text);
  assert_int_equal(rename(other_path, session_path), 0);
  resume();
}

/* What comes until nothing is left. An error is passed by and remembered: the next call goes on. */
static bool follow_on(debrief_follower *f) {
  debrief_line line;
  const char *session;
  bool ok = true;
  for (int errors = 0;;) {
    debrief_next next = debrief_follower_next(f, 0, &line, &session, &err);
    if (next == DEBRIEF_NEXT_ENTRY) say(&said, "%.*s\n", (int)line.json.len, line.json.data);
    else if (next == DEBRIEF_NEXT_END) return ok;
    else if (++errors > 3) return false;
    else ok = false;
  }
}

static bool follow(debrief_log *log, bool poll) {
  debrief_follow_config config = {
      .struct_size = sizeof config, .from_start = true, .poll = poll, .poll_ms = 1};
  debrief_follower *f = debrief_log_follow(log, NULL, 0, &config, &err);
  if (!f) return false;
  dbf_follower_limit(f, 16, 0, 0);
  bool ok = follow_on(f);
  put_more(B "\n");
  ok = follow_on(f) && ok;
  replace(A "\n" B "\n{\"skill\":\"new\"}\n");
  ok = follow_on(f) && ok;
  debrief_follower_stop(f);
  ok = follow_on(f) && ok;
  debrief_follower_close(f);
  return ok;
}

static bool follow_events(debrief_log *log) {
  return follow(log, false);
}

static void two_entries(void) {
  put_text(A "\n" B "\n");
}

static void nothing_to_see(bool done) {
  (void)done;
}

/* ---- All of them --------------------------------------------------------------------------------------------- */

static const operation operations[] = {
    {"append", nothing, append_three, is_appended, DEBRIEF_SYNC_NONE},
    {"append after a torn tail", old_and_torn, append_three, is_appended_behind_the_old, DEBRIEF_SYNC_NONE},
    {"append durably", nothing, append_three, is_appended, DEBRIEF_SYNC_DATA},
    {"append a batch", old_and_torn, append_batch, is_appended_behind_the_old, DEBRIEF_SYNC_DATA},
    {"append a struct", nothing, append_struct, is_appended, DEBRIEF_SYNC_NONE},
    {"append what is new", one_imported, append_new_ones, only_new_ones_are_appended, DEBRIEF_SYNC_NONE},
    {"replace", one_that_grows, replace_by_a_later_version, is_the_old_one_or_the_new_one, DEBRIEF_SYNC_NONE},
    {"read", damaged, read_session, is_unchanged, DEBRIEF_SYNC_NONE},
    {"read a foreign file", damaged, read_foreign, is_unchanged, DEBRIEF_SYNC_NONE},
    {"check", damaged, check, is_unchanged, DEBRIEF_SYNC_NONE},
    {"list", three_sessions, list, is_unchanged, DEBRIEF_SYNC_NONE},
    {"look", three_sessions, look, is_unchanged, DEBRIEF_SYNC_NONE},
    {"read a packed session", packed_sessions, read_packed, nothing_to_see, DEBRIEF_SYNC_NONE},
    {"list packed sessions", packed_sessions, list, nothing_to_see, DEBRIEF_SYNC_NONE},
    {"look at packed sessions", packed_sessions, look, nothing_to_see, DEBRIEF_SYNC_NONE},
    {"copy", three_sessions, copy, is_unchanged, DEBRIEF_SYNC_NONE},
    {"repair", damaged, repair, is_the_old_one_or_repaired, DEBRIEF_SYNC_NONE},
    {"follow", two_entries, follow_events, nothing_to_see, DEBRIEF_SYNC_NONE},
};

static char *place; /* where each run has a folder of its own */

static int next_descriptor(void) {
  int fd = dup(STDIN_FILENO);
  close(fd);
  return fd;
}

/* A folder of its own for run `n`, with the files that the operation finds. */
static char *begin(const operation *op, long n) {
  char name[40];
  snprintf(name, sizeof name, "%ld", n);
  char *root = path_in(place, name);
  folder = path_in(root, "log");
  session_path = path_in(folder, "s1.jsonl");
  other_path = path_in(folder, "other");
  mkdir(root, 0700);
  if (op->before != nothing) mkdir(folder, 0700);
  op->before();
  dbf_bytes_clear(&said);
  memset(&err, 0, sizeof err);
  acknowledged = 0;
  return root;
}

static void end(char *root) {
  free(root);
  free(other_path);
  free(session_path);
  free(folder);
}

/* One run, in which call `n` fails (0: none); was it done? */
static bool run(const operation *op, failure kind, long n) {
  debrief_log_config config = {.struct_size = sizeof config, .sync = op->sync, .lock_timeout_ms = 1000};
  char *root = begin(op, n);
  int descriptor = next_descriptor();
  arm(kind, n);
  debrief_log *log = debrief_log_open(folder, &config, &err);
  bool done = log && op->run(log);
  disarm();
  if (!done && (err.code == DEBRIEF_OK || !*err.message))
    fail_msg("%s: no reason after %s", op->name, failed);
  if (log) op->after(done);
  if (log) goes_on(log);
  debrief_log_close(log);
  if (next_descriptor() != descriptor) fail_msg("%s: a descriptor is left after %s", op->name, failed);
  end(root);
  return done;
}

static bool same(const dbf_bytes *expected) {
  return said.len == expected->len && (said.len == 0 || memcmp(said.data, expected->data, said.len) == 0);
}

static void fail_each_call(const operation *op, failure kind) {
  dbf_bytes expected = {0};
  assert_true(run(op, kind, 0));
  dbf_bytes_append(&expected, said.data, said.len);
  long before = live;
  failed = "";
  for (long n = 1; failed; n++) {
    assert_in_range(n, 1, MANY);
    bool done = run(op, kind, n);
    const char *call = failed ? failed : "nothing";
    if (done && !same(&expected))
      fail_msg("%s says something else after %s (call %ld):\n%.*s", op->name, call, n, (int)said.len,
               said.data);
    if (!done && (kind != FAIL || !failed))
      fail_msg("%s failed by a %s (call %ld): %s", op->name, call, n, err.message);
    if (live != before)
      fail_msg("%s: %ld allocations are left after %s", op->name, (long)(live - before), call);
  }
  dbf_bytes_release(&expected);
}

static int set_up(void **state) {
  (void)state;
  place = make_temp();
  dbf_bytes_reserve(&said, 1 << 16); /* so that no failure falls on the test's own buffer */
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  dbf_bytes_release(&said);
  remove_temp(place);
  return 0;
}

static void any_call_may_fail(void **state) {
  fail_each_call(*state, FAIL);
}

static void any_call_may_be_interrupted(void **state) {
  fail_each_call(*state, INTERRUPT);
}

static void any_read_or_write_may_be_short(void **state) {
  fail_each_call(*state, SHORT);
}

int main(void) {
  enum { COUNT = sizeof operations / sizeof *operations };
  struct CMUnitTest tests[3 * COUNT];
  static char names[3 * COUNT][80];
  for (size_t i = 0; i < COUNT; i++) {
    void *op = (void *)(uintptr_t)&operations[i];
    const struct CMUnitTest three[] = {
        {"any call may fail", any_call_may_fail, set_up, tear_down, op},
        {"any call may be interrupted", any_call_may_be_interrupted, set_up, tear_down, op},
        {"any read or write may be short", any_read_or_write_may_be_short, set_up, tear_down, op}};
    for (size_t j = 0; j < 3; j++) {
      tests[3 * i + j] = three[j];
      snprintf(names[3 * i + j], sizeof *names, "%s: %s", operations[i].name, three[j].name);
      tests[3 * i + j].name = names[3 * i + j];
    }
  }
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  figure("allocations and calls", "calls of the log that failed, one per run", "every one handled",
         failures == 0, "%ld in %d operations, %d wrong", faults, (int)COUNT, failures);
  return failures;
}
