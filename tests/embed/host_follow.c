/* Queries that follow the log: what comes passes them, and a descriptor says when to look. */
#include "host.h"

#include <poll.h>

/* What has come by now, as "session:line skill" lines, after what the callbacks reported. */
static debrief_next look(debrief_entries *entries) {
  debrief_found found;
  debrief_next next;
  reported[0] = '\0';
  while ((next = debrief_entries_next(entries, &found, &err)) == DEBRIEF_NEXT_ENTRY) {
    char skill[64];
    debrief_string(debrief_member(found.json, "skill"), skill, sizeof skill);
    note("%s:%d %s\n", found.session, (int)found.line, skill);
  }
  return next;
}

static void assert_comes(debrief_entries *entries, const char *expected) {
  if (look(entries) != DEBRIEF_NEXT_END) fail_msg("%s", err.message);
  assert_string_equal(reported, expected);
}

static debrief_entries *follow(const debrief_query *query, bool from_start) {
  debrief_entries *entries = debrief_query_follow(host, query, from_start, &err);
  if (!entries) fail_msg("%s", err.message);
  return entries;
}

static bool is_readable(const debrief_entries *entries, int ms) {
  struct pollfd item = {.fd = debrief_entries_fd(entries), .events = POLLIN};
  assert_true(item.fd >= 0);
  return poll(&item, 1, ms) == 1;
}

static void what_is_appended_comes_once(void **state) {
  (void)state;
  add("a", SKILL("old"));
  debrief_entries *entries = follow(NULL, false), *all = follow(NULL, true);
  assert_comes(entries, "");
  assert_comes(all, "a:1 old\n");
  add("a", SKILL("one"));
  add("b", SKILL("two"));
  assert_comes(entries, "a:2 one\nb:1 two\n");
  assert_comes(entries, "");
  assert_comes(all, "a:2 one\nb:1 two\n");
  debrief_entries_close(all);
  add("a", SKILL("three"));
  assert_comes(entries, "a:3 three\n");
  debrief_entries_close(entries);
}

static void the_descriptor_says_when_to_look(void **state) {
  (void)state;
  add("a", SKILL("old"));
  debrief_entries *entries = follow(NULL, false);
  assert_comes(entries, "");
  assert_false(is_readable(entries, 0));
  for (int i = 0; i < 3; i++) {
    debrief_found found;
    add("a", SKILL("new"));
    assert_true(is_readable(entries, 10000));
    assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    add("a", SKILL("meanwhile"));
    if (debrief_entries_next(entries, &found, &err) == DEBRIEF_NEXT_END) { /* looked before it came */
      assert_true(is_readable(entries, 10000));
      assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    }
    assert_comes(entries, "");
    assert_false(is_readable(entries, 0));
  }
  debrief_entries_close(entries);
}

static void it_selects_and_passes_plugins(void **state) {
  (void)state;
  const char *const skills[] = {"t*", NULL};
  put_plugin("loud", "enrich = function(entry) entry.skill = entry.skill .. '!' end");
  put_plugin("short", "filter = function(entry) return #entry.skill < 6 end");
  debrief_query query = reporting();
  query.sessions = "a";
  query.where = "duration_ms and duration_ms > 4";
  debrief_entries *where = follow(&query, false);
  query.where = NULL;
  query.skill = skills;
  debrief_entries *selected = follow(&query, false);
  query.skill = NULL;
  query.sessions = NULL;
  query.enrich = "loud";
  query.filter = "short";
  debrief_entries *plugins = follow(&query, false);
  add("a", "{\"skill\":\"one\",\"duration_ms\":5}");
  add("a", "{\"skill\":\"twelve\",\"duration_ms\":4}");
  add("b", "{\"skill\":\"two\",\"duration_ms\":9}");
  assert_comes(where, "a:1 one\n");
  assert_comes(selected, "a:2 twelve\n");
  assert_comes(plugins, "a:1 one!\nb:1 two!\n");
  debrief_entries_close(where);
  debrief_entries_close(selected);
  debrief_entries_close(plugins);
}

