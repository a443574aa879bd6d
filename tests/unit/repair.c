/* debrief_log_repair: what is kept, what is left out, and what is in the folder afterwards. */
#include "repair_scene.h"

static void expect(const char *before, size_t len, const char *after, uint64_t entries, uint64_t salvaged,
                   const char *left_out) {
  put_bytes(folder, "s1.jsonl", "w", before, len);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_true(repair.repaired);
  assert_file(folder, "s1.jsonl", after);
  assert_int_equal(repair.entries, entries);
  assert_int_equal(repair.salvaged, salvaged);
  assert_left_out(left_out);
  assert_copy(before, len);
  assert_beside("s1.jsonl.broken");
  unlink(repair.copy);
  debrief_repair_release(&repair);
}
#define EXPECT(before, ...) expect(before, sizeof before - 1, __VA_ARGS__)

/* ---- What is kept ------------------------------------------------------------------------------------------ */

static void leaves_a_session_without_damage_alone(void **state) {
  (void)state;
  struct stat before, after;
  static const char *const sound[] = {"", A "\n", A "\n\n " A, "{\"a\":\"\xff\"}\n", "{\"b\":1,\"b\":2}\n"};
  char *path = path_in(folder, "s1.jsonl");
  for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
    put_file(folder, "s1.jsonl", sound[i]);
    assert_int_equal(stat(path, &before), 0);
    assert_true(debrief_log_repair(log_, "s1", &repair, &err));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_untouched(sound[i]);
  }
  assert_int_equal(syncs, 0);
  free(path);
}

static void keeps_every_entry_of_every_kind_of_damage(void **state) {
  (void)state;
  EXPECT(A "\n{\"tor", A "\n", 1, 0, "2:32+5 torn_tail\n");
  EXPECT(A B "\n", A "\n" B "\n", 2, 2, "");
  EXPECT("{\"cut" A "\n" B, A "\n" B "\n", 2, 1, "1:0+5 spliced\n");
  EXPECT(A "\n\0\0" B "\n", A "\n" B "\n", 2, 1, "2:32+2 nul_run\n");
  EXPECT("\0\0\0", "", 0, 0, "1:0+3 nul_run\n");
  EXPECT("{bad}\n" A "\n", A "\n", 1, 0, "1:0+5 bad_json\n");
  EXPECT("[]\n" A "\n{\"skill\":1}\n", A "\n", 1, 0, "1:0+2 bad_entry\n3:35+11 bad_entry\n");
}

static void lists_each_piece_of_a_line_that_is_left_out(void **state) {
  (void)state;
  EXPECT(A B "{\"x\n", A "\n" B "\n", 2, 2, "1:62+3 bad_json\n");
  EXPECT(A "[]" B "{\"x\n", B "\n", 1, 1, "1:0+33 bad_json\n1:64+3 bad_json\n");
  EXPECT(A " [] " B "\t\n", A "\n" B "\n", 2, 2, "1:31+4 bad_entry\n");
  EXPECT("{\"cut" A "\n" A "\n", A "\n", 1, 0,
         "1:0+36 spliced\n"); /* appended a second time, as a whole line */
}

static void writes_entries_as_they_are_one_a_line(void **state) {
  (void)state;
  EXPECT("\xef\xbb\xbf  { \"a\" : 1.50 }\t\r\n\n\n{\"b\":\"\xff\"}\n{x\n{\"c\":1,\"c\":2}",
         "{ \"a\" : 1.50 }\n{\"b\":\"\xff\"}\n{\"c\":1,\"c\":2}\n", 3, 0, "5:34+2 bad_json\n");
}

