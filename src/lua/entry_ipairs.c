#include "entry_ipairs.h"
#include "entry_lent.h"
#include "entry_userdata_internal.h"

#include <lauxlib.h>

/* The entry or value that argument 1 is, or NULL: scripts can call what is here with anything. Upvalue 1: the keys. */
static void *view_of(lua_State *L) {
  void *userdata = lua_touserdata(L, 1);
  if (!userdata || !lua_getmetatable(L, 1)) return NULL;
  const dbf_keys *keys = lua_touserdata(L, lua_upvalueindex(1));
  const void *type = lua_topointer(L, -1);
  return type == keys->value_type || type == keys->entry_type ? userdata : NULL;
}

/* Push attempt `index` when the view is that of the attempts, nothing was assigned, and it is an object. */
static bool push_attempt(lua_State *L, void *userdata, uint64_t index) {
  value_view *v = userdata;
  if (!v->is_value || !v->is_attempts) return false;
  const body *b = v->entry->now;
  if (b->edits || v->entry->changes || index - 1 >= b->attempts) return false;
  const dbf_attempt *a = &attempts_of(b)[index - 1];
  if (text_of(b)[a->start] != '{') return false;
  dbf_entry_userdata_push_value(L, v->entry, v, a->start, a->end, DBF_JSON_OBJECT)->attempt = (uint32_t)index;
  return true;
}

/* One step, as Lua's own iterator: (array, index) -> index + 1, element. */
static int l_next_element(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2);
  void *userdata = view_of(L);
  if (!userdata) return luaL_typeerror(L, 1, "entry");
  if (i == LUA_MAXINTEGER) return 0;
  lua_pushinteger(L, i + 1);
  return push_attempt(L, userdata, (uint64_t)i + 1) || dbf_entry_userdata_push_element(L, (uint64_t)i + 1)
             ? 2
             : 0;
}

/* ipairs(t): upvalue 3 is the iterator for entries, 4 Lua's own for everything else, 5 that for lent entries. */
static int l_ipairs(lua_State *L) {
  int iterator = 4;
  luaL_checkany(L, 1);
  if (lua_type(L, 1) == LUA_TLIGHTUSERDATA) iterator = 5;
  else if (view_of(L)) iterator = 3;
  lua_pushvalue(L, lua_upvalueindex(iterator));
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

void dbf_entry_ipairs_register(lua_State *L) {
  dbf_entry_userdata_push_upvalues(L);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, l_next_element, 2);
  lua_getglobal(L, "ipairs");
  lua_newtable(L);
  lua_call(L, 1, 1); /* its iterator */
  dbf_entry_lent_push_iterator(L, false);
  lua_pushcclosure(L, l_ipairs, 5);
  lua_setfield(L, -2, "ipairs");
  dbf_entry_lent_push_iterator(L, false);
  lua_setfield(L, -2, "next_lent");
  dbf_entry_lent_push_iterator(L, true);
  lua_setfield(L, -2, "next_lent_attempt");
}
