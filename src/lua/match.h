/* match.h: a plugin's `match`, tested on the members of a line before Lua sees it.
 *
 *     { final_status = { "ok", "fail" }, verified = true }     every field has one of its values */
#ifndef DBF_MATCH_H
#define DBF_MATCH_H

#include <lua.h>

#include "../log/entry.h"

typedef struct dbf_match dbf_match;

void dbf_match_open(lua_State *L);

/* The matcher at `index`, or NULL if it is something else. */
const dbf_match *dbf_match_get(lua_State *L, int index);

/* Does an entry have one of the wanted values in every field of the matcher, or of one it was made with? Decoded values are compared; 1 and 1.0 are equal. */
bool dbf_match_test(const dbf_match *match, const char *text, const dbf_member *members, uint32_t count);

/* Lua functions: match(table [, matcher]) -> matcher, which also lets pass what the other one does;
 * matches(matcher, entry) -> boolean */
void dbf_match_register(lua_State *L);

#endif
