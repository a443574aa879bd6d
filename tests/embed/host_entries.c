/* Queries: sessions, windows, expressions, plugins, damage, and many at once. */
#include "host.h"

/* Everything a query finds, as "session:line json" lines, in `reported`, after what the callbacks reported. */
static debrief_next tell_all(debrief_entries *entries) {
  debrief_found found;
  debrief_next next;
  while ((next = debrief_entries_next(entries, &found, &err)) == DEBRIEF_NEXT_ENTRY) {
    char skill[64];
    debrief_string(debrief_member(found.json, "skill"), skill, sizeof skill);
    note("%s:%d %s\n", found.session, (int)found.line, skill);
  }
  return next;
}

static void assert_finds(const debrief_query *query, const char *expected) {
  debrief_entries *entries = debrief_query_entries(host, query, &err);
  if (!entries) fail_msg("%s", err.message);
  reported[0] = '\0';
  if (tell_all(entries) != DEBRIEF_NEXT_END) fail_msg("%s", err.message);
  assert_int_equal(tell_all(entries), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  assert_string_equal(reported, expected);
}

static int with_log(void **state) {
  set_up(state);
  add("a", "{\"skill\":\"one\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"duration_ms\":5}");
  add("a", "{\"skill\":\"two\",\"timestamp\":\"2026-02-01T00:00:00Z\"}");
  add("b", "{\"skill\":\"three\",\"timestamp\":\"2026-03-01T00:00:00Z\"}");
  return 0;
}

static void all_entries_come_in_the_order_of_the_sessions(void **state) {
  (void)state;
  debrief_query query = reporting();
  assert_finds(NULL, "a:1 one\na:2 two\nb:1 three\n");
  assert_finds(&query, "a:1 one\na:2 two\nb:1 three\n");
  query.sessions = "b,a";
  assert_finds(&query, "b:1 three\na:1 one\na:2 two\n");
}

static void a_window_and_an_expression_choose(void **state) {
  (void)state;
  debrief_query query = reporting();
  query.since = "2026-02-01T00:00:00Z";
  assert_finds(&query, "a:2 two\nb:1 three\n");
  query.until = "2026-03-01T00:00:00Z";
  assert_finds(&query, "a:2 two\n");
  query = reporting();
  query.where = "(duration_ms or 0) > 4 or skill == 'three'";
  assert_finds(&query, "a:1 one\nb:1 three\n");
}

static void lists_of_values_choose(void **state) {
  (void)state;
  const char *const skills[] = {"t*", NULL}, *const one[] = {"one", "two", NULL}, *const ok[] = {"ok", NULL},
                    *const unknown[] = {"unknown", NULL}, *const none[] = {NULL};
  debrief_query query = reporting();
  query.skill = skills;
  assert_finds(&query, "a:2 two\nb:1 three\n");
  query.outcome = unknown;
  query.phase = query.model = query.project = none;
  assert_finds(&query, "a:2 two\nb:1 three\n");
  query.grep = one;
  assert_finds(&query, "a:2 two\n");
  query.outcome = ok;
  assert_finds(&query, "");
}

static void plugins_change_and_choose(void **state) {
  (void)state;
  put_plugin("loud", "options = { by = { type = 'string', default = '!' } },\n"
                     "enrich = function(entry, ctx) entry.skill = entry.skill .. ctx.options.by end");
  put_plugin("early", "filter = function(entry) return entry.timestamp < '2026-02-15' end");
  const char *options[] = {"loud.by=?", NULL};
  debrief_query query = reporting();
  query.enrich = "loud";
  query.filter = "early";
  query.options = options;
  assert_finds(&query, "a:1 one?\na:2 two?\n");
}

static void what_fails_on_the_way_is_reported_once_and_stops_nothing(void **state) {
  (void)state;
  put_plugin("bad", "enrich = function() error 'no' end, filter = function() error 'never' end");
  debrief_query query = reporting();
  query.enrich = "bad";
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  assert_int_equal(tell_all(entries), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  assert_non_null(strstr(reported, "bad.enrich a:1 "));
  assert_non_null(strstr(reported, "bad.lua:1: no\na:1 one\na:2 two\nb:1 three\n"));
  query = reporting();
  query.filter = "bad";
  query.where = "skil ~= 'two'";
  entries = debrief_query_entries(host, &query, &err);
  assert_int_equal(tell_all(entries), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  assert_non_null(strstr(reported, "bad.filter a:1 "));
  assert_non_null(strstr(reported, "no entry has a field 'skil': did you mean 'skill'?\n"));
  assert_null(strstr(reported, "a:1 one"));
}

static void damage_is_reported_or_with_strict_the_end(void **state) {
  (void)state;
  put_bytes(folder, "a.jsonl", "a", "{\"skill\":\n" SKILL("last") "\n",
            strlen("{\"skill\":\n" SKILL("last") "\n"));
  debrief_query query = reporting();
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  assert_int_equal(tell_all(entries), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  assert_string_equal(reported, "a.jsonl:3 bad_json\na:1 one\na:2 two\na:4 last\nb:1 three\n");
  for (int i = 0; i < 2; i++) {
    query = reporting();
    query.strict = true;
    if (i) query.where = "true"; /* another way through Lua */
    entries = debrief_query_entries(host, &query, &err);
    assert_int_equal(tell_all(entries), DEBRIEF_NEXT_ERROR);
    assert_string_equal(reported, "a:1 one\na:2 two\n");
    assert_int_equal(err.line, 3);
    assert_failed(DEBRIEF_EDAMAGED, "a.jsonl");
    assert_string_equal(debrief_details(host)->session, "a");
    assert_int_equal(tell_all(entries), DEBRIEF_NEXT_ERROR);
    assert_failed(DEBRIEF_EDAMAGED, "a.jsonl");
    debrief_entries_close(entries);
  }
}

static void what_is_no_utf_8_is_given_as_such(void **state) {
  (void)state;
  put_file(folder, "u.jsonl", "{\"skill\": \"a\xff\"}\n{\"skill\": \"b\"}\n");
  for (int i = 0; i < 2; i++) {
    debrief_found found;
    debrief_query query = reporting();
    query.sessions = "u";
    if (i) query.where = "true";
    debrief_entries *entries = debrief_query_entries(host, &query, &err);
    assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    assert_int_equal(found.json.len, strlen("{\"skill\":\"a\\ufffd\"}"));
    assert_memory_equal(found.json.data, "{\"skill\":\"a\\ufffd\"}", found.json.len);
    assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    assert_memory_equal(found.json.data, "{\"skill\": \"b\"}", found.json.len);
    assert_string_equal(reported, "u.jsonl:1 bad_utf8\n");
    debrief_entries_close(entries);
  }
}

static void entries_without_a_time_are_noted_when_a_window_is_asked_for(void **state) {
  (void)state;
  put_file(folder, "t.jsonl", "{\"skill\":\"when\"}\n");
  debrief_query query = reporting();
  query.since = "2026-02-15T00:00:00Z";
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  assert_int_equal(tell_all(entries), DEBRIEF_NEXT_END);
  assert_string_equal(reported,
                      ". :0 1 entry has no timestamp between 1678 and 2261 and is in no window\nb:1 three\n");
  debrief_entries_close(entries);
}

static void an_entry_longer_than_a_batch_is_whole(void **state) {
  (void)state;
  enum { LONG = 300000 };
  char *json = malloc(LONG + 64);
  int head = sprintf(json, "{\"skill\":\"");
  memset(json + head, 'x', LONG);
  strcpy(json + head + LONG, "\"}");
  for (int i = 0; i < 3; i++) add("long", json);
  debrief_query query = reporting();
  query.sessions = "long,b";
  debrief_found found;
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  for (int i = 1; i <= 3; i++) {
    assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
    assert_int_equal(debrief_string(debrief_member(found.json, "skill"), json, LONG), LONG);
    assert_int_equal(found.line, i);
  }
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
  assert_string_equal(found.session, "b");
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  free(json);
}

static void many_batches_are_one_sequence_and_several_queries_go_side_by_side(void **state) {
  (void)state;
  enum { MANY = 5000 };
  char json[128];
  for (int i = 1; i <= MANY; i++) {
    snprintf(json, sizeof json, "{\"skill\":\"s\",\"n\":%d}", i);
    add("many", json);
  }
  debrief_query query = reporting();
  query.sessions = "many";
  debrief_entries *one = debrief_query_entries(host, &query, &err), *two;
  query.where = "n % 2 == 0";
  two = debrief_query_entries(host, &query, &err);
  debrief_found found;
  int64_t n = 0;
  for (int i = 1; i <= MANY; i++) {
    assert_int_equal(debrief_entries_next(one, &found, &err), DEBRIEF_NEXT_ENTRY);
    assert_true(debrief_integer(debrief_member(found.json, "n"), &n));
    assert_int_equal(n, i);
    assert_int_equal(found.line, i);
    assert_string_equal(found.session, "many");
    if (i % 2) continue;
    assert_int_equal(debrief_entries_next(two, &found, &err), DEBRIEF_NEXT_ENTRY);
    assert_true(debrief_integer(debrief_member(found.json, "n"), &n));
    assert_int_equal(n, i);
  }
  assert_int_equal(debrief_entries_next(two, &found, &err), DEBRIEF_NEXT_END);
  debrief_entries_close(two);
  assert_int_equal(debrief_entries_next(one, &found, &err), DEBRIEF_NEXT_END);
  debrief_entries_close(one);
}

static void a_query_outlives_its_host_without_harm(void **state) {
  (void)state;
  debrief_found found;
  debrief_entries *begun = debrief_query_entries(host, NULL, &err),
                  *fresh = debrief_query_entries(host, NULL, &err);
  assert_int_equal(debrief_entries_next(begun, &found, &err), DEBRIEF_NEXT_ENTRY);
  debrief_close(host);
  host = NULL;
  assert_string_equal(found.session, "a");
  for (int i = 0; i < 2; i++) {
    assert_int_equal(debrief_entries_next(fresh, &found, &err), DEBRIEF_NEXT_ERROR);
    assert_failed(DEBRIEF_EARG, "the host was closed");
  }
  debrief_entries_close(fresh);
  debrief_entries_close(begun);
}

static void wrong_queries_fail_at_once(void **state) {
  (void)state;
  static const char *const failed[] = {"failed", NULL};
  static const struct {
    debrief_query query;
    debrief_code code;
    const char *message;
  } cases[] = {
      {{.sessions = "c"}, DEBRIEF_ENOENT, "no session 'c'"},
      {{.sessions = "a,../b"}, DEBRIEF_EID, "session id \"../b\" is not allowed"},
      {{.sessions = "a,b\n\x1b["}, DEBRIEF_EID, "session id \"b\\x0a\\x1b[\" is not allowed"},
      {{.since = "whenever"}, DEBRIEF_EARG, "whenever"},
      {{.where = "skill = 'one'"}, DEBRIEF_EARG, "`==` compares"},
      {{.outcome = failed}, DEBRIEF_EARG, "did you mean 'fail'?"},
      {{.enrich = "nowhere"}, DEBRIEF_EPLUGIN, "no plugin 'nowhere'"},
      {{.filter = "summary"}, DEBRIEF_EPLUGIN, "neither filter nor match"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    debrief_query query = cases[i].query;
    query.struct_size = sizeof query;
    assert_null(debrief_query_entries(host, &query, &err));
    assert_failed(cases[i].code, cases[i].message);
    assert_null(debrief_query_entries(host, &query, NULL));
  }
  debrief_query query = {.struct_size = 5};
  assert_null(debrief_query_entries(host, &query, &err));
  assert_failed(DEBRIEF_EARG, "debrief_query.struct_size");
}

static void an_older_query_asks_for_what_it_knows(void **state) {
  (void)state;
  debrief_query query = {.sessions = "b", .where = "garbage that is not (looked at"};
  query.struct_size = offsetof(debrief_query, where);
  assert_finds(&query, "b:1 three\n");
}

static void a_folder_that_is_not_there_is_told(void **state) {
  (void)state;
  debrief_config config = {.struct_size = sizeof config, .dir = "/nonexistent/sessions"};
  debrief *other = debrief_open(&config, &err);
  assert_null(debrief_query_entries(other, NULL, &err));
  assert_failed(DEBRIEF_ENOENT, "/nonexistent/sessions");
  debrief_close(other);
}

static debrief_entries *inner;
static debrief_code inner_code;

static void calls_back(void *user, const debrief_problem *problem) {
  debrief_error e;
  (void)user;
  (void)problem;
  inner = debrief_query_entries(host, NULL, &e);
  inner_code = e.code;
  if (!debrief_append_json(host, "from_callback", "{}", 2, NULL, &e)) fail_msg("%s", e.message);
}

static void a_callback_may_append_and_is_refused_the_rest(void **state) {
  (void)state;
  debrief_query query = {.struct_size = sizeof query, .where = "skill + 1", .on_problem = calls_back};
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  debrief_found found;
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
  assert_null(inner);
  assert_int_equal(inner_code, DEBRIEF_EARG);
  query = reporting();
  query.sessions = "from_callback";
  assert_finds(&query, "from_callback:1 \n");
}

static debrief_next inner_next;

static void asks_for_more(void *user, const debrief_diagnostic *diagnostic) {
  (void)diagnostic;
  debrief_entries **entries = user;
  debrief_found found;
  debrief_error e;
  inner_next = debrief_entries_next(*entries, &found, &e);
  inner_code = e.code;
}

static void a_callback_that_is_refused_takes_nothing_away(void **state) {
  (void)state;
  put_file(folder, "b.jsonl", "no entry\n" SKILL("one") "\n" SKILL("two") "\n");
  debrief_entries *entries;
  debrief_query query = {.struct_size = sizeof query, .on_diagnostic = asks_for_more, .user = &entries};
  query.sessions = "b";
  entries = debrief_query_entries(host, &query, &err);
  reported[0] = '\0';
  assert_int_equal(tell_all(entries), DEBRIEF_NEXT_END);
  assert_string_equal(reported, "b:2 one\nb:3 two\n");
  assert_int_equal(inner_next, DEBRIEF_NEXT_ERROR);
  assert_int_equal(inner_code, DEBRIEF_EARG);
  debrief_entries_close(entries);
}

static void closes(void *user, const debrief_problem *problem) {
  (void)problem;
  debrief_entries **entries = user;
  debrief_entries_close(*entries);
  *entries = NULL;
}

static bool closes_in_lua(void *user, debrief_call *call) {
  (void)call;
  closes(user, NULL);
  return true;
}

static void a_callback_may_close(void **state) {
  (void)state;
  debrief_found found;
  debrief_text json;
  debrief_entries *entries, *other = debrief_query_entries(host, NULL, &err);
  debrief_query query = {.struct_size = sizeof query, .where = "skill + 1", .on_problem = closes};
  query.user = &entries;
  entries = debrief_query_entries(host, &query, &err);
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ERROR);
  assert_failed(DEBRIEF_EARG, "closed it");
  assert_null(entries);
  entries = debrief_query_entries(host, NULL, &err);
  assert_true(debrief_register(host, "shut", closes_in_lua, &entries, DEBRIEF_HOST_THREAD, &err));
  assert_true(debrief_eval(host, (debrief_text){"debrief.host.shut()", 19}, &json, &err));
  assert_int_equal(debrief_entries_next(other, &found, &err), DEBRIEF_NEXT_ENTRY);
  debrief_entries_close(other);
  entries = debrief_query_entries(host, NULL, &err);
  assert_true(debrief_eval(host, (debrief_text){"debrief.host.shut()", 19}, &json, &err)); /* and left */
}

static void null_is_an_error_or_nothing(void **state) {
  (void)state;
  debrief_found found;
  assert_null(debrief_query_entries(NULL, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_int_equal(debrief_entries_next(NULL, &found, &err), DEBRIEF_NEXT_ERROR);
  assert_failed(DEBRIEF_EARG, "NULL");
  debrief_entries *entries = debrief_query_entries(host, NULL, NULL);
  assert_int_equal(debrief_entries_next(entries, NULL, NULL), DEBRIEF_NEXT_ERROR);
  assert_int_equal(debrief_entries_next(entries, &found, NULL), DEBRIEF_NEXT_ENTRY);
  debrief_entries_close(entries);
  debrief_entries_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_entries_come_in_the_order_of_the_sessions, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_window_and_an_expression_choose, with_log, tear_down),
      cmocka_unit_test_setup_teardown(lists_of_values_choose, with_log, tear_down),
      cmocka_unit_test_setup_teardown(plugins_change_and_choose, with_log, tear_down),
      cmocka_unit_test_setup_teardown(what_fails_on_the_way_is_reported_once_and_stops_nothing, with_log,
                                      tear_down),
      cmocka_unit_test_setup_teardown(damage_is_reported_or_with_strict_the_end, with_log, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_utf_8_is_given_as_such, with_log, tear_down),
      cmocka_unit_test_setup_teardown(entries_without_a_time_are_noted_when_a_window_is_asked_for, with_log,
                                      tear_down),
      cmocka_unit_test_setup_teardown(an_entry_longer_than_a_batch_is_whole, with_log, tear_down),
      cmocka_unit_test_setup_teardown(many_batches_are_one_sequence_and_several_queries_go_side_by_side,
                                      with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_query_outlives_its_host_without_harm, with_log, tear_down),
      cmocka_unit_test_setup_teardown(wrong_queries_fail_at_once, with_log, tear_down),
      cmocka_unit_test_setup_teardown(an_older_query_asks_for_what_it_knows, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_told, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_may_append_and_is_refused_the_rest, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_that_is_refused_takes_nothing_away, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_may_close, with_log, tear_down),
      cmocka_unit_test_setup_teardown(null_is_an_error_or_nothing, with_log, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
