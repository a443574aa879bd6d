/* json_write: strings as Go writes them, compacting, numbers in any locale. */
#include "unit.h"

#include "log/json_write.h"

#include <locale.h>
#include <math.h>

static dbf_bytes out;

static int begin(void **state) {
  (void)state;
  dbf_bytes_init(&out);
  return 0;
}

static int end(void **state) {
  (void)state;
  dbf_bytes_release(&out);
  return 0;
}

/* ---- Strings --------------------------------------------------------------------------------------------- */

static void assert_string(const char *bytes, size_t len, const char *json) {
  dbf_bytes_clear(&out);
  dbf_json_write_string(&out, bytes, len);
  assert_bytes(&out, json);
}

#define ASSERT_STRING(literal, json) assert_string(literal, sizeof literal - 1, json)

static void writes_strings_as_go_does(void **state) {
  (void)state;
  ASSERT_STRING("", "\"\"");
  ASSERT_STRING("plain /slash/ ~ \x7f", "\"plain /slash/ ~ \x7f\"");
  ASSERT_STRING("\"\\\n\r\t", "\"\\\"\\\\\\n\\r\\t\"");
  ASSERT_STRING("\0\x01\b\f\x1f", "\"\\u0000\\u0001\\u0008\\u000c\\u001f\"");
  ASSERT_STRING("<b>&", "\"\\u003cb\\u003e\\u0026\"");
  ASSERT_STRING("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
                "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"");
  ASSERT_STRING("na\xc3\xafve \xf0\x9f\x98\x80 \xef\xbf\xbd",
                "\"na\xc3\xafve \xf0\x9f\x98\x80 \xef\xbf\xbd\"");
}

static void replaces_bytes_that_are_not_utf8_one_by_one(void **state) {
  (void)state;
  ASSERT_STRING("a\xff\xfe z", "\"a\\ufffd\\ufffd z\"");
  ASSERT_STRING("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
  ASSERT_STRING("\xc0\xaf", "\"\\ufffd\\ufffd\"");
  ASSERT_STRING("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
  ASSERT_STRING("\xe2\x80", "\"\\ufffd\\ufffd\"");
  ASSERT_STRING("\xe2\x80\"", "\"\\ufffd\\ufffd\\\"\"");
}

/* Steps of several bytes must not depend on where a byte that needs work stands. */
static void escapes_a_byte_wherever_it_stands(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    for (size_t at = 0; at < 24; at++) {
      char alone[8], text[24], expected[64];
      dbf_bytes_clear(&out);
      dbf_json_write_string(&out, &(char){(char)c}, 1);
      snprintf(alone, sizeof alone, "%.*s", (int)out.len - 2, out.data + 1);
      memset(text, 'x', sizeof text);
      text[at] = (char)c;
      snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", (int)at, "xxxxxxxxxxxxxxxxxxxxxxxx", alone,
               23 - (int)at, "xxxxxxxxxxxxxxxxxxxxxxxx");
      assert_string(text, sizeof text, expected);
    }
  }
}

/* ---- Compacting ------------------------------------------------------------------------------------------ */

static void assert_compact(const char *json, bool html, const char *expected) {
  dbf_bytes_clear(&out);
  dbf_json_compact(&out, json, strlen(json), html);
  assert_bytes(&out, expected);
}

static void drops_white_space_between_tokens_only(void **state) {
  (void)state;
  assert_compact(" { \"a b\" :\t[ 1 ,\r\n 2.50 , \" x \" ] } ", false, "{\"a b\":[1,2.50,\" x \"]}");
  assert_compact("\"ends in a backslash \\\\\" ", false, "\"ends in a backslash \\\\\"");
  assert_compact("[\"\\\" , \" , \"long enough for a word \\\" , \"]", false,
                 "[\"\\\" , \",\"long enough for a word \\\" , \"]");
}

static void keeps_the_bytes_of_numbers_and_escapes(void **state) {
  (void)state;
  assert_compact("[-0,1E3,12345678901234567890,\"\\u003c\\/\\ud800\"]", true,
                 "[-0,1E3,12345678901234567890,\"\\u003c\\/\\ud800\"]");
}

static void escapes_html_in_strings_only_when_asked(void **state) {
  (void)state;
  static const char json[] = "{\"<&>\":\"0123456789<\xe2\x80\xa8\xe2\x80\xa9\"}";
  assert_compact(json, false, json);
  assert_compact(json, true, "{\"\\u003c\\u0026\\u003e\":\"0123456789\\u003c\\u2028\\u2029\"}");
}

static void compacts_bytes_that_are_not_utf8_to_replacements(void **state) {
  (void)state;
  assert_compact("{\"k\xff\" : \"v\xc3\"}", false, "{\"k\\ufffd\":\"v\\ufffd\"}");
  assert_compact("\"\xf0\x9f\x98\x80\"", true, "\"\xf0\x9f\x98\x80\"");
}

/* ---- Long texts ------------------------------------------------------------------------------------------ */

/* Pieces that must come out the same wherever they stand: of a text and as it is written, of JSON and as it is
 * compacted without and with HTML escaping. */
static const char *const pieces_of[][5] = {
    {"x", "x", "x", "x", "x"},
    {"plain text", "plain text", "plain text", "plain text", "plain text"},
    {"\n", "\\n", "\\n", "\\n", "\\n"},
    {"\"", "\\\"", "\\\"", "\\\"", "\\\""},
    {"\\", "\\\\", "\\\\", "\\\\", "\\\\"},
    {"\x01", "\\u0001", "\\u0001", "\\u0001", "\\u0001"},
    {"<", "\\u003c", "<", "<", "\\u003c"},
    {"&", "\\u0026", "&", "&", "\\u0026"},
    {"\xc3\xa9", "\xc3\xa9", "\xc3\xa9", "\xc3\xa9", "\xc3\xa9"},
    {"\xff", "\\ufffd", "\xff", "\\ufffd", "\\ufffd"},
    {"\xe2\x80\xa8", "\\u2028", "\xe2\x80\xa8", "\xe2\x80\xa8", "\\u2028"},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
};
enum { PIECES = sizeof pieces_of / sizeof *pieces_of };

static unsigned chance(unsigned below) {
  static unsigned state = 1;
  state = state * 1103515245u + 12345u;
  return (state >> 16) % below;
}

/* A text of `count` pieces in its five forms. Most are plain, or all would be hits. Memory of just the right size lets
 * a sanitizer see reads past the end. */
static void assert_pieces(unsigned count) {
  char *forms[5];
  for (int i = 0; i < 5; i++) forms[i] = calloc(1, count * 16 + 3);
  for (int i = 1; i < 5; i++) strcpy(forms[i], "\"");
  for (unsigned n = 0; n < count; n++) {
    unsigned pick = chance(2) ? 0 : chance(PIECES);
    for (int i = 0; i < 5; i++) strcat(forms[i], pieces_of[pick][i]);
  }
  for (int i = 1; i < 5; i++) strcat(forms[i], "\"");
  for (int i = 0; i < 5; i++) forms[i] = realloc(forms[i], strlen(forms[i]) + 1);
  assert_string(forms[0], strlen(forms[0]), forms[1]);
  assert_compact(forms[2], false, forms[3]);
  assert_compact(forms[2], true, forms[4]);
  for (int i = 0; i < 5; i++) free(forms[i]);
}

static void writes_and_compacts_long_texts_like_short_ones(void **state) {
  (void)state;
  for (unsigned count = 0; count < 200; count++)
    for (int repeat = 0; repeat < 50; repeat++) assert_pieces(count);
  for (int repeat = 0; repeat < 20; repeat++) assert_pieces(3000 + chance(2000));
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

static void assert_integer(int64_t value, const char *expected) {
  dbf_bytes_clear(&out);
  dbf_json_write_integer(&out, value);
  assert_bytes(&out, expected);
}

static void writes_every_integer(void **state) {
  (void)state;
  assert_integer(0, "0");
  assert_integer(-1, "-1");
  assert_integer(1234567890, "1234567890");
  assert_integer(INT64_MAX, "9223372036854775807");
  assert_integer(INT64_MIN, "-9223372036854775808");
}

static const struct {
  double value;
  const char *text;
} numbers[] = {
    {0.0, "0.0"},
    {-0.0, "-0.0"},
    {1.0, "1.0"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {0.30000000000000004, "0.30000000000000004"},
    {100.0, "100.0"},
    {0.0001, "0.0001"},
    {0.00001, "1e-05"},
    {1234.5678, "1234.5678"},
    {1e15, "1000000000000000.0"},
    {9007199254740993.0, "9007199254740992.0"},
    {1e16, "1e+16"},
    {1e22, "1e+22"},
    {1e23, "1e+23"},
    {1e300, "1e+300"},
    {123456789012345680000.0, "1.2345678901234568e+20"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {2.2250738585072014e-308, "2.2250738585072014e-308"},
    {5e-324, "5e-324"},
    {-1.5e-320, "-1.5e-320"},
    {0x1p-44, "5.684341886080802e-14"},
    {0x1p-791, "7.678447687145631e-239"},
    {3.141592653589793, "3.141592653589793"},
};

static void write_all_numbers(void) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    dbf_bytes_clear(&out);
    assert_true(dbf_json_write_number(&out, numbers[i].value));
    assert_bytes(&out, numbers[i].text);
  }
}

static void writes_the_shortest_decimal_that_stays_a_float(void **state) {
  (void)state;
  write_all_numbers();
}

static void refuses_what_is_no_number(void **state) {
  (void)state;
  assert_false(dbf_json_write_number(&out, (double)NAN));
  assert_false(dbf_json_write_number(&out, HUGE_VAL));
  assert_false(dbf_json_write_number(&out, -HUGE_VAL));
  assert_int_equal(out.len, 0);
}

static uint64_t random_bits(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

static void writes_doubles_that_read_back_bit_for_bit(void **state) {
  (void)state;
  uint64_t seed = 88172645463325252u;
  for (int i = 0; i < 100000; i++) {
    uint64_t bits = random_bits(&seed);
    double value, back;
    memcpy(&value, &bits, sizeof value);
    dbf_bytes_clear(&out);
    if (!dbf_json_write_number(&out, value)) continue;
    dbf_bytes_append_char(&out, '\0');
    back = strtod(out.data, NULL);
    if (memcmp(&back, &value, sizeof value) != 0) fail_msg("%a became %s", value, out.data);
  }
}

/* Makes a locale with a decimal comma in a temporary folder, for this process. */
static bool use_comma_locale(const char *folder) {
  char command[256];
  snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
  if (system(command) != 0) return false;
  setenv("LOCPATH", folder, 1);
  return setlocale(LC_ALL, "de_DE.UTF-8") && strcmp(localeconv()->decimal_point, ",") == 0;
}

static void writes_and_reads_points_where_the_locale_has_commas(void **state) {
  (void)state;
  char folder[] = "/tmp/debrief-locale-XXXXXX", command[64];
  assert_non_null(mkdtemp(folder));
  bool comma = use_comma_locale(folder);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  assert_int_equal(system(command), 0);
  if (!comma) skip();
  write_all_numbers();
  setlocale(LC_ALL, "C");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(writes_strings_as_go_does),
      TEST(replaces_bytes_that_are_not_utf8_one_by_one),
      TEST(escapes_a_byte_wherever_it_stands),
      TEST(drops_white_space_between_tokens_only),
      TEST(keeps_the_bytes_of_numbers_and_escapes),
      TEST(escapes_html_in_strings_only_when_asked),
      TEST(compacts_bytes_that_are_not_utf8_to_replacements),
      TEST(writes_and_compacts_long_texts_like_short_ones),
      TEST(writes_every_integer),
      TEST(writes_the_shortest_decimal_that_stays_a_float),
      TEST(refuses_what_is_no_number),
      TEST(writes_doubles_that_read_back_bit_for_bit),
      TEST(writes_and_reads_points_where_the_locale_has_commas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
