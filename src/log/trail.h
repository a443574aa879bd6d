/* trail.h: which lines of a file were read, to find the way back when it was cut and has grown again.
 *
 *     |line\n|line\n|line\n|line\n|
 *      ^begin ^step  ^step  ^step: a line's end, and the hash of everything from `begin` up to there
 *
 * There are at most 16,384 steps: of the older half every other one goes when there are more, so that the last 8,000 lines
 * are always there, and older ones the more sparsely the older they are. */
#ifndef DBF_TRAIL_H
#define DBF_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of bytes that come in pieces. */
typedef struct dbf_trail_hash {
  uint64_t hash, word;
  unsigned filled; /* bytes of `word` */
} dbf_trail_hash;

/* Zeroed, it begins at 0. */
typedef struct dbf_trail {
  uint64_t begin;
  dbf_trail_hash hash;
  struct dbf_trail_step *steps;
  size_t count, cap;
} dbf_trail;

void dbf_trail_release(dbf_trail *trail);

/* Forget everything and begin at `offset`. */
void dbf_trail_begin(dbf_trail *trail, uint64_t offset);

/* These bytes, which stand at `offset` of the file, right after the ones before, were read. Out of memory, fewer steps
 * are kept. */
void dbf_trail_add(dbf_trail *trail, uint64_t offset, const char *text, size_t len);

/* The way back: from trail->begin along the file as it is now. */
typedef struct dbf_trail_walk {
  const dbf_trail *trail;
  dbf_trail_hash hash; /* up to `at` */
  uint64_t at, lines;
  size_t next;          /* step to come to */
  uint64_t end;         /* of the last step that was found: up to here the file is what was read */
  uint64_t end_lines;   /* lines from trail->begin to `end` */
  dbf_trail_hash found; /* up to `end` */
} dbf_trail_walk;

dbf_trail_walk dbf_trail_walk_begin(const dbf_trail *trail);

/* The next bytes of the file. False: no more are needed. */
bool dbf_trail_walk_on(dbf_trail_walk *walk, const char *text, size_t len);

/* Go on from walk->end: forget what was read after it. */
void dbf_trail_cut(dbf_trail *trail, const dbf_trail_walk *walk);

#endif
