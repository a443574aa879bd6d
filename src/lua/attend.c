/* attend.c: see attend.h. Everything that is needed is gathered first, in memory that Lua owns; between the first
 * descriptor and the last, Lua is not called.
 *
 *     start -> ( read what the command printed -> write it to ours | pass a signal on | end the group )* -> reap
 *
 * The leader of the group is reaped last: until then its number belongs to nobody else. */
#include "attend.h"
#include "command_words.h"
#include "output_tail.h"
#include "spawn.h"
#include "table.h"
#include "../log/error.h"
#include "../log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
  PIECE = 65536, /* bytes of a read */
  SHARE = 4096,  /* bytes that a pipe takes at once if it takes any (PIPE_BUF) */
  SLICE_MS = 100 /* between looks for a command that was stopped, and without a pidfd for its end */
};

/* ---- What is run --------------------------------------------------------------------------------------------------- */

typedef struct stream {
  int from, to; /* -1: closed, or nobody reads it any more */
  size_t most;  /* bytes that `to` takes without making us wait */
  size_t at, len;
  char buffer[PIECE]; /* at..len is to be written */
} stream;

typedef struct attended {
  char **argv, **envp;
  int64_t timeout_ms, grace_ms; /* timeout_ms 0: none */
  pid_t pid;
  int signals, pidfd;   /* descriptors; pidfd -1: this kernel has none */
  int terminal;         /* the master of its terminal; -1: pipes */
  bool is_typed, fed;   /* is our standard input a terminal; is there more of it for the command's terminal */
  struct termios modes; /* of our terminal, before */
  bool late, killed, stolen; /* its time is over; it was killed; its status is not ours to have */
  int interrupted, status;   /* the last signal that ends programs; from waitpid */
  stream streams[2];         /* output and error; with a terminal: its output, and what is typed */
  dbf_output_tail *tail;
} attended;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Starting ------------------------------------------------------------------------------------------------------ */

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

/* The signals that come to `signals`, and those that must not stop or end us: a pipe that nobody reads, a terminal whose
 * group is not ours. */
static void fill_signals(sigset_t *set) {
  sigemptyset(set);
  for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) sigaddset(set, passed_on[i]);
  sigaddset(set, SIGWINCH);
  sigaddset(set, SIGPIPE);
  sigaddset(set, SIGTTOU);
}

/* A terminal of its own, of the kind and size of ours. 0, or an errno. The command must lead the session on it, or it has
 * no controlling terminal: no Ctrl-C, no job control. When a leader ends, the system hangs its terminal up for what it left
 * in the foreground; what was to go on without it needs a session of its own, as when a window is closed. */
static int open_terminal(attended *a, char *name, size_t size) {
  struct winsize window;
  a->terminal = dbf_io_above(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (a->terminal < 0) return errno;
  int e =
      grantpt(a->terminal) != 0 || unlockpt(a->terminal) != 0 ? errno : ptsname_r(a->terminal, name, size);
  if (e) return e;
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &window) == 0) ioctl(a->terminal, TIOCSWINSZ, &window);
  int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return errno;
  tcsetattr(slave, TCSANOW, &a->modes);
  close(slave);
  fcntl(a->terminal, F_SETFL, O_NONBLOCK);
  return 0;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const char *terminal, const int *ends) {
  int e = 0;
  if (terminal) {
    e = posix_spawn_file_actions_addopen(actions, 0, terminal, O_RDWR, 0);
    if (!e) e = posix_spawn_file_actions_adddup2(actions, 0, 1);
    return e ? e : posix_spawn_file_actions_adddup2(actions, 0, 2);
  }
  e = posix_spawn_file_actions_adddup2(actions, ends[0], 1);
  return e ? e : posix_spawn_file_actions_adddup2(actions, ends[1], 2);
}

/* SIGXFSZ is ignored by our program, not by whoever started it. A session of its own makes the terminal that it opens its
 * own. */
