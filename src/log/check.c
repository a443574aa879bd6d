/* check.c: a reader that returns nothing and counts everything. */
#include "error.h"
#include "log_internal.h"
#include "read.h"
#include "struct_size.h"

/* A caller's callback after ours. */
typedef struct tally {
  debrief_read_config config;
  debrief_check check;
  uint64_t damaged_line; /* the last one that was counted */
} tally;

static void count(void *user, const debrief_diagnostic *d) {
  tally *t = user;
  t->check.found[d->kind]++;
  if (debrief_kind_is_damage(d->kind) && d->line != t->damaged_line) {
    t->check.damaged++;
    t->damaged_line = d->line;
  }
  if (t->config.on_diagnostic) t->config.on_diagnostic(t->config.user, d);
}

/* Sort out what was given, and how the reader is opened. */
static bool begin(tally *t, debrief_read_config *reading, const debrief_read_config *config,
                  const debrief_check *check, debrief_error *err) {
  debrief_check given;
  *t = (tally){.check = {.struct_size = sizeof t->check}};
  if (!check) return dbf_fail(err, DEBRIEF_EARG, "nothing to fill in was given (check is NULL)");
  if (!dbf_struct_size_take(&given, sizeof given, check, "debrief_check", err)) return false;
  if (config && !dbf_struct_size_take(&t->config, sizeof t->config, config, "debrief_read_config", err))
    return false;
  *reading = (debrief_read_config){
      .struct_size = sizeof *reading, .foreign = t->config.foreign, .on_diagnostic = count, .user = t};
  return true;
}

static bool run(debrief_reader *reader, tally *t, debrief_check *check, debrief_error *err) {
  dbf_record record;
  debrief_next next;
  if (!reader) return dbf_struct_size_give(check, &t->check, sizeof t->check), false;
  while ((next = dbf_reader_next(reader, &record, err)) == DEBRIEF_NEXT_ENTRY) continue;
  dbf_read_counts counts = dbf_reader_counts(reader);
  debrief_reader_close(reader);
  t->check.bytes = counts.bytes;
  t->check.lines = counts.lines;
  t->check.blank = counts.blank;
  t->check.entries = counts.entries;
  dbf_struct_size_give(check, &t->check, sizeof t->check);
  return next == DEBRIEF_NEXT_END;
}

bool debrief_log_check(debrief_log *log, const char *id, const debrief_read_config *config,
                       debrief_check *check, debrief_error *err) {
  tally t;
  debrief_read_config reading;
  return begin(&t, &reading, config, check, err) &&
         run(debrief_log_read(log, id, &reading, err), &t, check, err);
}

bool dbf_log_check_seen(debrief_log *log, const char *id, const debrief_read_config *config,
                        debrief_check *check, debrief_error *err) {
  tally t;
  debrief_read_config reading;
  return begin(&t, &reading, config, check, err) &&
         run(dbf_log_read_seen(log, id, &reading, err), &t, check, err);
}

bool debrief_log_check_path(const char *path, const debrief_read_config *config, debrief_check *check,
                            debrief_error *err) {
  tally t;
  debrief_read_config reading;
  return begin(&t, &reading, config, check, err) &&
         run(debrief_log_read_path(path, &reading, err), &t, check, err);
}
