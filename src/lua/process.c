/* process.c: see process.h. First what there is to run is gathered, in memory that Lua owns; between the first
 * descriptor and the last, Lua is not called.
 *
 *     start -> ( drain -> wait for output, the end, or the time )* -> kill the group -> reap
 *
 * The group is killed before its leader is reaped: until then its number belongs to nobody else. */
#include "process.h"
#include "command_words.h"
#include "../log/error.h"
#include "../log/io.h"
#include "limits.h"
#include "scratch.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
#define DBF_HAS_CLOSEFROM
#endif
#endif

enum {
  PIECE = 16384,
  TURN = 1 << 20,
  SLICE_MS = 10,
  NOTES = 65536
}; /* bytes of a read; of a drain; between looks without a pidfd; bytes of standard error that are kept apart */

typedef struct job {
  char **argv, **envp;
  const char *cwd; /* NULL: where this process is */
  int64_t timeout_ms;
  size_t limit;
  bool with_stderr, apart; /* standard error goes with the output; it is kept apart */
  int heard;               /* where on the stack a function is that hears of standard input; 0: none */
} job;

typedef struct child {
  pid_t pid;
  int output;        /* our end of its output; -1: it was closed at the other end */
  int notes;         /* a file for its standard error; -1: none */
  int pidfd;         /* -1: this kernel has none */
  dbf_bytes *bytes;  /* what was read, job.limit at most */
  dbf_bytes *said;   /* the beginning of its standard error */
  bool cut, ended;   /* there was more; it has ended */
  bool late, stolen; /* it was killed, for the time or an interrupt; its status is not ours to have */
  bool stopped;      /* it was killed because `heard` said so */
  int status;        /* from waitpid */
} child;

/* ---- Starting ---------------------------------------------------------------------------------------------------- */

/* What happens to descriptors in the child. The order matters where 0, 1 or 2 were closed in this process, and are now
 * `cwd` or `output`. */
static int fill_actions(posix_spawn_file_actions_t *actions, const job *j, int cwd, int output, int notes) {
  int e = cwd >= 0 ? posix_spawn_file_actions_addfchdir_np(actions, cwd) : 0;
  if (!e) e = posix_spawn_file_actions_adddup2(actions, output, 1);
  if (!e && j->with_stderr) e = posix_spawn_file_actions_adddup2(actions, 1, 2);
  if (!e && notes >= 0) e = posix_spawn_file_actions_adddup2(actions, notes, 2);
  else if (!e && !j->with_stderr) e = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
  if (!e) e = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
#ifdef DBF_HAS_CLOSEFROM
  if (!e)
    e = posix_spawn_file_actions_addclosefrom_np(actions,
                                                 3); /* ours are close-on-exec; a host's may not be */
#endif
  return e;
}

/* Its own group, and signals as a shell would leave them: a host or a worker thread may block or ignore some. */
static int fill_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  int e = posix_spawnattr_setflags(attributes,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!e) e = posix_spawnattr_setpgroup(attributes, 0);
  if (!e) e = posix_spawnattr_setsigmask(attributes, &none);
  if (!e) e = posix_spawnattr_setsigdefault(attributes, &all);
  return e;
}

typedef struct start_of {
  const job *job;
  int cwd, output, notes;
} start_of;

static int fill(const void *what, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
  const start_of *s = what;
  int e = fill_actions(actions, s->job, s->cwd, s->output, s->notes);
  return e ? e : fill_attributes(attributes);
}

static int spawn(child *c, const job *j, int cwd, int output) {
  return dbf_spawn_filled(&c->pid, j->argv, j->envp, fill, &(start_of){j, cwd, output, c->notes});
}

static int start_in(child *c, const job *j, int cwd) {
  int ends[2];
  if (!dbf_io_pipe(ends)) return errno;
  int e = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? spawn(c, j, cwd, ends[1]) : errno;
  close(ends[1]);
  if (e) close(ends[0]);
  else c->output = ends[0];
  return e;
}

