/* Retrospectives: as structs, as text, with every hook failing, and with functions of the host's. */
#include "host.h"

#include <math.h>

static int with_log(void **state) {
  set_up(state);
  add("a", "{\"skill\":\"review\",\"final_status\":\"ok\",\"timestamp\":\"2026-01-01T00:00:00Z\"}");
  add("a", "{\"skill\":\"review\",\"final_status\":\"error\",\"timestamp\":\"2026-02-01T00:00:00Z\"}");
  add("b", "{\"skill\":\"debug\",\"final_status\":\"ok\",\"timestamp\":\"2026-03-01T00:00:00Z\"}");
  return 0;
}

static debrief_result *look(const char *plugins, const debrief_query *query) {
  debrief_result *result = debrief_retro(host, plugins, query, &err);
  if (!result) fail_msg("%s: %s", plugins, err.message);
  return result;
}

/* A retrospective NAME whose finish returns this; its acc counts the entries. */
static void put_report(const char *name, const char *report) {
  char members[4096];
  snprintf(members, sizeof members,
           "retrospective = { init = function() return { n = 0 } end,\n"
           "step = function(acc, entry, ctx) acc.n = acc.n + 1 end,\n"
           "merge = function(a, b) a.n = a.n + b.n end,\n"
           "finish = function(acc) return %s end }",
           report);
  put_plugin(name, members);
}

#define EVERYTHING                                                                                          \
  "{ title = 'Every\\0thing', text = 'first\\nsecond', tables = {\n"                                        \
  "  { title = 'Cells', columns = { 'plain', { key = 'k', title = 'Title', unit = 'ms', align = 'right' } " \
  "},\n"                                                                                                    \
  "    rows = { { acc.n, 1.5 }, { true }, { 'te\\0xt', { num = 1, den = 4 } },\n"                           \
  "      { nil, { spark = { 1, nil, 3 }, low = 0 } }, {} } },\n"                                            \
  "  { columns = { { key = 'only', align = 'center' } } } },\n"                                             \
  "  findings = { { value = 0.5, explanation = 'why', references = { { 'a', 2 }, { 'b', 1 } } } } }"

static void assert_text(debrief_text text, const char *expected, size_t len) {
  assert_int_equal(text.len, len);
  assert_memory_equal(text.data, expected, len + 1);
}

static void assert_cells(const debrief_table *t) {
  assert_int_equal(t->rows[0][0].kind, DEBRIEF_CELL_INTEGER);
  assert_int_equal(t->rows[0][0].as.integer, 3);
  assert_int_equal(t->rows[0][1].kind, DEBRIEF_CELL_NUMBER);
  assert_true(t->rows[0][1].as.number == 1.5);
  assert_int_equal(t->rows[1][0].kind, DEBRIEF_CELL_BOOLEAN);
  assert_true(t->rows[1][0].as.boolean);
  assert_int_equal(t->rows[1][1].kind, DEBRIEF_CELL_NONE);
  assert_int_equal(t->rows[2][0].kind, DEBRIEF_CELL_TEXT);
  assert_text(t->rows[2][0].as.text, "te\0xt", 5);
  assert_int_equal(t->rows[2][1].kind, DEBRIEF_CELL_RATE);
  assert_true(t->rows[2][1].as.rate.num == 1 && t->rows[2][1].as.rate.den == 4);
  assert_int_equal(t->rows[3][0].kind, DEBRIEF_CELL_NONE);
  const debrief_cell *spark = &t->rows[3][1];
  assert_int_equal(spark->kind, DEBRIEF_CELL_SPARK);
  assert_int_equal(spark->as.spark.count, 3);
  assert_true(spark->as.spark.values[0] == 1 && isnan(spark->as.spark.values[1]) &&
              spark->as.spark.values[2] == 3);
  assert_true(spark->as.spark.low == 0 && isnan(spark->as.spark.high));
  assert_int_equal(t->rows[4][0].kind, DEBRIEF_CELL_NONE);
  assert_int_equal(t->rows[4][1].kind, DEBRIEF_CELL_NONE);
}

