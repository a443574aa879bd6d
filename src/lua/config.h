/* config.h: what every state of one host shares: what the host was opened with. */
#ifndef DBF_CONFIG_H
#define DBF_CONFIG_H

#include "limits.h"
#include <debrief/log.h>

#include <lua.h>

/* Plain data; the callbacks may be called from worker threads. */
typedef struct dbf_config {
  const char *source_dir; /* read lua/ and plugins/ from this working copy, not from the library; NULL */
  void (*on_log)(void *user, const char *level, const char *text); /* print and ctx.log; NULL: dropped */
  void *user;
  const char *dir; /* of the log; NULL: not said */
  debrief_log
      *own; /* the host's handle of it: a relative folder counts from where the host was opened; NULL */
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
  struct dbf_spares *spares;                                  /* spare.h; NULL: none are kept */
  size_t plugin_memory;        /* bytes that a reduced state may use; 0: no limit */
  const char *isolate_program; /* started for isolated workers (isolate.h); NULL: none can be started */
  unsigned plugin_time;        /* ms of CPU time for one call of a hook; 0: no limit */
} dbf_config;

/* The config of the host that made the state; of a state that nobody here made (a stock lua5.4), an empty one. */
const dbf_config *dbf_config_of(lua_State *L);

/* Set the config of a host in a state; NULL removes it, which needs no memory. */
void dbf_config_bind(lua_State *L, const dbf_config *config);

/* From now on the state, and the workers it makes, have a config of their own: as before, but for these limits. May raise
 * for want of memory. */
void dbf_config_limit(lua_State *L, unsigned plugin_time, size_t plugin_memory);

#endif
