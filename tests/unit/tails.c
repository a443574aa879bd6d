/* The end of a file: others write it while it is read. And files of a size that punishes what is not linear. */
#include "temp_folder.h"
#include "transcript.h"

#include "log/line_buffer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#define A "{\"session_id\":\"s1\",\"skill\":\"a\"}"

static char *folder, *path;

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  path = path_in(folder, "s1.jsonl");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  free(path);
  remove_temp(folder);
  return 0;
}

static void nap(int ms) {
  nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Another process that holds the session's lock; it writes `later` after `ms`, and ends after `hold` more. */
static pid_t hold_lock(int ms, const char *later, int hold) {
  int ready[2];
  char byte;
  assert_int_equal(pipe(ready), 0);
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(path, O_WRONLY | O_APPEND);
    bool ok = fd >= 0 && flock(fd, LOCK_EX) == 0 && write(ready[1], "x", 1) == 1;
    nap(ms);
    ok = ok && write(fd, later, strlen(later)) == (ssize_t)strlen(later);
    nap(hold);
    _exit(!ok);
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  return pid;
}

static void assert_reading(dbf_read_options options, const char *expected) {
  dbf_bytes out;
  dbf_bytes_init(&out);
  transcribe(&out, open(path, O_RDONLY | O_CLOEXEC), &options);
  assert_bytes(&out, expected);
  dbf_bytes_release(&out);
}

static void wait_for(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

static void waits_for_a_writer_to_end_its_line(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A "\n{\"session_id\":");
  pid_t pid = hold_lock(5, "\"s1\"}\n" A "\n", 0);
  assert_reading((dbf_read_options){.window = 8},
                 "entry 1 @0 " A "\nentry 2 @32 {\"session_id\":\"s1\"}\nentry 3 @52 " A
                 "\nend 3 entries, 3 lines, 0 blank, 0 damaged, 0 warnings\n");
  wait_for(pid);
}

static void sees_a_newline_that_comes_first(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "{\"session_id\":");
  pid_t pid = hold_lock(5, "\n" A "\n", 0);
  assert_reading((dbf_read_options){0},
                 "bad_json 1 @0+14 \"\" the text ends where a value is expected, at byte 15 of the line\n"
                 "entry 2 @15 " A "\nend 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
  wait_for(pid);
}

static void a_tail_under_a_held_lock_is_in_progress(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A "\n{\"session_id\":");
  pid_t pid = hold_lock(400, "", 0);
  assert_reading((dbf_read_options){.strict = true},
                 "entry 1 @0 " A
                 "\nin_progress 2 @32+14 \"{\"session_id\":\" the last line is still being written\n"
                 "end 1 entries, 2 lines, 0 blank, 0 damaged, 0 warnings\n");
  wait_for(pid);
}

static void a_tail_whose_writer_died_is_torn(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "{\"session_id\":");
  pid_t pid = hold_lock(10, "", 0);
  assert_reading((dbf_read_options){0}, "torn_tail 1 @0+14 \"{\"session_id\":\" the last line was cut short\n"
                                        "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  wait_for(pid);
}

static void a_whole_tail_is_an_entry_under_a_held_lock_too(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A);
  pid_t pid = hold_lock(300, "", 0);
  assert_reading((dbf_read_options){0},
                 "entry 1 @0 " A "\nend 1 entries, 1 lines, 0 blank, 0 damaged, 0 warnings\n");
  wait_for(pid);
}

static void who_holds_the_lock_does_not_wait_for_itself(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "{");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  dbf_bytes out;
  dbf_bytes_init(&out);
  transcribe(&out, dup(fd), &(dbf_read_options){.holding_lock = true});
  assert_bytes(&out, "torn_tail 1 @0+1 \"{\" the last line was cut short\n"
                     "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  int other = open(path, O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
  dbf_bytes_release(&out);
  close(fd);
  close(other);
}

static void a_reader_frees_the_lock_it_looked_at(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "{");
  dbf_record record;
  debrief_reader *reader =
      dbf_reader_open(open(path, O_RDONLY | O_CLOEXEC), path, &(dbf_read_options){0}, NULL);
  assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_END);
  int other = open(path, O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
  close(other);
  debrief_reader_close(reader);
}

/* A writer that takes no lock: the file grows between two looks. */
static void reads_on_in_a_file_that_grows(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A "\n");
  dbf_record record;
  debrief_reader *reader =
      dbf_reader_open(open(path, O_RDONLY | O_CLOEXEC), path, &(dbf_read_options){.window = 16}, NULL);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_ENTRY);
    assert_int_equal(record.line, i + 1);
    assert_int_equal(record.offset, i * 32);
    assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_END);
    put_bytes(folder, "s1.jsonl", "a", A "\n", 32);
  }
  debrief_reader_close(reader);
}

