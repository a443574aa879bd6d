#include "debrief.h"
#include "../log/error.h"
#include "../script/state.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

struct debrief {
  dbf_state_config config;
  char *source_dir;
  lua_State *L;
};

/* A config of an older or newer caller over zeroes. */
static bool take_config(debrief_config *to, const debrief_config *from, debrief_error *err) {
  *to = (debrief_config){.struct_size = sizeof *to};
  if (!from) return true;
  if (from->struct_size < sizeof from->struct_size || from->struct_size > 4096)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_config.struct_size is %zu: set it to sizeof(debrief_config)",
                    from->struct_size);
  memcpy(to, from, from->struct_size < sizeof *to ? from->struct_size : sizeof *to);
  return true;
}

debrief *debrief_open(const debrief_config *config, debrief_error *err) {
  debrief_config given;
  if (!take_config(&given, config, err)) return NULL;
  debrief *host = calloc(1, sizeof *host);
  if (!host) return dbf_fail_memory(err), NULL;
  if (given.source_dir && !(host->source_dir = strdup(given.source_dir))) {
    debrief_close(host);
    return dbf_fail_memory(err), NULL;
  }
  host->config = (dbf_state_config){host->source_dir, given.on_log, given.user};
  host->L = dbf_state_new(&host->config, false);
  if (!host->L) {
    debrief_close(host);
    return dbf_fail_memory(err), NULL;
  }
  return host;
}

void debrief_close(debrief *host) {
  if (!host) return;
  dbf_state_close(host->L);
  free(host->source_dir);
  free(host);
}

typedef struct command {
  int argc;
  char **argv;
  int status;
} command;

/* require "debrief.cli" (words) -> exit status */
static int l_command(lua_State *L) {
  command *c = lua_touserdata(L, 1);
  lua_getglobal(L, "require");
  lua_pushstring(L, "debrief.cli");
  lua_call(L, 1, 1);
  lua_createtable(L, c->argc, 1);
  for (int i = 0; i < c->argc; i++) {
    lua_pushstring(L, c->argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  c->status = (int)lua_tointeger(L, -1);
  return 0;
}

bool debrief_command(debrief *host, int argc, char **argv, int *status, debrief_error *err) {
  if (!host || argc < 1 || !argv || !status)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_command: an argument is NULL");
  command c = {argc, argv, 1};
  lua_pushcfunction(host->L, l_command);
  lua_pushlightuserdata(host->L, &c);
  bool ok = dbf_state_call(host->L, 1, 0) == LUA_OK;
  if (!ok) dbf_fail(err, DEBRIEF_EARG, "%s", lua_tostring(host->L, -1));
  lua_settop(host->L, 0);
  *status = c.status;
  return ok;
}
