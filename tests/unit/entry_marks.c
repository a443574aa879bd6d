/* The kernels that scan an entry along its marks, and the others: they find the same, whatever one does to the text. */
#include "unit.h"

#include "log/entry.h"

static dbf_entry first, other;
static dbf_bytes text;

static dbf_scan scan_with(dbf_entry *entry, const dbf_json_kernel *kernel, dbf_json_fault *fault) {
  entry->kernel = kernel;
  return dbf_entry_scan(entry, text.data, text.len, false, fault);
}

static bool same_bytes(const void *a, const void *b, size_t size) {
  return size == 0 || memcmp(a, b, size) == 0;
}

static bool same_members(const dbf_member *a, const dbf_member *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (a[i].key != b[i].key || a[i].key_end != b[i].key_end || a[i].value != b[i].value ||
        a[i].value_end != b[i].value_end || a[i].type != b[i].type || a[i].key_escaped != b[i].key_escaped ||
        a[i].value_escaped != b[i].value_escaped)
      return false;
  return true;
}

static bool same_entry(const dbf_entry *a, const dbf_entry *b) {
  return a->text == b->text && a->len == b->len && a->count == b->count &&
         a->attempt_count == b->attempt_count && a->nested_count == b->nested_count &&
         a->duplicate_key == b->duplicate_key && same_members(a->members, b->members, a->count) &&
         same_members(a->nested, b->nested, a->nested_count) &&
         same_bytes(a->attempts, b->attempts, a->attempt_count * sizeof *a->attempts) &&
         same_bytes(a->known, b->known, sizeof a->known);
}

/* Scan `text` with every kernel and compare each with the last one, which goes byte by byte. Returns what that says. */
static dbf_scan assert_all_agree(void) {
  dbf_json_fault fault, found;
  const dbf_json_kernel *kernel;
  size_t last = 0;
  assert_true(dbf_bytes_terminate(&text));
  while (dbf_json_kernel_at(last + 1)) last++;
  dbf_scan expected = scan_with(&first, dbf_json_kernel_at(last), &fault);
  for (size_t i = 0; i < last; i++) {
    kernel = dbf_json_kernel_at(i);
    dbf_scan status = scan_with(&other, kernel, &found);
    bool same = status == expected && fault.at == found.at && !fault.what == !found.what &&
                (!fault.what || strcmp(fault.what, found.what) == 0);
    if (!same || (status == DBF_SCAN_OK && !same_entry(&first, &other)))
      fail_msg("kernel %s: %d, not %d, or it finds something else: %.*s", kernel->name, status, expected,
               (int)text.len, text.data);
  }
  return expected;
}

static const char *const samples[] = {
    "{\"session_id\":\"000f0b5c-a7b1\",\"timestamp\":\"2026-04-29T05:49:23.084581Z\",\"skill\":\"migrate\","
    "\"phase\":\"verify\",\"project_root\":\"/home/dev/src/"
    "infra\",\"input\":{\"file_path\":\"a.go\",\"spec\":"
    "\"panic\",\"flags\":[],\"n\":0.0222345,\"o\":{},\"l\":[[1],{\"x\":[true,false,null]}]},\"attempts\":[{"
    "\"attempt\":"
    "1,\"model\":\"qwen3\",\"output_summary\":\"\\n but \\\"\\\\\",\"runner_output\":\"na\xc3\xafve "
    "\\u00e9\","
    "\"verified\":true},{},{\"attempt\":2,\"x\":-1,\"verified\":false}],\"final_status\":\"ok\",\"file_"
    "path\":\"\","
    "\"model_used\":\"m\",\"duration_ms\":9717,\"cost\":1.5e3}",
    "{\"duration_ms\":-0,\"attempts\":[],\"attempts\":[{\"verified\":null,\"verified\":true,\"y\":1,\"y\":2}]"
    ","
    "\"y\":[],\"y\":0,\"timestamp\":\"2024-02-29T05:49:23Z\"}",
    "{\"timestamp\":\"2026-02-28T23:59:59.123456789Z\",\"duration_ms\":123456789012345678} "};

static void set_text(const char *sample, size_t keep, const char *put, size_t skip) {
  size_t len = strlen(sample);
  dbf_bytes_clear(&text);
  dbf_bytes_append(&text, sample, keep);
  dbf_bytes_append(&text, put, strlen(put));
  if (keep + skip < len) dbf_bytes_append(&text, sample + keep + skip, len - keep - skip);
}

/* At every place of the samples: these bytes inserted, or replacing one or three others. */
static void agree_about_what_was_changed(void **state) {
  (void)state;
  static const char *const put[] = {"",     "{",   "}",    "[",     "]",    ",",    ":",    "\"",
                                    "\\",   " ",   "0",    "-",     ".",    "e",    "t",    "u",
                                    "\t",   "\n",  "\x01", "\x1a",  "\f",   "\x7f", "9",    "{}",
                                    "\"\"", "\",", ",\"",  "\":\"", "null", "\\\"", "\xff", "x\",\"y\":\""};
  size_t right = 0;
  for (size_t s = 0; s < sizeof samples / sizeof *samples; s++)
    for (size_t at = 0; at <= strlen(samples[s]); at++)
      for (size_t i = 0; i < sizeof put / sizeof *put; i++)
        for (size_t skip = 0; skip < 4; skip += skip ? 2 : 1) {
          set_text(samples[s], at, put[i], skip);
          right += assert_all_agree() == DBF_SCAN_OK;
        }
  assert_true(right > 10000);
}

