/* embedded.h: the Lua sources and bundled plugins inside the library (embed.lua writes the table), and loading them.
 *
 *     text   the file in a block of LZ4: byte for byte; of what is compiled without comments, for few need it
 *     code   what the compiler of Lua made of it when the library was built: loads in a fifth of the time; packed, if
 *            few starts of the program load it
 *
 * Bytecode is for one release of Lua and one kind of machine, and Lua checks little of it. So only what this table holds
 * is ever loaded as bytecode, and only into the Lua that made it; any other Lua compiles the text. */
#ifndef DBF_EMBEDDED_H
#define DBF_EMBEDDED_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Several texts, one after the other. */
typedef struct dbf_embedded_block {
  const char *packed;
  size_t packed_len, len;
} dbf_embedded_block;

typedef struct dbf_embedded_file {
  const char *path; /* as in the source tree: "lua/debrief/init.lua", "plugins/summary.lua" */
  const dbf_embedded_block *block;
  size_t at, len;   /* of the text, in the unpacked block */
  const char *code; /* NULL: packed, or not compiled ahead */
  size_t code_len;
  const dbf_embedded_block *packed_code; /* NULL: `code` is not packed, or missing */
  bool foreign;                          /* from another package: a working copy does not have it */
} dbf_embedded_file;

/* In byte order of the paths; a row of zeroes follows the last. */
extern const dbf_embedded_file dbf_embedded_files[];
extern const size_t dbf_embedded_count;

/* The Lua that compiled them: "Lua 5.4.4  Copyright (C) ...", LUA_COPYRIGHT of its lua.h. */
extern const char dbf_embedded_release[];

/* The file of that path, or NULL. */
const dbf_embedded_file *dbf_embedded_find(const char *path);

/* Push the text of a file, a string. Raises when memory is short. */
void dbf_embedded_push_text(lua_State *L, const dbf_embedded_file *file);

/* Push what the compiler of Lua made of a file, a string; an empty one if it was not compiled ahead. Raises as above. */
void dbf_embedded_push_code(lua_State *L, const dbf_embedded_file *file);

/* Push the file as a function whose chunk is called "@PATH". Its code is used when `release` is the Lua that runs here and
 * Lua accepts it, else its text. Returns a status of lua_load, with a message on the stack when it is not LUA_OK. */
int dbf_embedded_load(lua_State *L, const dbf_embedded_file *file, const char *release);

#endif
