/* repair_scene.h: a session in a folder of its own, its repair, and looks at what that left. fsync is the test's own here, to
 * make things happen between two steps. */
#ifndef REPAIR_SCENE_H
#define REPAIR_SCENE_H

#include "temp_folder.h"

#include <debrief/log.h>

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>

static char *folder;
static debrief_log *log_;
static debrief_error err;
static debrief_repair repair;

static int
    syncs; /* of this test so far: the new file, the rest of it under the lock, the folder, and again */
static int (*at_sync)(int nr); /* called with the number of the sync, in its place when it returns non-zero */

int fsync(int fd) {
  syncs++;
  int errno_value = at_sync ? at_sync(syncs) : 0;
  if (errno_value <= 0) return (int)syscall(SYS_fsync, fd);
  errno = errno_value;
  return -1;
}

static inline int set_up(void **state) {
  (void)state;
  debrief_log_config config = {.struct_size = sizeof config, .lock_timeout_ms = 2000};
  folder = make_temp();
  log_ = debrief_log_open(folder, &config, &err);
  repair = (debrief_repair){.struct_size = sizeof repair};
  syncs = 0;
  at_sync = NULL;
  return log_ == NULL;
}

static inline int tear_down(void **state) {
  (void)state;
  debrief_repair_release(&repair);
  debrief_log_close(log_);
  remove_temp(folder);
  return 0;
}

#define A "{\"session_id\":\"s1\",\"skill\":\"a\"}"
#define B "{\"session_id\":\"s1\",\"skill\":\"b\"}"

/* Is this the only file beside s1.jsonl? NULL: there is none. Of the copy, the time is left out of the name. */
static inline void assert_beside(const char *expected) {
  struct dirent **names;
  dbf_bytes found;
  dbf_bytes_init(&found);
  int n = scandir(folder, &names, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    char *name = names[i]->d_name, *stamp = strstr(name, ".broken-");
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "s1.jsonl") != 0) {
      if (stamp) {
        assert_int_equal(strspn(stamp + 8, "0123456789"), 8);
        assert_int_equal(strspn(stamp + 17, "0123456789"), 6);
        assert_true(stamp[16] == 'T' && stamp[23] == 'Z');
        memmove(stamp + 7, stamp + 24, strlen(stamp + 24) + 1);
      }
      if (found.len) dbf_bytes_append_char(&found, ' ');
      dbf_bytes_append(&found, name, strlen(name));
    }
    free(names[i]);
  }
  free(names);
  assert_bytes(&found, expected);
  dbf_bytes_release(&found);
}

static inline void assert_copy(const char *expected, size_t len) {
  assert_non_null(repair.copy);
  assert_memory_equal(repair.copy, folder, strlen(folder));
  const char *name = repair.copy + strlen(folder) + 1;
  struct stat st;
  assert_int_equal(stat(repair.copy, &st), 0);
  assert_int_equal(st.st_size, len);
  assert_int_equal(st.st_mode & 07777, 0600);
  char *text = get_file(folder, name);
  assert_memory_equal(text, expected, len);
  free(text);
}

/* "line:offset+length kind\n" of everything that was left out. */
static inline void assert_left_out(const char *expected) {
  dbf_bytes list;
  dbf_bytes_init(&list);
  for (size_t i = 0; i < repair.left_out_count; i++) {
    const debrief_left_out *o = &repair.left_out[i];
    char text[128];
    int n =
        snprintf(text, sizeof text, "%llu:%llu+%llu %s\n", (unsigned long long)o->line,
                 (unsigned long long)o->offset, (unsigned long long)o->length, debrief_kind_name(o->kind));
    dbf_bytes_append(&list, text, (size_t)n);
  }
  assert_bytes(&list, expected);
  dbf_bytes_release(&list);
}

static inline void assert_untouched(const char *text) {
  assert_file(folder, "s1.jsonl", text);
  assert_beside("");
  assert_false(repair.repaired);
  assert_null(repair.copy);
  assert_null(repair.left_out);
}

#endif
