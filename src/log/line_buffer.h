/* line_buffer.h: a file seen through a sliding window, line by line.
 *
 *     file  |==========|line\n|line\n|li..........
 *     bytes            |line\n|line\n|li   |        base: where bytes begin in the file
 *                       ^start       ^start + searched: no newline up to here
 *
 * The window grows to the longest line and no further than the line limit; a longer line is passed over in
 * constant memory. Files are read with pread and never mapped: others may cut them short at any time. */
#ifndef DBF_LINE_BUFFER_H
#define DBF_LINE_BUFFER_H

#include "bytes.h"
#include "io.h"
#include <debrief/log.h>

typedef struct dbf_line_buffer {
  dbf_extent file; /* not owned */
  const char *path;
  dbf_bytes bytes;
  uint64_t first; /* where the part of the file that is read begins */
  uint64_t base;
  size_t start, line_len; /* the current line in bytes */
  size_t taken;           /* of bytes, from start on, what was given: the next line begins after it */
  size_t searched;
  uint64_t end; /* read no further than this; 0: to the end of the file */
  size_t step, limit;
  bool is_short; /* the last read came to the end of the file */
  bool at_end;   /* and found nothing more */
  bool is_open;  /* the line handed out last has no newline yet */
} dbf_line_buffer;

/* A line: `text` is followed by '\n' or 0 and padding, and is valid until the next call. */
typedef struct dbf_line_buffer_line {
  const char *text;
  size_t len;      /* without the newline; of an oversize line: what of its beginning is in `text` */
  uint64_t offset; /* in the file */
  uint64_t whole;  /* length of the whole line in bytes */
  bool terminated; /* a newline follows */
  bool oversize;
} dbf_line_buffer_line;

typedef enum dbf_line_buffer_status {
  DBF_LINE_BUFFER_ERROR = -1,
  DBF_LINE_BUFFER_END,
  DBF_LINE_BUFFER_LINE
} dbf_line_buffer_status;

void dbf_line_buffer_init(dbf_line_buffer *window, int fd, const char *path, uint64_t begin, uint64_t end,
                          size_t step, size_t limit);
/* Take these bytes of the file for the file. Before the first line. */
void dbf_line_buffer_within(dbf_line_buffer *window, uint64_t origin, uint64_t size);

void dbf_line_buffer_release(dbf_line_buffer *window);

/* Show these bytes, which stand at `offset` of the file, and then the end: for a window without a file. *bytes gets the
 * memory of what was shown before. */
void dbf_line_buffer_feed(dbf_line_buffer *window, dbf_bytes *bytes, uint64_t offset);

/* The next line; after the end, too, when the file has grown. Errors: EIO, EMEMORY. */
dbf_line_buffer_status dbf_line_buffer_next(dbf_line_buffer *window, dbf_line_buffer_line *line,
                                            debrief_error *err);

/* The current line was unterminated: look whether the file has grown. LINE: it has, and *line is the line as it is
 * now; END: it has not. */
dbf_line_buffer_status dbf_line_buffer_again(dbf_line_buffer *window, dbf_line_buffer_line *line,
                                             debrief_error *err);

/* Does the line after the current one, or after it and an empty one (append.c writes a record that it found glued again,
 * after a newline), consist of exactly these bytes of the current line (from `from` on, `len` of
 * them)? Moves the window: *line is refreshed. */
dbf_line_buffer_status dbf_line_buffer_repeats(dbf_line_buffer *window, dbf_line_buffer_line *line,
                                               size_t from, size_t len, bool *same, debrief_error *err);

/* Where the line begins whose newline stands right before `end`. Looks at the file, and leaves the window as it is. */
bool dbf_line_buffer_before(const dbf_line_buffer *window, uint64_t end, uint64_t *begin, debrief_error *err);

#endif
