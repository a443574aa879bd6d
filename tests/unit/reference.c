/* A reference file cut at every byte and with every bit flipped: what is intact comes back, what is damaged is named
 * where it is, and nothing comes out that is not there. */
#include "transcript.h"

#define ENTRIES 6

static const char *const lines[ENTRIES] = {
    "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T12:00:00.25+02:00\",\"skill\":\"review\",\"attempts\":"
    "[{\"attempt\":"
    "1,\"model\":\"m\",\"runner_output\":\"a\\nb\",\"verified\":false},{\"attempt\":2,\"verified\":true}],"
    "\"final_status\":\"ok\"}",
    "{\"session_id\":\"s1\",\"skill\":\"caf\xc3\xa9 "
    "\\ud83d\\ude00\",\"input\":{\"a\":[1,2.5e3,{}],\"b\":\"{\\\"x\\\":1}\"}}",
    "{\"session_id\":\"s1\",\"phase\":\"\",\"duration_ms\":1200,\"team\":{\"session_id\":\"s2\",\"of\":[\"}{"
    "\"]}}",
    "{\"session_id\":\"s1\"}",
    "{\"session_id\":\"s1\",\"input\":\"{\\\"session_id\\\":\\\"s1\\\"}\",\"x\":null}",
    "{\"session_id\":\"s1\",\"skill\":\"last\",\"file_path\":\"/a/"
    "b\",\"model_used\":\"m\",\"project_root\":\"/a\"}"};

static char reference[2048];
static size_t reference_len, starts[ENTRIES + 1];

static int set_up(void **state) {
  (void)state;
  for (int i = 0; i < ENTRIES; i++) {
    starts[i] = reference_len;
    reference_len += (size_t)sprintf(reference + reference_len, "%s\n", lines[i]);
  }
  starts[ENTRIES] = reference_len;
  return 0;
}

/* The result of reading: how often each reference line, and what else. */
typedef struct reading {
  int returned[ENTRIES], others;
  int damage, damage_first, damage_last; /* count of diagnostics; the first and last line that has one */
  uint64_t from, to;                     /* bytes that the diagnostics cover */
} reading;

static void note_diagnostic(void *user, const debrief_diagnostic *d) {
  reading *r = user;
  if (!r->damage++) r->damage_first = (int)d->line, r->from = d->offset;
  r->damage_last = (int)d->line;
  r->to = d->offset + d->length;
}

static bool is_part_of(const char *text, size_t len, const char *part, size_t part_len) {
  return memmem(text, len, part, part_len) != NULL;
}

static void note_record(reading *r, const dbf_record *record, const char *data, size_t len) {
  const dbf_entry *e = record->entry;
  assert_true(is_part_of(data, len, e->text, e->len));
  for (int i = 0; i < ENTRIES; i++)
    if (strlen(lines[i]) == e->len && memcmp(lines[i], e->text, e->len) == 0) {
      r->returned[i]++;
      return;
    }
  r->others++;
}

static reading read_bytes(const char *data, size_t len, size_t window) {
  reading r = {0};
  dbf_read_options options = {.window = window, .on_diagnostic = note_diagnostic, .user = &r};
  dbf_record record;
  debrief_next next;
  debrief_reader *reader = dbf_reader_open(file_of(data, len), "s1.jsonl", &options, NULL);
  assert_non_null(reader);
  while ((next = dbf_reader_next(reader, &record, NULL)) == DEBRIEF_NEXT_ENTRY)
    note_record(&r, &record, data, len);
  assert_int_equal(next, DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
  return r;
}

static void a_whole_file_comes_back_whole(void **state) {
  (void)state;
  reading r = read_bytes(reference, reference_len, 0);
  for (int i = 0; i < ENTRIES; i++) assert_int_equal(r.returned[i], 1);
  assert_int_equal(r.others + r.damage, 0);
}

static void of_a_file_cut_at_any_byte_what_is_whole_is_read(void **state) {
  (void)state;
  for (size_t len = 0; len <= reference_len; len++) {
    reading r = read_bytes(reference, len, len % 3 ? 7 : 0);
    bool torn = false;
    for (int i = 0; i < ENTRIES; i++) {
      bool whole = len >= starts[i + 1] - 1;
      assert_int_equal(r.returned[i], whole);
      if (whole || len <= starts[i]) continue;
      torn = true;
      assert_int_equal(r.damage_first, i + 1);
      assert_int_equal(r.from, starts[i]);
      assert_int_equal(r.to, len);
    }
    assert_int_equal(r.others, 0);
    assert_int_equal(r.damage, torn);
  }
}

/* A writer healed the tail and went on: the cut line is bad, and the next one is whole. */
static void a_healed_tail_costs_one_line_only(void **state) {
  (void)state;
  char data[4096];
  for (size_t len = 0; len <= reference_len; len++) {
    size_t n = (size_t)sprintf(data, "%.*s\n%s\n", (int)len, reference, "{\"session_id\":\"s1\",\"next\":1}");
    reading r = read_bytes(data, n, 0);
    assert_int_equal(r.others, 1);
    for (int i = 0; i < ENTRIES; i++) assert_int_equal(r.returned[i], len >= starts[i + 1] - 1);
    assert_true(r.damage <= 1);
  }
}

/* Was the file cut where a record may hold any object next? What follows may then be a part of it. */
static bool may_hold_an_object(const char *data, size_t len) {
  static const char *const before[] = {
      "\"input\":",       "\"a\":",  "\"a\":[",  "[1,",    ",2.5e3,",        ",\"b\":", "\"team\":",
      "{\"session_id\":", "\"of\":", "\"of\":[", "\"x\":", "\"attempts\":[", "false},"};
  for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
    size_t n = strlen(before[i]);
    if (len < n || memcmp(data + len - n, before[i], n) != 0) continue;
    if (strcmp(before[i], "{\"session_id\":") != 0) return true; /* of the entry: not an object */
    if (len > n && data[len - n - 1] == ':') return true;
  }
  return false;
}

