/* Every kind of damage: what is returned, and line, byte, length and excerpt of what is reported. Each file is read
 * through windows of several sizes, which must not show. */
#include "transcript.h"

/* What reading these bytes says, through every window. */
static void assert_reading(const char *data, size_t len, dbf_read_options options, const char *expected) {
  const size_t windows[] = {0, 1, 2, 3, 7, 64};
  dbf_bytes out;
  dbf_bytes_init(&out);
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
    dbf_bytes_clear(&out);
    options.window = windows[i];
    transcribe(&out, file_of(data, len), &options);
    assert_bytes(&out, expected);
  }
  dbf_bytes_release(&out);
}

#define READS_WITH(options, data, expected) \
  assert_reading("" data, sizeof data - 1, (dbf_read_options)options, expected)
#define READS(data, expected) READS_WITH({0}, data, expected)
#define FOREIGN \
  { .foreign = true }

#define A "{\"session_id\":\"s1\",\"skill\":\"a\"}" /* 31 bytes */
#define B "{\"session_id\":\"s1\",\"skill\":\"b\"}"

/* ---- Whole lines --------------------------------------------------------------------------------------------- */

static void reads_nothing_from_nothing(void **state) {
  (void)state;
  READS("", "end 0 entries, 0 lines, 0 blank, 0 damaged, 0 warnings\n");
  READS("\xef\xbb\xbf", "end 0 entries, 0 lines, 0 blank, 0 damaged, 0 warnings\n");
  dbf_bytes out;
  dbf_bytes_init(&out);
  transcribe(&out, -1, &(dbf_read_options){0});
  assert_bytes(&out, "end 0 entries, 0 lines, 0 blank, 0 damaged, 0 warnings\n");
  dbf_bytes_release(&out);
}

static void reads_entries_line_by_line(void **state) {
  (void)state;
  READS(A "\n" B "\n",
        "entry 1 @0 " A "\nentry 2 @32 " B "\nend 2 entries, 2 lines, 0 blank, 0 damaged, 0 warnings\n");
}

static void a_last_line_without_newline_is_an_entry_when_it_is_whole(void **state) {
  (void)state;
  READS(A "\n" B,
        "entry 1 @0 " A "\nentry 2 @32 " B "\nend 2 entries, 2 lines, 0 blank, 0 damaged, 0 warnings\n");
}

static void skips_blank_lines_but_counts_them(void **state) {
  (void)state;
  READS("\n \t\r\n" A "\n\n\r\n  " B "  \r\n \n",
        "entry 3 @5 " A "\nentry 6 @40 " B "\nend 2 entries, 7 lines, 5 blank, 0 damaged, 0 warnings\n");
}

