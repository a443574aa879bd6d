/* Sessions in a pack: a log sees of them what it sees of the same sessions in files of their own. */
#include "temp_folder.h"

#include "log/directory.h"
#include "log/log_internal.h"
#include "log/cut.h"
#include "log/read.h"

#include <errno.h>
#include <fcntl.h>

enum { SESSIONS = 30 };

/* The same sessions twice: in files, and in a pack. */
static char *plain, *packed;
static debrief_log *log_of_files, *log_of_pack;
static dbf_bytes data, records;
static debrief_error err;
static unsigned seed;

static int set_up(void **state) {
  (void)state;
  plain = make_temp();
  packed = make_temp();
  put_file(packed, ".pack", "");
  put_file(packed, ".packed", "");
  log_of_files = debrief_log_open(plain, NULL, &err);
  log_of_pack = debrief_log_open(packed, NULL, &err);
  dbf_bytes_init(&data);
  dbf_bytes_init(&records);
  seed = 7;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  debrief_log_close(log_of_files);
  debrief_log_close(log_of_pack);
  dbf_bytes_release(&data);
  dbf_bytes_release(&records);
  remove_temp(plain);
  remove_temp(packed);
  return 0;
}

static unsigned next(unsigned below) {
  seed = seed * 1103515245 + 12345;
  return (seed >> 16) % below;
}

static void note(const char *id, uint64_t origin, uint64_t size) {
  dbf_pack_record record = {.origin = origin, .size = size, .mtime_ns = 5, .id_len = (uint32_t)strlen(id)};
  dbf_bytes_append(&records, &record, sizeof record);
  dbf_bytes_append(&records, id, strlen(id));
}

/* The session as it is now, to the end of the pack. */
static void pack(const char *id) {
  char name[32];
  snprintf(name, sizeof name, "%s.jsonl", id);
  char *text = get_file(plain, name);
  note(id, data.len, strlen(text));
  dbf_bytes_append(&data, text, strlen(text));
  free(text);
}

static void write_pack(void) {
  put_bytes(packed, ".pack", "w", data.data ? data.data : "", data.len);
  put_bytes(packed, ".packed", "w", records.data ? records.data : "", records.len);
}

static void add_lines(const char *id, unsigned count) {
  char name[32], line[128];
  snprintf(name, sizeof name, "%s.jsonl", id);
  for (unsigned i = 0; i < count; i++) {
    int len = next(9) == 0 ? sprintf(line, "{\"skill\":\"%u\"\n", next(1000)) /* damaged */
                           : sprintf(line, "{\"session_id\":\"%s\",\"skill\":\"s%u\"}\n", id, next(100000));
    put_bytes(plain, name, "a", line, (size_t)len);
  }
}

/* ---- What is seen -------------------------------------------------------------------------------------------------- */

static void add_diagnostic(void *user, const debrief_diagnostic *d) {
  char text[400];
  const char *name = strrchr(d->path, '/');
  int len = snprintf(text, sizeof text, "%s %llu %llu %s %s %s\n", name, (unsigned long long)d->line,
                     (unsigned long long)d->offset, debrief_kind_name(d->kind), d->message, d->excerpt);
  dbf_bytes_append(user, text, (size_t)len);
}

