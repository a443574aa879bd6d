/* salvage.h: what can be read from a damaged line. It never invents: what it returns was appended as it is.
 *
 *     {whole}{whole}\n               glued      each, whatever they are
 *     {"session_{whole}{whole}\n     spliced    what is not part of the cut record
 *     \0\0\0\0{whole}\0\0{whole}\n   nul_run    the same
 *     {whole}{"session_\n                       what is whole before it
 *     {whole}*{whole}\n                         both: one byte is damaged, such as a newline with a flipped bit
 *
 * In a damaged line, a record is believed if it names this session and nothing suggests that it is something else:
 *
 *   - its end. After it comes the line's end, a NUL byte, or the beginning of an entry of this session, with one damaged
 *     byte in front at most. Anything else could be the rest of a record of which a piece was lost: {"a":{"b":1}} is what
 *     {"a":{"b":1},"c":{"d":2}} looks like without its middle, and more braces follow the part that happens to be JSON.
 *   - its beginning. It is not a value inside the record before it. A cut {"session_id":"s1","input":[ followed by a
 *     whole record is the same bytes as a record that holds such an object, so that one is not believed; and if the
 *     bytes before it cannot be parsed, a record after ':', ',' or '[' is not believed.
 *
 * README.md says what this leaves out. */
#ifndef DBF_SALVAGE_H
#define DBF_SALVAGE_H

#include "entry.h"

/* What a record must look like to be believed on a line that is damaged. */
typedef struct dbf_salvage_rule {
  bool foreign;
  const char *begin;   /* {"session_id":"s1" or, in a foreign log, the first key of its neighbours */
  size_t begin_len;    /* 0: how records begin is unknown, and none is believed */
  const char *session; /* the id it must name; NULL: any (foreign) */
} dbf_salvage_rule;

/* Zeroed at first; the memory of `at` is used again for the next line. */
typedef struct dbf_salvage {
  bool whole;           /* the line is nothing but whole values, and each of them counts */
  size_t count;         /* else how many records are believed */
  dbf_bytes at;         /* where they begin: see dbf_salvage_at */
  size_t values;        /* whole values that were met */
  size_t broken;        /* the first byte that is part of none; the line's length when `whole` */
  bool spliced;         /* a believed record stands after it */
  bool nuls;            /* NUL bytes were met outside of whole records */
  dbf_json_fault fault; /* of the first byte that is not part of a whole value */
} dbf_salvage;

/* Look at a line that is not just one value. Linear in its length. False: out of memory. */
bool dbf_salvage_line(dbf_entry *scratch, const char *text, size_t len, const dbf_salvage_rule *rule,
                      dbf_salvage *result);

/* Where in the line the believed record `i` of found->count begins. */
size_t dbf_salvage_at(const dbf_salvage *found, size_t i);

/* The first byte at or after `p` that is neither white space nor NUL; *nuls is set when a NUL was met. */
const char *dbf_salvage_skip(const char *p, const char *end, bool *nuls);

#endif
