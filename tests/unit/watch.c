/* dbf_watch: what of a folder's and its files' changes is reported. Every change is made by the test itself and is in the
 * queue when the call that made it returns, so nothing here waits for anything but a timer of one millisecond. */
#include "temp_folder.h"
#include "wrapped.h"

#include "log/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/vfs.h>

static long kind_of_file_system; /* what fstatfs says (ld --wrap); 0: the truth, -1: it fails */

WRAPPED(int, fstatfs, (int fd, struct statfs *fs));
int __wrap_fstatfs(int fd, struct statfs *fs) {
  if (kind_of_file_system == -1) return errno = EIO, -1;
  int r = __real_fstatfs(fd, fs);
  if (kind_of_file_system) fs->f_type = (__typeof__(fs->f_type))kind_of_file_system;
  return r;
}

static char *folder;
static int folder_fd;
static dbf_watch watch;
static dbf_bytes seen;

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
  kind_of_file_system = 0;
  return dbf_watch_init(&watch, false) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  dbf_watch_release(&watch);
  dbf_bytes_release(&seen);
  close(folder_fd);
  remove_temp(folder);
  return 0;
}

static void see(void *user, const dbf_change *change) {
  static const char *const kinds[] = {"name", "file", "folder", "any", "tick"};
  char text[300];
  (void)user;
  bool named = change->kind == DBF_CHANGE_NAME;
  int n = snprintf(text, sizeof text, "%s%s%s%s%s ", kinds[change->kind], named ? ":" : "",
                   named ? change->name : "", change->made ? "+made" : "", change->moved ? "+moved" : "");
  if (seen.len >= (size_t)n && memcmp(seen.data + seen.len - n, text, (size_t)n) == 0)
    return; /* several writes */
  dbf_bytes_append(&seen, text, (size_t)n);
}

static void assert_seen(const char *expected) {
  dbf_bytes_clear(&seen);
  dbf_watch_read(&watch, see, NULL);
  assert_bytes(&seen, expected);
}

static void move(const char *from, const char *to) {
  char *a = path_in(folder, from), *b = path_in(folder, to);
  assert_int_equal(rename(a, b), 0);
  free(a);
  free(b);
}

static int open_file(const char *name) {
  char *path = path_in(folder, name);
  int fd = open(path, O_RDWR);
  free(path);
  return fd;
}

/* ---- The folder ---------------------------------------------------------------------------------------------- */

static void reports_files_of_the_folder_by_name(void **state) {
  (void)state;
  assert_true(dbf_watch_folder(&watch, folder_fd));
  assert_seen("");
  put_file(folder, "a", "x");
  assert_seen("name:a+made name:a ");
  put_file(folder, "a", "xy");
  assert_seen("name:a ");
  move("a", "b");
  assert_seen("name:a name:b+moved ");
  char *path = path_in(folder, "b");
  unlink(path);
  free(path);
  assert_seen("name:b ");
}

static void reports_that_the_folder_was_moved_or_removed(void **state) {
  (void)state;
  char *inner = path_in(folder, "in");
  assert_int_equal(mkdir(inner, 0700), 0);
  int fd = open(inner, O_RDONLY | O_DIRECTORY);
  assert_true(dbf_watch_folder(&watch, fd));
  move("in", "out");
  assert_seen("folder ");
  char *outer = path_in(folder, "out");
  close(fd); /* an inode that is open is not deleted yet */
  rmdir(outer);
  assert_seen("folder ");
  free(inner);
  free(outer);
}

static void watches_one_folder_at_a_time(void **state) {
  (void)state;
  char *inner = path_in(folder, "in");
  assert_int_equal(mkdir(inner, 0700), 0);
  int fd = open(inner, O_RDONLY | O_DIRECTORY);
  assert_true(dbf_watch_folder(&watch, fd));
  assert_true(dbf_watch_folder(&watch, folder_fd));
  put_file(inner, "a", "x");
  assert_seen("");
  put_file(folder, "b", "x");
  assert_seen("name:b+made name:b ");
  close(fd);
  free(inner);
}

static void does_not_rely_on_events_of_file_systems_that_others_change_too(void **state) {
  (void)state;
  kind_of_file_system = 0x6969 /* NFS */;
  assert_false(dbf_watch_folder(&watch, folder_fd));
  kind_of_file_system = -1; /* nor of one that cannot be asked */
  assert_false(dbf_watch_folder(&watch, folder_fd));
  put_file(folder, "a", "x");
  assert_seen("");
  kind_of_file_system = 0;
  assert_true(dbf_watch_folder(&watch, folder_fd));
}