static void passes_over_a_byte_order_mark_on_line_1_only(void **state) {
  (void)state;
  READS("\xef\xbb\xbf" A "\r\n\xef\xbb\xbf" B "\n",
        "entry 1 @3 " A "\n"
        "spliced 2 @36+34 \"\\xef\\xbb\\xbf{\"session_id\":\"s1\",\"skill\":\"b\"}\" a cut record and a "
        "whole one on "
        "one line\nentry 2 @36 " B " salvaged\nend 2 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void warns_of_bytes_that_are_not_utf8(void **state) {
  (void)state;
  READS("{\"skill\":\"\xff\"}\n",
        "bad_utf8 1 @0+13 \"{\"skill\":\"\\xff\"}\" bytes that are not UTF-8; shown as U+FFFD\n"
        "entry 1 @0 {\"skill\":\"\xff\"} bad_utf8\nend 1 entries, 1 lines, 0 blank, 0 damaged, 1 warnings\n");
}

static void warns_of_a_duplicate_member(void **state) {
  (void)state;
  READS("{\"x\":1,\"x\":2}\n",
        "duplicate_key 1 @0+13 \"{\"x\":1,\"x\":2}\" a member is there twice; the last one counts\n"
        "entry 1 @0 {\"x\":1,\"x\":2} twice\nend 1 entries, 1 lines, 0 blank, 0 damaged, 1 warnings\n");
}

/* ---- Damage -------------------------------------------------------------------------------------------------- */

static void names_what_is_not_json(void **state) {
  (void)state;
  READS(A "\nnot JSON\n" B "\n",
        "entry 1 @0 " A "\nbad_json 2 @32+8 \"not JSON\" expected a value, at byte 1 of the line\n"
        "entry 3 @41 " B "\nend 2 entries, 3 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS("{\"skill\":\"a\x01\"}\n",
        "bad_json 1 @0+14 \"\\x01\"}\" control character in a string, at byte 12 of the line\n"
        "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void names_what_is_no_entry(void **state) {
  (void)state;
  READS("42\n" A "\n[1]\n\"x\"\nnull\n{\"skill\":7}\n",
        "bad_entry 1 @0+2 \"42\" not an object, at byte 1 of the line\nentry 2 @3 " A
        "\nbad_entry 3 @35+3 \"[1]\" not an object, at byte 1 of the line\n"
        "bad_entry 4 @39+3 \"\"x\"\" not an object, at byte 1 of the line\n"
        "bad_entry 5 @43+4 \"null\" not an object, at byte 1 of the line\n"
        "bad_entry 6 @48+11 \"7}\" skill is not a string, at byte 10 of the line\n"
        "end 1 entries, 6 lines, 0 blank, 5 damaged, 0 warnings\n");
}

static void returns_each_of_several_records_on_one_line(void **state) {
  (void)state;
  READS(A B "\n" A " " B " \r\n", "glued 1 @0+62 \"" A B "\" several records on one line\n"
                                  "entry 1 @0 " A " salvaged\nentry 1 @0 " B " salvaged\n"
                                  "glued 2 @63+65 \"" A " " B " \" several records on one line\n"
                                  "entry 2 @63 " A " salvaged\nentry 2 @63 " B " salvaged\n"
                                  "end 4 entries, 2 lines, 0 blank, 2 damaged, 0 warnings\n");
}

static void glued_values_that_are_no_entries_are_named_once(void **state) {
  (void)state;
  READS("{}1[]{}\n",
        "glued 1 @0+7 \"{}1[]{}\" several records on one line\nentry 1 @0 {} salvaged\n"
        "bad_entry 1 @0+7 \"1[]{}\" not an object, at byte 3 of the line\nentry 1 @0 {} salvaged\n"
        "end 2 entries, 1 lines, 0 blank, 2 damaged, 0 warnings\n");
}

static void returns_the_whole_record_after_a_cut_one(void **state) {
  (void)state;
  READS("{\"session_id\":\"s1\",\"sk" A " \n",
        "spliced 1 @0+54 \"{\"session_id\":\"s1\",\"sk" A " \" a cut record and a whole one on one line\n"
        "entry 1 @0 " A " salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS(A "{\"session_id\":\"s1\",\"skill\":\"\\" B "\n",
        "spliced 1 @0+91 \"{\"session_id\":\"s1\",\"skill\":\"\\{\"session_id\":\"s1\",\"skill\":\"b\"}\" a "
        "cut record "
        "and a whole one on one line\nentry 1 @0 " A " salvaged\nentry 1 @0 " B
        " salvaged\nend 2 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void returns_what_is_whole_before_a_cut_record(void **state) {
  (void)state;
  READS(A "{\"session_id\":\"s1\n",
        "bad_json 1 @0+48 \"\" unterminated string, at byte 49 of the line\n"
        "entry 1 @0 " A " salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS(A "x\n", "bad_json 1 @0+32 \"x\" expected a value, at byte 32 of the line\n"
                 "entry 1 @0 " A " salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void believes_only_records_of_this_session(void **state) {
  (void)state;
  READS("{\"session_id\":\"s1\",{\"session_id\":\"s2\"}\n",
        "bad_json 1 @0+38 \"{\"session_id\":\"s2\"}\" expected a member name, at byte 20 of the line\n"
        "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS("{\"session_id\":\"s1\",{\"skill\":\"a\"}\n",
        "bad_json 1 @0+32 \"{\"skill\":\"a\"}\" expected a member name, at byte 20 of the line\n"
        "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS("{\"session_id\":\"s1\",\"input\":{\"a\":[1]}\n",
        "bad_json 1 @0+36 \"\" the text ends inside an object, at byte 37 of the line\n"
        "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

/* What stands in front of the damage is measured in the same way. */
static void believes_only_such_records_in_front_too(void **state) {
  (void)state;
  READS("{\"skill\":\"a\"}x\n", "bad_json 1 @0+14 \"x\" expected a value, at byte 14 of the line\n"
                                "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void escaped_quotes_do_not_hide_where_a_record_begins(void **state) {
  (void)state;
  READS("x{\"session_id\":\"s1\",\"a\":\"\\\"{\\\\\"}\n",
        "spliced 1 @0+32 \"x{\"session_id\":\"s1\",\"a\":\"\\\"{\\\\\"}\" a cut record and a whole one on "
        "one line\n"
        "entry 1 @0 {\"session_id\":\"s1\",\"a\":\"\\\"{\\\\\"} salvaged\n"
        "end 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void a_session_is_called_as_the_lines_before_call_it(void **state) {
  (void)state;
  READS("{\"session_id\":\"s2\"}\nx{\"session_id\":\"s2\"}\n",
        "entry 1 @0 {\"session_id\":\"s2\"}\n"
        "spliced 2 @20+20 \"x{\"session_id\":\"s2\"}\" a cut record and a whole one on one line\n"
        "entry 2 @20 {\"session_id\":\"s2\"} salvaged\nend 2 entries, 2 lines, 0 blank, 1 damaged, 0 "
        "warnings\n");
  READS_WITH({.session = "s1"}, "{\"session_id\":\"s2\"}\nx{\"session_id\":\"s2\"}\nx" A "\n",
             "entry 1 @0 {\"session_id\":\"s2\"}\n"
             "bad_json 2 @20+20 \"x{\"session_id\":\"s2\"}\" expected a value, at byte 1 of the line\n"
             "spliced 3 @41+32 \"x" A "\" a cut record and a whole one on one line\n"
             "entry 3 @41 " A " salvaged\nend 2 entries, 3 lines, 0 blank, 2 damaged, 0 warnings\n");
}

static void returns_the_record_after_a_run_of_nuls(void **state) {
  (void)state;
  READS("\0\0\0\0" A "\n" B "\n",
        "nul_run 1 @0+35 \"\\x00\\x00\\x00\\x00" A "\" NUL bytes in the line, as a power cut leaves them\n"
        "entry 1 @0 " A " salvaged\nentry 2 @36 " B
        "\nend 2 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS(A "\0\0\n\0\0\n",
        "nul_run 1 @0+33 \"" A "\\x00\\x00\" NUL bytes in the line, as a power cut leaves them\n"
        "entry 1 @0 " A " salvaged\n"
        "nul_run 2 @34+2 \"\\x00\\x00\" NUL bytes in the line, as a power cut leaves them\n"
        "end 1 entries, 2 lines, 0 blank, 2 damaged, 0 warnings\n");
  READS("{\"session_id\":\"s\0\0\0" A "\n",
        "nul_run 1 @0+50 \"{\"session_id\":\"s\\x00\\x00\\x00" A
        "\" NUL bytes in the line, as a power cut leaves "
        "them\nentry 1 @0 " A " salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

/* Only where nothing is broken does another's entry count: somebody put it there. Here damage may have made it. */
static void a_whole_entry_of_another_session_is_not_salvaged(void **state) {
  (void)state;
  READS_WITH({.session = "s1"}, "{\"session_id\":\"s2\",\"skill\":\"x\"}{\"session_id\":\"s1\",\"sk\n" B "\n",
             "bad_json 1 @0+53 \"\" unterminated string, at byte 54 of the line\n"
             "entry 2 @54 " B "\nend 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void names_a_tail_that_is_cut(void **state) {
  (void)state;
  READS(A "\n{\"session_id\":\"s",
        "entry 1 @0 " A "\ntorn_tail 2 @32+16 \"{\"session_id\":\"s\" the last line was cut short\n"
        "end 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS(A "{\"session",
        "torn_tail 1 @0+40 \"{\"session\" the last line was cut short\n"
        "entry 1 @0 " A " salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS("\0\0", "nul_run 1 @0+2 \"\\x00\\x00\" NUL bytes in the line, as a power cut leaves them\n"
                "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

/* A writer that saw its record glued to something appended it again. */
static void returns_a_record_once_that_the_next_line_repeats(void **state) {
  (void)state;
  READS("{\"session_id\":\"s1\"," A "\n" A "\n",
        "spliced 1 @0+50 \"{\"session_id\":\"s1\"," A "\" a cut record and a whole one on one line\n"
        "entry 2 @51 " A "\nend 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS(B A "\n" A, "glued 1 @0+62 \"" B A "\" several records on one line\nentry 1 @0 " B
                    " salvaged\nentry 2 @63 " A "\nend 2 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS(B A "\n\n" A "\n",
        "glued 1 @0+62 \"" B A "\" several records on one line\nentry 1 @0 " B " salvaged\nentry 3 @64 " A
        "\nend 2 entries, 3 lines, 1 blank, 1 damaged, 0 warnings\n");
  READS(B A "\n\n\n" A "\n",
        "glued 1 @0+62 \"" B A "\" several records on one line\nentry 1 @0 " B " salvaged\nentry 1 @0 " A
        " salvaged\nglued 4 @65+31 \"" A "\" appended again: it was returned from the damaged line before\n"
        "end 2 entries, 4 lines, 2 blank, 2 damaged, 0 warnings\n");
  READS(B A "\n" A " \n",
        "glued 1 @0+62 \"" B A "\" several records on one line\nentry 1 @0 " B " salvaged\nentry 1 @0 " A
        " salvaged\nglued 2 @63+32 \"" A " \" appended again: it was returned from the damaged line before\n"
        "end 2 entries, 2 lines, 0 blank, 2 damaged, 0 warnings\n");
  READS(B A "\n" B "\n",
        "glued 1 @0+62 \"" B A "\" several records on one line\nentry 1 @0 " B " salvaged\nentry 1 @0 " A
        " salvaged\nentry 2 @63 " B "\nend 3 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
}

/* The writer of half a line wrote the rest of it before the record that was glued to it was appended again. */
static void returns_a_record_once_that_a_later_line_repeats(void **state) {
  (void)state;
  READS("{\"session_id\":\"s1\",\"x" A "\n\":1}\n\n" A "\n" A "\n",
        "spliced 1 @0+52 \"{\"session_id\":\"s1\",\"x" A "\" a cut record and a whole one on one line\n"
        "entry 1 @0 " A " salvaged\nbad_json 2 @53+4 \"\" unterminated string, at byte 5 of the line\n"
        "glued 4 @59+31 \"" A "\" appended again: it was returned from the damaged line before\n"
        "entry 5 @91 " A "\nend 2 entries, 5 lines, 1 blank, 3 damaged, 0 warnings\n");
  READS("{\"session_id\":\"s1\",\"x" A "\n\":1}\n" B "\n" A "\n",
        "spliced 1 @0+52 \"{\"session_id\":\"s1\",\"x" A "\" a cut record and a whole one on one line\n"
        "entry 1 @0 " A " salvaged\nbad_json 2 @53+4 \"\" unterminated string, at byte 5 of the line\n"
        "entry 3 @58 " B "\nentry 4 @90 " A "\nend 3 entries, 4 lines, 0 blank, 2 damaged, 0 warnings\n");
}

/* It was returned by the reader of the part before. */
static void a_part_does_not_repeat_the_one_before(void **state) {
  (void)state;
#define GLUED "{\"session_id\":\"s1\",\"x" A "\nrest\n\n"
  for (uint64_t begin = 53; begin <= 59; begin += begin == 53 ? 5 : 1) {
    dbf_read_options part = {.begin = begin, .first_line = 2};
    dbf_bytes out;
    dbf_bytes_init(&out);
    transcribe(&out, file_of(GLUED A "\n" B "\n", sizeof(GLUED A "\n" B "\n") - 1), &part);
    assert_non_null(memmem(out.data, out.len, "glued ", 6));
    assert_non_null(memmem(out.data, out.len, "end 1 entries", 13));
    dbf_bytes_release(&out);
  }
  dbf_read_options part = {.begin = 59 + 32, .first_line = 5};
  assert_reading(GLUED B "\n" A "\n", 59 + 64, part,
                 "entry 5 @91 " A "\nend 1 entries, 1 lines, 0 blank, 0 damaged, 0 warnings\n");
  /* what is glued is the first line of the part: what was before that is of no interest */
  part = (dbf_read_options){.begin = 32, .first_line = 2};
  assert_reading(B "\n" GLUED A "\n", 32 + 59 + 32, part,
                 "spliced 2 @32+52 \"{\"session_id\":\"s1\",\"x" A
                 "\" a cut record and a whole one on one line\nentry 2 @32 " A
                 " salvaged\nbad_json 3 @85+4 \"rest\" expected a value, at byte 1 of the line\n"
                 "glued 5 @91+31 \"" A "\" appended again: it was returned from the damaged line before\n"
                 "end 1 entries, 4 lines, 1 blank, 3 damaged, 0 warnings\n");
#undef GLUED
}

/* ---- Foreign logs ---------------------------------------------------------------------------------------------- */

static void any_object_is_an_entry_of_a_foreign_log(void **state) {
  (void)state;
  READS_WITH(FOREIGN, "{\"skill\":7,\"attempts\":{}}\n3\n",
             "entry 1 @0 {\"skill\":7,\"attempts\":{}}\n"
             "bad_entry 2 @26+1 \"3\" not an object, at byte 1 of the line\n"
             "end 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void a_foreign_record_begins_as_its_neighbours_do(void **state) {
  (void)state;
  READS_WITH(FOREIGN, "{\"type\":1}\n{\"type\":\"cut{\"type\":2}\n{\"type\":\"cut{\"other\":2}\n",
             "entry 1 @0 {\"type\":1}\n"
             "spliced 2 @11+22 \"{\"type\":\"cut{\"type\":2}\" a cut record and a whole one on one line\n"
             "entry 2 @11 {\"type\":2} salvaged\n"
             "bad_json 3 @34+23 \"other\":2}\" expected ',' or '}', at byte 15 of the line\n"
             "end 2 entries, 3 lines, 0 blank, 2 damaged, 0 warnings\n");
}

static void the_first_record_of_a_foreign_line_says_how_the_others_begin(void **state) {
  (void)state;
  READS_WITH(FOREIGN, "{\"type\":\"cut{\"type\":2}\n",
             "spliced 1 @0+22 \"{\"type\":\"cut{\"type\":2}\" a cut record and a whole one on one line\n"
             "entry 1 @0 {\"type\":2} salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS_WITH(FOREIGN, "x{\"type\":2}\n",
             "bad_json 1 @0+11 \"x{\"type\":2}\" expected a value, at byte 1 of the line\n"
             "end 0 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

/* {"type":...,"content":{"type":"text"} is a cut record and nothing else. */
static void a_part_of_a_cut_foreign_record_is_no_record(void **state) {
  (void)state;
  READS_WITH(FOREIGN, "{\"type\":1}\n{\"type\":2,\"content\":[{\"type\":3}\n{\"type\":4,\"c\":{\"type\":5}",
             "entry 1 @0 {\"type\":1}\n"
             "bad_json 2 @11+31 \"\" the text ends inside an array, at byte 32 of the line\n"
             "torn_tail 3 @43+24 \"{\"type\":4,\"c\":{\"type\":5}\" the last line was cut short\n"
             "end 1 entries, 3 lines, 0 blank, 2 damaged, 0 warnings\n");
}

/* ---- Options --------------------------------------------------------------------------------------------------- */

static void strict_reading_stops_at_the_first_damage(void **state) {
  (void)state;
  READS_WITH({.strict = true}, A "\n{\"skill\":\"\xff\"}\n42\n" B "\n",
             "entry 1 @0 " A
             "\nbad_utf8 2 @32+13 \"{\"skill\":\"\\xff\"}\" bytes that are not UTF-8; shown as U+FFFD\n"
             "entry 2 @32 {\"skill\":\"\xff\"} bad_utf8\n"
             "error 11 3 @46 logs/s1.jsonl:3:46 bad_entry: not an object, at byte 1 of the line\n"
             "end 2 entries, 3 lines, 0 blank, 1 damaged, 1 warnings\n");
  const char *damaged[] = {A B "\n", "x" A "\n", "{\"a\":", "{}1\n", "x\n"};
  for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
    dbf_bytes out;
    dbf_bytes_init(&out);
    transcribe(&out, file_of(damaged[i], strlen(damaged[i])), &(dbf_read_options){.strict = true});
    assert_memory_equal(out.data, "error 11 1 @0 ", 14);
    dbf_bytes_release(&out);
  }
}

/* The line that repeats belongs to another part, and its record is returned there. */
static void returns_a_record_once_that_the_next_part_repeats(void **state) {
  (void)state;
  static const char diagnostics[] =
      "glued 1 @0+62 \"" B A "\" several records on one line\nentry 1 @0 " B " salvaged\n";
  for (size_t window = 16; window <= 256; window *= 2) {
    dbf_read_options part = {.end = 63, .first_line = 1, .window = window};
    char *expected;
    assert_true(
        asprintf(&expected, "%send 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n", diagnostics) > 0);
    assert_reading(B A "\n" A "\n" B "\n", 127, part, expected);
    assert_reading(B A "\n\n" A "\n", 96, part, expected);
    assert_reading(B A "\n" A, 94, part, expected);
    free(expected);
    part.end = 64;
    assert_true(
        asprintf(&expected, "%send 1 entries, 2 lines, 1 blank, 1 damaged, 0 warnings\n", diagnostics) > 0);
    assert_reading(B A "\n\n" A "\n" B "\n", 128, part, expected);
    free(expected);
  }
}

static void reads_a_part_of_a_file(void **state) {
  (void)state;
  dbf_read_options part = {.begin = 32, .end = 64, .first_line = 7};
  assert_reading(A "\n" B "\n" A "\n", 96, part,
                 "entry 7 @32 " B "\nend 1 entries, 1 lines, 0 blank, 0 damaged, 0 warnings\n");
  part.end = 0;
  assert_reading(A "\n" B "\n" A "\n", 96, part,
                 "entry 7 @32 " B "\nentry 8 @64 " A
                 "\nend 2 entries, 2 lines, 0 blank, 0 damaged, 0 warnings\n");
  part = (dbf_read_options){.begin = 3};
  READS_WITH({.begin = 500}, A "\n", "end 0 entries, 0 lines, 0 blank, 0 damaged, 0 warnings\n");
  assert_reading("\n\n\n\xef\xbb\xbf" A "\n", 38, part,
                 "spliced 1 @3+34 \"\\xef\\xbb\\xbf" A "\" a cut record and a whole one on one line\n"
                 "entry 1 @3 " A " salvaged\nend 1 entries, 1 lines, 0 blank, 1 damaged, 0 warnings\n");
}

static void passes_over_lines_that_are_too_long(void **state) {
  (void)state;
  READS_WITH({.line_limit = 31}, A "\n" A " \n" B,
             "entry 1 @0 " A "\noversize 2 @32+32 \"" A " \" the line has 32 bytes, the limit is 31\n"
             "entry 3 @65 " B "\nend 2 entries, 3 lines, 0 blank, 1 damaged, 0 warnings\n");
  READS_WITH({.line_limit = 31}, A "\n" A " ",
             "entry 1 @0 " A "\noversize 2 @32+32 \"" A " \" the line has 32 bytes, the limit is 31\n"
             "end 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings\n");
}

/* Its writer was not done: the newline that comes later ends that line, and is no blank one. */
static void goes_on_after_a_line_that_had_no_newline_yet(void **state) {
  (void)state;
  int fd = file_of(A "\n" B, sizeof A + sizeof B - 1);
  dbf_read_options options = {0};
  debrief_error err;
  dbf_record record;
  debrief_reader *reader = dbf_reader_open(fd, "s1.jsonl", &options, &err);
  for (uint64_t line = 1; line <= 3; line++) {
    assert_int_equal(dbf_reader_next(reader, &record, &err), DEBRIEF_NEXT_ENTRY);
    assert_int_equal(record.line, line);
    if (line == 2) assert_int_equal(write(fd, "\n" A "\n", sizeof A + 1), sizeof A + 1);
  }
  assert_int_equal(dbf_reader_next(reader, &record, &err), DEBRIEF_NEXT_END);
  assert_int_equal(dbf_reader_counts(reader).blank, 0);
  debrief_reader_close(reader);
}

#define TEST(name) cmocka_unit_test(name)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(reads_nothing_from_nothing),
      TEST(reads_entries_line_by_line),
      TEST(a_last_line_without_newline_is_an_entry_when_it_is_whole),
      TEST(skips_blank_lines_but_counts_them),
      TEST(passes_over_a_byte_order_mark_on_line_1_only),
      TEST(warns_of_bytes_that_are_not_utf8),
      TEST(warns_of_a_duplicate_member),
      TEST(names_what_is_not_json),
      TEST(names_what_is_no_entry),
      TEST(returns_each_of_several_records_on_one_line),
      TEST(glued_values_that_are_no_entries_are_named_once),
      TEST(returns_the_whole_record_after_a_cut_one),
      TEST(returns_what_is_whole_before_a_cut_record),
      TEST(believes_only_records_of_this_session),
      TEST(believes_only_such_records_in_front_too),
      TEST(escaped_quotes_do_not_hide_where_a_record_begins),
      TEST(a_session_is_called_as_the_lines_before_call_it),
      TEST(returns_the_record_after_a_run_of_nuls),
      TEST(a_whole_entry_of_another_session_is_not_salvaged),
      TEST(names_a_tail_that_is_cut),
      TEST(returns_a_record_once_that_the_next_line_repeats),
      TEST(returns_a_record_once_that_a_later_line_repeats),
      TEST(a_part_does_not_repeat_the_one_before),
      TEST(any_object_is_an_entry_of_a_foreign_log),
      TEST(a_foreign_record_begins_as_its_neighbours_do),
      TEST(the_first_record_of_a_foreign_line_says_how_the_others_begin),
      TEST(a_part_of_a_cut_foreign_record_is_no_record),
      TEST(strict_reading_stops_at_the_first_damage),
      TEST(returns_a_record_once_that_the_next_part_repeats),
      TEST(reads_a_part_of_a_file),
      TEST(passes_over_lines_that_are_too_long),
      TEST(goes_on_after_a_line_that_had_no_newline_yet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
