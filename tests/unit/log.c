/* The public log: arguments, batches, threads, syncs and forks. fdatasync and fsync are the test's own here. */
#include "temp_folder.h"

#include "log/log_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static char *folder;
static debrief_log *log_;
static debrief_error err;

static atomic_int data_syncs, folder_syncs;
static atomic_int fail_data_sync, fail_folder_sync; /* the how manieth fails; 0: none */
static atomic_long sync_us;                         /* how long a sync takes */
static atomic_int await_lines; /* so many lines are in the file before the first sync ends */

static int lines_of(int fd) {
  char text[4096];
  int lines = 0;
  ssize_t n = pread(fd, text, sizeof text, 0);
  for (ssize_t i = 0; i < n; i++) lines += text[i] == '\n';
  return lines;
}

int fdatasync(int fd) {
  int n = ++data_syncs;
  while (n == 1 && lines_of(fd) < await_lines) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  if (sync_us) nanosleep(&(struct timespec){.tv_nsec = sync_us * 1000}, NULL);
  if (n != fail_data_sync) return 0;
  errno = EIO;
  return -1;
}

int fsync(int fd) {
  (void)fd;
  if (++folder_syncs != fail_folder_sync) return 0;
  errno = EIO;
  return -1;
}

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  memset(&err, 0, sizeof err);
  data_syncs = folder_syncs = fail_data_sync = fail_folder_sync = 0;
  sync_us = 0;
  await_lines = 0;
  log_ = debrief_log_open(folder, NULL, &err);
  return log_ == NULL;
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_);
  remove_temp(folder);
  return 0;
}

/* The same folder, durably. */
static void sync_data(void) {
  debrief_log_config config = {.struct_size = sizeof config, .sync = DEBRIEF_SYNC_DATA};
  debrief_log_close(log_);
  log_ = debrief_log_open(folder, &config, &err);
  assert_non_null(log_);
}

#define JSON(n) "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T12:00:00Z\",\"skill\":\"" n "\"}"

static bool append(const char *id, const char *json) {
  return debrief_log_append_json(log_, id, json, strlen(json), &err);
}

static size_t count_lines(const char *name) {
  char *text = get_file(folder, name);
  size_t n = 0;
  for (char *p = text; (p = strchr(p, '\n')); p++) n++;
  free(text);
  return n;
}

/* ---- Arguments --------------------------------------------------------------------------------------------- */

