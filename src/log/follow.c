#include "follow.h"
#include "error.h"
#include "follow_files.h"
#include "log_internal.h"
#include "session_id.h"
#include "struct_size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  LOCKED_MS = 5, /* between looks at a file whose writer holds the lock */
  POLL_MS = 250,
  NAME_MS = 1000, /* between looks at the folder's name: while we have it open, its removal is not reported */
  OPEN_FILES = 512 /* at most, and no more than half of what the process may open */
};

/* ---- The folder ---------------------------------------------------------------------------------------------------- */

/* A session that is listed when memory runs out is missed for good unless the follower says so: on_change cannot, so it is
 * noted. */
static bool collect(void *user, const char *id) {
  debrief_follower *f = user;
  dbf_follow_files *s = dbf_follow_files_add(f, id);
  f->failed = f->failed || !s;
  return s != NULL;
}

/* The folder that is watched was moved or removed: it is another one, or none, that has its name now. */
static bool folder_changed(const debrief_follower *f) {
  struct stat named;
  return stat(f->dir.absolute, &named) != 0 || named.st_dev != f->folder_device ||
         named.st_ino != f->folder_inode;
}

static bool watch_folder(debrief_follower *f) {
  struct stat st;
  if (fstat(f->dir.fd, &st) != 0 || !dbf_watch_folder(&f->watch, f->dir.fd)) return false;
  f->folder_device = st.st_dev;
  f->folder_inode = st.st_ino;
  return true;
}

/* Look at everything. Watching begins before listing, so that nothing comes between. */
static bool rescan(debrief_follower *f, debrief_error *err) {
  debrief_error why;
  if (f->watched && folder_changed(f)) f->watched = false;
  bool ok = dbf_directory_open(&f->dir, false, NULL, &why);
  if (ok && !f->watched) f->watched = watch_folder(f);
  if (ok && f->all) ok = dbf_directory_list(&f->dir, collect, f, &why);
  if (f->failed) return dbf_fail_memory(err);
  dbf_follow_files_enqueue_all(f);
  if (!ok && why.code != DEBRIEF_ENOENT && err) *err = why;
  return ok || why.code == DEBRIEF_ENOENT;
}

static dbf_follow_files *session_of(debrief_follower *f, const char *name) {
  char id[DBF_SESSION_ID_MAX + 1];
  size_t len = dbf_session_id_in_name(name);
  if (len == 0) return NULL;
  memcpy(id, name, len);
  id[len] = '\0';
  dbf_follow_files *s = dbf_follow_files_find(f, id);
  if (s || !f->all) return s;
  collect(f, id);
  return dbf_follow_files_find(f, id);
}

/* A linear search, but only former files are watched one by one, and those are few and do not last. */
static void file_changed(debrief_follower *f, int watch) {
  for (size_t i = 0; i < f->count; i++)
    for (size_t j = 0; j < f->sessions[i]->count; j++)
      if (f->sessions[i]->files[j].watch == watch) dbf_follow_files_enqueue(f, f->sessions[i]);
}

static void name_changed(debrief_follower *f, const dbf_change *change) {
  dbf_follow_files *s = session_of(f, change->name);
  if (!s) return;
  if (change->made || change->moved) s->created = change->made;
  dbf_follow_files_enqueue(f, s);
}

/* Is there a former file whose changes are not reported? */
static bool is_polled(const debrief_follower *f) {
  if (!f->watched) return true;
  for (size_t i = 0; i < f->count; i++)
    for (size_t j = 0; j + f->sessions[i]->named < f->sessions[i]->count; j++)
      if (f->sessions[i]->files[j].watch < 0 && f->sessions[i]->files[j].tail->fd >= 0) return true;
  return false;
}

static void on_change(void *user, const dbf_change *change) {
  debrief_follower *f = user;
  switch (change->kind) {
  case DBF_CHANGE_NAME: name_changed(f, change); break;
  case DBF_CHANGE_FILE: file_changed(f, change->file); break;
  case DBF_CHANGE_TICK:
    if (!f->retry && !is_polled(f) && !folder_changed(f)) break; /* fall through */
  case DBF_CHANGE_FOLDER:
  case DBF_CHANGE_ANY:
    if (!rescan(f, NULL)) f->watched = false;
    break;
  }
}

/* ---- Next ------------------------------------------------------------------------------------------------------------ */

