/* cut.h: cutting a big session into parts that workers can read at the same time.
 *
 *     |line\n|line\n|line\n|line\n|li          parts end after the first newline that makes them `step` bytes long;
 *     ^part, line 1   ^part, line 3             the last goes to the end of the file, wherever that will be */
#ifndef DBF_CUT_H
#define DBF_CUT_H

#include "io.h"

/* One part: bytes begin..end (end 0: to the end of the file), its first line being number `first_line`. */
typedef void (*dbf_cut_each)(void *user, uint64_t begin, uint64_t end, uint64_t first_line);

/* Report the parts of the file in order. Reads all of it; the descriptor's offset does not move. Errors: EIO, EMEMORY. */
bool dbf_cut(const dbf_extent *file, const char *path, uint64_t step, dbf_cut_each each, void *user,
             debrief_error *err);

/* How many lines end before byte `end`. Errors: EIO, EMEMORY. */
bool dbf_count_lines(const dbf_extent *file, const char *path, uint64_t end, uint64_t *lines,
                     debrief_error *err);

#endif
