#include "dissection.h"

#include "io.h"
#include "salvage.h"

enum { LISTED = 10000 }; /* as log.h says */

/* Nothing but white space from `next` to `to`? What cannot be read is taken for something. */
static bool is_blank(const dbf_dissection *d, uint64_t to) {
  char piece[4096];
  for (uint64_t at = d->next; at < to;) {
    size_t want = to - at < sizeof piece ? (size_t)(to - at) : sizeof piece;
    bool nuls = false;
    ssize_t n = dbf_io_read_at(d->file, piece, want, at);
    if (n <= 0 || dbf_salvage_skip(piece, piece + n, &nuls) != piece + n || nuls) return false;
    at += (uint64_t)n;
  }
  return true;
}

/* Of a damaged line, what lies between the records that were saved from it is what is lost. White space is no loss. */
static void leave_out(dbf_dissection *d, uint64_t to) {
  if (is_blank(d, to)) return;
  debrief_left_out item = {d->kind, d->line, d->next, to - d->next};
  if (d->total++ < LISTED) dbf_bytes_append(&d->list, &item, sizeof item);
}

void dbf_dissection_end(dbf_dissection *d) {
  if (d->line) leave_out(d, d->end);
  d->line = 0;
}

void dbf_dissection_damage(void *user, const debrief_diagnostic *damage) {
  dbf_dissection *d = user;
  if (!debrief_kind_is_damage(damage->kind)) return;
  if (d->line != damage->line) {
    dbf_dissection_end(d);
    d->line = damage->line;
    d->next = damage->offset;
    d->end = damage->offset + damage->length;
  }
  d->kind = damage->kind;
}

void dbf_dissection_entry(dbf_dissection *d, const dbf_record *record) {
  if (d->line != record->line) return;
  leave_out(d, record->at);
  d->next = record->at + record->entry->len;
}
