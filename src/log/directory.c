/* directory.c: the folder of a log. Owns the folder's descriptor and every way in to a session file; knows nothing
 * about lines.
 *
 *     absolute --open--> fd          the user's own choice: links are followed
 *     fd  ---openat2---> ID.jsonl    nothing is followed, and only a regular file is taken
 */
#include "directory_internal.h"

#include "error.h"
#include "io.h"
#include "session_id.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SUFFIX     DBF_SESSION_SUFFIX
#define SHOWN_PATH 300
#define OPEN_FLAGS (O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)

#ifndef SYS_openat2
#define SYS_openat2 437 /* the same on every processor */
#endif

const char *dbf_directory_shown(const char *path) {
  size_t len = strlen(path);
  return len > SHOWN_PATH ? path + len - SHOWN_PATH : path;
}

/* ---- The folder -------------------------------------------------------------------------------------------- */

/* `path`, made absolute; as it is where the working folder has no usable name. NULL: out of memory. */
static char *absolute_of(const char *path) {
  char *folder = *path == '/' ? NULL : getcwd(NULL, 0), *absolute = NULL;
  bool usable = folder && *folder == '/' && strlen(folder) + strlen(path) + 1 < PATH_MAX;
  if (!usable) absolute = strdup(path);
  else if (asprintf(&absolute, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path) < 0) absolute = NULL;
  free(folder);
  return absolute;
}

/* Takes the two texts, also on failure. */
static bool init(dbf_directory *dir, char *path, char *absolute, uint32_t file_mode, uint32_t folder_mode,
                 debrief_error *err) {
  *dir = (dbf_directory){
      .path = path, .absolute = absolute, .fd = -1, .file_mode = file_mode, .folder_mode = folder_mode};
  if (path && absolute) return pthread_mutex_init(&dir->mutex, NULL), true;
  dbf_directory_release(dir);
  return dbf_fail_memory(err);
}

bool dbf_directory_init(dbf_directory *dir, const char *path, uint32_t file_mode, uint32_t folder_mode,
                        debrief_error *err) {
  size_t len = strlen(path);
  while (len > 1 && path[len - 1] == '/') len--;
  char *given = strndup(path, len);
  return init(dir, given, given ? absolute_of(given) : NULL, file_mode, folder_mode, err);
}

bool dbf_directory_copy(dbf_directory *to, const dbf_directory *dir, debrief_error *err) {
  return init(to, strdup(dir->path), strdup(dir->absolute), dir->file_mode, dir->folder_mode, err);
}

/* The mutex is not destroyed: after a fork another thread of the parent may hold the child's copy for ever. */
void dbf_directory_release(dbf_directory *dir) {
  if (dir->fd >= 0) close(dir->fd);
  dbf_pack_release(&dir->pack);
  free(dir->path);
  free(dir->absolute);
  dir->fd = -1;
  dir->path = dir->absolute = NULL;
}

/* Exactly `mode`, whatever the umask took away. File systems without modes (exFAT, CIFS) refuse, and that is theirs
 * to decide. */
static bool set_mode(int fd, uint32_t mode) {
  struct stat st;
  if (fstat(fd, &st) != 0) return false;
  if ((st.st_mode & 07777) == mode || fchmod(fd, mode) == 0) return true;
  return errno == EPERM || errno == EOPNOTSUPP;
}

static bool set_folder_mode(const char *path, uint32_t mode) {
  int fd = dbf_io_above(open(path, DBF_FOLDER_FLAGS | O_NOFOLLOW));
  bool ok = fd >= 0 && set_mode(fd, mode);
  if (fd >= 0) close(fd);
  return ok;
}

/* mkdir -p. `path` is cut and restored in place. False with errno. */
static bool make_folder(dbf_directory *dir, char *path) {
  if (mkdir(path, dir->folder_mode) == 0) {
    dir->levels_made++;
    return set_folder_mode(path, dir->folder_mode);
  }
  if (errno == EEXIST) return true;
  char *slash = errno == ENOENT ? strrchr(path, '/') : NULL;
  if (!slash || slash == path) return false;
  *slash = '\0';
  bool ok = make_folder(dir, path);
  *slash = '/';
  if (!ok) return false;
  if (mkdir(path, dir->folder_mode) != 0) return errno == EEXIST;
  dir->levels_made++;
  return set_folder_mode(path, dir->folder_mode);
}

