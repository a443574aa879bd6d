/* log.c: the log handle: what an append writes, and which store it goes to: a folder (folder.c), or what an address names
 * (store.h). */
#include "log_internal.h"

#include "bytes.h"
#include "entry.h"
#include "error.h"
#include "folder.h"
#include "fork_guard.h"
#include "io.h"
#include "read.h"
#include "session_id.h"
#include "store.h"
#include "struct_size.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_KEPT ((size_t)1 << 20) /* bytes of scratch that stay with a slot between appends */

struct debrief_log {
  dbf_folder folder; /* of an address: where the store brings its sessions to, once it was asked for */
  dbf_fork_guard guard;
  const dbf_store_kind *kind; /* of the address; NULL: this is a folder */
  dbf_store *store;
  dbf_slot *spare; /* of an address: slots that nobody uses, under the folder's mutex */
};

/* ---- Configuration ----------------------------------------------------------------------------------------- */

static bool check_config(debrief_log_config *config, debrief_error *err) {
  if (config->lock_timeout_ms == 0) config->lock_timeout_ms = 10000;
  if (config->file_mode == 0) config->file_mode = 0600;
  if (config->folder_mode == 0) config->folder_mode = 0700;
  if (config->sync != DEBRIEF_SYNC_NONE && config->sync != DEBRIEF_SYNC_DATA)
    return dbf_fail(err, DEBRIEF_EARG, "sync is %d: use DEBRIEF_SYNC_NONE or DEBRIEF_SYNC_DATA",
                    (int)config->sync);
  if ((config->file_mode & ~0066u) != 0600)
    return dbf_fail(err, DEBRIEF_EARG, "file_mode is %04o: use 0600 to 0666", config->file_mode);
  if ((config->folder_mode & ~0077u) != 0700)
    return dbf_fail(err, DEBRIEF_EARG, "folder_mode is %04o: use 0700 to 0777", config->folder_mode);
  return true;
}

/* ---- Forks ------------------------------------------------------------------------------------------------- */

/* A child shares its parent's open files, and with them the locks it holds at that moment; the mutexes it got may
 * be held by threads that it does not have. So it may do nothing but close. */
static bool is_forked(const debrief_log *log) {
  return dbf_fork_guard_is_child(&log->guard);
}

static bool check_log(const debrief_log *log, debrief_error *err) {
  if (!log) return dbf_fail(err, DEBRIEF_EARG, "no log was given (log is NULL)");
  if (!is_forked(log)) return true;
  return dbf_fail(err, DEBRIEF_EFORK, "the log in %s was opened before fork: open it again in this process",
                  dbf_directory_shown(log->kind ? log->kind->shown(log->store) : log->folder.dir.path));
}

/* ---- Slots ------------------------------------------------------------------------------------------------- */

static void put_spare(debrief_log *log, dbf_slot *s) {
  pthread_mutex_unlock(&s->mutex);
  pthread_mutex_lock(&log->folder.mutex);
  s->next = log->spare;
  log->spare = s;
  pthread_mutex_unlock(&log->folder.mutex);
}

static void leave(debrief_log *log, dbf_slot *s) {
  if (s->text.cap > SCRATCH_KEPT) dbf_bytes_release(&s->text);
  if (s->scratch.cap > SCRATCH_KEPT) dbf_bytes_release(&s->scratch);
  if (log->kind) put_spare(log, s);
  else dbf_folder_leave(&log->folder, s);
}

/* Appends to a store do not wait for each other, in one session neither: each has a slot of its own. */
static dbf_slot *take_spare(debrief_log *log, const char *id, debrief_error *err) {
  pthread_mutex_lock(&log->folder.mutex);
  dbf_slot *s = log->spare;
  if (s) log->spare = s->next;
  pthread_mutex_unlock(&log->folder.mutex);
  if (!s) s = dbf_folder_slot_new(NULL, id, err);
  if (!s) return NULL;
  strcpy(s->id, id);
  pthread_mutex_lock(&s->mutex);
  return s;
}

/* The slot of `id`, its mutex held and its scratch empty; NULL with *err. */
static dbf_slot *enter(debrief_log *log, const char *id, debrief_error *err) {
  if (!check_log(log, err) || !dbf_session_id_check(id, err)) return NULL;
  dbf_slot *s = log->kind ? take_spare(log, id, err) : dbf_folder_enter(&log->folder, id, err);
  if (!s) return NULL;
  dbf_bytes_clear(&s->text);
  dbf_bytes_clear(&s->scratch);
  return s;
}

