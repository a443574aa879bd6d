/* The scanner's kernels: each against the plain rule, and all against each other, at every place in their blocks. */
#include "unit.h"

#include "log/json_scan.h"
#include "log/utf8.h"

static dbf_bytes text;

static void begin(const char *first) {
  dbf_bytes_clear(&text);
  dbf_bytes_append(&text, first, strlen(first));
}

static void put(const char *what, size_t count) {
  for (size_t i = 0; i < count; i++) dbf_bytes_append(&text, what, strlen(what));
}

/* What a kernel says about the text. */
typedef struct verdict {
  const char *what;
  size_t at; /* where the value ends, or the fault */
  bool too_deep, escaped;
} verdict;

static verdict ask(const dbf_json_kernel *kernel) {
  dbf_json_fault fault = {0};
  dbf_json_value value = {0};
  assert_true(dbf_bytes_terminate(&text));
  const char *p = kernel->scan_value(text.data, text.data + text.len, 0, &value, &fault);
  verdict v = {p ? NULL : fault.what, (size_t)((p ? p : fault.at) - text.data), fault.too_deep,
               value.escaped};
  return v;
}

/* All kernels: `what` NULL is accepted; `at` is where. */
static void assert_scan(const char *what, size_t at) {
  const dbf_json_kernel *kernel;
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) {
    verdict v = ask(kernel);
    if (v.at == at && (v.what == what || (v.what && what && strcmp(v.what, what) == 0))) continue;
    fail_msg("kernel %s, text of %zu: %s at %zu, not %s at %zu", kernel->name, text.len,
             v.what ? v.what : "accepted", v.at, what ? what : "accepted", at);
  }
}

static void assert_escaped(bool expected) {
  const dbf_json_kernel *kernel;
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) assert_int_equal(ask(kernel).escaped, expected);
}

enum { FAR = 200 }; /* three blocks of 64 and more */

/* ---- Strings --------------------------------------------------------------------------------------------------- */

static void strings_end_at_any_byte(void **state) {
  (void)state;
  for (size_t n = 0; n <= FAR; n++) {
    begin("\"");
    put("x", n);
    put("\"", 1);
    put("\"\\\x01", n % 3);
    assert_scan(NULL, n + 2);
    assert_escaped(false);
  }
}

static void strings_that_do_not_end_say_where(void **state) {
  (void)state;
  for (size_t n = 0; n <= FAR; n++) {
    begin("\"");
    put("x", n);
    assert_scan("unterminated string", n + 1);
    put("\\", 1);
    assert_scan("unterminated string", n + 2);
  }
}

static void control_characters_fail_at_any_byte(void **state) {
  (void)state;
  for (size_t n = 0; n <= FAR; n++)
    for (int c = 0; c < 0x20; c++) {
      begin("\"");
      put("x", n);
      dbf_bytes_append_char(&text, (char)c);
      put("x\"", 1);
      assert_scan("control character in a string", n + 1);
      if (n == 0) continue;
      text.data[n] = '\\'; /* an escape does not excuse it */
      assert_scan("control character in a string", n + 1);
    }
}

static void bytes_from_0x20_on_stand_for_themselves(void **state) {
  (void)state;
  for (size_t n = 0; n <= 70; n++)
    for (int c = 0x20; c < 0x100; c++) {
      if (c == '"' || c == '\\') continue;
      begin("\"");
      put("x", n);
      dbf_bytes_append_char(&text, (char)c);
      put("\"", 1);
      assert_scan(NULL, n + 3);
    }
}

static void escapes_are_these_nine_at_any_byte(void **state) {
  (void)state;
  for (size_t n = 0; n <= FAR; n++)
    for (int c = 0x20; c < 0x100; c++) {
      begin("\"");
      put("x", n);
      put("\\", 1);
      dbf_bytes_append_char(&text, (char)c);
      put("0aF9 \"", 1);
      bool known = c < 0x80 && strchr("\"\\/bfnrtu", c);
      assert_scan(known ? NULL : "unknown escape in a string", known ? text.len : n + 1);
    }
}

/* Runs of every length up to past two blocks, from every place: an odd one escapes the quote after it. */
static void runs_of_backslashes_escape_by_pairs(void **state) {
  (void)state;
  for (size_t before = 0; before < 66; before++)
    for (size_t run = 1; run <= 140; run++) {
      begin("\"");
      put("x", before);
      put("\\", run);
      put("\"", 1);
      size_t end = text.len;
      put("y\"", 1);
      assert_scan(NULL, run % 2 ? end + 2 : end);
      assert_escaped(true);
    }
}

