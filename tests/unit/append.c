/* One session: what is in the file after every way an append can go. write and flock are the test's own here, since
 * no limit of the kernel cuts one write and lets the next pass. */
#include "temp_folder.h"

#include "log/append.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static char *folder;
static dbf_directory dir;
static dbf_session *session;
static debrief_error err;
static dbf_appended done;

static size_t cut_bytes; /* the next `cuts` writes take no more than this */
static int cuts;
static bool fail_unlock;
static const char *half;       /* what another writer puts into the session right before the next write */
static const char *half_after; /* the same, before the write after the next */

static void write_half(void) {
  const char *text = half;
  half = half_after;
  half_after = NULL;
  if (text) put_bytes(folder, "s1.jsonl", "a", text, strlen(text));
}

ssize_t write(int fd, const void *data, size_t len);

/* Cut as one write: the pieces are put together first. */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  if (cuts <= 0) return write_half(), syscall(SYS_writev, fd, pieces, count);
  char all[256];
  size_t len = 0;
  for (int i = 0; i < count; i++) {
    memcpy(all + len, pieces[i].iov_base, pieces[i].iov_len);
    len += pieces[i].iov_len;
  }
  return write(fd, all, len);
}

ssize_t write(int fd, const void *data, size_t len) {
  write_half();
  if (cuts > 0 && len > cut_bytes) {
    cuts--;
    len = cut_bytes;
  }
  return syscall(SYS_write, fd, data, len);
}

static bool fail_lseek;

off_t lseek(int fd, off_t offset, int whence) {
  if (!fail_lseek) return syscall(SYS_lseek, fd, offset, whence);
  fail_lseek = false;
  errno = EIO;
  return -1;
}

int flock(int fd, int operation) {
  if (operation != LOCK_UN || !fail_unlock) return (int)syscall(SYS_flock, fd, operation);
  fail_unlock = false;
  errno = EIO;
  return -1;
}

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  memset(&err, 0, sizeof err);
  if (!dbf_directory_init(&dir, folder, 0600, 0700, &err)) return 1;
  session = dbf_session_new(&dir, "s1", 50, &err);
  return session == NULL;
}

static int tear_down(void **state) {
  (void)state;
  dbf_session_free(session);
  dbf_directory_release(&dir);
  remove_temp(folder);
  return 0;
}

static bool append(const char *text) {
  debrief_text line = {text, strlen(text)};
  return dbf_session_append(session, &line, 1, NULL, NULL, &done, &err);
}

static void add_behind(const char *text) {
  put_bytes(folder, "s1.jsonl", "a", text, strlen(text));
}

static int open_here(void) {
  char *path = path_in(folder, "s1.jsonl");
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  free(path);
  return fd;
}

static void assert_unlocked(void) {
  int fd = open_here();
  assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
  close(fd);
}

static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* ---- The end of the file ----------------------------------------------------------------------------------- */

static void appends_line_by_line(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    assert_true(append("{\"a\":1}\n"));
    assert_int_equal(done.stored, 1);
  }
  assert_file(folder, "s1.jsonl", "{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n");
  assert_unlocked();
}

static void heals_a_torn_tail_before_the_first_entry(void **state) {
  (void)state;
  add_behind("{}\n{\"tor");
  assert_true(append("A\n"));
  assert_true(append("B\n"));
  assert_file(folder, "s1.jsonl", "{}\n{\"tor\nA\nB\n");
}

static void heals_what_another_writer_tore_since(void **state) {
  (void)state;
  assert_true(append("A\n"));
  add_behind("B\n{\"tor");
  assert_true(append("C\n"));
  add_behind("D\n");
  assert_true(append("E\n"));
  assert_file(folder, "s1.jsonl", "A\nB\n{\"tor\nC\nD\nE\n");
}

static void heals_a_tail_of_nul_bytes(void **state) {
  (void)state;
  put_bytes(folder, "s1.jsonl", "w", "A\n\0\0\0", 5);
  assert_true(append("B\n"));
  char *text = get_file(folder, "s1.jsonl");
  assert_memory_equal(text, "A\n\0\0\0\nB\n", 9);
  free(text);
}

