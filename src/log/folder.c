#include "folder.h"

#include "error.h"
#include "hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_SLOTS 64
#define BUCKETS    DBF_FOLDER_BUCKETS

/* ---- Slots ------------------------------------------------------------------------------------------------- */

/* A plain list in each bucket: at most OPEN_SLOTS sessions are open, and one that was poisoned stays. */
static dbf_slot **bucket_of(dbf_folder *folder, const char *id) {
  return &folder->table[dbf_hash(DBF_HASH_START, id, strlen(id)) % BUCKETS];
}

void dbf_folder_slot_free(dbf_slot *s) {
  dbf_session_free(s->session);
  dbf_bytes_release(&s->text);
  dbf_bytes_release(&s->scratch);
  free(s);
}

dbf_slot *dbf_folder_slot_new(dbf_folder *folder, const char *id, debrief_error *err) {
  dbf_slot *s = calloc(1, sizeof *s);
  if (!s) {
    dbf_fail_memory(err);
    return NULL;
  }
  s->session = folder ? dbf_session_new(&folder->dir, id, folder->config.lock_timeout_ms, err) : NULL;
  if (folder && !s->session) {
    free(s);
    return NULL;
  }
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->synced_more, NULL);
  dbf_bytes_init(&s->text);
  dbf_bytes_init(&s->scratch);
  memcpy(s->id, id, strlen(id) + 1);
  return s;
}

static dbf_slot *slot_find(dbf_folder *folder, const char *id, debrief_error *err) {
  dbf_slot **bucket = bucket_of(folder, id);
  for (dbf_slot *s = *bucket; s; s = s->next)
    if (strcmp(s->id, id) == 0) return s;
  dbf_slot *made = dbf_folder_slot_new(folder, id, err);
  if (!made) return NULL;
  made->next = *bucket;
  *bucket = made;
  folder->open++;
  return made;
}

/* The slot that was not used for longest, NULL when all are in use. */
static dbf_slot **slot_oldest(dbf_folder *folder) {
  dbf_slot **oldest = NULL;
  for (size_t i = 0; i < BUCKETS; i++)
    for (dbf_slot **at = &folder->table[i]; *at; at = &(*at)->next)
      if ((*at)->session && (*at)->users == 0 && (!oldest || (*at)->used < (*oldest)->used)) oldest = at;
  return oldest;
}

/* A poisoned slot releases its file but must be remembered as long as the log lives. */
static void slot_close(dbf_folder *folder, dbf_slot **at) {
  dbf_slot *s = *at;
  assert(s->users == 0 && s->session && folder->open > 0);
  folder->open--;
  if (s->poisoned) {
    dbf_session_free(s->session);
    s->session = NULL;
    return;
  }
  *at = s->next;
  pthread_cond_destroy(&s->synced_more);
  pthread_mutex_destroy(&s->mutex);
  dbf_folder_slot_free(s);
}

static void trim(dbf_folder *folder) {
  dbf_slot **oldest;
  while (folder->open > OPEN_SLOTS && (oldest = slot_oldest(folder))) slot_close(folder, oldest);
}

/* There is no descriptor left: close a session that nobody uses now, even when there are few. */
static bool give_way(void *user) {
  dbf_folder *folder = user;
  pthread_mutex_lock(&folder->mutex);
  dbf_slot **oldest = slot_oldest(folder);
  if (oldest) slot_close(folder, oldest);
  pthread_mutex_unlock(&folder->mutex);
  return oldest != NULL;
}

static bool fail_poisoned(const dbf_slot *s, debrief_error *err) {
  return dbf_fail(
      err, DEBRIEF_EPOISONED,
      "session %s could not be synced: what was appended to it may be lost; open the log again and "
      "append what is missing",
      s->id);
}

void dbf_folder_leave(dbf_folder *folder, dbf_slot *s) {
  pthread_mutex_unlock(&s->mutex);
  pthread_mutex_lock(&folder->mutex);
  assert(s->users > 0);
  s->users--;
  trim(folder);
  pthread_mutex_unlock(&folder->mutex);
}

