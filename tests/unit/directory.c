/* What may stand where a session should be, what may be called one, and what is made with which mode. */
#include "temp_folder.h"

#include "log/directory.h"
#include "log/session_id.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static char *folder;
static dbf_directory dir;
static debrief_error err;

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  memset(&err, 0, sizeof err);
  return !dbf_directory_init(&dir, folder, 0600, 0700, &err);
}

static int tear_down(void **state) {
  (void)state;
  dbf_directory_release(&dir);
  remove_temp(folder);
  return 0;
}

static void refuses_what_is_no_session_id(void **state) {
  (void)state;
  char many[301];
  memset(many, 'a', 300);
  many[300] = '\0';
  const char *bad[] = {"",         "../x",      "..",  ".",    "a/b",  "/etc/passwd",
                       ".hidden",  "-x",        "_x",  "a b",  "a\nb", "a\x1b[2J",
                       "\xc3\xa9", "a\xc3\xa9", "a:b", "a\\b", many,   "a\x7f"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int fd;
    assert_false(debrief_session_id_valid(bad[i]));
    assert_false(dbf_directory_open_session(&dir, bad[i], true, &fd, NULL, &err));
    assert_int_equal(err.code, DEBRIEF_EID);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.message, "debrief.session_id(text)"));
    for (const char *p = err.message; *p; p++) assert_true(*p >= ' ' && *p <= '~');
  }
  assert_false(debrief_session_id_valid(NULL));
  assert_false(dbf_session_id_check(NULL, &err));
  assert_int_equal(err.code, DEBRIEF_EARG);
}

static unsigned mode_of(const char *name) {
  struct stat st;
  char *path = path_in(folder, name);
  assert_int_equal(lstat(path, &st), 0);
  free(path);
  return st.st_mode & 07777;
}

static void open_append(const char *id, uint32_t file_mode, uint32_t folder_mode, const char *below,
                        mode_t mask) {
  dbf_directory made;
  int fd;
  char *path = path_in(folder, below);
  mode_t old = umask(mask);
  assert_true(dbf_directory_init(&made, path, file_mode, folder_mode, &err));
  assert_true(dbf_directory_open_session(&made, id, true, &fd, NULL, &err));
  umask(old);
  close(fd);
  dbf_directory_release(&made);
  free(path);
}

static void makes_exactly_the_modes_asked_for(void **state) {
  (void)state;
  open_append("s1", 0600, 0700, "a/b//c/", 0);
  assert_int_equal(mode_of("a"), 0700);
  assert_int_equal(mode_of("a/b/c"), 0700);
  assert_int_equal(mode_of("a/b/c/s1.jsonl"), 0600);
  open_append("s1", 0644, 0755, "d/e", 0077);
  assert_int_equal(mode_of("d"), 0755);
  assert_int_equal(mode_of("d/e"), 0755);
  assert_int_equal(mode_of("d/e/s1.jsonl"), 0644);
}

static void leaves_existing_modes(void **state) {
  (void)state;
  put_file(folder, "s1.jsonl", "");
  char *path = path_in(folder, "s1.jsonl");
  assert_int_equal(chmod(path, 0640), 0);
  free(path);
  open_append("s1", 0600, 0700, "", 0);
  assert_int_equal(mode_of("s1.jsonl"), 0640);
}

static void refuses_both_ways(const char *id, const char *kind) {
  int fd;
  for (int append = 0; append < 2; append++) {
    assert_false(dbf_directory_open_session(&dir, id, append, &fd, NULL, &err));
    assert_int_equal(err.code, DEBRIEF_EUNSAFE);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.message, kind));
    assert_non_null(strstr(err.message, id));
  }
}

static void make_link(const char *target, const char *name) {
  char *path = path_in(folder, name);
  assert_int_equal(symlink(target, path), 0);
  free(path);
}

static void refuses_symbolic_links(void **state) {
  (void)state;
  put_file(folder, "real.jsonl", "{}\n");
  make_link("/etc/passwd", "out.jsonl");
  make_link("real.jsonl", "in.jsonl");
  make_link("nowhere", "dangling.jsonl");
  refuses_both_ways("out", "is a symbolic link, not a regular file");
  refuses_both_ways("in", "is a symbolic link");
  refuses_both_ways("dangling", "is a symbolic link");
  char *path = path_in(folder, "nowhere");
  assert_int_equal(access(path, F_OK), -1);
  free(path);
}

static void refuses_folders_fifos_and_sockets(void **state) {
  (void)state;
  char *path = path_in(folder, "folder.jsonl");
  assert_int_equal(mkdir(path, 0700), 0);
  free(path);
  path = path_in(folder, "fifo.jsonl");
  assert_int_equal(mkfifo(path, 0600), 0);
  free(path);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/socket.jsonl", folder);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
  refuses_both_ways("folder", "is a folder, not a regular file");
  refuses_both_ways("fifo", "is a FIFO");
  refuses_both_ways("socket", "is a socket");
  close(s);
}

static void follows_the_link_that_the_user_names(void **state) {
  (void)state;
  char *real = path_in(folder, "real");
  assert_int_equal(mkdir(real, 0700), 0);
  make_link("real", "link");
  open_append("s1", 0600, 0700, "link", 0);
  assert_int_equal(mode_of("real/s1.jsonl"), 0600);
  free(real);
}

static void a_missing_session_is_no_error_for_a_reader(void **state) {
  (void)state;
  int fd = 7;
  assert_true(dbf_directory_open_session(&dir, "s1", false, &fd, NULL, &err));
  assert_int_equal(fd, -1);
}

