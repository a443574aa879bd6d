/* A host in a Lua state of the caller's: what it finds there, and what is left when it goes. */
#include "host.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>

static lua_State *L;

static int set_up_state(void **state) {
  set_up(state);
  debrief_close(host);
  host = NULL;
  L = luaL_newstate();
  luaL_openlibs(L);
  return 0;
}

static int tear_down_state(void **state) {
  int result = tear_down(state);
  lua_close(L);
  return result;
}

static debrief_config config(void) {
  return (debrief_config){
      .struct_size = sizeof(debrief_config), .dir = folder, .plugin_path = folder, .signal = SIGURG};
}

static void attach(void) {
  debrief_config given = config();
  host = debrief_attach(L, &given, &err);
  if (!host) fail_msg("%s", err.message);
}

static void detach(void) {
  debrief_close(host);
  host = NULL;
}

/* Run this in the caller's state, past the host. */
static void lua(const char *code) {
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_settop(L, 0);
}

static void run(const char *code) {
  if (!debrief_run_text(host, "script", (debrief_text){code, strlen(code)}, NULL, NULL, &err))
    fail_msg("%s", err.message);
}

static void scripts_and_the_caller_share_the_state(void **state) {
  (void)state;
  lua("mine, log = 5, 'my own'");
  attach();
  add("s1", SKILL("a"));
  run("mine = mine + 1; theirs = log; for e in log:entries() do skill = e.skill end");
  lua("assert(mine == 6 and skill == 'a' and theirs == log and debrief == require 'debrief')");
  run("assert(log:retro('skills', { workers = 2 }).entries == 1)");
  detach();
  lua("assert(mine == 6 and log == 'my own' and debrief == nil and cjson == nil and arg == nil)");
  assert_int_equal(lua_gettop(L), 0);
}

static void the_state_is_as_it_was(void **state) {
  (void)state;
  lua("kept = {} for k, v in pairs(coroutine) do kept[k] = v end kept.hook = { debug.gethook() }\n"
      "debug.sethook(function() calls = (calls or 0) + 1 end, 'c')");
  attach();
  lua("assert(coroutine.resume ~= kept.resume)");
  detach();
  lua("for k, v in pairs(coroutine) do assert(kept[k] == v, k) end assert(debug.gethook() and calls > 0)");
}

static void what_is_left_works_as_in_any_lua(void **state) {
  (void)state;
  put_plugin("slow",
             "retrospective = { init = function() return {} end, step = function() while true do end end,\n"
             "merge = function() end, finish = function() return { title = 'x' } end }");
  attach();
  add("s1", SKILL("a"));
  run("core = require 'debrief.core'; worker, crew = core.worker(), core.crew(1, core.pack {})\n"
      "theirs = debrief.open(log.dir); host_values = debrief.host; wrap = coroutine.wrap");
  debrief_value one = {.kind = DEBRIEF_INTEGER, .as.integer = 1};
  assert_true(debrief_set(host, "one", &one, &err));
  run("assert(host_values.one == 1)");
  detach();
  lua("assert(not pcall(worker.call, worker, 'finish') and not pcall(crew.take, crew))\n"
      "assert(host_values.one == nil and wrap(function() return 7 end)() == 7)\n"
      "for e in theirs:entries() do seen = e.skill end assert(seen == 'a')\n"
      "assert(theirs:retro('skills').entries == 1)\n"
      "assert(core.guard(nil, function() return true end))");
  attach(); /* and again */
  assert_true(debrief_set(host, "one", &one, &err));
  run("assert(host_values.one == 1 and log:retro('skills').entries == 1)");
}

static void two_hosts_in_one_state_are_refused(void **state) {
  (void)state;
  attach();
  debrief_config given = config();
  assert_null(debrief_attach(L, &given, &err));
  assert_failed(DEBRIEF_EARG, "a host is attached to it already");
  assert_null(debrief_attach(lua_newthread(L), &given, &err));
  assert_failed(DEBRIEF_EARG, "coroutine");
  assert_null(debrief_attach(NULL, &given, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  lua_settop(L, 0);
  run("return 1"); /* the first one still works */
  lua_State *bare = luaL_newstate();
  assert_null(debrief_attach(bare, &given, &err));
  assert_failed(DEBRIEF_EARG, "package");
  lua_close(bare);
}

static bool give_text(debrief_call *call, const char *text) {
  return debrief_call_return(call, &(debrief_value){.kind = DEBRIEF_TEXT, .as.text = {text, strlen(text)}});
}

static bool inner(void *user, debrief_call *call) {
  (void)user;
  return debrief_call_count(call) == 0 ? give_text(call, "inner") : debrief_call_fail(call, "no");
}

/* The caller owns the state, and may use it in its own functions. */
static bool outer(void *user, debrief_call *call) {
  (void)user;
  bool ok = give_text(call, "before the inner one");
  lua("assert(debrief.host.inner() == 'inner' and not pcall(debrief.host.inner, 1))");
  return ok && give_text(call, "after");
}

static void functions_of_the_host_may_call_each_other(void **state) {
  (void)state;
  attach();
  assert_true(debrief_register(host, "inner", inner, NULL, DEBRIEF_HOST_THREAD, &err));
  assert_true(debrief_register(host, "outer", outer, NULL, DEBRIEF_HOST_THREAD, &err));
  for (int i = 0; i < 2; i++)
    run("local a, b = debrief.host.outer() assert(a == 'before the inner one' and b == 'after', a)\n"
        "assert(debrief.host.inner() == 'inner')");
}

static void a_state_without_searchers_is_refused(void **state) {
  (void)state;
  debrief_config given = config();
  lua("kept = package package = nil");
  attach(); /* the library is loaded, but not required by name */
  run("assert(log)");
  detach();
  lua_close(L);
  L = luaL_newstate();
  luaL_openlibs(L);
  lua("package.searchers = nil");
  assert_null(debrief_attach(L, &given, &err));
  assert_failed(DEBRIEF_EARG, "package");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(scripts_and_the_caller_share_the_state, set_up_state, tear_down_state),
      cmocka_unit_test_setup_teardown(the_state_is_as_it_was, set_up_state, tear_down_state),
      cmocka_unit_test_setup_teardown(what_is_left_works_as_in_any_lua, set_up_state, tear_down_state),
      cmocka_unit_test_setup_teardown(two_hosts_in_one_state_are_refused, set_up_state, tear_down_state),
      cmocka_unit_test_setup_teardown(functions_of_the_host_may_call_each_other, set_up_state,
                                      tear_down_state),
      cmocka_unit_test_setup_teardown(a_state_without_searchers_is_refused, set_up_state, tear_down_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
