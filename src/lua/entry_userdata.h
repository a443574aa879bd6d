/* entry_userdata.h: entries as Lua sees them: lazy userdata over the bytes of a line.
 *
 *     entry    the line itself: userdata |head|members|bytes|      entry.skill, pairs(entry), tostring(entry)
 *     value    an object or array in it: |entry, from, to|         entry.attempts[2].verified
 *
 * A field is decoded when it is asked for. Assignment replaces the bytes of one value: the entry gets new bytes and
 * a note of the edit (where, how much went, how much came), and values taken earlier follow their place through the
 * notes. A value whose place was overwritten or removed says so when it is used. */
#ifndef DBF_ENTRY_USERDATA_H
#define DBF_ENTRY_USERDATA_H

#include <lua.h>

#include "entry_origin.h"
#include "keys.h"
#include "../log/entry.h"

/* Make the metatables; once a state. */
void dbf_entry_userdata_open(lua_State *L);

/* Push a copy of a scanned entry. `foreign`: known fields may hold anything. `uses`: counts uses of the object that the
 * scan belongs to; raises when it changes meanwhile, by a finalizer. NULL: the scan is the caller's alone. */
void dbf_entry_userdata_push(lua_State *L, const dbf_entry *entry, bool bad_utf8, bool foreign,
                             const dbf_entry_origin *origin, const uint32_t *uses);

/* The same for callers that push many entries, and whose text moves (bytes.h): user value 1 of the userdata at `keeper`
 * is what dbf_entry_userdata_type pushed, `keys` what it returned. */
void dbf_entry_userdata_push_kept(lua_State *L, int keeper, const dbf_keys *keys, const dbf_entry *entry,
                                  bool bad_utf8, bool foreign, const dbf_entry_origin *origin,
                                  const uint32_t *uses);
const dbf_keys *dbf_entry_userdata_type(lua_State *L);

/* Lua function copy(entry) -> entry: another one with the same bytes, which does not follow its assignments. */
int dbf_entry_userdata_copy(lua_State *L);

/* Lua function freeze(entry): from now on it is read-only, and all values in it. Without an entry: all that this state
 * makes are, copies excepted, and readers may lend entries (entry_lent.h). */
int dbf_entry_userdata_freeze(lua_State *L);

/* The JSON value of the entry or value at `index`, valid while it is on the stack and not assigned to; false if `index`
 * is something else. *bad_utf8: its strings need repair. */
bool dbf_entry_userdata_get(lua_State *L, int index, dbf_json_value *value, bool *bad_utf8);

/* Push what keeps the bytes that dbf_entry_userdata_get returned for the value at `index` alive when the entry is assigned
 * to. */
void dbf_entry_userdata_anchor(lua_State *L, int index);

/* Where the entry at `index` was read; NULL if it is no entry. Valid as long as it is on the stack. */
dbf_entry_origin *dbf_entry_userdata_origin(lua_State *L, int index);

/* Is the value at `index` an entry, and not a value in one? */
bool dbf_entry_userdata_is_entry(lua_State *L, int index);

/* The scanned entry at `index` without a copy, for tests of members in C; false if it is not an entry. */
bool dbf_entry_userdata_members(lua_State *L, int index, const char **text, const dbf_member **members,
                                uint32_t *count);

/* Lua function: members(value, name...) -> the value of each member of an entry, a value in one, or a table; nil where
 * there is no such member or value is something else. In one pass: value[name] looks from the beginning each time. */
void dbf_entry_userdata_register(lua_State *L);

#endif
