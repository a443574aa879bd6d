/* The power fails at every call that changes the disk. A model of the disk knows what the last syncs made sure of; all that
 * was written since may be there in part: a file that is as long as any of its writes left it or shorter, with sectors of
 * zeros in it, and any of the names that the folder has had. In each such folder a fresh log must find every entry that
 * was acknowledged, none that was not appended, and must append the next one.
 *
 *     durable ---- write ---- write ---- fsync: durable      the power fails at each of these, several times
 *             any part of what was written since
 *
 * The model keeps the order of names, as journals do, and knows nothing of a disk that lies about its cache. */
#include "../torture/figure.h"
#include "temp_folder.h"
#include "transcript.h"
#include "wrapped.h"

#include <debrief/log.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

enum { FILES = 8, SNAPSHOTS = 64, SECTOR = 512, ENTRIES = 10, CUTS_EACH = 4 };

typedef struct image {
  ino_t number;
  dbf_bytes now, durable;
} image;

/* The names of a folder: s1.jsonl and what a repair makes. */
typedef struct names {
  size_t count;
  struct {
    char name[256];
    ino_t number;
  } at[FILES];
} names;

static char *folder, *after; /* the log, and what the power cut leaves of it */
static image images[FILES];
static size_t image_count;
static names seen[SNAPSHOTS]; /* from the last sync of the folder on */
static size_t seen_count;
static bool recording;
static debrief_error err;
static char *appended[ENTRIES + 1]; /* lines */
static size_t appended_count, acknowledged;
static long cuts, torn; /* power cuts; those that left less than was written */

/* ---- Chance ------------------------------------------------------------------------------------------------------ */

static uint64_t chance = 0x9e3779b97f4a7c15;

static size_t below(size_t n) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  return (size_t)(chance % n);
}

/* ---- The disk ---------------------------------------------------------------------------------------------------- */

static image *image_of(ino_t number) {
  for (size_t i = 0; i < image_count; i++)
    if (images[i].number == number) return &images[i];
  if (image_count == FILES) abort();
  images[image_count].number = number;
  return &images[image_count++];
}

static void forget_disk(void) {
  for (size_t i = 0; i < image_count; i++) {
    dbf_bytes_release(&images[i].now);
    dbf_bytes_release(&images[i].durable);
  }
  memset(images, 0, sizeof images);
  image_count = seen_count = 0;
}

static void copy_bytes(dbf_bytes *to, const dbf_bytes *from) {
  dbf_bytes_clear(to);
  if (from->len) dbf_bytes_append(to, from->data, from->len);
}

/* Look at the folder: what its files hold and how they are called now. */
static void look(void) {
  names *now = &seen[seen_count < SNAPSHOTS ? seen_count++ : SNAPSHOTS - 1];
  DIR *dir = opendir(folder);
  struct dirent *e;
  now->count = 0;
  while (dir && (e = readdir(dir)))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && now->count < FILES) {
      image *file = image_of(e->d_ino);
      dbf_bytes_clear(&file->now);
      read_file(&file->now, folder, e->d_name);
      if (file->durable.len > file->now.len)
        copy_bytes(&file->durable, &file->now); /* it was cut, or is another */
      snprintf(now->at[now->count].name, sizeof now->at->name, "%s", e->d_name);
      now->at[now->count++].number = e->d_ino;
    }
  closedir(dir);
}

static void synced(int fd) {
  struct stat st;
  look();
  if (fstat(fd, &st) != 0) abort();
  if (S_ISDIR(st.st_mode)) {
    seen[0] = seen[seen_count - 1];
    seen_count = 1;
  } else {
    image *file = image_of(st.st_ino);
    copy_bytes(&file->durable, &file->now);
  }
}

/* What is left of a file. */
static void put_remains(const char *name, image *file) {
  size_t sure = file->durable.len, len = sure + below(file->now.len - sure + 1);
  if (len < file->now.len) torn++;
  if (len == 0) {
    put_bytes(after, name, "w", "", 0);
    return;
  }
  char *left = malloc(len);
  assert_non_null(left);
  memcpy(left, file->now.data, len);
  for (size_t at = sure; at < len; at = (at / SECTOR + 1) * SECTOR) {
    size_t end = (at / SECTOR + 1) * SECTOR;
    if (below(4) == 0) memset(left + at, 0, (end < len ? end : len) - at);
  }
  put_bytes(after, name, "w", left, len);
  free(left);
}

