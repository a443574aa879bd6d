/* Hosts side by side: on threads, on one folder, under a locale of the program's. */
#include "host.h"

#include <locale.h>
#include <pthread.h>

#define CODE(s) ((debrief_text){s, strlen(s)})

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 20 };

typedef struct job {
  int number, logged;
  bool ok;
  debrief_error err;
} job;

static void count_log(void *user, const char *level, const char *text) {
  (void)level;
  (void)text;
  __atomic_add_fetch(&((job *)user)->logged, 1, __ATOMIC_RELAXED);
}

static bool number_of(void *user, debrief_call *call) {
  debrief_value value = {DEBRIEF_INTEGER, {.integer = ((job *)user)->number}};
  return debrief_call_return(call, &value);
}

static bool append_all(debrief *own, job *j, const char *id) {
  debrief_query through = {.struct_size = sizeof through, .enrich = "stamp"};
  bool ok = debrief_register(own, "number", number_of, j, DEBRIEF_ANY_THREAD, &j->err);
  for (int i = 0; ok && i < ROUNDS; i++)
    ok = debrief_append_json(own, id, SKILL("x"), strlen(SKILL("x")), &through, &j->err);
  return ok;
}

static bool look_back(debrief *own, job *j, const char *id) {
  debrief_query query = {.struct_size = sizeof query, .sessions = id};
  char expected[32];
  snprintf(expected, sizeof expected, "%d of %d", ROUNDS * j->number, j->number);
  debrief_result *result = debrief_retro(own, "sum", &query, &j->err);
  bool ok = result && result->report_count == 1 && strcmp(result->reports[0]->title.data, expected) == 0;
  debrief_result_close(result);
  debrief_entries *entries = debrief_query_entries(own, &query, &j->err);
  debrief_found found;
  int n = 0;
  while (entries && debrief_entries_next(entries, &found, &j->err) == DEBRIEF_NEXT_ENTRY) n++;
  debrief_entries_close(entries);
  return ok && n == ROUNDS;
}

static void *work(void *argument) {
  job *j = argument;
  char id[16], code[64];
  debrief_text json;
  debrief_config config = {.struct_size = sizeof config,
                           .dir = folder,
                           .plugin_path = folder,
                           .workers = 2,
                           .on_log = count_log,
                           .user = j};
  snprintf(id, sizeof id, "s%d", j->number);
  snprintf(code, sizeof code, "n = (n or 0) + %d; return n", j->number);
  debrief *own = debrief_open(&config, &j->err);
  j->ok = own && append_all(own, j, id) && look_back(own, j, id) &&
          debrief_eval(own, CODE(code), &json, &j->err) && atoi(json.data) == j->number;
  debrief_close(own);
  return NULL;
}

static void hosts_on_different_threads_do_not_meet(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  job jobs[THREADS] = {{0}};
  put_plugin("stamp", "enrich = function(entry) entry.n = require 'debrief'.host.number() end");
  put_plugin("sum", "retrospective = { init = function() return { n = 0 } end,\n"
                    "step = function(acc, entry, ctx) acc.n = acc.n + entry.n ctx.log('info', 'seen') end,\n"
                    "merge = function(a, b) a.n = a.n + b.n end,\n"
                    "finish = function(acc) return { title = ('%d of %d'):format(acc.n, "
                    "require 'debrief'.host.number()) } end }");
  for (int i = 0; i < THREADS; i++) {
    jobs[i].number = i + 1;
    assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++) {
    if (!jobs[i].ok) fail_msg("thread %d: %s", i, jobs[i].err.message);
    assert_int_equal(jobs[i].logged, ROUNDS);
  }
}

static void *use(void *argument) {
  debrief_error e;
  debrief_text json;
  *(bool *)argument = debrief_eval(host, CODE("1"), &json, &e);
  return NULL;
}

static void a_host_may_wander_from_thread_to_thread(void **state) {
  (void)state;
  pthread_t thread;
  bool ok = false;
  assert_int_equal(pthread_create(&thread, NULL, use, &ok), 0);
  pthread_join(thread, NULL);
  assert_true(ok);
  ok = false;
  use(&ok);
  assert_true(ok);
}

/* ---- A small stack ----------------------------------------------------------------------------------------------- */