/* What C tests itself, what Lua has a test for, and what it is unsure of. */
static void every_way_to_select_says_the_same(void **state) {
  (void)state;
  static const char *const ok[] = {"ok", NULL}, *const needle[] = {"needle", NULL};
  static const struct {
    debrief_query query;
    const char *expected;
  } cases[] = {
      {{0}, "a:1 one\na:2 two\na:3 \na:4 \xef\xbf\xbd\n"},
      {{.where = "skill == 'one'"}, "a:1 one\n"},
      {{.where = "skill ~= 'one'"}, "a:2 two\na:3 \na:4 \xef\xbf\xbd\n"},
      {{.where = "skill == 'one' or skill == 'two'"}, "a:1 one\na:2 two\n"},
      {{.where = "(duration_ms or 0) > 4"}, "a:1 one\n"},
      {{.where = "outcome == 'ok'"}, "a:1 one\na:4 \xef\xbf\xbd\n"},
      {{.where = "line == 2"}, "a:2 two\n"},
      {{.where = "session == 'b'"}, ""},
      {{.where = "(gap_ms or 0) >= 0 and skill"}, "a:1 one\na:2 two\na:4 \xef\xbf\xbd\n"},
      {{.outcome = ok}, "a:1 one\na:4 \xef\xbf\xbd\n"},
      {{.outcome = ok, .where = "duration_ms"}, "a:1 one\n"},
      {{.grep = needle}, "a:2 two\n"},
      {{.filter = "keeps", .where = "skill == 'two'"}, "a:2 two\n"},
  };
  debrief_entries *entries[sizeof cases / sizeof *cases];
  put_plugin("keeps", "filter = function() return true end");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    debrief_query query = cases[i].query;
    query.struct_size = sizeof query;
    entries[i] = follow(&query, false);
  }
  add("a", "{\"skill\":\"one\",\"duration_ms\":5,\"final_status\":\"ok\"}");
  add("a", "{\"skill\":\"two\",\"final_status\":\"error\",\"input\":\"a Needle\"}");
  add("a", "{\"final_status\":\"skipped\"}");
  put_bytes(folder, "a.jsonl", "a", "{\"skill\":\"\xff\",\"final_status\":\"ok\"}\n", 34);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (look(entries[i]) != DEBRIEF_NEXT_END) fail_msg("%s", err.message);
    if (strcmp(reported, cases[i].expected) != 0)
      fail_msg("case %zu: %s instead of %s", i, reported, cases[i].expected);
    debrief_entries_close(entries[i]);
  }
}

static void many_at_once_come_in_order(void **state) {
  (void)state;
  debrief_query query = reporting();
  query.where = "input.n % 2 == 0";
  debrief_entries *entries = follow(&query, false);
  for (int i = 1; i <= 3000; i++) {
    char json[64];
    snprintf(json, sizeof json, "{\"input\":{\"n\":%d}}", i);
    add("a", json);
  }
  debrief_found found;
  for (int i = 2; i <= 3000; i += 2) {
    assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    assert_int_equal(found.line, i);
  }
  assert_comes(entries, "");
  debrief_entries_close(entries);
}

static void what_fails_on_the_way_is_reported(void **state) {
  (void)state;
  debrief_query query = reporting();
  query.where = "#input > 1";
  debrief_entries *entries = follow(&query, false);
  add("a", "{\"skill\":\"no input\"}");
  put_bytes(folder, "a.jsonl", "a", "{\"skill\":zz}\n", 13);
  add("a", "{\"skill\":\"fine\",\"input\":[1,2]}");
  assert_int_equal(look(entries), DEBRIEF_NEXT_END);
  assert_non_null(strstr(reported, "a.jsonl:2 bad_json\n"));
  assert_non_null(strstr(reported, "where.filter a:1 "));
  assert_non_null(strstr(reported, "a:3 fine\n"));
  debrief_entries_close(entries);
}

