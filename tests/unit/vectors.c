/* vectors: entries as the Go original wrote them, through the C struct. */
#include "unit.h"

#include "log/entry.h"
#include "log/timestamp.h"

enum { MAX_ATTEMPTS = 16, MAX_TEXTS = 128 };

/* An entry whose texts were decoded from JSON. */
typedef struct decoded {
  debrief_entry entry;
  debrief_attempt attempts[MAX_ATTEMPTS];
  dbf_bytes texts[MAX_TEXTS];
  int count;
} decoded;

/* An absent or null member leaves the field as it is, as Go's Unmarshal does. */
static bool member(const dbf_json_value *object, const char *name, dbf_json_value *value) {
  return dbf_json_find(object, name, strlen(name), value) && value->type != DBF_JSON_NULL;
}

static void decode_text(decoded *d, const dbf_json_value *object, const char *name, debrief_text *text) {
  dbf_json_value value;
  if (!member(object, name, &value)) return;
  assert_in_range(d->count, 0, MAX_TEXTS - 1);
  dbf_bytes *bytes = &d->texts[d->count++];
  dbf_json_decode_string(&value, bytes);
  dbf_bytes_terminate(bytes);
  *text = (debrief_text){bytes->data, bytes->len};
}

static void decode_integer(const dbf_json_value *object, const char *name, int64_t *number) {
  dbf_json_value value;
  if (member(object, name, &value)) assert_true(dbf_json_decode_integer(&value, number));
}

static void decode_attempts(decoded *d, const dbf_json_value *object) {
  dbf_json_value list, attempt, verified;
  const char *p = member(object, "attempts", &list) ? dbf_json_enter(list.start, list.end) : NULL;
  d->entry.attempts = d->attempts;
  while (p) {
    assert_in_range(d->entry.attempt_count, 0, MAX_ATTEMPTS - 1);
    debrief_attempt *a = &d->attempts[d->entry.attempt_count++];
    p = dbf_json_element(p, list.end, &attempt);
    decode_integer(&attempt, "attempt", &a->attempt);
    decode_text(d, &attempt, "model", &a->model);
    decode_text(d, &attempt, "output_summary", &a->output_summary);
    decode_text(d, &attempt, "runner_output", &a->runner_output);
    a->verified = member(&attempt, "verified", &verified) && verified.type == DBF_JSON_TRUE;
  }
}

static void decode_entry(decoded *d, const dbf_json_value *object) {
  debrief_text when = {0};
  dbf_json_value input;
  memset(d, 0, sizeof *d);
  d->entry.struct_size = sizeof d->entry;
  decode_text(d, object, "session_id", &d->entry.session_id);
  decode_text(d, object, "timestamp", &when);
  assert_true(dbf_timestamp_parse(when.data, when.len, &d->entry.timestamp));
  decode_text(d, object, "skill", &d->entry.skill);
  decode_text(d, object, "phase", &d->entry.phase);
  decode_text(d, object, "project_root", &d->entry.project_root);
  if (dbf_json_find(object, "input", 5, &input))
    d->entry.input = (debrief_text){input.start, (size_t)(input.end - input.start)};
  decode_attempts(d, object);
  decode_text(d, object, "final_status", &d->entry.final_status);
  decode_text(d, object, "file_path", &d->entry.file_path);
  decode_text(d, object, "model_used", &d->entry.model_used);
  decode_integer(object, "duration_ms", &d->entry.duration_ms);
}

static void assert_vector(dbf_bytes *out, char *line, const char *expected) {
  static decoded d;
  char id[129];
  debrief_error err;
  dbf_json_value object = {line, line + strlen(line), DBF_JSON_OBJECT, false};
  decode_entry(&d, &object);
  snprintf(id, sizeof id, "%s", d.entry.session_id.data);
  dbf_bytes_clear(out);
  if (!dbf_entry_write(out, id, &d.entry, &err)) fail_msg("%s: %s", err.message, line);
  assert_bytes(out, expected);
  while (d.count > 0) dbf_bytes_release(&d.texts[--d.count]);
}

/* Cuts the next line off. */
static char *next_line(char **rest) {
  char *line = *rest, *newline = strchr(line, '\n');
  if (!newline) return NULL;
  *newline = '\0';
  *rest = newline + 1;
  return line;
}

static void writes_the_240_entries_of_the_original_byte_for_byte(void **state) {
  (void)state;
  const char *folder = "tests/data/vectors";
  dbf_bytes in = {0}, expected = {0}, out = {0};
  int count = 0;
  assert_true(read_file(&in, folder, "append-in.jsonl"));
  assert_true(read_file(&expected, folder, "append-out.jsonl"));
  dbf_bytes_terminate(&in);
  dbf_bytes_terminate(&expected);
  char *from = in.data, *to = expected.data, *line;
  for (; (line = next_line(&from)); count++) assert_vector(&out, line, next_line(&to));
  assert_int_equal(count, 240);
  dbf_bytes_release(&in);
  dbf_bytes_release(&expected);
  dbf_bytes_release(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_the_240_entries_of_the_original_byte_for_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