static void a_missing_folder_is(void **state) {
  (void)state;
  dbf_directory none;
  int fd;
  char *path = path_in(folder, "none");
  assert_true(dbf_directory_init(&none, path, 0600, 0700, &err));
  assert_false(dbf_directory_open_session(&none, "s1", false, &fd, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_ENOENT);
  assert_non_null(strstr(err.message, path));
  assert_int_equal(access(path, F_OK), -1);
  dbf_directory_release(&none);
  free(path);
}

static void says_that_a_file_is_no_folder(void **state) {
  (void)state;
  dbf_directory file;
  int fd;
  put_file(folder, "file", "");
  char *path = path_in(folder, "file");
  assert_true(dbf_directory_init(&file, path, 0600, 0700, &err));
  assert_false(dbf_directory_open_session(&file, "s1", true, &fd, NULL, &err));
  assert_non_null(strstr(err.message, "/file is not a folder"));
  dbf_directory_release(&file);
  free(path);
}

static void finds_a_folder_that_was_made_again(void **state) {
  (void)state;
  int fd;
  assert_true(dbf_directory_open(&dir, false, NULL, &err));
  assert_int_equal(rmdir(folder), 0);
  assert_false(dbf_directory_open_session(&dir, "s1", false, &fd, NULL, &err));
  assert_int_equal(err.code, DEBRIEF_ENOENT);
  bool made;
  assert_true(dbf_directory_open(&dir, true, &made, &err));
  assert_true(made);
  assert_true(dbf_directory_open_session(&dir, "s1", true, &fd, &made, &err));
  assert_true(made);
  close(fd);
  assert_int_equal(mode_of("s1.jsonl"), 0600);
}

/* A reason after a path of 4,000 bytes must still be read. */
static void names_the_reason_after_a_long_path(void **state) {
  (void)state;
  dbf_directory deep;
  int fd;
  char path[1200];
  memset(path, 'x', sizeof path);
  for (size_t i = 0; i < sizeof path; i += 100) path[i] = '/';
  path[sizeof path - 1] = '\0';
  memcpy(path, "/proc/version/", 14);
  assert_true(dbf_directory_init(&deep, path, 0600, 0700, &err));
  assert_false(dbf_directory_open_session(&deep, "s1", true, &fd, NULL, &err));
  assert_non_null(strstr(err.message, "is not a folder"));
  dbf_directory_release(&deep);
}

static char listed[400];

static bool list_one(void *user, const char *id) {
  int *left = user;
  strcat(strcat(listed, id), " ");
  return --*left > 0;
}

static void lists_sessions_in_byte_order(void **state) {
  (void)state;
  const char *names[] = {"b.jsonl", "B.jsonl", "a.jsonl",   "a-1.jsonl",       ".x.jsonl",
                         ".jsonl",  "c.json",  "a b.jsonl", "a.jsonl.broken-1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) put_file(folder, names[i], "");
  make_link("a.jsonl", "link.jsonl");
  char *path = path_in(folder, "dir.jsonl");
  assert_int_equal(mkdir(path, 0700), 0);
  free(path);
  int left = 100;
  listed[0] = '\0';
  assert_true(dbf_directory_list(&dir, list_one, &left, &err));
  assert_string_equal(listed, "B a a-1 b ");
  left = 2;
  listed[0] = '\0';
  assert_true(dbf_directory_list(&dir, list_one, &left, &err));
  assert_string_equal(listed, "B a ");
}

static bool look_one(void *user, const dbf_directory_item *item) {
  char line[300];
  int *left = user;
  if (item->kind) snprintf(line, sizeof line, "%s is %s; ", item->id, item->kind);
  else
    snprintf(line, sizeof line, "%s has %llu bytes of %lld; ", item->id, (unsigned long long)item->size,
             (long long)item->mtime_ns);
  strcat(listed, line);
  return --*left > 0;
}

static void set_time(const char *name, time_t sec, long nsec) {
  char *path = path_in(folder, name);
  struct timespec times[2] = {{sec, nsec}, {sec, nsec}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
  free(path);
}

static void looks_at_sessions_and_at_what_only_looks_like_one(void **state) {
  (void)state;
  put_file(folder, "b.jsonl", "{}\n");
  put_file(folder, "a.jsonl", "");
  put_file(folder, "c.json", "");
  put_file(folder, ".jsonl", "");
  set_time("a.jsonl", 1, 5);
  set_time("b.jsonl", -1, 999999999);
  make_link("a.jsonl", "link.jsonl");
  char *path = path_in(folder, "fifo.jsonl");
  assert_int_equal(mkfifo(path, 0600), 0);
  free(path);
  int left = 100;
  listed[0] = '\0';
  assert_true(dbf_directory_look(&dir, false, look_one, &left, &err));
  assert_string_equal(listed, "a has 0 bytes of 1000000005; b has 3 bytes of -1; fifo is a FIFO; "
                              "link is a symbolic link; ");
  left = 1;
  listed[0] = '\0';
  assert_true(dbf_directory_look(&dir, false, look_one, &left, &err));
  assert_string_equal(listed, "a has 0 bytes of 1000000005; ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(refuses_what_is_no_session_id, set_up, tear_down),
      cmocka_unit_test_setup_teardown(makes_exactly_the_modes_asked_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_existing_modes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_symbolic_links, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_folders_fifos_and_sockets, set_up, tear_down),
      cmocka_unit_test_setup_teardown(follows_the_link_that_the_user_names, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_missing_session_is_no_error_for_a_reader, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_missing_folder_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_that_a_file_is_no_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(finds_a_folder_that_was_made_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_the_reason_after_a_long_path, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lists_sessions_in_byte_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(looks_at_sessions_and_at_what_only_looks_like_one, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
