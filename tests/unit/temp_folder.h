/* temp_folder.h: a temporary folder for each test that writes files, and a look into it. */
#ifndef TEMP_FOLDER_H
#define TEMP_FOLDER_H

#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static inline char *make_temp(void) {
  const char *parent = getenv("TMPDIR");
  char *path;
  assert_true(asprintf(&path, "%s/debrief-XXXXXX", parent ? parent : "/tmp") > 0);
  assert_non_null(mkdtemp(path));
  return path;
}

static inline void remove_temp(char *path) {
  pid_t pid = fork();
  if (pid == 0) {
    execlp("rm", "rm", "-rf", path, (char *)NULL);
    _exit(127);
  }
  waitpid(pid, NULL, 0);
  free(path);
}

static inline char *path_in(const char *folder, const char *name) {
  char *path;
  assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
  return path;
}

static inline void put_bytes(const char *folder, const char *name, const char *mode, const char *data,
                             size_t len) {
  char *path = path_in(folder, name);
  FILE *file = fopen(path, mode);
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
  free(path);
}

static inline void put_file(const char *folder, const char *name, const char *text) {
  put_bytes(folder, name, "w", text, strlen(text));
}

/* The whole file, followed by a NUL; "" if it does not exist. */
static inline char *get_file(const char *folder, const char *name) {
  char *path = path_in(folder, name);
  FILE *file = fopen(path, "r");
  struct stat st = {0};
  if (file) fstat(fileno(file), &st);
  char *text = calloc(1, (size_t)st.st_size + 1);
  assert_non_null(text);
  if (file) {
    assert_int_equal(fread(text, 1, (size_t)st.st_size, file), st.st_size);
    fclose(file);
  }
  free(path);
  return text;
}

static inline void assert_file(const char *folder, const char *name, const char *expected) {
  char *text = get_file(folder, name);
  assert_string_equal(text, expected);
  free(text);
}

#endif
