/* salvage.h: what can be had of a damaged line. It never invents: what comes out was written as it is.
 *
 *     {whole}{whole}\n          glued     each
 *     {"session_{whole}\n       spliced   the last, when it can only be a record of this session
 *     \0\0\0\0{whole}\n         nul_run   the same
 *     {whole}{"session_\n                 what is whole at the line's start, by the same test */
#ifndef DBF_SALVAGE_H
#define DBF_SALVAGE_H

#include "entry.h"

/* What a record must look like to be believed on a line that is damaged. */
typedef struct dbf_salvage_rule {
  bool foreign;
  const char
      *prefix; /* its first bytes: {"session_id": or, in a foreign log, the first key of the lines before */
  size_t prefix_len;
  const char *session; /* the id it must name; NULL: any (foreign) */
} dbf_salvage_rule;

/* |whole whole ... | broken ............ | last |    by offsets from the line's start; parts may be empty */
typedef struct dbf_salvage {
  size_t broken;  /* where the whole records at the start end */
  size_t last;    /* where the whole record that ends the line begins; the line's length when there is none */
  size_t records; /* whole values at the start (some may not be entries) */
  bool nuls;      /* NUL bytes were met outside of whole records */
  dbf_json_fault fault; /* of the first byte that is not part of a whole record */
} dbf_salvage;

/* Look at a line that is not just one value. Linear in its length. False: out of memory. */
bool dbf_salvage_line(dbf_entry *scratch, const char *text, size_t len, const dbf_salvage_rule *rule,
                      dbf_salvage *result);

/* Does the record that was scanned into `entry` satisfy the rule? */
bool dbf_salvage_believes(const dbf_salvage_rule *rule, const dbf_entry *entry);

/* The first byte at or behind `p` that is neither white space nor NUL; *nuls is set when a NUL was met. */
const char *dbf_salvage_skip(const char *p, const char *end, bool *nuls);

#endif
