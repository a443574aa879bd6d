/* selection.h: which entries of a session a reader returns: those in a window of time, or on one line.
 *
 *     |entry|entry|entry|entry|entry|     in the order of the file, not of the timestamps
 *      since <= timestamp < until         an entry without a timestamp is in no window, and counted */
#ifndef DBF_SELECTION_H
#define DBF_SELECTION_H

#include "../log/read.h"

#include <lua.h>

typedef struct dbf_selection {
  bool timed;            /* a window is given */
  int64_t since, until;  /* ns since 1970, half-open; INT64_MAX: no end */
  uint64_t line;         /* the only line wanted; 0: any */
  uint64_t left_out;     /* entries outside of the window or on other lines, so far */
  uint64_t without_time; /* of these: those that a window could not judge */
} dbf_selection;

/* Read the table at `options`: since=, until= in ns, line=. Anything but a table asks for all. */
dbf_selection dbf_selection_of(lua_State *L, int options);

typedef enum dbf_verdict { DBF_SELECTION_IN, DBF_SELECTION_OUT, DBF_SELECTION_PAST } dbf_verdict;

/* Is the entry selected? DBF_SELECTION_PAST: neither it nor any after it. */
dbf_verdict dbf_selection_judge(dbf_selection *span, const dbf_record *record);

#endif
