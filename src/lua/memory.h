/* memory.h: the allocator of debrief's own Lua states.
 *
 *     size 1..16   17..32   33..48 ...       one list of free blocks for each 16 bytes, up to MEMORY_SMALL
 *          v         v
 *        |block|->|block|                    cut from slabs; larger blocks come as they are
 *
 * A retrospective makes and drops some ten small objects per entry. Lua passes the size of what it frees, so blocks
 * need no headers: this is several times as fast as malloc. Freed blocks are reused for the same size; everything is
 * freed when the state is closed. Slabs and larger blocks come from malloc, or from the host's allocator.
 *
 * With a limit, more is refused when the blocks in use would come to more than that, or when blocks in use and those
 * kept for use again come to more than twice that (and a slab). */
#ifndef DBF_MEMORY_H
#define DBF_MEMORY_H

#include "../log/bytes.h"

#include <lua.h>

/* Is this a build with AddressSanitizer? */
#if defined(__SANITIZE_ADDRESS__)
#define DBF_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DBF_SANITIZED 1
#endif
#endif
#ifndef DBF_SANITIZED
#define DBF_SANITIZED 0
#endif

typedef struct dbf_memory dbf_memory;

/* `allocate` is a lua_Alloc, NULL for malloc; `limit` in bytes, 0 for none. NULL: no memory. */
dbf_memory *dbf_memory_new(lua_Alloc allocate, void *user, size_t limit);

/* Free everything that was allocated from it. */
void dbf_memory_free(dbf_memory *memory);

/* malloc, realloc and free as a lua_Alloc. */
void *dbf_memory_plain(void *user, void *block, size_t old_size, size_t new_size);

/* What may still be used: byte buffers of a state (scratch.h) count there, too. NULL: there is no limit, or
 * the state has another allocator. */
dbf_quota *dbf_memory_quota(lua_State *L);

/* The limit of a state that has this allocator; and how many bytes it has from the system, those that are free in it
 * included. */
size_t dbf_memory_limit(lua_State *L);
size_t dbf_memory_taken(lua_State *L);

/* Is more than half of what the limit allows in use, or waits to be collected? */
bool dbf_memory_is_half_full(lua_State *L);

/* Was anything ever refused, by the limit or for want of memory? What ran then may have been left half-way. */
bool dbf_memory_was_short(lua_State *L);

/* Did the state's limit refuse what was refused last? False: there was no more memory, or there is no limit. */
bool dbf_memory_is_over(lua_State *L);

/* Raise what Lua raises when memory is short, "not enough memory" without a place: by these words it is known. */
int dbf_memory_raise(lua_State *L);

/* A lua_Alloc; `memory` is a dbf_memory. */
void *dbf_memory_allocate(void *memory, void *block, size_t old_size, size_t new_size);

#endif