/* A folder that was moved away or removed, and perhaps made again, leaves us a descriptor that others do not find by its
 * name. Where the name cannot be looked up (rights that were given up), the descriptor is all there is. */
static void forget_moved(dbf_directory *dir) {
  struct stat named;
  if (stat(dir->absolute, &named) == 0) {
    if (!dir->known || (named.st_dev == dir->st.st_dev && named.st_ino == dir->st.st_ino)) return;
  } else if (errno != ENOENT && errno != ENOTDIR) return;
  close(dir->fd);
  dbf_pack_release(&dir->pack);
  dir->fd = -1;
}

bool dbf_directory_fail(const dbf_directory *dir, const char *verb, debrief_error *err) {
  const char *path = dbf_directory_shown(dir->path);
  if (errno == ENOTDIR)
    return dbf_fail(err, DEBRIEF_EIO, "%s is not a folder: the path of a log names one", path);
  return dbf_fail_errno(err, "cannot %s folder %s", verb, path);
}

/* A call found no descriptor that is free: is there one now? */
static bool gives_way(dbf_directory *dir) {
  int saved = errno;
  bool freed = (saved == EMFILE || saved == ENFILE) && dir->give_way && dir->give_way(dir->user);
  errno = saved;
  return freed;
}

static int open_named_folder(dbf_directory *dir) {
  int fd;
  do fd = dbf_io_above(open(dir->absolute, DBF_FOLDER_FLAGS));
  while (fd < 0 && gives_way(dir));
  if (fd >= 0) dir->known = fstat(fd, &dir->st) == 0;
  return fd;
}

bool dbf_directory_enter(dbf_directory *dir, bool make, debrief_error *err) {
  if (dir->fd >= 0) forget_moved(dir);
  if (dir->fd >= 0) return true;
  dir->fd = open_named_folder(dir);
  if (dir->fd < 0 && errno == ENOENT && make) {
    if (!make_folder(dir, dir->absolute)) return dbf_directory_fail(dir, "make", err);
    dir->fd = open_named_folder(dir);
  }
  if (dir->fd >= 0) return true;
  if (errno == ENOENT && !make)
    return dbf_fail(err, DEBRIEF_ENOENT, "there is no folder %s", dbf_directory_shown(dir->path));
  return dbf_directory_fail(dir, "open", err);
}

bool dbf_directory_open(dbf_directory *dir, bool make, bool *made, debrief_error *err) {
  pthread_mutex_lock(&dir->mutex);
  unsigned before = dir->levels_made;
  bool ok = dbf_directory_enter(dir, make, err);
  if (made) *made = dir->levels_made > before;
  pthread_mutex_unlock(&dir->mutex);
  return ok;
}

/* fsync `levels` parents above the folder; a folder that was made here is no link, so ".." is its parent. */
static bool sync_parents(int fd, unsigned levels) {
  int at = fd;
  bool ok = true;
  for (unsigned i = 0; i < levels && ok; i++) {
    int up = dbf_io_above(openat(at, "..", DBF_FOLDER_FLAGS));
    if (at != fd) close(at);
    if (up < 0) return false;
    at = up;
    ok = fsync(at) == 0;
  }
  if (at != fd) close(at);
  return ok;
}

bool dbf_directory_sync(dbf_directory *dir, debrief_error *err) {
  pthread_mutex_lock(&dir->mutex);
  bool ok = dbf_directory_enter(dir, false, err);
  if (ok && !(fsync(dir->fd) == 0 && sync_parents(dir->fd, dir->levels_made)))
    ok = dbf_directory_fail(dir, "sync", err);
  if (ok) dir->levels_made = 0;
  pthread_mutex_unlock(&dir->mutex);
  return ok;
}

/* ---- Sessions ---------------------------------------------------------------------------------------------- */

