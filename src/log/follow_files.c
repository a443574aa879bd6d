#include "follow_files.h"
#include "error.h"
#include "look.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The queue of sessions to look at ------------------------------------------------------------------------- */

/* A session is in the queue once: its `next` has room for one place. */
void dbf_follow_files_enqueue(debrief_follower *f, dbf_follow_files *s) {
  if (s->queued || s->ended) return;
  s->queued = true;
  s->next = NULL;
  if (f->queue) f->queue_end->next = s;
  else f->queue = s;
  f->queue_end = s;
}

void dbf_follow_files_dequeue(debrief_follower *f) {
  assert(f->queue && f->queue->queued);
  f->queue->queued = false;
  f->queue = f->queue->next;
}

void dbf_follow_files_enqueue_all(debrief_follower *f) {
  for (size_t i = 0; i < f->count; i++) dbf_follow_files_enqueue(f, f->sessions[i]);
}

/* ---- Sessions -------------------------------------------------------------------------------------------------- */

/* Where `id` is, or belongs. */
static size_t place_of(const debrief_follower *f, const char *id, bool *there) {
  size_t low = 0, high = f->count;
  *there = false;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(f->sessions[middle]->id, id);
    if (order == 0) {
      *there = true;
      return middle;
    }
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

dbf_follow_files *dbf_follow_files_find(const debrief_follower *f, const char *id) {
  bool there;
  size_t i = place_of(f, id, &there);
  return there ? f->sessions[i] : NULL;
}

void dbf_follow_files_free(dbf_follow_files *s) {
  for (size_t i = 0; i < s->count; i++) dbf_tail_free(s->files[i].tail);
  free(s->id);
  free(s->path);
  free(s);
}

static bool reserve(debrief_follower *f) {
  size_t cap = f->cap ? f->cap * 2 : 16;
  if (f->count < f->cap) return true;
  dbf_follow_files **sessions = realloc(f->sessions, cap * sizeof *sessions);
  if (!sessions) return false;
  f->sessions = sessions;
  f->cap = cap;
  return true;
}

dbf_follow_files *dbf_follow_files_add(debrief_follower *f, const char *id) {
  bool there;
  size_t i = place_of(f, id, &there);
  if (there) return f->sessions[i];
  dbf_follow_files *s = reserve(f) ? calloc(1, sizeof *s) : NULL;
  if (!s) return NULL;
  s->id = strdup(id);
  s->path = dbf_directory_session_path(&f->dir, id);
  if (!s->id || !s->path) {
    dbf_follow_files_free(s);
    return NULL;
  }
  memmove(f->sessions + i + 1, f->sessions + i, (f->count - i) * sizeof *f->sessions);
  f->sessions[i] = s;
  f->count++;
  return s;
}

/* ---- Files of a session ---------------------------------------------------------------------------------------- */

static dbf_tail *current_of(const dbf_follow_files *s) {
  assert(s->count <= DBF_FOLLOW_FILES_FILES && (!s->named || s->count > 0));
  return s->named ? s->files[s->count - 1].tail : NULL;
}

/* Device and inode are kept in the tail, since a parked one has no descriptor to ask. */
static bool is_same(const dbf_tail *tail, const struct stat *st) {
  return tail && tail->device == st->st_dev && tail->inode == st->st_ino;
}

/* Take file `i` out of the list. */
static dbf_tail *take_out(debrief_follower *f, dbf_follow_files *s, size_t i) {
  assert(i < s->count);
  dbf_tail *tail = s->files[i].tail;
  dbf_watch_forget(&f->watch, s->files[i].watch);
  s->count--;
  memmove(s->files + i, s->files + i + 1, (s->count - i) * sizeof *s->files);
  return tail;
}

static void drop(debrief_follower *f, dbf_follow_files *s, size_t i) {
  dbf_tail *tail = take_out(f, s, i);
  f->open -= tail->fd >= 0;
  dbf_tail_free(tail);
}

static bool is_unlinked(const dbf_tail *tail) {
  dbf_look look;
  return dbf_look_at(tail->fd, &look) && look.links == 0;
}

/* What former file `i` must be compared with; NULL: nothing. */
static dbf_follow_files_file *to_compare(dbf_follow_files *s, size_t i) {
  dbf_follow_files_file *next = i + 1 < s->count ? &s->files[i + 1] : NULL;
  return next && !next->created && !next->compared && next->tail->offset == 0 ? next : NULL;
}

/* Former file `i` was read to its end. What it gave is not given again by one that was moved to its name, or may have
 * been; one that was created there is another one. */
static bool compare(dbf_follow_files *s, size_t i, debrief_error *err) {
  dbf_follow_files_file *next = to_compare(s, i);
  if (!next) return true;
  next->compared = true;
  return dbf_tail_replaces(next->tail, s->files[i].tail, err);
}

/* Has the file a name by which a repair keeps the old one? */
static bool has_copy_name(debrief_follower *f, const dbf_follow_files *s, const dbf_tail *tail) {
  const struct stat file = {.st_dev = tail->device, .st_ino = tail->inode};
  return dbf_directory_copies(&f->dir, s->id, &file) > 0;
}

/* Is the file, which has a name yet, what a repair left of the session? One that was renamed away is another matter: what
 * comes after it is new. *wait: its name went just now. */
static bool is_copy(debrief_follower *f, const dbf_follow_files *s, const dbf_tail *tail, bool *wait) {
  if (has_copy_name(f, s, tail)) return true;
  if (is_unlinked(tail)) f->locked = *wait = true;
  return false;
}

/* Former file `i` has no name and is done with. */
static bool succeed(debrief_follower *f, dbf_follow_files *s, size_t i, debrief_error *err) {
  bool ok = compare(s, i, err);
  drop(f, s, i);
  return ok;
}

/* Put the file with the session's name after the others. The first goes when there are too many: the lines that it has
 * left are in the one that took its place; of one that was renamed away they are lost. */
static bool put(debrief_follower *f, dbf_follow_files *s, dbf_tail *tail, bool created, debrief_error *err) {
  bool ok = true;
  if (s->count == DBF_FOLLOW_FILES_FILES) {
    dbf_tail *first = s->files[0].tail;
    if (is_unlinked(first) || has_copy_name(f, s, first)) ok = succeed(f, s, 0, err);
    else drop(f, s, 0);
  }
  s->files[s->count++] = (dbf_follow_files_file){tail, -1, created, false};
  s->named = true;
  return ok;
}

/* Close files while more than `most` are open: first such that have nothing new, then others. */
static void park(debrief_follower *f, size_t most, const dbf_follow_files *except) {
  for (size_t tries = 0; f->open > most && tries < 2 * f->count; tries++) {
    dbf_follow_files *s = f->sessions[f->hand++ % f->count];
    dbf_tail *tail = s->count == 1 ? current_of(s) : NULL;
    bool needed = s == except || s == f->giving || (s->queued && tries < f->count);
    if (!tail || tail->fd < 0 || needed) continue;
    dbf_tail_park(tail);
    f->open--;
  }
}

bool dbf_follow_files_give_way(void *user) {
  debrief_follower *f = user;
  size_t before = f->open;
  park(f, before ? before - 1 : 0, NULL);
  return f->open < before;
}

/* Does another session read the file, by another name that it has too? */
static bool is_read_by_another(const debrief_follower *f, const dbf_follow_files *s, const struct stat *st) {
  for (size_t i = 0; i < f->count; i++)
    if (f->sessions[i] != s && is_same(current_of(f->sessions[i]), st)) return true;
  return false;
}

/* A former file, of this session or another, that was moved to this one's name goes on as the current one. */
static bool take_over(debrief_follower *f, dbf_follow_files *s, int fd, const struct stat *st, bool *ok,
                      debrief_error *err) {
  for (size_t i = 0; i < f->count; i++) {
    dbf_follow_files *other = f->sessions[i];
    for (size_t j = 0; j + other->named < other->count; j++) {
      dbf_tail *tail = other->files[j].tail;
      if (!is_same(tail, st)) continue;
      take_out(f, other, j);
      tail->path = s->path;
      f->open += tail->fd < 0;
      dbf_tail_park(tail);
      dbf_tail_resume(tail, fd, st->st_dev, st->st_ino);
      *ok = put(f, s, tail, false, err);
      return true;
    }
  }
  return false;
}

/* Begin with the file open at `fd`. */
static bool begin(debrief_follower *f, dbf_follow_files *s, int fd, debrief_error *err) {
  dbf_tail *tail = dbf_tail_new(fd, s->path, s->id, &f->reading, err);
  if (!tail) return false;
  if (f->opening && !f->config.from_start && !dbf_tail_to_end(tail, err)) {
    dbf_tail_free(tail);
    return false;
  }
  f->open++;
  return put(f, s, tail, s->created && f->watched, err);
}

static bool resume(debrief_follower *f, dbf_follow_files *s, int fd, const struct stat *st) {
  dbf_tail_resume(current_of(s), fd, st->st_dev, st->st_ino);
  f->open++;
  return true;
}

/* `fd` is what has the session's name, -1: nothing has. */
static bool take(debrief_follower *f, dbf_follow_files *s, int fd, debrief_error *err) {
  struct stat st;
  dbf_tail *current = current_of(s);
  if (fd < 0) {
    s->named = false; /* what had the name is a former file now */
    return true;
  }
  if (fstat(fd, &st) != 0) {
    close(fd);
    return dbf_fail_errno(err, "cannot look at %s", s->path);
  }
  if (current && current->fd < 0) return resume(f, s, fd, &st);
  if (is_same(current, &st) || is_read_by_another(f, s, &st)) {
    close(fd);
    return true;
  }
  bool ok = true;
  s->named = false;
  return take_over(f, s, fd, &st, &ok, err) ? ok : begin(f, s, fd, err);
}

/* See which file the session's name means. */
bool dbf_follow_files_refresh(debrief_follower *f, dbf_follow_files *s, debrief_error *err) {
  int fd;
  debrief_error why = {.code = DEBRIEF_OK};
  dbf_directory_open_session(&f->dir, s->id, false, &fd, NULL, &why);
  if (why.code == DEBRIEF_ENOENT) f->watched = false;
  bool gone = why.code == DEBRIEF_ENOENT || why.code == DEBRIEF_EUNSAFE;
  bool ok = why.code == DEBRIEF_OK || why.code == DEBRIEF_ENOENT;
  if (f->all && why.code == DEBRIEF_EUNSAFE) ok = true; /* listing passes it over as well */
  if ((ok || gone) && !take(f, s, fd, &why)) ok = false;
  if (!ok && err) *err = why;
  s->created = false;
  park(f, f->open_limit, s);
  return ok;
}

/* ---- Looking at a session ---------------------------------------------------------------------------------------- */

static dbf_follow_files_state ready(debrief_follower *f, dbf_follow_files *s, dbf_tail *tail) {
  f->giving = s;
  f->from = tail;
  return DBF_FOLLOW_FILES_READY;
}

/* Read former file `i`. *gone: it was dropped. *wait: what follows it must not be read yet. The order of the looks is what
 * counts: once a file without a name is not locked, nobody will write to it. */
static dbf_follow_files_state look_at_former(debrief_follower *f, dbf_follow_files *s, size_t i, bool *gone,
                                             bool *wait, debrief_error *err) {
  dbf_tail *tail = s->files[i].tail;
  bool unlinked = is_unlinked(tail);
  if (!unlinked && s->files[i].watch < 0) s->files[i].watch = dbf_watch_file(&f->watch, tail->fd);
  bool locked = dbf_tail_is_locked(tail);
  dbf_tail_status status = dbf_tail_look(tail, err);
  if (locked) f->locked = *wait = true;
  else if (status == DBF_TAIL_NOTHING) status = dbf_tail_look_past(tail, !unlinked, err);
  if (status != DBF_TAIL_NOTHING)
    return status == DBF_TAIL_LINES ? ready(f, s, tail) : DBF_FOLLOW_FILES_FAILED;
  *gone = unlinked && !locked;
  bool ok = *gone ? succeed(f, s, i, err)
                  : locked || !to_compare(s, i) || !is_copy(f, s, tail, wait) || compare(s, i, err);
  return ok ? DBF_FOLLOW_FILES_IDLE : DBF_FOLLOW_FILES_FAILED;
}

static dbf_follow_files_state look_at_current(debrief_follower *f, dbf_follow_files *s, debrief_error *err) {
  dbf_tail *tail = current_of(s);
  if (!tail || tail->fd < 0) return DBF_FOLLOW_FILES_IDLE;
  dbf_tail_status status = dbf_tail_look(tail, err);
  if (status == DBF_TAIL_NOTHING && f->stopped) status = dbf_tail_look_past(tail, true, err);
  if (status == DBF_TAIL_NOTHING) return DBF_FOLLOW_FILES_IDLE;
  return status == DBF_TAIL_LINES ? ready(f, s, tail) : DBF_FOLLOW_FILES_FAILED;
}

dbf_follow_files_state dbf_follow_files_look(debrief_follower *f, dbf_follow_files *s, debrief_error *err) {
  bool fine = dbf_follow_files_refresh(f, s, err);
  for (size_t i = 0; i + s->named < s->count;) {
    bool gone = false, wait = false, parked = s->files[i].tail->fd < 0;
    dbf_follow_files_state a = parked ? DBF_FOLLOW_FILES_IDLE : look_at_former(f, s, i, &gone, &wait, err);
    if (a != DBF_FOLLOW_FILES_IDLE) return a;
    if (wait && !f->stopped) return DBF_FOLLOW_FILES_IDLE;
    if (!gone) i++;
  }
  return fine ? look_at_current(f, s, err) : DBF_FOLLOW_FILES_FAILED;
}
