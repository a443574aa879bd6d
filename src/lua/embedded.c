#include "embedded.h"
#include "lz4_block.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* "$LuaVersion: Lua 5.4.4  Copyright (C) ... $": the one place where a Lua that runs names its release; lua_version does
 * not. A Lua without it gets the text. */
#pragma weak lua_ident

static int compare_path(const void *path, const void *file) {
  return strcmp(path, ((const dbf_embedded_file *)file)->path);
}

const dbf_embedded_file *dbf_embedded_find(const char *path) {
  return bsearch(path, dbf_embedded_files, dbf_embedded_count, sizeof *dbf_embedded_files, compare_path);
}

static bool runs_here(const char *release) {
  static const char head[] = "$LuaVersion: ";
  const char *ident = lua_ident;
  size_t len = strlen(release);
  return ident && strncmp(ident, head, sizeof head - 1) == 0 &&
         strncmp(ident + sizeof head - 1, release, len) == 0 &&
         strncmp(ident + sizeof head - 1 + len, " $", 2) == 0;
}

/* The bytes of a block, in a userdata that is pushed. */
static const char *push_unpacked(lua_State *L, const dbf_embedded_file *file,
                                 const dbf_embedded_block *block) {
  char *bytes = lua_newuserdatauv(L, block->len, 0);
  if (!dbf_lz4_block_unpack(block->packed, block->packed_len, bytes, block->len))
    luaL_error(L, "the library is damaged: %s cannot be unpacked", file->path);
  return bytes;
}

void dbf_embedded_push_text(lua_State *L, const dbf_embedded_file *file) {
  lua_pushlstring(L, push_unpacked(L, file, file->block) + file->at, file->len);
  lua_remove(L, -2);
}

void dbf_embedded_push_code(lua_State *L, const dbf_embedded_file *file) {
  if (file->packed_code) {
    lua_pushlstring(L, push_unpacked(L, file, file->packed_code), file->packed_code->len);
    lua_remove(L, -2);
  } else {
    lua_pushlstring(L, file->code ? file->code : "", file->code_len);
  }
}

/* The header of the code says for which sizes and byte order it is; Lua refuses others before it reads on. */
static int load_code(lua_State *L, const dbf_embedded_file *file) {
  if (file->code) return luaL_loadbufferx(L, file->code, file->code_len, file->path, "b");
  const char *code = push_unpacked(L, file, file->packed_code);
  int status = luaL_loadbufferx(L, code, file->packed_code->len, file->path, "b");
  lua_remove(L, -2);
  return status;
}

int dbf_embedded_load(lua_State *L, const dbf_embedded_file *file, const char *release) {
  if ((file->code || file->packed_code) && runs_here(release)) {
    int status = load_code(L, file);
    if (status != LUA_ERRSYNTAX) return status;
    lua_pop(L, 1);
  }
  const char *chunk = lua_pushfstring(L, "@%s", file->path);
  dbf_embedded_push_text(L, file);
  int status = luaL_loadbufferx(L, lua_tostring(L, -1), file->len, chunk, "t");
  lua_remove(L, -2);
  lua_remove(L, -2);
  return status;
}