/* The same failure again and again, as of a session that stays unreadable, is reported once, until a look at it succeeds. */
static debrief_next fail(dbf_follow_files *s, debrief_error *why, debrief_error *err) {
  bool reported = why->code == s->failed;
  s->failed = why->code;
  s->ended = why->code == DEBRIEF_EDAMAGED;
  if (reported) return DEBRIEF_NEXT_END;
  if (err) *err = *why;
  return DEBRIEF_NEXT_ERROR;
}

/* The next entry of what was found; END: it is used up. */
static debrief_next give(debrief_follower *f, dbf_record *record, debrief_error *err) {
  debrief_error why;
  debrief_next next = dbf_tail_next(f->from, record, &why);
  if (next == DEBRIEF_NEXT_ENTRY) return next;
  dbf_follow_files *s = f->giving;
  f->giving = NULL;
  dbf_follow_files_enqueue(f, s); /* after the others that have something */
  return next == DEBRIEF_NEXT_END ? next : fail(s, &why, err);
}

/* Look at the first session of the queue. */
static debrief_next step(debrief_follower *f, debrief_error *err) {
  dbf_follow_files *s = f->queue;
  debrief_error why;
  dbf_follow_files_dequeue(f);
  dbf_follow_files_state a = s->ended ? DBF_FOLLOW_FILES_IDLE : dbf_follow_files_look(f, s, &why);
  if (a == DBF_FOLLOW_FILES_FAILED) return fail(s, &why, err);
  s->failed = DEBRIEF_OK;
  return DEBRIEF_NEXT_END;
}

/* Can what comes not be written to the folder? That is reported once, until it can. */
static bool is_stalled(debrief_follower *f, debrief_error *err) {
  char why[64];
  bool stalled = dbf_directory_is_stalled(&f->dir, why, sizeof why), reported = f->stalled;
  f->stalled = stalled;
  if (!stalled || reported) return false;
  dbf_fail(err, DEBRIEF_EIO,
           "what comes cannot be written to %s ($TMPDIR names another place), and waits: %s",
           dbf_directory_shown(f->dir.path), why);
  return true;
}

