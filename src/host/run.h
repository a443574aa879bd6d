/* run.h: runs that are recorded while they go on.
 *
 *     debrief_run --- a number ---> the runs of lua/debrief/capi.lua --- a file with a lock ---> whoever recovers it */
#ifndef DBF_HOST_RUN_H
#define DBF_HOST_RUN_H

#include "host.h"

/* The host is being closed: its runs belong to nobody from here on, and become aborted ones. */
void dbf_runs_orphan(debrief *host);

#endif
