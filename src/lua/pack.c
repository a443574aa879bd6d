#include "pack.h"
#include "lua_value.h"
#include "scratch.h"
#include "../log/hash.h"

#include <assert.h>
#include <endian.h>
#include <lauxlib.h>
#include <stdio.h>
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

static void put_number(packer *p, char tag, uint64_t number) {
  uint64_t little = htole64(number);
  put(p, tag, &little, sizeof little);
}

static void write_value(packer *p, int index);

/* Shared parts and cycles are refused, not kept: the other side would get copies that no longer change together. */
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
    assert(p->level < DEPTH);
    p->keys[p->level++] = key;
    if (lua_type(L, key) != LUA_TSTRING && !lua_isinteger(L, key))
      refuse(p, "has a key that is neither a string nor an integer");
    write_value(p, key);
    write_value(p, key + 1);
    p->level--;
    lua_pop(L, 1);
    count++;
  }
  count = htole64(count);
  assert(p->out->failed || at + sizeof count <= p->out->len);
  if (!p->out->failed) memcpy(p->out->data + at, &count, sizeof count);
}

static void write_value(packer *p, int index) {
  lua_State *L = p->L;
  uint64_t bits;
  lua_Number number;
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN: put(p, lua_toboolean(L, index) ? 'T' : 'F', "", 0); break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      put_number(p, 'I', (uint64_t)lua_tointeger(L, index));
    } else {
      number = lua_tonumber(L, index);
      memcpy(&bits, &number, sizeof bits);
      put_number(p, 'D', bits);
    }
    break;
  case LUA_TSTRING: {
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    put_number(p, 'S', size);
    dbf_bytes_append(p->out, text, size);
    break;
  }
  case LUA_TTABLE: write_table(p, index); break;
  case LUA_TLIGHTUSERDATA:
    if (dbf_lua_value_is_null(L, index)) refuse(p, "is a userdata");
    /* fall through */
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

/* ---- Reading back ------------------------------------------------------------------------------------------------- */

typedef struct unpacker {
  const char *p, *end;
} unpacker;

static void damaged(lua_State *L) {
  luaL_error(L, "the packed value is damaged");
}

static uint64_t take_number(lua_State *L, unpacker *u) {
  uint64_t number;
  assert(u->p <= u->end);
  if ((size_t)(u->end - u->p) < sizeof number) damaged(L);
  memcpy(&number, u->p, sizeof number);
  u->p += sizeof number;
  return le64toh(number);
}

static void push_value(lua_State *L, unpacker *u, int depth);

/* What is unpacked may come from a file or a hostile process: every length is checked against what is there before it is
 * used, and nothing is reserved because a number says so. */
static void push_table(lua_State *L, unpacker *u, int depth) {
  uint64_t n = take_number(L, u);
  lua_createtable(L, 0, n < 64 ? (int)n : 64);
  while (n-- > 0) {
    push_value(L, u, depth);
    if (lua_type(L, -1) != LUA_TSTRING && !lua_isinteger(L, -1)) damaged(L);
    push_value(L, u, depth);
    lua_rawset(L, -3);
  }
}

static void push_value(lua_State *L, unpacker *u, int depth) {
  uint64_t bits;
  lua_Number number;
  luaL_checkstack(L, 4, "nested too deeply");
  if (u->p == u->end || depth > DEPTH) damaged(L);
  switch (*u->p++) {
  case 'T': lua_pushboolean(L, 1); break;
  case 'F': lua_pushboolean(L, 0); break;
  case 'I': lua_pushinteger(L, (lua_Integer)take_number(L, u)); break;
  case 'D':
    bits = take_number(L, u);
    memcpy(&number, &bits, sizeof number);
    lua_pushnumber(L, number);
    break;
  case 'S':
    bits = take_number(L, u);
    if (bits > (size_t)(u->end - u->p)) damaged(L);
    lua_pushlstring(L, u->p, bits);
    u->p += bits;
    break;
  case '{': push_table(L, u, depth + 1); break;
  default: damaged(L);
  }
}

void dbf_pack_push(lua_State *L, const char *data, size_t len) {
  unpacker u = {data, data + len};
  if (len == 0) {
    lua_pushnil(L);
    return;
  }
  push_value(L, &u, 0);
  if (u.p != u.end) damaged(L);
}

/* ---- As text ------------------------------------------------------------------------------------------------------ */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, with padding. */
static int l_base64(lua_State *L) {
  size_t len;
  const unsigned char *p = (const unsigned char *)luaL_checklstring(L, 1, &len);
  dbf_bytes *out = dbf_scratch_text(L);
  for (size_t i = 0; i < len; i += 3) {
    size_t left = len - i;
    unsigned bits =
        (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
    char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], left > 1 ? digits[bits >> 6 & 63] : '=',
                    left > 2 ? digits[bits & 63] : '='};
    dbf_bytes_append(out, four, sizeof four);
  }
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->len ? out->data : "", out->len);
  return 1;
}

static int l_unbase64(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  dbf_bytes *out = dbf_scratch_text(L);
  unsigned bits = 0, have = 0;
  while (len > 0 && text[len - 1] == '=') len--;
  for (size_t i = 0; i < len; i++) {
    const char *at = text[i] ? strchr(digits, text[i]) : NULL;
    if (!at) return lua_pushnil(L), 1;
    bits = bits << 6 | (unsigned)(at - digits);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    dbf_bytes_append_char(out, (char)(bits >> have & 255));
  }
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->len ? out->data : "", out->len);
  return 1;
}

static int l_hash(lua_State *L) {
  size_t len;
  const char *p = luaL_checklstring(L, 1, &len);
  char text[17];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)dbf_hash(DBF_HASH_START, p, len));
  lua_pushstring(L, text);
  return 1;
}

static int l_pack(lua_State *L) {
  luaL_checkany(L, 1);
  const char *what = luaL_optstring(L, 2, "value");
  dbf_bytes *out = &dbf_scratch_take(L)->text;
  int taken = lua_gettop(L);
  dbf_pack_write(L, 1, what, out);
  lua_pushlstring(L, out->data, out->len);
  dbf_scratch_give(L, taken);
  return 1;
}

static int l_unpack(lua_State *L) {
  size_t len;
  const char *data = luaL_checklstring(L, 1, &len);
  dbf_pack_push(L, data, len);
  return 1;
}

void dbf_pack_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"pack", l_pack},         {"unpack", l_unpack}, {"base64", l_base64},
                                       {"unbase64", l_unbase64}, {"hash", l_hash},     {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
