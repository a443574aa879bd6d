/* What a file is, against what stat(2) says. */
#include "temp_folder.h"

#include "log/error.h"
#include "log/look.h"

#include <errno.h>
#include <fcntl.h>

static void says_what_stat_says(void **state) {
  (void)state;
  char *folder = make_temp(), *path = path_in(folder, "a"), *other = path_in(folder, "b");
  struct stat st;
  dbf_look look, named;
  put_file(folder, "a", "seven\n\n");
  assert_int_equal(link(path, other), 0);
  assert_int_equal(chmod(path, 0640), 0);
  int fd = open(path, O_RDONLY);
  assert_int_equal(fstat(fd, &st), 0);
  assert_true(dbf_look_at(fd, &look));
  assert_int_equal(look.device, st.st_dev);
  assert_int_equal(look.inode, st.st_ino);
  assert_int_equal(look.size, 7);
  assert_int_equal(look.links, 2);
  assert_int_equal(look.mode, S_IFREG | 0640);
  assert_int_equal(look.mtime_ns, 0);
  assert_true(dbf_look_at_name(AT_FDCWD, other, &named));
  assert_true(dbf_look_is_same(&look, &named));
  put_file(folder, "c", "");
  char *another = path_in(folder, "c");
  assert_true(dbf_look_at_name(AT_FDCWD, another, &named));
  assert_false(dbf_look_is_same(&look, &named));
  close(fd);
  free(path), free(other), free(another);
  remove_temp(folder);
}

static void looks_at_a_link_and_beneath_a_folder(void **state) {
  (void)state;
  char *folder = make_temp(), *path = path_in(folder, "link");
  int fd = open(folder, O_RDONLY | O_DIRECTORY);
  dbf_look look;
  assert_int_equal(symlink("nowhere", path), 0);
  assert_true(dbf_look_at_name(fd, "link", &look));
  assert_true(S_ISLNK(look.mode));
  assert_false(dbf_look_at_name(fd, "nowhere", &look));
  assert_int_equal(errno, ENOENT);
  assert_false(dbf_look_at(-1, &look));
  assert_int_equal(errno, EBADF);
  close(fd);
  free(path);
  remove_temp(folder);
}

static void reads_the_time_that_a_file_was_changed(void **state) {
  (void)state;
  char *folder = make_temp(), *path = path_in(folder, "a");
  dbf_look look;
  put_file(folder, "a", "");
  assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){{1, 2}, {86400, 123456789}}, 0), 0);
  assert_true(dbf_look_at_times(AT_FDCWD, path, &look));
  assert_int_equal(look.mtime_ns, INT64_C(86400123456789));
  assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){{1, 2}, {-1, 0}}, 0), 0);
  assert_true(dbf_look_at_times(AT_FDCWD, path, &look));
  assert_int_equal(look.mtime_ns, INT64_C(-1000000000));
  free(path);
  remove_temp(folder);
}

static void gives_the_reason_of_an_error_as_the_system_does(void **state) {
  (void)state;
  char buffer[128];
  assert_string_equal(dbf_error_reason(ENOENT, buffer, sizeof buffer), strerror(ENOENT));
  assert_string_equal(dbf_error_reason(123456, buffer, sizeof buffer), strerror(123456));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_what_stat_says),
      cmocka_unit_test(looks_at_a_link_and_beneath_a_folder),
      cmocka_unit_test(reads_the_time_that_a_file_was_changed),
      cmocka_unit_test(gives_the_reason_of_an_error_as_the_system_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
