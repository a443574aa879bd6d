/* table.h: the small tables that bindings take and return: options, and results with named fields. */
#ifndef DBF_TABLE_H
#define DBF_TABLE_H

#include "../log/bytes.h"
#include <debrief/log.h>

#include <lua.h>
#include <stdint.h>

/* ---- Lua -> C: a field of the table at `index`. Of anything but a table, nothing is given. ---- */

/* An integer, `otherwise` when it is not given. Raises when it is something else. */
lua_Integer dbf_table_integer(lua_State *L, int index, const char *name, lua_Integer otherwise);

/* Is it given, and not false? */
bool dbf_table_flag(lua_State *L, int index, const char *name);

/* How many: 0 if it is not an integer, or below 0. Raises nothing. */
uint64_t dbf_table_count(lua_State *L, int index, const char *name);

/* ---- C -> Lua: set a field of the table on top of the stack ---- */

void dbf_table_set_integer(lua_State *L, const char *name, lua_Integer value);

/* NULL sets nothing. */
void dbf_table_set_string(lua_State *L, const char *name, const char *value);

/* Push an array of strings that lie one after the other, each with its NUL. */
void dbf_table_push_strings(lua_State *L, const dbf_bytes *strings);

/* nil and the message of a failure, as results of a function: returns 2. */
int dbf_table_push_failure(lua_State *L, const debrief_error *err);

#endif
