/* tail.h: one file that grows, read up to its last newline. Knows nothing about names, folders or waiting.
 *
 *     |line\n|line\n|line\n|line\n|li
 *     ^head         ^mark  ^offset   ^searched: no newline between offset and here
 *                          up to here everything was handed out
 *
 * What was read is believed only if, after it was read, the file still holds at `mark` the line that was read last. So a
 * file that was emptied and filled again is noticed even when it is longer than before, and the trail of the lines that
 * were read says how far it is still the same. What is after the last newline
 * is still being written and is not looked at. */
#ifndef DBF_TAIL_H
#define DBF_TAIL_H

#include "lineset.h"
#include "read.h"
#include "trail.h"

typedef struct dbf_tail_options {
  bool strict;
  size_t block;      /* bytes to read at once; 0: 256 KiB. Tests use a few bytes */
  size_t line_limit; /* 0: DBF_LINE_LIMIT */
  void (*on_diagnostic)(void *user, const debrief_diagnostic *diagnostic);
  void *user;
} dbf_tail_options;

/* Bytes that must still be there: the first and the last few KiB of [begin, end). */
typedef struct dbf_tail_print {
  uint64_t begin, end, hash;
} dbf_tail_print;

typedef struct dbf_tail {
  int fd; /* -1: parked */
  uint64_t device, inode;
  const char *path; /* the caller's, for diagnostics */
  dbf_tail_options options;
  uint64_t offset, searched;
  uint64_t lines; /* before offset */
  bool lines_known;
  dbf_tail_print head, mark;
  dbf_trail trail;     /* the lines that were read */
  dbf_tail_print base; /* what stands before them */
  uint64_t base_lines; /* lines there */
  bool base_known;
  dbf_bytes text; /* what was read last, swapped with the reader's */
  debrief_reader *reader;
  dbf_lineset given;     /* entries of the file that had this one's name before, which are not given again */
  uint64_t given_before; /* how many there were */
  bool replacing;        /* `given` is still looked at */
} dbf_tail;

/* The tail of `fd`, from the file's beginning. It owns fd from here on, also on failure; `path` and `session` must stay
 * valid. NULL: EIO, EMEMORY. */
dbf_tail *dbf_tail_new(int fd, const char *path, const char *session, const dbf_tail_options *options,
                       debrief_error *err);
void dbf_tail_free(dbf_tail *tail);

/* Close the file until dbf_tail_resume brings another descriptor of it. If that is of another file, the next look shows it
 * by the mark. */
void dbf_tail_park(dbf_tail *tail);
void dbf_tail_resume(dbf_tail *tail, int fd, uint64_t device, uint64_t inode);

/* Go after the last newline there is. */
bool dbf_tail_to_end(dbf_tail *tail, debrief_error *err);

/* The file replaces `former`, which is not read any further: what that returned, and what it had to skip, is
 * not returned again. */
bool dbf_tail_replaces(dbf_tail *tail, dbf_tail *former, debrief_error *err);

typedef enum dbf_tail_status { DBF_TAIL_ERROR = -1, DBF_TAIL_NOTHING, DBF_TAIL_LINES } dbf_tail_status;

/* Are there lines to hand out? LINES: dbf_tail_next has them. */
dbf_tail_status dbf_tail_look(dbf_tail *tail, debrief_error *err);

/* The same for what is after the last newline, when nobody will write there any more. `whole`: only when it is a whole
 * entry. */
dbf_tail_status dbf_tail_look_past(dbf_tail *tail, bool whole, debrief_error *err);

/* The next entry of what was found. END: look again. */
debrief_next dbf_tail_next(dbf_tail *tail, dbf_record *record, debrief_error *err);

/* Is some writer holding the lock of the file? */
bool dbf_tail_is_locked(const dbf_tail *tail);

#endif
