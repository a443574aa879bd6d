#include "struct_size.h"

#include "error.h"

#include <assert.h>
#include <string.h>

#define STRUCT_LIMIT 4096 /* a struct_size above this is garbage */

bool dbf_struct_size_take(void *to, size_t size, const void *from, const char *name, debrief_error *err) {
  size_t given;
  assert(size >= sizeof given && size <= STRUCT_LIMIT);
  memcpy(&given, from, sizeof given);
  if (given < sizeof given || given > STRUCT_LIMIT)
    return dbf_fail(err, DEBRIEF_EARG, "%s.struct_size is %zu: set it to sizeof(%s)", name, given, name);
  memset(to, 0, size);
  memcpy(to, from, given < size ? given : size);
  memcpy(to, &size, sizeof size);
  return true;
}

void dbf_struct_size_give(void *to, const void *from, size_t size) {
  size_t room;
  memcpy(&room, to, sizeof room);
  assert(room >= sizeof room); /* dbf_struct_size_take has looked at it */
  memcpy(to, from, room < size ? room : size);
  memcpy(to, &room, sizeof room);
}
