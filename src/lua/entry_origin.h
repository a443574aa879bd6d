/* entry_origin.h: where an entry was read, and how long nothing ran before it: from the end of the line before it to
 * its own start.
 *
 *     |--- run ---| t1      gap      |--- run ---| t2      `timestamp` is when a run ended; it began `wall_ms`, else
 *                    |<----------->|                       `duration_ms`, earlier
 *
 * The line before is that of the file, whatever a window or an expression leaves out. */
#ifndef DBF_ENTRY_ORIGIN_H
#define DBF_ENTRY_ORIGIN_H

#include "../log/entry.h"

#define DBF_NO_GAP INT64_MIN /* not known: the first line, or one of both has no time */

typedef struct dbf_entry_origin {
  uint32_t session; /* the number of its name (entry_place.h); 0: not known */
  uint64_t line;    /* 0: not known */
  int64_t gap;      /* ns, or DBF_NO_GAP */
} dbf_entry_origin;

#define DBF_NO_ORIGIN ((dbf_entry_origin){.gap = DBF_NO_GAP})

/* What is known of the file so far. */
typedef struct dbf_gap {
  bool wanted;
  bool known;     /* `before` is */
  int64_t before; /* when the line before ended, ns since 1970 */
} dbf_gap;

/* Take the next entry of the file. Returns the gap before it in ns, 0 if both ran at the same time; or DBF_NO_GAP. */
int64_t dbf_entry_origin_gap(dbf_gap *gap, const dbf_entry *entry);

#endif
