#include "console.h"
#include "scratch.h"
#include "config.h"

#include <lauxlib.h>

bool dbf_console_init(dbf_console *console) {
  pthread_mutexattr_t recursive;
  if (pthread_mutexattr_init(&recursive) != 0) return false;
  bool ok = pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE) == 0 &&
            pthread_mutex_init(&console->mutex, &recursive) == 0;
  pthread_mutexattr_destroy(&recursive);
  return ok;
}

void dbf_console_release(dbf_console *console) {
  pthread_mutex_destroy(&console->mutex);
}

/* The console of the state's host, looked up at every call: a host's REPL has ended, and a script may still hold what
 * it was given. */
static dbf_console *check_console(lua_State *L) {
  dbf_console *console = dbf_config_of(L)->console;
  if (!console) luaL_error(L, "there is no console here, or not any more");
  return console;
}

static debrief_text check_text(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return (debrief_text){text, len};
}

/* ---- Completion -------------------------------------------------------------------------------------------------- */

typedef struct question {
  debrief_completer *completer;
  debrief_text line;
  size_t point;
  bool (*each)(void *user, debrief_text candidate);
  void *user;
  size_t from;
} question;

/* (question): the whole of it, so that nothing of it can raise outside. A place is counted from 0 in C, from 1 in
 * Lua. */
static int l_complete(lua_State *L) {
  question *q = lua_touserdata(L, 1);
  lua_pushvalue(L, 2);
  lua_pushlstring(L, q->line.len ? q->line.data : "", q->line.len);
  lua_pushinteger(L, (lua_Integer)q->point);
  lua_call(L, 2, 2);
  lua_Integer from = luaL_checkinteger(L, -2) - 1;
  luaL_checktype(L, -1, LUA_TTABLE);
  if (from < 0 || (size_t)from > q->point) return luaL_error(L, "no word starts at byte %I", from + 1);
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
    q->from = (size_t)from;
    size_t len;
    const char *candidate = lua_tolstring(L, -1, &len);
    if (!q->each(q->user, (debrief_text){candidate, len})) break;
    lua_pop(L, 1);
  }
  return 0;
}

/* (question, function): in a guard, so that an interrupt ends what takes too long; a guard itself may raise. */
static int l_guarded(lua_State *L) {
  lua_pushcfunction(L, l_complete);
  lua_insert(L, 1);
  dbf_limits_guard(L, dbf_config_of(L)->interrupt, 2, 0, 0);
  return 0;
}

size_t debrief_complete(debrief_completer *completer, debrief_text line, size_t point,
                        bool (*each)(void *user, debrief_text candidate), void *user) {
  lua_State *L = completer ? completer->L : NULL;
  if (!line.data) line.len = 0;
  if (!L || !each || point > line.len || !lua_checkstack(L, 4)) return point;
  question q = {completer, line, point, each, user, point};
  int top = lua_gettop(L);
  lua_pushcfunction(L, l_guarded);
  lua_pushlightuserdata(L, &q);
  lua_pushvalue(L, completer->function);
  lua_pcall(L, 2, 0, 0); /* Tab shows candidates or nothing, but no message */
  lua_settop(L, top);
  return q.from;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

/* read(prompt [, complete]) -> line | nil at the end | false when interrupted. complete(line, bytes before the
 * cursor) -> where the word starts, {candidate...} */
static int l_read(lua_State *L) {
  dbf_console *console = check_console(L);
  const char *prompt = luaL_checkstring(L, 1);
  debrief_text line = {NULL, 0};
  if (console->broken) return luaL_error(L, "the console cannot be written");
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  dbf_bytes *copy = dbf_scratch_text(L);
  pthread_mutex_lock(&console->mutex);
  if (console->reading) {
    pthread_mutex_unlock(&console->mutex);
    return luaL_error(L, "a line is being read already");
  }
  console->reading = true;
  console->completer = (debrief_completer){lua_isnil(L, 2) ? NULL : L, 2};
  debrief_input input =
      console->callbacks.read_line(console->callbacks.user, prompt, &console->completer, &line);
  console->completer.L = NULL;
  console->reading = false;
  dbf_bytes_clear(copy); /* what completed the line may have used it */
  if (input == DEBRIEF_INPUT_LINE) dbf_bytes_append(copy, line.data, line.len);
  pthread_mutex_unlock(&console->mutex);
  dbf_scratch_check(L, copy);
  if (input == DEBRIEF_INPUT_LINE) lua_pushlstring(L, copy->len ? copy->data : "", copy->len);
  else if (input == DEBRIEF_INPUT_END) lua_pushnil(L);
  else if (input == DEBRIEF_INPUT_INTERRUPTED) lua_pushboolean(L, 0);
  else return luaL_error(L, "the console cannot be read");
  return 1;
}

/* write(text [, is_error]) */
static int l_write(lua_State *L) {
  dbf_console *console = check_console(L);
  debrief_text text = check_text(L, 1);
  pthread_mutex_lock(&console->mutex);
  bool ok = console->callbacks.write(console->callbacks.user, lua_toboolean(L, 2), text);
  console->broken = console->broken || !ok;
  pthread_mutex_unlock(&console->mutex);
  return ok ? 0 : luaL_error(L, "the console cannot be written");
}

/* remember(statement): into the history */
static int l_remember(lua_State *L) {
  dbf_console *console = check_console(L);
  debrief_text statement = check_text(L, 1);
  if (!console->callbacks.remember) return 0;
  pthread_mutex_lock(&console->mutex);
  console->callbacks.remember(console->callbacks.user, statement);
  pthread_mutex_unlock(&console->mutex);
  return 0;
}

/* width() -> columns | nil */
static int l_width(lua_State *L) {
  dbf_console *console = check_console(L);
  const debrief_console *callbacks = &console->callbacks;
  pthread_mutex_lock(&console->mutex);
  int columns = callbacks->columns ? callbacks->columns(callbacks->user) : 0;
  pthread_mutex_unlock(&console->mutex);
  if (columns > 0) lua_pushinteger(L, columns);
  else lua_pushnil(L);
  return 1;
}

static int l_console(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"read", l_read}, {"write", l_write}, {"remember", l_remember}, {"width", l_width}, {NULL, NULL}};
  const dbf_console *console = dbf_config_of(L)->console;
  if (!console) return lua_pushnil(L), 1;
  luaL_newlib(L, functions);
  lua_pushboolean(L, console->callbacks.color);
  lua_setfield(L, -2, "color");
  return 1;
}

void dbf_console_register(lua_State *L) {
  lua_pushcfunction(L, l_console);
  lua_setfield(L, -2, "console");
}
