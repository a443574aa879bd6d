#include "isolate.h"
#include "limits.h"
#include "memory.h"
#include "pack.h"
#include "scratch.h"
#include "state.h"
#include "userdata.h"
#include "../log/bytes.h"
#include "../log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 5, NAME = 32 };
enum { LIMIT = 256 << 20 };   /* bytes of a frame */
enum { LOG_LIMIT = 8 << 10 }; /* of a message for the log */

static const char isolated_type[] = "debrief.isolated";

typedef struct isolated {
  int fd; /* -1: closed */
  pid_t pid;
  int seconds;
} isolated;

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static void put_head(unsigned char head[HEAD], char kind, size_t len) {
  head[0] = (unsigned char)kind;
  for (int i = 0; i < 4; i++) head[1 + i] = (unsigned char)(len >> (8 * i));
}

static size_t length_of(const unsigned char head[HEAD]) {
  size_t len = 0;
  for (int i = 0; i < 4; i++) len |= (size_t)head[1 + i] << (8 * i);
  return len;
}

/* ---- The isolated side -------------------------------------------------------------------------------------------- */

/* By read(2), because the filter of system calls knows no other way. */
static bool read_all(void *to, size_t len) {
  for (char *p = to; len > 0;) {
    ssize_t n = read(STDIN_FILENO, p, len);
    if (n == 0 || (n < 0 && errno != EINTR)) return false;
    if (n > 0) p += n, len -= (size_t)n;
  }
  return true;
}

static bool send_frame(char kind, const char *data, size_t len) {
  unsigned char head[HEAD];
  put_head(head, kind, len);
  return len <= LIMIT && dbf_io_write_all(STDOUT_FILENO, head, HEAD) &&
         dbf_io_write_all(STDOUT_FILENO, data, len);
}

static bool receive_frame(char *kind, dbf_bytes *into) {
  unsigned char head[HEAD];
  if (!read_all(head, HEAD)) return false;
  size_t len = length_of(head);
  *kind = (char)head[0];
  dbf_bytes_clear(into);
  return dbf_bytes_reserve(into, len + 1) && read_all(into->data, len) && (into->len = len, true);
}

/* The other side went away, or does not keep to the protocol: nothing is left to do here. */
static _Noreturn void leave(void) {
  _exit(0);
}

static void on_log(void *user, const char *level, const char *text) {
  char line[LOG_LIMIT];
  (void)user;
  int n = snprintf(line, sizeof line, "%s%c%s", level, 0, text);
  if (n < 0) return;
  size_t len = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
  if (!send_frame('L', line, len)) leave();
}

static int l_request(lua_State *L) {
  size_t len;
  const char *data = luaL_checklstring(L, 1, &len);
  dbf_bytes *in = &dbf_scratch_of(L)->extra;
  char kind;
  if (len > LIMIT) return luaL_error(L, "a request is too large");
  if (!send_frame('R', data, len)) leave();
  if (!receive_frame(&kind, in) || kind != 'S') leave();
  lua_pushlstring(L, in->data, in->len);
  return 1;
}

/* function(name, packed) -> packed; runs protected */
static int l_answer(lua_State *L) {
  size_t len;
  const char *packed = lua_tolstring(L, 2, &len);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "debrief.run.worker");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, lua_tostring(L, 1));
  dbf_pack_push(L, packed, len);
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) return lua_pushliteral(L, ""), 1;
  dbf_bytes *out = dbf_scratch_text(L);
  dbf_pack_write(L, -1, "result", out);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

/* One call: its name, a zero byte, its argument. */
static void answer(lua_State *L, const dbf_bytes *call) {
  const char *end = memchr(call->data, 0, call->len);
  if (!end) leave();
  lua_settop(L, 0);
  lua_pushcfunction(L, l_answer);
  lua_pushstring(L, call->data);
  lua_pushlstring(L, end + 1, call->len - (size_t)(end - call->data) - 1);
  bool ok = dbf_state_call(L, 2, 1) == LUA_OK;
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (!send_frame(ok ? 'A' : 'F', text ? text : "", text ? len : 0)) leave();
  lua_settop(L, 0);
}

static bool limit(int resource, rlim_t value) {
  struct rlimit r = {value, value};
  return setrlimit((__rlimit_resource_t)resource, &r) == 0;
}