static void assert_everything(const debrief_report *report) {
  assert_string_equal(report->plugin, "everything");
  assert_text(report->title, "Every\0thing", 11);
  assert_text(report->text, "first\nsecond", 12);
  assert_int_equal(report->incomplete, 0);
  assert_int_equal(report->table_count, 2);
  const debrief_table *t = report->tables[0];
  assert_text(t->title, "Cells", 5);
  assert_int_equal(t->column_count, 2);
  assert_text(t->columns[0]->key, "plain", 5);
  assert_text(t->columns[0]->title, "plain", 5);
  assert_text(t->columns[0]->unit, "", 0);
  assert_int_equal(t->columns[0]->align, DEBRIEF_ALIGN_AUTO);
  assert_text(t->columns[1]->key, "k", 1);
  assert_text(t->columns[1]->title, "Title", 5);
  assert_text(t->columns[1]->unit, "ms", 2);
  assert_int_equal(t->columns[1]->align, DEBRIEF_ALIGN_RIGHT);
  assert_int_equal(t->row_count, 5);
  assert_cells(t);
  t = report->tables[1];
  assert_text(t->title, "", 0);
  assert_int_equal(t->columns[0]->align, DEBRIEF_ALIGN_CENTER);
  assert_int_equal(t->row_count, 0);
  assert_int_equal(report->finding_count, 1);
  const debrief_finding *f = report->findings[0];
  assert_true(f->value.kind == DEBRIEF_CELL_NUMBER && f->value.as.number == 0.5);
  assert_text(f->explanation, "why", 3);
  assert_int_equal(f->reference_count, 2);
  assert_string_equal(f->references[0].session, "a");
  assert_int_equal(f->references[0].line, 2);
  assert_string_equal(f->references[1].session, "b");
}

static void a_result_is_memory_of_its_own(void **state) {
  (void)state;
  put_report("everything", EVERYTHING);
  debrief_result *result = look("everything,summary", NULL);
  assert_true(debrief_append_json(host, "c", "{}", 2, NULL, &err));
  debrief_result_close(look("summary", NULL));
  debrief_close(host);
  host = NULL;
  assert_int_equal(result->entries, 3);
  assert_int_equal(result->sessions, 2);
  assert_int_equal(result->problem_count, 0);
  assert_int_equal(result->diagnostic_count, 0);
  assert_int_equal(result->report_count, 2);
  assert_everything(result->reports[0]);
  assert_string_equal(result->reports[1]->plugin, "summary");
  debrief_result_close(result);
}

static void a_big_report_is_copied_whole(void **state) {
  (void)state;
  put_report(
      "big",
      "(function() local rows = {} for i = 1, 5000 do rows[i] = { i, ('x'):rep(i % 50) } end\n"
      "return { title = ('t'):rep(40000), tables = { { columns = { 'n', 'x' }, rows = rows } } } end)()");
  debrief_result *result = look("big", NULL);
  const debrief_table *t = result->reports[0]->tables[0];
  assert_int_equal(result->reports[0]->title.len, 40000);
  assert_int_equal(t->row_count, 5000);
  for (size_t i = 0; i < 5000; i++) {
    assert_int_equal(t->rows[i][0].as.integer, i + 1);
    assert_int_equal(t->rows[i][1].as.text.len, (i + 1) % 50);
  }
  debrief_result_close(result);
}

static void a_query_narrows(void **state) {
  (void)state;
  put_report("count", "{ title = ('%d'):format(acc.n) }");
  debrief_query query = reporting();
  query.where = "skill == 'review'";
  debrief_result *result = look("count", &query);
  assert_text(result->reports[0]->title, "2", 1);
  debrief_result_close(result);
  query = reporting();
  query.sessions = "b";
  query.since = "2026-01-15T00:00:00Z";
  result = look("count", &query);
  assert_text(result->reports[0]->title, "1", 1);
  assert_int_equal(result->sessions, 1);
  debrief_result_close(result);
}

/* ---- As text ----------------------------------------------------------------------------------------------------- */