/* Half a line between our look at the end and our write: only a writer that does not lock can do that. */
static void writes_again_what_a_foreign_writer_glued(void **state) {
  (void)state;
  assert_true(append("0\n"));
  half = "half";
  assert_true(append("A\n"));
  assert_int_equal(done.stored, 1);
  half = "whole\n";
  assert_true(append("A\n"));
  assert_true(append("B\n"));
  assert_file(folder, "s1.jsonl", "0\nhalfA\n\nA\nwhole\nA\nB\n");
}

static void writes_again_only_the_glued_line_of_a_batch(void **state) {
  (void)state;
  debrief_text lines[] = {{"A\n", 2}, {"B\n", 2}, {"C\n", 2}};
  assert_true(append("0\n"));
  half = "half";
  assert_true(dbf_session_append(session, lines, 3, NULL, NULL, &done, &err));
  assert_int_equal(done.stored, 3);
  assert_file(folder, "s1.jsonl", "0\nhalfA\nB\nC\n\nA\n");
}

/* Told to append the rest, one would have B and C twice. */
static void says_what_else_is_there_when_a_glued_line_cannot_be_written_again(void **state) {
  (void)state;
  debrief_text lines[] = {{"A\n", 2}, {"B\n", 2}, {"C\n", 2}};
  assert_true(append("0\n"));
  half = "half";
  limit_files(12);
  bool ok = dbf_session_append(session, lines, 3, NULL, NULL, &done, &err);
  limit_files(RLIM_INFINITY);
  assert_false(ok);
  assert_int_equal(done.stored, 0);
  assert_int_equal(done.doubtful, 2);
  assert_file(folder, "s1.jsonl", "0\nhalfA\nB\nC\n");
}

static void says_what_may_be_there_when_it_cannot_be_looked_at(void **state) {
  (void)state;
  debrief_text lines[] = {{"A\n", 2}, {"B\n", 2}, {"C\n", 2}};
  fail_lseek = true;
  assert_false(dbf_session_append(session, lines, 3, NULL, NULL, &done, &err));
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_int_equal(done.stored, 0);
  assert_int_equal(done.doubtful, 3);
  assert_non_null(strstr(err.message, "cannot tell whether the last entries are whole in "));
  assert_file(folder, "s1.jsonl", "A\nB\nC\n");
}

/* ---- Batches ----------------------------------------------------------------------------------------------- */

static void appends_many_pieces_in_order(void **state) {
  (void)state;
  enum { COUNT = 3000 };
  static char memory[COUNT][16];
  debrief_text lines[COUNT];
  char *expected = calloc(COUNT, 16);
  size_t total = 0;
  for (size_t i = 0; i < COUNT; i++) {
    int len = snprintf(memory[i], sizeof memory[i], "%zu\n", i);
    lines[i] = (debrief_text){memory[i], (size_t)len};
    memcpy(expected + total, memory[i], (size_t)len);
    total += (size_t)len;
  }
  add_behind("torn");
  assert_true(dbf_session_append(session, lines, COUNT, NULL, NULL, &done, &err));
  assert_int_equal(done.stored, COUNT);
  char *text = get_file(folder, "s1.jsonl");
  assert_memory_equal(text, "torn\n", 5);
  assert_string_equal(text + 5, expected);
  free(text);
  free(expected);
}

static void appends_records_of_megabytes(void **state) {
  (void)state;
  size_t sizes[] = {3 << 20, 10, (1 << 20) - 10, 1, 1 << 20, 5 << 20};
  size_t total = 0, count = sizeof sizes / sizeof *sizes;
  debrief_text lines[6];
  char *memory = malloc(16 << 20);
  for (size_t i = 0; i < count; i++) {
    memset(memory + total, 'a' + (int)i, sizes[i]);
    lines[i] = (debrief_text){memory + total, sizes[i]};
    total += sizes[i];
    memory[total - 1] = '\n';
  }
  assert_true(dbf_session_append(session, lines, count, NULL, NULL, &done, &err));
  assert_int_equal(done.stored, count);
  char *text = get_file(folder, "s1.jsonl");
  assert_int_equal(strlen(text), total);
  assert_memory_equal(text, memory, total);
  free(text);
  free(memory);
}

