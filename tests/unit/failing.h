/* failing.h: calls of the log that fail when a test says so (ld --wrap). One counter counts them all: the call `fail_at`
 * of an armed run fails, each run another one, until a run has fewer calls than that.
 *
 *     arm(FAIL, n);  operation;  if (!disarm()) that was all of them */
#ifndef FAILING_H
#define FAILING_H

#include "temp_folder.h"
#include "wrapped.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>

typedef enum failure {
  FAIL,      /* EIO, or no memory */
  INTERRUPT, /* EINTR, where POSIX and file systems in user space know it */
  SHORT      /* half of what was asked for, of reads and writes of two bytes or more */
} failure;

static atomic_bool armed;
static failure how;
static atomic_long calls, live; /* fallible calls of this run; allocations that were not freed yet */
static long fail_at;
static const char *failed; /* the call that did, NULL: none yet */
static long faults;        /* runs in which one did */

static inline void arm(failure kind, long number) {
  how = kind;
  fail_at = number;
  failed = NULL;
  calls = 0;
  armed = true;
}

/* Did a call fail? */
static inline bool disarm(void) {
  armed = false;
  faults += failed != NULL;
  return failed != NULL;
}

/* Nothing fails between these two: for what a test itself does in the middle of an operation. */
static inline void rest(void) {
  armed = false;
}

static inline void resume(void) {
  armed = true;
}

static inline bool hit(failure kind, const char *name, int error) {
  if (!armed || how != kind || ++calls != fail_at) return false;
  failed = name;
  errno = error;
  return true;
}

static inline bool fails(const char *name) {
  return hit(FAIL, name, EIO);
}

static inline bool no_memory(const char *name) {
  return hit(FAIL, name, ENOMEM);
}

static inline size_t shortened(const char *name, size_t len) {
  return len > 1 && hit(SHORT, name, 0) ? len / 2 : len;
}

static inline void *alive(void *memory) {
  if (memory) live++;
  return memory;
}

/* A call with parameters `params`, which are passed on as `args`, fails by returning `bad` when `when` is true. */
#define FAILING(type, name, params, args, bad, when) \
  type __real_##name params;                         \
  type __wrap_##name params;                         \
  FAILS(type, name, params, args, bad, when)

/* One that knows sizes or offsets of files. */
#define FAILING_WIDE(type, name, params, args, bad, when) \
  WRAPPED(type, name, params);                            \
  FAILS(type, name, params, args, bad, when)

#define FAILS(type, name, params, args, bad, when) \
  type __wrap_##name params {                      \
    if (when) return bad;                          \
    return __real_##name args;                     \
  }

/* ---- Memory -------------------------------------------------------------------------------------------------- */

#define ALLOCATING(name, params, args)                          \
  void *__real_##name params;                                   \
  void *__wrap_##name params;                                   \
  void *__wrap_##name params {                                  \
    return no_memory(#name) ? NULL : alive(__real_##name args); \
  }

ALLOCATING(malloc, (size_t len), (len))
ALLOCATING(calloc, (size_t count, size_t len), (count, len))

void *__real_realloc(void *old, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_realloc(void *old, size_t len) {
  if (no_memory("realloc")) return NULL;
  return old ? __real_realloc(old, len) : alive(__real_realloc(old, len));
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text) {
  return no_memory("strdup") ? NULL : alive(__real_strdup(text));
}

char *__real_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len) {
  return no_memory("strndup") ? NULL : alive(__real_strndup(text, len));
}

int __wrap_asprintf(char **out, const char *format, ...);
int __wrap_asprintf(char **out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = no_memory("asprintf") ? -1 : vasprintf(out, format, args);
  va_end(args);
  if (n >= 0) live++;
  return n;
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...);
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...) {
  va_list args;
  (void)flag;
  va_start(args, format);
  int n = no_memory("asprintf") ? -1 : vasprintf(out, format, args);
  va_end(args);
  if (n >= 0) live++;
  return n;
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory) {
  if (memory) live--;
  __real_free(memory);
}

/* ---- System calls -------------------------------------------------------------------------------------------- */

