#include "lock.h"

#include "error.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static bool fail_lock(const char *shown, debrief_error *err) {
  if (errno == ENOLCK)
    return dbf_fail(err, DEBRIEF_EIO,
                    "cannot lock %s: no locks available: nothing was written; the log's folder must be on a "
                    "file system with flock(2)",
                    shown);
  return dbf_fail_errno(err, "nothing was written: cannot lock %s", shown);
}

/* Polls, since waiting in flock(2) with a limit would take a signal, and signals are the host's. Threads that append in
 * this process queue on a mutex before they come here. The clock is first looked at when there is something to wait
 * for. */
bool dbf_lock_wait(int fd, const char *shown, const char *verb, uint32_t timeout_ms, uint64_t *deadline,
                   debrief_error *err) {
  long sleep_us = 20;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_lock(shown, err);
    if (*deadline == 0) *deadline = now_us() + timeout_ms * (uint64_t)1000;
    if (now_us() >= *deadline)
      return dbf_fail(
          err, DEBRIEF_ELOCKED,
          "%s has been locked by another process for more than %u ms: nothing was written; %s again when "
          "it is done",
          shown, timeout_ms, verb);
    nanosleep(&(struct timespec){.tv_nsec = sleep_us * 1000}, NULL);
    if (sleep_us < 2000) sleep_us *= 2;
  }
  return true;
}