static void refuse_open(const char *path, const debrief_log_config *config, const char *message) {
  assert_null(debrief_log_open(path, config, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
  assert_non_null(strstr(err.message, message));
  assert_null(debrief_log_open(path, config, NULL));
}

static void refuses_wrong_configs(void **state) {
  (void)state;
  debrief_log_config config = {.struct_size = 0};
  refuse_open(NULL, NULL, "no folder");
  refuse_open("", NULL, "no folder");
  refuse_open("x", &config, "debrief_log_config.struct_size is 0: set it to sizeof(debrief_log_config)");
  config.struct_size = SIZE_MAX;
  refuse_open("x", &config,
              SIZE_MAX > UINT32_MAX ? "struct_size is 18446744073709551615" : "struct_size is 4294967295");
  config = (debrief_log_config){.struct_size = sizeof config, .sync = (debrief_sync)7};
  refuse_open("x", &config, "sync is 7");
  config = (debrief_log_config){.struct_size = sizeof config, .file_mode = 0700};
  refuse_open("x", &config, "file_mode is 0700");
  config = (debrief_log_config){.struct_size = sizeof config, .folder_mode = 0600};
  refuse_open("x", &config, "folder_mode is 0600");
}

static void takes_structs_of_other_versions(void **state) {
  (void)state;
  debrief_log_config config = {.struct_size = sizeof(size_t), .sync = (debrief_sync)7};
  debrief_log *other = debrief_log_open(folder, &config, &err);
  assert_non_null(other);
  struct {
    debrief_entry entry;
    char later[64];
  } newer = {.entry = {.struct_size = sizeof newer, .skill = {"later", 5}}};
  memset(newer.later, 0x55, sizeof newer.later);
  assert_true(debrief_log_append(other, "s1", &newer.entry, &err));
  assert_int_equal(count_lines("s1.jsonl"), 1);
  debrief_log_close(other);
}

/* A struct of a caller that knows its members only up to `next`; what follows is not part of the struct. */
#define OLDER(type, name, next)           \
  type name;                              \
  memset(&name, 0x55, sizeof name);       \
  memset(&name, 0, offsetof(type, next)); \
  name.struct_size = offsetof(type, next)

static void reads_nothing_past_an_older_struct(void **state) {
  (void)state;
  OLDER(debrief_entry, entry, file_path);
  entry.skill = (debrief_text){"old", 3};
  assert_true(debrief_log_append(log_, "s1", &entry, &err));
  put_bytes(folder, "s1.jsonl", "a", "bad\n", 4);

  OLDER(debrief_read_config, reading, on_diagnostic);
  debrief_reader *reader = debrief_log_read(log_, "s1", &reading, &err);
  debrief_line line;
  assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_ENTRY);
  assert_null(debrief_member(line.json, "file_path").data);
  assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);

  OLDER(debrief_follow_config, following, poll_ms);
  following.from_start = true;
  debrief_follower *follower = debrief_log_follow(log_, NULL, 0, &following, &err);
  assert_int_equal(debrief_follower_next(follower, 0, &line, NULL, &err), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(debrief_follower_next(follower, 0, &line, NULL, &err), DEBRIEF_NEXT_END);
  debrief_follower_close(follower);
}

static void refuses_what_is_not_given(void **state) {
  (void)state;
  debrief_entry entry = {.struct_size = 0};
  assert_false(debrief_log_append(NULL, "s1", &entry, &err));
  entry.struct_size = sizeof entry;
  debrief_code codes[8];
  int n = 0;
  assert_false(debrief_log_append(NULL, "s1", &entry, &err)), codes[n++] = err.code;
  assert_false(debrief_log_append(log_, NULL, &entry, &err)), codes[n++] = err.code;
  assert_false(debrief_log_append(log_, "s1", NULL, &err)), codes[n++] = err.code;
  assert_false(debrief_log_append_json(log_, "s1", NULL, 0, &err)), codes[n++] = err.code;
  assert_false(debrief_log_append_batch(log_, "s1", NULL, 1, NULL, &err)), codes[n++] = err.code;
  assert_false(debrief_log_sessions(log_, NULL, NULL, &err)), codes[n++] = err.code;
  assert_null(debrief_log_read(NULL, "s1", NULL, &err)), codes[n++] = err.code;
  assert_null(debrief_log_read_path(NULL, NULL, &err)), codes[n++] = err.code;
  for (int i = 0; i < n; i++) assert_int_equal(codes[i], DEBRIEF_EARG);
  assert_false(append("../x", JSON("a")));
  assert_int_equal(err.code, DEBRIEF_EID);
  assert_false(debrief_log_append_json(log_, "../x", JSON("a"), sizeof JSON("a") - 1, NULL));
  assert_null(debrief_log_read(log_, "a/b", NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EID);
  debrief_log_close(NULL);
}

/* ---- Appending and reading --------------------------------------------------------------------------------- */

static void reads_back_what_was_appended(void **state) {
  (void)state;
  debrief_entry entry = {.struct_size = sizeof entry, .skill = {"one", 3}, .final_status = {"ok", 2}};
  assert_true(debrief_log_append(log_, "s1", &entry, &err));
  assert_true(append("s1", JSON("two")));
  debrief_reader *reader = debrief_log_read(log_, "s1", NULL, &err);
  assert_non_null(reader);
  const char *skills[] = {"one", "two"};
  debrief_line line;
  for (int i = 0; i < 2; i++) {
    char skill[8];
    assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_ENTRY);
    debrief_string(debrief_member(line.json, "skill"), skill, sizeof skill);
    assert_string_equal(skill, skills[i]);
    assert_int_equal(line.line, i + 1);
  }
  assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
}

static void a_missing_session_is_empty(void **state) {
  (void)state;
  debrief_line line;
  debrief_reader *reader = debrief_log_read(log_, "none", NULL, &err);
  assert_non_null(reader);
  assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
  assert_int_equal(count_lines("none.jsonl"), 0);
}

static void refuses_paths_that_are_no_files(void **state) {
  (void)state;
  char *path = path_in(folder, "fifo");
  assert_null(debrief_log_read_path(path, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_ENOENT);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_null(debrief_log_read_path(path, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EUNSAFE);
  assert_null(debrief_log_read_path(folder, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EUNSAFE);
  assert_non_null(strstr(err.message, folder));
  free(path);
}

static void follows_links_to_a_path_that_is_named(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl"), *link = path_in(folder, "link");
  assert_true(append("s1", JSON("a")));
  assert_int_equal(symlink(path, link), 0);
  debrief_reader *reader = debrief_log_read_path(link, NULL, &err);
  debrief_line line;
  assert_non_null(reader);
  assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_ENTRY);
  debrief_reader_close(reader);
  free(path);
  free(link);
}

static void appends_a_batch_or_nothing(void **state) {
  (void)state;
  debrief_text good[] = {
      {JSON("a"), sizeof JSON("a") - 1}, {"{\"skill\":\"b\"}", 13}, {JSON("c"), sizeof JSON("c") - 1}};
  debrief_text bad[] = {good[0], {"{\"skill\":}", 10}, good[2]};
  size_t stored = 9;
  assert_false(debrief_log_append_batch(log_, "s1", bad, 3, &stored, &err));
  assert_int_equal(err.code, DEBRIEF_EJSON);
  assert_int_equal(err.line, 2);
  assert_int_equal(err.offset, 9);
  assert_int_equal(stored, 0);
  assert_false(debrief_log_append_batch(log_, "s1", bad, 3, NULL, NULL));
  bad[1] = (debrief_text){NULL, 0};
  assert_false(debrief_log_append_batch(log_, "s1", bad, 3, &stored, &err));
  assert_int_equal(err.line, 2);
  assert_int_equal(count_lines("s1.jsonl"), 0);
  assert_true(debrief_log_append_batch(log_, "s1", good, 3, &stored, &err));
  assert_int_equal(stored, 3);
  assert_int_equal(count_lines("s1.jsonl"), 3);
  assert_true(debrief_log_append_batch(log_, "s1", NULL, 0, &stored, &err));
  assert_int_equal(stored, 0);
}

static void a_refused_entry_leaves_nothing_for_the_next(void **state) {
  (void)state;
  assert_false(append("s1", "{\"skill\":\"xxxxxxxxxx\","));
  assert_true(append("s1", JSON("a")));
  assert_file(folder, "s1.jsonl", JSON("a") "\n");
}

static void appends_lines_that_are_written_already(void **state) {
  (void)state;
  debrief_text lines[] = {{"A\n", 2}, {"B\n", 2}};
  dbf_appended done = {0};
  assert_true(dbf_log_append_lines(log_, "s1", lines, 2, NULL, NULL, &done, &err));
  assert_int_equal(done.stored, 2);
  assert_file(folder, "s1.jsonl", "A\nB\n");
}

static void sessions_of_a_missing_folder_are_an_error(void **state) {
  (void)state;
  char *path = path_in(folder, "none");
  debrief_log *none = debrief_log_open(path, NULL, &err);
  assert_non_null(none);
  assert_null(debrief_log_read(none, "s1", NULL, &err));
  assert_int_equal(err.code, DEBRIEF_ENOENT);
  debrief_log_close(none);
  free(path);
}

static size_t open_descriptors(void) {
  DIR *stream = opendir("/proc/self/fd");
  size_t n = 0;
  while (readdir(stream)) n++;
  closedir(stream);
  return n - 3; /* ".", ".." and the stream's own */
}

static bool is_open(const char *name) {
  char target[512], link[300];
  DIR *stream = opendir("/proc/self/fd");
  bool found = false;
  for (struct dirent *item; (item = readdir(stream));) {
    snprintf(link, sizeof link, "/proc/self/fd/%s", item->d_name);
    ssize_t n = readlink(link, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(target, '/');
    found = found || (slash && strcmp(slash + 1, name) == 0);
  }
  closedir(stream);
  return found;
}

static void closes_the_session_that_was_not_used_for_longest(void **state) {
  (void)state;
  for (int i = 0; i < 66; i++) {
    char id[16];
    snprintf(id, sizeof id, "s%d", i);
    assert_true(append(id, "{}"));
    assert_true(append("s0", "{}"));
  }
  assert_true(is_open("s0.jsonl"));
  assert_false(is_open("s1.jsonl"));
  assert_false(is_open("s2.jsonl"));
  assert_true(is_open("s3.jsonl"));
  assert_true(is_open("s65.jsonl"));
}

static void keeps_64_sessions_open(void **state) {
  (void)state;
  size_t before = open_descriptors();
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 200; i++) {
      char id[16];
      snprintf(id, sizeof id, "s%d", i);
      assert_true(append(id, "{\"skill\":\"a\"}"));
      assert_true(append("often", "{\"skill\":\"a\"}"));
    }
    assert_int_equal(open_descriptors() - before, 64 + 1); /* and the folder */
  }
  assert_int_equal(count_lines("s0.jsonl"), 2);
  assert_int_equal(count_lines("often.jsonl"), 400);
}

/* ---- Threads ----------------------------------------------------------------------------------------------- */

enum { THREADS = 8, EACH = 200 };

static void *append_many(void *arg) {
  char id[16], json[64];
  int number = *(int *)arg;
  debrief_error error;
  for (int i = 0; i < EACH; i++) {
    snprintf(id, sizeof id, "s%d", (i + number) % 4);
    snprintf(json, sizeof json, "{\"skill\":\"t%d-%d\"}", number, i);
    if (!debrief_log_append_json(log_, id, json, strlen(json), &error)) return arg;
  }
  return NULL;
}

static void run_threads(void *(*work)(void *), void **failed) {
  pthread_t threads[THREADS];
  static int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], &failed[i]);
}

