/* lua_json.h: Lua values to JSON, exactly, and what scripts call for either way.
 *
 *     nil, debrief.null   null          table with 1..n only, debrief.array{}   array
 *     boolean             true, false   any other table (string keys)           object, keys sorted
 *     integer             integer       entry, entry value                      its bytes
 *     float               number        debrief.json(text)                      its bytes
 *     string              string */
#ifndef DBF_LUA_JSON_H
#define DBF_LUA_JSON_H

#include <lua.h>

#include "../log/entry.h"

/* Make the type of debrief.json(text); once a state. */
void dbf_lua_json_open(lua_State *L);

/* Append the value at `index` as JSON. Raises on what JSON cannot hold, naming where it is. `out` must be owned by the
 * state (scratch.h). Invalid UTF-8 becomes \ufffd. */
void dbf_lua_json_write(lua_State *L, int index, dbf_bytes *out);

/* Append the unknown members of the table at `index` as a JSON object, sorted, those in `known`
 * (dbf_entry_fields or dbf_attempt_fields) left out; false if there are none: nothing was appended. */
bool dbf_lua_json_write_rest(lua_State *L, int index, const dbf_field *known, dbf_bytes *out);

/* Lua function decode(text) -> value | nil, message */
int dbf_lua_json_decode(lua_State *L);

/* Lua functions: encode, decode, json, array, table, raw, type */
void dbf_lua_json_register(lua_State *L);

#endif