/* Each sample alone, from every place of a block: strings and escapes cross the ends of blocks everywhere. */
static void agree_at_every_place_of_a_block(void **state) {
  (void)state;
  char padding[140];
  for (size_t s = 0; s < sizeof samples / sizeof *samples; s++)
    for (size_t n = 0; n < 130; n++) {
      snprintf(padding, sizeof padding, "{\"p\":\"%*s\",", (int)n, "");
      set_text(samples[s], 0, padding, 1);
      assert_int_equal(assert_all_agree(), DBF_SCAN_OK);
    }
}

static void agree_about_times(void **state) {
  (void)state;
  static const char *const times[] = {"0000-01-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-12-00T00:00:00Z",
                                      "2026-12-31T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T23:60:00Z",
                                      "2026-01-01T23:59:60Z",
                                      "2026-01-01T23:59:59.Z",
                                      "2026-01-01T23:59:59z",
                                      "2026-01-01t23:59:59Z",
                                      "2026-01-01T23:59:59",
                                      "2026-01-01T23:59:5Z",
                                      "2026-01-01T23:59:59.1",
                                      "2026-01-01 23:59:59Z",
                                      "2026-01-01T23:59:59.1234567890Z",
                                      "2026-01-01T23:59:59+01:00",
                                      "2026-01-01T23:59:59,1Z",
                                      "2026-01-01T23:59:59.1x3Z",
                                      "2026-01-01T23:59:59.123456789ZZ",
                                      "2026/01-01T23:59:59Z",
                                      "",
                                      "Z"};
  char json[200];
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    snprintf(json, sizeof json, "{\"timestamp\":\"%s\",\"duration_ms\":1}", times[i]);
    set_text(json, 0, "", 0);
    assert_all_agree();
  }
}

static void agree_about_numbers(void **state) {
  (void)state;
  static const char *const numbers[] = {"0",
                                        "-0",
                                        "00",
                                        "01",
                                        "-1",
                                        "--1",
                                        "1-",
                                        "-",
                                        "+1",
                                        "1.",
                                        ".1",
                                        "1.5",
                                        "1..5",
                                        "1.5.5",
                                        "1e5",
                                        "1E+5",
                                        "1e",
                                        "1.e5",
                                        "123456789012345678",
                                        "999999999999999999",
                                        "9999999999999999999",
                                        "-999999999999999999",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "1234567890123456789012345678901",
                                        "12345678901234567890123456789012",
                                        "123456789012345678901234567890123",
                                        "1.345678901234567890123456789012",
                                        "1.3456789012345678901234567890123",
                                        "1.3456789012345678901234567890123x",
                                        "1.345678901234567890123456789.12",
                                        "tru",
                                        "true1",
                                        "nul",
                                        "nulll",
                                        "falsy"};
  static const char *const places[] = {"{\"duration_ms\":%s}", "{\"x\":%s,\"y\":0}", "{\"x\":[[%s]]}",
                                       "{\"attempts\":[{\"attempt\":%s}]}"};
  char json[100];
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
      snprintf(json, sizeof json, places[p], numbers[i]);
      set_text(json, 0, "", 0);
      assert_all_agree();
    }
}

/* Past what is marked, with more attempts, members and levels than there is room for at first. */
static void agree_about_any_size(void **state) {
  (void)state;
  static const char *const parts[] = {"{},", "{\"attempt\":1,\"x\":[[[[{}]]]]},",
                                      "{\"model\":\"\\\\\\\"\"},"};
  for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
    for (size_t count = 1; count < 40000; count *= 7) {
      set_text("{\"attempts\":[", 13, "", 0);
      for (size_t i = 0; i < count; i++) dbf_bytes_append(&text, parts[p], strlen(parts[p]));
      dbf_bytes_append(&text, "{}]}", 4);
      assert_int_equal(assert_all_agree(), DBF_SCAN_OK);
      assert_int_equal(first.attempt_count, count + 1);
    }
  for (size_t depth = 1020; depth < 1026; depth++) {
    set_text("{\"x\":", 5, "", 0);
    for (size_t i = 0; i < depth; i++) dbf_bytes_append_char(&text, '[');
    for (size_t i = 0; i < depth; i++) dbf_bytes_append_char(&text, ']');
    dbf_bytes_append_char(&text, '}');
    assert_int_equal(assert_all_agree(), depth < 1024 ? DBF_SCAN_OK : DBF_SCAN_BAD_JSON);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agree_about_what_was_changed), cmocka_unit_test(agree_at_every_place_of_a_block),
      cmocka_unit_test(agree_about_times), cmocka_unit_test(agree_about_numbers),
      cmocka_unit_test(agree_about_any_size)};
  dbf_entry_init(&first);
  dbf_entry_init(&other);
  dbf_bytes_init(&text);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  dbf_entry_release(&first);
  dbf_entry_release(&other);
  dbf_bytes_release(&text);
  return failed;
}