static bool drop_some(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                      debrief_error *e) {
  (void)e;
  char byte, *keep = user;
  assert_int_equal(pread(fd, &byte, 1, 0), 1);
  assert_non_null(strstr(path, "/s1.jsonl"));
  int other = open_here();
  assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
  close(other);
  for (size_t i = 0; i < count; i++)
    if (keep[i] == 'n') lines[i] = (debrief_text){NULL, 0};
  return true;
}

static void leaves_out_what_is_dropped_under_the_lock(void **state) {
  (void)state;
  debrief_text lines[] = {{"A\n", 2}, {"B\n", 2}, {"C\n", 2}, {"D\n", 2}};
  char some[] = "nyny", none[] = "nnnn";
  assert_true(append("0\n"));
  assert_true(dbf_session_append(session, lines, 4, drop_some, some, &done, &err));
  assert_int_equal(done.stored, 2);
  assert_true(dbf_session_append(session, lines, 4, drop_some, none, &done, &err));
  assert_int_equal(done.stored, 0);
  assert_file(folder, "s1.jsonl", "0\nB\nD\n");
}

static void heals_after_a_batch_that_its_owner_emptied(void **state) {
  (void)state;
  debrief_text line = {"A\n", 2};
  char none[] = "n";
  add_behind("torn");
  assert_true(dbf_session_append(session, &line, 1, drop_some, none, &done, &err));
  assert_true(append("B\n"));
  assert_file(folder, "s1.jsonl", "torn\nB\n");
}

static bool give_up(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                    debrief_error *e) {
  (void)user, (void)fd, (void)path, (void)lines, (void)count;
  e->code = DEBRIEF_EDAMAGED;
  return false;
}

static void writes_nothing_when_its_owner_gives_up(void **state) {
  (void)state;
  debrief_text line = {"A\n", 2};
  assert_false(dbf_session_append(session, &line, 1, give_up, NULL, &done, &err));
  assert_int_equal(err.code, DEBRIEF_EDAMAGED);
  assert_int_equal(done.stored, 0);
  assert_file(folder, "s1.jsonl", "");
  assert_unlocked();
}

/* ---- Short writes ------------------------------------------------------------------------------------------ */

/* The kernel takes the first `room` bytes of a record, then none. */
static void cut_at(size_t room, const char *record, size_t len) {
  debrief_text line = {record, len};
  assert_true(append("first\n"));
  limit_files(6 + room);
  bool ok = dbf_session_append(session, &line, 1, NULL, NULL, &done, &err);
  limit_files(RLIM_INFINITY);
  assert_false(ok);
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_int_equal(done.stored, 0);
  assert_non_null(strstr(err.message, "/s1.jsonl: File too large"));
  assert_non_null(strstr(err.message, room ? "only a damaged line is left" : "was not stored"));
  assert_unlocked();
  assert_true(dbf_session_append(session, &line, 1, NULL, NULL, &done, &err));
  char *text = get_file(folder, "s1.jsonl");
  size_t heal = room > 0;
  assert_int_equal(strlen(text), 6 + room + heal + len);
  assert_memory_equal(text + 6, record, room);
  if (heal) assert_int_equal(text[6 + room], '\n');
  assert_string_equal(text + 6 + room + heal, record);
  free(text);
}

/* A record that lacks nothing but its newline is whole for readers: refused, it would be appended again and be there
 * twice. */
