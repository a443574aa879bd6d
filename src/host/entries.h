/* entries.h: queries that outlive a call.
 *
 *     worker state --- a batch: texts, places ---> debrief_entries --- one by one ---> the program */
#ifndef DBF_ENTRIES_H
#define DBF_ENTRIES_H

#include "host.h"

/* The host is being closed: its queries belong to nobody from here on. */
void dbf_entries_orphan(debrief *host);

#endif
