#include "scratch.h"
#include "limits.h"
#include "memory.h"

#include <assert.h>
#include <lauxlib.h>

static const char scratch_key; /* registry keys: of the shared scratch, */
static const char free_key;    /* of the first free one, whose user value is the next, */
static const char type_key;    /* and of their metatable */

/* Scratches nest only where a finalizer calls a binding, so a list of free ones stays short. Memory
 * for a huge value is not kept. */
enum { KEPT = 16 << 20 };

enum { LONG = 1 << 16 }; /* bytes that take time to make */
enum { WIDE = 1 << 10 }; /* members of an entry that are more than a little */

static int l_gc(lua_State *L) {
  dbf_scratch *scratch = lua_touserdata(L, 1);
  dbf_bytes_release(&scratch->text);
  dbf_bytes_release(&scratch->piece);
  dbf_bytes_release(&scratch->extra);
  dbf_bytes_release(&scratch->results);
  dbf_entry_release(&scratch->entry);
  return 0;
}

/* The type has __gc, so a scratch that an error left on the stack frees its bytes when it is collected. */
static dbf_scratch *push_new(lua_State *L) {
  dbf_scratch *scratch = lua_newuserdatauv(L, sizeof *scratch, 1);
  dbf_bytes_init(&scratch->text);
  dbf_bytes_init(&scratch->piece);
  dbf_bytes_init(&scratch->extra);
  dbf_bytes_init(&scratch->results);
  dbf_entry_init(&scratch->entry);
  scratch->text.quota = scratch->piece.quota = dbf_memory_quota(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &type_key);
  lua_setmetatable(L, -2);
  return scratch;
}

void dbf_scratch_open(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_gc);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &type_key);
  push_new(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &scratch_key);
}

dbf_scratch *dbf_scratch_take(lua_State *L) {
  luaL_checkstack(L, 4, "nested too deeply");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &free_key) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    return push_new(L);
  }
  dbf_scratch *scratch = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &free_key);
  dbf_bytes_clear(&scratch->text);
  dbf_bytes_clear(&scratch->piece);
  dbf_bytes_clear(&scratch->extra);
  return scratch;
}

void dbf_scratch_give(lua_State *L, int index) {
  dbf_scratch *scratch = lua_touserdata(L, index);
  assert(scratch && lua_rawlen(L, index) == sizeof *scratch);
  if (scratch->text.cap + scratch->piece.cap + scratch->extra.cap > KEPT) {
    dbf_bytes_release(&scratch->text);
    dbf_bytes_release(&scratch->piece);
    dbf_bytes_release(&scratch->extra);
  }
  index = lua_absindex(L, index);
  lua_pushvalue(L, index);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &free_key);
  lua_setiuservalue(L, -2, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &free_key);
}

dbf_scratch *dbf_scratch_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &scratch_key);
  dbf_scratch *scratch = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return scratch;
}

static dbf_bytes *emptied(dbf_bytes *bytes) {
  if (bytes->cap > KEPT) dbf_bytes_release(bytes);
  dbf_bytes_clear(bytes);
  return bytes;
}

dbf_bytes *dbf_scratch_text(lua_State *L) {
  return emptied(&dbf_scratch_of(L)->text);
}

dbf_bytes *dbf_scratch_piece(lua_State *L) {
  return emptied(&dbf_scratch_of(L)->piece);
}

static void trim(dbf_scratch *scratch) {
  dbf_bytes *all[] = {&scratch->text, &scratch->piece, &scratch->extra, &scratch->results};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i]->cap > LONG) dbf_bytes_release(all[i]);
  if (scratch->entry.cap <= WIDE && scratch->entry.nested_cap <= WIDE && scratch->entry.attempt_cap <= WIDE)
    return;
  dbf_entry_release(&scratch->entry);
  dbf_entry_init(&scratch->entry);
}

/* The free ones are a list through their user values. */
void dbf_scratch_trim(lua_State *L) {
  trim(dbf_scratch_of(L));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &free_key);
  while (lua_isuserdata(L, -1)) {
    trim(lua_touserdata(L, -1));
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
}

void dbf_scratch_check(lua_State *L, const dbf_bytes *bytes) {
  if (bytes->failed) dbf_memory_raise(L);
  if (bytes->len > LONG) dbf_limits_pace(L);
}