static void takes_a_record_without_its_newline(const char *record, size_t len) {
  debrief_text line = {record, len};
  assert_true(append("first\n"));
  limit_files(6 + len - 1);
  assert_true(dbf_session_append(session, &line, 1, NULL, NULL, &done, &err));
  limit_files(RLIM_INFINITY);
  assert_int_equal(done.stored, 1);
  assert_unlocked();
  assert_true(append("next\n"));
  char *text = get_file(folder, "s1.jsonl");
  assert_memory_equal(text + 6, record, len);
  assert_string_equal(text + 6 + len, "next\n");
  free(text);
}

static void survives_a_short_write_at_every_byte(void **state) {
  (void)state;
  char record[1001], *path = path_in(folder, "s1.jsonl");
  memset(record, 'x', 1000);
  record[999] = '\n';
  record[1000] = '\0';
  for (size_t room = 0; room < 999; room++) {
    cut_at(room, record, 1000);
    unlink(path);
  }
  takes_a_record_without_its_newline(record, 1000);
  free(path);
}

static void writes_a_cut_entry_again_and_whole(void **state) {
  (void)state;
  char expected[32];
  for (size_t n = 1; n < 7; n++) {
    char *path = path_in(folder, "s1.jsonl");
    unlink(path);
    free(path);
    cut_bytes = n;
    cuts = 1;
    assert_true(append("012345\n"));
    assert_int_equal(done.stored, 1);
    assert_true(append("next\n"));
    snprintf(expected, sizeof expected, "%.*s\n%snext\n", (int)n, "012345", n < 6 ? "012345\n" : "");
    assert_file(folder, "s1.jsonl", expected);
  }
}

/* Every length of a first and of a second short write of a batch: each record once, whole, on its own line. */
static void writes_a_batch_once_whatever_is_cut(void **state) {
  (void)state;
  char memory[] = "aa\nbbb\nc\ndddd\n";
  debrief_text lines[] = {{memory, 3}, {memory + 3, 4}, {memory + 7, 2}, {memory + 9, 5}};
  char *path = path_in(folder, "s1.jsonl");
  for (size_t n = 1; n < 15; n++)
    for (int times = 1; times < 4; times++) {
      cut_bytes = n;
      cuts = times;
      bool ok = dbf_session_append(session, lines, 4, NULL, NULL, &done, &err);
      cuts = 0;
      if (ok) assert_int_equal(done.stored, 4);
      assert_true(append("next\n"));
      char *text = get_file(folder, "s1.jsonl"), *rest = text, *line;
      size_t whole = 0;
      while ((line = strsep(&rest, "\n")) && rest) {
        if (whole < 4 && strlen(line) + 1 == lines[whole].len &&
            !memcmp(line, lines[whole].data, strlen(line))) {
          whole++;
          continue;
        }
        for (size_t i = 0; i < 4; i++)
          assert_false(strlen(line) + 1 == lines[i].len && !memcmp(line, lines[i].data, strlen(line)));
      }
      assert_int_equal(whole, ok ? 4 : done.stored);
      free(text);
      unlink(path);
    }
  free(path);
}

/* The newline comes too late: a writer that does not lock has gone on after the record. */
static void writes_again_what_got_no_newline_in_time(void **state) {
  (void)state;
  cut_bytes = 6;
  cuts = 1;
  half_after = "half";
  assert_true(append("012345\n"));
  assert_int_equal(done.stored, 1);
  assert_true(append("next\n"));
  assert_file(folder, "s1.jsonl", "012345half\n\n012345\nnext\n");
}

/* As when it came before the record: what is spoilt is written again, the others of the batch are not. */
static void writes_again_only_what_got_no_newline_of_a_batch(void **state) {
  (void)state;
  char memory[] = "A\nBB\nC\n";
  debrief_text lines[] = {{memory, 2}, {memory + 2, 3}, {memory + 5, 2}};
  cut_bytes = 4;
  cuts = 1;
  half_after = "half";
  assert_true(dbf_session_append(session, lines, 3, NULL, NULL, &done, &err));
  assert_int_equal(done.stored, 3);
  assert_file(folder, "s1.jsonl", "A\nBBhalf\nC\n\nBB\n");
}

