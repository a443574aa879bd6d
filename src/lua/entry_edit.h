/* entry_edit.h: replacing bytes of an entry.
 *
 *     {"skill":"a","n":1}  ->  {"skill":"long","n":1}     edit {at 9, removed 3, inserted 6}: values taken earlier follow
 *
 * Each assignment copies and checks the whole entry. New members at its end wait until somebody looks, and are then put
 * in together: so thirty thousand of them take as long as reading the result, not its square. Only what the check
 * cannot refuse waits: unknown names, values without parts. */
#ifndef DBF_ENTRY_EDIT_H
#define DBF_ENTRY_EDIT_H

#include "entry_body.h"
#include "scratch.h"

/* Make the metatable of `pending`; once a state. */
void dbf_entry_edit_open(lua_State *L);

/* Replace `removed` bytes at `at`, in the text of the entry, by those of `piece`, and keep the note. The userdata at
 * `index` is the entry or a value in it. The new text is checked as any entry is: raises when it is not one. `scratch` is
 * taken by the caller; its text is used. */
void dbf_entry_edit_splice(lua_State *L, int index, entry_view *e, const char *at, size_t removed,
                           const dbf_bytes *piece, dbf_scratch *scratch);

/* Push the pending members of the entry at argument 1, making them first. */
pending *dbf_entry_edit_push_pending(lua_State *L, entry_view *e);

/* Does the entry at argument 1, which has pending members, have one of the name at `key`? */
bool dbf_entry_edit_is_pending(lua_State *L, int key);

/* Put the pending members of the entry at `index`, which has some, into its body. */
void dbf_entry_edit_flush(lua_State *L, int index);

#endif
