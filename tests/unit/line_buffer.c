/* dbf_line_buffer: the same lines however little is read at once. Most tests read four bytes at a time. */
#include "transcript.h"

#include "log/line_buffer.h"

#include <fcntl.h>

enum { EXCERPT = 256 }; /* what is kept of a line past the limit */

static dbf_line_buffer window;
static dbf_line_buffer_line line;
static debrief_error err;
static int fd = -1;

static void open_text(const char *text, size_t len, size_t step, size_t limit) {
  fd = file_of(text, len);
  dbf_line_buffer_init(&window, fd, "s1.jsonl", 0, 0, step, limit);
}

static int tear_down(void **state) {
  (void)state;
  dbf_line_buffer_release(&window);
  if (fd >= 0) close(fd);
  fd = -1;
  return 0;
}

static void add_to_file(const char *text) {
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_line(const char *text, uint64_t offset, bool terminated) {
  assert_int_equal(line.len, strlen(text));
  assert_memory_equal(line.text, text, line.len);
  assert_int_equal(line.offset, offset);
  assert_int_equal(line.whole, line.len);
  assert_int_equal(line.terminated, terminated);
  assert_int_equal(line.text[line.len], terminated ? '\n' : '\0');
  assert_false(line.oversize);
}

static void assert_next(const char *text, uint64_t offset, bool terminated) {
  assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_LINE);
  assert_line(text, offset, terminated);
}

static void assert_end(void) {
  assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_END);
}

/* ---- Lines --------------------------------------------------------------------------------------------------- */

static void shows_the_same_lines_however_little_is_read_at_once(void **state) {
  static const char text[] = "a\n\nlonger than four\n12345678\nlast";
  for (size_t step = 1; step <= sizeof text; step++) {
    open_text(text, sizeof text - 1, step, 1000);
    assert_next("a", 0, true);
    assert_next("", 2, true);
    assert_next("longer than four", 3, true);
    assert_next("12345678", 20, true);
    assert_next("last", 29, false);
    assert_end();
    assert_end();
    tear_down(state);
  }
}

static void has_no_line_in_an_empty_file_or_in_none(void **state) {
  (void)state;
  open_text("", 0, 4, 1000);
  assert_end();
  dbf_line_buffer_release(&window);
  dbf_line_buffer_init(&window, -1, "s1.jsonl", 0, 0, 4, 1000);
  assert_end();
  assert_int_equal(dbf_line_buffer_again(&window, &line, &err), DBF_LINE_BUFFER_END);
}

static void passes_a_byte_order_mark_at_the_beginning_and_nowhere_else(void **state) {
  for (size_t step = 1; step <= 5; step++) {
    open_text("\xef\xbb\xbf"
              "a\n\xef\xbb\xbf"
              "b\n",
              10, step, 1000);
    assert_next("a", 3, true);
    assert_next("\xef\xbb\xbf"
                "b",
                5, true);
    assert_end();
    tear_down(state);
  }
  open_text("\xef\xbb", 2, 1, 1000); /* half of one */
  assert_next("\xef\xbb", 0, false);
}

static void reads_a_part_and_no_byte_more(void **state) {
  static const char text[] = "aa\nbb\ncc\ndd";
  for (size_t step = 1; step <= sizeof text; step++) {
    fd = file_of(text, sizeof text - 1);
    dbf_line_buffer_init(&window, fd, "s1.jsonl", 3, 9, step, 1000);
    assert_next("bb", 3, true);
    assert_next("cc", 6, true);
    assert_end();
    tear_down(state);
  }
}

static void sees_what_was_appended_to_an_unterminated_line(void **state) {
  (void)state;
  open_text("aa\nb", 4, 4, 1000);
  assert_next("aa", 0, true);
  assert_next("b", 3, false);
  assert_int_equal(dbf_line_buffer_again(&window, &line, &err), DBF_LINE_BUFFER_END);
  assert_line("b", 3, false);
  add_to_file("bbbbbbbb");
  assert_int_equal(dbf_line_buffer_again(&window, &line, &err), DBF_LINE_BUFFER_LINE);
  assert_line("bbbbbbbbb", 3, false);
  add_to_file("\nc");
  assert_int_equal(dbf_line_buffer_again(&window, &line, &err), DBF_LINE_BUFFER_LINE);
  assert_line("bbbbbbbbb", 3, true);
  assert_next("c", 13, false);
  assert_end();
  add_to_file("\nd\n");
  assert_next("d", 15, true);
}

static void shows_bytes_that_were_given_instead_of_a_file(void **state) {
  (void)state;
  dbf_bytes text = {0};
  dbf_line_buffer_init(&window, -1, "s1.jsonl", 0, 0, 4, 1000);
  dbf_bytes_append(&text,
                   "\xef\xbb\xbf"
                   "aa\nbb\n",
                   9);
  dbf_line_buffer_feed(&window, &text, 0);
  assert_next("aa", 3, true);
  assert_next("bb", 6, true);
  assert_end();
  dbf_bytes_clear(&text);
  dbf_bytes_append(&text,
                   "\xef\xbb\xbf"
                   "cc",
                   5);
  dbf_line_buffer_feed(&window, &text, 9);
  assert_next("\xef\xbb\xbf"
              "cc",
              9, false);
  assert_end();
  dbf_bytes_release(&text);
}

