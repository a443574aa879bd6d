/* host_value.h: values and functions that a host passes to Lua, for all of its states.
 *
 *     debrief.host.limit         the value, looked up each time
 *     debrief.host.notify(x)     calls the host's function; its failure raises an error
 *
 * The call as a function of the host sees it is public: debrief_call and its functions in debrief/debrief.h.
 *
 * Names are kept in order. A lock is held while one is looked up or changed, never while Lua may raise or a function of
 * the host runs. */
#ifndef DBF_HOST_VALUE_H
#define DBF_HOST_VALUE_H

#include <debrief/debrief.h>

#include <lua.h>

typedef struct dbf_host_values dbf_host_values;

/* NULL: out of memory. */
dbf_host_values *dbf_host_values_new(void);
void dbf_host_values_free(dbf_host_values *values);

/* From here on, the calling thread is the host's own. */
void dbf_host_values_enter(dbf_host_values *values);

/* Is it one: of a known kind, and with a text if it has a length? */
bool dbf_host_value_is_valid(const debrief_value *value);

/* Set a valid value (copied; JSON must be valid too) or a function; it replaces the previous one of that name. A value
 * of DEBRIEF_NIL removes the name. False: out of memory. */
bool dbf_host_values_set(dbf_host_values *values, const char *name, const debrief_value *value);
bool dbf_host_values_register(dbf_host_values *values, const char *name,
                              bool (*function)(void *user, debrief_call *call), void *user,
                              debrief_threads threads);

/* In the module: values, the object that scripts see as debrief.host; needs_thread() -> has the host a function that
 * only its own thread can call? */
void dbf_host_value_register(lua_State *L);

#endif