static void add_entries(debrief_reader *reader, dbf_bytes *out) {
  dbf_record record;
  debrief_next n;
  char place[64];
  while ((n = dbf_reader_next(reader, &record, &err)) == DEBRIEF_NEXT_ENTRY) {
    int len =
        sprintf(place, "%llu %llu ", (unsigned long long)record.line, (unsigned long long)record.offset);
    dbf_bytes_append(out, place, (size_t)len);
    dbf_bytes_append(out, record.entry->text, record.entry->len);
    dbf_bytes_append_char(out, '\n');
  }
  assert_int_equal(n, DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
}

typedef struct parts {
  debrief_log *log;
  const char *id;
  debrief_read_config config;
  dbf_bytes *out;
} parts;

static void read_part(void *user, uint64_t begin, uint64_t end, uint64_t first_line) {
  parts *p = user;
  debrief_reader *reader = debrief_log_read(p->log, p->id, &p->config, &err);
  assert_non_null(reader);
  dbf_reader_narrow(reader, begin, end, first_line);
  add_entries(reader, p->out);
}

/* Entries with their places and diagnostics, of the whole session and of its parts; and how many lines it has. */
static void add_session(debrief_log *log, const char *id, dbf_bytes *out) {
  char text[64];
  uint64_t lines;
  debrief_read_config config = {.struct_size = sizeof config, .on_diagnostic = add_diagnostic, .user = out};
  parts p = {.log = log, .id = id, .config = config, .out = out};
  debrief_reader *reader = debrief_log_read(log, id, &config, &err);
  assert_non_null(reader);
  dbf_extent file = dbf_reader_file(reader);
  assert_true(dbf_cut(&file, id, 300, read_part, &p, &err));
  assert_true(dbf_count_lines(&file, id, UINT64_MAX, &lines, &err));
  dbf_bytes_append(out, text, (size_t)sprintf(text, "%s: %d lines\n", id, (int)lines));
  add_entries(reader, out);
}

typedef struct view {
  debrief_log *log;
  dbf_bytes *out;
} view;

static bool see_session(void *user, const char *id) {
  view *v = user;
  add_session(v->log, id, v->out);
  return true;
}

static bool see_item(void *user, const dbf_directory_item *item) {
  char text[200];
  dbf_bytes_append(user, text, (size_t)sprintf(text, "%s %d\n", item->id, (int)item->size));
  return true;
}

static void see(debrief_log *log, dbf_bytes *out) {
  view v = {log, out};
  uint32_t unused;
  dbf_bytes_clear(out);
  dbf_directory *dir = dbf_log_directory(log, &unused, &err);
  assert_non_null(dir);
  assert_true(dbf_directory_look(dir, false, see_item, out, &err));
  assert_true(debrief_log_sessions(log, see_session, &v, &err));
  dbf_bytes_terminate(out);
}

static void assert_same(void) {
  dbf_bytes files, pack_;
  dbf_bytes_init(&files);
  dbf_bytes_init(&pack_);
  see(log_of_files, &files);
  see(log_of_pack, &pack_);
  assert_true(files.len > 0);
  assert_string_equal(pack_.data, files.data);
  dbf_bytes_release(&files);
  dbf_bytes_release(&pack_);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------------ */

/* Sessions grow and are packed again, or move to a file of their own; the handle stays open. */
static void shows_what_files_show(void **state) {
  (void)state;
  bool moved[SESSIONS] = {false};
  char id[16], name[32];
  for (int round = 0; round < 12; round++) {
    for (int i = 0; i < SESSIONS; i++) {
      if (round > 0 && next(3) > 0) continue;
      sprintf(id, "s%d", i);
      sprintf(name, "s%d.jsonl", i);
      add_lines(id, next(12) + 1);
      if (!moved[i] && next(8) > 0) pack(id);
      else {
        char *text = get_file(plain, name);
        put_file(packed, name, text);
        free(text);
        if (!moved[i]) note(id, 0, 0);
        moved[i] = true;
      }
    }
    write_pack();
    assert_same();
  }
}

static void finds_one_session(void **state) {
  (void)state;
  dbf_directory_item item;
  uint32_t unused;
  add_lines("s1", 3);
  pack("s1");
  write_pack();
  dbf_directory *dir = dbf_log_directory(log_of_pack, &unused, &err);
  assert_true(dbf_directory_find(dir, "s1", &item, &err));
  assert_int_equal(item.size, data.len);
  assert_int_equal(item.mtime_ns, 5);
  assert_null(item.kind);
  assert_false(dbf_directory_find(dir, "s2", &item, &err));
  assert_int_equal(err.code, DEBRIEF_ENOENT);
}

/* A record that is not whole yet is read when it is. */
static void waits_for_a_whole_record(void **state) {
  (void)state;
  add_lines("s1", 3);
  add_lines("s2", 2);
  pack("s1");
  size_t first = records.len;
  pack("s2");
  for (size_t cut = 0; cut <= records.len; cut++) {
    put_bytes(packed, ".pack", "w", data.data, data.len);
    put_bytes(packed, ".packed", "w", records.data, cut);
    debrief_log *log = debrief_log_open(packed, NULL, &err);
    uint32_t unused;
    dbf_directory_item item;
    dbf_directory *dir = dbf_log_directory(log, &unused, &err);
    assert_int_equal(dbf_directory_find(dir, "s1", &item, &err), cut >= first);
    put_bytes(packed, ".packed", "a", records.data + cut, records.len - cut);
    assert_true(dbf_directory_find(dir, "s2", &item, &err));
    debrief_log_close(log);
  }
}

static void assert_refused(void) {
  dbf_bytes ids;
  uint32_t unused;
  dbf_bytes_init(&ids);
  debrief_log *log = debrief_log_open(packed, NULL, &err);
  dbf_directory *dir = dbf_log_directory(log, &unused, &err);
  assert_false(dbf_directory_look(dir, false, see_item, &ids, &err));
  assert_int_equal(err.code, DEBRIEF_EIO);
  assert_non_null(strstr(err.message, ".packed is damaged at byte "));
  debrief_log_close(log);
  dbf_bytes_release(&ids);
}

static void refuses_an_index_that_is_damaged(void **state) {
  (void)state;
  static const char *const ids[] = {"../x", "", ".hidden", "a/b"};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    dbf_bytes_clear(&records);
    note(ids[i], 0, 1);
    write_pack();
    assert_refused();
  }
  const uint64_t places[][2] = {{UINT64_MAX, 1}, {1, UINT64_MAX}, {INT64_MAX, INT64_MAX}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    dbf_bytes_clear(&records);
    note("s1", places[i][0], places[i][1]);
    write_pack();
    assert_refused();
  }
  memset(records.data, 0xff, records.len);
  write_pack();
  assert_refused();
}

/* As of a file that became shorter. */
static void ends_where_the_pack_ends(void **state) {
  (void)state;
  debrief_line line;
  add_lines("s1", 3);
  note("s1", 1000, 1000);
  write_pack();
  debrief_reader *reader = debrief_log_read(log_of_pack, "s1", NULL, &err);
  assert_int_equal(debrief_reader_next(reader, &line, &err), DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
}

static void leaves_other_things_of_these_names_alone(void **state) {
  (void)state;
  char *index = path_in(packed, ".packed"), *file = path_in(packed, ".pack");
  uint32_t unused;
  for (int i = 0; i < 4; i++) {
    remove(index);
    if (i == 0) assert_int_equal(mkfifo(index, 0600), 0);
    else if (i == 1) assert_int_equal(mkdir(index, 0700), 0);
    else if (i == 2) assert_int_equal(symlink(file, index), 0);
    put_file(packed, "s1.jsonl", "{\"skill\":\"a\"}\n");
    debrief_log *log = debrief_log_open(packed, NULL, &err);
    dbf_bytes seen;
    dbf_bytes_init(&seen);
    assert_true(dbf_directory_look(dbf_log_directory(log, &unused, &err), false, see_item, &seen, &err));
    assert_bytes(&seen, "s1 14\n");
    dbf_bytes_release(&seen);
    debrief_log_close(log);
  }
  free(index);
  free(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(shows_what_files_show, set_up, tear_down),
      cmocka_unit_test_setup_teardown(finds_one_session, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waits_for_a_whole_record, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_an_index_that_is_damaged, set_up, tear_down),
      cmocka_unit_test_setup_teardown(ends_where_the_pack_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_other_things_of_these_names_alone, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