static void code_units_have_four_digits_at_any_byte(void **state) {
  (void)state;
  for (size_t n = 0; n <= FAR; n++)
    for (size_t digits = 0; digits <= 4; digits++) {
      begin("\"");
      put("x", n);
      put("\\u", 1);
      put(&"aF09"[4 - digits], 1);
      size_t at = text.len;
      put(digits == 4 ? "\"" : "g9876\"", 1);
      if (digits == 4) assert_scan(NULL, at + 1);
      else assert_scan("\\u needs four hexadecimal digits", at);
    }
}

/* Two faults: the first is named, whatever comes later in its block. */
static void the_first_fault_is_named(void **state) {
  (void)state;
  for (size_t n = 0; n <= FAR; n++)
    for (size_t gap = 0; gap < 70; gap++) {
      begin("\"");
      put("x", n);
      put("\\u12z4", 1);
      put("y", gap);
      put("\\q\"", 1);
      assert_scan("\\u needs four hexadecimal digits", n + 5);
    }
}

/* ---- UTF-8 ----------------------------------------------------------------------------------------------------- */

/* Every kernel against the plain rule, for `len` bytes that end at the text's end or before more text. */
static void assert_utf8(const char *p, size_t len, size_t before, size_t after) {
  char line[160];
  const dbf_json_kernel *kernel;
  memset(line, 'x', sizeof line);
  memcpy(line + before, p, len);
  bool valid = dbf_utf8_valid_scalar(p, len);
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++)
    if (kernel->utf8_valid(line, before + len + after) != valid)
      fail_msg("kernel %s: %02x %02x %02x %02x (%zu) after %zu, before %zu", kernel->name,
               (unsigned char)p[0], (unsigned char)p[1], (unsigned char)p[2], (unsigned char)p[3], len,
               before, after);
}

static void assert_utf8_at_edges(const char *p, size_t len) {
  static const size_t places[] = {0, 1, 13, 14, 15, 16, 28, 29, 30, 31, 32, 61, 62, 63, 64};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    assert_utf8(p, len, places[i], 0);
    assert_utf8(p, len, places[i], 40);
  }
}

static void sequences_of_two_bytes_are_judged_as_the_rule_says(void **state) {
  (void)state;
  for (int a = 0; a < 256; a++)
    for (int b = 0; b < 256; b++) {
      const char p[4] = {(char)a, (char)b};
      assert_utf8_at_edges(p, 1);
      assert_utf8_at_edges(p, 2);
    }
}

/* Bytes on both sides of every limit that the rule has. */
static const unsigned char limits[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                       0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                       0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
enum { LIMITS = sizeof limits };

static void longer_sequences_are_judged_as_the_rule_says(void **state) {
  (void)state;
  for (int a = 0; a < LIMITS; a++)
    for (int b = 0; b < LIMITS; b++)
      for (int c = 0; c < LIMITS; c++) {
        char p[4] = {(char)limits[a], (char)limits[b], (char)limits[c], 'x'};
        assert_utf8_at_edges(p, 3);
        for (int d = 0; d < LIMITS; d++) {
          p[3] = (char)limits[d];
          assert_utf8(p, 4, 28 + (size_t)(a + b + d) % 5, d % 2 ? 0 : 40);
        }
      }
}

static void every_character_is_valid_and_no_surrogate_is(void **state) {
  (void)state;
  for (uint32_t c = 0; c < 0x110000; c++) {
    char p[4] = {0};
    size_t len = dbf_utf8_encode(c, p);
    assert_int_equal(dbf_utf8_length(p, len), c >= 0xd800 && c < 0xe000 ? 0 : len);
    assert_utf8(p, len, 30 + c % 3, c % 7);
  }
}

/* ---- Depth, numbers, words --------------------------------------------------------------------------------------- */

static void levels_of_nesting_are_1024(void **state) {
  (void)state;
  for (int object = 0; object < 2; object++)
    for (size_t depth = 1023; depth <= 1025; depth++) {
      begin("");
      put(object ? "{\"\":" : "[", depth);
      put("1", 1);
      put(object ? "}" : "]", depth);
      size_t deepest = 1024 * (object ? 4u : 1u);
      if (depth <= 1024) assert_scan(NULL, text.len);
      else assert_scan("nested deeper than 1,024 levels", deepest);
    }
  assert_true(ask(dbf_json_kernel_best()).too_deep);
}

/* Opening brackets, quotes, backslashes: no time, and no stack of the machine's. */
static void hostile_texts_of_100_megabytes_end_at_once(void **state) {
  (void)state;
  static const struct {
    char byte;
    const char *what;
    size_t at;
  } cases[] = {{'[', "nested deeper than 1,024 levels", 1024},
               {'"', NULL, 2},
               {'\\', "unterminated string", 100000000},
               {' ', "unterminated string", 100000000},
               {'7', NULL, 100000000}};
  begin("");
  assert_true(dbf_bytes_reserve(&text, 100000000));
  text.len = 100000000;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    memset(text.data, cases[i].byte, text.len);
    if (cases[i].at == text.len && cases[i].what) text.data[0] = '"';
    if (cases[i].byte == '\\') text.data[1] = 'x';
    assert_scan(cases[i].what, cases[i].at);
  }
  dbf_bytes_release(&text);
}