static void threads_lose_nothing(void **state) {
  (void)state;
  void *failed[THREADS];
  run_threads(append_many, failed);
  size_t lines = 0;
  for (int i = 0; i < THREADS; i++) assert_null(failed[i]);
  for (int i = 0; i < 4; i++) {
    char name[24];
    snprintf(name, sizeof name, "s%d.jsonl", i);
    lines += count_lines(name);
  }
  assert_int_equal(lines, THREADS * EACH);
}

/* ---- Syncs ------------------------------------------------------------------------------------------------- */

static void syncs_only_when_asked(void **state) {
  (void)state;
  assert_true(append("s1", JSON("a")));
  assert_int_equal(data_syncs + folder_syncs, 0);
}

static void syncs_the_folder_once_and_the_parents_it_made(void **state) {
  (void)state;
  sync_data();
  assert_true(append("s1", JSON("a")));
  assert_true(append("s1", JSON("b")));
  assert_int_equal(data_syncs, 2);
  assert_int_equal(folder_syncs, 1);
  char *path = path_in(folder, "a/b");
  debrief_log_config config = {.struct_size = sizeof config, .sync = DEBRIEF_SYNC_DATA};
  debrief_log *deep = debrief_log_open(path, &config, &err);
  assert_true(debrief_log_append_json(deep, "s2", "{}", 2, &err));
  assert_int_equal(folder_syncs, 1 + 3);
  assert_true(debrief_log_append_json(deep, "s3", "{}", 2, &err));
  assert_int_equal(folder_syncs, 1 + 3 + 1);
  debrief_log_close(deep);
  free(path);
}

