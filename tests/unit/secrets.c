/* The matcher: how a text is seen, what is found in it, and what no text may do. Which kinds are found where is measured
 * by redact_spec. Secrets are put together here from parts, so that no scanner takes this file for a leak. */
#include "unit.h"

#include "log/json_scan.h"
#include "secrets/secrets.h"
#include "secrets/view.h"

#include <time.h>

#define BODY "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
#define TOKEN \
  "gh"        \
  "p_" BODY
#define MARK "[REDACTED:github]"

static dbf_secrets *secrets;
static dbf_bytes out;

static int set_up(void **state) {
  (void)state;
  dbf_bytes_init(&out);
  secrets = dbf_secrets_new();
  return secrets == NULL;
}

static int tear_down(void **state) {
  (void)state;
  dbf_secrets_free(secrets);
  dbf_bytes_release(&out);
  return 0;
}

static dbf_secrets_result redact(const char *text, size_t len, dbf_secrets_form form) {
  return dbf_secrets_redact(secrets, text, len, form, &out, NULL);
}

static void assert_redacted(const char *text, const char *expected, dbf_secrets_form form) {
  dbf_secrets_result result = redact(text, strlen(text), form);
  bool same = strcmp(text, expected) == 0;
  if (result != (same ? DBF_SECRETS_CLEAN : DBF_SECRETS_REDACTED)) print_error("%s\n", text);
  assert_int_equal(result, same ? DBF_SECRETS_CLEAN : DBF_SECRETS_REDACTED);
  if (!same) assert_bytes(&out, expected);
}

/* ---- The view ---------------------------------------------------------------------------------------------------- */