/* No file, from here on: a ruleset that handles every right and grants none. */
static bool deny_files(void) {
  struct landlock_ruleset_attr rules = {.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
  int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
  if (fd < 0) return false;
  bool ok = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
  close(fd);
  return ok;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ALLOW(name) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Every other system call fails with EPERM; one of another architecture's ends the process. */
static bool filter_calls(void) {
#ifdef ARCHITECTURE
  struct sock_filter program[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
      ALLOW(read),
      ALLOW(write),
      ALLOW(brk),
      ALLOW(mmap),
      ALLOW(munmap),
      ALLOW(mremap),
      ALLOW(madvise),
      ALLOW(futex),
      ALLOW(clock_gettime),
      ALLOW(gettid),
      ALLOW(timer_create),
      ALLOW(timer_settime),
      ALLOW(timer_delete),
      ALLOW(rt_sigreturn),
      ALLOW(exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
#else
  return errno = ENOSYS, false;
#endif
}

/* Give up every right. NULL, or the part that this system lacks. */
static const char *lock_down(size_t memory) {
  close_range(3, ~0u, 0);
  if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NPROC, 0)) return "resource limits";
  if (!limit(RLIMIT_AS, memory) || !limit(RLIMIT_NOFILE, 3 + 1)) return "resource limits";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no_new_privs";
  if (!deny_files()) return "Landlock";
  if (!limit(RLIMIT_NOFILE, 0)) return "resource limits";
  if (!filter_calls()) return "seccomp";
  return NULL;
}

int dbf_isolate_serve(lua_CFunction core, size_t memory, unsigned time_ms) {
  enum {
    OVERHEAD = 256 << 20
  }; /* address space of the program, its libraries and one frame, beside what plugins use */
  dbf_interrupt interrupt;
  dbf_config config = {
      .on_log = on_log, .plugin_memory = memory, .plugin_time = time_ms, .interrupt = &interrupt};
  dbf_bytes call;
  char kind;
  dbf_limits_init(&interrupt);
  if (!dbf_limits_use_signal(&interrupt, SIGURG))
    return 1; /* for the timer of budgets; this process has no other use */
  tzset();    /* reads the zone's file, which is out of reach later */
  lua_State *L = dbf_state_new(&config, core, true);
  if (!L) return 1;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "debrief.core");
  lua_call(L, 1, 1);
  lua_pushcfunction(L, l_request);
  lua_setfield(L, -2, "request");
  const char *missing = lock_down(memory + OVERHEAD);
  if (!send_frame('H', missing ? missing : "", missing ? strlen(missing) : 0) || missing) return 1;
  dbf_bytes_init(&call);
  while (receive_frame(&kind, &call) && kind == 'C') answer(L, &call);
  dbf_bytes_release(&call);
  dbf_state_close(L);
  return 0;
}

/* ---- This side ------------------------------------------------------------------------------------------------------ */

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end(isolated *w) {
  if (w->fd < 0) return;
  close(w->fd);
  w->fd = -1;
  kill(w->pid, SIGKILL);
  while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) continue;
}

/* Raises: an interrupt, or with a message that says how the process ended. */
static int fail(lua_State *L, isolated *w, const char *why) {
  end(w);
  return luaL_error(L, "the isolated process %s", why);
}

/* Wait until the socket is ready for `events`; a silent process is ended. */
static void wait_for(lua_State *L, isolated *w, short events) {
  int64_t deadline = now_ms() + (int64_t)w->seconds * 1000, left;
  struct pollfd item = {.fd = w->fd, .events = events};
  do {
    if (dbf_limits_stopped()) end(w);
    dbf_limits_check(L);
    left = deadline - now_ms();
    if (left <= 0) fail(L, w, lua_pushfstring(L, "did not answer for %d s and was ended", w->seconds));
  } while (poll(&item, 1, dbf_limits_slice(left)) <= 0);
}

static void transmit(lua_State *L, isolated *w, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = send(w->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) data += n, len -= (size_t)n;
    else if (n < 0 && errno == EAGAIN) wait_for(L, w, POLLOUT);
    else if (n < 0 && errno != EINTR) fail(L, w, "ended before it was asked");
  }
}

static void receive(lua_State *L, isolated *w, void *to, size_t len) {
  for (char *p = to; len > 0;) {
    ssize_t n = recv(w->fd, p, len, MSG_DONTWAIT);
    if (n > 0) p += n, len -= (size_t)n;
    else if (n < 0 && errno == EAGAIN) wait_for(L, w, POLLIN);
    else if (n == 0 || errno != EINTR) fail(L, w, "ended: it may have used more memory than it is given");
  }
}

static void transmit_frame(lua_State *L, isolated *w, char kind, const char *data, size_t len) {
  unsigned char head[HEAD];
  if (len > LIMIT) luaL_error(L, "%I bytes are too many for an isolated process", (lua_Integer)len);
  put_head(head, kind, len);
  transmit(L, w, (const char *)head, HEAD);
  transmit(L, w, data, len);
}

/* Push the bytes of the next frame, and return its kind. */
static char receive_push(lua_State *L, isolated *w) {
  unsigned char head[HEAD];
  luaL_Buffer b;
  receive(L, w, head, HEAD);
  size_t len = length_of(head);
  if (len > LIMIT) fail(L, w, "sent a frame that is too long, and was ended");
  receive(L, w, luaL_buffinitsize(L, &b, len), len);
  luaL_pushresultsize(&b, len);
  return (char)head[0];
}