static void names_what_it_expected(void **state) {
  (void)state;
  static const struct {
    const char *json, *what;
    size_t at;
  } cases[] = {
      {"", "the text ends where a value is expected", 0},
      {"]", "expected a value", 0},
      {"nul", "expected a value", 0},
      {"True", "expected a value", 0},
      {"-", "expected a digit", 1},
      {"01", "a number must not start with 0", 0},
      {"-012", "a number must not start with 0", 1},
      {"1.", "expected a digit", 2},
      {"1.e5", "expected a digit", 2},
      {"1e", "expected a digit", 2},
      {"1e+", "expected a digit", 3},
      {".5", "expected a value", 0},
      {"+1", "expected a value", 0},
      {"[", "the text ends where a value is expected", 1},
      {"[1", "the text ends inside an array", 2},
      {"[1,", "the text ends where a value is expected", 3},
      {"[1,]", "expected a value", 3},
      {"[,1]", "expected a value", 1},
      {"[1 2]", "expected ',' or ']'", 3},
      {"[1}", "expected ',' or ']'", 2},
      {"{", "the text ends inside an object", 1},
      {"{\"a\"", "expected ':'", 4},
      {"{\"a\":", "the text ends where a value is expected", 5},
      {"{\"a\":1", "the text ends inside an object", 6},
      {"{\"a\":1,}", "expected a member name", 7},
      {"{a:1}", "expected a member name", 1},
      {"{\"a\" 1}", "expected ':'", 5},
      {"{\"a\":1]", "expected ',' or '}'", 6},
      {"[1\v,2]", "expected ',' or ']'", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin(cases[i].json);
    assert_scan(cases[i].what, cases[i].at);
  }
}

static void a_text_holds_one_value_and_white_space(void **state) {
  (void)state;
  dbf_json_fault fault;
  const dbf_json_kernel *kernel;
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) {
    begin(" \t\r\n[1] \t\r\n");
    assert_true(dbf_bytes_terminate(&text));
    assert_true(dbf_json_valid(kernel, text.data, text.len, &fault));
    text.data[9] = 'x';
    assert_false(dbf_json_valid(kernel, text.data, text.len, &fault));
    assert_string_equal(fault.what, "expected the end of the text");
    assert_int_equal(fault.at - text.data, 9);
    begin("\"\xff\"");
    assert_true(dbf_bytes_terminate(&text));
    assert_false(dbf_json_valid(kernel, text.data, text.len, &fault));
    assert_string_equal(fault.what, "bytes that are not UTF-8");
  }
}

static int release(void **state) {
  (void)state;
  dbf_bytes_release(&text);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_end_at_any_byte),
      cmocka_unit_test(strings_that_do_not_end_say_where),
      cmocka_unit_test(control_characters_fail_at_any_byte),
      cmocka_unit_test(bytes_from_0x20_on_stand_for_themselves),
      cmocka_unit_test(escapes_are_these_nine_at_any_byte),
      cmocka_unit_test(runs_of_backslashes_escape_by_pairs),
      cmocka_unit_test(code_units_have_four_digits_at_any_byte),
      cmocka_unit_test(the_first_fault_is_named),
      cmocka_unit_test(sequences_of_two_bytes_are_judged_as_the_rule_says),
      cmocka_unit_test(longer_sequences_are_judged_as_the_rule_says),
      cmocka_unit_test(every_character_is_valid_and_no_surrogate_is),
      cmocka_unit_test(levels_of_nesting_are_1024),
      cmocka_unit_test(hostile_texts_of_100_megabytes_end_at_once),
      cmocka_unit_test(names_what_it_expected),
      cmocka_unit_test(a_text_holds_one_value_and_white_space),
  };
  return cmocka_run_group_tests(tests, NULL, release);
}