static void empty(const char *path) {
  DIR *dir = opendir(path);
  struct dirent *e;
  while (dir && (e = readdir(dir)))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) unlinkat(dirfd(dir), e->d_name, 0);
  closedir(dir);
}

/* ---- What is found afterwards ------------------------------------------------------------------------------------ */

static size_t count_of(const char *text, const char *line) {
  size_t n = 0, len = strlen(line);
  for (const char *at = text; (at = strstr(at, line)); at += len) n++;
  return n;
}

static void read_after(dbf_bytes *out) {
  char *path = path_in(after, "s1.jsonl");
  dbf_read_options options = {.session = "s1"};
  int fd = open(path, O_RDONLY);
  free(path);
  if (fd >= 0) transcribe(out, fd, &options);
  assert_true(dbf_bytes_terminate(out));
}

static bool is_appended(const char *text, size_t len) {
  for (size_t i = 0; i < appended_count; i++)
    if (strlen(appended[i]) == len && memcmp(appended[i], text, len) == 0) return true;
  return false;
}

static void assert_all_there(void) {
  dbf_bytes out = {0};
  read_after(&out);
  for (size_t i = 0; i < acknowledged; i++)
    if (count_of(out.data, appended[i]) != 1)
      fail_msg("entry %zu was acknowledged, and is lost:\n%s", i, out.data);
  for (const char *line = out.data, *end; (end = strchr(line, '\n')); line = end + 1) {
    const char *json = memchr(line, '{', (size_t)(end - line)), *stop = end;
    if (strncmp(line, "entry ", 6) != 0 || !json) continue;
    while (stop > json && stop[-1] != '}') stop--; /* it may say "salvaged" */
    if (!is_appended(json, (size_t)(stop - json))) fail_msg("invented: %.*s", (int)(end - line), line);
  }
  dbf_bytes_release(&out);
}

static bool append_to(const char *dir, char *const *lines, size_t count, debrief_sync sync) {
  debrief_log_config config = {.struct_size = sizeof config, .sync = sync};
  debrief_log *log = debrief_log_open(dir, &config, &err);
  debrief_text texts[ENTRIES];
  size_t stored = 0;
  assert_non_null(log);
  for (size_t i = 0; i < count; i++) texts[i] = (debrief_text){lines[i], strlen(lines[i])};
  bool ok = count == 1 ? debrief_log_append_json(log, "s1", lines[0], strlen(lines[0]), &err)
                       : debrief_log_append_batch(log, "s1", texts, count, &stored, &err);
  debrief_log_close(log);
  return ok;
}

/* The power fails now. */
static void cut_power(void) {
  const names *left = &seen[below(seen_count)];
  char *next =
      "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T12:00:00Z\",\"skill\":\"after the power cut\"}";
  empty(after);
  for (size_t i = 0; i < left->count; i++) put_remains(left->at[i].name, image_of(left->at[i].number));
  cuts++;
  assert_all_there();
  if (!append_to(after, &next, 1, DEBRIEF_SYNC_NONE)) fail_msg("cannot append: %s", err.message);
  appended[appended_count++] = next;
  assert_all_there();
  dbf_bytes out = {0};
  read_after(&out);
  assert_int_equal(count_of(out.data, next), 1);
  dbf_bytes_release(&out);
  appended_count--;
}

static void consider(void) {
  if (!recording) return;
  recording = false;
  look();
  for (int i = 0; i < CUTS_EACH; i++) cut_power();
  recording = true;
}

static void note_sync(int fd) {
  if (!recording) return;
  recording = false;
  synced(fd);
  recording = true;
  consider();
}

/* ---- Calls (ld --wrap) ------------------------------------------------------------------------------------------- */

#define CHANGES(type, name, params, args, then) \
  type __wrap_##name params {                   \
    type result = __real_##name args;           \
    int saved = errno;                          \
    if (result >= 0) then;                      \
    errno = saved;                              \
    return result;                              \
  }

