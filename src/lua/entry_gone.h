/* entry_gone.h: which values of an entry were replaced or removed by changes that wait.
 *
 *     |from, to|from, to| ... sorted |from, to| ... at most 63 that are not
 *
 * Values are removed from the last to the first as often as in order: what comes is sorted in by many at a time. */
#ifndef DBF_ENTRY_GONE_H
#define DBF_ENTRY_GONE_H

#include "../log/bytes.h"

#include <stdint.h>

enum { DBF_GONE_SIZE = 8 }; /* bytes that the next one takes */

/* The value from..to is gone, with all in it. There is room for it. */
void dbf_entry_gone_add(dbf_bytes *gone, uint32_t from, uint32_t to);

/* Is the value that begins at `from` gone? */
bool dbf_entry_gone_has(const dbf_bytes *gone, uint32_t from);

#endif
