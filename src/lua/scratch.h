/* scratch.h: memory one Lua state keeps for its bindings, so that no C memory is held while Lua may raise.
 *
 * One per state, owned by a userdata in the registry: when a Lua error passes by, the bytes stay where they are and are
 * used again by the next call. Nobody keeps a pointer into it across a call that could use it too. */
#ifndef DBF_SCRATCH_H
#define DBF_SCRATCH_H

#include <lua.h>

#include "../log/entry.h"

typedef struct dbf_scratch {
  dbf_bytes text;    /* what is being built */
  dbf_bytes piece;   /* a part of it: a decoded string, a value to be spliced in */
  dbf_bytes extra;   /* unknown members of an entry under construction */
  dbf_bytes results; /* of the host's functions that run, one within the other */
  dbf_entry entry;   /* a scan of `text` */
} dbf_scratch;

/* Make the state's scratch; once, when the state is opened. */
void dbf_scratch_open(lua_State *L);

dbf_scratch *dbf_scratch_of(lua_State *L);

/* Cleared bytes, ready to be filled. */
dbf_bytes *dbf_scratch_text(lua_State *L);
dbf_bytes *dbf_scratch_piece(lua_State *L);

/* Raise "not enough memory" when the bytes have failed. */
void dbf_scratch_check(lua_State *L, const dbf_bytes *bytes);

#endif
