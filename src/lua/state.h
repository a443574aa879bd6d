/* state.h: Lua states as debrief makes them.
 *
 *     full      the user's own scripts: all of Lua, require finds debrief, cjson and what is installed
 *     reduced   plugins: base, string, table, math, utf8; require finds only debrief's own modules and cjson.
 *               A plugin sees less still: it has its own environment (lua/debrief/plugin/sandbox.lua) */
#ifndef DBF_STATE_H
#define DBF_STATE_H

#include "limits.h"
#include <debrief/log.h>

#include <lua.h>
#include <stdbool.h>

/* What every state of one host shares. Plain data; the callbacks may be called from worker threads. */
typedef struct dbf_state_config {
  const char *source_dir; /* read lua/ and plugins/ from this working copy, not from the library; NULL */
  void (*on_log)(void *user, const char *level, const char *text); /* print and ctx.log; NULL: dropped */
  void *user;
  const char *dir;        /* of the log; NULL: not said */
  debrief_log_config log; /* how scripts open it; all zeroes: the defaults */
  const char
      *plugin_path; /* folders where plugins are looked for first, ':' between; NULL: $DEBRIEF_PLUGIN_PATH */
  unsigned workers; /* threads of a retrospective; 0: as many as there are processors */
  struct dbf_console *console; /* console.h; NULL: none */
  dbf_interrupt *interrupt;    /* ends guards; NULL: nothing does */
  lua_Alloc allocate;          /* memory of the states; NULL: malloc */
  void *allocate_user;
  void (*on_print)(void *user, const char *text, size_t len); /* print of scripts; NULL: standard output */
  struct dbf_host_values *values;                             /* host_value.h; NULL: none */
  size_t plugin_memory;        /* bytes that a reduced state may use; 0: no limit */
  const char *isolate_program; /* started for isolated workers (isolate.h); NULL: there are none */
} dbf_state_config;

/* A new state with debrief's modules in reach; `config` must outlive it. NULL: out of memory. */
lua_State *dbf_state_new(const dbf_state_config *config, bool reduced);

/* Close a state that dbf_state_new made, its memory with it. NULL is fine. */
void dbf_state_close(lua_State *L);

/* The config of the host that made the state; of a state that nobody here made (a stock lua5.4), an empty one. */
const dbf_state_config *dbf_state_config_of(lua_State *L);

/* function guard(handler, f, ...) -> true, results of f | false, message | false, message, "interrupted"
 * A pcall, or with a handler an xpcall, that an interrupt ends (limits.h). The message is the handler's result. */
int dbf_state_guard(lua_State *L);

/* Set the config of a host in a state of the caller; NULL removes it, which needs no memory. */
void dbf_state_bind(lua_State *L, const dbf_state_config *config);

/* Call the function below `arguments` on the stack, with a traceback in the message when it fails. */
int dbf_state_call(lua_State *L, int arguments, int results);

/* Let `require` find debrief, its modules and cjson in a state of the caller that has the library `package`. Modules
 * that are loaded already stay. Raises if memory runs out. */
void dbf_state_lend(lua_State *L);

/* The module debrief.core: everything in C that the Lua side builds on. */
DEBRIEF_API int luaopen_debrief_core(lua_State *L);

/* The module debrief, out of the library alone. Exported as the one above: a stock lua5.4 loads both from
 * debrief.so. */
DEBRIEF_API int luaopen_debrief(lua_State *L);

#endif