static void continues_a_batch_after_a_cut_line(void **state) {
  (void)state;
  char memory[] = "A\nBB\nC\n";
  debrief_text lines[] = {{memory, 2}, {memory + 2, 3}, {memory + 5, 2}};
  const char *files[] = {"",           "A\nBB\nC\n", "A\nBB\nC\n", "A\nB\nBB\nC\n",
                         "A\nBB\nC\n", "A\nBB\nC\n", "A\nBB\nC\n"};
  for (size_t n = 1; n < 7; n++) {
    char *path = path_in(folder, "s1.jsonl");
    unlink(path);
    free(path);
    cut_bytes = n;
    cuts = 1;
    assert_true(dbf_session_append(session, lines, 3, NULL, NULL, &done, &err));
    assert_int_equal(done.stored, 3);
    assert_file(folder, "s1.jsonl", files[n]);
  }
}

static void gives_up_on_a_file_that_takes_only_parts(void **state) {
  (void)state;
  cut_bytes = 0;
  cuts = 1000;
  assert_false(append("012345\n"));
  assert_true(cuts > 900);
  cuts = 0;
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_int_equal(done.stored, 0);
  assert_true(append("A\n"));
  assert_file(folder, "s1.jsonl", "A\n");
}

static void counts_the_whole_lines_of_a_short_write(void **state) {
  (void)state;
  char memory[] = "0123456\n0123456\n0123456\n0123456\n";
  size_t expected[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3};
  for (rlim_t room = 0; room < sizeof expected / sizeof *expected; room++) {
    debrief_text lines[] = {{memory, 8}, {memory + 8, 8}, {memory + 16, 8}, {memory + 24, 8}};
    char *path = path_in(folder, "s1.jsonl");
    unlink(path);
    free(path);
    limit_files(room);
    bool ok = dbf_session_append(session, lines, 4, NULL, NULL, &done, &err);
    limit_files(RLIM_INFINITY);
    assert_false(ok);
    assert_int_equal(done.stored, expected[room]);
    assert_true(append("next\n"));
    char *text = get_file(folder, "s1.jsonl");
    assert_non_null(strstr(text, "next\n"));
    assert_true(text == strstr(text, "next\n") || strstr(text, "next\n")[-1] == '\n');
    free(text);
  }
}

/* ---- The lock ---------------------------------------------------------------------------------------------- */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void waits_for_the_lock_no_longer_than_it_may(void **state) {
  (void)state;
  assert_true(append("A\n"));
  int fd = open_here();
  assert_int_equal(flock(fd, LOCK_EX), 0);
  double start = now();
  assert_false(append("B\n"));
  double waited = now() - start;
  assert_int_equal(err.code, DEBRIEF_ELOCKED);
  assert_non_null(strstr(err.message, "/s1.jsonl has been locked by another process for more than 50 ms"));
  assert_true(waited >= 0.05 && waited < 2);
  assert_file(folder, "s1.jsonl", "A\n");
  close(fd);
  assert_true(append("C\n"));
  assert_file(folder, "s1.jsonl", "A\nC\n");
}

static void *unlock_soon(void *fd) {
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  close(*(int *)fd);
  return NULL;
}

static void appends_as_soon_as_the_lock_is_free(void **state) {
  (void)state;
  assert_true(append("A\n"));
  pthread_t thread;
  int fd = open_here();
  assert_int_equal(flock(fd, LOCK_EX), 0);
  dbf_session_free(session);
  session = dbf_session_new(&dir, "s1", 10000, &err);
  assert_int_equal(pthread_create(&thread, NULL, unlock_soon, &fd), 0);
  assert_true(append("B\n"));
  pthread_join(thread, NULL);
  assert_file(folder, "s1.jsonl", "A\nB\n");
}

static void closes_a_file_that_cannot_be_unlocked(void **state) {
  (void)state;
  fail_unlock = true;
  assert_true(append("A\n"));
  assert_false(fail_unlock);
  assert_unlocked();
  assert_true(append("B\n"));
  assert_file(folder, "s1.jsonl", "A\nB\n");
}

