/* scratch.h: memory one Lua state keeps for its bindings, so that no C memory is held while Lua may raise.
 *
 * Two kinds, for two uses:
 *
 *     shared   fill -> push one string          nothing of Lua runs in between: pushing a string copies the bytes first
 *     taken    fill -> call Lua -> read again    whatever makes an object may run a finalizer of a script, and that may
 *                                                call the same binding: each use has its own bytes
 *
 * What is taken is a userdata on the stack of the caller. If a Lua error passes, it is collected; otherwise it is
 * returned, and the next use takes it again. */
#ifndef DBF_SCRATCH_H
#define DBF_SCRATCH_H

#include <lua.h>

#include "../log/entry.h"

/* In states with a limit of memory, `text` and `piece` count against it; lines on their way to a log or from it go into
 * `extra`, which does not. */
typedef struct dbf_scratch {
  dbf_bytes text;    /* what is being built */
  dbf_bytes piece;   /* a part of it: a decoded string, a value to be spliced in */
  dbf_bytes extra;   /* unknown members of an entry under construction; lines */
  dbf_bytes results; /* of the host's functions that run, one within the other */
  dbf_entry entry;   /* a scan of `text` */
} dbf_scratch;

/* Make the state's shared scratch; once, when the state is opened. */
void dbf_scratch_open(lua_State *L);

dbf_scratch *dbf_scratch_of(lua_State *L);

/* Push a scratch that nobody else uses until it is given back, or collected; its bytes are empty. */
dbf_scratch *dbf_scratch_take(lua_State *L);

/* The caller of dbf_scratch_take is done with what it pushed, which is at `index` and stays there. */
void dbf_scratch_give(lua_State *L, int index);

/* Cleared bytes of the shared scratch, ready to be filled. */
dbf_bytes *dbf_scratch_text(lua_State *L);
dbf_bytes *dbf_scratch_piece(lua_State *L);

/* Give back what is more than a little of it. Nothing of it may be in use. */
void dbf_scratch_trim(lua_State *L);

/* Raise "not enough memory" when the bytes have failed; when they are many, an interrupt that came while they were made. */
void dbf_scratch_check(lua_State *L, const dbf_bytes *bytes);

#endif