/* What debrief.h asks for; a sanitizer makes frames bigger. */
enum {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  STACK = 16 * 512 * 1024,
#else
  STACK = 512 * 1024,
#endif
  LEVELS = 990 /* of `input`; with the entry's own there are as many as an entry may have, less a few */
};

/* What goes deepest, each with what it must return: walks of a value by a call for each level, in Lua and in C, and calls of
 * Lua from C within each other, which Lua ends at 200. */
static const struct {
  const char *code, *expected;
} deepest[] = {
    {"local debrief = require 'debrief'\n"
     "function walk(v) local n = 0 for _, inner in pairs(v) do "
     "n = n + 1 + (debrief.type(inner) == 'object' and walk(inner) or 0) end return n end\n"
     "for entry in log:entries() do return walk(entry.input) end",
     "990"},
    {"for entry in log:entries() do return #debrief.encode(debrief.table(entry).input) end", "5941"},
    {"for entry in log:entries() do return #debrief.encode(debrief.decode(tostring(entry)).input) end",
     "5941"},
    {"local n = 0\n"
     "local function deep() n = n + 1 return (('x'):gsub('x', deep)) end\n"
     "local ok, message = pcall(deep)\n"
     "return not ok and n > 100 and message:find 'C stack overflow' ~= nil",
     "true"},
    {"local n = 0\n"
     "local function deep() n = n + 1 table.sort({ 1, 2, 3 }, deep) end\n"
     "local ok, message = pcall(deep)\n"
     "return not ok and n > 100 and message:find 'C stack overflow' ~= nil",
     "true"},
    {"local n = 0\n"
     "local value = setmetatable({}, {})\n"
     "getmetatable(value).__tostring = function(v) n = n + 1 return ('%s'):format(v) end\n"
     "local ok, message = pcall(tostring, value)\n"
     "return not ok and n > 50 and message:find 'C stack overflow' ~= nil",
     "true"},
    {"local n = 0\n"
     "local function deep() n = n + 1 assert(load(deep)) end\n"
     "local ok, message = pcall(deep)\n"
     "return not ok and n > 50 and message:find 'C stack overflow' ~= nil",
     "true"},
    {"local n = 0\n"
     "local function deep() n = n + 1 coroutine.wrap(deep)() end\n"
     "local ok, message = pcall(deep)\n"
     "return not ok and n > 100 and message:find 'C stack overflow' ~= nil",
     "true"},
    {"return load('return ' .. ('('):rep(1000) .. '1' .. (')'):rep(1000)) == nil", "true"},
};

static void append_deep_entry(void) {
  dbf_bytes json;
  dbf_bytes_init(&json);
  dbf_bytes_append(&json, "{\"input\":", 9);
  for (int i = 0; i < LEVELS; i++) dbf_bytes_append(&json, "{\"a\":", 5);
  dbf_bytes_append(&json, "1", 1);
  for (int i = 0; i < LEVELS; i++) dbf_bytes_append(&json, "}", 1);
  dbf_bytes_append(&json, "}", 2);
  add("deep", json.data);
  dbf_bytes_release(&json);
}

/* What the thread found out: cmocka's own checks end a test on its first thread only. */
typedef struct depth {
  char *results[sizeof deepest / sizeof *deepest];
  bool enriched;
  debrief_error err;
} depth;

static void *go_deep(void *argument) {
  depth *d = argument;
  debrief_query through = {.struct_size = sizeof through, .enrich = "diver"};
  for (size_t i = 0; i < sizeof deepest / sizeof *deepest; i++) {
    debrief_text json;
    bool ok = debrief_eval(host, CODE(deepest[i].code), &json, &d->err);
    d->results[i] = strdup(ok ? json.data : d->err.message);
  }
  d->enriched = debrief_append_json(host, "shallow", SKILL("x"), strlen(SKILL("x")), &through, &d->err);
  return NULL;
}

