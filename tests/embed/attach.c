/* attach.c: a program that has its own Lua state and lends it to debrief.
 *
 *     cc attach.c $(pkg-config --cflags --libs debrief lua5.4) -o attach
 *     ./attach sessions
 *
 * The program's own scripts see debrief, and scripts that debrief runs see the program's globals: there is one state.
 * Plugins never run in it: they run in the host's own states. */
#include <debrief/debrief.h>

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#define TEXT(s) ((debrief_text){s, strlen(s)})

/* What scripts of this program could use before it knew debrief: agent.run(skill) -> "ok" | "error" */
static int l_run(lua_State *L) {
  const char *skill = luaL_checkstring(L, 1);
  lua_pushstring(L, strcmp(skill, "deploy") == 0 ? "error" : "ok");
  return 1;
}

static void open_agent(lua_State *L) {
  static const luaL_Reg functions[] = {{"run", l_run}, {NULL, NULL}};
  luaL_openlibs(L);
  luaL_newlib(L, functions);
  lua_setglobal(L, "agent");
}

/* A script of the program's, run by the program. It finds debrief by require, as in any Lua. */
static const char work[] = "local debrief = require 'debrief'\n"
                           "local log = assert(debrief.open(folder))\n"
                           "for _, skill in ipairs { 'implement', 'review', 'deploy' } do\n"
                           "  assert(log:append('s1', { skill = skill, final_status = agent.run(skill) }))\n"
                           "end\n"
                           "last = 'deploy'\n";

/* Code that debrief runs, in the same state: it finds what the program has there, and the host's folder open as
 * `log`. */
static const char look_back[] = "local again = {}\n"
                                "for entry in log:entries { where = 'final_status ~= \"ok\"' } do\n"
                                "  again[#again + 1] = entry.skill .. ': ' .. agent.run(entry.skill)\n"
                                "end\n"
                                "return { again = again, last = last }\n";

static bool use(lua_State *L, debrief *host, debrief_error *err) {
  debrief_text json;
  if (luaL_dostring(L, work) != LUA_OK) {
    snprintf(err->message, sizeof err->message, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return false;
  }
  if (!debrief_eval(host, TEXT(look_back), &json, err)) return false;
  printf("%s\n", json.data);
  return true;
}

int main(int argc, char **argv) {
  debrief_error err;
  lua_State *L = luaL_newstate();
  if (!L) return fprintf(stderr, "attach: out of memory\n"), 1;
  open_agent(L);

  debrief_config config = {.struct_size = sizeof config, .dir = argc > 1 ? argv[1] : "sessions"};
  lua_pushstring(L, config.dir);
  lua_setglobal(L, "folder");
  debrief *host = debrief_attach(L, &config, &err);
  bool ok = host && use(L, host, &err);
  if (!ok) fprintf(stderr, "attach: %s\n", err.message);

  /* The host goes first. The state is the program's and goes on as it was: `log` is no global of it any more. */
  debrief_close(host);
  (void)luaL_dostring(L, "return log == nil and agent.run 'review'");
  printf("%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return ok ? 0 : 1;
}