static char written[65536];
static int writes_left;

static bool write_text(void *user, debrief_text text) {
  assert_ptr_equal(user, &writes_left);
  if (writes_left-- <= 0) return false;
  size_t n = strlen(written);
  assert_true(n + text.len < sizeof written);
  memcpy(written + n, text.data, text.len);
  written[n + text.len] = '\0';
  return true;
}

static bool write_as(const char *plugins, const debrief_query *query, const debrief_format *format) {
  written[0] = '\0';
  writes_left = 1000;
  return debrief_retro_write(host, plugins, query, format, write_text, &writes_left, &err);
}

static void reports_are_written_in_every_format(void **state) {
  (void)state;
  debrief_format format = {.struct_size = sizeof format};
  put_report("count", "{ title = 'N', tables = { { columns = { 'half' }, rows = { { acc.n + 0.5 } } } } }");
  assert_true(write_as("count", NULL, NULL));
  assert_string_equal(written, "N\n═\n\nhalf\n────\n3.50\n\n3 entries in 2 sessions\n");
  assert_true(write_as("count", NULL, &format));
  assert_non_null(strstr(written, "3.50"));
  format.name = "markdown";
  assert_true(write_as("count", NULL, &format));
  assert_non_null(strstr(written, "## N\n\n| half |\n"));
  format.name = "json";
  assert_true(write_as("count", NULL, &format));
  assert_string_equal(
      written, "{\"entries\":3,\"sessions\":2,\"reports\":[{\"plugin\":\"count\",\"title\":\"N\",\"tables\":["
               "{\"columns\":[\"half\"],\"rows\":[[3.5]],\"records\":[{\"half\":3.5}]}],\"findings\":[]}],"
               "\"diagnostics\":[]}\n");
  format.name = "csv";
  assert_true(write_as("count", NULL, &format));
  assert_string_equal(written, "half\r\n3.5\r\n");
  format.name = "tsv";
  assert_true(write_as("count", NULL, &format));
  assert_string_equal(written, "half\n3.5\n");
  format.name = "xml";
  assert_false(write_as("count", NULL, &format));
  assert_failed(DEBRIEF_EARG, "no format 'xml'");
  format.struct_size = 1;
  assert_false(write_as("count", NULL, &format));
  assert_failed(DEBRIEF_EARG, "debrief_format.struct_size");
}

static void colours_and_columns_are_as_asked(void **state) {
  (void)state;
  debrief_format format = {.struct_size = sizeof format, .color = true, .columns = 40};
  put_report("wide", "{ title = 'N', tables = { { columns = { 'c' }, rows = { { ('word '):rep(30) } } } } }");
  assert_true(write_as("wide", NULL, &format));
  assert_non_null(strchr(written, '\033'));
  format.color = false;
  assert_true(write_as("wide", NULL, &format));
  assert_null(strchr(written, '\033'));
  for (char *line = strtok(written, "\n"); line; line = strtok(NULL, "\n"))
    if (strlen(line) < 256 && !strchr(line, '\xe2')) assert_true(strlen(line) <= 40);
}

static void a_writer_that_refuses_ends_with_a_code(void **state) {
  (void)state;
  writes_left = 0;
  assert_false(debrief_retro_write(host, "summary", NULL, NULL, write_text, &writes_left, &err));
  assert_failed(DEBRIEF_EIO, "write returned false");
  assert_true(write_as("summary", NULL, NULL));
}

/* ---- As a text of the host's --------------------------------------------------------------------------------------- */

static void a_text_of_the_host_is_what_is_written(void **state) {
  (void)state;
  debrief_text text = {"", 0};
  debrief_query query = {.struct_size = sizeof query, .sessions = "a"};
  debrief_format format = {.struct_size = sizeof format, .name = "markdown"};
  assert_true(write_as("skills", &query, &format));
  assert_true(debrief_retro_text(host, "skills", &query, &format, &text, &err));
  assert_text(text, written, strlen(written));
  assert_true(debrief_retro_text(host, "summary", NULL, NULL, &text, &err));
  assert_true(write_as("summary", NULL, NULL)); /* has a text of its own: the host's is still valid */
  assert_text(text, written, strlen(written));
  assert_true(debrief_eval(host, (debrief_text){"1", 1}, &text, &err));
  assert_text(text, "1", 1);
}

