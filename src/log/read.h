/* read.h: a session, or any JSONL file, line by line.
 *
 *     |........|line\n|line\n|li        window of a file, slides and grows to the longest line
 *              ^start        ^ what the next fill continues
 *
 * Lines end at \n and nowhere else. Nothing is ever changed in the file. Every byte of it belongs to an entry that
 * is returned, to a blank line, or to a diagnostic. */
#ifndef DBF_READ_H
#define DBF_READ_H

#include "entry.h"
#include "io.h"
#include <debrief/log.h>

typedef struct dbf_read_options {
  bool strict;
  bool foreign;
  const char *
      session; /* the id that salvaged entries must name; NULL: that of the lines before, at first the file's name */
  uint64_t begin,
      end; /* the part of the file to read, at line ends; end 0: to the end of the file as it grows */
  uint64_t origin, size; /* the bytes of `fd` that are the file; size 0: all of it */
  uint64_t first_line;   /* number of the line at `begin`; 0: 1 */
  bool holding_lock;     /* fd is the descriptor that holds the session's lock: leave the lock alone */
  bool alone;            /* what stands before `begin` is nothing to this reader */
  size_t line_limit;     /* 0: DBF_LINE_LIMIT */
  size_t window;         /* bytes to read at once; 0: 256 KiB. Tests use a few bytes */
  void (*on_diagnostic)(void *user, const debrief_diagnostic *diagnostic);
  void *user;
} dbf_read_options;

/* One entry; everything is valid until the next call. */
typedef struct dbf_record {
  const dbf_entry *entry;
  uint64_t line, offset;
  uint64_t at; /* where the entry's '{' stands in the file */
  bool salvaged, bad_utf8;
} dbf_record;

/* The same for C programs. */
debrief_line dbf_record_line(const dbf_record *record);

/* A reader owns `fd` from here on, also on failure. fd -1 is an empty session. `path` is copied. */
debrief_reader *dbf_reader_open(int fd, const char *path, const dbf_read_options *options,
                                debrief_error *err);

debrief_next dbf_reader_next(debrief_reader *reader, dbf_record *record, debrief_error *err);

/* For a reader of fd -1: read these lines, which stand at byte `offset` of the file and the first of which is its line
 * `line`. What was fed before must have been read to its end. *text gets the memory of that. */
void dbf_reader_feed(debrief_reader *reader, dbf_bytes *text, uint64_t offset, uint64_t line);

/* Before the first dbf_reader_next: read only from `begin` up to `end` (0: the end of the file), both at line ends, the
 * first line being number `first_line`. */
void dbf_reader_narrow(debrief_reader *reader, uint64_t begin, uint64_t end, uint64_t first_line);

/* Where the line begins that byte `at` - 1 of the file stands in. Errors: EIO. */
bool dbf_reader_line_start(const debrief_reader *reader, uint64_t at, uint64_t *begin, debrief_error *err);

/* The file it reads; the descriptor stays the reader's. */
dbf_extent dbf_reader_file(const debrief_reader *reader);

/* Counts of what was met so far; `bytes` is where the next line begins. */
typedef struct dbf_read_counts {
  uint64_t entries, lines, blank, damaged, warnings, in_progress, bytes;
} dbf_read_counts;
dbf_read_counts dbf_reader_counts(const debrief_reader *reader);

#endif