/* 0, or an errno; *folder says that it is about the folder. */
static int start(child *c, const job *j, bool *folder) {
  int cwd = j->cwd ? open(j->cwd, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  *folder = j->cwd && cwd < 0;
  if (*folder) return errno;
  c->notes = j->apart ? dbf_io_above(memfd_create("notes", MFD_CLOEXEC)) : -1;
  int e = j->apart && c->notes < 0 ? errno : start_in(c, j, cwd);
  if (e && c->notes >= 0) close(c->notes);
  if (cwd >= 0) close(cwd);
  if (!e) c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
  return e;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* Read once, and keep what there is room for. False: nothing there now, or never again. */
static bool read_piece(child *c, size_t limit, size_t *total) {
  char piece[PIECE];
  ssize_t n = read(c->output, piece, sizeof piece);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    close(c->output);
    c->output = -1;
    return false;
  }
  size_t room = limit - c->bytes->len, kept = (size_t)n < room ? (size_t)n : room;
  dbf_bytes_append(c->bytes, piece, kept);
  c->cut = c->cut || kept < (size_t)n;
  *total += (size_t)n;
  return true;
}

/* All that is in the pipe; not more than a pipe can hold, for some programs never stop writing. */
static void drain(child *c, size_t limit) {
  size_t total = 0;
  while (c->output >= 0 && total < TURN && read_piece(c, limit, &total)) continue;
}

/* Has it ended? It is left to be reaped. */
static bool has_ended(child *c) {
  siginfo_t info = {0};
  int r;
  do r = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT);
  while (r != 0 && errno == EINTR);
  c->stolen = r != 0;
  return c->stolen || info.si_pid != 0;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Is there something to read on standard input? */
static bool wait_for_news(const child *c, const job *j, int64_t left) {
  struct pollfd news[3] = {{.fd = c->output, .events = POLLIN},
                           {.fd = c->pidfd, .events = POLLIN},
                           {.fd = j->heard ? STDIN_FILENO : -1, .events = POLLIN}};
  if (c->pidfd < 0 && left > SLICE_MS) left = SLICE_MS;
  int n =
      poll(news, 3, dbf_limits_slice(left)); /* an error or a signal is as good as news: all is looked at */
  return n > 0 && news[2].revents;
}

/* `heard` reads it: true and an error end the program, false ends the listening. No error of Lua's passes through here,
 * for the child is ours to reap. */
static void hear(lua_State *L, child *c, job *j) {
  lua_pushvalue(L, j->heard);
  bool fine = lua_pcall(L, 0, 1, 0) == LUA_OK;
  if (!fine || lua_toboolean(L, -1)) c->stopped = true;
  else if (lua_isboolean(L, -1)) j->heard = 0;
  lua_pop(L, 1);
}

/* The beginning of what is in `notes`. */
static void read_notes(child *c) {
  char piece[PIECE];
  ssize_t n;
  while (c->said->len < NOTES && (n = pread(c->notes, piece, sizeof piece, (off_t)c->said->len)) > 0)
    dbf_bytes_append(c->said, piece, (size_t)n);
  close(c->notes);
}

static void reap(child *c) {
  kill(-c->pid, SIGKILL);
  if (!c->ended) kill(c->pid, SIGKILL); /* it may have joined another group */
  while (waitpid(c->pid, &c->status, 0) < 0)
    if (errno != EINTR) {
      c->stolen = true;
      break;
    }
}

static void finish(lua_State *L, child *c, job *j) {
  int64_t deadline = now_ms() + j->timeout_ms, left;
  while (true) {
    c->ended = has_ended(c); /* before the drain: what it wrote is in the pipe then */
    drain(c, j->limit);
    left = deadline - now_ms();
    c->late = !c->ended && (left <= 0 || dbf_limits_stopped());
    if (c->ended || c->late || c->stopped) break;
    if (wait_for_news(c, j, left)) hear(L, c, j);
  }
  if (!c->stolen) reap(c); /* its number was freed when it was reaped: it may belong to another process now */
  if (c->output >= 0) close(c->output);
  if (c->notes >= 0) read_notes(c);
  if (c->pidfd >= 0) close(c->pidfd);
}

/* ---- Arguments and results in Lua --------------------------------------------------------------------------------- */

static lua_Integer number_field(lua_State *L, const char *name, lua_Integer otherwise, lua_Integer least) {
  lua_Integer value = otherwise;
  int is_integer = 1;
  if (lua_getfield(L, 1, name) != LUA_TNIL) value = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < least || value > INT32_MAX)
    luaL_error(L, "run: %s must be an integer from %I to %I", name, least, (lua_Integer)INT32_MAX);
  lua_pop(L, 1);
  return value;
}

