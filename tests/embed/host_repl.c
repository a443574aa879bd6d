/* debrief_repl and debrief_complete, with a console that is a script: lines to be read, and what comes of them as text. */
#include "host.h"

/* One thing that is read: a line, or the input of another kind. */
typedef struct step {
  debrief_input input;
  debrief_text line;
  void (*look)(debrief_completer *completer); /* called before it is given; NULL */
} step;

#define LINE(s) \
  { DEBRIEF_INPUT_LINE, {s, sizeof(s) - 1}, NULL }

static const step *steps;
static size_t at;
static char seen[1 << 20]; /* prompts, what was written, what was remembered */
static bool write_fails;
static debrief_completer *stale;

static void see(const char *mark, debrief_text text) {
  size_t n = strlen(seen);
  snprintf(seen + n, sizeof seen - n, "%s%.*s", mark, (int)text.len, text.data);
}

static debrief_input read_line(void *user, const char *prompt, debrief_completer *completer,
                               debrief_text *line) {
  assert_ptr_equal(user, seen);
  see("", (debrief_text){prompt, strlen(prompt)});
  const step *s = &steps[at++];
  stale = completer;
  if (s->look) s->look(completer);
  if (s->input == DEBRIEF_INPUT_LINE) see("", s->line), see("\n", (debrief_text){"", 0});
  *line = s->line;
  return s->input;
}

static bool write_text(void *user, bool is_error, debrief_text text) {
  assert_ptr_equal(user, seen);
  see(is_error ? "!" : "", text);
  return !write_fails;
}

static void remember(void *user, debrief_text statement) {
  assert_ptr_equal(user, seen);
  see("[", statement);
  see("]\n", (debrief_text){"", 0});
}

static int columns(void *user) {
  (void)user;
  return 40;
}

static debrief_console console_of(const step *script) {
  steps = script;
  at = 0;
  seen[0] = '\0';
  write_fails = false;
  return (debrief_console){.struct_size = sizeof(debrief_console),
                           .read_line = read_line,
                           .write = write_text,
                           .remember = remember,
                           .columns = columns,
                           .user = seen};
}

static void talk(const step *script) {
  debrief_console console = console_of(script);
  if (!debrief_repl(host, &console, &err)) fail_msg("%s", err.message);
}