static void takes_entries_longer_than_what_is_written_at_once(void **state) {
  (void)state;
  enum { LONG = 700000 };
  dbf_bytes before, after;
  dbf_bytes_init(&before);
  dbf_bytes_init(&after);
  for (int i = 0; i < 5; i++) {
    size_t start = after.len;
    dbf_bytes_append(&after, "{\"a\":\"", 6);
    for (int k = 0; k < (i % 2 ? LONG : 1000 * i); k++) dbf_bytes_append_char(&after, (char)('a' + k % 26));
    dbf_bytes_append(&after, "\"}\n", 3);
    dbf_bytes_append(&before, after.data + start, after.len - start);
    dbf_bytes_append(&before, "{x\n", 3);
  }
  dbf_bytes_append_char(&after, '\0');
  expect(before.data, before.len, after.data, 5, 0,
         "2:9+2 bad_json\n4:700021+2 bad_json\n6:702033+2 bad_json\n8:1402045+2 bad_json\n10:1406057+2 "
         "bad_json\n");
  dbf_bytes_release(&before);
  dbf_bytes_release(&after);
}

/* ---- Nothing gets lost ------------------------------------------------------------------------------------- */

static const char *const pieces[] = {A,
                                     B,
                                     "\n",
                                     "\n",
                                     "\n",
                                     " ",
                                     "{\"session_id\":\"s1\"",
                                     "[]",
                                     "{\"skill\":2}",
                                     "}",
                                     "\"",
                                     "\\",
                                     "\0",
                                     "\r\n\n",
                                     "{x}",
                                     "7",
                                     "{}",
                                     "\xff",
                                     "{\"a\":\"\xff\"}",
                                     "{\"a\":[1]}"};

/* Append everything but white space to `out`. */
static void add_dark(dbf_bytes *out, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!strchr(" \t\r\n", text[i]) || !text[i]) dbf_bytes_append_char(out, text[i]);
}

/* The copy without what was left out must be the new session, except for white space. */
static void assert_conserved(const dbf_bytes *before) {
  dbf_bytes expected, got, after;
  uint64_t at = 0;
  dbf_bytes_init(&expected);
  dbf_bytes_init(&got);
  dbf_bytes_init(&after);
  for (size_t i = 0; i < repair.left_out_count; i++) {
    const debrief_left_out *o = &repair.left_out[i];
    assert_true(o->offset >= at && o->length > 0 && o->offset + o->length <= before->len);
    add_dark(&expected, before->data + at, (size_t)(o->offset - at));
    at = o->offset + o->length;
  }
  add_dark(&expected, before->data + at, (size_t)(before->len - at));
  assert_true(read_file(&after, folder, "s1.jsonl"));
  add_dark(&got, after.data, after.len);
  assert_int_equal(expected.len, got.len);
  if (got.len) assert_memory_equal(expected.data, got.data, got.len);
  dbf_bytes_release(&expected);
  dbf_bytes_release(&got);
  dbf_bytes_release(&after);
}

static void make_session(dbf_bytes *text, unsigned *seed) {
  dbf_bytes_clear(text);
  for (int n = rand_r(seed) % 30; n > 0; n--) {
    const char *piece = pieces[(unsigned)rand_r(seed) % (sizeof pieces / sizeof *pieces)];
    dbf_bytes_append(text, piece, *piece ? strlen(piece) : 1);
  }
  put_bytes(folder, "s1.jsonl", "w", text->len ? text->data : "", text->len);
}

static void accounts_for_every_byte(void **state) {
  (void)state;
  dbf_bytes text;
  unsigned seed = 3;
  dbf_bytes_init(&text);
  for (int i = 0; i < 500; i++) {
    debrief_check before = {.struct_size = sizeof before}, after = {.struct_size = sizeof after};
    make_session(&text, &seed);
    assert_true(debrief_log_check(log_, "s1", NULL, &before, &err));
    assert_true(debrief_log_repair(log_, "s1", &repair, &err));
    assert_int_equal(repair.repaired, before.damaged > 0);
    assert_int_equal(repair.entries, before.entries);
    if (repair.repaired) {
      assert_conserved(&text);
      assert_copy(text.data, text.len);
      assert_true(debrief_log_check(log_, "s1", NULL, &after, &err));
      assert_int_equal(after.damaged + after.blank, 0);
      assert_int_equal(after.entries, before.entries);
      assert_int_equal(after.lines, after.entries);
      unlink(repair.copy);
    }
    debrief_repair_release(&repair);
  }
  dbf_bytes_release(&text);
}

