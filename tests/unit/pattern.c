/* Patterns of users: what they match, what is wrong with them, and that no text makes them slow. */
#include "unit.h"

#include "secrets/pattern.h"

/* The bytes of `text` that are in a match, as '#', all others as '.'. */
static void mark(dbf_pattern *pattern, const char *text, char *out) {
  size_t len = strlen(text), from;
  memset(out, '.', len);
  out[len] = '\0';
  dbf_pattern_begin(pattern);
  for (size_t at = 0; at <= len; at++) {
    int byte = at == len ? -1 : text[at] == '|' ? DBF_PATTERN_WALL : (unsigned char)text[at];
    if (dbf_pattern_feed(pattern, at, byte, &from)) memset(out + from, '#', at - from);
  }
}

static void matches_are_found_as_early_and_as_long_as_they_can_be(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *text, *marked;
  } cases[] = {{"abc", "xabcabx", ".###..."},
               {"a+", "baaab", ".###."},
               {"a|bc", "abcb", "###."},
               {"(ab)+c", "ababcab", "#####.."},
               {"ab?c", "acabcabbc", "#####...."},
               {"a{2,3}", "a aa aaaa", "..##.####"},
               {"a{2}", "a aa", "..##"},
               {"x{0,2}y", "yxyxxxy", "###.###"},
               {"(?:ab|a)c", "abcac", "#####"},
               {"[a-c]+", "xabcx", ".###."},
               {"[^a-c]+", "xabcx", "#...#"},
               {"[]x]", "a]x", ".##"},
               {"[\\d-]+", "a1-2", ".###"},
               {"\\d{4}-\\d{2}", "on 2026-11!", "...#######."},
               {"\\bcat\\b", "cat concat cat", "###........###"},
               {"^a", "a\na", "#.#"},
               {"a$", "a\naa", "#..#"},
               {"a.c", "abc a\nc", "###...."},
               {"(?i)ab", "aBxAB", "##.##"},
               {"\\.", "a.b", ".#."},
               {"\\s\\S\\w\\W\\D", " a1-x", "#####"},
               {"a*", "baa", ".##"},
               {"(a*)*b", "aab", "###"},
               {"()a", "a", "#"},
               {"a|", "ba", ".#"},
               {"ab", "a|b", "..."},
               {"a.*b", "ab|ab b", "##.####"},
               {"a??b", "ab", "##"},
               {"[\\w.+-]+@[\\w-]+(\\.[\\w-]+)+", "to ada.b@mail.example.com.", "...######################."},
               {"\xc3\xa9", "caf\xc3\xa9", "...##"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[64];
    dbf_pattern_error error;
    dbf_pattern *pattern = dbf_pattern_new(cases[i].pattern, &error);
    if (!pattern) print_error("%s: %s\n", cases[i].pattern, error.what);
    assert_non_null(pattern);
    mark(pattern, cases[i].text, out);
    if (strcmp(out, cases[i].marked) != 0) print_error("%s in %s\n", cases[i].pattern, cases[i].text);
    assert_string_equal(out, cases[i].marked);
    dbf_pattern_free(pattern);
  }
}

static void errors_say_what_and_where(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *what;
    size_t at;
  } cases[] = {{"", "the pattern is empty", 0},
               {"a(b", "a '(' without its ')'", 3},
               {"a)b", "a ')' without its '('", 1},
               {"[a", "a class without its ']'", 2},
               {"[z-a]", "this range has no order", 4},
               {"*a", "nothing to repeat", 0},
               {"a|+", "nothing to repeat", 2},
               {"a{3,1}", "these numbers have no order", 5},
               {"a{x}", "a number is missing in {}", 2},
               {"a{1", "a '{' without its '}'", 3},
               {"a{999}", "repeated more than 255 times", 4},
               {"a\\", "nothing after the backslash", 2},
               {"(a)\\1", "back references are not supported: they take more than linear time", 4},
               {"(?=a)", "only (?:...) is known, and (?i) at the beginning", 1},
               {"(a{200}){200}", "the pattern is too large", 13}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dbf_pattern_error error;
    assert_null(dbf_pattern_new(cases[i].pattern, &error));
    assert_string_equal(error.what, cases[i].what);
    assert_int_equal(error.at, cases[i].at);
  }
}

static void nested_parentheses_end_before_the_stack_does(void **state) {
  (void)state;
  char text[2001];
  dbf_pattern_error error;
  memset(text, '(', 1000);
  memset(text + 1000, ')', 1000);
  text[2000] = '\0';
  assert_null(dbf_pattern_new(text, &error));
  assert_string_equal(error.what, "too many parentheses within each other");
}

/* A backtracking matcher would not come back from these. */
static void no_text_makes_it_slow(void **state) {
  (void)state;
  static const char *const patterns[] = {"(a*)*b", "(a|aa)+b", "(a+)+b", "a?a?a?a?a?a?a?a?a?a?aaaaaaaaaab",
                                         "(.*)(.*)(.*)b"};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    dbf_pattern_error error;
    dbf_pattern *pattern = dbf_pattern_new(patterns[i], &error);
    size_t from, found = 0;
    assert_non_null(pattern);
    dbf_pattern_begin(pattern);
    for (size_t at = 0; at < 200000; at++) found += dbf_pattern_feed(pattern, at, 'a', &from);
    assert_int_equal(found, 0);
    dbf_pattern_feed(pattern, 200000, 'b', &from);
    assert_true(dbf_pattern_feed(pattern, 200001, -1, &from));
    dbf_pattern_free(pattern);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(matches_are_found_as_early_and_as_long_as_they_can_be),
                                     cmocka_unit_test(errors_say_what_and_where),
                                     cmocka_unit_test(nested_parentheses_end_before_the_stack_does),
                                     cmocka_unit_test(no_text_makes_it_slow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
