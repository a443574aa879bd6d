/* window.h: a file seen through a sliding window, line by line.
 *
 *     file  |==========|line\n|line\n|li..........
 *     bytes            |line\n|line\n|li   |        base: where bytes begin in the file
 *                       ^start       ^start + searched: no newline up to here
 *
 * The window grows to the longest line and no further than the line limit; a longer line is passed over in
 * constant memory. Files are read with pread and never mapped: others may cut them short at any time. */
#ifndef DBF_WINDOW_H
#define DBF_WINDOW_H

#include "bytes.h"
#include "log.h"

typedef struct dbf_window {
  int fd; /* not owned; -1: an empty file */
  const char *path;
  dbf_bytes bytes;
  uint64_t base;
  size_t start, line_len; /* the current line in bytes */
  size_t taken;           /* of bytes, from start on, what was given: the next line begins behind it */
  size_t searched;
  uint64_t end; /* read no further than this; 0: to the end of the file */
  size_t step, limit;
  bool at_end; /* the last read found nothing more */
} dbf_window;

/* A line: `text` is followed by '\n' or 0 and padding, and is valid until the next call. */
typedef struct dbf_window_line {
  const char *text;
  size_t len;      /* without the newline; of an oversize line: what of its beginning is in `text` */
  uint64_t offset; /* in the file */
  uint64_t whole;  /* length of the whole line in bytes */
  bool terminated; /* a newline follows */
  bool oversize;
} dbf_window_line;

typedef enum dbf_window_status { DBF_WINDOW_ERROR = -1, DBF_WINDOW_END, DBF_WINDOW_LINE } dbf_window_status;

void dbf_window_init(dbf_window *window, int fd, const char *path, uint64_t begin, uint64_t end, size_t step,
                     size_t limit);
void dbf_window_release(dbf_window *window);

/* Show these bytes, which stand at `offset` of the file, and then the end: for a window without a file. *bytes gets the
 * memory of what was shown before. */
void dbf_window_feed(dbf_window *window, dbf_bytes *bytes, uint64_t offset);

/* The next line. Errors: EIO, EMEMORY. */
dbf_window_status dbf_window_next(dbf_window *window, dbf_window_line *line, debrief_error *err);

/* The current line was unterminated: look whether the file has grown. LINE: it has, and *line is the line as it is
 * now; END: it has not. */
dbf_window_status dbf_window_again(dbf_window *window, dbf_window_line *line, debrief_error *err);

/* Does the line behind the current one, or behind it and an empty one (append.c writes a record that it found glued again,
 * behind a newline), consist of exactly these bytes of the current line (from `from` on, `len` of
 * them)? Moves the window: *line is refreshed. */
dbf_window_status dbf_window_repeats(dbf_window *window, dbf_window_line *line, size_t from, size_t len,
                                     bool *same, debrief_error *err);

#endif
