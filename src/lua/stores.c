#include "stores.h"
#include "limits.h"
#include "userdata.h"
#include "../log/log_internal.h"

#include <lauxlib.h>

static const char store_type[] = "debrief.store", table_name[] = "debrief.stores";

typedef struct store_object {
  debrief_log *log; /* NULL: closed */
  unsigned users;
} store_object;

/* Address -> store, weak: what nobody has open is collected. */
static void push_table(lua_State *L) {
  if (luaL_getsubtable(L, LUA_REGISTRYINDEX, table_name)) return;
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static store_object *push_new(lua_State *L) {
  store_object *store = lua_newuserdatauv(L, sizeof *store, 0);
  *store = (store_object){.log = NULL};
  luaL_setmetatable(L, store_type);
  return store;
}

static bool has_login(const debrief_log_config *config) {
  return config->creds || config->tls_ca || config->tls_cert || config->tls_key || config->timeout_ms;
}

/* The address as messages show it. Ctrl-C ends what waits for its servers. */
static const char *begin(debrief_log *log) {
  const dbf_store_kind *kind;
  dbf_store *store = dbf_log_store(log, &kind);
  kind->heed(store, dbf_limits_stopped);
  return kind->shown(store);
}

debrief_log *dbf_stores_take(lua_State *L, const char *address, const debrief_log_config *config,
                             debrief_error *err) {
  push_table(L);
  lua_getfield(L, -1, address);
  store_object *store = luaL_testudata(L, -1, store_type);
  bool sync = config->sync != DEBRIEF_SYNC_NONE; /* is refused by the store */
  if (!store || !store->log || has_login(config) || sync) {
    lua_pop(L, 1);
    store = push_new(L);
    store->log = debrief_log_open(address, config, err);
    if (!store->log) return lua_pop(L, 2), NULL;
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, address);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, begin(store->log)); /* the same log, by the name that messages show */
  }
  lua_remove(L, -2);
  store->users++;
  return store->log;
}

static int l_close(lua_State *L) {
  store_object *store = luaL_checkudata(L, 1, store_type);
  debrief_log_close(store->log);
  store->log = NULL;
  return 0;
}

void dbf_stores_give(lua_State *L, int index) {
  store_object *store = luaL_testudata(L, index, store_type);
  if (!store || store->users == 0 || --store->users > 0) return;
  debrief_log_close(store->log);
  store->log = NULL;
}

void dbf_stores_open(lua_State *L) {
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  dbf_userdata_type(L, store_type, no_methods, l_close);
}
