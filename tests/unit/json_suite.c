/* json_suite: other people's JSON conformance files against every kernel. */
#include "unit.h"

#include "log/json_scan.h"
#include "log/json_write.h"

#include <dirent.h>

/* What the standard leaves open: is it JSON in UTF-8, and does the scanner, which is not asked about UTF-8, take it? */
static const struct {
  const char *name;
  bool valid, scanned;
} open_cases[] = {
    {"i_number_double_huge_neg_exp.json", true, true},
    {"i_number_huge_exp.json", true, true},
    {"i_number_neg_int_huge_exp.json", true, true},
    {"i_number_pos_double_huge_exp.json", true, true},
    {"i_number_real_neg_overflow.json", true, true},
    {"i_number_real_pos_overflow.json", true, true},
    {"i_number_real_underflow.json", true, true},
    {"i_number_too_big_neg_int.json", true, true},
    {"i_number_too_big_pos_int.json", true, true},
    {"i_number_very_big_negative_int.json", true, true},
    {"i_object_key_lone_2nd_surrogate.json", true, true},
    {"i_string_1st_surrogate_but_2nd_missing.json", true, true},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", true, true},
    {"i_string_UTF-16LE_with_BOM.json", false, false},
    {"i_string_UTF-8_invalid_sequence.json", false, true},
    {"i_string_UTF8_surrogate_U+D800.json", false, true},
    {"i_string_incomplete_surrogate_and_escape_valid.json", true, true},
    {"i_string_incomplete_surrogate_pair.json", true, true},
    {"i_string_incomplete_surrogates_escape_valid.json", true, true},
    {"i_string_invalid_lonely_surrogate.json", true, true},
    {"i_string_invalid_surrogate.json", true, true},
    {"i_string_invalid_utf-8.json", false, true},
    {"i_string_inverted_surrogates_U+1D11E.json", true, true},
    {"i_string_iso_latin_1.json", false, true},
    {"i_string_lone_second_surrogate.json", true, true},
    {"i_string_lone_utf8_continuation_byte.json", false, true},
    {"i_string_not_in_unicode_range.json", false, true},
    {"i_string_overlong_sequence_2_bytes.json", false, true},
    {"i_string_overlong_sequence_6_bytes.json", false, true},
    {"i_string_overlong_sequence_6_bytes_null.json", false, true},
    {"i_string_truncated-utf-8.json", false, true},
    {"i_string_utf16BE_no_BOM.json", false, false},
    {"i_string_utf16LE_no_BOM.json", false, false},
    {"i_structure_500_nested_arrays.json", true, true},
    {"i_structure_UTF-8_BOM_empty_object.json", false, false},
};

enum { OPEN_CASES = sizeof open_cases / sizeof *open_cases };

/* The folder `name` of the corpora; skips the test when it is not there. */
static const char *corpus(const char *name) {
  static char path[4096];
  const char *corpora = getenv("CORPORA");
  if (!corpora) skip();
  snprintf(path, sizeof path, "%s/%s", corpora, name);
  DIR *dir = opendir(path);
  if (!dir) skip();
  closedir(dir);
  return path;
}

static bool scans(const dbf_json_kernel *kernel, const char *text, size_t len) {
  dbf_json_value value;
  dbf_json_fault fault = {0};
  const char *p = text, *end = text + len;
  while (p < end && strchr(" \t\r\n", *p) && *p) p++;
  p = kernel->scan_value(p, end, 0, &value, &fault);
  while (p && p < end && strchr(" \t\r\n", *p) && *p) p++;
  return p == end;
}

