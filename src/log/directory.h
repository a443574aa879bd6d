/* directory.h: one folder of sessions: opening beneath it, listing. Nothing about lines. */
#ifndef DBF_DIRECTORY_H
#define DBF_DIRECTORY_H

#include "pack.h"
#include "session_id.h"

#include <pthread.h>
#include <sys/stat.h>

/* Thread-safe: `fd`, `pack` and `levels_made` are only touched under `mutex`. */
typedef struct dbf_directory {
  char *path;     /* as given, for messages */
  char *absolute; /* where it was when it was given: the process may go elsewhere */
  int fd;         /* of the folder, -1 until it was needed */
  bool known;     /* which folder that is: st says it */
  struct stat st;
  dbf_pack pack;        /* of the folder that is open */
  unsigned levels_made; /* folders made here and not synced: the last one and its parents */
  uint32_t file_mode, folder_mode;
  bool (*give_way)(
      void *user); /* there is no descriptor left: close one that can be spared, false when none can */
  void *user;
  pthread_mutex_t mutex;
} dbf_directory;

/* The end of a path, short enough that a message holds it and the reason after it. */
const char *dbf_directory_shown(const char *path);

bool dbf_directory_init(dbf_directory *dir, const char *path, uint32_t file_mode, uint32_t folder_mode,
                        debrief_error *err);
void dbf_directory_release(dbf_directory *dir);

/* Another one of the same folder, which may outlive `dir`. */
bool dbf_directory_copy(dbf_directory *to, const dbf_directory *dir, debrief_error *err);

/* Open the folder; with `make`, make it (and its parents) first. *made (may be NULL) is set if a folder was made,
 * whose parent then wants a sync. A folder that was moved or removed since it was opened is looked for again: a log is
 * what its path names. ENOENT when it is not there. */
bool dbf_directory_open(dbf_directory *dir, bool make, bool *made, debrief_error *err);

/* Open ID.jsonl beneath the folder without following a link (openat2 RESOLVE_BENEATH|NO_SYMLINKS, else openat
 * with O_NOFOLLOW), O_CLOEXEC|O_NONBLOCK|O_NOCTTY; it must be regular. For reading: *fd is -1 and true when it does
 * not exist. For appending: O_RDWR|O_APPEND, made when it is not there, folder
 * included, with exactly file_mode whatever the umask. */
bool dbf_directory_open_session(dbf_directory *dir, const char *id, bool append, int *fd, bool *made,
                                debrief_error *err);

/* A session to be read, wherever the folder has it: as a file of its own, opened as above, or in its pack. The descriptor
 * is the caller's; -1 and true when there is no such session. */
bool dbf_directory_read_session(dbf_directory *dir, const char *id, dbf_extent *file, debrief_error *err);

/* Does the folder have a pack, and cannot what comes to it be written at the moment? *why: the reason. */
bool dbf_directory_is_stalled(dbf_directory *dir, char *why, size_t size);

/* DIR/ID.jsonl, for messages and diagnostics; malloc, NULL when out of memory. */
char *dbf_directory_session_path(const dbf_directory *dir, const char *id);

/* The same, absolute, to look up what has the name now. */
char *dbf_directory_session_file(const dbf_directory *dir, const char *id);

/* fsync the folder, and the parent of every folder that was made here. */
bool dbf_directory_sync(dbf_directory *dir, debrief_error *err);

/* A descriptor of the folder for the caller to close, -1 with *err. */
int dbf_directory_handle(dbf_directory *dir, debrief_error *err);

/* Make the file `name` in the folder, for writing, with exactly the mode, and the owner and group of `like`. -1 with
 * errno, and no file: EEXIST when there is one. */
int dbf_directory_make_file(int folder, const char *name, uint32_t mode, const struct stat *like);

/* Open the regular file `name` in the folder for writing, made with mode 0600 when it is not there. -1 with errno. */
int dbf_directory_open_file(int folder, const char *name);

/* Set the mode of an open file, and the owner and group of `like`. False with errno. */
bool dbf_directory_dress(int fd, uint32_t mode, const struct stat *like);

/* Session ids in byte order: of the pack, and the regular files named ID.jsonl, none of which is opened or looked at where
 * the folder names their kinds. */
bool dbf_directory_list(dbf_directory *dir, bool (*each)(void *user, const char *id), void *user,
                        debrief_error *err);

/* One name of the form ID.jsonl, as it was when it was looked at. Valid during the callback. */
typedef struct dbf_directory_item {
  const char *id;
  const char
      *kind;     /* NULL: a regular file, which is a session; else what it is, with its article: "a FIFO" */
  uint64_t size; /* bytes */
  int64_t mtime_ns; /* since 1970; the nearest that fits */
} dbf_directory_item;

/* Every session of the pack, and every name of the form ID.jsonl, in byte order of the ids, these with one statx(2) each beneath the folder's descriptor; with
 * `others` those alone that are no regular files. One that disappears meanwhile is left out. ENOENT if the folder does
 * not exist. */
bool dbf_directory_look(dbf_directory *dir, bool others,
                        bool (*each)(void *user, const dbf_directory_item *item), void *user,
                        debrief_error *err);

/* The same for one id, into *item. False: there is no such name, ENOENT; or *err says what failed. */
bool dbf_directory_find(dbf_directory *dir, const char *id, dbf_directory_item *item, debrief_error *err);

/* Does `name` in the folder mean the file that is open at `fd`? */
bool dbf_directory_names(int folder, const char *name, int fd);

/* How many names has the file in the folder by which repairs keep a session as it was, ID.jsonl.broken-...? */
unsigned dbf_directory_copies(dbf_directory *dir, const char *id, const struct stat *file);

#endif
