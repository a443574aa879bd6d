/* save.h: writing a whole file, so that its name has the old content or the new one, never a part. */
#ifndef DBF_SAVE_H
#define DBF_SAVE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Lua function save(path, text) -> true | nil, "path: message", errno. An existing file is replaced, with its mode, once
 * the new one is written; anything but a regular file (/dev/stdout, a FIFO) is written to. The new file is made in the same
 * folder. */
int dbf_save(lua_State *L);

#endif
