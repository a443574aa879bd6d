#include "spool.h"
#include "limits.h"
#include "spawn.h"
#include "userdata.h"
#include "../log/error.h"
#include "../log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char spool_type[] = "debrief.spool";

enum { PIECE = 65536, MOST_WORDS = 8 };

/* Everything that has to be given back is in here, so that an error of Lua's leaks nothing. */
typedef struct spool {
  int fd;     /* of the file; -1: closed */
  int input;  /* what is copied; -1: none */
  pid_t pid;  /* of the program; 0: none */
  int status; /* its exit status */
} spool;

static int fail(lua_State *L, const char *what, int code) {
  char text[128];
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", what, dbf_error_reason(code, text, sizeof text));
  return 2;
}

static const char *folder_of_temporaries(void) {
  const char *folder = getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

/* A file that has no name; where the file system has no such files, one whose name is removed at once. */
static int open_unnamed(const char *folder) {
  char path[4096];
  int fd = dbf_io_above(open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd >= 0) return fd;
  if ((size_t)snprintf(path, sizeof path, "%s/debrief-XXXXXX", folder) >= sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  fd = dbf_io_above(mkostemp(path, O_CLOEXEC));
  if (fd >= 0) unlink(path);
  return fd;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

/* Put the program between the input and us. 0 or an errno. */
static int start(spool *s, char **argv) {
  int ends[2];
  if (!dbf_io_pipe(ends)) return errno;
  int e = dbf_spawn(&s->pid, argv, &(dbf_spawn_files){.input = s->input, .output = ends[1], .quiet = true});
  close(ends[1]);
  if (e) {
    s->pid = 0;
    close(ends[0]);
    return e;
  }
  close(s->input);
  s->input = ends[0];
  return 0;
}

/* The program ends when nobody reads what it writes. */
static void end(spool *s) {
  int status = 0;
  pid_t pid = 0;
  if (s->input >= 0) close(s->input);
  s->input = -1;
  if (s->pid <= 0) return;
  do pid = waitpid(s->pid, &status, 0);
  while (pid < 0 && errno == EINTR);
  s->pid = 0;
  s->status = pid < 0 ? 0 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- Copying ----------------------------------------------------------------------------------------------------- */

/* 0, an errno of reading in *reading or of writing in the result, or ECANCELED: something has stopped this thread. */
static int copy(spool *s, int *reading) {
  char piece[PIECE];
  *reading = 0;
  while (true) {
    if (dbf_limits_stopped()) return ECANCELED;
    ssize_t n = read(s->input, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) *reading = errno;
    if (n <= 0) return 0;
    if (!dbf_io_write_all(s->fd, piece, (size_t)n)) return errno;
  }
}

static int l_close(lua_State *L) {
  spool *s = dbf_userdata_own(L, spool_type);
  end(s);
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
  return 0;
}

/* The words after the first argument, as a program gets them; false when there are none. They stay on the stack. */
static bool read_words(lua_State *L, char *argv[MOST_WORDS + 1]) {
  int count = lua_gettop(L) - 1;
  luaL_argcheck(L, count <= MOST_WORDS, MOST_WORDS + 2, "too many words");
  for (int i = 0; i < count; i++) argv[i] = (char *)luaL_checkstring(L, i + 2);
  argv[count > 0 ? count : 0] = NULL;
  return count > 0;
}

static int l_spool(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL), *name = path ? path : "standard input";
  char *argv[MOST_WORDS + 1];
  bool has_program = read_words(L, argv);
  int reading = 0, e;
  spool *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (spool){.fd = -1, .input = -1};
  luaL_setmetatable(L, spool_type);
  s->input = path ? dbf_io_above(open(path, O_RDONLY | O_CLOEXEC)) : dbf_io_duplicate(0);
  if (s->input < 0) return fail(L, name, errno);
  s->fd = open_unnamed(folder_of_temporaries());
  if (s->fd < 0) return fail(L, folder_of_temporaries(), errno);
  if (has_program && (e = start(s, argv)) != 0) return fail(L, argv[0], e);
  e = copy(s, &reading);
  end(s);
  if (e == ECANCELED) dbf_limits_check(L);
  if (e) return fail(L, folder_of_temporaries(), e);
  if (reading) return fail(L, name, reading);
  lua_pushinteger(L, s->status);
  return 2;
}

static int l_path(lua_State *L) {
  const spool *s = dbf_userdata_own(L, spool_type);
  lua_pushfstring(L, "/dev/fd/%d", s->fd);
  return 1;
}

static int l_size(lua_State *L) {
  const spool *s = dbf_userdata_own(L, spool_type);
  struct stat st;
  lua_pushinteger(L, s->fd >= 0 && fstat(s->fd, &st) == 0 ? (lua_Integer)st.st_size : 0);
  return 1;
}

void dbf_spool_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"path", l_path}, {"size", l_size}, {"close", l_close}, {NULL, NULL}};
  dbf_userdata_type(L, spool_type, methods, l_close);
}

void dbf_spool_register(lua_State *L) {
  lua_pushcfunction(L, l_spool);
  lua_setfield(L, -2, "spool");
}
