#include "cat.h"
#include "error.h"
#include "io.h"
#include "json_write.h"
#include "log_internal.h"
#include "read.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  FLUSH = 256 * 1024,
  AHEAD = 4 * 1024 * 1024,
  MOST = 32, /* items of one run */
  RUNS = 16  /* per thread, so that all end at about the same time */
};

/* A diagnostic that waits for its item's turn. */
typedef struct note {
  const dbf_cat_item *item;
  debrief_diagnostic diagnostic; /* message and path point to nothing here */
  char message[160];
} note;

typedef struct copy {
  debrief_log *log;
  dbf_cat_item *items;
  size_t count;
  const dbf_cat_options *options;
  pthread_mutex_t mutex;
  pthread_cond_t turned;
  size_t run;        /* items that a thread takes at once */
  size_t next, turn; /* the next item to take; the one with which the run begins whose lines may be written */
  unsigned threads;  /* that began */
  bool stop;
  int write_error;
} copy;

/* A run of items under way. */
typedef struct task {
  copy *all;
  size_t first, count;
  unsigned thread;
  dbf_cat_item *item;     /* of these */
  dbf_bytes *out, *notes; /* the thread's buffers */
  bool my_turn;
} task;

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

/* Wait until the items before are written; false: stop. */
static bool wait_turn(task *t) {
  copy *c = t->all;
  pthread_mutex_lock(&c->mutex);
  while (c->turn != t->first && !c->stop) pthread_cond_wait(&c->turned, &c->mutex);
  t->my_turn = !c->stop;
  pthread_mutex_unlock(&c->mutex);
  return t->my_turn;
}

/* Also after a failure: the items that come after must not wait for ever. */
static void end_turn(task *t, bool stop, int write_error) {
  copy *c = t->all;
  pthread_mutex_lock(&c->mutex);
  assert(c->stop || c->turn == t->first); /* nobody ends the turn of another */
  c->turn = t->first + t->count;
  if (stop) c->stop = true;
  if (write_error) c->write_error = write_error;
  pthread_cond_broadcast(&c->turned);
  pthread_mutex_unlock(&c->mutex);
}

static bool is_turn(task *t) {
  copy *c = t->all;
  pthread_mutex_lock(&c->mutex);
  t->my_turn = c->turn == t->first && !c->stop;
  pthread_mutex_unlock(&c->mutex);
  return t->my_turn;
}

/* ---- Diagnostics ------------------------------------------------------------------------------------------------- */

static void pass_on(const task *t, const dbf_cat_item *item, debrief_diagnostic d, const char *message) {
  const dbf_cat_options *o = t->all->options;
  d.message = message;
  d.path = item->path;
  if (o->on_diagnostic) o->on_diagnostic(o->user, item, &d);
}

static void give_notes(task *t) {
  for (size_t at = 0; at + sizeof(note) <= t->notes->len; at += sizeof(note)) {
    note n;
    memcpy(&n, t->notes->data + at, sizeof n);
    pass_on(t, n.item, n.diagnostic, n.message);
  }
  dbf_bytes_clear(t->notes);
}

/* Diagnostics wait for the turn of their item, too, or stderr would not have the order of the output. One that there is no
 * memory to keep is passed on directly when the turn has come. */
static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  task *t = user;
  note n = {.item = t->item, .diagnostic = *d};
  strncpy(n.message, d->message, sizeof n.message - 1);
  dbf_bytes_append(t->notes, &n, sizeof n);
  bool lost = t->notes->failed, full = lost || t->notes->len > AHEAD;
  if (!t->my_turn && (!full || !wait_turn(t))) return;
  give_notes(t);
  if (lost) pass_on(t, t->item, *d, d->message);
}

/* ---- Copying ----------------------------------------------------------------------------------------------------- */

/* Write what is buffered when it is our turn, or when there is so much that we must wait for it. */
static bool drain(task *t, bool all) {
  if (!all && t->out->len < FLUSH) return true;
  if (!t->my_turn && !is_turn(t) && (all || t->out->len >= AHEAD) && !wait_turn(t)) return false;
  if (!t->my_turn) return true;
  assert(t->all->turn == t->first);
  if (!dbf_io_write_all(t->all->options->fd, t->out->data, t->out->len)) {
    end_turn(t, true, errno);
    return false;
  }
  dbf_bytes_clear(t->out);
  return true;
}

/* A line too long to be buffered: what is buffered goes first, then the line as it lies in the reader. False: stop. */
static bool write_long(task *t, const dbf_entry *e) {
  if (!drain(t, true)) return false;
  t->item->entries++;
  int fd = t->all->options->fd;
  if (dbf_io_write_all(fd, e->text, e->len) && dbf_io_write_all(fd, "\n", 1)) return true;
  end_turn(t, true, errno);
  return false;
}

static bool append(task *t, const dbf_record *record) {
  const dbf_entry *e = record->entry;
  if (record->bad_utf8) dbf_json_compact(t->out, e->text, e->len, false);
  else dbf_bytes_append(t->out, e->text, e->len);
  dbf_bytes_append_char(t->out, '\n');
  t->item->entries++;
  return !t->out->failed;
}