static void a_text_that_fails_is_none(void **state) {
  (void)state;
  debrief_text text = {"before", 6};
  debrief_format format = {.struct_size = sizeof format, .name = "xml"};
  assert_false(debrief_retro_text(host, "summary", NULL, &format, &text, &err));
  assert_failed(DEBRIEF_EARG, "no format 'xml'");
  assert_null(text.data);
  assert_false(debrief_retro_text(host, "sumary", NULL, NULL, &text, &err));
  assert_failed(DEBRIEF_EPLUGIN, "did you mean 'summary'?");
  format.struct_size = 1;
  assert_false(debrief_retro_text(host, "summary", NULL, &format, &text, &err));
  assert_failed(DEBRIEF_EARG, "debrief_format.struct_size");
}

static void a_table_is_asked_for_as_on_the_command_line(void **state) {
  (void)state;
  debrief_text text;
  debrief_query query = {.struct_size = sizeof query, .since = "2026-01-15"};
  debrief_format format = {.struct_size = sizeof format, .name = "csv"};
  const char *const table[] = {"by=skill", "show=runs,good=rate(final_status == 'ok')", "sort=-skill", NULL};
  const char *const limited[] = {"by=skill", "show=runs", "sort=-runs", "limit=1", NULL};
  assert_true(debrief_table_text(host, table, &query, &format, &text, &err));
  assert_string_equal(text.data,
                      "skill,runs,good,good.num,good.den\r\nreview,1,0.0,0,1\r\ndebug,1,1.0,1,1\r\n");
  assert_true(debrief_table_text(host, limited, NULL, &format, &text, &err));
  assert_string_equal(text.data, "skill,runs\r\nreview,2\r\n(others),1\r\n");
  assert_true(debrief_table_text(host, NULL, NULL, NULL, &text, &err));
  assert_non_null(strstr(text.data, "Runs by skill"));
}

static void a_wrong_table_is_named(void **state) {
  (void)state;
  debrief_text text;
  static const struct {
    const char *table[2], *message;
  } cases[] = {{{"skill"}, "'skill': write KEY=VALUE"},
               {{"bye=skill"}, "did you mean 'by'?"},
               {{"show=rums"}, "debrief_table_text: show: "},
               {{"limit=x"}, "debrief_table_text: limit: "}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(debrief_table_text(host, cases[i].table, NULL, NULL, &text, &err));
    assert_failed(DEBRIEF_EARG, cases[i].message);
    assert_null(text.data);
  }
}

/* ---- What fails -------------------------------------------------------------------------------------------------- */

static void every_hook_that_fails_is_named(void **state) {
  (void)state;
  static const char *const hooks[] = {"init", "step", "finish", "enrich", "filter"};
  for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
    char members[1024];
    snprintf(members, sizeof members,
             "enrich = function() if '%s' == 'enrich' then error 'boom' end end,\n"
             "filter = function() if '%s' == 'filter' then error 'boom' end return true end,\n"
             "retrospective = { init = function() if '%s' == 'init' then error 'boom' end return {} end,\n"
             "step = function() if '%s' == 'step' then error 'boom' end end,\n"
             "finish = function() if '%s' == 'finish' then error 'boom' end return { title = 't' } end }",
             hooks[i], hooks[i], hooks[i], hooks[i], hooks[i]);
    put_plugin("bad", members);
    debrief_query query = reporting();
    debrief_result *result = look("bad,summary", &query);
    assert_string_equal(result->reports[result->report_count - 1]->plugin, "summary");
    assert_true(result->problem_count > 0);
    const debrief_problem *p = result->problems[0];
    assert_string_equal(p->plugin, "bad");
    assert_string_equal(p->hook, hooks[i]);
    assert_non_null(strstr(p->message, "bad.lua:"));
    assert_non_null(strstr(p->message, ": boom"));
    assert_true(p->count >= 1);
    assert_non_null(strstr(reported, "boom"));
    bool at_entry = strcmp(hooks[i], "init") != 0 && strcmp(hooks[i], "finish") != 0;
    assert_string_equal(p->session, at_entry ? "a" : "");
    assert_int_equal(p->line, at_entry ? 1 : 0);
    if (at_entry) assert_int_equal(result->reports[0]->incomplete, 3);
    debrief_result_close(result);
  }
}

