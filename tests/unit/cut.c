/* dbf_cut, and readers of the parts that it makes: together they see what one reader of the whole file sees. */
#include "temp_folder.h"
#include "wrapped.h"
#include "transcript.h"

#include "log/cut.h"
#include "log/read.h"

#include <errno.h>
#include <fcntl.h>

/* pread as the code under test sees it (ld --wrap): at most `most` bytes at once, or failing at a byte. */
static size_t most;
static off_t fails_at;

WRAPPED(ssize_t, pread, (int fd, void *to, size_t len, off_t at));
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at) {
  if (fails_at > 0 && at >= fails_at) return errno = EIO, -1;
  return __real_pread(fd, to, len < most ? len : most, at);
}

static char *folder, *path;
static dbf_bytes parts;
static debrief_error err;

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  path = path_in(folder, "s1.jsonl");
  most = SIZE_MAX;
  fails_at = 0;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  dbf_bytes_release(&parts);
  free(path);
  remove_temp(folder);
  return 0;
}

static void add_part(void *user, uint64_t begin, uint64_t end, uint64_t first_line) {
  char text[80];
  (void)user;
  int n = snprintf(text, sizeof text, "%d-%d from line %d\n", (int)begin, (int)end, (int)first_line);
  dbf_bytes_append(&parts, text, (size_t)n);
}

static bool cut(uint64_t step) {
  int fd = open(path, O_RDONLY);
  dbf_bytes_clear(&parts);
  bool ok = dbf_cut(&(dbf_extent){.fd = fd}, path, step, add_part, NULL, &err);
  if (fd >= 0) close(fd);
  return ok;
}

static void assert_parts(uint64_t step, const char *expected) {
  assert_true(cut(step));
  assert_bytes(&parts, expected);
}

/* ---- Parts --------------------------------------------------------------------------------------------------- */

static void ends_a_part_at_the_first_line_end_that_makes_it_long_enough(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "abc\ndefg\n\nhi\n");
  assert_parts(1,
               "0-4 from line 1\n4-9 from line 2\n9-10 from line 3\n10-13 from line 4\n13-0 from line 5\n");
  assert_parts(4, "0-4 from line 1\n4-9 from line 2\n9-13 from line 3\n13-0 from line 5\n");
  assert_parts(5, "0-9 from line 1\n9-0 from line 3\n");
  assert_parts(13, "0-13 from line 1\n13-0 from line 5\n");
  assert_parts(14, "0-0 from line 1\n");
}

static void leaves_the_unterminated_end_to_the_last_part(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "abc\ndefghijkl");
  assert_parts(1, "0-4 from line 1\n4-0 from line 2\n");
  put_file(folder, "s1.jsonl", "defghijkl");
  assert_parts(1, "0-0 from line 1\n");
}

static void makes_one_part_of_an_empty_file_and_of_none(void **state) {
  (void)state;
  assert_parts(1, "0-0 from line 1\n"); /* no file */
  put_file(folder, "s1.jsonl", "");
  assert_parts(1, "0-0 from line 1\n");
}

static void cuts_alike_however_little_is_read_at_once(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "abc\ndefg\n\nhi\nxyz");
  for (most = 1; most < 20; most++)
    assert_parts(4, "0-4 from line 1\n4-9 from line 2\n9-13 from line 3\n13-0 from line 5\n");
}

static void says_where_a_file_cannot_be_read(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "abc\ndefg\n");
  most = 3;
  fails_at = 6;
  assert_false(cut(1));
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_non_null(strstr(err.message, "s1.jsonl: cannot read at byte 0"));
}

/* ---- Readers of parts ---------------------------------------------------------------------------------------- */

#define A "{\"session_id\":\"s1\",\"skill\":\"a\",\"input\":[1,{\"b\":2}]}"
#define B "{\"session_id\":\"s1\",\"skill\":\"b\"}"