static void says_what_cannot_be_read(void **state) {
  (void)state;
  fd = open("/tmp", O_RDONLY | O_DIRECTORY);
  dbf_line_buffer_init(&window, fd, "a folder", 0, 0, 4, 1000);
  assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_ERROR);
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_non_null(strstr(err.message, "a folder: cannot read at byte 0: Is a directory"));
  window.base = 1;
  assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_ERROR);
  assert_int_equal(dbf_line_buffer_again(&window, &line, &err), DBF_LINE_BUFFER_ERROR);
  uint64_t begin;
  assert_false(dbf_line_buffer_before(&window, 10, &begin, &err));
}

/* ---- Lines past the limit ------------------------------------------------------------------------------------ */

static void put_long(dbf_bytes *text, size_t len) {
  for (size_t i = 0; i < len; i++) dbf_bytes_append_char(text, (char)('a' + i % 26));
}

static void assert_oversize(uint64_t offset, uint64_t whole, bool terminated) {
  assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_LINE);
  assert_true(line.oversize);
  assert_int_equal(line.len, whole < EXCERPT ? whole : EXCERPT);
  for (size_t i = 0; i < line.len; i++) assert_int_equal(line.text[i], 'a' + i % 26);
  assert_int_equal(line.offset, offset);
  assert_int_equal(line.whole, whole);
  assert_int_equal(line.terminated, terminated);
}

static void passes_over_long_lines_in_constant_memory(void **state) {
  for (size_t step = 4; step <= 4096; step *= 4) {
    dbf_bytes text = {0};
    dbf_bytes_append(&text, "x\n", 2);
    put_long(&text, 100000);
    dbf_bytes_append(&text, "\ny\n", 3);
    put_long(&text, 5000);
    open_text(text.data, text.len, step, 1000);
    assert_next("x", 0, true);
    assert_oversize(2, 100000, true);
    assert_in_range(window.bytes.cap, 1, 16384);
    assert_next("y", 100003, true);
    assert_oversize(100005, 5000, false);
    assert_end();
    dbf_bytes_release(&text);
    tear_down(state);
  }
}

static void has_a_limit_that_is_exact(void **state) {
  for (size_t limit = EXCERPT - 2; limit <= EXCERPT + 2; limit++) {
    dbf_bytes text = {0};
    put_long(&text, limit + 1);
    dbf_bytes_append_char(&text, '\n');
    put_long(&text, limit);
    dbf_bytes_append_char(&text, '\n');
    open_text(text.data, text.len, 4, limit);
    assert_oversize(0, limit + 1, true);
    assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_LINE);
    assert_false(line.oversize);
    assert_int_equal(line.len, limit);
    assert_end();
    dbf_bytes_release(&text);
    tear_down(state);
  }
}

/* ---- Neighbours ---------------------------------------------------------------------------------------------- */

/* Is the current line, from `from` on, there again on the line after it? The line must not change by the question. */
static bool is_repeated(size_t from) {
  bool same = false;
  char before[64];
  size_t len = line.len;
  memcpy(before, line.text, len);
  assert_int_equal(dbf_line_buffer_repeats(&window, &line, from, len - from, &same, &err),
                   DBF_LINE_BUFFER_LINE);
  assert_int_equal(line.len, len);
  assert_memory_equal(line.text, before, len);
  return same;
}

static void finds_the_end_of_a_line_on_the_next_one(void **state) {
  static const struct {
    const char *text;
    bool repeated;
  } cases[] = {
      {"tor{abc}\n{abc}\n", true},      {"tor{abc}\n\n{abc}\n", true}, {"tor{abc}\n{abc}", true},
      {"tor{abc}\n\n\n{abc}\n", false}, {"tor{abc}\n{abc}x\n", false}, {"tor{abc}\n{abd}\n", false},
      {"tor{abc}\n{ab", false},         {"tor{abc}\n", false},         {"tor{abc}", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t step = 1; step <= 32; step++)
      for (int part = 0; part < 2; part++) {
        open_text(cases[i].text, strlen(cases[i].text), step, 1000);
        if (part)
          window.end = 9; /* the part of a worker ends here: what comes after it counts all the same */
        assert_int_equal(dbf_line_buffer_next(&window, &line, &err), DBF_LINE_BUFFER_LINE);
        assert_int_equal(is_repeated(3), cases[i].repeated);
        if (part) assert_end();
        else if (i == 0) assert_next("{abc}", 9, true);
        tear_down(state);
      }
}

static void finds_where_the_line_before_a_place_begins(void **state) {
  (void)state;
  dbf_bytes text = {0};
  uint64_t begin;
  dbf_bytes_append(&text, "first\n\n", 7);
  put_long(&text, 10000);
  dbf_bytes_append(&text, "\nlast\n", 6);
  open_text(text.data, text.len, 4, 1000);
  static const uint64_t cases[][2] = {{6, 0}, {7, 6}, {10008, 7}, {10013, 10008}, {0, 0}, {1, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_true(dbf_line_buffer_before(&window, cases[i][0], &begin, &err));
    assert_int_equal(begin, cases[i][1]);
  }
  dbf_bytes_release(&text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(shows_the_same_lines_however_little_is_read_at_once),
      TEST(has_no_line_in_an_empty_file_or_in_none),
      TEST(passes_a_byte_order_mark_at_the_beginning_and_nowhere_else),
      TEST(reads_a_part_and_no_byte_more),
      TEST(sees_what_was_appended_to_an_unterminated_line),
      TEST(shows_bytes_that_were_given_instead_of_a_file),
      TEST(says_what_cannot_be_read),
      TEST(passes_over_long_lines_in_constant_memory),
      TEST(has_a_limit_that_is_exact),
      TEST(finds_the_end_of_a_line_on_the_next_one),
      TEST(finds_where_the_line_before_a_place_begins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
