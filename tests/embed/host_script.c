/* Scripts, expressions, and the values and functions that a host passes to Lua. */
#include "host.h"

#include <pthread.h>

#define CODE(s) ((debrief_text){s, strlen(s)})

static bool run(const char *code) {
  return debrief_run_text(host, "test", CODE(code), NULL, NULL, &err);
}

static void assert_eval(const char *code, const char *expected) {
  debrief_text json;
  if (!debrief_eval(host, CODE(code), &json, &err)) fail_msg("%s: %s", code, err.message);
  assert_string_equal(json.data, expected);
  assert_int_equal(json.len, strlen(expected));
}

static void on_print(void *user, const char *text, size_t len) {
  (void)user;
  note("%.*s", (int)len, text);
}

static int with_print(void **state) {
  set_up(state);
  reported[0] = '\0';
  open_with((debrief_config){.on_print = on_print});
  return 0;
}

static void a_script_finds_the_log_its_words_and_what_ran_before(void **state) {
  (void)state;
  const char *words[] = {"a", "b c", NULL};
  add("s1", SKILL("review"));
  put_file(folder, "script.lua",
           "n = (n or 0) + 1; for e in log:entries() do print(n, e.skill, arg[0]:match '[^/]+$', arg[1], "
           "...) end");
  char *path = path_in(folder, "script.lua");
  int status = 7;
  for (int i = 0; i < 2; i++) assert_true(debrief_run_file(host, path, words, &status, &err));
  free(path);
  assert_int_equal(status, 0);
  assert_string_equal(reported, "1\treview\tscript.lua\ta\ta\tb c\n2\treview\tscript.lua\ta\ta\tb c\n");
  assert_true(run("assert(log:append('s1', { skill = 'x' })); print(arg[0], #arg, cjson and n)"));
  assert_non_null(strstr(reported, "test\t0\t2\n"));
}

static void a_failing_script_says_where(void **state) {
  (void)state;
  assert_false(run("local function f() error 'no' end\nf()"));
  assert_failed(DEBRIEF_ESCRIPT, "test:1: no");
  assert_non_null(strstr(debrief_details(host)->traceback, "test:2: in main chunk"));
  assert_string_equal(debrief_details(host)->message, "test:1: no");
  assert_false(run("for"));
  assert_failed(DEBRIEF_ESCRIPT, "test:1: ");
  assert_false(run("error { 1 }"));
  assert_failed(DEBRIEF_ESCRIPT, "error object: { 1 }");
  assert_false(run("error(setmetatable({}, { __tostring = function() return 'made' end }))"));
  assert_failed(DEBRIEF_ESCRIPT, "made");
  assert_false(debrief_run_text(host, "test", CODE("error('\\none\\ntwo', 0)"), NULL, NULL, &err));
  assert_string_equal(err.message, "one");
  assert_string_equal(debrief_details(host)->message, "\none\ntwo");
  assert_true(run("return"));
  assert_string_equal(debrief_details(host)->message, "");
  assert_false(debrief_run_file(host, "/nonexistent.lua", NULL, NULL, &err));
  assert_failed(DEBRIEF_ENOENT, "/nonexistent.lua");
  assert_false(run("\033Lua")); /* compiled code could do anything */
  assert_failed(DEBRIEF_ESCRIPT, "attempt to load a binary chunk");
}

static void a_long_message_is_whole_in_the_details(void **state) {
  (void)state;
  assert_false(run("error(('x'):rep(2000), 0)"));
  assert_int_equal(strlen(err.message), sizeof err.message - 1);
  assert_int_equal(strlen(debrief_details(host)->message), 2000);
}

static void exit_ends_the_script_only(void **state) {
  (void)state;
  static const struct {
    const char *code;
    int status;
  } cases[] = {
      {"os.exit(3)", 3},
      {"os.exit()", 0},
      {"os.exit(true)", 0},
      {"os.exit(false)", 1},
      {"os.exit(3, true)", 3},
      {"while true do pcall(os.exit, 4) end", 4},
      {"pcall(os.exit, 5)", 5},
      {"coroutine.wrap(function() pcall(coroutine.wrap(function() os.exit(6) end)) end)() print 'not "
       "reached'",
       6},
      {"local t <close> = setmetatable({}, { __close = function() print 'closed' end }) os.exit(7)", 7},
      {"xpcall(os.exit, function() return os.exit(9) end, 8)", 8},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int status = -1;
    assert_true(debrief_run_text(host, "test", CODE(cases[i].code), NULL, &status, &err));
    if (status != cases[i].status) fail_msg("%s: %d", cases[i].code, status);
    assert_null(strstr(reported, "not reached"));
    assert_eval("1 + 1", "2");
  }
  assert_true(run("os.exit(0)"));
  assert_false(run("os.exit(3)"));
  assert_failed(DEBRIEF_ESCRIPT, "os.exit(3)");
  debrief_text json;
  assert_false(debrief_eval(host, CODE("os.exit(3)"), &json, &err));
  assert_failed(DEBRIEF_ESCRIPT, "os.exit(3)");
}

