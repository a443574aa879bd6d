/* struct_size.h: structs of callers that were built with another version. Each starts with its size. */
#ifndef DBF_STRUCT_SIZE_H
#define DBF_STRUCT_SIZE_H

#include <debrief/log.h>

/* Copy a caller's struct over zeroes into `to` of `size` bytes: what an older caller does not know is not given. The
 * copy's struct_size is `size`. False: EARG, struct_size is garbage. */
bool dbf_struct_size_take(void *to, size_t size, const void *from, const char *name, debrief_error *err);

/* Copy `from` of `size` bytes into the struct of a caller, as much as it has room for; its struct_size, which
 * dbf_struct_size_take has looked at, stays. */
void dbf_struct_size_give(void *to, const void *from, size_t size);

#endif
