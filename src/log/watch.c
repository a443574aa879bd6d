#include "watch.h"

#include "io.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

/* IN_ATTRIB too: removing the last name of a file changes its link count, and nothing else is reported of a file that is
 * watched by itself. */
#define FOLDER_MASK                                                                               \
  (IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | \
   IN_MOVE_SELF)
#define FILE_MASK (IN_MODIFY | IN_ATTRIB)

static bool add(const dbf_watch *w, int fd) {
  struct epoll_event event = {.events = EPOLLIN};
  return epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool dbf_watch_init(dbf_watch *w, bool poll) {
  *w = (dbf_watch){.fd = dbf_io_above(epoll_create1(EPOLL_CLOEXEC)), .notify = -1, .folder = -1};
  w->timer = dbf_io_above(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!poll) w->notify = dbf_io_above(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (w->fd >= 0 && w->timer >= 0 && add(w, w->timer) && (w->notify < 0 || add(w, w->notify))) return true;
  int saved = errno;
  dbf_watch_release(w);
  errno = saved;
  return false;
}

void dbf_watch_release(dbf_watch *w) {
  if (w->fd >= 0) close(w->fd);
  if (w->timer >= 0) close(w->timer);
  if (w->notify >= 0) close(w->notify);
  w->fd = w->timer = w->notify = -1;
}

/* The inode that is open, whatever its path says by now. */
static int watch_inode(const dbf_watch *w, int fd, uint32_t mask) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return w->notify < 0 ? -1 : inotify_add_watch(w->notify, path, mask);
}

/* Others may write there, and this kernel would not know. */
static bool is_remote(int fd) {
  static const uint32_t remote[] = {/* what statfs(2) calls */
                                    0x6969 /* NFS */,
                                    0x517b /* SMB */,
                                    0xff534d42 /* CIFS */,
                                    0xfe534d42 /* SMB 2 */,
                                    0x65735546 /* FUSE */,
                                    0x01021997 /* 9P */,
                                    0x00c36400 /* Ceph */,
                                    0x73757245 /* Coda */,
                                    0x5346414f /* AFS */,
                                    0x6b414653 /* AFS */,
                                    0x7461636f /* OCFS2 */};
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0) return true; /* polling too often costs time, trusting too much loses entries */
  for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
    if ((uint32_t)fs.f_type == remote[i]) return true;
  return false;
}

/* A folder is watched by its inode, so what is moved to its name later is not seen: the follower looks for that. */
bool dbf_watch_folder(dbf_watch *w, int fd) {
  if (w->folder >= 0) inotify_rm_watch(w->notify, w->folder);
  w->folder = is_remote(fd) ? -1 : watch_inode(w, fd, FOLDER_MASK);
  return w->folder >= 0;
}

int dbf_watch_file(dbf_watch *w, int fd) {
  return watch_inode(w, fd, FILE_MASK);
}

void dbf_watch_forget(dbf_watch *w, int file) {
  if (file >= 0) inotify_rm_watch(w->notify, file);
}

/* The soonest tick wins: one that is set already comes early enough for this one, and whoever set it must not wait longer. */
void dbf_watch_tick(dbf_watch *w, unsigned ms) {
  struct itimerspec in = {.it_value = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000}};
  if (w->ticking && w->ticking <= ms) return;
  timerfd_settime(w->timer, 0, &in, NULL);
  w->ticking = ms;
}

/* Events of watches that were taken back meanwhile are nobody's. */
static bool change_of(const dbf_watch *w, const struct inotify_event *event, dbf_change *change) {
  *change = (dbf_change){.kind = DBF_CHANGE_FILE, .file = event->wd, .name = event->name};
  if (event->mask & IN_Q_OVERFLOW) change->kind = DBF_CHANGE_ANY;
  else if (event->mask & IN_IGNORED) return false;
  else if (event->wd == w->folder) {
    bool named = event->len > 0;
    change->kind = named ? DBF_CHANGE_NAME : DBF_CHANGE_FOLDER;
    change->made = (event->mask & IN_CREATE) != 0;
    change->moved = (event->mask & IN_MOVED_TO) != 0;
    return named || (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
  }
  return true;
}

void dbf_watch_read(dbf_watch *w, void (*each)(void *user, const dbf_change *change), void *user) {
  _Alignas(struct inotify_event) char events[4096];
  uint64_t ticks;
  dbf_change change = {.kind = DBF_CHANGE_TICK};
  if (w->ticking && read(w->timer, &ticks, sizeof ticks) > 0) {
    w->ticking = 0;
    each(user, &change);
  }
  if (w->notify < 0) return;
  for (ssize_t n; (n = read(w->notify, events, sizeof events)) > 0;)
    for (ssize_t at = 0; at < n;) {
      const struct inotify_event *event = (const void *)(events + at);
      at += (ssize_t)(sizeof *event + event->len);
      if (change_of(w, event, &change)) each(user, &change);
    }
}

bool dbf_watch_wait(dbf_watch *w, int ms) {
  struct pollfd item = {.fd = w->fd, .events = POLLIN};
  errno = 0; /* a timeout does not set it */
  return poll(&item, 1, ms) > 0;
}
