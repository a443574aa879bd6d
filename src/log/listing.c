/* listing.c: what is in the folder of a log: names are collected and sorted first, so that a callback may take long. */
#include "directory_internal.h"

#include "error.h"
#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX DBF_SESSION_SUFFIX

typedef struct names {
  char **at;
  size_t count, cap;
} names;

/* A copy, since the names must be sorted, and a callback may take long or close the log. */
static bool names_add(names *list, const char *name, size_t len) {
  if (list->count == list->cap) {
    size_t cap = list->cap ? list->cap * 2 : 64;
    char **at = realloc(list->at, cap * sizeof *at);
    if (!at) return false;
    list->at = at;
    list->cap = cap;
  }
  char *copy = strndup(name, len);
  if (!copy) return false;
  list->at[list->count++] = copy;
  return true;
}

static void names_release(names *list) {
  for (size_t i = 0; i < list->count; i++) free(list->at[i]);
  free(list->at);
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_regular(DIR *stream, const struct dirent *item) {
  struct stat st;
  if (item->d_type != DT_UNKNOWN) return item->d_type == DT_REG;
  return fstatat(dirfd(stream), item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

typedef enum wanted { ALL, FILES, OTHERS } wanted; /* OTHERS: links, FIFOs and the like */

/* The ids in the names of the folder that are of this kind. False with errno. */
static bool collect(DIR *stream, wanted kind, names *list) {
  struct dirent *item;
  while (errno = 0, (item = readdir(stream))) {
    size_t len = dbf_session_id_in_name(item->d_name);
    bool is = len && (kind == ALL || is_regular(stream, item) == (kind == FILES));
    if (is && !names_add(list, item->d_name, len)) return false;
  }
  return errno == 0;
}

/* Sorted, each once. */
static void put_in_order(names *list) {
  size_t kept = 0;
  if (list->count) qsort(list->at, list->count, sizeof *list->at, by_bytes);
  for (size_t i = 0; i < list->count; i++) {
    if (kept && strcmp(list->at[kept - 1], list->at[i]) == 0) free(list->at[i]);
    else list->at[kept++] = list->at[i];
  }
  list->count = kept;
}

/* Also those that have a file of their own by now: it was made after the folder was read, perhaps. */
static bool collect_packed(dbf_directory *dir, names *list, debrief_error *err) {
  pthread_mutex_lock(&dir->mutex);
  bool ok = dbf_directory_enter(dir, false, err) && dbf_directory_look_at_pack(dir, err);
  for (uint32_t i = 0; ok && i < dir->pack.ids.count; i++) {
    const char *id = dir->pack.ids.list[i];
    ok = names_add(list, id, strlen(id)) || dbf_fail_memory(err);
  }
  pthread_mutex_unlock(&dir->mutex);
  return ok;
}

static bool collect_all(dbf_directory *dir, DIR *stream, wanted kind, names *list, debrief_error *err) {
  if (!collect(stream, kind, list)) return dbf_directory_fail(dir, "list", err);
  if (kind != OTHERS && !collect_packed(dir, list, err)) return false;
  put_in_order(list);
  return true;
}

/* A stream of its own: the folder's descriptor has one position for all threads. NULL with errno. */
static DIR *open_stream(dbf_directory *dir, debrief_error *err) {
  pthread_mutex_lock(&dir->mutex);
  bool ok = dbf_directory_enter(dir, false, err);
  int fd = ok ? dbf_io_above(openat(dir->fd, ".", DBF_FOLDER_FLAGS)) : -1;
  DIR *stream = fd < 0 ? NULL : fdopendir(fd);
  if (ok && !stream) {
    dbf_directory_fail(dir, "list", err);
    if (fd >= 0) close(fd);
  }
  pthread_mutex_unlock(&dir->mutex);
  return stream;
}

bool dbf_directory_list(dbf_directory *dir, bool (*each)(void *user, const char *id), void *user,
                        debrief_error *err) {
  names list = {0};
  DIR *stream = open_stream(dir, err);
  if (!stream) return false;
  bool ok = collect_all(dir, stream, FILES, &list, err);
  closedir(stream);
  for (size_t i = 0; ok && i < list.count && each(user, list.at[i]); i++) continue;
  names_release(&list);
  return ok;
}

/* False with errno: ENOENT when it is not there any more. */
static bool look_at_item(int folder, const char *id, dbf_directory_item *item) {
  dbf_look look;
  char name[DBF_SESSION_ID_MAX + sizeof SUFFIX];
  snprintf(name, sizeof name, "%s" SUFFIX, id);
  if (!dbf_look_at_times(folder, name, &look)) return false;
  *item = (dbf_directory_item){.id = id,
                               .kind = S_ISREG(look.mode) ? NULL : dbf_directory_kind(look.mode),
                               .size = look.size,
                               .mtime_ns = look.mtime_ns};
  return true;
}

static void set_packed(const dbf_packed *found, const char *id, dbf_directory_item *item) {
  *item = (dbf_directory_item){.id = id, .size = found->size, .mtime_ns = found->mtime_ns};
}

/* As the pack was when the sessions were collected. */
static bool look_at_packed(dbf_directory *dir, const char *id, dbf_directory_item *item) {
  pthread_mutex_lock(&dir->mutex);
  const dbf_packed *found = dbf_pack_find(&dir->pack, id);
  bool is = found && found->size > 0;
  if (is) set_packed(found, id, item);
  pthread_mutex_unlock(&dir->mutex);
  return is;
}

bool dbf_directory_look(dbf_directory *dir, bool others,
                        bool (*each)(void *user, const dbf_directory_item *item), void *user,
                        debrief_error *err) {
  names list = {0};
  dbf_directory_item item;
  DIR *stream = open_stream(dir, err);
  if (!stream) return false;
  bool ok = collect_all(dir, stream, others ? OTHERS : ALL, &list, err);
  for (size_t i = 0; ok && i < list.count; i++) {
    bool there = look_at_packed(dir, list.at[i], &item) || look_at_item(dirfd(stream), list.at[i], &item);
    if (!there && errno != ENOENT) ok = dbf_directory_fail(dir, "look at the sessions of", err);
    if (there && !each(user, &item)) break;
  }
  closedir(stream);
  names_release(&list);
  return ok;
}

bool dbf_directory_find(dbf_directory *dir, const char *id, dbf_directory_item *item, debrief_error *err) {
  if (!dbf_session_id_check(id, err)) return false;
  pthread_mutex_lock(&dir->mutex);
  dbf_packed found;
  bool ok = dbf_directory_enter(dir, false, err) && dbf_directory_find_packed(dir, id, &found, err);
  if (ok && found.size) {
    set_packed(&found, id, item);
  } else if (ok && !look_at_item(dir->fd, id, item)) {
    if (errno == ENOENT)
      ok = dbf_fail(err, DEBRIEF_ENOENT, "no session '%s' in %s", id, dbf_directory_shown(dir->path));
    else ok = dbf_directory_fail(dir, "look at the sessions of", err);
  }
  pthread_mutex_unlock(&dir->mutex);
  return ok;
}

static bool is_name_of(DIR *stream, const char *name, const struct stat *file) {
  struct stat st;
  return fstatat(dirfd(stream), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == file->st_dev &&
         st.st_ino == file->st_ino;
}

bool dbf_directory_names(int folder, const char *name, int fd) {
  struct stat named, open;
  return fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
         named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

unsigned dbf_directory_copies(dbf_directory *dir, const char *id, const struct stat *file) {
  char prefix[DBF_SESSION_ID_MAX + sizeof SUFFIX ".broken-"];
  DIR *stream = open_stream(dir, NULL);
  struct dirent *item;
  unsigned count = 0;
  int len = snprintf(prefix, sizeof prefix, "%s" SUFFIX ".broken-", id);
  while (stream && (item = readdir(stream)))
    count += strncmp(item->d_name, prefix, (size_t)len) == 0 && is_name_of(stream, item->d_name, file);
  if (stream) closedir(stream);
  return count;
}