/* Escapes of a text, and what they are seen as: codes below ' ' as '~' and the letter that they are with 0x40. */
static void a_text_is_seen_as_its_reader_means_it(void **state) {
  (void)state;
  static const struct {
    const char *raw, *seen;
  } cases[] = {{"plain", "plain"},
               {"a\\u003db\\\\u003dc", "a=b=c"},
               {"\\\"k\\\\\\\"", "\"k\""},
               {"a%3Ab%253Dc%20d", "a~Zb~]c~Qd"},
               {"100% of %zz", "100% of %zz"},
               {"\033[1;31mred\033[0m \033]0;title\a", "red  0;title "},
               {"\\u001b[31mx\\x1b[0my\\033[mz\\e[1m^[[0m.", "xyz."},
               {"&quot;a&#61;b&#x3d;&amp;&unknown;", "\"a=b=&&unknown;"},
               {"one\n   two\r\n\tthree\\n  four\\\n  five", "one~Jtwo~Jthree~Jfour~Jfive"},
               {"z\xe2\x80\x8bw\xc2\xad.\xc2\xa0\xe2\x80\x9cq\xe2\x80\x9d", "zw. \"q\""},
               {"\xe4\xb8\xad\xc3\xa9", "\xe4\xb8\xad\xc3\xa9"},
               {"[REDACTED:x] [REDACTED:X] [REDACTED", "~A [REDACTED:X] [REDACTED"},
               {"a\\", "a\\"},
               {"\\u00", "\\u00"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char seen[128], *p = seen;
    dbf_view view;
    dbf_view_init(&view);
    assert_true(dbf_view_set(&view, cases[i].raw, strlen(cases[i].raw), false));
    for (size_t k = 0; k < view.len; k++) {
      if (view.text[k] < ' ') *p++ = '~';
      *p++ = (char)(view.text[k] < ' ' ? view.text[k] | 0x40 : view.text[k]);
    }
    *p = '\0';
    assert_string_equal(seen, cases[i].seen);
    dbf_view_release(&view);
  }
}

static void quotes_of_the_json_text_itself_are_fences(void **state) {
  (void)state;
  static const char raw[] = "{\"a\\\"b\":\"c\\\\\"}";
  dbf_view view;
  dbf_view_init(&view);
  assert_true(dbf_view_set(&view, raw, sizeof raw - 1, true));
  assert_int_equal(view.len, 12);
  assert_memory_equal(view.text, "{\2a\"b\2:\2c\\\2}", 12);
  dbf_view_release(&view);
}

/* Units are in order, do not overlap, and are found wherever the search begins. */
static void every_byte_is_located(void **state) {
  (void)state;
  dbf_bytes raw;
  dbf_view view;
  dbf_bytes_init(&raw);
  dbf_view_init(&view);
  for (int i = 0; i < 300; i++) {
    static const char *const parts[] = {"ab",      "\\\"", "%3D",          "\033[31m",    "\n    ",
                                        "\\u0041", "\0",   "\xe2\x80\x8b", "[REDACTED:x]"};
    size_t part = (size_t)(i * 7 + i / 5) % (sizeof parts / sizeof *parts);
    dbf_bytes_append(&raw, parts[part], part == 6 ? 1 : strlen(parts[part]));
  }
  assert_true(dbf_view_set(&view, raw.data, raw.len, false));
  size_t last = 0, begin, end;
  for (size_t i = 0; i < view.len; i++) {
    dbf_view_locate(&view, i, &begin, &end);
    assert_true(begin >= last && end > begin && end <= raw.len);
    last = end;
    assert_true(dbf_view_unit_before(&view, begin) <= begin);
  }
  dbf_view_release(&view);
  dbf_bytes_release(&raw);
}

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

static void secrets_go_and_what_is_around_them_stays(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""},
      {TOKEN, MARK},
      {"a " TOKEN " b " TOKEN ".", "a " MARK " b " MARK "."},
      {"x" TOKEN, "x" MARK},
      {"\033[31m" TOKEN "\033[0m", "\033[31m" MARK "\033[0m"},
      {"token\\u003d" TOKEN "\\u0026", "token\\u003d" MARK "\\u0026"},
      {"gh"
       "p_a1B2c3D4e5F6g7H8\n      i9J0k1L2m3N4o5P6q7R8 on",
       MARK " on"},
      {"gh\n  p_" BODY, MARK},
      {"password=hunter2&x=1", "password=[REDACTED:password]&x=1"},
      {"Password: string", "Password: string"},
      {"{\\\"password\\\":\\\"pa\\\\\\\"ss9\\\"}", "{\\\"password\\\":\\\"[REDACTED:password]\\\"}"},
      {"Cookie: sid=a1b2c3d4e5f6; x=1\nnext", "Cookie: [REDACTED:cookie]\nnext"},
      {"pg://u:p@h/db?a=b:c@d", "pg://u:[REDACTED:password]@h/db?a=b:c@d"},
      {"pg://u:p#q/r?s@t@host.example/db", "pg://u:[REDACTED:password]@host.example/db"},
      {"http://host:8080/a@b", "http://host:8080/a@b"},
      {"-----BEGIN RSA "
       "PRIVATE KEY-----\nMIIEowIBAAKCAQEA1\nMIIE\nand so on",
       "[REDACTED:private_key]\nand so on"},
      {"MIIEowIBAAKCAQEAx1MIIEowIBAAKCAQEAx1\n-----END RSA "
       "PRIVATE KEY-----\nb",
       "[REDACTED:private_key]\nb"},
      {"grep -- '-----BEGIN RSA "
       "PRIVATE KEY-----' *",
       "grep -- '-----BEGIN RSA "
       "PRIVATE KEY-----' *"},
      {"gh"
       "p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
       "gh"
       "p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_redacted(cases[i][0], cases[i][1], DBF_SECRETS_TEXT);
}

static void a_marker_is_never_touched(void **state) {
  (void)state;
  static const char *const cases[] = {MARK,
                                      "password=" MARK,
                                      "\"token\": \"" MARK "\"",
                                      "Authorization: Bearer " MARK,
                                      "Cookie: " MARK,
                                      "https://ada:" MARK "@host/x",
                                      "://:github]@[REDACTED:github]@",
                                      "curl -u ada:" MARK " https://h",
                                      "curl -u \"a%" MARK "\"",
                                      "-----BEGIN RSA "
                                      "PRIVATE KEY-----\n" MARK,
                                      "secret=" MARK MARK};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_redacted(cases[i], cases[i], DBF_SECRETS_TEXT);
}

static void kinds_are_counted(void **state) {
  (void)state;
  static const char text[] = TOKEN " password=hunter2 " TOKEN;
  size_t count;
  assert_int_equal(redact(text, sizeof text - 1, DBF_SECRETS_TEXT), DBF_SECRETS_REDACTED);
  assert_string_equal(dbf_secrets_count(secrets, 0, &count), "github");
  assert_int_equal(count, 2);
  assert_string_equal(dbf_secrets_count(secrets, 1, &count), "password");
  assert_int_equal(count, 1);
  assert_null(dbf_secrets_count(secrets, 2, &count));
}

static void patterns_of_the_users_stay_within_a_string(void **state) {
  (void)state;
  dbf_pattern_error error;
  dbf_secrets *own = dbf_secrets_new();
  assert_true(dbf_secrets_add(own, "ticket", "T-\\d+|a[^z]*z", &error));
  assert_false(dbf_secrets_add(own, "bad", "(", &error));
  assert_int_equal(dbf_secrets_redact(own, "[\"T-12\",\"ab\",\"z\"]", 17, DBF_SECRETS_JSON, &out, NULL),
                   DBF_SECRETS_REDACTED);
  assert_bytes(&out, "[\"[REDACTED:ticket]\",\"ab\",\"z\"]");
  assert_int_equal(dbf_secrets_redact(own, "caf\xc3\xa9 T-1\xc3", 10, DBF_SECRETS_TEXT, &out, NULL),
                   DBF_SECRETS_REDACTED);
  dbf_secrets_free(own);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_stays_json(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"{\"" TOKEN "\":1}", "{\"" MARK "\":1}"},
      {"{\"password\":\"hunter2\",\"n\":1}", "{\"password\":\"[REDACTED:password]\",\"n\":1}"},
      {"{\"x-password\":123456,\"y\":\"11111\"}", "{\"x-password\":123456,\"y\":\"11111\"}"},
      {"{\"password\":null,\"token\":12345678}", "{\"password\":null,\"token\":12345678}"},
      {"[\"--password\",\"hunter2\"]", "[\"--password\",\"[REDACTED:password]\"]"},
      {"{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}",
       "{\"name\":\"DB_PASSWORD\",\"value\":\"[REDACTED:password]\"}"},
      {"[\"C:\\\\\",\"" TOKEN "\"]", "[\"C:\\\\\",\"" MARK "\"]"},
      {"[\"-----BEGIN "
       "PRIVATE KEY-----\\nMIIEowIBAAKCAQEA\",\"kept\"]",
       "[\"[REDACTED:private_key]\",\"kept\"]"},
      {"[\"a\\u001b[\",\"b\"]", "[\"a\\u001b[\",\"b\"]"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_redacted(cases[i][0], cases[i][1], DBF_SECRETS_JSON);
}

static void a_secret_in_two_outputs_is_found(void **state) {
  (void)state;
  assert_redacted("{\"attempts\":[{\"runner_output\":\"one gh"
                  "p_a1B2c3D4e5F6g7\"},{\"runner_output\":\"H8i9J0k1L2m3N4o5P6q7R8 two\"}]}",
                  "{\"attempts\":[{\"runner_output\":\"one " MARK "\"},{\"runner_output\":\"" MARK
                  " two\"}]}",
                  DBF_SECRETS_JSON);
  assert_redacted("{\"attempts\":[{\"runner_output\":\"gh"
                  "p_a1B2c3D4e5F6g7\"},{},{\"runner_output\":\"H8i9J0k1L2m3N4o5P6q7R8\"}]}",
                  "{\"attempts\":[{\"runner_output\":\"gh"
                  "p_a1B2c3D4e5F6g7\"},{},{\"runner_output\":\"H8i9J0k1L2m3N4o5P6q7R8\"}]}",
                  DBF_SECRETS_JSON);
}

/* ---- Any text ---------------------------------------------------------------------------------------------------- */

static uint32_t state_of_random = 1;

static uint32_t random_below(uint32_t n) {
  state_of_random = state_of_random * 1664525 + 1013904223;
  return (state_of_random >> 8) % n;
}

static void add_random_part(dbf_bytes *text) {
  static const char *const parts[] = {"password",
                                      "=",
                                      ":",
                                      "\"",
                                      "\\\"",
                                      "'",
                                      "token ",
                                      "Cookie: a=",
                                      "://u:",
                                      "@h.io/",
                                      "\n",
                                      "\n  ",
                                      TOKEN,
                                      "eyJ",
                                      ".",
                                      "%3A",
                                      "\\u003d",
                                      "\033[1m",
                                      "[REDACTED:x]",
                                      "a9Zk3Qx7",
                                      "-----BEGIN ",
                                      "PRIVATE KEY-----",
                                      "-----END ",
                                      "MIIEowIBAAKCAQEA",
                                      "curl -u ",
                                      "Authorization: Basic ",
                                      "secret",
                                      ",",
                                      "\xff",
                                      "\xe2\x80\x8b",
                                      "{",
                                      "&amp;",
                                      "\\",
                                      "=="};
  const char *part = parts[random_below(sizeof parts / sizeof *parts)];
  dbf_bytes_append(text, part, strlen(part));
}

static void what_was_redacted_has_nothing_left_to_redact(void **state) {
  (void)state;
  dbf_bytes text, again;
  dbf_bytes_init(&text);
  dbf_bytes_init(&again);
  for (size_t i = 0; i < 3000 / less(); i++) {
    dbf_bytes_clear(&text);
    for (uint32_t parts = random_below(40) + 1; parts > 0; parts--) add_random_part(&text);
    if (redact(text.data, text.len, DBF_SECRETS_TEXT) == DBF_SECRETS_CLEAN) continue;
    dbf_secrets_result result =
        dbf_secrets_redact(secrets, out.data, out.len, DBF_SECRETS_TEXT, &again, NULL);
    if (result != DBF_SECRETS_CLEAN) print_error("%.*s\n", (int)text.len, text.data);
    assert_int_equal(result, DBF_SECRETS_CLEAN);
  }
  dbf_bytes_release(&text);
  dbf_bytes_release(&again);
}

/* Parts of a long text tell the same as all of it, wherever they are cut. */
static void a_long_text_is_looked_at_in_parts(void **state) {
  (void)state;
  dbf_bytes text, whole;
  dbf_bytes_init(&text);
  dbf_bytes_init(&whole);
  for (int i = 0; i < 400; i++) {
    static const char *const between[] = {" some words\n", " \\u001b[31m ", " caf\xc3\xa9 ",
                                          " 100%25 \\\"x\\\" "};
    for (uint32_t k = random_below(60); k > 0; k--)
      dbf_bytes_append(&text, between[k % 4], strlen(between[k % 4]));
    dbf_bytes_append(&text, "key " TOKEN, 44);
  }
  assert_int_equal(redact(text.data, text.len, DBF_SECRETS_TEXT), DBF_SECRETS_REDACTED);
  dbf_bytes_append(&whole, out.data, out.len);
  for (size_t reach = 200; reach < 4000; reach += 333) {
    dbf_secrets_set_reach(secrets, reach);
    assert_int_equal(redact(text.data, text.len, DBF_SECRETS_TEXT), DBF_SECRETS_REDACTED);
    assert_true(out.len == whole.len && memcmp(out.data, whole.data, out.len) == 0);
  }
  dbf_bytes_release(&text);
  dbf_bytes_release(&whole);
}

static void ten_thousand_secrets_and_eight_megabytes(void **state) {
  (void)state;
  dbf_bytes text;
  size_t all = 10000 / less(), count, padding = (8 << 20) / 10000 - 41;
  dbf_bytes_init(&text);
  for (size_t i = 0; i < all; i++) {
    dbf_bytes_append(&text, TOKEN " ", 41);
    for (size_t k = 0; k < padding; k++)
      dbf_bytes_append_char(&text, (char)(random_below(4) ? random_below(256) : ' '));
    dbf_bytes_append_char(&text, '\n');
  }
  assert_int_equal(redact(text.data, text.len, DBF_SECRETS_TEXT), DBF_SECRETS_REDACTED);
  assert_string_equal(dbf_secrets_count(secrets, 0, &count), "github");
  assert_int_equal(count, all);
  dbf_bytes_release(&text);
}

static double seconds_for(const char *part, size_t len) {
  dbf_bytes text;
  struct timespec begin, end;
  dbf_bytes_init(&text);
  while (text.len < len) dbf_bytes_append(&text, part, strlen(part));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  redact(text.data, text.len, DBF_SECRETS_TEXT);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  dbf_bytes_release(&text);
  return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* Sixteen times the text takes sixteen times as long; were it quadratic, two hundred and fifty-six times. */
static void time_is_in_proportion_to_the_text(void **state) {
  (void)state;
  static const char *const parts[] = {"sk-",
                                      "eyJ",
                                      "eyJ.",
                                      "://",
                                      "://a:",
                                      "AKIA",
                                      "password=",
                                      "token: ",
                                      "secret='",
                                      "Cookie: a=b1",
                                      "-----BEGIN ",
                                      "-----BEGIN A PRIVATE KEY-----",
                                      "-----BEGIN A PRIVATE KEY-----\n",
                                      "-----END ",
                                      "curl -u ",
                                      "a:-----BEGIN A PRIVATE KEY-----\n",
                                      "1sk-\n  ",
                                      "\\\"",
                                      "%25",
                                      "\033[",
                                      "\1x",
                                      "key=;",
                                      "Authorization: Digest ",
                                      "Bearer ",
                                      "\n",
                                      "a",
                                      "://a:b@",
                                      TOKEN " "};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    size_t len = 65536 / less();
    double least = seconds_for(parts[i], len), most = seconds_for(parts[i], 16 * len);
    if (most > 100 * (least + 0.001)) print_error("%s\n", parts[i]);
    assert_true(most <= 100 * (least + 0.001));
  }
}

/* What is looked at past line breaks counts for the text, not for each break: it took twenty-five times as long. */
static void line_breaks_take_little_more_time(void **state) {
  (void)state;
  size_t len = 262144 / less();
  assert_true(seconds_for("1sk-\n", len) < 10 * (seconds_for("1sk-", len) + 0.001));
}

static bool stop(void) {
  return true;
}

static void it_stops_when_it_is_asked_to(void **state) {
  (void)state;
  assert_int_equal(dbf_secrets_redact(secrets, TOKEN, 40, DBF_SECRETS_TEXT, &out, stop), DBF_SECRETS_STOPPED);
  assert_redacted(TOKEN, MARK, DBF_SECRETS_TEXT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_text_is_seen_as_its_reader_means_it),
                                     cmocka_unit_test(quotes_of_the_json_text_itself_are_fences),
                                     cmocka_unit_test(every_byte_is_located),
                                     TEST(secrets_go_and_what_is_around_them_stays),
                                     TEST(a_marker_is_never_touched),
                                     TEST(kinds_are_counted),
                                     TEST(patterns_of_the_users_stay_within_a_string),
                                     TEST(json_stays_json),
                                     TEST(a_secret_in_two_outputs_is_found),
                                     TEST(what_was_redacted_has_nothing_left_to_redact),
                                     TEST(a_long_text_is_looked_at_in_parts),
                                     TEST(ten_thousand_secrets_and_eight_megabytes),
                                     TEST(time_is_in_proportion_to_the_text),
                                     TEST(line_breaks_take_little_more_time),
                                     TEST(it_stops_when_it_is_asked_to)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