static void survives_a_file_that_is_cut_while_it_is_read(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", A "\n" A "\n" A "\n");
  dbf_record record;
  debrief_reader *reader =
      dbf_reader_open(open(path, O_RDONLY | O_CLOEXEC), path, &(dbf_read_options){.window = 16}, NULL);
  assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(truncate(path, 10), 0);
  assert_int_not_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_ERROR);
  assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
}

static void an_error_of_the_system_stays(void **state) {
  (void)state;
  dbf_record record;
  debrief_error err;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  debrief_reader *reader = dbf_reader_open(fd, "dir/s1.jsonl", &(dbf_read_options){0}, NULL);
  for (int i = 0; i < 2; i++) {
    memset(&err, 0, sizeof err);
    assert_int_equal(dbf_reader_next(reader, &record, &err), DEBRIEF_NEXT_ERROR);
    assert_int_equal(err.code, DEBRIEF_EIO);
    assert_non_null(strstr(err.message, "dir/s1.jsonl: cannot read at byte 0"));
  }
  debrief_reader_close(reader);
}

/* ---- Windows --------------------------------------------------------------------------------------------------- */

static void an_oversize_line_takes_no_memory(void **state) {
  (void)state;
  enum { MEGABYTE = 1 << 20, COUNT = 64 };
  char *block = malloc(MEGABYTE);
  dbf_line_buffer window;
  dbf_line_buffer_line line;
  memset(block, 'x', MEGABYTE);
  put_file(folder, "s1.jsonl", A "\n");
  for (int i = 0; i < COUNT; i++) put_bytes(folder, "s1.jsonl", "a", block, MEGABYTE);
  put_bytes(folder, "s1.jsonl", "a", "\n" A "\n", 33);
  free(block);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  dbf_line_buffer_init(&window, fd, path, 0, 0, 65536, 100000);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(dbf_line_buffer_next(&window, &line, NULL), DBF_LINE_BUFFER_LINE);
    assert_int_equal(line.oversize, i == 1);
    assert_int_equal(line.whole, i == 1 ? (size_t)COUNT * MEGABYTE : 31);
    assert_int_equal(line.offset, i == 0 ? 0 : i == 1 ? 32 : 33 + (size_t)COUNT * MEGABYTE);
    assert_true(line.terminated);
    assert_memory_equal(line.text, i == 1 ? "xxxxxxxxxx" : "{\"session_", 10);
    assert_true(window.bytes.cap < 1000000);
  }
  assert_int_equal(dbf_line_buffer_next(&window, &line, NULL), DBF_LINE_BUFFER_END);
  dbf_line_buffer_release(&window);
  close(fd);
}

/* Lines around the limit and around the 256 bytes that are kept of one, in windows around both. */
static void the_limit_is_exact_for_every_window(void **state) {
  (void)state;
  char data[700];
  for (size_t limit = 254; limit < 260; limit++)
    for (size_t len = 250; len < 270; len++)
      for (size_t step = 1; step < 600; step += step < 3 ? 1 : 127) {
        memset(data, 'x', sizeof data);
        data[len] = data[len + 300] = '\n';
        dbf_line_buffer window;
        dbf_line_buffer_line line;
        int fd = file_of(data, len + 301);
        dbf_line_buffer_init(&window, fd, "x", 0, 0, step, limit);
        assert_int_equal(dbf_line_buffer_next(&window, &line, NULL), DBF_LINE_BUFFER_LINE);
        assert_int_equal(line.oversize, len > limit);
        assert_int_equal(line.whole, len);
        assert_int_equal(dbf_line_buffer_next(&window, &line, NULL), DBF_LINE_BUFFER_LINE);
        assert_true(line.oversize && line.terminated && line.offset == len + 1 && line.whole == 299);
        assert_int_equal(dbf_line_buffer_next(&window, &line, NULL), DBF_LINE_BUFFER_END);
        dbf_line_buffer_release(&window);
        close(fd);
      }
}

/* ---- Hostile lines ----------------------------------------------------------------------------------------------- */

enum { MANY = 100000 };

/* A line of `count` times `unit` and then `end`; returns how many entries it holds. */
static uint64_t read_repeated(const char *unit, size_t count, const char *end, bool foreign) {
  dbf_bytes data;
  dbf_record record;
  dbf_bytes_init(&data);
  for (size_t i = 0; i < count; i++) dbf_bytes_append(&data, unit, strlen(unit));
  dbf_bytes_append(&data, end, strlen(end));
  debrief_reader *reader = dbf_reader_open(file_of(data.data, data.len), "s1.jsonl",
                                           &(dbf_read_options){.foreign = foreign}, NULL);
  dbf_bytes_release(&data);
  while (dbf_reader_next(reader, &record, NULL) == DEBRIEF_NEXT_ENTRY) continue;
  dbf_read_counts counts = dbf_reader_counts(reader);
  debrief_reader_close(reader);
  assert_int_equal(counts.lines, 1);
  return counts.entries;
}