/* ---- Files --------------------------------------------------------------------------------------------------- */

static void reports_writes_to_a_file_wherever_it_was_moved(void **state) {
  (void)state;
  put_file(folder, "a", "");
  int fd = open_file("a"), file = dbf_watch_file(&watch, fd);
  assert_true(file >= 0);
  move("a", "b");
  assert_seen("");
  put_file(folder, "b", "x");
  assert_seen("file ");
  assert_int_equal(ftruncate(fd, 0), 0);
  assert_seen("file ");
  dbf_watch_forget(&watch, file);
  put_file(folder, "b", "x");
  assert_seen("");
  dbf_watch_forget(&watch, -1); /* which was not to be had */
  close(fd);
}

/* ---- The timer ----------------------------------------------------------------------------------------------- */

static void ticks_once_and_not_later_than_was_asked_first(void **state) {
  (void)state;
  assert_false(dbf_watch_wait(&watch, 0));
  dbf_watch_tick(&watch, 1);
  dbf_watch_tick(&watch, 60000);
  assert_true(dbf_watch_wait(&watch, -1));
  assert_seen("tick ");
  assert_seen("");
  assert_false(dbf_watch_wait(&watch, 0));
  dbf_watch_tick(&watch, 60000);
  dbf_watch_tick(&watch, 1);
  assert_true(dbf_watch_wait(&watch, -1));
  assert_seen("tick ");
}

static void has_the_timer_alone_when_it_polls(void **state) {
  (void)state;
  dbf_watch_release(&watch);
  assert_true(dbf_watch_init(&watch, true));
  assert_false(dbf_watch_folder(&watch, folder_fd));
  put_file(folder, "a", "x");
  int fd = open_file("a");
  assert_int_equal(dbf_watch_file(&watch, fd), -1);
  close(fd);
  assert_seen("");
  dbf_watch_tick(&watch, 1);
  assert_true(dbf_watch_wait(&watch, -1));
  assert_seen("tick ");
}

static void wakes_whoever_waits_when_something_changes(void **state) {
  (void)state;
  assert_true(dbf_watch_folder(&watch, folder_fd));
  put_file(folder, "a", "x");
  assert_true(dbf_watch_wait(&watch, -1));
  assert_seen("name:a+made name:a ");
  assert_false(dbf_watch_wait(&watch, 0));
}

/* The kernel keeps /proc/sys/fs/inotify/max_queued_events of them. */
static void looks_at_everything_when_events_were_lost(void **state) {
  (void)state;
  long most = 16384;
  FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
  if (!file || fscanf(file, "%ld", &most) != 1 || most > 100000) skip();
  fclose(file);
  put_file(folder, "a", "");
  put_file(folder, "b", "");
  int fds[2] = {open_file("a"), open_file("b")};
  assert_true(dbf_watch_folder(&watch, folder_fd));
  for (long i = 0; i <= most; i++)
    assert_int_equal(write(fds[i % 2], "x", 1), 1); /* equal neighbours are one event */
  dbf_bytes_clear(&seen);
  dbf_watch_read(&watch, see, NULL);
  dbf_bytes_terminate(&seen);
  assert_string_equal(seen.data + seen.len - 4, "any ");
  close(fds[0]);
  close(fds[1]);
}

static void says_when_there_are_no_descriptors_left(void **state) {
  (void)state;
  struct rlimit before, few;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  for (rlim_t more = 0; more < 3; more++) {
    int next = dup(folder_fd);
    close(next);
    few = (struct rlimit){(rlim_t)next + more, before.rlim_max};
    dbf_watch none;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    bool ok = dbf_watch_init(&none, false);
    int e = errno;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(ok, more == 2); /* without inotify it polls */
    if (ok) assert_int_equal(none.notify, -1);
    else assert_int_equal(e, EMFILE);
    dbf_watch_release(&none);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(reports_files_of_the_folder_by_name),
      TEST(reports_that_the_folder_was_moved_or_removed),
      TEST(watches_one_folder_at_a_time),
      TEST(does_not_rely_on_events_of_file_systems_that_others_change_too),
      TEST(reports_writes_to_a_file_wherever_it_was_moved),
      TEST(ticks_once_and_not_later_than_was_asked_first),
      TEST(has_the_timer_alone_when_it_polls),
      TEST(wakes_whoever_waits_when_something_changes),
      TEST(looks_at_everything_when_events_were_lost),
      TEST(says_when_there_are_no_descriptors_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
