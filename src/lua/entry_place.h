/* entry_place.h: where an entry was read, as Lua sees it.
 *
 * An entry notes the number of its session's name, so that it costs nothing to note: a state keeps each name once. */
#ifndef DBF_ENTRY_PLACE_H
#define DBF_ENTRY_PLACE_H

#include <lua.h>
#include <stdint.h>

/* The number of the session whose name is the string at `index`, from 1. */
uint32_t dbf_entry_place_session(lua_State *L, int index);

/* Lua function place(entry) -> session, line, gap: where it was read, and the ns since the end of the line before it; each is
 * nil where that is not known, and for what is no entry. place(entry, session, line [, gap]) says so for an entry that did
 * not come from a reader of this state. */
int dbf_entry_place(lua_State *L);

#endif