/* Vector code sees a text in pieces that depend on where it starts: short ones are tried at every place. */
static void assert_verdict(const char *name, const dbf_bytes *text, bool valid, bool scanned) {
  dbf_bytes moved;
  const dbf_json_kernel *kernel;
  dbf_bytes_init(&moved);
  for (size_t at = 0; at < (text->len < 300 ? 64 : 1); at++) {
    dbf_bytes_clear(&moved);
    dbf_bytes_append(&moved, "                                                                ", at);
    dbf_bytes_append(&moved, text->data, text->len);
    assert_true(dbf_bytes_terminate(&moved));
    for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) {
      dbf_json_fault fault;
      if (dbf_json_valid(kernel, moved.data + at, text->len, &fault) != valid)
        fail_msg("%s, kernel %s: %s", name, kernel->name, valid ? fault.what : "accepted");
      if (!valid) assert_non_null(fault.what);
      if (scans(kernel, moved.data + at, text->len) != scanned)
        fail_msg("%s, kernel %s: scan says otherwise", name, kernel->name);
    }
  }
  dbf_bytes_release(&moved);
}

static void judge_file(const char *folder, const char *name, bool valid, bool scanned) {
  dbf_bytes text;
  dbf_bytes_init(&text);
  assert_true(read_file(&text, folder, name));
  assert_verdict(name, &text, valid, scanned);
  dbf_bytes_release(&text);
}

/* All files of a folder that begin so; returns how many. */
static int judge_all(const char *folder, const char *prefix, bool valid) {
  int count = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *file; (file = readdir(dir));) {
    if (strncmp(file->d_name, prefix, strlen(prefix)) != 0 || strstr(file->d_name, "EXCLUDE")) continue;
    judge_file(folder, file->d_name, valid, valid);
    count++;
  }
  closedir(dir);
  return count;
}

static void has_a_kernel_for_every_machine(void **state) {
  (void)state;
  size_t count = 0;
  bool best = false, scalar = false;
  for (const dbf_json_kernel *k; (k = dbf_json_kernel_at(count)); count++) {
    best = best || k == dbf_json_kernel_best();
    scalar = scalar || strcmp(k->name, "scalar") == 0;
  }
  assert_true(best && scalar);
}

static void accepts_all_95_files_that_are_json(void **state) {
  (void)state;
  assert_int_equal(judge_all(corpus("json-testsuite/test_parsing"), "y_", true), 95);
}

static void refuses_all_188_files_that_are_not(void **state) {
  (void)state;
  assert_int_equal(judge_all(corpus("json-testsuite/test_parsing"), "n_", false), 188);
}

static void decides_the_35_open_cases_as_written_down(void **state) {
  (void)state;
  const char *folder = corpus("json-testsuite/test_parsing");
  assert_int_equal(OPEN_CASES, 35);
  for (int i = 0; i < OPEN_CASES; i++)
    judge_file(folder, open_cases[i].name, open_cases[i].valid, open_cases[i].scanned);
}

static void agrees_with_the_json_checker(void **state) {
  (void)state;
  assert_int_equal(judge_all(corpus("json-nativejson/jsonchecker"), "pass", true), 3);
  assert_int_equal(judge_all(corpus("json-nativejson/jsonchecker"), "fail", false), 31);
}

static void compacts_27_compact_files_to_themselves(void **state) {
  (void)state;
  const char *folder = corpus("json-nativejson/roundtrip");
  dbf_bytes text, out;
  dbf_bytes_init(&text);
  dbf_bytes_init(&out);
  for (int i = 1; i <= 27; i++) {
    char name[32];
    snprintf(name, sizeof name, "roundtrip%02d.json", i);
    dbf_bytes_clear(&text);
    dbf_bytes_clear(&out);
    assert_true(read_file(&text, folder, name));
    dbf_json_compact(&out, text.data, text.len, false);
    dbf_bytes_append_char(&text, '\0');
    assert_bytes(&out, text.data);
  }
  dbf_bytes_release(&text);
  dbf_bytes_release(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_a_kernel_for_every_machine),
      cmocka_unit_test(accepts_all_95_files_that_are_json),
      cmocka_unit_test(refuses_all_188_files_that_are_not),
      cmocka_unit_test(decides_the_35_open_cases_as_written_down),
      cmocka_unit_test(agrees_with_the_json_checker),
      cmocka_unit_test(compacts_27_compact_files_to_themselves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
