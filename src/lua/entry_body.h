/* entry_body.h: how an entry lies in memory, as a userdata or beside one: what a scan found, copied into one block.
 *
 *     |body|members ...|attempts ...|nested ...|text ...|          |edit|edit|edit ...|  of all bodies it had
 *
 * For the files whose names begin with entry_ only. */
#ifndef DBF_ENTRY_BODY_H
#define DBF_ENTRY_BODY_H

#include "entry_origin.h"
#include "keys.h"

/* One replacement of bytes: `removed` bytes at `at` became `inserted`. Those made at the same time stand together, in
 * the order of `at`, and `at` counts in the text before all of them. */
typedef struct edit {
  uint32_t at, removed, inserted;
  uint32_t shift; /* by how much the ones before it, made at the same time, moved its place; modulo 2^32 */
  uint32_t end;   /* number of the first edit made later */
} edit;

/* User value 1 of a body that was made by edits is a userdata that `log` lies in. */
typedef struct body {
  uint32_t len, count, attempts, nested;
  uint32_t edits;                  /* how many the entry had since it was made */
  const edit *log;                 /* these; NULL: none */
  uint32_t known[DBF_KNOWN_COUNT]; /* as in dbf_entry */
  bool bad_utf8, foreign;
} body;

/* An entry. `now` is `own` until the first assignment, then the body in user value 1. With `changes`, user value 1 is
 * they, which stand before the body (entry_changes.h). */
typedef struct entry_view {
  bool is_value;           /* false. The first byte distinguishes both kinds */
  bool frozen;             /* read-only */
  dbf_entry_origin origin; /* where it was read */
  const dbf_keys *keys;    /* of the state; its metatable keeps them */
  struct changes *changes; /* that wait; NULL: none */
  body *now;
  body own;
} entry_view;

/* An object or array inside an entry, which user value 1 keeps alive. from..to are right for `edits` edits. */
typedef struct value_view {
  bool is_value; /* true */
  uint8_t type;
  uint16_t level; /* how many containers it lies in: 1 for a member of the entry */
  entry_view *entry;
  uint32_t edits, from, to;
  uint32_t last_index, last_at; /* where array element `last_index` (from 1) begins; 0: not known */
  uint32_t next_at;             /* where the following one begins; 0: it is the last */
  uint32_t length;              /* number of elements + 1; 0: not known */
  bool is_attempts;             /* the array of attempts of an entry that was never assigned to, and then */
  uint32_t attempt; /* an element of it, from 1; 0: not one. Both are looked up, not searched for */
} value_view;

/* Either of them, as a range of bytes. */
typedef struct place {
  entry_view *entry;
  value_view *value; /* NULL: the entry itself */
  const char *text;  /* of the whole entry */
  dbf_json_value range;
  bool bad_utf8;
} place;

static inline dbf_member *members_of(const body *b) {
  return (dbf_member *)(b + 1);
}
static inline dbf_attempt *attempts_of(const body *b) {
  return (dbf_attempt *)(members_of(b) + b->count);
}
static inline dbf_member *nested_of(const body *b) {
  return (dbf_member *)(attempts_of(b) + b->attempts);
}
static inline char *text_of(const body *b) {
  return (char *)(nested_of(b) + b->nested);
}

static inline size_t body_size(const body *b) {
  return sizeof *b + (b->count + b->nested) * sizeof(dbf_member) + b->attempts * sizeof(dbf_attempt) +
         b->len + 1;
}

/* The head of a body for what a scan found, without edits. */
body dbf_entry_body_of(const dbf_entry *entry, bool bad_utf8, bool foreign);

/* Fill in the part after the head of a body. */
void dbf_entry_body_fill(body *b, const dbf_entry *entry);

/* The same but for the text, which the caller moves there. */
void dbf_entry_body_fill_index(body *b, const dbf_entry *entry);

#endif