dbf_slot *dbf_folder_enter(dbf_folder *folder, const char *id, debrief_error *err) {
  pthread_mutex_lock(&folder->mutex);
  dbf_slot *s = slot_find(folder, id, err);
  if (s) {
    s->users++;
    s->used = ++folder->clock;
    trim(folder);
  }
  pthread_mutex_unlock(&folder->mutex);
  if (!s) return NULL;
  pthread_mutex_lock(&s->mutex);
  if (!s->poisoned) return s;
  fail_poisoned(s, err);
  dbf_folder_leave(folder, s);
  return NULL;
}

/* ---- Appending --------------------------------------------------------------------------------------------- */

/* Sync for all threads that have written by now. Called and returns with the slot's mutex held, but lets others append
 * while the disk works, if there is a descriptor to sync with. */
static bool lead_sync(dbf_slot *s, debrief_error *err) {
  uint64_t goal = s->written;
  int fd = dbf_session_sync_begin(s->session);
  s->syncing = true;
  if (fd >= 0) pthread_mutex_unlock(&s->mutex);
  bool ok = dbf_session_sync_end(s->session, fd, err);
  if (fd >= 0) pthread_mutex_lock(&s->mutex);
  s->syncing = false;
  assert(goal >= s->synced && goal <= s->written);
  if (ok) s->synced = goal;
  else s->poisoned = true;
  pthread_cond_broadcast(&s->synced_more);
  return ok;
}

static bool make_durable(dbf_slot *s, debrief_error *err) {
  uint64_t mine = ++s->written;
  while (s->synced < mine && !s->poisoned) {
    if (s->syncing) pthread_cond_wait(&s->synced_more, &s->mutex);
    else if (!lead_sync(s, err)) return false;
  }
  return s->synced >= mine || fail_poisoned(s, err);
}

/* When the disk failed in the middle of a batch, what is reported as stored must be as durable as asked for. */
bool dbf_folder_append(dbf_folder *folder, dbf_slot *s, debrief_text *lines, size_t count,
                       dbf_before_write before, void *user, dbf_appended *done, debrief_error *err) {
  bool ok = dbf_session_append(s->session, lines, count, before, user, done, err);
  if (folder->config.sync == DEBRIEF_SYNC_NONE || done->stored == 0) return ok;
  if (make_durable(s, ok ? err : NULL)) return ok;
  done->doubtful += done->stored;
  done->stored = 0;
  if (ok && err) err->code = DEBRIEF_ESYNC;
  return false;
}

/* ---- Opening ----------------------------------------------------------------------------------------------- */

void dbf_folder_init(dbf_folder *folder, const debrief_log_config *config) {
  *folder = (dbf_folder){.config = *config};
  pthread_mutex_init(&folder->mutex, NULL);
}

static bool finish(dbf_folder *folder, bool ok) {
  folder->dir.give_way = give_way;
  folder->dir.user = folder;
  return ok;
}

bool dbf_folder_open(dbf_folder *folder, const char *path, debrief_error *err) {
  return finish(folder, dbf_directory_init(&folder->dir, path, folder->config.file_mode,
                                           folder->config.folder_mode, err));
}

bool dbf_folder_open_again(dbf_folder *folder, const dbf_folder *other, debrief_error *err) {
  bool ok = dbf_directory_copy(&folder->dir, &other->dir, err);
  folder->dir.file_mode = folder->config.file_mode;
  folder->dir.folder_mode = folder->config.folder_mode;
  return finish(folder, ok);
}

/* In a forked child a slot that was in use at the fork may be in any state: only its descriptor is closed, and its
 * memory, which is the child's copy, is left. */
void dbf_folder_release(dbf_folder *folder, bool forked) {
  for (size_t i = 0; i < BUCKETS; i++) {
    for (dbf_slot *s = folder->table[i], *next; s; s = next) {
      next = s->next;
      if (forked && s->users > 0) dbf_session_free(s->session);
      else dbf_folder_slot_free(s);
    }
  }
  if (folder->dir.path) dbf_directory_release(&folder->dir);
}