static void a_merge_that_fails_is_named(void **state) {
  (void)state;
  enum { CHUNK = 4 << 20 };
  char *line = malloc(CHUNK + 100);
  snprintf(line, CHUNK + 100, "{\"skill\":\"%0*d\"}", CHUNK, 0);
  add("big1", line);
  add("big2", line);
  free(line);
  put_plugin("bad", "retrospective = { init = function() return {} end, step = function() end,\n"
                    "merge = function() error 'boom' end, finish = function() return { title = 't' } end }");
  debrief_result *result = look("bad", NULL);
  assert_int_equal(result->report_count, 0);
  assert_int_equal(result->problem_count, 1);
  assert_string_equal(result->problems[0]->hook, "merge");
  debrief_result_close(result);
}

static void damage_and_unreadable_sessions_are_told(void **state) {
  (void)state;
  put_bytes(folder, "a.jsonl", "a", "{\"skill\":zz}\n", 13);
  debrief_query query = reporting();
  debrief_result *result = look("summary", &query);
  assert_int_equal(result->entries, 3);
  assert_int_equal(result->diagnostic_count, 1);
  assert_int_equal(result->diagnostics[0]->kind, DEBRIEF_BAD_JSON);
  assert_int_equal(result->diagnostics[0]->line, 3);
  assert_non_null(strstr(result->diagnostics[0]->path, "a.jsonl"));
  assert_string_equal(result->diagnostics[0]->excerpt, "zz}");
  assert_string_equal(reported, "a.jsonl:3 bad_json\n");
  debrief_result_close(result);
  query.strict = true;
  assert_null(debrief_retro(host, "summary", &query, &err));
  assert_failed(DEBRIEF_EDAMAGED, "a.jsonl");
  assert_string_equal(debrief_details(host)->session, "a");
}

static void a_session_that_cannot_be_read_is_a_problem(void **state) {
  (void)state;
  char *open = path_in(folder, "a.jsonl"), *closed = path_in(folder, "b.jsonl");
  assert_int_equal(chmod(folder, 0755) | chmod(open, 0644) | chmod(closed, 0), 0);
  free(open);
  free(closed);
  bool root = geteuid() == 0; /* root can read everything */
  if (root) assert_int_equal(seteuid(65534), 0);
  debrief_query query = reporting();
  debrief_result *result = debrief_retro(host, "summary", &query, &err);
  query.strict = true;
  debrief_result *strict = debrief_retro(host, "summary", &query, &err);
  if (root) assert_int_equal(seteuid(0), 0);
  assert_null(strict);
  assert_failed(DEBRIEF_EIO, "Permission denied");
  assert_non_null(result);
  assert_int_equal(result->problem_count, 1);
  assert_int_equal(result->entries, 2);
  assert_string_equal(result->problems[0]->session, "b");
  assert_non_null(strstr(reported, ". b:0 "));
  assert_non_null(strstr(reported, "Permission denied"));
  debrief_result_close(result);
}