static void lines_are_run_and_remembered(void **state) {
  (void)state;
  add("s1", SKILL("review"));
  talk((step[]){LINE("x = 20 + 1"),
                LINE("for i = 1, 2 do"),
                LINE("print(i) end"),
                LINE("x * 2"),
                LINE("#list(log:sessions())"),
                {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  assert_string_equal(seen, "> x = 20 + 1\n[x = 20 + 1]\n> for i = 1, 2 do\n>> print(i) end\n"
                            "[for i = 1, 2 do\nprint(i) end]\n1\n2\n> x * 2\n[x * 2]\n42\n"
                            "> #list(log:sessions())\n[#list(log:sessions())]\n1\n> ");
}

static void errors_are_written_and_nothing_is_lost(void **state) {
  (void)state;
  talk((step[]){LINE("y = 1"),
                LINE("error 'no'"),
                LINE("x ="),
                {DEBRIEF_INPUT_INTERRUPTED, {NULL, 0}, NULL},
                LINE("y"),
                LINE("error()"),
                LINE("error(setmetatable({}, {__tostring = error}))"),
                LINE(".quit")});
  assert_non_null(strstr(seen, "!"));
  assert_non_null(strstr(seen, "no"));
  assert_non_null(strstr(seen, ">> > y\n[y]\n1\n"));
}

static void any_bytes_come_through(void **state) {
  (void)state;
  static char line[200000];
  size_t n = (size_t)sprintf(line, "s = 'ü");
  line[n++] = '\0';
  memset(line + n, 'x', sizeof line - n - 1);
  line[sizeof line - 1] = '\'';
  const step script[] = {{DEBRIEF_INPUT_LINE, {line, sizeof line}, NULL},
                         LINE("#s"),
                         LINE("s:byte(3)"),
                         LINE("a = 1\nb = 2\na + b"), /* a paste */
                         {DEBRIEF_INPUT_END, {NULL, 0}, NULL}};
  debrief_console console = console_of(script);
  console.remember = NULL;
  console.columns = NULL;
  assert_true(debrief_repl(host, &console, &err));
  assert_non_null(strstr(seen, "> #s\n199994\n> s:byte(3)\n0\n"));
  assert_non_null(strstr(seen, "\n3\n> "));
}

static void leaving_is_no_failure(void **state) {
  (void)state;
  talk((step[]){LINE("x = 5"), LINE("os.exit(3)")});
  assert_int_equal(at, 2);
  talk((step[]){LINE(".quit")});
  assert_true(debrief_run_text(host, "set", (debrief_text){"shared = 6", 10}, NULL, NULL, &err));
  talk((step[]){LINE("x, shared"), {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  assert_string_equal(seen, "> x, shared\n[x, shared]\nnil\t6\n> ");
}

/* ---- Completion ---------------------------------------------------------------------------------------------------- */

static char candidates[8192];

static bool each(void *user, debrief_text candidate) {
  size_t n = strlen(candidates);
  snprintf(candidates + n, sizeof candidates - n, "%.*s ", (int)candidate.len, candidate.data);
  return user != candidates;
}

static size_t complete(debrief_completer *completer, const char *line, void *user) {
  candidates[0] = '\0';
  return debrief_complete(completer, (debrief_text){line, strlen(line)}, strlen(line), each, user);
}

static void look(debrief_completer *completer) {
  assert_int_equal(complete(completer, "print(my_na", NULL), 6);
  assert_string_equal(candidates, "my_name_1 my_name_2 ");
  assert_int_equal(complete(completer, "my_na", candidates), 0); /* enough after the first */
  assert_string_equal(candidates, "my_name_1 ");
  assert_int_equal(complete(completer, "my_name_1.fi", NULL), 10);
  assert_string_equal(candidates, "field ");
  assert_int_equal(complete(completer, "nothing_of_the_kind", NULL), 19);
  assert_string_equal(candidates, "");
  assert_int_equal(debrief_complete(completer, (debrief_text){"my", 2}, 3, each, NULL), 3);
  assert_int_equal(debrief_complete(completer, (debrief_text){"my", 2}, 2, NULL, NULL), 2);
  assert_int_equal(debrief_complete(completer, (debrief_text){NULL, 0}, 0, each, NULL), 0);
  debrief_console console = {.struct_size = sizeof console, .read_line = read_line, .write = write_text};
  assert_false(debrief_repl(host, &console, &err));
  assert_failed(DEBRIEF_EARG, "while another function of this host runs");
}

static void look_at_host(debrief_completer *completer) {
  assert_int_equal(complete(completer, "debrief.host.", NULL), 13);
  assert_string_equal(candidates, "limit prices ");
  assert_int_equal(complete(completer, "debrief.host.prices.sm", NULL), 20);
  assert_string_equal(candidates, "small ");
}

static void what_the_host_gave_is_completed(void **state) {
  (void)state;
  debrief_value limit = {DEBRIEF_INTEGER, {.integer = 3}},
                prices = {DEBRIEF_JSON, {.text = {"{\"small\":1}", 11}}};
  assert_true(debrief_set(host, "prices", &prices, &err));
  assert_true(debrief_set(host, "limit", &limit, &err));
  talk((step[]){{DEBRIEF_INPUT_INTERRUPTED, {NULL, 0}, look_at_host}, {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
}

static void words_are_completed(void **state) {
  (void)state;
  talk((step[]){LINE("my_name_1 = { field = 1 }; my_name_2 = setmetatable({}, { __index = error })"),
                {DEBRIEF_INPUT_INTERRUPTED, {NULL, 0}, look},
                LINE("my_name_1.field"),
                {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  assert_non_null(strstr(seen, "\n1\n"));
  assert_int_equal(complete(NULL, "my", NULL), 2);
  assert_string_equal(candidates, "");
}

/* ---- What goes wrong ----------------------------------------------------------------------------------------------- */

static void a_console_that_fails_ends_it(void **state) {
  (void)state;
  debrief_console console = console_of((step[]){LINE("1"), {DEBRIEF_INPUT_FAILED, {NULL, 0}, NULL}});
  assert_false(debrief_repl(host, &console, &err));
  assert_failed(DEBRIEF_ESCRIPT, "the console cannot be read");
  console = console_of(
      (step[]){LINE("pcall(print, 1)"), LINE("1"), LINE("2"), {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  write_fails = true;
  assert_false(debrief_repl(host, &console, &err));
  assert_failed(DEBRIEF_ESCRIPT, "the console cannot be written");
  assert_int_equal(at, 1);
  talk((step[]){LINE("1"), {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
}

static void a_wrong_console_is_refused(void **state) {
  (void)state;
  debrief_console console = console_of(NULL);
  assert_false(debrief_repl(NULL, &console, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_repl(host, NULL, &err));
  assert_failed(DEBRIEF_EARG, "no console is given");
  console.struct_size = 1;
  assert_false(debrief_repl(host, &console, &err));
  assert_failed(DEBRIEF_EARG, "debrief_console.struct_size is 1");
  console = console_of(NULL);
  console.write = NULL;
  assert_false(debrief_repl(host, &console, &err));
  assert_failed(DEBRIEF_EARG, "read_line and write");
  debrief_config config = {.struct_size = sizeof config, .dir = folder, .console = &console};
  assert_null(debrief_open(&config, &err));
  assert_failed(DEBRIEF_EARG, "read_line and write");
}

/* ---- The config's console ------------------------------------------------------------------------------------------ */

static void scripts_and_plugins_have_the_console_of_the_config(void **state) {
  (void)state;
  char *words[] = {"debrief", "retro", "talk", NULL};
  int status;
  debrief_console console = console_of((step[]){LINE("7"), {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  open_with((debrief_config){.console = &console, .workers = 2});
  put_plugin(
      "talk",
      "retrospective = { init = function() return {} end, step = function(_, entry) print(entry.skill) end,"
      "finish = function() return { title = 'x' } end }");
  add("s1", SKILL("review"));
  assert_true(debrief_repl(host, NULL, &err));
  assert_string_equal(seen, "> 7\n[7]\n7\n> ");
  debrief_console other = console_of((step[]){LINE("9"), {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  assert_true(debrief_repl(host, &other, &err));
  console = console_of((step[]){LINE("8"),
                                LINE("console = require 'debrief.core'.console()"),
                                LINE("console.read('name? ')"),
                                LINE("me"),
                                LINE("console.width()"),
                                {DEBRIEF_INPUT_END, {NULL, 0}, NULL}});
  assert_true(debrief_repl(host, NULL, &err));
  assert_string_equal(seen,
                      "> 8\n[8]\n8\n> console = require 'debrief.core'.console()\n"
                      "[console = require 'debrief.core'.console()]\n> console.read('name? ')\n"
                      "[console.read('name? ')]\nname? me\nme\n> console.width()\n[console.width()]\n40\n> ");
  assert_true(debrief_command(host, 3, words, &status, &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lines_are_run_and_remembered, set_up, tear_down),
      cmocka_unit_test_setup_teardown(errors_are_written_and_nothing_is_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(any_bytes_come_through, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaving_is_no_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_the_host_gave_is_completed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(words_are_completed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_console_that_fails_ends_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_wrong_console_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(scripts_and_plugins_have_the_console_of_the_config, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