/* ---- Open and close ---------------------------------------------------------------------------------------- */

/* A log whose store is still to be filled in; NULL with *err. */
static debrief_log *new_log(const debrief_log_config *config, debrief_error *err) {
  debrief_log_config chosen = {.struct_size = sizeof chosen};
  if (config && !dbf_struct_size_take(&chosen, sizeof chosen, config, "debrief_log_config", err)) return NULL;
  if (!check_config(&chosen, err)) return NULL;
  debrief_log *log = calloc(1, sizeof *log);
  if (!log) dbf_fail_memory(err);
  else dbf_folder_init(&log->folder, &chosen);
  return log;
}

/* `ok`: it has its store. */
static debrief_log *finish_opening(debrief_log *log, bool ok) {
  if (!ok) {
    free(log);
    return NULL;
  }
  dbf_fork_guard_set(&log->guard);
  return log;
}

static debrief_log *open_store(const char *address, const debrief_log_config *config, debrief_error *err) {
  debrief_log *log = new_log(config, err);
  if (!log) return NULL;
  debrief_log_config *own = &log->folder.config;
  log->kind = dbf_store_load(err);
  log->store = log->kind ? log->kind->open(address, own, err) : NULL;
  own->creds = own->tls_ca = own->tls_cert = own->tls_key = NULL; /* the caller's */
  return finish_opening(log, log->store != NULL);
}

debrief_log *debrief_log_open(const char *dir, const debrief_log_config *config, debrief_error *err) {
  if (dir && dbf_store_is_address(dir)) return open_store(dir, config, err);
  if (!dir || !*dir) {
    dbf_fail(err, DEBRIEF_EARG, "no folder was given: name the folder of the log");
    return NULL;
  }
  debrief_log *log = new_log(config, err);
  return log ? finish_opening(log, dbf_folder_open(&log->folder, dir, err)) : NULL;
}

debrief_log *dbf_log_open_again(const debrief_log *other, const debrief_log_config *config,
                                debrief_error *err) {
  debrief_log *log = new_log(config, err);
  return log ? finish_opening(log, dbf_folder_open_again(&log->folder, &other->folder, err)) : NULL;
}

void debrief_log_close(debrief_log *log) {
  if (!log) return;
  bool forked = is_forked(log);
  for (dbf_slot *s = log->spare, *next; s; s = next) {
    next = s->next;
    dbf_folder_slot_free(s);
  }
  dbf_folder_release(&log->folder, forked);
  if (log->kind) log->kind->close(log->store, forked);
  dbf_fork_guard_release(&log->guard);
  free(log);
}

/* ---- Appending --------------------------------------------------------------------------------------------- */

static bool put(debrief_log *log, dbf_slot *s, debrief_text *lines, size_t count, dbf_before_write before,
                void *user, dbf_appended *done, debrief_error *err) {
  if (log->kind) return log->kind->append(log->store, s->id, lines, count, before, user, done, err);
  return dbf_folder_append(&log->folder, s, lines, count, before, user, done, err);
}

/* End the line that begins at `start` of the slot's text. */
static bool end_line(dbf_slot *s, size_t start, debrief_text *line, debrief_error *err) {
  dbf_bytes_append_char(&s->text, '\n');
  if (s->text.failed) return dbf_fail_memory(err);
  *line = (debrief_text){NULL, s->text.len - start};
  return true;
}

/* Text moves while it grows: lines get their addresses when all are written. */
static void place_lines(const dbf_slot *s, debrief_text *lines, size_t count) {
  const char *at = s->text.data;
  for (size_t i = 0; i < count; i++) {
    lines[i].data = at;
    at += lines[i].len;
  }
}

static bool put_one(debrief_log *log, dbf_slot *s, debrief_error *err) {
  debrief_text line;
  dbf_appended done = {0};
  if (!end_line(s, 0, &line, err)) return false;
  place_lines(s, &line, 1);
  return put(log, s, &line, 1, NULL, NULL, &done, err);
}

bool debrief_log_append(debrief_log *log, const char *id, const debrief_entry *entry, debrief_error *err) {
  debrief_entry given;
  if (!entry) return dbf_fail(err, DEBRIEF_EARG, "no entry was given (entry is NULL)");
  if (!dbf_struct_size_take(&given, sizeof given, entry, "debrief_entry", err)) return false;
  dbf_slot *s = enter(log, id, err);
  if (!s) return false;
  bool ok = dbf_entry_write(&s->text, id, &given, err) && put_one(log, s, err);
  leave(log, s);
  return ok;
}