static void syncs_the_folder_again_when_the_file_is_made_again(void **state) {
  (void)state;
  sync_data();
  assert_true(append("s1", JSON("a")));
  char *path = path_in(folder, "s1.jsonl");
  assert_int_equal(unlink(path), 0);
  free(path);
  assert_true(append("s1", JSON("b")));
  assert_int_equal(folder_syncs, 2);
}

static void a_batch_is_one_sync(void **state) {
  (void)state;
  sync_data();
  debrief_text batch[] = {{"{}", 2}, {"{}", 2}, {"{}", 2}};
  assert_true(debrief_log_append_batch(log_, "s1", batch, 3, NULL, &err));
  assert_int_equal(data_syncs, 1);
}

static void assert_poisoned(const char *id) {
  int syncs = data_syncs;
  size_t stored = 9;
  debrief_text batch = {"{}", 2}, line = {"{}\n", 3};
  assert_false(append(id, "{}"));
  assert_int_equal(err.code, DEBRIEF_EPOISONED);
  assert_non_null(strstr(err.message, "open the log again"));
  assert_false(debrief_log_append_batch(log_, id, &batch, 1, &stored, &err));
  assert_int_equal(err.code, DEBRIEF_EPOISONED);
  assert_false(dbf_log_append_lines(log_, id, &line, 1, NULL, NULL, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EPOISONED);
  assert_int_equal(stored, 0);
  assert_int_equal(data_syncs, syncs);
}

static void a_failed_sync_poisons_the_session(void **state) {
  (void)state;
  sync_data();
  fail_data_sync = 2;
  assert_true(append("s1", JSON("a")));
  assert_false(append("s1", JSON("b")));
  assert_int_equal(err.code, DEBRIEF_ESYNC);
  assert_non_null(strstr(err.message, "/s1.jsonl: what was written may be lost; open the log again"));
  assert_poisoned("s1");
  assert_true(append("s2", "{}"));
  for (int i = 0; i < 100; i++) { /* pushes s1 out of the table's open part */
    char id[16];
    snprintf(id, sizeof id, "t%d", i);
    assert_true(append(id, "{}"));
  }
  assert_poisoned("s1");
  sync_data();
  assert_true(append("s1", JSON("b")));
}

static void a_failed_sync_of_the_folder_poisons_too(void **state) {
  (void)state;
  sync_data();
  fail_folder_sync = 1;
  assert_false(append("s1", JSON("a")));
  assert_int_equal(err.code, DEBRIEF_ESYNC);
  assert_poisoned("s1");
}

static atomic_int acknowledged;

static void *append_durably(void *arg) {
  debrief_error error;
  (void)arg;
  for (int i = 0; i < 10; i++) {
    if (!debrief_log_append_json(log_, "s1", "{}", 2, &error))
      return error.code == DEBRIEF_ESYNC ? "written" : "poisoned";
    acknowledged++;
  }
  return NULL;
}

static void threads_share_syncs(void **state) {
  (void)state;
  void *failed[THREADS];
  sync_data();
  sync_us = 10000; /* long beside what a thread does between two, also under a sanitizer */
  run_threads(append_durably, failed);
  for (int i = 0; i < THREADS; i++) assert_null(failed[i]);
  assert_int_equal(count_lines("s1.jsonl"), THREADS * 10);
  assert_in_range(data_syncs, 10, THREADS * 10 / 2);
}

/* The first leader syncs its own entry alone; all others wait for the second sync, and it fails. */
static void a_shared_sync_that_fails_fails_for_all_that_wait(void **state) {
  (void)state;
  void *failed[THREADS];
  int written = 0;
  sync_data();
  await_lines = THREADS;
  fail_data_sync = 2;
  acknowledged = 0;
  run_threads(append_durably, failed);
  for (int i = 0; i < THREADS; i++) {
    assert_non_null(failed[i]);
    written += strcmp(failed[i], "written") == 0;
  }
  assert_in_range(written, THREADS - 1, THREADS); /* written and acknowledged; later callers were refused */
  assert_int_equal(acknowledged, 1);
  assert_int_equal(data_syncs, 2);
}

/* A sync must not acknowledge what was written after it began: that may not be on the disk. */
static void *append_one(void *arg) {
  (void)arg;
  debrief_error error;
  return debrief_log_append_json(log_, "s1", "{}", 2, &error) ? NULL : "failed";
}

static void an_entry_that_came_too_late_gets_a_sync_of_its_own(void **state) {
  (void)state;
  pthread_t thread;
  void *failed;
  sync_data();
  await_lines = 2;
  assert_int_equal(pthread_create(&thread, NULL, append_one, NULL), 0);
  while (data_syncs == 0) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  assert_true(append("s1", "{}"));
  assert_int_equal(data_syncs, 2);
  pthread_join(thread, &failed);
  assert_null(failed);
}

/* ---- Forks ------------------------------------------------------------------------------------------------- */

static bool no_session(void *user, const char *id) {
  (void)user, (void)id;
  return true;
}

static int in_child(void) {
  debrief_code codes[] = {append("s1", JSON("b")) ? DEBRIEF_OK : err.code,
                          debrief_log_read(log_, "s1", NULL, &err) ? DEBRIEF_OK : err.code,
                          debrief_log_sessions(log_, no_session, NULL, &err) ? DEBRIEF_OK : err.code};
  for (size_t i = 0; i < 3; i++)
    if (codes[i] != DEBRIEF_EFORK) return 1;
  debrief_log_close(log_);
  log_ = debrief_log_open(folder, NULL, &err);
  return log_ && append("s1", JSON("c")) ? 0 : 2;
}

static void assert_child(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_forked_child_opens_the_log_again(void **state) {
  (void)state;
  assert_true(append("s1", JSON("a")));
  pid_t pid = fork();
  if (pid == 0) _exit(in_child());
  assert_child(pid);
  assert_true(append("s1", JSON("d")));
  assert_file(folder, "s1.jsonl", JSON("a") "\n" JSON("c") "\n" JSON("d") "\n");
}

/* Fork while the lock is held: the child's close must not free the parent's lock, and must not hang. */
static bool fork_under_the_lock(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                                debrief_error *e) {
  (void)user, (void)fd, (void)lines, (void)count, (void)e;
  pid_t pid = fork();
  if (pid == 0) {
    alarm(5);
    bool refused = !append("s1", JSON("b")) && err.code == DEBRIEF_EFORK;
    debrief_log_close(log_);
    _exit(!refused);
  }
  assert_child(pid);
  int other = open(path, O_RDWR);
  assert_true(other >= 0);
  assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
  close(other);
  return true;
}

static void a_child_leaves_its_parents_lock_alone(void **state) {
  (void)state;
  debrief_text line = {"A\n", 2};
  assert_true(dbf_log_append_lines(log_, "s1", &line, 1, fork_under_the_lock, NULL, NULL, &err));
  assert_true(append("s1", JSON("a")));
}

/* Exit status of a process whose first three files are closed: 0 when none of its own took their place. */
static int use_without_standard_files(void) {
  debrief_line line;
  debrief_repair repair = {.struct_size = sizeof repair};
  for (int fd = 0; fd <= 2; fd++) close(fd);
  debrief_log *log = debrief_log_open(folder, NULL, NULL);
  if (!debrief_log_append_json(log, "s1", JSON("a"), sizeof JSON("a") - 1, NULL)) return 2;
  debrief_reader *reader = debrief_log_read(log, "s1", NULL, NULL);
  if (debrief_reader_next(reader, &line, NULL) != DEBRIEF_NEXT_ENTRY) return 3;
  debrief_follower *follower = debrief_log_follow(log, NULL, 0, NULL, NULL);
  if (!follower || debrief_follower_next(follower, 0, &line, NULL, NULL) != DEBRIEF_NEXT_END) return 4;
  put_file(folder, "s2.jsonl", "{x\n");
  if (!debrief_log_repair(log, "s2", &repair, NULL)) return 5;
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) != -1) return 6;
  return 0;
}