static void opens_a_file_that_was_removed_again(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl");
  assert_true(append("A\n"));
  assert_int_equal(unlink(path), 0);
  assert_true(append("B\n"));
  put_file(folder, "new", "C\ntorn");
  char *new = path_in(folder, "new");
  assert_int_equal(rename(new, path), 0);
  assert_true(append("D\n"));
  assert_file(folder, "s1.jsonl", "C\ntorn\nD\n");
  free(new);
  free(path);
}

static void rename_here(const char *from, const char *to) {
  char *old = path_in(folder, from), *new = path_in(folder, to);
  assert_int_equal(rename(old, new), 0);
  free(old);
  free(new);
}

/* As mv, and sed -i.bak before it writes a new file. */
static void leaves_a_file_that_was_moved_away(void **state) {
  (void)state;
  assert_true(append("A\n"));
  rename_here("s1.jsonl", "s1.jsonl.bak");
  assert_true(append("B\n"));
  assert_file(folder, "s1.jsonl", "B\n");
  rename_here("s1.jsonl", "s1.jsonl.2");
  put_file(folder, "s1.jsonl", "edited\n");
  assert_true(append("C\n"));
  assert_file(folder, "s1.jsonl.bak", "A\n");
  assert_file(folder, "s1.jsonl.2", "B\n");
  assert_file(folder, "s1.jsonl", "edited\nC\n");
}

static void leaves_a_file_that_has_another_name_only(void **state) {
  (void)state;
  char *path = path_in(folder, "s1.jsonl"), *backup = path_in(folder, "backup");
  assert_true(append("A\n"));
  assert_int_equal(link(path, backup), 0);
  assert_true(append("B\n"));
  assert_int_equal(unlink(path), 0);
  assert_true(append("C\n"));
  assert_file(folder, "backup", "A\nB\n");
  assert_file(folder, "s1.jsonl", "C\n");
  free(path);
  free(backup);
}

/* The log is what its path names, wherever the folder that had the name is by now. */
static void leaves_a_folder_that_was_moved_away(void **state) {
  (void)state;
  dbf_directory below;
  char *path = path_in(folder, "log"), *moved = path_in(folder, "moved"), *other = path_in(folder, "other");
  assert_true(dbf_directory_init(&below, path, 0600, 0700, &err));
  dbf_session *s = dbf_session_new(&below, "s1", 50, &err);
  debrief_text line = {"A\n", 2};
  assert_true(dbf_session_append(s, &line, 1, NULL, NULL, &done, &err));
  assert_int_equal(rename(path, moved), 0);
  assert_true(dbf_session_append(s, &line, 1, NULL, NULL, &done, &err));
  assert_true(dbf_session_append(s, &line, 1, NULL, NULL, &done, &err));
  assert_file(folder, "moved/s1.jsonl", "A\n");
  assert_file(folder, "log/s1.jsonl", "A\nA\n");
  assert_int_equal(rename(path, other), 0);
  assert_int_equal(rename(moved, path), 0);
  assert_true(dbf_session_append(s, &line, 1, NULL, NULL, &done, &err));
  assert_file(folder, "log/s1.jsonl", "A\nA\n");
  assert_file(folder, "other/s1.jsonl", "A\nA\n");
  dbf_session_free(s);
  dbf_directory_release(&below);
  free(path);
  free(moved);
  free(other);
}

static void stays_where_it_was_opened_when_the_process_goes(void **state) {
  (void)state;
  dbf_directory here;
  char *before = getcwd(NULL, 0), *away = path_in(folder, "away");
  debrief_text line = {"A\n", 2};
  assert_int_equal(mkdir(away, 0700), 0);
  assert_int_equal(chdir(folder), 0);
  assert_true(dbf_directory_init(&here, "log", 0600, 0700, &err));
  dbf_session *s = dbf_session_new(&here, "s1", 50, &err);
  assert_true(dbf_session_append(s, &line, 1, NULL, NULL, &done, &err));
  assert_int_equal(chdir(away), 0);
  assert_true(dbf_session_append(s, &line, 1, NULL, NULL, &done, &err));
  assert_int_equal(chdir(before), 0);
  assert_file(folder, "log/s1.jsonl", "A\nA\n");
  assert_string_equal(here.path, "log");
  dbf_session_free(s);
  dbf_directory_release(&here);
  free(before);
  free(away);
}

