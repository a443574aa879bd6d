/* What comes back from damaged files, as properties over every damage of a file whose entries hold copies of entries:
 * nothing salvaged that was not appended, and every record that stands whole between line ends or the beginnings of
 * others. TORTURE=1 tries every pair of places where the short form takes some, LESS=N one variant in N. */
#include "../torture/figure.h"
#include "unit.h"

#include "log/read.h"

#include <time.h>

/* ---- The files ------------------------------------------------------------------------------------------------- */

#define ID "{\"session_id\":\"s1\","

static const char *const nested[] = {
    ID "\"skill\":\"a\",\"input\":{\"session_id\":\"s1\",\"skill\":\"in a\"},\"attempts\":[{\"attempt\":1,"
       "\"verified\":true}],\"final_status\":\"ok\"}",
    ID "\"input\":{\"history\":[{\"session_id\":\"s1\",\"skill\":\"h1\"},{\"session_id\":\"s1\",\"x\":{"
       "\"session_id\":\"s1\"}}],\"n\":[1,-2.5e3,[null,{}]]}}",
    ID "\"attempts\":[{\"attempt\":1,\"runner_output\":\"say "
       "{\\\"session_id\\\":\\\"s1\\\",\\\"a\\\":[]}]}{\\n\","
       "\"verified\":false}],\"file_path\":\"\\\"}\"}",
    "{\"skill\":\"late\",\"session_id\":\"s1\",\"input\":{\"task\":{\"id\":4,\"session_id\":\"s1\"}}}",
    ID "\"skill\":\"b\"}",
    ID "\"skill\":\"x\\\"}]}{\",\"phase\":\"\\\\\",\"model_used\":\"\\u00e9\xc3\xa9,[:\",\"duration_ms\":12}",
    "{\"skill\":\"later\",\"input\":[{\"skill\":\"in\",\"session_id\":\"s1\"}],\"session_id\":\"s1\"}",
    ID "\"input\":{\"session_id\":\"s1\",\"skill\":\"end\"}}",
};

static const char *const foreign[] = {
    "{\"type\":\"user\",\"message\":{\"type\":\"text\",\"text\":\"{\\\"type\\\":1}\"}}",
    "{\"type\":\"tool\",\"content\":[{\"type\":\"text\"},{\"type\":\"image\",\"of\":{\"type\":\"png\"}}]}",
    "{\"type\":\"end\",\"last\":{\"type\":\"text\"}}",
};

static const char after[] = ID "\"skill\":\"after\"}";

enum { COUNT = sizeof nested / sizeof *nested };

/* What was appended, and the file it makes. */
typedef struct scene {
  const char *const *records;
  size_t count;
  bool foreign;
  char file[4096];
  size_t len;
} scene;

static scene make_scene(const char *const *records, size_t count, bool is_foreign) {
  scene s = {.records = records, .count = count, .foreign = is_foreign};
  for (size_t i = 0; i < count; i++)
    s.len += (size_t)snprintf(s.file + s.len, sizeof s.file - s.len, "%s\n", records[i]);
  return s;
}

static scene ours(void) {
  return make_scene(nested, COUNT, false);
}

static bool is_long(void) {
  return getenv("TORTURE") != NULL;
}

/* How many places to pass over in the short form; different ones every time they are not many. */
static size_t stride(size_t wanted) {
  return is_long() ? 1 : wanted;
}

/* ---- Another opinion on JSON ----------------------------------------------------------------------------------- */

/* Can the text be the beginning of a record, and may a value follow it? */
typedef enum standing { NOT_JSON, A_VALUE_MAY_FOLLOW, NO_VALUE_MAY_FOLLOW, IN_A_STRING } standing;

