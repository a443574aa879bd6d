/* tally.h: a table of measures, counted without a call of Lua for each entry.
 *
 *     entry -> keys "review" "ok" -> row { runs, cells … }          rows of debrief.measure, as far as they go
 *                                    part { runs, cells … }         the same by the key across
 *
 * What it is unsure of it leaves alone: then Lua counts that entry, after it has merged what is here. So both together
 * count what Lua alone would. */
#ifndef DBF_TALLY_H
#define DBF_TALLY_H

#include "subject.h"

#include <lua.h>

typedef struct dbf_tally dbf_tally;

void dbf_tally_open(lua_State *L);

/* The tally at `index`; raises when it is something else. */
dbf_tally *dbf_tally_check(lua_State *L, int index);

/* Count an entry with the tally at `index`; its words are filled in. False: nothing was counted, Lua is to do it. */
bool dbf_tally_add(lua_State *L, int index, dbf_tally *tally, dbf_subject *subject);

/* Is it time to merge what was counted? So that memory stays small. */
bool dbf_tally_is_full(const dbf_tally *tally);

/* Lua functions: tally(definition) -> tally, or nil where it cannot count such a table; tally:take() -> what was counted,
 * which is then forgotten (see debrief.measure.tally). */
void dbf_tally_register(lua_State *L);

#endif