/* As repair does it: copy under the lock, then rename. */
static void replace_file(void) {
  char *path = path_in(folder, "s1.jsonl"), *copy = path_in(folder, "copy");
  int fd = open_here();
  assert_int_equal(flock(fd, LOCK_EX), 0);
  struct stat mine, named;
  if (fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino) {
    char *text = get_file(folder, "s1.jsonl");
    put_file(folder, "copy", text);
    free(text);
    assert_int_equal(rename(copy, path), 0);
  }
  close(fd);
  free(path);
  free(copy);
}

static void *append_5000(void *unused) {
  (void)unused;
  char line[16];
  for (int i = 0; i < 5000; i++) {
    snprintf(line, sizeof line, "%d\n", i);
    if (!append(line)) return err.message;
  }
  return NULL;
}

static void loses_nothing_while_the_file_is_replaced(void **state) {
  (void)state;
  pthread_t thread;
  void *failed;
  assert_true(append("start\n"));
  dbf_session_free(session);
  session = dbf_session_new(&dir, "s1", 10000, &err);
  assert_int_equal(pthread_create(&thread, NULL, append_5000, NULL), 0);
  for (int i = 0; i < 100; i++) {
    replace_file();
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  }
  pthread_join(thread, &failed);
  assert_null(failed);
  char *text = get_file(folder, "s1.jsonl"), *at = text, line[16];
  for (int i = -1; i < 5000; i++) {
    int len = snprintf(line, sizeof line, i < 0 ? "start\n" : "%d\n", i);
    assert_memory_equal(at, line, (size_t)len);
    at += len;
  }
  assert_string_equal(at, "");
  free(text);
}

int main(void) {
  signal(SIGXFSZ, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(appends_line_by_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(heals_a_torn_tail_before_the_first_entry, set_up, tear_down),
      cmocka_unit_test_setup_teardown(heals_what_another_writer_tore_since, set_up, tear_down),
      cmocka_unit_test_setup_teardown(heals_a_tail_of_nul_bytes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(heals_after_a_batch_that_its_owner_emptied, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_again_what_a_foreign_writer_glued, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_again_only_the_glued_line_of_a_batch, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_what_else_is_there_when_a_glued_line_cannot_be_written_again,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_what_may_be_there_when_it_cannot_be_looked_at, set_up, tear_down),
      cmocka_unit_test_setup_teardown(appends_many_pieces_in_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(appends_records_of_megabytes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_out_what_is_dropped_under_the_lock, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_nothing_when_its_owner_gives_up, set_up, tear_down),
      cmocka_unit_test_setup_teardown(survives_a_short_write_at_every_byte, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_up_on_a_file_that_takes_only_parts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(continues_a_batch_after_a_cut_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_a_batch_once_whatever_is_cut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_again_what_got_no_newline_in_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_again_only_what_got_no_newline_of_a_batch, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_a_cut_entry_again_and_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(counts_the_whole_lines_of_a_short_write, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waits_for_the_lock_no_longer_than_it_may, set_up, tear_down),
      cmocka_unit_test_setup_teardown(appends_as_soon_as_the_lock_is_free, set_up, tear_down),
      cmocka_unit_test_setup_teardown(closes_a_file_that_cannot_be_unlocked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(opens_a_file_that_was_removed_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_file_that_was_moved_away, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_file_that_has_another_name_only, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_folder_that_was_moved_away, set_up, tear_down),
      cmocka_unit_test_setup_teardown(stays_where_it_was_opened_when_the_process_goes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(loses_nothing_while_the_file_is_replaced, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