/* Lines of every kind: whole, blank, damaged in each way, appended again after a line that was glued, oversize. */
static const char *const texts[] = {
    A "\n" B "\n\n" A "\n",
    "\xef\xbb\xbf" A "\r\n \n" B "\n{\"session_id\":\"s1\",\"sk" A "\n\n" A "\n" B B "\n" B,
    A "\n{x}\n\n\n" B "\n42\n{\"skill\":1}\n{\"a\":1,\"a\":2}\n" A "\n{\"session_id\":\"s1\",\"sk",
    "{\"session_id\":\"s1\",\"sk" B "\n\n" B "\n" A "\n{\"to" A "\n" A "\n",
};

/* Everything that readers of the parts say, in the order of the parts. */
typedef struct telling {
  int fd;
  size_t window;
  dbf_bytes said;
  uint64_t entries, lines, damaged, part;
} telling;

static void read_part(void *user, uint64_t begin, uint64_t end, uint64_t first_line) {
  telling *t = user;
  dbf_read_options options = {.session = "s1",
                              .window = t->window,
                              .line_limit = 300,
                              .on_diagnostic = say_diagnostic,
                              .user = &t->said};
  bool narrowed = t->part++ % 2;
  dbf_record record;
  if (!narrowed) options.begin = begin, options.end = end, options.first_line = first_line;
  debrief_reader *reader = dbf_reader_open(dup(t->fd), "s1.jsonl", &options, &err);
  assert_non_null(reader);
  if (narrowed) dbf_reader_narrow(reader, begin, end, first_line);
  while (dbf_reader_next(reader, &record, &err) == DEBRIEF_NEXT_ENTRY) say_record(&t->said, &record);
  dbf_read_counts counts = dbf_reader_counts(reader);
  t->entries += counts.entries;
  t->lines += counts.lines;
  t->damaged += counts.damaged;
  debrief_reader_close(reader);
}

static void release(telling *t) {
  dbf_bytes_release(&t->said);
  close(t->fd);
}

/* Cut the text after `step` bytes and compare with what one reader says. */
static void assert_same_in_parts(const char *text, size_t len, size_t step, size_t window) {
  telling whole = {.fd = file_of(text, len)}, cut = {.fd = file_of(text, len), .window = window};
  read_part(&whole, 0, 0, 1);
  assert_true(dbf_cut(&(dbf_extent){.fd = cut.fd}, "s1.jsonl", step, read_part, &cut, &err));
  dbf_bytes_terminate(&whole.said);
  assert_bytes(&cut.said, whole.said.data);
  assert_int_equal(cut.entries, whole.entries);
  assert_int_equal(cut.lines, whole.lines);
  assert_int_equal(cut.damaged, whole.damaged);
  release(&whole);
  release(&cut);
}

static void readers_of_parts_say_what_one_reader_says(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t step = 1; step <= strlen(texts[i]) + 1; step++)
      for (size_t window = 4; window <= 64; window *= 16)
        assert_same_in_parts(texts[i], strlen(texts[i]), step, window);
}

static void readers_of_parts_see_lines_that_are_longer_than_the_limit(void **state) {
  (void)state;
  dbf_bytes text = {0};
  dbf_bytes_append(&text, A "\n{\"skill\":\"", sizeof A + 10);
  for (int i = 0; i < 400; i++) dbf_bytes_append_char(&text, 'x');
  dbf_bytes_append(&text, "\"}\n" B "\n", sizeof B + 3);
  for (size_t step = 1; step < 200; step++) assert_same_in_parts(text.data, text.len, step, 4);
  dbf_bytes_release(&text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(ends_a_part_at_the_first_line_end_that_makes_it_long_enough),
      TEST(leaves_the_unterminated_end_to_the_last_part),
      TEST(makes_one_part_of_an_empty_file_and_of_none),
      TEST(cuts_alike_however_little_is_read_at_once),
      TEST(says_where_a_file_cannot_be_read),
      TEST(readers_of_parts_say_what_one_reader_says),
      TEST(readers_of_parts_see_lines_that_are_longer_than_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