static void leaves_the_places_of_standard_files_free(void **state) {
  (void)state;
  int status;
  pid_t pid = fork();
  if (pid == 0) _exit(use_without_standard_files());
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  assert_file(folder, "s1.jsonl", JSON("a") "\n");
}

/* A host that has nearly all the descriptors it may have: sessions take turns with those that are left. */
static void makes_do_with_few_descriptors(void **state) {
  (void)state;
  struct rlimit before, few;
  char id[16];
  sync_data();
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  close(next);
  few = (struct rlimit){(rlim_t)next + 5, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  bool ok = true;
  for (int i = 0; i < 40 && ok; i++) {
    snprintf(id, sizeof id, "s%d", i % 20);
    ok = append(id, "{\"session_id\":null,\"timestamp\":\"2026-05-03T12:00:00Z\"}");
  }
  debrief_reader *reader = ok ? debrief_log_read(log_, "s3", NULL, &err) : NULL;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  if (!ok) print_error("%s: %s\n", id, err.message);
  assert_true(ok);
  assert_non_null(reader);
  debrief_reader_close(reader);
  char *text = get_file(folder, "s19.jsonl");
  assert_int_equal(strlen(text),
                   2 * strlen("{\"session_id\":\"s19\",\"timestamp\":\"2026-05-03T12:00:00Z\"}\n"));
  free(text);
}

/* The last one syncs with the session's own descriptor. */
static void syncs_without_a_descriptor_to_spare(void **state) {
  (void)state;
  struct rlimit before;
  sync_data();
  assert_true(append("s1", JSON("a")));
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  close(next);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, before.rlim_max}), 0);
  bool ok = append("s1", JSON("b"));
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_true(ok);
  assert_int_equal(data_syncs, 2);
}

