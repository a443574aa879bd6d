/* spare.h: reduced states of a host that wait for their next use. To make one and load what workers need takes
 * milliseconds, as long as a thousand entries.
 *
 *     dbf_spares_state --> a worker uses it --> debrief.run.worker.renew(), by the worker --> dbf_spares_keep
 *          ^                                                                                        |
 *          `---------------------- the same limit of memory, small, nothing refused <---------------'
 *
 * Only what loads code of debrief stays: plugins and what they made are dropped by `renew`, and each use loads its own. */
#ifndef DBF_SPARE_H
#define DBF_SPARE_H

#include "config.h"

#include <lua.h>
#include <pthread.h>

enum { DBF_SPARES = 8 }; /* the most that wait */

/* Belongs to a host; threads of its crews use it, too. */
typedef struct dbf_spares {
  pthread_mutex_t mutex;
  lua_State *states[DBF_SPARES];
  size_t count;
  const struct dbf_config *config; /* of the host: bound to what waits */
} dbf_spares;

void dbf_spares_init(dbf_spares *spares, const dbf_config *config);

/* Close all of them; no worker of the host is left. */
void dbf_spares_release(dbf_spares *spares);

/* A reduced state for a worker: one that waited, or a new one. NULL: out of memory. */
lua_State *dbf_spares_state(const dbf_config *config, lua_CFunction core);

/* The worker is done with a state of dbf_spares_state, and has renewed it: it waits from now on, or is closed if it has
 * grown, was refused memory, or enough others wait. */
void dbf_spares_keep(lua_State *L);

#endif
