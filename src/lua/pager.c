#include "pager.h"
#include "spawn.h"
#include "userdata.h"
#include "../log/error.h"
#include "../log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char pager_type[] = "debrief.pager";

typedef struct pager {
  pid_t pid;  /* 0: not started, or waited for */
  int fd;     /* our end of its input; -1: closed */
  int status; /* -1: nobody knows it */
} pager;

static const int keys[2] = {SIGINT, SIGQUIT}; /* what a terminal sends for keys */

/* While the pager is waited for, they are for it. */
static void ignore_keys(struct sigaction before[2]) {
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  for (int i = 0; i < 2; i++) sigaction(keys[i], &ignore, &before[i]);
}

static void mind_keys(const struct sigaction before[2]) {
  for (int i = 0; i < 2; i++) sigaction(keys[i], &before[i], NULL);
}

static int start(pager *p, const char *command) {
  int ends[2];
  if (!dbf_io_pipe(ends)) return errno;
  char *argv[] = {"/bin/sh", "-c", (char *)command, NULL};
  int e = dbf_spawn(&p->pid, argv, &(dbf_spawn_files){.input = ends[0], .output = -1});
  close(ends[0]);
  p->fd = ends[1];
  if (!e) return 0;
  close(ends[1]);
  p->fd = -1;
  p->pid = 0;
  return e;
}

/* Without SIGPIPE, and without taking away one that was there before. */
static int write_quietly(int fd, const char *text, size_t len) {
  static const struct timespec at_once = {0};
  sigset_t pipe_only, before, pending;
  struct sigaction keys_before[2];
  int e = 0;
  ignore_keys(keys_before);
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  if (!dbf_io_write_all(fd, text, len)) e = errno;
  if (e == EPIPE && !sigismember(&pending, SIGPIPE))
    while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR) continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  mind_keys(keys_before);
  return e;
}

/* The caller waits for the pager as a shell does, also if nothing was written or the collector closes it. */
static void finish(pager *p) {
  if (p->fd >= 0) close(p->fd);
  p->fd = -1;
  if (p->pid == 0) return;
  struct sigaction before[2];
  int status;
  pid_t pid;
  ignore_keys(before);
  do pid = waitpid(p->pid, &status, 0);
  while (pid < 0 && errno == EINTR);
  p->status = pid < 0 ? -1 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  p->pid = 0;
  mind_keys(before);
}

static int l_pager_gc(lua_State *L) {
  finish(luaL_checkudata(L, 1, pager_type));
  return 0;
}

static int l_pager_close(lua_State *L) {
  pager *p = dbf_userdata_own(L, pager_type);
  finish(p);
  if (p->status < 0) lua_pushnil(L);
  else lua_pushinteger(L, p->status);
  return 1;
}

static int l_pager_write(lua_State *L) {
  pager *p = dbf_userdata_own(L, pager_type);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  errno = p->fd < 0 ? EBADF : write_quietly(p->fd, text, len);
  if (errno) return luaL_fileresult(L, 0, NULL);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_pager(lua_State *L) {
  const char *command = luaL_checkstring(L, 1);
  char text[128];
  pager *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (pager){.fd = -1, .status = -1};
  luaL_setmetatable(L, pager_type);
  int e = start(p, command);
  if (!e) return 1;
  lua_pushnil(L);
  lua_pushfstring(L, "cannot start a pager: %s", dbf_error_reason(e, text, sizeof text));
  return 2;
}

void dbf_pager_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"write", l_pager_write}, {"close", l_pager_close}, {NULL, NULL}};
  dbf_userdata_type(L, pager_type, methods, l_pager_gc);
}

void dbf_pager_register(lua_State *L) {
  lua_pushcfunction(L, l_pager);
  lua_setfield(L, -2, "pager");
}
