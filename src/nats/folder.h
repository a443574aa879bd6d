/* folder.h: a temporary folder of this process, below $TMPDIR: made, and removed when the process ends, by a signal
 * too if its handler says so, or, if it was killed, by the next one that makes one. The struct must not move. */
#ifndef DBF_NATS_FOLDER_H
#define DBF_NATS_FOLDER_H

#include <debrief/log.h>

typedef struct dbf_nats_folder {
  char *path; /* NULL: not made */
  int fd;
  int lock; /* held as long as the process lives */
} dbf_nats_folder;

/* Make one, with mode 0700. Errors: EIO, EMEMORY. */
bool dbf_nats_folder_make(dbf_nats_folder *folder, debrief_error *err);

/* Remove all that there are, from a handler of a signal that ends the process. Async-signal-safe. */
void dbf_nats_folder_abandon(void);

/* Remove it and the files in it. `forked`: only forget it, for it is the parent's. */
void dbf_nats_folder_remove(dbf_nats_folder *folder, bool forked);

#endif
