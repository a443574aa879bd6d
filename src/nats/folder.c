#include "folder.h"

#include "../log/error.h"
#include "../log/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PREFIX    "debrief-log-"
#define FRESH     "debrief-new-" /* until it is locked */
#define LETTERS   6              /* after either, of mkdtemp */
#define OLD       60             /* seconds: making and removing a folder takes less */
#define LOCK_NAME ".lock"

static const char *place(void) {
  const char *dir = getenv("TMPDIR");
  return dir && *dir ? dir : "/tmp";
}

static bool is_content(const char *name) {
  return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, LOCK_NAME) != 0;
}

/* Remove the files of an open folder. The lock goes last: what has none is empty. NULL: it could not be read. */
static DIR *empty(int fd) {
  DIR *dir = fdopendir(fd);
  if (!dir) return NULL;
  for (struct dirent *item; (item = readdir(dir));)
    if (is_content(item->d_name)) unlinkat(fd, item->d_name, 0);
  unlinkat(fd, LOCK_NAME, 0);
  return dir;
}

static void close_emptied(DIR *dir, int fd) {
  if (dir) closedir(dir);
  else close(fd);
}

/* ---- Sweeping -------------------------------------------------------------------------------------------------- */

/* The lock of a folder whose process is gone, taken; -1: it lives. */
static int take_lock(int folder) {
  int lock = dbf_io_above(openat(folder, LOCK_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  if (lock >= 0) close(lock);
  return -1;
}

static bool begins(const char *name, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(name, prefix, len) == 0 && strlen(name) == len + LETTERS;
}

/* One that is not locked any more, or was left without a lock: those are empty, or it is not ours to know. */
static void sweep_one(int parent, const char *name) {
  struct stat st;
  int folder = dbf_io_above(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  bool own = folder >= 0 && fstat(folder, &st) == 0 && st.st_uid == geteuid();
  bool old = own && time(NULL) - st.st_mtime > OLD;
  int lock = own && (old || begins(name, PREFIX)) ? take_lock(folder) : -1;
  if (folder >= 0) close_emptied(lock >= 0 ? empty(folder) : NULL, folder);
  if (lock >= 0 || old) unlinkat(parent, name, AT_REMOVEDIR);
  if (lock >= 0) close(lock);
}

static void sweep(void) {
  DIR *dir = opendir(place());
  if (!dir) return;
  for (struct dirent *item; (item = readdir(dir));)
    if (begins(item->d_name, PREFIX) || begins(item->d_name, FRESH)) sweep_one(dirfd(dir), item->d_name);
  closedir(dir);
}

/* ---- The end of the process ------------------------------------------------------------------------------------ */

/* A handler of signals finds them here. Only the process that made one removes it: handlers come along in a fork. */
static struct {
  _Atomic(const dbf_nats_folder *) folder;
  pid_t owner;
} live[32]; /* what is not in here is left to the next process */

static void remember(const dbf_nats_folder *f) {
  for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
    const dbf_nats_folder *none = NULL;
    live[i].owner = atomic_load(&live[i].folder) ? live[i].owner : getpid();
    if (atomic_compare_exchange_strong(&live[i].folder, &none, f)) return;
  }
}

static void forget(const dbf_nats_folder *f) {
  for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
    const dbf_nats_folder *one = f;
    atomic_compare_exchange_strong(&live[i].folder, &one, NULL);
  }
}

/* As the kernel gives them: readdir(3) takes locks. */
typedef struct entry64 {
  uint64_t inode;
  int64_t next;
  unsigned short len;
  unsigned char type;
  char name[];
} entry64;

static void empty_at_once(int fd) {
  char block[4096] __attribute__((aligned(8)));
  long got;
  lseek(fd, 0, SEEK_SET);
  while ((got = syscall(SYS_getdents64, fd, block, sizeof block)) > 0)
    for (long at = 0; at < got; at += ((const entry64 *)(const void *)(block + at))->len) {
      const char *name = ((const entry64 *)(const void *)(block + at))->name;
      if (is_content(name)) unlinkat(fd, name, 0);
    }
}

/* Other threads may be writing into it at this moment, so that another look may find more. What is left in the end, or
 * when SIGKILL follows, has a lock, by which the next process finds it. */
static void remove_at_once(const dbf_nats_folder *f) {
  for (int look = 0; look < 3; look++) {
    empty_at_once(f->fd);
    unlinkat(f->fd, LOCK_NAME, 0);
    if (rmdir(f->path) == 0) return;
    int lock = openat(f->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock >= 0) close(lock);
  }
}

void dbf_nats_folder_abandon(void) {
  int saved = errno;
  for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
    const dbf_nats_folder *f = atomic_load(&live[i].folder);
    if (f && live[i].owner == getpid()) remove_at_once(f);
  }
  errno = saved;
}

/* ---- Making ---------------------------------------------------------------------------------------------------- */

/* Locked before it has the name that others sweep. */
static bool make(dbf_nats_folder *f, char *fresh, debrief_error *err) {
  f->fd = dbf_io_above(open(fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  f->lock =
      f->fd < 0
          ? -1
          : dbf_io_above(openat(f->fd, LOCK_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (f->lock < 0 || flock(f->lock, LOCK_EX | LOCK_NB) != 0 || rename(fresh, f->path) != 0) {
    dbf_fail_errno(err, "cannot make the folder %s", f->path);
    if (f->lock >= 0) unlinkat(f->fd, LOCK_NAME, 0);
    rmdir(fresh);
    return false;
  }
  return true;
}

bool dbf_nats_folder_make(dbf_nats_folder *f, debrief_error *err) {
  char *fresh = NULL;
  *f = (dbf_nats_folder){.fd = -1, .lock = -1};
  sweep();
  if (asprintf(&fresh, "%s/" FRESH "XXXXXX", place()) < 0) return dbf_fail_memory(err);
  if (asprintf(&f->path, "%s/" PREFIX "XXXXXX", place()) < 0) f->path = NULL;
  bool ok = f->path || dbf_fail_memory(err);
  if (ok) {
    /* mkdtemp chooses the six letters of the one, and the other gets the same */
    ok = mkdtemp(fresh) ||
         dbf_fail_errno(err, "cannot make a folder in %s ($TMPDIR names another place)", place());
    if (ok) memcpy(f->path + strlen(f->path) - 6, fresh + strlen(fresh) - 6, 6);
  }
  ok = ok && make(f, fresh, err);
  free(fresh);
  if (ok) remember(f);
  if (ok) return true;
  if (f->fd >= 0) close(f->fd);
  if (f->lock >= 0) close(f->lock);
  free(f->path);
  *f = (dbf_nats_folder){.fd = -1, .lock = -1};
  return false;
}

/* A signal in the midst of it removes what is left. */
void dbf_nats_folder_remove(dbf_nats_folder *f, bool forked) {
  if (!f->path) return;
  DIR *dir = forked ? NULL : empty(f->fd);
  if (!forked) {
    rmdir(f->path);
    forget(f);
  }
  close_emptied(dir, f->fd);
  close(f->lock);
  free(f->path);
  *f = (dbf_nats_folder){.fd = -1, .lock = -1};
}