static int fill_attributes(posix_spawnattr_t *attributes, const sigset_t *mask, bool terminal) {
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGXFSZ);
  short group = terminal ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  int e =
      posix_spawnattr_setflags(attributes, (short)(group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  if (!e) e = posix_spawnattr_setpgroup(attributes, 0);
  if (!e) e = posix_spawnattr_setsigmask(attributes, mask);
  return e ? e : posix_spawnattr_setsigdefault(attributes, &defaults);
}

typedef struct start_of {
  const sigset_t *mask;
  const char *terminal;
  const int *ends;
} start_of;

static int fill(const void *what, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
  const start_of *s = what;
  int e = fill_actions(actions, s->terminal, s->ends);
  return e ? e : fill_attributes(attributes, s->mask, s->terminal != NULL);
}

static int spawn(attended *a, const sigset_t *mask, const char *terminal, const int *ends) {
  return dbf_spawn_filled(&a->pid, a->argv, a->envp, fill, &(start_of){mask, terminal, ends});
}

/* What a descriptor takes at once: a pipe or socket a little, anything else all. */
static size_t most_of(int fd) {
  struct stat st;
  bool slow = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd));
  return slow ? SHARE : PIECE;
}

static void set_stream(stream *s, int from, int to) {
  *s = (stream){.from = from, .to = to, .most = most_of(to)};
}

static int start_with_pipes(attended *a, const sigset_t *mask) {
  int output[2] = {-1, -1}, error[2] = {-1, -1};
  int e = dbf_io_pipe(output) && dbf_io_pipe(error) ? 0 : errno;
  int ends[] = {output[1], error[1]};
  if (!e) e = spawn(a, mask, NULL, ends);
  if (output[1] >= 0) close(output[1]);
  if (error[1] >= 0) close(error[1]);
  set_stream(&a->streams[0], output[0], STDOUT_FILENO);
  set_stream(&a->streams[1], error[0], STDERR_FILENO);
  if (e || !a->is_typed) return e;
  tcsetpgrp(STDIN_FILENO, a->pid); /* it may have looked for input already, and was stopped */
  kill(-a->pid, SIGCONT);
  return 0;
}

static int start_with_terminal(attended *a, const sigset_t *mask) {
  char name[128];
  int e = open_terminal(a, name, sizeof name);
  if (!e) e = spawn(a, mask, name, NULL);
  set_stream(&a->streams[0], a->terminal, STDOUT_FILENO);
  set_stream(&a->streams[1], STDIN_FILENO, a->terminal);
  if (e) return e;
  struct termios raw = a->modes;
  cfmakeraw(&raw);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  return 0;
}

/* ---- Passing on ---------------------------------------------------------------------------------------------------- */

static bool has_terminal(const attended *a) {
  return a->terminal >= 0;
}

static void close_end(attended *a, stream *s) {
  if (s->from >= 0 && s->from != STDIN_FILENO && s->from != a->terminal) close(s->from);
  s->from = -1;
}

/* What is typed goes into the command's terminal, and is not what the command printed. */
static bool is_printed(const attended *a, const stream *s) {
  return !(has_terminal(a) && s == &a->streams[1]);
}

/* Read once. False: nothing there now, or never again. */
static bool read_some(attended *a, stream *s) {
  ssize_t n = read(s->from, s->buffer, PIECE);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (n <= 0) return close_end(a, s), false;
  if (is_printed(a, s)) dbf_output_tail_add(a->tail, (int)(s - a->streams), s->buffer, (size_t)n);
  s->at = 0;
  s->len = s->to < 0 ? 0 : (size_t)n;
  return true;
}

/* Write once. Where nobody reads ours any more, nobody reads the command's. */
static void write_some(attended *a, stream *s) {
  size_t left = s->len - s->at;
  ssize_t n = write(s->to, s->buffer + s->at, left < s->most ? left : s->most);
  if (n > 0) {
    s->at += (size_t)n;
  } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
    bool gone = errno == EPIPE;
    s->to = -1;
    s->at = s->len = 0;
    if (gone) close_end(a, s);
  }
}

static bool is_full(const stream *s) {
  return s->at < s->len;
}

