#include "append_new.h"
#include "error.h"
#include "io.h"
#include "log_internal.h"
#include "read.h"
#include "source_keys.h"

#include <stdlib.h>

void dbf_append_new_release(dbf_append_new *unique) {
  free(unique->newer);
  *unique = (dbf_append_new){0};
}

/* Every key of a session. The reader is closed. */
static bool read_keys(dbf_source_keys *keys, debrief_reader *reader, debrief_error *err) {
  dbf_record record;
  debrief_next next = DEBRIEF_NEXT_ERROR;
  bool there;
  while (!keys->failed && (next = dbf_reader_next(reader, &record, err)) == DEBRIEF_NEXT_ENTRY)
    dbf_source_keys_put(keys, record.entry, &there);
  debrief_reader_close(reader);
  if (keys->failed) return dbf_fail_memory(err);
  return next == DEBRIEF_NEXT_END;
}

static bool add_newer(dbf_append_new *unique, debrief_text line) {
  size_t n = unique->newer_count;
  if ((n & (n - 1)) == 0) { /* full at every power of two */
    debrief_text *grown = realloc(unique->newer, (n ? n * 2 : 1) * sizeof *grown);
    if (!grown) return false;
    unique->newer = grown;
  }
  unique->newer[unique->newer_count++] = line;
  return true;
}

/* Is the line's entry known? Then it leaves the list. */
static bool look_up(dbf_source_keys *keys, dbf_append_new *unique, const dbf_entry *entry,
                    debrief_text *line) {
  bool there, timed = false;
  int64_t ns = 0;
  dbf_source_key *key = dbf_source_keys_find(keys, entry, &ns, &timed);
  if (!key) return dbf_source_keys_put(keys, entry, &there) || !keys->failed;
  if (dbf_source_key_is_before(key, ns, timed)) {
    if (!add_newer(unique, *line)) return false;
    key->ns = ns;
  }
  unique->known++;
  *line = (debrief_text){NULL, 0};
  return true;
}

/* Take the known ones out of the list. */
static bool filter(dbf_source_keys *keys, dbf_append_new *unique, debrief_text *lines, size_t count,
                   debrief_error *err) {
  dbf_entry entry;
  dbf_bytes text;
  bool ok = true;
  dbf_entry_init(&entry);
  dbf_bytes_init(&text);
  for (size_t i = 0; ok && i < count; i++) {
    dbf_json_fault fault;
    dbf_bytes_clear(&text);
    dbf_bytes_append(&text, lines[i].data, lines[i].len);
    ok = dbf_bytes_terminate(&text);
    dbf_scan status = ok ? dbf_entry_scan(&entry, text.data, text.len, false, &fault) : DBF_SCAN_NO_MEMORY;
    ok = status == DBF_SCAN_OK ? look_up(keys, unique, &entry, &lines[i]) : status != DBF_SCAN_NO_MEMORY;
  }
  dbf_entry_release(&entry);
  dbf_bytes_release(&text);
  return ok || dbf_fail_memory(err);
}

/* A reader of the file that is to be appended to. */
static debrief_reader *open_reader(int fd, const char *path, debrief_error *err) {
  dbf_read_options options = {.holding_lock = true};
  int own = dbf_io_duplicate(fd);
  if (own >= 0) return dbf_reader_open(own, path, &options, err);
  dbf_fail_errno(err, "%s: cannot look for entries that are stored already", path);
  return NULL;
}

/* Both importers and hosts may write the same run at once: under the lock, the later one sees what the earlier one wrote. */
bool dbf_append_new_filter(void *user, int fd, const char *path, debrief_text *lines, size_t count,
                           debrief_error *err) {
  dbf_source_keys keys;
  debrief_reader *reader = open_reader(fd, path, err);
  if (!reader) return false;
  dbf_append_new_release(user); /* a store may call it again, when somebody else has appended meanwhile */
  dbf_source_keys_init(&keys);
  bool ok = read_keys(&keys, reader, err) && filter(&keys, user, lines, count, err);
  dbf_source_keys_release(&keys);
  return ok;
}

bool dbf_append_new_count(debrief_log *log, const char *id, debrief_text *lines, size_t count,
                          dbf_append_new *unique, debrief_error *err) {
  dbf_source_keys keys;
  debrief_reader *reader = dbf_log_read_seen(log, id, NULL, err);
  if (!reader && err->code != DEBRIEF_ENOENT) return false;
  dbf_source_keys_init(&keys);
  bool ok = (!reader || read_keys(&keys, reader, err)) && filter(&keys, unique, lines, count, err);
  dbf_source_keys_release(&keys);
  return ok;
}
