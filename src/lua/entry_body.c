#include "entry_body.h"

#include <assert.h>
#include <string.h>

body dbf_entry_body_of(const dbf_entry *entry, bool bad_utf8, bool foreign) {
  assert(entry->len <= DBF_LINE_LIMIT); /* offsets have 32 bits */
  body b = {.len = (uint32_t)entry->len,
            .count = entry->count,
            .attempts = entry->attempt_count,
            .nested = entry->nested_count,
            .bad_utf8 = bad_utf8,
            .foreign = foreign};
  memcpy(b.known, entry->known, sizeof b.known);
  return b;
}

static void copy(void *to, const void *from, size_t size) {
  if (size) memcpy(to, from, size);
}

void dbf_entry_body_fill_index(body *b, const dbf_entry *entry) {
  assert(b->len == entry->len && b->count == entry->count && b->nested == entry->nested_count);
  copy(members_of(b), entry->members, b->count * sizeof(dbf_member));
  copy(attempts_of(b), entry->attempts, b->attempts * sizeof(dbf_attempt));
  copy(nested_of(b), entry->nested, b->nested * sizeof(dbf_member));
  text_of(b)[entry->len] = '\0';
}

void dbf_entry_body_fill(body *b, const dbf_entry *entry) {
  dbf_entry_body_fill_index(b, entry);
  memcpy(text_of(b), entry->text, entry->len);
}
