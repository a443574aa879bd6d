/* entry_table.h: a Lua table as an entry: known fields by name and type, the rest as it is. */
#ifndef DBF_ENTRY_TABLE_H
#define DBF_ENTRY_TABLE_H

#include <lua.h>

#include "../log/entry.h"

/* Append the entry that the value at `index` describes, as one line without newline: a table of fields (as the Go
 * struct, or with `sparse` only the given fields), an entry (its bytes), or JSON text. False: err says why. Raises for
 * mistakes of the caller: a field of the wrong Lua type. `out` must be owned by the state and not be its scratch. */
bool dbf_entry_table_write(lua_State *L, int index, const char *id, bool sparse, dbf_bytes *out,
                           debrief_error *err);

#endif