/* The next entry without waiting. */
static debrief_next try_next(debrief_follower *f, dbf_record *record, debrief_error *err) {
  for (bool fresh = false;;) {
    debrief_next next = DEBRIEF_NEXT_END;
    if (f->giving) next = give(f, record, err);
    else if (f->queue) next = step(f, err);
    else if (fresh || f->stopped) return is_stalled(f, err) ? DEBRIEF_NEXT_ERROR : DEBRIEF_NEXT_END;
    else { /* events are read only when the queue is empty: under a storm of them, entries come first */
      fresh = true;
      f->retry = f->locked;
      f->locked = false;
      dbf_watch_read(&f->watch, on_change, f);
      if (f->failed) return f->failed = false, dbf_fail_memory(err), DEBRIEF_NEXT_ERROR;
    }
    if (next != DEBRIEF_NEXT_END) return next;
  }
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

debrief_next dbf_follower_next(debrief_follower *f, int timeout_ms, dbf_record *record, const char **id,
                               debrief_error *err) {
  int64_t end = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
  for (;;) {
    debrief_next next = try_next(f, record, err);
    if (next == DEBRIEF_NEXT_ENTRY && id) *id = f->giving->id;
    if (next != DEBRIEF_NEXT_END || f->stopped) return next;
    if (f->locked) dbf_watch_tick(&f->watch, LOCKED_MS);
    else dbf_watch_tick(&f->watch, is_polled(f) ? f->config.poll_ms : NAME_MS);
    int64_t left = timeout_ms > 0 ? end - now_ms() : timeout_ms;
    if (timeout_ms >= 0 && left <= 0) return DEBRIEF_NEXT_END;
    if (!dbf_watch_wait(&f->watch, timeout_ms < 0 ? -1 : (int)left) && errno == EINTR)
      return DEBRIEF_NEXT_END;
  }
}

debrief_next debrief_follower_next(debrief_follower *f, int timeout_ms, debrief_line *line, const char **id,
                                   debrief_error *err) {
  dbf_record record;
  if (!f) return dbf_fail(err, DEBRIEF_EARG, "no follower was given (follower is NULL)"), DEBRIEF_NEXT_ERROR;
  debrief_next next = dbf_follower_next(f, timeout_ms, &record, id, err);
  if (next == DEBRIEF_NEXT_ENTRY && line) *line = dbf_record_line(&record);
  return next;
}

void debrief_follower_stop(debrief_follower *f) {
  if (!f || f->stopped) return;
  dbf_watch_read(&f->watch, on_change, f);
  /* what was written before the call is returned after it, even if the kernel has not reported it yet */
  rescan(f, NULL);
  f->stopped = true;
}

int debrief_follower_fd(const debrief_follower *f) {
  return f ? f->watch.fd : -1;
}

/* ---- Opening and closing --------------------------------------------------------------------------------------------- */

void debrief_follower_close(debrief_follower *f) {
  if (!f) return;
  for (size_t i = 0; i < f->count; i++) dbf_follow_files_free(f->sessions[i]);
  free(f->sessions);
  dbf_watch_release(&f->watch);
  dbf_directory_release(&f->dir);
  if (f->store) f->kind->follow(f->store, false, NULL);
  free(f);
}

void dbf_follower_limit(debrief_follower *f, size_t block, size_t open_files, size_t line_limit) {
  for (size_t i = 0; i < f->count; i++)
    for (size_t j = 0; block && j < f->sessions[i]->count; j++)
      f->sessions[i]->files[j].tail->options.block = block;
  if (block) f->reading.block = block;
  if (open_files) f->open_limit = open_files;
  if (line_limit) f->reading.line_limit = line_limit;
}

static size_t open_limit(void) {
  long most = sysconf(_SC_OPEN_MAX) / 2;
  return most > 0 && most < OPEN_FILES ? (size_t)most : OPEN_FILES;
}

static debrief_follower *new_follower(const dbf_directory *dir, const debrief_follow_config *config,
                                      debrief_error *err) {
  debrief_follower *f = calloc(1, sizeof *f);
  if (!f || !dbf_directory_copy(&f->dir, dir, err)) {
    free(f);
    dbf_fail_memory(err);
    return NULL;
  }
  f->dir.give_way = dbf_follow_files_give_way;
  f->dir.user = f;
  f->config = *config;
  if (!f->config.poll_ms) f->config.poll_ms = POLL_MS;
  f->reading = (dbf_tail_options){
      .strict = config->strict, .on_diagnostic = config->on_diagnostic, .user = config->user};
  f->open_limit = open_limit();
  if (dbf_watch_init(&f->watch, config->poll)) return f;
  dbf_fail_errno(err, "cannot follow %s", dbf_directory_shown(f->dir.path));
  dbf_directory_release(&f->dir);
  free(f);
  return NULL;
}

/* Find where each session is now. */
static bool open_sessions(debrief_follower *f, const char *const *ids, size_t count, debrief_error *err) {
  f->opening = true;
  f->all = !ids;
  for (size_t i = 0; i < count; i++)
    if (!dbf_session_id_check(ids[i], err)) return false;
  for (size_t i = 0; i < count; i++)
    if (!dbf_follow_files_add(f, ids[i])) return dbf_fail_memory(err);
  if (!rescan(f, err)) return false;
  for (size_t i = 0; i < f->count; i++)
    if (!dbf_follow_files_refresh(f, f->sessions[i], err)) return false;
  f->opening = false; /* a session that appears from here on is new, and read from its beginning */
  while (f->queue && !f->config.from_start) dbf_follow_files_dequeue(f); /* they are at their ends */
  return true;
}

/* What comes to another store is to come to its folder. */
static bool keep_up_to_date(debrief_follower *f, debrief_log *log, debrief_error *err) {
  dbf_store *store = dbf_log_store(log, &f->kind);
  if (!store) return true;
  if (!f->kind->follow(store, true, err)) return false;
  f->store = store;
  return true;
}

debrief_follower *debrief_log_follow(debrief_log *log, const char *const *ids, size_t count,
                                     const debrief_follow_config *config, debrief_error *err) {
  debrief_follow_config given = {.struct_size = sizeof given};
  uint32_t unused;
  dbf_directory *dir = dbf_log_directory(log, &unused, err);
  if (!dir) return NULL;
  if (config && !dbf_struct_size_take(&given, sizeof given, config, "debrief_follow_config", err))
    return NULL;
  debrief_follower *f = new_follower(dir, &given, err);
  if (f && !(keep_up_to_date(f, log, err) && open_sessions(f, ids, ids ? count : 0, err))) {
    debrief_follower_close(f);
    return NULL;
  }
  return f;
}
