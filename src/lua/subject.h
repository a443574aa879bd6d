/* subject.h: what a user asks of an entry, computed without Lua: how it ended, its attempts, their time.
 *
 * The same answers as debrief.entry.outcome, .attempts, .virtual and .measures have in Lua; tests/spec/tally_spec.lua
 * compares both. What the file is unsure of is DBF_DOUBT: the caller leaves the entry to Lua. */
#ifndef DBF_SUBJECT_H
#define DBF_SUBJECT_H

#include "../log/entry.h"

#include <lua.h>

typedef enum dbf_value_kind {
  DBF_NOTHING, /* absent, or null */
  DBF_BOOLEAN,
  DBF_INTEGER,
  DBF_FLOAT,
  DBF_TEXT,
  DBF_CONTAINER, /* an object or an array */
  DBF_DOUBT
} dbf_value_kind;

/* A text is valid as long as the entry and the buffer it may have been decoded into. Two registers hold a value: functions
 * return it, which is a tenth faster for a table than a structure in memory. */
typedef struct dbf_value {
  union {
    int64_t integer;
    double number;
    const char *text;
    bool boolean;
  };
  uint32_t len; /* of a text: bytes, fewer than DBF_LINE_LIMIT in an entry */
  dbf_value_kind kind;
} dbf_value;

typedef enum dbf_ending { DBF_UNKNOWN, DBF_OK, DBF_FAIL, DBF_SKIP } dbf_ending;

enum { DBF_STATUS_WORDS = 40 };

/* What status words mean: debrief.entry.status_words. */
typedef struct dbf_status_words {
  size_t count;
  struct {
    const char *word;
    size_t len;
    dbf_ending ending;
  } list[DBF_STATUS_WORDS];
} dbf_status_words;

/* Read the table { word = "ok", "fail" or "skip" } that is the member `words` of the table at `index`, which keeps the
 * texts alive. False: there are too many. */
bool dbf_status_words_read(lua_State *L, int index, dbf_status_words *words);

/* An entry that questions are put to, with where it was read. */
typedef struct dbf_subject {
  const dbf_entry *entry;
  const dbf_status_words *words;
  uint64_t line;
  int64_t gap; /* ns, or DBF_NO_GAP */
  const char *session;
  size_t session_len;
} dbf_subject;

/* One of the things that an entry has several of: an attempt, or a call of a tool. */
typedef struct dbf_item {
  const dbf_attempt *attempt; /* NULL: `object` */
  dbf_json_value object;
} dbf_item;

static inline dbf_value dbf_value_nothing(void) {
  return (dbf_value){.kind = DBF_NOTHING};
}
static inline dbf_value dbf_value_boolean(bool b) {
  return (dbf_value){.kind = DBF_BOOLEAN, .boolean = b};
}
static inline dbf_value dbf_value_integer(int64_t i) {
  return (dbf_value){.kind = DBF_INTEGER, .integer = i};
}

static inline dbf_value dbf_value_text(const char *text, size_t len) {
  return (dbf_value){.kind = DBF_TEXT, .text = text, .len = (uint32_t)len};
}

/* Is it neither nothing nor false? */
static inline bool dbf_value_holds(const dbf_value *v) {
  return v->kind != DBF_NOTHING && (v->kind != DBF_BOOLEAN || v->boolean);
}

/* A JSON value; an escaped string is decoded into `room`, which holds one text at a time. */
dbf_value dbf_value_of(const dbf_json_value *json, dbf_bytes *room);

/* The order of numbers as in Lua, exact for integers beside floats: below 0, 0, above 0. Both are numbers. */
int dbf_value_compare(const dbf_value *a, const dbf_value *b);

/* The member of an entry that is not one of the known ones; false if it is absent or null. */
bool dbf_subject_member(const dbf_entry *e, const char *name, size_t len, dbf_json_value *value);

/* The member of an attempt; false if it is absent or null. `known`: its number, or -1. */
bool dbf_subject_in_attempt(const dbf_entry *e, const dbf_attempt *a, int known, const char *name, size_t len,
                            dbf_json_value *value);

/* The attempt after `a` (NULL: the first) that is not null; NULL: that was the last. */
const dbf_attempt *dbf_subject_next_attempt(const dbf_entry *e, const dbf_attempt *a);

/* "ok", "fail", "skip" or "unknown" (debrief.entry.outcome). */
dbf_value dbf_subject_outcome(const dbf_subject *s);

/* true, false or nothing (debrief.entry.passed). */
dbf_value dbf_subject_passed(const dbf_subject *s);

dbf_value dbf_subject_first_try(const dbf_entry *e);
int64_t dbf_subject_attempt_count(const dbf_entry *e);
dbf_value dbf_subject_attempt_ms(const dbf_entry *e, const dbf_attempt *a);
dbf_value dbf_subject_lost_ms(const dbf_entry *e);
dbf_value dbf_subject_cost(const dbf_entry *e);
dbf_value dbf_subject_tokens(const dbf_entry *e);

/* When it ended, ns since 1970; false if it does not say. */
bool dbf_subject_time(const dbf_entry *e, int64_t *ns);

/* The member of its `source`, if that is a text that is not empty: an agent_id, a plugin. */
dbf_value dbf_subject_source(const dbf_entry *e, const char *name, dbf_bytes *room);

/* What debrief.entry.skill counts by. A key that names a plugin is built in `room`; `piece` is memory to use. */
dbf_value dbf_subject_skill(const dbf_entry *e, dbf_bytes *room, dbf_bytes *piece);

#endif