static void what_is_asked_wrongly_is_told(void **state) {
  (void)state;
  put_file(folder, "broken.lua", "return {");
  put_plugin("only", "filter = function() return true end");
  static const struct {
    const char *plugins;
    debrief_query query;
    debrief_code code;
    const char *message;
  } cases[] = {
      {"", {0}, DEBRIEF_EARG, "no plugin is named"},
      {",", {0}, DEBRIEF_EARG, "no plugin is named"},
      {"broken", {0}, DEBRIEF_EPLUGIN, "does not load"},
      {"sumary", {0}, DEBRIEF_EPLUGIN, "did you mean 'summary'?"},
      {"only", {0}, DEBRIEF_EPLUGIN, "no retrospective"},
      {"summary", {.sessions = "c"}, DEBRIEF_ENOENT, "no session 'c'"},
      {"summary", {.until = "soon"}, DEBRIEF_EARG, "soon"},
      {"summary", {.where = "("}, DEBRIEF_EARG, "where"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    debrief_query query = cases[i].query;
    query.struct_size = sizeof query;
    assert_null(debrief_retro(host, cases[i].plugins, &query, &err));
    assert_failed(cases[i].code, cases[i].message);
    assert_false(write_as(cases[i].plugins, &query, NULL));
    assert_failed(cases[i].code, cases[i].message);
    assert_string_equal(written, "");
  }
  assert_null(debrief_retro(host, "broken", NULL, NULL));
  assert_string_equal(debrief_details(host)->plugin, "broken");
}

static void null_is_an_error_or_nothing(void **state) {
  (void)state;
  assert_null(debrief_retro(NULL, "summary", NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_null(debrief_retro(host, NULL, NULL, NULL));
  assert_false(debrief_retro_write(NULL, "summary", NULL, NULL, write_text, NULL, &err));
  assert_failed(DEBRIEF_EARG, "NULL");
  assert_false(debrief_retro_write(host, NULL, NULL, NULL, write_text, NULL, NULL));
  assert_false(debrief_retro_write(host, "summary", NULL, NULL, NULL, NULL, NULL));
  debrief_result_close(NULL);
  debrief_query query = {.struct_size = 3};
  assert_null(debrief_retro(host, "summary", &query, &err));
  assert_failed(DEBRIEF_EARG, "debrief_query.struct_size");
}

/* ---- Functions of the host --------------------------------------------------------------------------------------- */

static bool add_one(void *user, debrief_call *call) {
  debrief_value value = debrief_call_argument(call, 0);
  (void)user;
  value.as.integer++;
  return debrief_call_return(call, &value);
}

static void use_function(debrief_threads threads) {
  put_plugin("uses", "retrospective = { init = function() return { n = 0 } end,\n"
                     "step = function(acc) acc.n = require 'debrief'.host.add_one(acc.n) end,\n"
                     "merge = function(a, b) a.n = a.n + b.n end,\n"
                     "finish = function(acc) return { title = ('%d'):format(acc.n) } end }");
  assert_true(debrief_register(host, "add_one", add_one, NULL, threads, &err));
}

static void worker_threads_call_functions_of_any_thread(void **state) {
  (void)state;
  use_function(DEBRIEF_ANY_THREAD);
  debrief_result *result = look("uses", NULL);
  assert_text(result->reports[0]->title, "3", 1);
  debrief_result_close(result);
}

static void functions_of_the_host_s_thread_want_one_worker(void **state) {
  (void)state;
  use_function(DEBRIEF_HOST_THREAD);
  debrief_result *result = look("uses", NULL);
  assert_int_equal(result->reports[0]->incomplete, 3);
  assert_non_null(
      strstr(result->problems[0]->message, "uses.lua:2: the host's function 'add_one' can be called on"));
  debrief_result_close(result);
  open_with((debrief_config){.workers = 1});
  use_function(DEBRIEF_HOST_THREAD);
  result = look("uses", NULL);
  assert_text(result->reports[0]->title, "3", 1);
  debrief_result_close(result);
}

/* On worker threads, and through queries of the host's, too. */
static void a_relative_folder_counts_from_where_the_host_was_opened(void **state) {
  (void)state;
  char *before = getcwd(NULL, 0);
  assert_int_equal(chdir(folder), 0);
  debrief_close(host);
  host =
      debrief_open(&(debrief_config){.struct_size = sizeof(debrief_config), .dir = ".", .workers = 2}, &err);
  assert_non_null(host);
  assert_int_equal(chdir("/"), 0);
  add("a", "{\"skill\":\"later\"}");
  debrief_result *result = look("skills", NULL);
  assert_int_equal(chdir(before), 0);
  assert_int_equal(result->entries, 4);
  debrief_result_close(result);
  free(before);
}

/* One host, one log: whatever it does, before and after the process has gone elsewhere. */
static void everything_stays_in_the_folder_that_was_named(void **state) {
  (void)state;
  debrief_text fields = {"{\"skill\":\"run\"}", 15}, text;
  debrief_query query = reporting();
  char *before = getcwd(NULL, 0), *elsewhere = make_temp();
  put_plugin("marks", "enrich = function(entry) entry.marked = true end");
  put_report("counts", "{ title = tostring(acc.n) }");
  put_file(folder, "script.lua", "assert(log:append('a', { skill = 'script' }))");
  char *script = path_in(folder, "script.lua");
  assert_int_equal(chdir(folder), 0);
  debrief_close(host);
  host = debrief_open(
      &(debrief_config){.struct_size = sizeof(debrief_config), .dir = ".", .plugin_path = "nowhere:."}, &err);
  assert_non_null(host);
  assert_int_equal(chdir(elsewhere), 0);
  debrief_entries *follows = debrief_query_follow(host, NULL, false, &err);
  assert_non_null(follows);
  query.enrich = "marks";
  assert_true(debrief_append_json(host, "a", "{\"skill\":\"json\"}", 16, &query, &err));
  assert_true(debrief_append(host, "a", &(debrief_entry){.struct_size = sizeof(debrief_entry)}, NULL, &err));
  assert_true(debrief_run_file(host, script, NULL, NULL, &err));
  assert_true(debrief_run_finish(debrief_run_begin(host, "a", fields, &err), "ok", &err));
  char *words[] = {(char *)"debrief", (char *)"append", (char *)"a", (char *)"skill=command", NULL};
  int status;
  assert_true(debrief_command(host, 4, words, &status, &err));
  assert_int_equal(status, 0);
  assert_true(debrief_retro_text(host, "counts", NULL, NULL, &text, &err)); /* three were there */
  assert_non_null(strstr(text.data, "8\n"));
  debrief_found found;
  int came = 0;
  while (debrief_entries_next(follows, &found, &err) == DEBRIEF_NEXT_ENTRY) came++;
  assert_int_equal(came, 5);
  debrief_entries_close(follows);
  assert_file_has("a.jsonl", "\"marked\":true");
  assert_int_equal(chdir(before), 0);
  assert_int_equal(rmdir(elsewhere), 0); /* nothing was made there */
  free(elsewhere);
  free(script);
  free(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_result_is_memory_of_its_own, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_big_report_is_copied_whole, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_query_narrows, with_log, tear_down),
      cmocka_unit_test_setup_teardown(reports_are_written_in_every_format, with_log, tear_down),
      cmocka_unit_test_setup_teardown(colours_and_columns_are_as_asked, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_writer_that_refuses_ends_with_a_code, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_text_of_the_host_is_what_is_written, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_text_that_fails_is_none, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_table_is_asked_for_as_on_the_command_line, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_wrong_table_is_named, with_log, tear_down),
      cmocka_unit_test_setup_teardown(every_hook_that_fails_is_named, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_merge_that_fails_is_named, with_log, tear_down),
      cmocka_unit_test_setup_teardown(damage_and_unreadable_sessions_are_told, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_session_that_cannot_be_read_is_a_problem, with_log, tear_down),
      cmocka_unit_test_setup_teardown(what_is_asked_wrongly_is_told, with_log, tear_down),
      cmocka_unit_test_setup_teardown(null_is_an_error_or_nothing, with_log, tear_down),
      cmocka_unit_test_setup_teardown(worker_threads_call_functions_of_any_thread, with_log, tear_down),
      cmocka_unit_test_setup_teardown(a_relative_folder_counts_from_where_the_host_was_opened, with_log,
                                      tear_down),
      cmocka_unit_test_setup_teardown(everything_stays_in_the_folder_that_was_named, with_log, tear_down),
      cmocka_unit_test_setup_teardown(functions_of_the_host_s_thread_want_one_worker, with_log, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