static void with_strict_a_session_stops_and_the_others_go_on(void **state) {
  (void)state;
  debrief_query query = reporting();
  query.strict = true;
  debrief_entries *entries = follow(&query, true);
  put_file(folder, "a.jsonl", "{\"skill\":zz}\n");
  add("b", SKILL("other"));
  bool failed = false, came = false;
  for (int i = 0; i < 10 && !(failed && came); i++) {
    failed = look(entries) == DEBRIEF_NEXT_ERROR || failed;
    came = came || strstr(reported, "b:1 other\n");
  }
  assert_true(failed && came);
  assert_failed(DEBRIEF_EDAMAGED, "a.jsonl");
  debrief_entries_close(entries);
}

static debrief_entries *to_close;

static void closes(void *user, const debrief_diagnostic *diagnostic) {
  debrief_found found;
  (void)user, (void)diagnostic;
  assert_int_equal(debrief_entries_next(to_close, &found, &err), DEBRIEF_NEXT_ERROR);
  assert_failed(DEBRIEF_EARG, "another function of this host runs");
  debrief_entries_close(to_close);
}

static void a_callback_may_close(void **state) {
  (void)state;
  debrief_query query = {.struct_size = sizeof query, .on_diagnostic = closes};
  for (int plugins = 0; plugins < 2; plugins++) {
    query.enrich = plugins ? "redact" : NULL;
    to_close = follow(&query, false);
    put_bytes(folder, "a.jsonl", "a", "{\"skill\":zz}\n", 13);
    add("a", SKILL("fine"));
    assert_int_equal(look(to_close), DEBRIEF_NEXT_ERROR);
    assert_failed(DEBRIEF_EARG, "a callback of it has closed it");
  }
}

static void wrong_ones_fail_at_once(void **state) {
  (void)state;
  static const struct {
    debrief_query query;
    debrief_code code;
    const char *message;
  } cases[] = {
      {{.since = "7d"}, DEBRIEF_EARG, "since does not go with following"},
      {{.until = "2026-01-01"}, DEBRIEF_EARG, "until does not go with following"},
      {{.last = 3}, DEBRIEF_EARG, "last does not go with following"},
      {{.line = 3}, DEBRIEF_EARG, "line does not go with following"},
      {{.sessions = "a:3"}, DEBRIEF_EARG, "only sessions can be followed"},
      {{.sessions = "../a"}, DEBRIEF_EARG, "is a path"},
      {{.sessions = "quay-*"}, DEBRIEF_EID, "not a session id"},
      {{.where = "("}, DEBRIEF_EARG, "where"},
      {{.filter = "nowhere"}, DEBRIEF_EPLUGIN, "nowhere"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    debrief_query query = cases[i].query;
    query.struct_size = sizeof query;
    assert_null(debrief_query_follow(host, &query, false, &err));
    assert_failed(cases[i].code, cases[i].message);
  }
}

static void it_outlives_its_host_without_harm(void **state) {
  (void)state;
  debrief_entries *entries = follow(NULL, true), *plain = debrief_query_entries(host, NULL, &err);
  add("a", SKILL("one"));
  assert_comes(entries, "a:1 one\n");
  assert_int_equal(debrief_entries_fd(plain), -1);
  debrief_close(host);
  host = NULL;
  assert_int_equal(debrief_entries_fd(entries), -1);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(look(entries), DEBRIEF_NEXT_ERROR);
    assert_failed(DEBRIEF_EARG, "the host was closed");
  }
  debrief_entries_close(entries);
  debrief_entries_close(plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_appended_comes_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_descriptor_says_when_to_look, set_up, tear_down),
      cmocka_unit_test_setup_teardown(it_selects_and_passes_plugins, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_way_to_select_says_the_same, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_at_once_come_in_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_may_close, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_fails_on_the_way_is_reported, set_up, tear_down),
      cmocka_unit_test_setup_teardown(with_strict_a_session_stops_and_the_others_go_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wrong_ones_fail_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(it_outlives_its_host_without_harm, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