bool debrief_log_append_json(debrief_log *log, const char *id, const char *json, size_t len,
                             debrief_error *err) {
  if (!json) return dbf_fail(err, DEBRIEF_EARG, "no entry was given (json is NULL)");
  dbf_slot *s = enter(log, id, err);
  if (!s) return false;
  bool ok = dbf_entry_write_json(&s->text, &s->scratch, id, json, len, false, err) && put_one(log, s, err);
  leave(log, s);
  return ok;
}

/* Room for a batch at once: growing by doubling costs a big one a third of its speed. */
static void reserve_batch(dbf_slot *s, const debrief_text *jsons, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count && bytes <= SIZE_MAX / 2 && jsons[i].len <= DBF_LINE_LIMIT; i++)
    bytes += jsons[i].len + 1;
  dbf_bytes_reserve(&s->text, bytes);
}

static bool write_line(dbf_slot *s, dbf_entry *entry, debrief_text json, debrief_text *line,
                       debrief_error *err) {
  size_t start = s->text.len;
  if (!json.data) return dbf_fail(err, DEBRIEF_EARG, "no entry was given (data is NULL)");
  return dbf_entry_write_next(entry, &s->text, &s->scratch, s->id, json.data, json.len, false, err) &&
         end_line(s, start, line, err);
}

static bool write_batch(dbf_slot *s, const debrief_text *jsons, debrief_text *lines, size_t count,
                        debrief_error *err) {
  dbf_entry entry;
  size_t i = 0;
  reserve_batch(s, jsons, count);
  dbf_entry_init(&entry);
  while (i < count && write_line(s, &entry, jsons[i], &lines[i], err)) i++;
  dbf_entry_release(&entry);
  if (i < count && err) err->line = i + 1;
  if (i == count) place_lines(s, lines, count);
  return i == count;
}

bool debrief_log_append_batch(debrief_log *log, const char *id, const debrief_text *jsons, size_t count,
                              size_t *stored, debrief_error *err) {
  dbf_appended done = {0};
  if (stored) *stored = 0;
  if (count && !jsons) return dbf_fail(err, DEBRIEF_EARG, "no entries were given (jsons is NULL)");
  dbf_slot *s = enter(log, id, err);
  if (!s) return false;
  debrief_text *lines = count ? calloc(count, sizeof *lines) : NULL;
  bool ok = count == 0 || (lines ? write_batch(s, jsons, lines, count, err) : dbf_fail_memory(err));
  if (ok && count) ok = put(log, s, lines, count, NULL, NULL, &done, err);
  leave(log, s);
  if (stored) *stored = done.stored;
  free(lines);
  return ok;
}

bool dbf_log_append_lines(debrief_log *log, const char *id, debrief_text *lines, size_t count,
                          dbf_before_write before, void *user, dbf_appended *done, debrief_error *err) {
  dbf_appended unused = {0};
  if (!done) done = &unused;
  *done = (dbf_appended){.numbered = done->numbered};
  dbf_slot *s = enter(log, id, err);
  if (!s) return false;
  bool ok = put(log, s, lines, count, before, user, done, err);
  leave(log, s);
  return ok;
}

/* ---- Stores that are no folder ----------------------------------------------------------------------------- */

/* With `fresh` the folder gets what came since it was asked for last; `whole`: see store.h. */
static bool bring(debrief_log *log, bool fresh, bool whole, debrief_error *err) {
  if (!log->kind) return true;
  pthread_mutex_lock(&log->folder.mutex);
  bool there = log->folder.dir.path != NULL;
  pthread_mutex_unlock(&log->folder.mutex);
  if (there && !fresh) return true;
  const char *path = log->kind->folder(log->store, whole, err);
  if (!path) return false;
  pthread_mutex_lock(&log->folder.mutex);
  bool ok = log->folder.dir.path || dbf_folder_open(&log->folder, path, err);
  pthread_mutex_unlock(&log->folder.mutex);
  return ok;
}

dbf_directory *dbf_log_directory(debrief_log *log, uint32_t *lock_timeout_ms, debrief_error *err) {
  if (!check_log(log, err) || !bring(log, true, false, err)) return NULL;
  *lock_timeout_ms = log->folder.config.lock_timeout_ms;
  return &log->folder.dir;
}