static char *join(const char *folder, const char *id) {
  char *path;
  const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
  return asprintf(&path, "%s%s%s" SUFFIX, folder, slash, id) < 0 ? NULL : path;
}

char *dbf_directory_session_path(const dbf_directory *dir, const char *id) {
  return join(dir->path, id);
}

char *dbf_directory_session_file(const dbf_directory *dir, const char *id) {
  return join(dir->absolute, id);
}

/* The kernel's struct open_how, whose header C libraries do not bring. */
typedef struct open_request {
  uint64_t flags, mode, resolve;
} open_request;

enum { NO_MAGIC_LINKS = 2, NO_LINKS = 4, BENEATH = 8 };

/* openat2 needs Linux 5.6, and sandboxes that do not know it answer EPERM. The name has no '/', so O_NOFOLLOW alone
 * is as tight. */
static int open_beneath(int dir, const char *name, int flags, uint32_t mode) {
  open_request how = {.flags = (uint64_t)(unsigned)(flags | OPEN_FLAGS),
                      .mode = mode,
                      .resolve = BENEATH | NO_LINKS | NO_MAGIC_LINKS};
  int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
    fd = openat(dir, name, flags | OPEN_FLAGS, mode);
  return dbf_io_above(fd);
}

static int open_here(dbf_directory *dir, const char *name, int flags, uint32_t mode) {
  int fd;
  do fd = open_beneath(dir->fd, name, flags, mode);
  while (fd < 0 && gives_way(dir));
  return fd;
}

/* Open for appending; O_EXCL distinguishes what is ours, whose mode we set. -1 with errno. */
static int open_append(dbf_directory *dir, const char *name, bool *made) {
  for (int tries = 0; tries < 100; tries++) {
    int fd = open_here(dir, name, O_RDWR | O_APPEND, 0);
    if (fd >= 0 || errno != ENOENT) return fd;
    fd = open_here(dir, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL, dir->file_mode);
    if (fd < 0 && errno == EEXIST) continue; /* somebody was faster */
    if (fd < 0) return -1;
    *made = true;
    if (set_mode(fd, dir->file_mode)) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  return -1;
}

const char *dbf_directory_kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

static bool fail_unsafe(const char *path, mode_t mode, debrief_error *err) {
  return dbf_fail(err, DEBRIEF_EUNSAFE,
                  "%s is %s, not a regular file: move it away or use another session id",
                  dbf_directory_shown(path), dbf_directory_kind(mode));
}

/* What the open calls refuse by themselves (ELOOP, EISDIR, ENXIO) gets the same message as what fstat finds. */
static bool fail_open(const dbf_directory *dir, const char *name, const char *path, debrief_error *err) {
  struct stat st;
  int saved = errno;
  if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
    return fail_unsafe(path, st.st_mode, err);
  errno = saved;
  return dbf_fail_errno(err, "cannot open %s", dbf_directory_shown(path));
}

static bool check_regular(int fd, const char *path, debrief_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) return dbf_fail_errno(err, "cannot look at %s", dbf_directory_shown(path));
  return S_ISREG(st.st_mode) || fail_unsafe(path, st.st_mode, err);
}

/* The folder is open and the mutex held. */
static bool open_session(dbf_directory *dir, const char *path, bool append, int *fd, bool *made,
                         debrief_error *err) {
  const char *name = strrchr(path, '/') + 1;
  *fd = append ? open_append(dir, name, made) : open_here(dir, name, O_RDONLY, 0);
  if (*fd < 0) return (errno == ENOENT && !append) || fail_open(dir, name, path, err);
  if (check_regular(*fd, path, err)) return true;
  close(*fd);
  *fd = -1;
  return false;
}

bool dbf_directory_open_session(dbf_directory *dir, const char *id, bool append, int *fd, bool *made,
                                debrief_error *err) {
  bool unused;
  *fd = -1;
  *(made ? made : &unused) = false;
  if (!dbf_session_id_check(id, err)) return false;
  char *path = dbf_directory_session_path(dir, id);
  if (!path) return dbf_fail_memory(err);
  pthread_mutex_lock(&dir->mutex);
  bool ok = dbf_directory_enter(dir, append, err) &&
            open_session(dir, path, append, fd, made ? made : &unused, err);
  pthread_mutex_unlock(&dir->mutex);
  free(path);
  return ok;
}

