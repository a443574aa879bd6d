#include "pack.h"
#include "scratch.h"

#include <lauxlib.h>
#include <string.h>

enum { DEPTH = 200 };

typedef struct packer {
  lua_State *L;
  dbf_bytes *out;
  const char *what; /* name of the whole */
  int keys[DEPTH];  /* stack index of the key at each level, for messages */
  int level;
  int seen; /* stack index of a set of the tables met */
} packer;

static void push_place(packer *p) {
  luaL_Buffer b;
  luaL_buffinit(p->L, &b);
  luaL_addstring(&b, p->what);
  for (int i = 0; i < p->level; i++) {
    bool name = lua_type(p->L, p->keys[i]) == LUA_TSTRING;
    luaL_tolstring(p->L, p->keys[i], NULL);
    lua_pushfstring(p->L, name ? ".%s" : "[%s]", lua_tostring(p->L, -1));
    lua_remove(p->L, -2);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
}

static void refuse(packer *p, const char *why) {
  push_place(p);
  luaL_error(p->L, "%s %s: only booleans, numbers, strings and tables of them can be kept here",
             lua_tostring(p->L, -1), why);
}

static void put(packer *p, char tag, const void *data, size_t len) {
  dbf_bytes_append_char(p->out, tag);
  dbf_bytes_append(p->out, data, len);
}

static void write_value(packer *p, int index);

static void write_table(packer *p, int index) {
  lua_State *L = p->L;
  if (p->level == DEPTH) refuse(p, "is nested more than 200 levels deep");
  luaL_checkstack(L, 8, "nested too deeply");
  lua_pushvalue(L, index);
  if (lua_rawget(L, p->seen) != LUA_TNIL) refuse(p, "is a table that occurs twice, or contains itself");
  lua_pop(L, 1);
  lua_pushvalue(L, index);
  lua_pushboolean(L, 1);
  lua_rawset(L, p->seen);
  put(p, '{', "", 0);
  size_t at = p->out->len;
  uint64_t count = 0;
  dbf_bytes_append(p->out, &count, sizeof count);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int key = lua_gettop(L) - 1;
    p->keys[p->level++] = key;
    if (lua_type(L, key) != LUA_TSTRING && !lua_isinteger(L, key))
      refuse(p, "has a key that is no string or integer");
    write_value(p, key);
    write_value(p, key + 1);
    p->level--;
    lua_pop(L, 1);
    count++;
  }
  if (!p->out->failed) memcpy(p->out->data + at, &count, sizeof count);
}

static void write_value(packer *p, int index) {
  lua_State *L = p->L;
  uint64_t len;
  lua_Integer integer;
  lua_Number number;
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN: put(p, lua_toboolean(L, index) ? 'T' : 'F', "", 0); break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      integer = lua_tointeger(L, index);
      put(p, 'I', &integer, sizeof integer);
    } else {
      number = lua_tonumber(L, index);
      put(p, 'D', &number, sizeof number);
    }
    break;
  case LUA_TSTRING: {
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    len = size;
    put(p, 'S', &len, sizeof len);
    dbf_bytes_append(p->out, text, size);
    break;
  }
  case LUA_TTABLE: write_table(p, index); break;
  case LUA_TUSERDATA: refuse(p, "is an entry or a part of one (debrief.table makes it a table)"); break;
  default: lua_pushfstring(L, "is a %s", luaL_typename(L, index)); refuse(p, lua_tostring(L, -1));
  }
}

void dbf_pack_write(lua_State *L, int index, const char *what, dbf_bytes *out) {
  packer p = {.L = L, .out = out, .what = what};
  int top = lua_gettop(L);
  index = lua_absindex(L, index);
  if (lua_isnil(L, index)) luaL_error(L, "%s is nil", what);
  lua_newtable(L);
  p.seen = lua_gettop(L);
  write_value(&p, index);
  dbf_scratch_check(L, out);
  lua_settop(L, top);
}

/* ---- Reading back: only what dbf_pack_write made ------------------------------------------------------------------ */

static const char *take(const char *p, void *to, size_t len) {
  memcpy(to, p, len);
  return p + len;
}

static const char *push_value(lua_State *L, const char *p) {
  lua_Integer integer;
  lua_Number number;
  uint64_t n;
  luaL_checkstack(L, 4, "nested too deeply");
  switch (*p++) {
  case 'T': lua_pushboolean(L, 1); return p;
  case 'F': lua_pushboolean(L, 0); return p;
  case 'I':
    p = take(p, &integer, sizeof integer);
    lua_pushinteger(L, integer);
    return p;
  case 'D':
    p = take(p, &number, sizeof number);
    lua_pushnumber(L, number);
    return p;
  case 'S':
    p = take(p, &n, sizeof n);
    lua_pushlstring(L, p, n);
    return p + n;
  default: break;
  }
  p = take(p, &n, sizeof n);
  lua_createtable(L, 0, n < 64 ? (int)n : 64);
  while (n-- > 0) {
    p = push_value(L, p);
    p = push_value(L, p);
    lua_rawset(L, -3);
  }
  return p;
}

void dbf_pack_push(lua_State *L, const char *data, size_t len) {
  if (len) push_value(L, data);
  else lua_pushnil(L);
}

static int l_pack(lua_State *L) {
  luaL_checkany(L, 1);
  const char *what = luaL_optstring(L, 2, "value");
  dbf_bytes *out = dbf_scratch_text(L);
  dbf_pack_write(L, 1, what, out);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

static int l_unpack(lua_State *L) {
  size_t len;
  const char *data = luaL_checklstring(L, 1, &len);
  dbf_pack_push(L, data, len);
  return 1;
}

void dbf_pack_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"pack", l_pack}, {"unpack", l_unpack}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
