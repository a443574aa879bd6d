/* pack.h: plain Lua data as bytes, to travel between states. Booleans, integers, floats (inf and nan too), strings and
 * tables of them with string or integer keys; no cycles, no shared parts, nothing else.
 *
 *     'F' 'T'   'I' int64   'D' double   'S' u64 bytes...   '{' u64 (key value)...
 *
 * Numbers are little-endian, so that the bytes mean the same on every machine: partial results travel as base64. What is
 * read is checked: damaged or hostile bytes are an error, never a crash. */
#ifndef DBF_PACK_H
#define DBF_PACK_H

#include <lua.h>

#include "../log/bytes.h"

/* Append the value at `index`. Raises, naming the place from `what` on ("acc.rows[3] is a function"), on what is not
 * plain data. `out` is owned by the state. */
void dbf_pack_write(lua_State *L, int index, const char *what, dbf_bytes *out);

/* Push the value that was packed; nil for no bytes. Raises when the bytes are not whole. */
void dbf_pack_push(lua_State *L, const char *data, size_t len);

/* Lua functions: pack(value, what) -> string, unpack(string); base64(string) -> text, unbase64(text) -> string | nil;
 * hash(string) -> 16 hexadecimal digits (FNV-1a, 64 bits) */
void dbf_pack_register(lua_State *L);

#endif