/* Without _FILE_OFFSET_BITS=64 a program of 32 bits opens none that is larger than 2 GiB. */
static void appends_to_a_file_of_4_gibibytes(void **state) {
  (void)state;
  const off_t size = ((off_t)4 << 30) + 100;
  static const char line[] =
      "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T12:00:00Z\",\"skill\":\"last\"}";
  char end[sizeof line] = "";
  put_file(folder, "s1.jsonl", "");
  char *path = path_in(folder, "s1.jsonl");
  int fd = open(path, O_RDWR | O_CLOEXEC);
  free(path);
  assert_int_equal(ftruncate(fd, size), 0); /* a hole: nothing is written but the newline */
  assert_int_equal(pwrite(fd, "\n", 1, size - 1), 1);
  assert_true(append("s1", line));
  assert_int_equal(pread(fd, end, sizeof line, size), sizeof line);
  assert_memory_equal(end, line, sizeof line - 1);
  debrief_reader *reader = debrief_log_read(log_, "s1", NULL, &err);
  assert_non_null(reader);
  debrief_reader_close(reader);
  close(fd);
}

static void knows_its_version(void **state) {
  (void)state;
  assert_string_equal(debrief_version(), "0.1.0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(refuses_wrong_configs),
      TEST(takes_structs_of_other_versions),
      TEST(reads_nothing_past_an_older_struct),
      TEST(refuses_what_is_not_given),
      TEST(reads_back_what_was_appended),
      TEST(a_missing_session_is_empty),
      TEST(refuses_paths_that_are_no_files),
      TEST(follows_links_to_a_path_that_is_named),
      TEST(appends_a_batch_or_nothing),
      TEST(a_refused_entry_leaves_nothing_for_the_next),
      TEST(appends_lines_that_are_written_already),
      TEST(sessions_of_a_missing_folder_are_an_error),
      TEST(keeps_64_sessions_open),
      TEST(closes_the_session_that_was_not_used_for_longest),
      TEST(threads_lose_nothing),
      TEST(syncs_only_when_asked),
      TEST(syncs_the_folder_once_and_the_parents_it_made),
      TEST(syncs_the_folder_again_when_the_file_is_made_again),
      TEST(a_batch_is_one_sync),
      TEST(a_failed_sync_poisons_the_session),
      TEST(a_failed_sync_of_the_folder_poisons_too),
      TEST(threads_share_syncs),
      TEST(a_shared_sync_that_fails_fails_for_all_that_wait),
      TEST(an_entry_that_came_too_late_gets_a_sync_of_its_own),
      TEST(a_forked_child_opens_the_log_again),
      TEST(a_child_leaves_its_parents_lock_alone),
      TEST(leaves_the_places_of_standard_files_free),
      TEST(makes_do_with_few_descriptors),
      TEST(syncs_without_a_descriptor_to_spare),
      TEST(appends_to_a_file_of_4_gibibytes),
      TEST(knows_its_version),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
