/* watch.h: waiting for a folder and its files to change, without a thread or a signal: one descriptor to poll.
 *
 *     fd (epoll) --+-- inotify   the folder, by names; single files that left it
 *                  '-- timer     when there is something that inotify does not report */
#ifndef DBF_WATCH_H
#define DBF_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dbf_watch {
  int fd;
  int notify, timer; /* notify -1: not used */
  int folder;        /* watch descriptor of the folder, -1: none */
  unsigned ticking;  /* milliseconds that the timer was set to, 0: it is not running */
} dbf_watch;

typedef enum dbf_change_kind {
  DBF_CHANGE_NAME,   /* `name` in the folder was written to, made, moved or removed */
  DBF_CHANGE_FILE,   /* the file of watch descriptor `file` was */
  DBF_CHANGE_FOLDER, /* the folder itself was moved or removed */
  DBF_CHANGE_ANY,    /* the kernel lost count: look at everything */
  DBF_CHANGE_TICK    /* the timer ran out */
} dbf_change_kind;

typedef struct dbf_change {
  dbf_change_kind kind;
  const char *name;
  int file;
  bool made, moved; /* NAME: it was created, or something was moved there */
} dbf_change;

/* `poll`: use the timer alone. False with errno: no descriptors left. */
bool dbf_watch_init(dbf_watch *watch, bool poll);
void dbf_watch_release(dbf_watch *watch);

/* Watch the folder open at `fd` instead of the one before. False: that is impossible, or not reliable (a network file
 * system that others change too), so poll it. */
bool dbf_watch_folder(dbf_watch *watch, int fd);

/* Watch the file open at `fd`, wherever it is moved: its watch descriptor, -1 when that cannot be done. */
int dbf_watch_file(dbf_watch *watch, int fd);
void dbf_watch_forget(dbf_watch *watch, int file);

/* Report DBF_CHANGE_TICK once, in `ms` milliseconds at the latest. */
void dbf_watch_tick(dbf_watch *watch, unsigned ms);

/* Call `each` for what has changed since the last call. Does not wait. */
void dbf_watch_read(dbf_watch *watch, void (*each)(void *user, const dbf_change *change), void *user);

/* Wait until there is something to read; false after `ms` milliseconds (-1: never) or when a signal came. */
bool dbf_watch_wait(dbf_watch *watch, int ms);

#endif
