/* entry_flush.h: putting what waits into an entry.
 *
 *     {"a":1,"b":{"c":2}}   a removed, c replaced by 30, d added to b   ->   {"b":{"c":30,"d":4}}
 *
 * Every change becomes a replacement of bytes; sorted, they make the new text in one pass over the old one. */
#ifndef DBF_ENTRY_FLUSH_H
#define DBF_ENTRY_FLUSH_H

#include <lua.h>

/* The userdata at `index` is the entry or a value in it. Without changes, nothing happens. */
void dbf_entry_flush(lua_State *L, int index);

#endif
