/* entry.h: what is an entry, where its members are, and how one is written.
 *
 *     {"session_id":"s1","skill":"review",...,"team":"x"}
 *      members[0]        members[1]           members[n-1]     known[DBF_SKILL] -> members[1]
 *
 * Reading and appending use the same scan, so append refuses exactly what the default reader would skip. */
#ifndef DBF_ENTRY_H
#define DBF_ENTRY_H

#include "json_scan.h"
#include "keyset.h"
#include <debrief/log.h>

#define DBF_LINE_LIMIT ((size_t)256 << 20) /* bytes of one line without its newline */

/* The known fields of an entry and of an attempt, in the order they are written. */
typedef enum dbf_known {
#define DBF_ENTRY_FIELD(id, ...) DBF_##id,
#include "entry_fields.def"
  DBF_KNOWN_COUNT
} dbf_known;

typedef enum dbf_known_attempt {
#define DBF_ATTEMPT_FIELD(id, ...) DBF_##id,
#include "entry_fields.def"
  DBF_KNOWN_ATTEMPT_COUNT
} dbf_known_attempt;

/* What the value of a known field must be, unless it is null. Named as in entry_fields.def. */
typedef enum dbf_kind {
  DBF_KIND_json, /* any value */
  DBF_KIND_string,
  DBF_KIND_integer, /* of 64 bits */
  DBF_KIND_boolean,
  DBF_KIND_time,    /* an RFC 3339 string */
  DBF_KIND_attempts /* an array of objects and nulls */
} dbf_kind;

typedef struct dbf_field {
  const char *name;
  dbf_kind kind;
  const char *complaint; /* what a value of another kind is reported with; NULL: none can be wrong */
} dbf_field;

/* By dbf_known and dbf_known_attempt; a name that is NULL follows the last. */
extern const dbf_field dbf_entry_fields[DBF_KNOWN_COUNT + 1];
extern const dbf_field dbf_attempt_fields[DBF_KNOWN_ATTEMPT_COUNT + 1];

/* "string" for DBF_KIND_string. */
const char *dbf_kind_name(dbf_kind kind);

/* Offsets into the entry's text, so that a copy of the text can use a copy of the members. */
typedef struct dbf_member {
  uint32_t key, key_end; /* with quotes */
  uint32_t value, value_end;
  uint8_t type; /* dbf_json_type of the value */
  bool key_escaped;
  bool value_escaped;
} dbf_member;

/* One element of attempts: where it stands, and its members in dbf_entry.nested. known: as in dbf_entry, counted from
 * `first`; one too far past it for a byte is DBF_FAR. */
typedef struct dbf_attempt {
  uint32_t start, end;
  uint32_t first, count;
  uint8_t known[8];
} dbf_attempt;

enum { DBF_FAR = 255 };

/* What json_marks.h found in a text. */
typedef struct dbf_marks {
  uint64_t *backslashes; /* owned; for each 64 bytes, one bit per byte */
  uint16_t *at; /* in the same block: offsets of the brackets, colons and commas outside of strings */
  size_t cap;   /* of `at` */
  uint32_t count;
  bool any_backslash;
} dbf_marks;

typedef struct dbf_entry {
  const char *text; /* where the '{' stands; not owned */
  size_t len;       /* of the object, its braces included */
  dbf_member *members;
  uint32_t count, cap;
  dbf_attempt *attempts; /* of the last attempts member, when it is an array; not in foreign logs */
  uint32_t attempt_count, attempt_cap;
  dbf_member *nested; /* the members of all attempts, one after the other */
  uint32_t nested_count, nested_cap;
  uint32_t known[DBF_KNOWN_COUNT]; /* index + 1 of the last member of that name, 0 for none */
  bool duplicate_key;              /* at the top level or inside an attempt */
  const char *misfit; /* the first value of a wrong type, also after a scan that failed; NULL: none */
  const dbf_json_kernel *kernel; /* what scans; dbf_entry_init takes the best one */
  dbf_marks marks;
  dbf_keyset names,
      attempt_names; /* unknown names of the entry and of the attempt being scanned: duplicates */
} dbf_entry;

typedef enum dbf_scan {
  DBF_SCAN_OK,
  DBF_SCAN_BAD_JSON,
  DBF_SCAN_BAD_ENTRY, /* one JSON value, but not an entry; entry->len is still set */
  DBF_SCAN_NO_MEMORY
} dbf_scan;

void dbf_entry_init(dbf_entry *entry);
void dbf_entry_release(dbf_entry *entry);

/* Scan the JSON value that starts at or after white space at text[0]; what follows it is not looked at
 * (entry->text + entry->len is where it ends). `foreign`: any object is an entry. Duplicate members are flagged,
 * not refused. `text` needs the terminator and padding of json_scan.h. */
dbf_scan dbf_entry_scan(dbf_entry *entry, const char *text, size_t len, bool foreign, dbf_json_fault *fault);

/* The last of `count` members of `text` that is called `name`; false if there is no such member. */
bool dbf_member_find(const char *text, const dbf_member *members, uint32_t count, const char *name,
                     size_t len, dbf_json_value *value);

/* Member `i` as pointers. */
dbf_json_value dbf_entry_value(const dbf_entry *entry, uint32_t i);

/* The known field's value; false when it is absent (null counts as a value). */
bool dbf_entry_known(const dbf_entry *entry, dbf_known field, dbf_json_value *value);

/* Does the entry's session_id say `id`? An absent or null one does. */
bool dbf_entry_names(const dbf_entry *entry, const char *id);

/* ---- Writing (entry_write.c) ------------------------------------------------------------------------------- */

/* Append the entry of a struct as one line of JSON without a newline: see debrief_log_append. `id` is the session
 * it goes to. */
bool dbf_entry_write(dbf_bytes *out, const char *id, const debrief_entry *entry, debrief_error *err);

/* Append the entry given as JSON text: checked by dbf_entry_scan (duplicates refused), compacted without HTML escaping,
 * a missing or null session_id and timestamp filled in (in front, in that order, when absent, but after a session_id
 * that stands first: salvage knows entries by it; in place when null); with `sparse` the timestamp is not filled in.
 * `scratch` is memory to use. */
bool dbf_entry_write_json(dbf_bytes *out, dbf_bytes *scratch, const char *id, const char *json, size_t len,
                          bool sparse, debrief_error *err);

/* The same for one of many: `entry` is memory to use, too, initialized before the first one, released after the last. */
bool dbf_entry_write_next(dbf_entry *entry, dbf_bytes *out, dbf_bytes *scratch, const char *id,
                          const char *json, size_t len, bool sparse, debrief_error *err);

#endif
