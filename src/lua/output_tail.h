/* output_tail.h: the last bytes of two streams, in the order in which they came, in constant memory. */
#ifndef DBF_OUTPUT_TAIL_H
#define DBF_OUTPUT_TAIL_H

#include <lua.h>
#include <stddef.h>

typedef struct dbf_output_tail dbf_output_tail;

/* One that keeps so many bytes of each stream: a userdata on the stack. */
dbf_output_tail *dbf_output_tail_new(lua_State *L, size_t keep);

/* What came on stream 0 or 1. */
void dbf_output_tail_add(dbf_output_tail *tail, int stream, const char *data, size_t len);

/* Push what was kept, a string, and how many bytes were before it. A character that was cut is left out. */
void dbf_output_tail_push(lua_State *L, dbf_output_tail *tail);

#endif
