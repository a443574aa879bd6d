/* diagnostics.h: diagnostics on their way to Lua. The log reports them from inside C, where Lua must not be called; they are
 * kept here, up to a limit, and pushed when C has returned. */
#ifndef DBF_DIAGNOSTICS_H
#define DBF_DIAGNOSTICS_H

#include <lua.h>

#include "../log/bytes.h"
#include <debrief/log.h>

typedef struct dbf_diagnostics {
  dbf_bytes bytes;
  lua_Integer dropped; /* how many there was no room for */
} dbf_diagnostics;

void dbf_diagnostics_init(dbf_diagnostics *notes);
void dbf_diagnostics_release(dbf_diagnostics *notes);

/* Keep a diagnostic; `item` is a number of the caller's. Not thread-safe. */
void dbf_diagnostics_add(dbf_diagnostics *notes, const debrief_diagnostic *diagnostic, size_t item);

bool dbf_diagnostics_any(const dbf_diagnostics *notes);

/* Push {kind=, line=, offset=, length=, message=, excerpt=, damage=, item=}. */
void dbf_diagnostics_push_diagnostic(lua_State *L, const debrief_diagnostic *diagnostic, size_t item);

/* Push an array of them and the number dropped, and forget them. */
void dbf_diagnostics_push(lua_State *L, dbf_diagnostics *notes);

#endif