/* ---- Files ------------------------------------------------------------------------------------------------- */

static void numbers_copies_of_the_same_second(void **state) {
  (void)state;
  char *first = NULL, *last = NULL;
  while (!first || strncmp(first, last, strlen(first)) != 0) { /* a second may end in between */
    free(first);
    free(last);
    first = NULL;
    for (int i = 0; i < 3; i++) {
      put_file(folder, "s1.jsonl", A "\n{x");
      assert_true(debrief_log_repair(log_, "s1", &repair, &err));
      if (!first) first = strdup(repair.copy);
      last = i == 2 ? strdup(repair.copy) : NULL;
      assert_file(folder, repair.copy + strlen(folder) + 1, A "\n{x");
      debrief_repair_release(&repair);
    }
  }
  assert_string_equal(last + strlen(first), "-2");
  free(first);
  free(last);
}

static void keeps_the_mode_of_the_session(void **state) {
  (void)state;
  struct stat st;
  char *path = path_in(folder, "s1.jsonl");
  put_file(folder, "s1.jsonl", A "\n{x");
  chmod(path, 0660);
  mode_t mask = umask(077);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  umask(mask);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0660);
  assert_copy(A "\n{x", sizeof A "\n{x" - 1);
  free(path);
}

static void keeps_the_owner_of_the_session(void **state) {
  (void)state;
  struct stat st;
  if (geteuid() != 0) skip();
  char *path = path_in(folder, "s1.jsonl");
  put_file(folder, "s1.jsonl", A "\n{x");
  assert_int_equal(chown(path, 12345, 54321), 0);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_int_equal(stat(path, &st), 0);
  assert_true(st.st_uid == 12345 && st.st_gid == 54321);
  assert_int_equal(stat(repair.copy, &st), 0);
  assert_true(st.st_uid == 12345 && st.st_gid == 54321);
  free(path);
}

static bool add_id(void *user, const char *id) {
  dbf_bytes_append(user, id, strlen(id));
  return true;
}

static void leaves_nothing_that_is_taken_for_a_session(void **state) {
  (void)state;
  dbf_bytes ids;
  dbf_bytes_init(&ids);
  put_file(folder, "s1.jsonl", A "\n{x");
  put_file(folder, ".s1.jsonl.repair", "of a repair that was killed");
  assert_true(debrief_log_sessions(log_, add_id, &ids, &err));
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  assert_true(debrief_log_sessions(log_, add_id, &ids, &err));
  assert_bytes(&ids, "s1s1");
  assert_beside("s1.jsonl.broken");
  assert_file(folder, "s1.jsonl", A "\n");
  dbf_bytes_release(&ids);
}

static void is_noticed_by_an_open_log(void **state) {
  (void)state;
  assert_true(debrief_log_append_json(log_, "s1", A, sizeof A - 1, &err));
  put_bytes(folder, "s1.jsonl", "a", "{x", 2);
  assert_true(debrief_log_repair(log_, "s1", &repair, &err));
  static const char c[] = "{\"session_id\":\"s1\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"skill\":\"c\"}";
  assert_true(debrief_log_append_json(log_, "s1", c, sizeof c - 1, &err));
  char *text = get_file(folder, "s1.jsonl");
  assert_non_null(strstr(
      text, "\"a\"}\n{\"session_id\":\"s1\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"skill\":\"c\"}\n"));
  free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(leaves_a_session_without_damage_alone),
      TEST(keeps_every_entry_of_every_kind_of_damage),
      TEST(lists_each_piece_of_a_line_that_is_left_out),
      TEST(writes_entries_as_they_are_one_a_line),
      TEST(takes_entries_longer_than_what_is_written_at_once),
      TEST(accounts_for_every_byte),
      TEST(numbers_copies_of_the_same_second),
      TEST(keeps_the_mode_of_the_session),
      TEST(keeps_the_owner_of_the_session),
      TEST(leaves_nothing_that_is_taken_for_a_session),
      TEST(is_noticed_by_an_open_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