static void the_deepest_calls_fit_the_stack_that_is_asked_for(void **state) {
  (void)state;
  pthread_t thread;
  pthread_attr_t attributes;
  depth d = {0};
  put_plugin("diver",
             "enrich = function(entry)\n"
             "local n = 0\n"
             "local function deep() n = n + 1 return (('x'):gsub('x', deep)) end\n"
             "local ok, message = pcall(deep)\n"
             "if not ok and message:find('C stack overflow', 1, true) then entry.deep = n > 100 end end");
  append_deep_entry();
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstacksize(&attributes, STACK), 0);
  assert_int_equal(pthread_create(&thread, &attributes, go_deep, &d), 0);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  for (size_t i = 0; i < sizeof deepest / sizeof *deepest; i++) {
    if (strcmp(d.results[i], deepest[i].expected) != 0) fail_msg("%s: %s", deepest[i].code, d.results[i]);
    free(d.results[i]);
  }
  if (!d.enriched) fail_msg("%s", d.err.message);
  assert_file_has("shallow.jsonl", "\"deep\":true");
}

/* ---- One folder -------------------------------------------------------------------------------------------------- */

static void two_hosts_share_a_folder(void **state) {
  (void)state;
  debrief_config config = {.struct_size = sizeof config, .dir = folder};
  debrief *other = debrief_open(&config, &err);
  debrief_found found;
  debrief_text json;
  add("s1", SKILL("one"));
  assert_true(debrief_append_json(other, "s1", SKILL("two"), strlen(SKILL("two")), NULL, &err));
  assert_true(debrief_eval(other, CODE("only_here = 1"), &json, &err));
  assert_true(debrief_eval(host, CODE("only_here"), &json, &err));
  assert_string_equal(json.data, "null");
  debrief_entries *entries = debrief_query_entries(host, NULL, &err);
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
  debrief_close(other);
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_ENTRY);
  assert_int_equal(found.line, 2);
  assert_int_equal(debrief_entries_next(entries, &found, &err), DEBRIEF_NEXT_END);
  debrief_entries_close(entries);
}

/* ---- Locale ------------------------------------------------------------------------------------------------------ */

/* A locale that writes one half as 0,5; false: it cannot be made here. */
static bool with_comma(void) {
  char command[4200], half[16];
  snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", folder);
  if (system(command) < 0) return false;
  setenv("LOCPATH", folder, 1);
  if (!setlocale(LC_ALL, "de_DE.UTF-8")) return false;
  snprintf(half, sizeof half, "%.1f", 0.5);
  return strcmp(half, "0,5") == 0;
}

static char *written;

static bool keep(void *user, debrief_text text) {
  (void)user;
  written = strdup(text.data);
  return true;
}

static void numbers_keep_their_point_and_the_program_its_locale(void **state) {
  (void)state;
  if (!with_comma()) {
    setlocale(LC_ALL, "C");
    skip();
  }
  debrief_text json;
  assert_true(
      debrief_eval(host, CODE("{ 0.5, tostring(1.5), ('%.2f'):format(2.5), tonumber '3.5', #os.date '%A' }"),
                   &json, &err));
  char *copy = strdup(json.data);
  put_plugin("half",
             "enrich = function(entry) entry.half = 0.5 end,\n"
             "retrospective = { init = function() return { n = 0.0 } end,\n"
             "step = function(acc, entry) acc.n = acc.n + (tostring(entry.half) == '0.5' and 0.5 or 9) end,\n"
             "merge = function(a, b) a.n = a.n + b.n end,\n"
             "finish = function(acc) return { title = ('%.2f'):format(acc.n) } end }");
  debrief_query through = {.struct_size = sizeof through, .enrich = "half"};
  bool appended = debrief_append_json(host, "s1", "{}", 2, &through, &err);
  bool looked = debrief_retro_write(host, "half", NULL, NULL, keep, NULL, &err);
  char half[16];
  snprintf(half, sizeof half, "%.1f", 0.5);
  const char *now = setlocale(LC_ALL, NULL);
  bool kept = strcmp(now, "de_DE.UTF-8") == 0;
  setlocale(LC_ALL, "C");
  assert_true(appended && looked && kept);
  assert_string_equal(half, "0,5");
  assert_memory_equal(copy, "[0.5,\"1.5\",\"2.50\",3.5,", 22);
  assert_file_has("s1.jsonl", "\"half\":0.5}");
  assert_memory_equal(written, "0.50\n", 5);
  free(written);
  free(copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(hosts_on_different_threads_do_not_meet, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_host_may_wander_from_thread_to_thread, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_deepest_calls_fit_the_stack_that_is_asked_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(two_hosts_share_a_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(numbers_keep_their_point_and_the_program_its_locale, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