#define CHANGING(type, name, params, args, then) \
  type __real_##name params;                     \
  type __wrap_##name params;                     \
  CHANGES(type, name, params, args, then)

CHANGING(ssize_t, write, (int fd, const void *data, size_t len), (fd, data, len), consider())
CHANGING(ssize_t, writev, (int fd, const struct iovec *pieces, int count), (fd, pieces, count), consider())
CHANGING(int, fsync, (int fd), (fd), note_sync(fd))
CHANGING(int, fdatasync, (int fd), (fd), note_sync(fd))
WRAPPED(int, ftruncate, (int fd, off_t len));
CHANGES(int, ftruncate, (int fd, off_t len), (fd, len), consider())
CHANGING(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags), consider())
CHANGING(int, renameat, (int from_dir, const char *from, int to_dir, const char *to),
         (from_dir, from, to_dir, to), consider())
CHANGING(int, linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags),
         (from_dir, from, to_dir, to, flags), consider())

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static int set_up(void **state) {
  (void)state;
  folder = make_temp();
  after = make_temp();
  recording = false;
  appended_count = acknowledged = 0;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  recording = false;
  forget_disk();
  remove_temp(folder);
  remove_temp(after);
  return 0;
}

/* An entry of its own, of up to a few sectors. */
static char *new_entry(void) {
  static int number;
  char *line;
  assert_true(
      asprintf(
          &line,
          "{\"session_id\":\"s1\",\"timestamp\":\"2026-05-03T12:00:00Z\",\"skill\":\"k%d\",\"pad\":\"%0*d\"}",
          ++number, 1 + (int)below(1500), 0) > 0);
  return line;
}

static void start_recording(void) {
  forget_disk();
  look();
  for (size_t i = 0; i < image_count; i++) copy_bytes(&images[i].durable, &images[i].now);
  recording = true;
}

static void stop_recording(void) {
  recording = false;
  for (size_t i = 0; i < appended_count; i++) free(appended[i]);
  appended_count = acknowledged = 0;
  empty(folder);
}

static int rounds(int few) {
  return getenv("TORTURE") ? few * 50 : few;
}

static void what_is_acknowledged_survives(void **state) {
  (void)state;
  for (int round = 0; round < rounds(12); round++) {
    start_recording();
    while (appended_count < ENTRIES - 3) {
      size_t count = below(3) + 1, from = appended_count;
      for (size_t i = 0; i < count; i++) appended[appended_count++] = new_entry();
      assert_true(append_to(folder, appended + from, count, DEBRIEF_SYNC_DATA));
      acknowledged = appended_count;
      consider();
    }
    stop_recording();
  }
}

static void a_repair_loses_nothing(void **state) {
  (void)state;
  for (int round = 0; round < rounds(6); round++) {
    for (int i = 0; i < 4; i++) appended[appended_count++] = new_entry();
    assert_true(append_to(folder, appended, 2, DEBRIEF_SYNC_NONE));
    put_bytes(folder, "s1.jsonl", "a", "{\"session_id\":\"s1\",\"to\n", 24);
    assert_true(append_to(folder, appended + 2, 1, DEBRIEF_SYNC_NONE));
    /* whole but for its newline: a repair writes it after all others, under the lock */
    put_bytes(folder, "s1.jsonl", "a", appended[3], strlen(appended[3]));
    acknowledged = appended_count;
    start_recording();
    debrief_log *log = debrief_log_open(folder, NULL, &err);
    debrief_repair repair = {.struct_size = sizeof repair};
    assert_non_null(log);
    assert_true(debrief_log_repair(log, "s1", &repair, &err));
    assert_true(repair.repaired);
    consider();
    debrief_repair_release(&repair);
    debrief_log_close(log);
    stop_recording();
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(what_is_acknowledged_survives), TEST(a_repair_loses_nothing)};
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  figure("power cuts", "at every call of synced appends and repairs",
         "nothing acknowledged lost, nothing invented", failures == 0 && torn > 0,
         "%ld, %ld of them with a part of a write, %d tests failed", cuts, torn, failures);
  return failures;
}