/* Processor time for reading lines of `count` times each of these units, in seconds. */
static double seconds_for(size_t count) {
  static const char *const units[] = {"{\"session_id\":",
                                      "}{",
                                      "{\"",
                                      "\"}",
                                      "\"",
                                      "\\",
                                      "\\\"",
                                      "[{",
                                      "}]",
                                      "]",
                                      "{}x",
                                      "\"\\\\",
                                      "{\"a\":\"\\\"}",
                                      "\\\\\"",
                                      "{\"session_id\":\"s1\",",
                                      "\0011",
                                      "[",
                                      "{"};
  clock_t start = clock();
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    for (int foreign = 0; foreign < 2; foreign++) {
      read_repeated(units[i], count, "\n", foreign);
      assert_true(read_repeated(units[i], count, A "\n", foreign) <= 2);
      read_repeated(units[i], count, "{\"session_id\":\"s1\"}}\n", foreign);
    }
  return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Lines that are four times as long take four times as long in linear time, sixteen times in quadratic time. The limit is
 * far from both, and is measured again when it is passed, so that a busy machine does not matter. */
static void damaged_lines_take_linear_time(void **state) {
  (void)state;
  double ratio = 0;
  for (int tries = 0; tries < 3; tries++) {
    double few = seconds_for(MANY / 10), many = seconds_for(4 * MANY / 10);
    ratio = many / few;
    if (ratio < 9) return;
  }
  fail_msg("four times as much takes %.1f times as long", ratio);
}

static void many_glued_records_take_linear_time(void **state) {
  (void)state;
  assert_int_equal(read_repeated("{\"session_id\":\"s1\"}", MANY, "\n", false), MANY);
  assert_int_equal(read_repeated("{\"session_id\":\"s1\"}", MANY, "{\n", false), MANY);
  assert_int_equal(read_repeated("1 ", MANY, "\n", false), 0);
}

static void many_blank_lines_and_nuls_take_linear_time(void **state) {
  (void)state;
  dbf_bytes data;
  dbf_record record;
  dbf_bytes_init(&data);
  for (int i = 0; i < 10000000; i++) dbf_bytes_append_char(&data, '\0');
  for (int i = 0; i < 1000000; i++) dbf_bytes_append(&data, "\r\n", 2);
  debrief_reader *reader =
      dbf_reader_open(file_of(data.data, data.len), "s1.jsonl", &(dbf_read_options){0}, NULL);
  dbf_bytes_release(&data);
  assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_END);
  assert_int_equal(dbf_reader_counts(reader).blank, 999999);
  assert_int_equal(dbf_reader_counts(reader).damaged, 1);
  debrief_reader_close(reader);
}

static void a_line_of_100_megabytes_is_read(void **state) {
  (void)state;
  enum { SIZE = 100000000 };
  static const char head[] = "{\"session_id\":\"s1\",\"skill\":\"";
  char *data = malloc(SIZE);
  dbf_record record;
  assert_non_null(data);
  memset(data, 'x', SIZE);
  memcpy(data, head, sizeof head - 1);
  memcpy(data + SIZE - 3, "\"}\n", 3);
  debrief_reader *reader = dbf_reader_open(file_of(data, SIZE), "s1.jsonl", &(dbf_read_options){0}, NULL);
  assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(record.entry->len, SIZE - 1);
  assert_memory_equal(record.entry->text, data, SIZE - 1);
  assert_int_equal(dbf_reader_next(reader, &record, NULL), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
  free(data);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(waits_for_a_writer_to_end_its_line),
      IN_FOLDER(sees_a_newline_that_comes_first),
      IN_FOLDER(a_tail_under_a_held_lock_is_in_progress),
      IN_FOLDER(a_tail_whose_writer_died_is_torn),
      IN_FOLDER(a_whole_tail_is_an_entry_under_a_held_lock_too),
      IN_FOLDER(who_holds_the_lock_does_not_wait_for_itself),
      IN_FOLDER(a_reader_frees_the_lock_it_looked_at),
      IN_FOLDER(reads_on_in_a_file_that_grows),
      IN_FOLDER(survives_a_file_that_is_cut_while_it_is_read),
      IN_FOLDER(an_error_of_the_system_stays),
      IN_FOLDER(an_oversize_line_takes_no_memory),
      cmocka_unit_test(the_limit_is_exact_for_every_window),
      cmocka_unit_test(damaged_lines_take_linear_time),
      cmocka_unit_test(many_glued_records_take_linear_time),
      cmocka_unit_test(many_blank_lines_and_nuls_take_linear_time),
      cmocka_unit_test(a_line_of_100_megabytes_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