static debrief_reader *open_item(task *t) {
  dbf_cat_item *item = t->item;
  debrief_read_config config = {.struct_size = sizeof config, .strict = t->all->options->strict};
  config.on_diagnostic = on_diagnostic;
  config.user = t;
  return item->id ? dbf_log_read_seen(t->all->log, item->id, &config, &item->err)
                  : debrief_log_read_path(item->path, &config, &item->err);
}

/* The next entry that the sieve keeps. */
static debrief_next next_kept(task *t, debrief_reader *reader, dbf_record *record) {
  const dbf_cat_options *o = t->all->options;
  debrief_next next;
  while ((next = dbf_reader_next(reader, record, &t->item->err)) == DEBRIEF_NEXT_ENTRY) {
    dbf_cat_verdict verdict = o->sieve ? o->sieve(o->user, t->thread, t->item, record) : DBF_CAT_KEEP;
    if (verdict == DBF_CAT_KEEP) break;
    if (verdict == DBF_CAT_LEAVE) continue;
    t->item->unsure = true;
    return DEBRIEF_NEXT_END;
  }
  return next;
}

/* Read the item into the buffer, and out of it; false: stop everything. */
static bool copy_lines(task *t, debrief_reader *reader) {
  dbf_record record;
  debrief_next next;
  while ((next = next_kept(t, reader, &record)) == DEBRIEF_NEXT_ENTRY) {
    if (record.entry->len > AHEAD && !record.bad_utf8) {
      if (!write_long(t, record.entry)) return false;
      continue;
    }
    if (!append(t, &record)) {
      t->item->failed = true;
      return dbf_fail_memory(&t->item->err), drain(t, true);
    }
    if (!drain(t, false)) return false;
  }
  t->item->failed = next == DEBRIEF_NEXT_ERROR;
  return true;
}

/* Is it the last item that is copied? */
static bool ends_all(const copy *c, const dbf_cat_item *item) {
  return item->unsure || (item->failed && c->options->strict);
}

static bool copy_run(task *t) {
  bool last = false;
  for (size_t i = 0; i < t->count && !last; i++) {
    t->item = &t->all->items[t->first + i];
    debrief_reader *reader = open_item(t);
    t->item->failed = !reader;
    bool go_on = !reader || copy_lines(t, reader);
    debrief_reader_close(reader);
    if (!go_on) return false;
    last = ends_all(t->all, t->item);
  }
  if (!drain(t, true)) return false;
  give_notes(t);
  end_turn(t, last, 0);
  return true;
}

/* The next run of items, into `t`; false: that was all. */
static bool take(copy *c, task *t) {
  pthread_mutex_lock(&c->mutex);
  bool got = !c->stop && c->next < c->count;
  size_t left = c->count - c->next;
  t->first = c->next;
  t->count = left < c->run ? left : c->run;
  if (got) c->next += t->count;
  pthread_mutex_unlock(&c->mutex);
  return got;
}

static void *work(void *argument) {
  copy *c = argument;
  dbf_bytes out, notes;
  pthread_mutex_lock(&c->mutex);
  unsigned thread = c->threads++;
  pthread_mutex_unlock(&c->mutex);
  task t = {.all = c, .thread = thread, .out = &out, .notes = &notes};
  dbf_bytes_init(&out);
  dbf_bytes_init(&notes);
  do {
    dbf_bytes_clear(&out);
    dbf_bytes_clear(&notes);
    t.my_turn = false;
  } while (take(c, &t) && copy_run(&t));
  dbf_bytes_release(&out);
  dbf_bytes_release(&notes);
  return NULL;
}

/* Threads have read ahead; of the items after the last one nothing was copied. */
static void forget_rest(const copy *c) {
  size_t i = 0;
  while (i < c->count && !ends_all(c, &c->items[i])) i++;
  for (i++; i < c->count; i++) {
    c->items[i].entries = 0;
    c->items[i].failed = c->items[i].unsure = false;
  }
}

bool dbf_cat(debrief_log *log, dbf_cat_item *items, size_t count, const dbf_cat_options *options) {
  copy c = {.log = log, .items = items, .count = count, .options = options};
  pthread_t threads[DBF_CAT_THREADS];
  unsigned wanted = options->threads < DBF_CAT_THREADS ? options->threads : DBF_CAT_THREADS, started = 0;
  size_t share = count / wanted / RUNS;
  c.run = share < 1 ? 1 : share < MOST ? share : MOST;
  pthread_mutex_init(&c.mutex, NULL);
  pthread_cond_init(&c.turned, NULL);
  while (started + 1 < wanted && started + 1 < count &&
         pthread_create(&threads[started], NULL, work, &c) == 0)
    started++;
  work(&c); /* this thread is one of them */
  for (unsigned i = 0; i < started; i++) pthread_join(threads[i], NULL);
  forget_rest(&c);
  pthread_cond_destroy(&c.turned);
  pthread_mutex_destroy(&c.mutex);
  errno = c.write_error;
  return c.write_error == 0;
}
