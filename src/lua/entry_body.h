/* entry_body.h: how an entry lies in memory, as a userdata or beside one: what a scan found, copied into one block.
 *
 *     |body|members ...|attempts ...|nested ...|edits ...|text ...|
 *
 * For the files whose names begin with entry_ only. */
#ifndef DBF_ENTRY_BODY_H
#define DBF_ENTRY_BODY_H

#include "keys.h"

/* One replacement of bytes: `removed` bytes at `at` became `inserted`. */
typedef struct edit {
  uint32_t at, removed, inserted;
} edit;

typedef struct body {
  uint32_t len, count, attempts, nested, edits;
  uint32_t known[DBF_KNOWN_COUNT]; /* as in dbf_entry */
  bool bad_utf8, foreign;
} body;

/* New members on their way into an entry: their text, and their names as the keys of user value 1. User value 2 is what
 * user value 1 of the entry was, the body. Owns its bytes. */
typedef struct pending {
  dbf_bytes text; /* |"name":value|,"name":value| ... */
} pending;

/* An entry. `now` is `own` until the first assignment, then the body in user value 1. With `has_pending`, user value 1
 * is a `pending` that stands before the body. */
typedef struct entry_view {
  bool is_value; /* false. The first byte distinguishes both kinds */
  bool frozen;   /* read-only */
  bool has_pending;
  const dbf_keys *keys; /* of the state; its metatable keeps them */
  body *now;
  body own;
} entry_view;

static inline dbf_member *members_of(const body *b) {
  return (dbf_member *)(b + 1);
}
static inline dbf_attempt *attempts_of(const body *b) {
  return (dbf_attempt *)(members_of(b) + b->count);
}
static inline dbf_member *nested_of(const body *b) {
  return (dbf_member *)(attempts_of(b) + b->attempts);
}
static inline edit *edits_of(const body *b) {
  return (edit *)(nested_of(b) + b->nested);
}
static inline char *text_of(const body *b) {
  return (char *)(edits_of(b) + b->edits);
}

static inline size_t body_size(const body *b) {
  return sizeof *b + (b->count + b->nested) * sizeof(dbf_member) + b->attempts * sizeof(dbf_attempt) +
         b->edits * sizeof(edit) + b->len + 1;
}

/* The head of a body for what a scan found. */
body dbf_entry_body_of(const dbf_entry *entry, uint32_t edits, bool bad_utf8, bool foreign);

/* Fill in the part after the head of a body; the caller sets the edits. */
void dbf_entry_body_fill(body *b, const dbf_entry *entry);

/* The same but for the text, which the caller moves there. */
void dbf_entry_body_fill_index(body *b, const dbf_entry *entry);

#endif