static void pass_signals(attended *a) {
  struct signalfd_siginfo info;
  struct winsize window;
  while (read(a->signals, &info, sizeof info) == (ssize_t)sizeof info) {
    int number = (int)info.ssi_signo;
    if (number == SIGWINCH && has_terminal(a) && ioctl(STDIN_FILENO, TIOCGWINSZ, &window) == 0)
      ioctl(a->terminal, TIOCSWINSZ, &window);
    if (number == SIGWINCH || number == SIGPIPE || number == SIGTTOU) continue;
    if (number != SIGUSR1 && number != SIGUSR2) a->interrupted = number;
    kill(-a->pid, number);
  }
}

/* Ctrl-Z stops the command only: then we stop as well, with the terminal given back, and go on together. */
static void stop_together(attended *a) {
  if (!a->is_typed || has_terminal(a)) return;
  tcsetpgrp(STDIN_FILENO, getpgrp());
  kill(getpid(), SIGSTOP);
  tcsetpgrp(STDIN_FILENO, a->pid);
  kill(-a->pid, SIGCONT);
}

/* Has it ended? It is left to be reaped. */
static bool has_ended(attended *a) {
  siginfo_t info = {0};
  int flags = WEXITED | WNOHANG | WNOWAIT, r;
  do r = waitid(P_PID, (id_t)a->pid, &info, flags);
  while (r != 0 && errno == EINTR);
  a->stolen = r != 0;
  if (a->stolen || info.si_pid != 0) return true;
  info.si_pid = 0;
  if (a->is_typed && waitid(P_PID, (id_t)a->pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0)
    stop_together(a);
  return false;
}

/* One round: wait for news, and pass on what there is. `left` ms at most; -1: for ever. */
static void attend_once(attended *a, int64_t left) {
  struct pollfd news[6] = {{.fd = a->signals, .events = POLLIN}, {.fd = a->pidfd, .events = POLLIN}};
  for (int i = 0; i < 2; i++) {
    stream *s = &a->streams[i];
    news[2 + i] = (struct pollfd){.fd = is_full(s) ? -1 : s->from, .events = POLLIN};
    news[4 + i] = (struct pollfd){.fd = s->to, .events = is_full(s) ? POLLOUT : 0};
  }
  if ((a->pidfd < 0 || a->is_typed) && (left < 0 || left > SLICE_MS)) left = SLICE_MS;
  if (poll(news, 6, left < 0 ? -1 : left > INT32_MAX ? INT32_MAX : (int)left) <= 0) return;
  if (news[0].revents) pass_signals(a);
  for (int i = 0; i < 2; i++) {
    stream *s = &a->streams[i];
    bool closed = is_printed(a, s) && s->to >= 0 && (news[4 + i].revents & (POLLERR | POLLNVAL));
    if (closed) s->to = -1, s->at = s->len = 0, close_end(a, s);
    if (s->from >= 0 && news[2 + i].revents) read_some(a, s);
    if (is_full(s) && s->to >= 0 && (news[4 + i].revents & POLLOUT || !news[4 + i].events)) write_some(a, s);
  }
}

/* What the command printed before it ended is in the pipes. What others write to them later is not waited for. */
static void drain(attended *a) {
  for (int i = 0; i < 2; i++) {
    stream *s = &a->streams[i];
    if (!is_printed(a, s) || s->from < 0) continue;
    fcntl(s->from, F_SETFL, O_NONBLOCK);
    do {
      while (is_full(s)) {
        struct pollfd out = {.fd = s->to, .events = POLLOUT};
        if (poll(&out, 1, -1) > 0) write_some(a, s);
      }
    } while (s->from >= 0 && read_some(a, s));
  }
}

/* ---- The end ------------------------------------------------------------------------------------------------------- */

static void end_group(attended *a, int64_t *deadline) {
  int number = a->late ? SIGKILL : SIGTERM;
  a->killed = a->late;
  a->late = true;
  kill(-a->pid, number);
  *deadline = a->killed ? -1 : now_ns() / 1000000 + a->grace_ms;
}

static void run(attended *a) {
  int64_t deadline = a->timeout_ms ? now_ns() / 1000000 + a->timeout_ms : -1;
  while (!has_ended(a)) {
    int64_t left = deadline < 0 ? -1 : deadline - now_ns() / 1000000;
    if (deadline >= 0 && left <= 0) end_group(a, &deadline);
    else attend_once(a, left);
  }
  drain(a);
  if (a->stolen) return;
  if (a->late) kill(-a->pid, SIGKILL); /* those that did not end with it */
  while (waitpid(a->pid, &a->status, 0) < 0)
    if (errno != EINTR) {
      a->stolen = true;
      break;
    }
}

static void finish(attended *a) {
  if (has_terminal(a)) tcsetattr(STDIN_FILENO, TCSADRAIN, &a->modes);
  else if (a->is_typed) tcsetpgrp(STDIN_FILENO, getpgrp());
  for (int i = 0; i < 2; i++) close_end(a, &a->streams[i]);
  if (has_terminal(a)) close(a->terminal);
  if (a->pidfd >= 0) close(a->pidfd);
}

/* 0, or an errno: nothing was started. */
static int attend(attended *a) {
  sigset_t ours, before;
  fill_signals(&ours);
  a->is_typed = tcgetattr(STDIN_FILENO, &a->modes) == 0 && tcgetpgrp(STDIN_FILENO) == getpgrp();
  bool terminal = a->is_typed && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
  a->signals = dbf_io_above(signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  if (a->signals < 0) return errno;
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  int e = terminal ? start_with_terminal(a, &before) : start_with_pipes(a, &before);
  if (!e) {
    a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
    run(a);
  }
  finish(a);
  struct signalfd_siginfo left; /* what came after the end: a pipe that nobody reads is no reason to end */
  while (read(a->signals, &left, sizeof left) == (ssize_t)sizeof left) continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(a->signals);
  return e;
}

/* ---- In Lua -------------------------------------------------------------------------------------------------------- */

static lua_Integer number_field(lua_State *L, const char *name, lua_Integer otherwise) {
  lua_getfield(L, 1, name);
  lua_Integer value = luaL_optinteger(L, -1, otherwise);
  luaL_argcheck(L, value >= 0, 1, name);
  lua_pop(L, 1);
  return value;
}

static int push_failure(lua_State *L, const attended *a, int code) {
  char text[128];
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", a->argv[0], dbf_error_reason(code, text, sizeof text));
  lua_pushinteger(L, code == ENOENT ? 127 : 126);
  return 3;
}

static int l_attend(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  size_t most = (size_t)number_field(L, "keep", PIECE);
  attended *a = lua_newuserdatauv(L, sizeof *a, 0);
  memset(a, 0, sizeof *a);
  a->terminal = a->pidfd = -1;
  for (int i = 0; i < 2; i++) a->streams[i].from = a->streams[i].to = -1;
  a->timeout_ms = number_field(L, "timeout_ms", 0);
  a->grace_ms = number_field(L, "grace_ms", 5000);
  a->tail = dbf_output_tail_new(L, most);
  a->argv = dbf_command_words_argv(L);
  a->envp = lua_getfield(L, 1, "env") == LUA_TNIL ? environ : dbf_command_words_envp(L);
  int64_t began = now_ns();
  int e = attend(a);
  int64_t took = now_ns() - began;
  if (e) return push_failure(L, a, e);
  lua_createtable(L, 0, 8);
  if (!a->stolen && WIFEXITED(a->status)) dbf_table_set_integer(L, "exit_status", WEXITSTATUS(a->status));
  if (!a->stolen && WIFSIGNALED(a->status)) dbf_table_set_integer(L, "signal", WTERMSIG(a->status));
  if (a->interrupted) dbf_table_set_integer(L, "interrupted", a->interrupted);
  lua_pushboolean(L, a->late);
  lua_setfield(L, -2, "late");
  dbf_table_set_integer(L, "duration_ns", took);
  dbf_output_tail_push(L, a->tail);
  lua_setfield(L, -3, "cut");
  lua_setfield(L, -2, "output");
  return 1;
}

void dbf_attend_register(lua_State *L) {
  lua_pushcfunction(L, l_attend);
  lua_setfield(L, -2, "attend");
}
