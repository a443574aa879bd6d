/* host_value.h: values and functions that a host gives to Lua, for all of its states.
 *
 *     debrief.host.limit         the value of the name, looked up each time
 *     debrief.host.notify(x)     calls the host's function; its failure is an error there
 *
 * Names are kept in order. A lock is held while one is looked up or changed, never while Lua may raise or a function of
 * the host's runs. */
#ifndef DBF_HOST_VALUE_H
#define DBF_HOST_VALUE_H

#include <debrief/log.h>

#include <lua.h>

typedef enum dbf_value_kind {
  DBF_NIL,
  DBF_BOOLEAN,
  DBF_INTEGER,
  DBF_NUMBER,
  DBF_TEXT,
  DBF_JSON
} dbf_value_kind;

typedef struct dbf_value {
  dbf_value_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double number;
    debrief_text text; /* JSON, too */
  } as;
} dbf_value;

/* A call of a host's function under way. */
typedef struct debrief_call debrief_call;
typedef bool (*dbf_host_function)(void *user, debrief_call *call);

typedef struct dbf_host_values dbf_host_values;

/* NULL: out of memory. */
dbf_host_values *dbf_host_values_new(void);
void dbf_host_values_free(dbf_host_values *values);

/* From here on, the calling thread is the host's own. */
void dbf_host_values_enter(dbf_host_values *values);

/* Give a value (copied; JSON must be valid) or a function, in the place of what had the name. A value of DBF_NIL takes
 * the name away. `any_thread`: the function may be called from the threads of workers. False: out of memory. */
bool dbf_host_values_set(dbf_host_values *values, const char *name, const dbf_value *value);
bool dbf_host_values_register(dbf_host_values *values, const char *name, dbf_host_function function,
                              void *user, bool any_thread);

/* ---- Inside a call ---- */

size_t dbf_call_count(const debrief_call *call);

/* From 0; DBF_NIL behind the last. Texts have a NUL behind them and are valid until the function returns. */
dbf_value dbf_call_argument(const debrief_call *call, size_t i);

/* Add a result, copied. False: out of memory, or more than 16. */
bool dbf_call_return(debrief_call *call, const dbf_value *value);

/* What the error says; cut at 500 bytes. */
void dbf_call_fail(debrief_call *call, const char *message);

/* In the module: values, the object that scripts see as debrief.host. */
void dbf_host_value_register(lua_State *L);

#endif