static void exit_in_a_command_is_its_status(void **state) {
  (void)state;
  char path[4096], *words[] = {"debrief", "run", path, NULL};
  int status = -1;
  put_file(folder, "leave.lua", "print 'before' os.exit(42)");
  snprintf(path, sizeof path, "%s/leave.lua", folder);
  assert_true(debrief_command(host, 3, words, &status, &err));
  assert_int_equal(status, 42);
  assert_string_equal(reported, "before\n");
}

static void an_expression_returns_json(void **state) {
  (void)state;
  add("s1", SKILL("review"));
  assert_eval("1 + 1", "2");
  assert_eval("2^53", "9007199254740992.0");
  assert_eval("nil", "null");
  assert_eval("local x = 3; return { x, 'a' }", "[3,\"a\"]");
  assert_eval("x = 5", "null");
  assert_eval("x", "5");
  assert_eval("log:entries()().skill", "\"review\"");
  assert_eval("1.5", "1.5");
  debrief_text json = CODE("old");
  assert_false(debrief_eval(host, CODE("print"), &json, &err));
  assert_failed(DEBRIEF_ESCRIPT, "a function cannot be written as JSON");
  assert_null(json.data);
  assert_false(debrief_eval(host, CODE("1 +"), &json, &err));
  assert_failed(DEBRIEF_ESCRIPT, "eval:1:");
  assert_false(debrief_eval(host, CODE("error 'x'"), &json, &err));
  assert_failed(DEBRIEF_ESCRIPT, "eval:1: x");
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static void set(const char *name, debrief_value value) {
  if (!debrief_set(host, name, &value, &err)) fail_msg("%s", err.message);
}

static void values_arrive_as_what_they_are(void **state) {
  (void)state;
  set("flag", (debrief_value){DEBRIEF_BOOLEAN, {.boolean = true}});
  set("big", (debrief_value){DEBRIEF_INTEGER, {.integer = INT64_MAX}});
  set("half", (debrief_value){DEBRIEF_NUMBER, {.number = 0.5}});
  set("name", (debrief_value){DEBRIEF_TEXT, {.text = {"a\0b", 3}}});
  set("empty", (debrief_value){DEBRIEF_TEXT, {.text = {NULL, 0}}});
  set("list", (debrief_value){DEBRIEF_JSON, {.text = CODE("[1, {\"k\": null}, 2.0]")}});
  assert_eval("debrief.host.flag", "true");
  assert_eval("debrief.host.big == math.maxinteger", "true");
  assert_eval("debrief.host.half", "0.5");
  assert_eval("debrief.host.name == 'a\\0b'", "true");
  assert_eval("#debrief.host.empty", "0");
  assert_eval(
      "{ debrief.host.list[1], math.type(debrief.host.list[3]), debrief.host.list[2].k == debrief.null }",
      "[1,\"float\",true]");
  assert_eval("debrief.host.nothing", "null");
  assert_eval("local t = {} for k in pairs(debrief.host) do t[#t + 1] = k end return t",
              "[\"big\",\"empty\",\"flag\",\"half\",\"list\",\"name\"]");
  assert_eval("tostring(debrief.host)", "\"debrief.host: big, empty, flag, half, list, name\"");
  set("flag", (debrief_value){DEBRIEF_INTEGER, {.integer = 1}});
  set("big", (debrief_value){.kind = DEBRIEF_NIL});
  set("never", (debrief_value){.kind = DEBRIEF_NIL});
  assert_eval("debrief.host.flag", "1");
  assert_eval("debrief.host.big", "null");
  assert_false(run("debrief.host.x = 1"));
  assert_failed(DEBRIEF_ESCRIPT, "debrief.host.x cannot be set");
}

static void what_is_no_value_is_refused(void **state) {
  (void)state;
  debrief_value value = {DEBRIEF_JSON, {.text = CODE("[1,")}};
  assert_false(debrief_set(host, "a", &value, &err));
  assert_int_equal(err.offset, 3);
  assert_failed(DEBRIEF_EJSON, "debrief_set");
  value = (debrief_value){.kind = (debrief_value_kind)99};
  assert_false(debrief_set(host, "a", &value, &err));
  assert_failed(DEBRIEF_EARG, "99");
  value = (debrief_value){DEBRIEF_TEXT, {.text = {NULL, 4}}};
  assert_false(debrief_set(host, "a", &value, &err));
  assert_failed(DEBRIEF_EARG, "not a value");
  value.kind = DEBRIEF_NIL;
  static const char *const names[] = {"", "1a", "a b", "a.b", "ä"};
  for (int i = 0; i < 5; i++) {
    assert_false(debrief_set(host, names[i], &value, &err));
    assert_failed(DEBRIEF_EARG, "not a Lua name");
  }
}

/* ---- Functions --------------------------------------------------------------------------------------------------- */

/* All arguments, back as they came. */
static bool echo(void *user, debrief_call *call) {
  ++*(int *)user;
  for (size_t i = 0; i < debrief_call_count(call); i++) {
    debrief_value value = debrief_call_argument(call, i);
    if (!debrief_call_return(call, &value)) return debrief_call_fail(call, "too many");
  }
  return true;
}

static bool refuses(void *user, debrief_call *call) {
  return user ? debrief_call_fail(call, user) : false;
}

static bool gives_bad_json(void *user, debrief_call *call) {
  (void)user;
  debrief_value value = {DEBRIEF_JSON, {.text = CODE("{")}}, none = {.kind = (debrief_value_kind)50};
  assert_false(debrief_call_return(call, NULL));
  assert_false(debrief_call_return(call, &none));
  assert_int_equal(debrief_call_argument(call, 7).kind, DEBRIEF_NIL);
  return debrief_call_return(call, &value);
}

static void a_function_gets_arguments_and_returns_results(void **state) {
  (void)state;
  int calls = 0;
  add("s1", SKILL("review"));
  assert_true(debrief_register(host, "echo", echo, &calls, DEBRIEF_HOST_THREAD, &err));
  assert_eval("select('#', debrief.host.echo())", "0");
  assert_eval("table.pack(debrief.host.echo(true, 1, 1.0, 'a\\0b', { x = { 1 } })).n", "5");
  assert_eval("local b, i, f, s, t = debrief.host.echo(true, 1, 1.0, 'a\\0b', { x = { 1 } })\n"
              "return { b, math.type(i), math.type(f), s == 'a\\0b', t.x[1] }",
              "[true,\"integer\",\"float\",true,1]");
  assert_eval("debrief.host.echo(log:entries()()).skill", "\"review\"");
  assert_eval("#debrief.host.echo(('x'):rep(1000000))", "1000000");
  assert_int_equal(calls, 5);
  assert_false(run("debrief.host.echo(table.unpack({}, 1, 17))"));
  assert_failed(DEBRIEF_ESCRIPT, "test:1: too many");
  assert_false(run("debrief.host.echo(1, print)"));
  assert_failed(DEBRIEF_ESCRIPT, "a function cannot be written as JSON");
}

static void a_failing_function_is_an_error_at_the_call(void **state) {
  (void)state;
  assert_true(debrief_register(host, "says", refuses, "no such ticket", DEBRIEF_HOST_THREAD, &err));
  assert_true(debrief_register(host, "silent", refuses, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_true(debrief_register(host, "json", gives_bad_json, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_false(run("\ndebrief.host.says(1)"));
  assert_failed(DEBRIEF_ESCRIPT, "test:2: no such ticket");
  assert_eval("select(2, pcall(debrief.host.silent))", "\"the host's function failed\"");
  assert_false(run("debrief.host.json()"));
  assert_failed(DEBRIEF_ESCRIPT, "the host returned invalid JSON");
}

static void a_function_can_be_replaced_and_taken_away(void **state) {
  (void)state;
  int first = 0, second = 0;
  debrief_value nil = {.kind = DEBRIEF_NIL};
  assert_true(debrief_register(host, "f", echo, &first, DEBRIEF_HOST_THREAD, &err));
  assert_true(run("f = debrief.host.f; f()"));
  assert_true(debrief_register(host, "f", echo, &second, DEBRIEF_HOST_THREAD, &err));
  assert_true(run("f()"));
  assert_int_equal(first, 1);
  assert_int_equal(second, 1);
  assert_true(debrief_set(host, "f", &nil, &err));
  assert_false(run("f()"));
  assert_failed(DEBRIEF_ESCRIPT, "no function 'f' any more");
}

static void plugins_see_values_and_functions(void **state) {
  (void)state;
  int calls = 0;
  add("s1", SKILL("review"));
  put_plugin("asks",
             "enrich = function(entry) local host = require 'debrief'.host\n"
             "entry.team, entry.seen = host.team, host.echo(entry.skill) end,\n"
             "filter = function(entry) local n = 0 for _ in pairs(require 'debrief'.host) do n = n + 1 end\n"
             "return n == 2 end");
  set("team", (debrief_value){DEBRIEF_TEXT, {.text = CODE("core")}});
  assert_true(debrief_register(host, "echo", echo, &calls, DEBRIEF_HOST_THREAD, &err));
  debrief_query query = reporting();
  query.enrich = query.filter = "asks";
  query.where = "debrief.host.team == 'core'";
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  debrief_found found;
  debrief_next next = debrief_entries_next(entries, &found, &err);
  assert_string_equal(reported, "");
  assert_int_equal(next, DEBRIEF_NEXT_ENTRY);
  char team[16], seen[16];
  debrief_string(debrief_member(found.json, "team"), team, sizeof team);
  debrief_string(debrief_member(found.json, "seen"), seen, sizeof seen);
  assert_string_equal(team, "core");
  assert_string_equal(seen, "review");
  debrief_entries_close(entries);
}

static debrief_code inside;

static bool calls_the_host(void *user, debrief_call *call) {
  debrief_error e;
  debrief_text json;
  debrief_value value = {DEBRIEF_INTEGER, {.integer = 9}};
  (void)user;
  (void)call;
  inside = debrief_eval(host, CODE("1"), &json, &e) ? DEBRIEF_OK : e.code;
  return debrief_set(host, "set_inside", &value, &e) && debrief_append_json(host, "s9", "{}", 2, NULL, &e);
}

static void a_function_may_set_and_append_and_is_refused_the_rest(void **state) {
  (void)state;
  assert_true(debrief_register(host, "f", calls_the_host, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_eval("debrief.host.f() or debrief.host.set_inside", "9");
  assert_int_equal(inside, DEBRIEF_EARG);
  assert_file_has("s9.jsonl", "s9");
}

static void null_is_an_error(void **state) {
  (void)state;
  debrief_text json, none = {NULL, 0};
  debrief_value value = {.kind = DEBRIEF_NIL};
  int status;
  assert_false(debrief_run_file(NULL, "x", NULL, &status, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_run_file(host, NULL, NULL, &status, NULL));
  assert_false(debrief_run_text(NULL, "x", CODE(""), NULL, &status, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_run_text(host, NULL, CODE(""), NULL, &status, NULL));
  assert_false(debrief_run_text(host, "x", none, NULL, &status, NULL));
  assert_false(debrief_eval(NULL, CODE(""), &json, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_eval(host, none, &json, NULL));
  assert_false(debrief_eval(host, CODE("1"), NULL, NULL));
  assert_false(debrief_set(NULL, "x", &value, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_set(host, NULL, &value, NULL));
  assert_false(debrief_set(host, "x", NULL, NULL));
  assert_false(debrief_register(NULL, "x", echo, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_register(host, NULL, echo, NULL, DEBRIEF_HOST_THREAD, NULL));
  assert_false(debrief_register(host, "x", NULL, NULL, DEBRIEF_HOST_THREAD, NULL));
  assert_int_equal(debrief_call_count(NULL), 0);
  assert_int_equal(debrief_call_argument(NULL, 0).kind, DEBRIEF_NIL);
  assert_false(debrief_call_return(NULL, &value));
  assert_false(debrief_call_fail(NULL, "x"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_script_finds_the_log_its_words_and_what_ran_before, with_print,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_failing_script_says_where, with_print, tear_down),
      cmocka_unit_test_setup_teardown(a_long_message_is_whole_in_the_details, with_print, tear_down),
      cmocka_unit_test_setup_teardown(exit_ends_the_script_only, with_print, tear_down),
      cmocka_unit_test_setup_teardown(exit_in_a_command_is_its_status, with_print, tear_down),
      cmocka_unit_test_setup_teardown(an_expression_returns_json, with_print, tear_down),
      cmocka_unit_test_setup_teardown(values_arrive_as_what_they_are, with_print, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_value_is_refused, with_print, tear_down),
      cmocka_unit_test_setup_teardown(a_function_gets_arguments_and_returns_results, with_print, tear_down),
      cmocka_unit_test_setup_teardown(a_failing_function_is_an_error_at_the_call, with_print, tear_down),
      cmocka_unit_test_setup_teardown(a_function_can_be_replaced_and_taken_away, with_print, tear_down),
      cmocka_unit_test_setup_teardown(plugins_see_values_and_functions, with_print, tear_down),
      cmocka_unit_test_setup_teardown(a_function_may_set_and_append_and_is_refused_the_rest, with_print,
                                      tear_down),
      cmocka_unit_test_setup_teardown(null_is_an_error, with_print, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
