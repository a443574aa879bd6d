/* replace.h: markers in place of stretches of a text.
 *
 *     text   a ghp_… b password=hunter2         spans  |2..42 github|53..60 password|
 *     out    a [REDACTED:github] b password=[REDACTED:password]
 *     places   ^2                           ^41 */
#ifndef DBF_REPLACE_H
#define DBF_REPLACE_H

#include "find.h"
#include "../log/bytes.h"

enum { DBF_REPLACE_KINDS = 512 };

typedef struct dbf_raw_span {
  size_t from, to;  /* of raw text; empty ones do not count */
  const char *kind; /* stays there */
  dbf_rank rank;
} dbf_raw_span;

typedef struct dbf_tally {
  const char *kind;
  size_t count;
} dbf_tally;

typedef struct dbf_replace {
  dbf_bytes spans;  /* of dbf_raw_span, in any order */
  dbf_bytes places; /* of size_t: where markers are in what was written last */
  dbf_tally tallies[DBF_REPLACE_KINDS];
  size_t tally_count; /* the caller sets it to 0 */
} dbf_replace;

void dbf_replace_init(dbf_replace *replace);
void dbf_replace_release(dbf_replace *replace);

/* Write the text to `out`, which is cleared, with a marker for each span, or for all those that overlap, and count them. Of
 * valid JSON only what is in strings is replaced. False: there was none. out->failed and replace->places.failed report
 * memory. */
bool dbf_replace_write(dbf_replace *replace, const char *text, size_t len, bool json, dbf_bytes *out);

#endif
