/* notes.h: diagnostics on their way to Lua. The log reports them from inside C, where Lua must not be called; they are
 * kept here, up to a limit, and pushed when C has returned. */
#ifndef DBF_NOTES_H
#define DBF_NOTES_H

#include <lua.h>

#include "../log/bytes.h"
#include "../log/log.h"

typedef struct dbf_notes {
  dbf_bytes bytes;
  lua_Integer dropped; /* how many there was no room for */
} dbf_notes;

void dbf_notes_init(dbf_notes *notes);
void dbf_notes_release(dbf_notes *notes);

/* Keep a diagnostic; `item` is a number of the caller's. Not thread-safe. */
void dbf_notes_add(dbf_notes *notes, const debrief_diagnostic *diagnostic, size_t item);

/* Push {kind=, line=, offset=, length=, message=, excerpt=, damage=, item=}. */
void dbf_notes_push_diagnostic(lua_State *L, const debrief_diagnostic *diagnostic, size_t item);

/* Push an array of them and the number dropped, and forget them. */
void dbf_notes_push(lua_State *L, dbf_notes *notes);

#endif
