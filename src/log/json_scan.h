/* json_scan.h: strict RFC 8259 in one pass over a text, building nothing.
 *
 *     {"skill":"review","attempts":[{"verified":true}]}\n
 *      ^key     ^value                                  ^end: a byte < 0x20, then DBF_PADDING readable bytes
 *
 * The scanner validates and says where things are; numbers and strings are decoded only on request
 * (dbf_json_decode_*). Nesting is followed with a bit stack, never with the C stack. What it does not check is
 * UTF-8 inside strings: that is one sweep over the whole line (the kernel's utf8_valid), because a line with bad UTF-8 is
 * still an entry. The inner loops exist once per instruction set ("kernels": avx512, avx2, sse2, neon, scalar),
 * chosen at run time. */
#ifndef DBF_JSON_SCAN_H
#define DBF_JSON_SCAN_H

#include "bytes.h"

#include <stdint.h>

#define DBF_JSON_DEPTH 1024 /* levels of nesting: design limit for reading and writing alike */

typedef enum dbf_json_type {
  DBF_JSON_NONE = 0,
  DBF_JSON_NULL,
  DBF_JSON_FALSE,
  DBF_JSON_TRUE,
  DBF_JSON_INTEGER, /* a number without fraction and exponent */
  DBF_JSON_NUMBER,  /* any other number */
  DBF_JSON_STRING,
  DBF_JSON_ARRAY,
  DBF_JSON_OBJECT
} dbf_json_type;

/* A value in a text, by pointers into it. A string's range includes its quotes. */
typedef struct dbf_json_value {
  const char *start;
  const char *end;
  uint8_t type; /* dbf_json_type */
  bool escaped; /* a string with at least one backslash */
} dbf_json_value;

typedef struct dbf_json_fault {
  const char *what; /* "expected ':'", a static string; NULL: no fault */
  const char *at;   /* the byte at fault */
  bool too_deep;
} dbf_json_fault;

struct dbf_entry;

typedef struct dbf_json_kernel {
  const char *name;
  /* All take `p` at the first byte of the thing and `end`, where a byte < 0x20 stands; they return the byte
   * after it, or NULL with *fault filled. */
  const char *(*scan_string)(const char *p, const char *end, bool *escaped, dbf_json_fault *fault);
  /* Any value; containers are followed down to their end. `depth` is how many levels are open around it. */
  const char *(*scan_value)(const char *p, const char *end, unsigned depth, dbf_json_value *value,
                            dbf_json_fault *fault);
  /* dbf_entry_scan (entry.h). */
  int (*scan_entry)(struct dbf_entry *entry, const char *text, size_t len, bool foreign,
                    dbf_json_fault *fault);
  bool (*utf8_valid)(const char *p, size_t len);
} dbf_json_kernel;

/* The first byte from p on that is not JSON's white space, or end. */
static inline const char *dbf_json_skip_space(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
  return p;
}

/* The best kernel of this machine. */
const dbf_json_kernel *dbf_json_kernel_best(void);

/* All kernels this machine can run, for tests; NULL past the last. */
const dbf_json_kernel *dbf_json_kernel_at(size_t index);

/* Is `text` one JSON text (white space around it allowed) in valid UTF-8? `text` needs the terminator and
 * padding described above. */
bool dbf_json_valid(const dbf_json_kernel *kernel, const char *text, size_t len, dbf_json_fault *fault);

/* ---- Walking what was already validated: no checks, no kernel, no reading past `end` ------------------------- */

/* The first member or element of the container that starts at `p`, or NULL when it is empty. */
const char *dbf_json_enter(const char *p, const char *end);

/* The value at `p`. Returns the byte after it. */
const char *dbf_json_skip(const char *p, const char *end, dbf_json_value *value);

/* One member: key and value; returns the start of the next one, or NULL after the last. */
const char *dbf_json_member(const char *p, const char *end, dbf_json_value *key, dbf_json_value *value);

/* One element; returns the start of the next one, or NULL after the last. */
const char *dbf_json_element(const char *p, const char *end, dbf_json_value *value);

/* Is the JSON string `key` (with its quotes) equal to these decoded bytes? */
bool dbf_json_string_is(const dbf_json_value *key, const char *bytes, size_t len);

/* The member `name` of the object at `object`; false if there is no such member. The last duplicate counts. */
bool dbf_json_find(const dbf_json_value *object, const char *name, size_t len, dbf_json_value *value);

/* ---- Decoding -------------------------------------------------------------------------------------------- */

/* Append the decoded bytes of a JSON string. Lone surrogates and bad UTF-8 become U+FFFD. */
void dbf_json_decode_string(const dbf_json_value *string, dbf_bytes *out);

/* An INTEGER that fits in int64 ("-0" counts as not fitting: it is a float). */
bool dbf_json_decode_integer(const dbf_json_value *number, int64_t *value);

/* Any number, correctly rounded, whatever the locale says. Too large becomes +-HUGE_VAL. */
double dbf_json_decode_number(const dbf_json_value *number);

#endif
