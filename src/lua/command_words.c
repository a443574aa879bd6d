#include "command_words.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

const char *dbf_command_words_text(lua_State *L, int index, const char *what) {
  size_t len;
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "run: %s must be a string, not a %s", what, luaL_typename(L, index));
  const char *text = lua_tolstring(L, index, &len);
  if (strlen(text) != len) luaL_error(L, "run: %s has a zero byte", what);
  return text;
}

char **dbf_command_words_argv(lua_State *L) {
  size_t count = lua_rawlen(L, 1);
  if (count == 0) luaL_argerror(L, 1, "no program is named");
  lua_newtable(L);
  char **argv = lua_newuserdatauv(L, (count + 1) * sizeof *argv, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    argv[i] = (char *)dbf_command_words_text(L, -1, "a word");
    lua_rawseti(L, -3, (lua_Integer)i + 1);
  }
  argv[count] = NULL;
  return argv;
}

/* Is the variable "NAME=value" named by a key of the table at `env`? */
static bool is_given(lua_State *L, int env, const char *variable) {
  lua_pushlstring(L, variable, strcspn(variable, "="));
  bool given = lua_rawget(L, env) != LUA_TNIL;
  lua_pop(L, 1);
  return given;
}

/* "NAME=value" for the pair on top of the stack, kept alive by the table at `texts`. NULL: false, without the
 * variable. */
static char *variable(lua_State *L, int texts) {
  const char *name = dbf_command_words_text(L, -2, "a name in env");
  if (!*name || strchr(name, '=')) luaL_error(L, "run: env cannot have the name '%s'", name);
  if (lua_isboolean(L, -1) && !lua_toboolean(L, -1)) return NULL;
  const char *value = dbf_command_words_text(L, -1, "a value in env");
  const char *text = lua_pushfstring(L, "%s=%s", name, value);
  lua_rawseti(L, texts, (lua_Integer)lua_rawlen(L, texts) + 1);
  return (char *)text;
}

char **dbf_command_words_envp(lua_State *L) {
  int env = lua_gettop(L), texts = env + 1;
  size_t most = 1, n = 0;
  luaL_checktype(L, env, LUA_TTABLE);
  for (char **v = environ; v && *v; v++) most++;
  for (lua_pushnil(L); lua_next(L, env); lua_pop(L, 1)) most++;
  lua_newtable(L);
  char **envp = lua_newuserdatauv(L, most * sizeof *envp, 0);
  for (char **v = environ; v && *v && n + 1 < most; v++)
    if (!is_given(L, env, *v)) envp[n++] = *v;
  for (lua_pushnil(L); lua_next(L, env); lua_pop(L, 1)) {
    char *text = variable(L, texts);
    if (text && n + 1 < most) envp[n++] = text;
  }
  envp[n] = NULL;
  return envp;
}