/* The same without the newline: for a splice at every byte, the whole record after it is returned, once. */
static void a_record_after_a_cut_at_any_byte_is_found(void **state) {
  (void)state;
  char data[4096];
  for (size_t len = 0; len <= reference_len; len++) {
    size_t n = (size_t)sprintf(data, "%.*s%s\n", (int)len, reference, "{\"session_id\":\"s1\",\"next\":1}");
    reading r = read_bytes(data, n, 0);
    assert_int_equal(r.others, !may_hold_an_object(reference, len));
    for (int i = 0; i < ENTRIES; i++) assert_int_equal(r.returned[i], len >= starts[i + 1] - 1);
  }
}

static int line_of(size_t byte) {
  int i = 0;
  while (byte >= starts[i + 1]) i++;
  return i;
}

/* Bit `bit` of byte `at` is flipped in `data`: the lines it does not touch are intact and nothing is said about
 * them. */
static void assert_flipped(const char *data, size_t at) {
  reading r = read_bytes(data, reference_len, at % 5 ? 0 : 3);
  int hit = line_of(at);
  bool joins = reference[at] == '\n', splits = data[at] == '\n';
  for (int i = 0; i < ENTRIES; i++) {
    bool intact = i != hit && !(joins && i == hit + 1);
    if (intact) assert_int_equal(r.returned[i], 1);
  }
  if (joins) assert_int_equal(r.returned[hit], 1); /* the record itself lost nothing */
  if (joins && hit + 1 < ENTRIES) assert_int_equal(r.returned[hit + 1], 1);
  assert_true(r.others <= 1);
  if (r.damage == 0) {
    assert_int_equal(r.others + r.returned[hit], 1);
    return;
  }
  assert_int_equal(r.damage_first, hit + 1);
  assert_true(r.damage_last <= hit + 1 + splits);
  assert_true(r.from == starts[hit] && r.to >= at);
}

static void any_flipped_bit_harms_its_own_line_only(void **state) {
  (void)state;
  char data[sizeof reference];
  memcpy(data, reference, sizeof data);
  for (size_t at = 0; at < reference_len; at++)
    for (int bit = 0; bit < 8; bit++) {
      data[at] = (char)(reference[at] ^ 1 << bit);
      assert_flipped(data, at);
      data[at] = reference[at];
    }
}

/* A run of NULs over any part: power was lost. */
static void any_run_of_nuls_harms_the_lines_it_touches_only(void **state) {
  (void)state;
  char data[sizeof reference];
  for (size_t at = 0; at < reference_len; at += 5)
    for (size_t len = 1; len <= reference_len - at; len += 61) {
      memcpy(data, reference, sizeof data);
      memset(data + at, 0, len);
      reading r = read_bytes(data, reference_len, 0);
      for (int i = 0; i < ENTRIES; i++)
        if (starts[i + 1] - 1 <= at || starts[i] >= at + len) assert_int_equal(r.returned[i], 1);
      assert_int_equal(r.others, 0);
      assert_true(r.damage > 0);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_file_comes_back_whole),
      cmocka_unit_test(of_a_file_cut_at_any_byte_what_is_whole_is_read),
      cmocka_unit_test(a_healed_tail_costs_one_line_only),
      cmocka_unit_test(a_record_after_a_cut_at_any_byte_is_found),
      cmocka_unit_test(any_flipped_bit_harms_its_own_line_only),
      cmocka_unit_test(any_run_of_nuls_harms_the_lines_it_touches_only),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
