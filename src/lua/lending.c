#include "lending.h"
#include "entry_lent.h"
#include "entry_userdata.h"
#include "memory.h"
#include "userdata.h"

#include <lauxlib.h>

static const char lending_type[] = "debrief.lending";

typedef struct lending {
  dbf_bytes text;
  dbf_entry entry;
} lending;

/* lending() -> an object that lends copies of entries, as a reader lends what it reads */
static int l_lending(lua_State *L) {
  lending *l = lua_newuserdatauv(L, sizeof *l, 0);
  dbf_bytes_init(&l->text);
  dbf_entry_init(&l->entry);
  luaL_setmetatable(L, lending_type);
  return 1;
}

/* lend(entry) -> a lent one with its bytes and its place, good until the next call; the entry itself where nothing is lent */
static int l_lend(lua_State *L) {
  lending *l = dbf_userdata_own(L, lending_type);
  dbf_lender *lender = dbf_entry_lent_of(L);
  dbf_json_value value;
  dbf_json_fault fault;
  bool bad_utf8;
  dbf_entry_origin *origin = dbf_entry_userdata_origin(L, 2);
  if (!origin || !dbf_entry_userdata_get(L, 2, &value, &bad_utf8)) return luaL_typeerror(L, 2, "entry");
  lua_settop(L, 2);
  if (!lender) return 1;
  dbf_entry_lent_end(lender, l);
  dbf_bytes_clear(&l->text);
  dbf_bytes_append(&l->text, value.start, (size_t)(value.end - value.start));
  if (!dbf_bytes_terminate(&l->text)) return dbf_memory_raise(L);
  switch (dbf_entry_scan(&l->entry, l->text.data, l->text.len, false, &fault)) {
  case DBF_SCAN_OK: break;
  case DBF_SCAN_NO_MEMORY: return dbf_memory_raise(L);
  default: return luaL_error(L, "%s", fault.what);
  }
  dbf_entry_lent_push(L, lender, l, &l->entry, bad_utf8, origin);
  return 1;
}

static int l_close(lua_State *L) {
  lending *l = luaL_checkudata(L, 1, lending_type);
  dbf_lender *lender = dbf_entry_lent_of(L);
  if (lender) dbf_entry_lent_end(lender, l);
  dbf_bytes_release(&l->text);
  dbf_entry_release(&l->entry);
  return 0;
}

void dbf_lending_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"lend", l_lend}, {NULL, NULL}};
  dbf_userdata_type(L, lending_type, methods, l_close);
}

void dbf_lending_register(lua_State *L) {
  lua_pushcfunction(L, l_lending);
  lua_setfield(L, -2, "lending");
}