static isolated *check(lua_State *L) {
  isolated *w = luaL_checkudata(L, 1, isolated_type);
  if (w->fd < 0) luaL_error(L, "this worker is closed");
  return w;
}

/* "level\0text" from the other side, on top of the stack. A level is one of the usual words; hosts escape the text. */
static void pass_on(lua_State *L) {
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  const dbf_config *config = dbf_config_of(L);
  const char *message = lua_tostring(L, -1), *level = "plugin";
  size_t len = strlen(message);
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (strcmp(message, levels[i]) == 0) level = levels[i];
  const char *text = len < lua_rawlen(L, -1) ? message + len + 1 : "";
  if (config->on_log) config->on_log(config->user, level, text);
}

/* Answer a request: serve(packed), with it on top of the stack. */
static void serve(lua_State *L, isolated *w) {
  size_t len;
  lua_pushvalue(L, 4);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  const char *data = luaL_checklstring(L, -1, &len);
  transmit_frame(L, w, 'S', data, len);
}

static int l_call(lua_State *L) {
  isolated *w = check(L);
  size_t name_len, len;
  const char *name = luaL_checklstring(L, 2, &name_len), *packed = luaL_optlstring(L, 3, "", &len);
  if (name_len >= NAME) return luaL_argerror(L, 2, "too long");
  lua_settop(L, 4);
  lua_pushlstring(L, name, name_len);
  lua_pushlstring(L, "\0", 1);
  lua_pushlstring(L, packed, len);
  lua_concat(L, 3);
  packed = lua_tolstring(L, -1, &len);
  transmit_frame(L, w, 'C', packed, len);
  while (true) {
    lua_settop(L, 4);
    char kind = receive_push(L, w);
    switch (kind) {
    case 'A': return 1;
    case 'F': return lua_pushnil(L), lua_insert(L, -2), 2;
    case 'L': pass_on(L); break;
    case 'R': serve(L, w); break;
    default: return fail(L, w, "broke the protocol and was ended");
    }
  }
}

static int l_close(lua_State *L) {
  end(luaL_checkudata(L, 1, isolated_type));
  return 0;
}

/* Start the program with the socket as its standard input and output, and nothing else of ours. 0 or errno. */
static int start(isolated *w, const char *program, size_t memory, unsigned time_ms) {
  char words[3][32] = {"debrief-isolated", "", ""};
  char *argv[] = {words[0], words[1], words[2], NULL}, *zone = getenv("TZ"), zone_text[128];
  char *envp[] = {NULL, NULL};
  int pair[2];
  snprintf(words[1], sizeof words[1], "%zu", memory);
  snprintf(words[2], sizeof words[2], "%u", time_ms);
  if (zone && snprintf(zone_text, sizeof zone_text, "TZ=%s", zone) < (int)sizeof zone_text)
    envp[0] = zone_text;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  int e = posix_spawn(&w->pid, program, &actions, NULL, argv, envp);
  posix_spawn_file_actions_destroy(&actions);
  close(pair[1]);
  if (e) close(pair[0]);
  else w->fd = pair[0];
  return e;
}

static int l_isolated(lua_State *L) {
  enum { DEFAULT_MEMORY = 256 << 20 };
  const dbf_config *config = dbf_config_of(L);
  lua_Integer seconds = luaL_checkinteger(L, 1);
  if (!config->isolate_program) {
    lua_pushnil(L);
    lua_pushliteral(L, "this host names no program that isolates plugins");
    return 2;
  }
  isolated *w = lua_newuserdatauv(L, sizeof *w, 0);
  *w = (isolated){.fd = -1, .seconds = (int)seconds};
  luaL_setmetatable(L, isolated_type);
  int e = start(w, config->isolate_program, config->plugin_memory ? config->plugin_memory : DEFAULT_MEMORY,
                config->plugin_time);
  if (e) {
    lua_pushnil(L);
    lua_pushfstring(L, "cannot start %s: %s", config->isolate_program, strerror(e));
    return 2;
  }
  if (receive_push(L, w) != 'H') return fail(L, w, "broke the protocol and was ended");
  if (lua_rawlen(L, -1) == 0) return lua_pop(L, 1), 1;
  end(w);
  lua_pushnil(L);
  lua_pushfstring(L, "this system cannot isolate plugins: %s is not available", lua_tostring(L, -2));
  return 2;
}

void dbf_isolate_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"call", l_call}, {"close", l_close}, {NULL, NULL}};
  dbf_userdata_type(L, isolated_type, methods, l_close);
}

void dbf_isolate_register(lua_State *L) {
  lua_pushcfunction(L, l_isolated);
  lua_setfield(L, -2, "isolated");
  lua_pushboolean(L,
                  !DBF_SANITIZED); /* a sanitizer reserves more address space than such a process may have */
  lua_setfield(L, -2, "isolates");
}