FAILING_WIDE(int, openat, (int dir, const char *name, int flags, mode_t mode), (dir, name, flags, mode), -1,
             fails("openat"))
FAILING_WIDE(int, open, (const char *name, int flags, mode_t mode), (name, flags, mode), -1, fails("open"))
FAILING(long, syscall, (long nr, long a, long b, long c, long d, long e), (nr, a, b, c, d, e), -1,
        fails("syscall"))
FAILING_WIDE(int, fcntl, (int fd, int command, long argument), (fd, command, argument), -1, fails("fcntl"))
FAILING(int, dup, (int fd), (fd), -1, fails("dup"))
FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, fails("mkdir"))
FAILING_WIDE(int, stat, (const char *path, struct stat *st), (path, st), -1, fails("stat"))
FAILING_WIDE(int, fstat, (int fd, struct stat *st), (fd, st), -1, fails("fstat"))
FAILING_WIDE(int, fstatat, (int dir, const char *name, struct stat *st, int flags), (dir, name, st, flags),
             -1, fails("fstatat"))
FAILING(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, fails("fchmod"))
FAILING(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), -1, fails("fchown"))
FAILING(int, flock, (int fd, int operation), (fd, operation), -1,
        fails("flock") || (!(operation & LOCK_UN) && hit(INTERRUPT, "flock", EINTR)))
FAILING_WIDE(off_t, lseek, (int fd, off_t at, int from), (fd, at, from), -1, fails("lseek"))
FAILING(int, fsync, (int fd), (fd), -1, fails("fsync"))
FAILING(int, fdatasync, (int fd), (fd), -1, fails("fdatasync"))
FAILING(int, renameat, (int dir, const char *from, int to_dir, const char *to), (dir, from, to_dir, to), -1,
        fails("renameat"))
FAILING(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags), -1, fails("unlinkat"))
FAILING(void *, fdopendir, (int fd), (fd), NULL, fails("fdopendir"))
FAILING_WIDE(void *, readdir, (void *dir), (dir), NULL, fails("readdir"))
FAILING_WIDE(int, fstatfs, (int fd, struct statfs *fs), (fd, fs), -1, fails("fstatfs"))
FAILING(int, epoll_create1, (int flags), (flags), -1, fails("epoll_create1"))
FAILING(int, epoll_ctl, (int fd, int command, int item, struct epoll_event *event),
        (fd, command, item, event), -1, fails("epoll_ctl"))
FAILING(int, inotify_init1, (int flags), (flags), -1, fails("inotify_init1"))
FAILING(int, inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask), -1,
        fails("inotify_add_watch"))
FAILING(int, timerfd_create, (int clock, int flags), (clock, flags), -1, fails("timerfd_create"))
FAILING(ssize_t, getrandom, (void *to, size_t len, unsigned flags), (to, len, flags), -1, fails("getrandom"))
FAILING(int, pthread_create,
        (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument),
        (thread, attributes, start, argument), EAGAIN, fails("pthread_create"))

/* Reads and writes can come back with a part, too. */
FAILING(ssize_t, read, (int fd, void *to, size_t len), (fd, to, len), -1, fails("read"))
FAILING_WIDE(ssize_t, pread, (int fd, void *to, size_t len, off_t at), (fd, to, shortened("pread", len), at),
             -1, fails("pread") || hit(INTERRUPT, "pread", EINTR))
#ifdef __GLIBC__
FAILING(ssize_t, __pread64_chk, (int fd, void *to, size_t len, off_t at, size_t room),
        (fd, to, shortened("pread", len), at, room), -1, fails("pread") || hit(INTERRUPT, "pread", EINTR))
#endif
FAILING(ssize_t, write, (int fd, const void *data, size_t len), (fd, data, shortened("write", len)), -1,
        fails("write") || hit(INTERRUPT, "write", EINTR))

ssize_t __real_writev(int fd, const struct iovec *pieces, int count);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count) {
  if (fails("writev") || hit(INTERRUPT, "writev", EINTR)) return -1;
  if (count > 0 && shortened("writev", 2) == 1) count--;
  return __real_writev(fd, pieces, count);
}

#endif