/* `expect`: v a value, V a value or ']', k a name, K a name or '}', : or , (or an end) */
static standing standing_behind(const char *text, size_t len) {
  char stack[256], expect = 'v';
  size_t level = 0, i = 0;
  while (i < len) {
    char c = text[i];
    bool value = expect == 'v' || expect == 'V';
    if (c == '"' && expect != ':' && expect != ',') {
      for (i++; i < len && text[i] != '"'; i++)
        if ((unsigned char)text[i] < ' ' || (text[i] == '\\' && ++i < len && !strchr("\"\\/bfnrtu", text[i])))
          return NOT_JSON;
      if (i >= len) return IN_A_STRING;
      i++;
      expect = value ? ',' : ':';
    } else if ((c == '{' || c == '[') && value) {
      stack[level++] = c;
      expect = c == '{' ? 'K' : 'V';
      i++;
    } else if ((c == '}' || c == ']') && level > 0 && stack[level - 1] == (c == '}' ? '{' : '[') &&
               (expect == ',' || expect == (c == '}' ? 'K' : 'V'))) {
      expect = ',';
      i++;
      if (--level == 0) return i == len ? NO_VALUE_MAY_FOLLOW : NOT_JSON;
    } else if (c == ':' && expect == ':') {
      expect = 'v';
      i++;
    } else if (c == ',' && expect == ',') {
      expect = stack[level - 1] == '{' ? 'k' : 'v';
      i++;
    } else if (value && strchr("-0123456789tfn", c)) {
      size_t n = strspn(text + i, "-+.0123456789eEtrufalsn");
      i += n;
      if (i >= len) return NO_VALUE_MAY_FOLLOW;
      expect = ',';
    } else {
      return NOT_JSON;
    }
  }
  return expect == 'v' || expect == 'V' ? A_VALUE_MAY_FOLLOW : NO_VALUE_MAY_FOLLOW;
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static debrief_reader *reader;
static dbf_bytes bytes;
static uint64_t variants, salvaged; /* of one test */
static uint64_t variants_in_all, salvaged_in_all;

typedef struct found {
  size_t at[64], len[64];
  bool salvaged[64];
  size_t count;
} found;

static void open_reader(bool is_foreign) {
  dbf_read_options options = {.session = is_foreign ? NULL : "s1", .foreign = is_foreign};
  debrief_reader_close(reader);
  reader = dbf_reader_open(-1, "s1.jsonl", &options, NULL);
  assert_non_null(reader);
}

static found read_all(const char *text, size_t len) {
  found f = {.count = 0};
  dbf_record record;
  debrief_next next;
  dbf_bytes_clear(&bytes);
  dbf_bytes_append(&bytes, text, len);
  dbf_bytes_terminate(&bytes);
  dbf_reader_feed(reader, &bytes, 1, 1);
  while ((next = dbf_reader_next(reader, &record, NULL)) == DEBRIEF_NEXT_ENTRY) {
    assert_true(f.count < 64);
    f.at[f.count] = (size_t)record.at - 1;
    f.len[f.count] = record.entry->len;
    f.salvaged[f.count++] = record.salvaged;
  }
  assert_int_equal(next, DEBRIEF_NEXT_END);
  return f;
}

static bool was_appended(const scene *s, const char *text, size_t len) {
  for (size_t i = 0; i < s->count; i++)
    if (strlen(s->records[i]) == len && memcmp(s->records[i], text, len) == 0) return true;
  return len == strlen(after) && memcmp(text, after, len) == 0;
}

static void show(const char *what, const char *text, size_t len, size_t at) {
  print_error("%s at byte %zu of:\n", what, at);
  for (size_t i = 0; i < len; i++)
    print_error((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n' ? "%c" : "\\x%02x",
                (unsigned char)text[i]);
  print_error("\n");
  fail();
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static bool begins_here(const char *text, size_t len, size_t at) {
  size_t n = sizeof ID - 2;
  return len - at >= n && memcmp(text + at, ID, n) == 0;
}

/* A record that was cut after a '{' in a string, and another from its "session_id" to its end: the bytes are those of a
 * cut record and a whole one. */
static bool looks_appended(const scene *s, const char *text, size_t at, size_t len) {
  size_t line = at;
  while (line > 0 && text[line - 1] != '\n') line--;
  if (line == at || standing_behind(text + line, at + 1 - line) != IN_A_STRING) return false;
  if (!begins_here(text, at + len, at)) return false;
  for (size_t i = 0; i < s->count; i++) {
    size_t n = strlen(s->records[i]);
    if (n >= len && memcmp(s->records[i] + n - (len - 1), text + at + 1, len - 1) == 0) return true;
  }
  return false;
}

/* A line that is one whole value was changed in a way nobody can see; whatever comes from a damaged one was appended. */
static void assert_nothing_invented(const scene *s, const char *text, size_t len, const found *f,
                                    bool only_cut) {
  for (size_t i = 0; i < f->count; i++) {
    const char *record = text + f->at[i];
    if (i > 0 && f->at[i] < f->at[i - 1] + f->len[i - 1]) show("overlapping", text, len, f->at[i]);
    salvaged += f->salvaged[i];
    salvaged_in_all += f->salvaged[i];
    if ((f->salvaged[i] || only_cut) && !was_appended(s, record, f->len[i]) &&
        !looks_appended(s, text, f->at[i], f->len[i]))
      show("invented", text, len, f->at[i]);
    size_t begin = f->at[i], end = begin + f->len[i];
    while (begin > 0 && is_blank(text[begin - 1])) begin--;
    while (end < len && is_blank(text[end])) end++;
    bool alone = (begin == 0 || text[begin - 1] == '\n') && (end == len || text[end] == '\n');
    if (!f->salvaged[i] && !alone) show("not alone on its line", text, len, begin);
  }
}

static bool is_stray(char c) {
  return !strchr(" \t\r\n{}[]:,\"\\", c);
}

static bool ends_here(const char *text, size_t len, size_t at) {
  return at == len || text[at] == '\n' || text[at] == '\0';
}

/* Is the record to be believed, by what follows it? */
static bool ends_well(const char *text, size_t len, size_t at) {
  if (ends_here(text, len, at) || begins_here(text, len, at)) return true;
  if (!is_stray(text[at])) return false;
  return ends_here(text, len, at + 1) || begins_here(text, len, at + 1);
}

/* And by what precedes it? `last_end`: where the last whole record ended. */
static bool begins_well(const char *text, size_t len, size_t at, size_t last_end) {
  if (at == last_end || at == 0 || text[at - 1] == '\n' || text[at - 1] == '\0') return true;
  size_t line = at;
  while (line > 0 && text[line - 1] != '\n') line--;
  if (is_stray(text[at - 1]) && (at - 1 == last_end || at - 1 == line)) return true;
  if (last_end != SIZE_MAX && last_end > line) line = last_end; /* SIZE_MAX: there was none */
  standing before = standing_behind(text + line, at - line);
  if (before == IN_A_STRING) return begins_here(text, len, at);
  return before == NO_VALUE_MAY_FOLLOW && text[line] == '{';
}

static bool is_found(const found *f, size_t at, size_t len) {
  for (size_t i = 0; i < f->count; i++)
    if (f->at[i] == at) return f->len[i] == len;
  return false;
}

static void assert_nothing_lost(const scene *s, const char *text, size_t len, const found *f) {
  size_t last_end = SIZE_MAX;
  for (size_t at = 0; at < len; at++)
    for (size_t i = 0; i < s->count; i++) {
      size_t n = strlen(s->records[i]);
      if (n > len - at || memcmp(text + at, s->records[i], n) != 0) continue;
      if (!begins_well(text, len, at, last_end) || !ends_well(text, len, at + n)) continue;
      if (!is_found(f, at, n)) show("lost", text, len, at);
      last_end = at + n;
      at += n - 1;
      break;
    }
}

/* One of less() variants, by chance: every 13th of those in rows of a fixed length is always at the same places. */
static bool is_wanted(void) {
  static uint64_t chance = 1;
  chance = chance * 6364136223846793005u + 1442695040888963407u;
  return (chance >> 33) % less() == 0;
}

static void check_variant(const scene *s, const char *text, size_t len, bool only_cut) {
  if (!is_wanted()) return;
  found f = read_all(text, len);
  variants++;
  variants_in_all++;
  assert_nothing_invented(s, text, len, &f, only_cut);
  if (!s->foreign) assert_nothing_lost(s, text, len, &f);
}

/* ---- Damage ---------------------------------------------------------------------------------------------------- */

static int set_up(void **state) {
  (void)state;
  dbf_bytes_init(&bytes);
  variants = salvaged = 0;
  open_reader(false);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  debrief_reader_close(reader);
  reader = NULL;
  dbf_bytes_release(&bytes);
  return 0;
}

static void each_cut(const scene *s) {
  for (size_t len = 0; len <= s->len; len++) check_variant(s, s->file, len, true);
}

static void every_cut(void **state) {
  (void)state;
  scene s = ours();
  each_cut(&s);
}

/* A torn tail and what a writer that does not heal appends to it. */
static void every_cut_with_each_record_after_it(void **state) {
  (void)state;
  scene s = ours();
  char text[8192];
  for (size_t cut = 0; cut <= s.len; cut++)
    for (size_t i = 0; i < s.count; i++) {
      const char *next = s.records[(i + 1) % s.count];
      int len = snprintf(text, sizeof text, "%.*s%s\n%s\n", (int)cut, s.file, s.records[i], next);
      check_variant(&s, text, (size_t)len, false);
      len = snprintf(text, sizeof text, "%.*s%s%s\n", (int)cut, s.file, s.records[i], next);
      check_variant(&s, text, (size_t)len, false);
      len = snprintf(text, sizeof text, "%.*s%s%.15s", (int)cut, s.file, s.records[i], next);
      check_variant(&s, text, (size_t)len, false);
    }
  assert_true(salvaged > 1000 / less());
}

static void each_flip(const scene *s) {
  char text[4096];
  memcpy(text, s->file, s->len);
  for (size_t at = 0; at < s->len; at++)
    for (int bit = 0; bit < 8; bit++) {
      text[at] = (char)(text[at] ^ 1 << bit);
      check_variant(s, text, s->len, false);
      text[at] = s->file[at];
    }
}

static void every_bit_flip(void **state) {
  (void)state;
  scene s = ours();
  each_flip(&s);
  assert_true(salvaged > 0);
}

/* Where the newlines are. */
static size_t line_ends(const scene *s, size_t *ends) {
  size_t n = 0;
  for (size_t i = 0; i < s->len; i++)
    if (s->file[i] == '\n') ends[n++] = i;
  return n;
}

/* One byte is changed, and any two newlines. */
static void every_byte_for_two_newlines(void **state) {
  (void)state;
  scene s = ours();
  char text[4096];
  size_t ends[COUNT], n = line_ends(&s, ends);
  memcpy(text, s.file, s.len);
  for (size_t i = 0; i < n; i++)
    for (size_t j = i; j < n; j++)
      for (int byte = 0; byte < 256; byte++) {
        text[ends[i]] = text[ends[j]] = (char)byte;
        check_variant(&s, text, s.len, false);
        text[ends[i]] = text[ends[j]] = '\n';
      }
}

static void every_byte_beside_a_newline(void **state) {
  (void)state;
  scene s = ours();
  char text[4096];
  for (size_t at = 0; at < s.len; at++) {
    if (at > 0 && s.file[at] != '\n' && s.file[at - 1] != '\n') continue;
    for (int byte = 0; byte < 256; byte++) {
      memcpy(text, s.file, at);
      text[at] = (char)byte;
      memcpy(text + at + 1, s.file + at, s.len - at);
      check_variant(&s, text, s.len + 1, false);
    }
  }
}

static void each_deletion(const scene *s, size_t step) {
  char text[4096];
  size_t phase = step > 1 ? (size_t)time(NULL) % step : 0;
  for (size_t from = 0; from < s->len; from++)
    for (size_t to = from + 1 + (from + phase) % step; to <= s->len; to += step) {
      memcpy(text, s->file, from);
      memcpy(text + from, s->file + to, s->len - to);
      check_variant(s, text, from + s->len - to, false);
    }
}

static void every_range_deleted(void **state) {
  (void)state;
  scene s = ours();
  each_deletion(&s, stride(7));
  assert_true(salvaged > 100 / less());
}

/* As a power cut leaves a block that was not written. */
static void every_range_of_nul_bytes(void **state) {
  (void)state;
  scene s = ours();
  char text[4096];
  size_t step = stride(11);
  for (size_t from = 0; from < s.len; from++)
    for (size_t to = from + 1 + from % step; to <= s.len; to += step) {
      memcpy(text, s.file, s.len);
      memset(text + from, 0, to - from);
      check_variant(&s, text, s.len, false);
    }
  assert_true(salvaged > 100 / less());
}

/* The beginning of one record and the end of another on one line, between two whole ones. */
static void each_splice(const scene *s, size_t step) {
  char text[4096];
  for (size_t a = 0; a < s->count; a++)
    for (size_t b = 0; b < s->count; b++)
      for (size_t i = 0; i <= strlen(s->records[a]); i++)
        for (size_t j = (a + b + i) % step; j < strlen(s->records[b]); j += step) {
          int len = snprintf(text, sizeof text, "%s\n%.*s%s\n%s\n", s->records[0], (int)i, s->records[a],
                             s->records[b] + j, after);
          check_variant(s, text, (size_t)len, false);
        }
}

static void every_splice(void **state) {
  (void)state;
  scene s = ours();
  each_splice(&s, stride(13));
}

static void every_damage_of_a_foreign_log(void **state) {
  (void)state;
  scene s = make_scene(foreign, sizeof foreign / sizeof *foreign, true);
  open_reader(true);
  each_cut(&s);
  each_flip(&s);
  each_deletion(&s, stride(3));
  each_splice(&s, stride(3));
  assert_true(salvaged > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_cut),
      TEST(every_cut_with_each_record_after_it),
      TEST(every_bit_flip),
      TEST(every_byte_for_two_newlines),
      TEST(every_byte_beside_a_newline),
      TEST(every_range_deleted),
      TEST(every_range_of_nul_bytes),
      TEST(every_splice),
      TEST(every_damage_of_a_foreign_log),
  };
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  figure("damage", "cuts, flips, splices, deletions of nested files", "nothing invented, nothing whole lost",
         failures == 0, "%zu variants, %zu entries salvaged, %d tests failed", (size_t)variants_in_all,
         (size_t)salvaged_in_all, failures);
  return failures;
}
