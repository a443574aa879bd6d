/* dissection.h: what of a session's damaged lines is part of no entry.
 *
 *     |entry|entry| left out |entry| left out|
 *      ^begin of the line     ^next           ^end
 *
 * A reader reports to it: damage, then the entries of that line. */
#ifndef DBF_DISSECTION_H
#define DBF_DISSECTION_H

#include "read.h"

/* Zeroed at first, except `file`. */
typedef struct dbf_dissection {
  int file;           /* to look whether what lies between entries is only white space */
  uint64_t line;      /* the damaged line being taken apart, 0: none */
  debrief_kind kind;  /* of its damage, as it was reported last */
  uint64_t next, end; /* offsets in the file */
  dbf_bytes list;     /* of debrief_left_out, the first 10,000 */
  uint64_t total;     /* of all there are */
} dbf_dissection;

/* A reader's on_diagnostic, `user` being the dissection. A line may be reported twice: glued, and then what one of its
 * records is. */
void dbf_dissection_damage(void *user, const debrief_diagnostic *damage);

/* The reader returned an entry. */
void dbf_dissection_entry(dbf_dissection *dissection, const dbf_record *record);

/* The reader is at its end. */
void dbf_dissection_end(dbf_dissection *dissection);

#endif
