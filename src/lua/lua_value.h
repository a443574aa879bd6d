/* lua_value.h: JSON as plain Lua values.
 *
 *     null          debrief.null (a light userdata), or nothing      true, false   boolean
 *     integer       integer when it fits in 64 bits                  other number  float
 *     string        string                                           [..], {..}    table; arrays are marked as such */
#ifndef DBF_LUA_VALUE_H
#define DBF_LUA_VALUE_H

#include <lua.h>

#include "../log/json_scan.h"

/* Make the mark of arrays; once a state. */
void dbf_lua_value_open(lua_State *L);

/* debrief.null, the same value as cjson.null. */
void dbf_lua_value_push_null(lua_State *L);
bool dbf_lua_value_is_null(lua_State *L, int index);

/* Mark the table on top of the stack as an array, so that it is written as [] when it is empty. */
void dbf_lua_value_mark_array(lua_State *L);
bool dbf_lua_value_is_marked_array(lua_State *L, int index);

/* Push a scalar of validated JSON; containers are refused with false, and nothing is pushed. `bad_utf8`: a string may hold
 * bytes that become U+FFFD. */
bool dbf_lua_value_push_scalar(lua_State *L, const dbf_json_value *value, bool bad_utf8);

/* Push validated JSON as plain Lua values. Members that are null are left out when `drop_null`. */
void dbf_lua_value_push(lua_State *L, const dbf_json_value *value, bool drop_null);

#endif
