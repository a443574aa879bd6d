/* save.h: writing a whole file, so that its name has the old content or the new one, never a part. */
#ifndef DBF_SAVE_H
#define DBF_SAVE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Lua function save(path, text) -> true | nil, "path: message", errno. A file that is there is replaced, with its mode, when
 * the new one is written; what is no file (/dev/stdout, a FIFO) is written to. The new file is made beside the old one. */
int dbf_save(lua_State *L);

#endif
