#include "save.h"
#include "../log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Close after writing: what the system says then counts, too. */
static bool finish(int fd, bool ok) {
  int code = errno;
  if (close(fd) != 0 && ok) return false;
  errno = code;
  return ok;
}

/* False: it is too long. */
static bool folder_of(const char *path, char folder[PATH_MAX]) {
  size_t len = strlen(path);
  while (len > 0 && path[len - 1] != '/') len--;
  if (len >= PATH_MAX) return errno = ENAMETOOLONG, false;
  memcpy(folder, len ? path : ".", len ? len : 1);
  folder[len ? len : 1] = '\0';
  return true;
}

/* In a folder where anybody may put a name (/tmp), a link may be somebody else's, and lead to a file of ours. */
static bool is_shared(const char *path) {
  char folder[PATH_MAX];
  struct stat st;
  return folder_of(path, folder) && stat(folder, &st) == 0 && (st.st_mode & S_IWOTH);
}

/* What this call made is removed when it cannot be filled: a part of it is worse than nothing. */
static bool write_to(const char *path, const char *text, size_t len) {
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC; /* 0600: a report holds what the log holds */
  int fd = dbf_io_above(open(path, flags | O_EXCL, 0600));
  bool made = fd >= 0;
  if (!made && errno == EEXIST)
    fd = dbf_io_above(open(path, flags | O_TRUNC | (is_shared(path) ? O_NOFOLLOW : 0), 0600));
  bool ok = fd >= 0 && finish(fd, dbf_io_write_all(fd, text, len));
  int code = errno;
  if (made && !ok) unlink(path);
  errno = code;
  return ok;
}

/* A file without a name in the folder of `path`, or -1: there are file systems without such. */
static int make_nameless(const char *path) {
  char folder[PATH_MAX];
  return folder_of(path, folder) ? dbf_io_above(open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600)) : -1;
}

/* Give the file the first free name beside `path`, or, when `fd` is -1, make it there. Returns its descriptor or -1. */
static int put_beside(const char *path, int fd, char name[PATH_MAX]) {
  char nameless[64];
  snprintf(nameless, sizeof nameless, "/proc/self/fd/%d", fd);
  for (int i = 0; i < 100; i++) {
    int n = snprintf(name, PATH_MAX, "%s.new-%ld-%d", path, (long)getpid(), i);
    if (n < 0 || n >= PATH_MAX) return errno = ENAMETOOLONG, -1;
    int got = fd < 0 ? dbf_io_above(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600))
              : linkat(AT_FDCWD, nameless, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 ? fd
                                                                                   : -1;
    if (got >= 0 || errno != EEXIST) return got;
  }
  return -1;
}

static bool fill(int fd, const struct stat *old, const char *text, size_t len) {
  return fchmod(fd, old->st_mode & 07777) == 0 && dbf_io_write_all(fd, text, len);
}

/* Replace the old file at `path` by a new one, which gets its mode. It has no name before it is whole, so that nothing lies
 * about if this process is killed meanwhile. */
static bool replace(const char *path, const struct stat *old, const char *text, size_t len) {
  char name[PATH_MAX];
  int fd = make_nameless(path);
  bool ok = fd >= 0 && fill(fd, old, text, len), named = ok && put_beside(path, fd, name) >= 0;
  if (ok && !named) close(fd), fd = -1; /* without /proc no name can be given to it */
  if (fd < 0) {
    fd = put_beside(path, -1, name);
    if (fd < 0)
      return errno == EACCES || errno == EROFS || errno == ENAMETOOLONG ? write_to(path, text, len) : false;
    named = true;
    ok = fill(fd, old, text, len);
  }
  ok = finish(fd, ok) && rename(name, path) == 0;
  int code = errno;
  if (!ok && named) unlink(name);
  errno = code;
  return ok;
}

int dbf_save(lua_State *L) {
  size_t len;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
  char real[PATH_MAX]; /* a link stays, what it leads to is replaced */
  struct stat old;
  bool followed = !is_shared(path) || (lstat(path, &old) == 0 && !S_ISLNK(old.st_mode));
  bool there = followed && realpath(path, real) && stat(real, &old) == 0;
  bool own = there && S_ISREG(old.st_mode) && old.st_nlink == 1 && old.st_uid == geteuid();
  bool ok = own ? replace(real, &old, text, len) : write_to(path, text, len);
  return luaL_fileresult(L, ok, path);
}