const char *dbf_log_whole_folder(debrief_log *log, debrief_error *err) {
  return check_log(log, err) && bring(log, true, true, err) ? log->folder.dir.path : NULL;
}

dbf_store *dbf_log_store(debrief_log *log, const dbf_store_kind **kind) {
  *kind = log->kind;
  return log->store;
}

const char *dbf_log_seen_folder(debrief_log *log) {
  pthread_mutex_lock(&log->folder.mutex);
  const char *path = log->kind ? log->folder.dir.path : NULL;
  pthread_mutex_unlock(&log->folder.mutex);
  return path;
}

bool dbf_log_must_be_folder(const debrief_log *log, const char *what, debrief_error *err) {
  if (!log || !log->kind) return true;
  return dbf_fail(err, DEBRIEF_EARG, "%s: %s is a stream, and what is in a stream is never changed", what,
                  log->kind->shown(log->store));
}

/* ---- Reading and listing ----------------------------------------------------------------------------------- */

static bool reading_options(const debrief_read_config *config, dbf_read_options *options,
                            debrief_error *err) {
  debrief_read_config given = {0};
  if (config && !dbf_struct_size_take(&given, sizeof given, config, "debrief_read_config", err)) return false;
  *options = (dbf_read_options){.strict = given.strict,
                                .foreign = given.foreign,
                                .on_diagnostic = given.on_diagnostic,
                                .user = given.user};
  return true;
}

debrief_reader *debrief_log_read(debrief_log *log, const char *id, const debrief_read_config *config,
                                 debrief_error *err) {
  return check_log(log, err) && bring(log, true, false, err) ? dbf_log_read_seen(log, id, config, err) : NULL;
}

debrief_reader *dbf_log_read_seen(debrief_log *log, const char *id, const debrief_read_config *config,
                                  debrief_error *err) {
  dbf_read_options options;
  dbf_extent file;
  if (!check_log(log, err) || !reading_options(config, &options, err) || !bring(log, false, false, err))
    return NULL;
  if (!dbf_directory_read_session(&log->folder.dir, id, &file, err)) return NULL;
  char *path = dbf_directory_session_path(&log->folder.dir, id);
  if (!path) {
    if (file.fd >= 0) close(file.fd);
    dbf_fail_memory(err);
    return NULL;
  }
  options.session = id;
  options.origin = file.origin;
  options.size = file.size;
  debrief_reader *reader = dbf_reader_open(file.fd, path, &options, err);
  free(path);
  return reader;
}

/* Non-blocking, so that a FIFO is refused at once and not waited for. */
static int open_path(const char *path, debrief_error *err) {
  struct stat st;
  const char *shown = dbf_directory_shown(path);
  int fd = dbf_io_above(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd < 0 && errno == ENOENT) dbf_fail(err, DEBRIEF_ENOENT, "there is no file %s", shown);
  else if (fd < 0 && errno == ENXIO) dbf_fail(err, DEBRIEF_EUNSAFE, "%s is not a regular file", shown);
  else if (fd < 0) dbf_fail_errno(err, "cannot open %s", shown);
  else if (fstat(fd, &st) != 0) dbf_fail_errno(err, "cannot look at %s", shown);
  else if (!S_ISREG(st.st_mode)) dbf_fail(err, DEBRIEF_EUNSAFE, "%s is not a regular file", shown);
  else return fd;
  if (fd >= 0) close(fd);
  return -1;
}

debrief_reader *debrief_log_read_path(const char *path, const debrief_read_config *config,
                                      debrief_error *err) {
  dbf_read_options options;
  if (!path) {
    dbf_fail(err, DEBRIEF_EARG, "no file was given (path is NULL)");
    return NULL;
  }
  if (!reading_options(config, &options, err)) return NULL;
  int fd = open_path(path, err);
  return fd < 0 ? NULL : dbf_reader_open(fd, path, &options, err);
}

bool debrief_log_sessions(debrief_log *log, bool (*each)(void *user, const char *id), void *user,
                          debrief_error *err) {
  if (!check_log(log, err) || !bring(log, true, false, err)) return false;
  if (!each) return dbf_fail(err, DEBRIEF_EARG, "no function was given (each is NULL)");
  return dbf_directory_list(&log->folder.dir, each, user, err);
}

const char *debrief_version(void) {
  return "0.1.0";
}
