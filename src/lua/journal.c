#include "journal.h"
#include "userdata.h"
#include "../log/bytes.h"
#include "../log/io.h"
#include "../log/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char journal_type[] = "debrief.journal";

enum { MOST = 1 << 26 }; /* bytes of one that is read */

typedef struct journal {
  int fd;      /* -1: closed */
  char path[]; /* as it was given */
} journal;

static journal *push(lua_State *L, const char *path) {
  size_t size = strlen(path) + 1;
  journal *j = lua_newuserdatauv(L, sizeof *j + size, 0);
  j->fd = -1;
  memcpy(j->path, path, size);
  luaL_setmetatable(L, journal_type);
  return j;
}

static journal *check(lua_State *L) {
  journal *j = luaL_checkudata(L, 1, journal_type);
  luaL_argcheck(L, j->fd >= 0, 1, "this journal is closed");
  return j;
}

/* Make the folders that a path goes through. What fails is found out when the file is made. */
static void make_folders(const char *path) {
  char part[PATH_MAX];
  size_t len = strlen(path);
  if (len >= sizeof part) return;
  memcpy(part, path, len + 1);
  for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(part, 0700);
    *slash = '/';
  }
}

static int l_journal(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  journal *j = push(L, path);
  make_folders(path);
  j->fd = dbf_io_above(open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (j->fd < 0) return luaL_fileresult(L, 0, path);
  if (flock(j->fd, LOCK_EX | LOCK_NB) != 0) return luaL_fileresult(L, 0, path);
  return 1;
}

static int l_lock(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  journal *j = push(L, path);
  make_folders(path);
  j->fd = dbf_io_above(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (j->fd < 0) return luaL_fileresult(L, 0, path);
  while (flock(j->fd, LOCK_EX) != 0)
    if (errno != EINTR) return luaL_fileresult(L, 0, path);
  return 1;
}

static int l_make_folders(lua_State *L) {
  make_folders(luaL_checkstring(L, 1));
  return 0;
}

/* Is the file that was opened still the one of its name? Another process may have taken and removed it. */
static bool is_there(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink > 0 && st.st_uid == geteuid();
}

static int l_journal_of_dead(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_Buffer b;
  journal *j = push(L, path);
  j->fd = dbf_io_above(open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (j->fd < 0) return 0;
  if (flock(j->fd, LOCK_EX | LOCK_NB) != 0 || !is_there(j->fd)) {
    close(j->fd);
    j->fd = -1;
    return 0;
  }
  uint64_t at = 0;
  ssize_t n;
  luaL_buffinit(L, &b);
  do {
    char *room = luaL_prepbuffsize(&b, 65536);
    n = dbf_io_read_at(j->fd, room, 65536, at);
    if (n > 0) luaL_addsize(&b, (size_t)n), at += (uint64_t)n;
  } while (n == 65536 && at < MOST);
  luaL_pushresult(&b);
  return 2;
}

static int l_write(lua_State *L) {
  size_t len;
  journal *j = check(L);
  const char *line = luaL_checklstring(L, 2, &len);
  bool ok = dbf_io_write_all(j->fd, line, len) && dbf_io_write_all(j->fd, "\n", 1);
  return luaL_fileresult(L, ok, j->path);
}

static int l_close(lua_State *L) {
  journal *j = luaL_checkudata(L, 1, journal_type);
  if (j->fd >= 0) close(j->fd);
  j->fd = -1;
  return 0;
}

static int l_remove(lua_State *L) {
  journal *j = check(L);
  unlink(j->path);
  return l_close(L);
}

/* An address is the same everywhere; without user and password, for it is kept in files. */
static int push_address(lua_State *L, const char *address) {
  const char *host = strchr(address, ':') + 3, *slash = strrchr(address, '/');
  const char *at = slash > host ? memrchr(host, '@', (size_t)(slash - host)) : NULL;
  lua_pushlstring(L, address, (size_t)(host - address));
  lua_pushstring(L, at ? at + 1 : host);
  lua_concat(L, 2);
  return 1;
}

static int l_absolute(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (dbf_store_is_address(path)) return push_address(L, path);
  char real[PATH_MAX], here[PATH_MAX];
  if (realpath(path, real)) return lua_pushstring(L, real), 1;
  if (*path == '/' || !getcwd(here, sizeof here)) return lua_pushvalue(L, 1), 1;
  lua_pushfstring(L, "%s/%s", here, strncmp(path, "./", 2) == 0 ? path + 2 : path);
  return 1;
}

void dbf_journal_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"write", l_write}, {"remove", l_remove}, {"close", l_close}, {NULL, NULL}};
  dbf_userdata_type(L, journal_type, methods, l_close);
}

void dbf_journal_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"journal", l_journal},   {"journal_of_dead", l_journal_of_dead},
                                       {"lock", l_lock},         {"make_folders", l_make_folders},
                                       {"absolute", l_absolute}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
