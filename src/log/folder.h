/* folder.h: a folder as the store of a log: a table of open sessions, the threads apart, and one sync for all threads that wait.
 * Owns every lock between threads of it; knows nothing about descriptors (append.c) or JSON (entry_write.c).
 *
 *     folder -- mutex --> table --> slot "s1" -- mutex --> session, scratch, how far it is written and synced
 *                              \--> slot "s2" ...
 *
 * A thread finds its slot under the folder's mutex, marks it used, and appends under the slot's. So threads wait for each
 * other's I/O only in one session. Slots out of use beyond OPEN_SLOTS are closed, the longest unused first.
 *
 *     written  1 2 3 4 5     the leader syncs up to what is written when it starts, outside the slot's mutex;
 *     synced   1 2           followers wait for it, and the first whose entry came too late leads the next
 */
#ifndef DBF_FOLDER_H
#define DBF_FOLDER_H

#include "append.h"
#include "bytes.h"

#define DBF_FOLDER_BUCKETS 64

typedef struct dbf_slot {
  struct dbf_slot *next;
  uint64_t used;        /* the folder's clock when it was last asked for */
  unsigned users;       /* threads that have it now */
  dbf_session *session; /* NULL: closed for good, because poisoned; or of a store that is no folder */
  pthread_mutex_t mutex;
  pthread_cond_t synced_more;
  bool poisoned, syncing;
  uint64_t written, synced;
  dbf_bytes text, scratch; /* where an append writes its lines */
  char id[DBF_SESSION_ID_MAX + 1];
} dbf_slot;

typedef struct dbf_folder {
  dbf_directory dir; /* without a path: not made yet */
  debrief_log_config config;
  pthread_mutex_t mutex;
  dbf_slot *table[DBF_FOLDER_BUCKETS];
  unsigned open;
  uint64_t clock;
} dbf_folder;

/* `config` is whole: no member is 0 for a default. */
void dbf_folder_init(dbf_folder *folder, const debrief_log_config *config);

bool dbf_folder_open(dbf_folder *folder, const char *path, debrief_error *err);

/* The same folder as `other`, wherever the process is by now. */
bool dbf_folder_open_again(dbf_folder *folder, const dbf_folder *other, debrief_error *err);

/* `forked`: in a child of the process that opened it. */
void dbf_folder_release(dbf_folder *folder, bool forked);

/* The slot of a session, its mutex held; NULL with *err, EPOISONED among them. */
dbf_slot *dbf_folder_enter(dbf_folder *folder, const char *id, debrief_error *err);
void dbf_folder_leave(dbf_folder *folder, dbf_slot *slot);

/* dbf_session_append, synced as the config says. */
bool dbf_folder_append(dbf_folder *folder, dbf_slot *slot, debrief_text *lines, size_t count,
                       dbf_before_write before, void *user, dbf_appended *done, debrief_error *err);

/* A slot by itself; without a folder it has no session. */
dbf_slot *dbf_folder_slot_new(dbf_folder *folder, const char *id, debrief_error *err);
void dbf_folder_slot_free(dbf_slot *slot);

#endif
