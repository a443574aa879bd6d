/* sending.h: bringing the lines of a session's file to another log, byte for byte, each once, from where an earlier try ended.
 *
 *     the file  |line\n|line\n|line\n|tor
 *               ^ what the target holds   ^ `rest`: no line yet, so it stays
 *                      ^ offset: goes on here
 *
 * A target holds a session's first lines or nothing of it, or it is another session and refused: so that no note is
 * needed to go on after a kill. Where others append to the same session (`origin`), a note is: the place in the file, and a
 * message of the stream up to which the target was looked through. It may be old, for messages carry where they are from. */
#ifndef DBF_SENDING_H
#define DBF_SENDING_H

#include <debrief/log.h>

typedef struct dbf_sending {
  const char *id;
  const char *path; /* of the file, for messages */
  int fd;           /* of the file */

  /* 32 or fewer letters and digits that name the file's log in the stream: the session may hold what others sent. NULL:
   * it must hold the file's beginning. */
  const char *origin;

  uint64_t offset;   /* so many bytes of the file are in the target; with `origin` as it was noted */
  uint64_t sequence; /* with `origin`: what is noted about the target, 0: nothing */
  uint64_t place;    /* so many bytes of the target were compared with the file */
  bool known;        /* what the target holds is known; false for the first step */

  /* Filled in by each step: lines that were brought over; the length of a line that was left out, because the target
   * takes none so long (0: none was), and where it begins; bytes after the last line's end; nothing is left but those. */
  uint64_t lines;
  uint64_t too_big;
  uint64_t too_big_at;
  uint64_t rest;
  bool done;
} dbf_sending;

/* Where the file's last line ends; *size is its length. */
bool dbf_sending_whole(const dbf_sending *sending, uint64_t *whole, uint64_t *size, debrief_error *err);

/* Refuse it: the target holds something else where the file has byte `at`. */
bool dbf_sending_refuse(const dbf_sending *sending, uint64_t at, debrief_error *err);

#endif
