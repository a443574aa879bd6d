/* host.h: a host's parts, and the one way from C into its Lua.
 *
 *     debrief_xxx(host, ...)  ->  dbf_host_call(host, l_xxx, &arguments)  ->  require "debrief.capi".xxx(...)
 *
 * Everything that may raise runs inside that call. What it raises is a message, or a table that says more:
 * { code =, message =, line =, offset =, plugin =, hook =, session =, traceback = }; both become a debrief_error and
 * the host's details. */
#ifndef DBF_HOST_H
#define DBF_HOST_H

#include <debrief/debrief.h>
#include "../log/bytes.h"
#include "../lua/host_value.h"
#include "../lua/console.h"
#include "../lua/config.h"
#include "../lua/spare.h"

#include <lua.h>

struct debrief {
  dbf_config config;       /* of its states; the texts are its own */
  dbf_spares spares;       /* states for its workers */
  dbf_interrupt interrupt; /* of all its states */
  lua_State *L;            /* scripts and lua/debrief run here */
  bool attached;           /* it is the caller's */
  debrief_log *log;
  debrief_problem details;
  char *words[5];           /* what `details` points to; NULL for "" */
  bool busy;                /* a call is under way */
  dbf_console console;      /* all callbacks are NULL if there is none */
  bool left;                /* the call before was ended by os.exit */
  int exit_status;          /* what was given to that */
  dbf_bytes text;           /* the result of debrief_eval */
  debrief_entries *entries; /* queries that are open */
  debrief_run *runs;        /* that go on */
};

/* Run `body` in a guard (limits.h), in its own stack, with `argument` as light userdata. False: *err and the
 * details are filled in. `function` names the caller for messages. */
bool dbf_host_call(debrief *host, const char *function, lua_CFunction body, void *argument,
                   debrief_error *err);

/* The same without a guard around it: only guards inside it can be interrupted. */
bool dbf_host_call_unguarded(debrief *host, const char *function, lua_CFunction body, void *argument,
                             debrief_error *err);

/* Let the host have this console; NULL: none. False: EARG, *err is filled. */
bool dbf_host_set_console(debrief *host, const debrief_console *console, debrief_error *err);

/* Empty the details. */
void dbf_host_forget(debrief *host);

/* Was the call that failed ended by os.exit? */
bool dbf_host_left(debrief *host, int *status);

/* Push the function `name` of lua/debrief/capi.lua. */
void dbf_host_push(lua_State *L, const char *name);

#endif
