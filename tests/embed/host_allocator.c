/* The host's allocator: every block is freed with its true size, and wherever memory runs out, a call says so and the
 * host goes on. Plugins that need more than plugin_memory. */
#include "host.h"

#include <stdatomic.h>

/* Every block has its size in front of it. */
enum { HEAD = 16 };

static atomic_long count, bytes, fail_at; /* fail_at: the number of the call that fails; 0: none */
static atomic_bool for_good;              /* all later ones fail too */

static void *allocate(void *user, void *block, size_t old_size, size_t new_size) {
  char *start = block ? (char *)block - HEAD : NULL;
  size_t kept;
  assert_ptr_equal(user, &count);
  if (start) {
    memcpy(&kept, start, sizeof kept);
    assert_int_equal(kept, old_size);
  }
  if (new_size == 0) {
    if (start) atomic_fetch_sub(&bytes, (long)old_size);
    free(start);
    return NULL;
  }
  long n = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
  if (at && (n == at || (n > at && atomic_load(&for_good)))) return NULL;
  start = realloc(start, HEAD + new_size);
  assert_non_null(start);
  memcpy(start, &new_size, sizeof new_size);
  atomic_fetch_add(&bytes, (long)new_size - (block ? (long)old_size : 0));
  return start + HEAD;
}

static const char script[] = "local report, message = log:retro('sum', { workers = 2 })\n"
                             "if not report then error(message, 0) end\n"
                             "for _, p in ipairs(report.problems) do error(p.message, 0) end\n"
                             "local all = {} for i = 1, 100 do all[i] = ('x'):rep(i * 100) end\n"
                             "assert(report:text():find('3'))";

/* True, or false for want of memory only. */
static bool fine(bool ok) {
  if (ok) return true;
  if (!strstr(err.message, "memory")) fail_msg("%d: %s", (int)err.code, err.message);
  return false;
}

static bool work(void) {
  debrief_query query = reporting();
  query.enrich = "team";
  bool ok = fine(debrief_append_json(host, "s1", SKILL("a"), strlen(SKILL("a")), &query, &err));
  ok = fine(debrief_run_text(host, "all", (debrief_text){script, strlen(script)}, NULL, NULL, &err)) && ok;
  debrief_entries *entries = debrief_query_entries(host, &query, &err);
  debrief_next next = DEBRIEF_NEXT_ENTRY;
  for (debrief_found found; entries && next == DEBRIEF_NEXT_ENTRY;)
    next = debrief_entries_next(entries, &found, &err);
  ok = fine(entries && next == DEBRIEF_NEXT_END) && ok;
  debrief_entries_close(entries);
  return ok;
}

static bool open_host(void) {
  host = debrief_open(&(debrief_config){.struct_size = sizeof(debrief_config),
                                        .dir = folder,
                                        .plugin_path = folder,
                                        .allocate = allocate,
                                        .allocate_user = &count},
                      &err);
  if (!host) assert_int_equal(err.code, DEBRIEF_EMEMORY);
  return host;
}

/* Open, work, close, while allocation number `at` fails; and once more in the same host when there is memory again. */
static long once(long at, bool ever_after) {
  atomic_store(&count, 0);
  atomic_store(&fail_at, at);
  atomic_store(&for_good, ever_after);
  if (open_host()) {
    work();
    atomic_store(&fail_at, 0);
    if (!work()) fail_msg("with memory again, after failing at %ld: %s", at, err.message);
    debrief_close(host);
    host = NULL;
  }
  assert_int_equal(atomic_load(&bytes), 0);
  return atomic_load(&count);
}

static void put_plugins(void) {
  debrief_close(host);
  host = NULL;
  put_plugin("team", "enrich = function(entry) entry.team = ('x'):rep(3) end");
  put_plugin("sum",
             "retrospective = {\n"
             "init = function() return { n = 3 } end, step = function(acc, e) acc[#acc + 1] = e.skill end,\n"
             "merge = function(acc, o) table.move(o, 1, #o, #acc + 1, acc) end,\n"
             "finish = function(acc) return { title = tostring(acc.n) } end }");
  put_file(folder, "s2.jsonl", "{\"session_id\":\"s2\",\"skill\":\"b\"}\n");
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  put_plugins();
  long all = once(0, false);
  assert_true(all > 10);
  for (long at = 1; at < all; at += all / 50 + 1) { /* some thousands, with a sanitizer millions */
    once(at, false);
    once(at, true);
  }
}

static void a_plugin_over_its_limit_is_reported_and_others_go_on(void **state) {
  (void)state;
  put_plugins();
  put_plugin("hungry", "retrospective = { init = function() return {} end,\n"
                       "step = function(acc) for i = 1, 55 do acc[i] = ('x'):rep(40000 + i) end end,\n"
                       "merge = function() end, finish = function() return { title = 'full' } end }");
  open_with((debrief_config){.plugin_memory = 3000000, .workers = 1});
  add("s1", SKILL("a"));
  static const char code[] =
      "local r = assert(log:retro('hungry,sum'))\n"
      "return #r.reports .. r.reports[1].title .. #r.problems .. r.problems[1].plugin ..\n"
      "  r.problems[1].message";
  debrief_text json;
  if (!debrief_eval(host, (debrief_text){code, strlen(code)}, &json, &err)) fail_msg("%s", err.message);
  assert_string_equal(json.data, "\"131hungrynot enough memory: plugins may use 3000000 bytes here\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_allocation_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_plugin_over_its_limit_is_reported_and_others_go_on, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