/* A misspelt timeout must not mean no timeout, and a nil between words must not end them. */
static void check_keys(lua_State *L) {
  static const char *const known[] = {"cwd", "timeout_ms", "limit", "env", "stderr", "heard"};
  lua_Integer words = (lua_Integer)lua_rawlen(L, 1);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    bool fine = lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= words;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      fine = fine || (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), known[i]) == 0);
    if (!fine)
      luaL_error(L, "run: unknown key '%s'; known are cwd, timeout_ms, limit, env, stderr, heard",
                 luaL_tolstring(L, -2, NULL));
  }
}

/* Everything is checked before anything is started; what the job points to is on the stack or in the table. */
static void read_job(lua_State *L, job *j) {
  luaL_checktype(L, 1, LUA_TTABLE);
  check_keys(L);
  j->timeout_ms = number_field(L, "timeout_ms", 5000, 1);
  j->limit = (size_t)number_field(L, "limit", 1 << 20, 0);
  j->apart = lua_getfield(L, 1, "stderr") == LUA_TSTRING;
  j->with_stderr = !j->apart && lua_toboolean(L, -1);
  j->heard = lua_getfield(L, 1, "heard") == LUA_TFUNCTION ? lua_gettop(L) : 0;
  j->cwd = lua_getfield(L, 1, "cwd") == LUA_TNIL ? NULL : dbf_command_words_text(L, -1, "cwd");
  j->argv = dbf_command_words_argv(L);
  j->envp = lua_getfield(L, 1, "env") == LUA_TNIL ? environ : dbf_command_words_envp(L);
}

static int push_failure(lua_State *L, const job *j, const char *folder, int code) {
  char text[128];
  lua_pushnil(L);
  lua_pushfstring(L, "cannot run %s: %s%s%s", j->argv[0], folder ? folder : "", folder ? ": " : "",
                  dbf_error_reason(code, text, sizeof text));
  return 2;
}

static int push_result(lua_State *L, const job *j, const child *c) {
  if (c->late || c->stolen || c->stopped) {
    lua_pushnil(L);
    if (c->stopped && !c->late) lua_pushfstring(L, "%s was stopped", j->argv[0]);
    else if (c->late)
      lua_pushfstring(L, "%s had not ended after %I ms, and was killed", j->argv[0],
                      (lua_Integer)j->timeout_ms);
    else
      lua_pushfstring(L, "%s has no status: this process does not wait for its children (SIGCHLD)",
                      j->argv[0]);
    return 2;
  }
  dbf_scratch_check(L, c->bytes);
  lua_pushlstring(L, c->bytes->len ? c->bytes->data : "", c->bytes->len);
  lua_pushinteger(L, WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status));
  lua_pushboolean(L, c->cut);
  if (!j->apart) return 3;
  dbf_scratch_check(L, c->said);
  lua_pushlstring(L, c->said->len ? c->said->data : "", c->said->len);
  return 4;
}

static int l_run(lua_State *L) {
  job j;
  bool folder;
  lua_settop(L, 1);
  read_job(L, &j);
  dbf_scratch *own = dbf_scratch_take(L); /* `heard` may use what all share */
  int at = lua_gettop(L);
  child c = {.output = -1, .pidfd = -1, .notes = -1, .bytes = &own->text, .said = &own->piece};
  int e = start(&c, &j, &folder);
  if (e) return push_failure(L, &j, folder ? j.cwd : NULL, e);
  finish(L, &c, &j);
  dbf_limits_check(L);
  int results = push_result(L, &j, &c);
  dbf_scratch_give(L, at);
  return results;
}

void dbf_process_register(lua_State *L) {
  lua_pushcfunction(L, l_run);
  lua_setfield(L, -2, "run");
}