bool dbf_directory_look_at_pack(dbf_directory *dir, debrief_error *err) {
  bool ok;
  do ok = dbf_pack_look(&dir->pack, dir->fd, err);
  while (!ok && gives_way(dir));
  return ok;
}

bool dbf_directory_find_packed(dbf_directory *dir, const char *id, dbf_packed *found, debrief_error *err) {
  *found = (dbf_packed){.size = 0};
  if (!dbf_directory_look_at_pack(dir, err)) return false;
  const dbf_packed *one = dbf_pack_find(&dir->pack, id);
  if (one) *found = *one;
  return true;
}

static bool open_packed(dbf_directory *dir, const char *id, dbf_extent *file, debrief_error *err) {
  dbf_packed found;
  if (!dbf_directory_find_packed(dir, id, &found, err)) return false;
  if (found.size == 0) return true;
  *file = (dbf_extent){.origin = found.origin, .size = found.size};
  do file->fd = dbf_io_duplicate(dir->pack.data);
  while (file->fd < 0 && gives_way(dir));
  return file->fd >= 0 ||
         dbf_fail_errno(err, "cannot open session %s in %s", id, dbf_directory_shown(dir->path));
}

/* A session that is in the pack may have a file that is not written yet. */
bool dbf_directory_read_session(dbf_directory *dir, const char *id, dbf_extent *file, debrief_error *err) {
  bool unused;
  *file = (dbf_extent){.fd = -1};
  if (!dbf_session_id_check(id, err)) return false;
  char *path = dbf_directory_session_path(dir, id);
  if (!path) return dbf_fail_memory(err);
  pthread_mutex_lock(&dir->mutex);
  bool ok = dbf_directory_enter(dir, false, err);
  ok = ok && open_packed(dir, id, file, err);
  if (ok && file->fd < 0) ok = open_session(dir, path, false, &file->fd, &unused, err);
  pthread_mutex_unlock(&dir->mutex);
  free(path);
  return ok;
}

bool dbf_directory_is_stalled(dbf_directory *dir, char *why, size_t size) {
  ssize_t len = -1;
  pthread_mutex_lock(&dir->mutex);
  if (dir->fd >= 0 && dbf_directory_look_at_pack(dir, NULL) && dir->pack.there)
    len = readlinkat(dir->fd, DBF_PACK_STALLED, why, size - 1);
  pthread_mutex_unlock(&dir->mutex);
  if (len >= 0) why[len] = '\0';
  return len >= 0;
}

/* ---- Other files beside the sessions ----------------------------------------------------------------------- */

int dbf_directory_handle(dbf_directory *dir, debrief_error *err) {
  pthread_mutex_lock(&dir->mutex);
  bool ok = dbf_directory_enter(dir, false, err);
  int fd = ok ? dbf_io_duplicate(dir->fd) : -1;
  if (ok && fd < 0) dbf_directory_fail(dir, "open", err);
  pthread_mutex_unlock(&dir->mutex);
  return fd;
}

static bool set_owner(int fd, const struct stat *like) {
  struct stat st;
  if (fstat(fd, &st) != 0) return false;
  return (st.st_uid == like->st_uid && st.st_gid == like->st_gid) ||
         fchown(fd, like->st_uid, like->st_gid) == 0;
}

bool dbf_directory_dress(int fd, uint32_t mode, const struct stat *like) {
  return set_owner(fd, like) && set_mode(fd, mode);
}

int dbf_directory_open_file(int folder, const char *name) {
  struct stat st;
  int fd = open_beneath(folder, name, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))) return fd;
  close(fd);
  errno = EEXIST;
  return -1;
}

int dbf_directory_make_file(int folder, const char *name, uint32_t mode, const struct stat *like) {
  int fd = open_beneath(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (fd < 0 || dbf_directory_dress(fd, mode, like)) return fd;
  int saved = errno;
  close(fd);
  unlinkat(folder, name, 0);
  errno = saved;
  return -1;
}
