/* entry_edit.h: replacing bytes of an entry.
 *
 *     {"skill":"a","n":1}  ->  {"skill":"long","n":1}     edit {at 9, removed 3, inserted 6}: values taken earlier follow
 *
 * Each time the whole entry is copied and checked: entry_changes.h makes many assignments one edit. */
#ifndef DBF_ENTRY_EDIT_H
#define DBF_ENTRY_EDIT_H

#include "entry_body.h"
#include "scratch.h"

/* Give the entry the text of `scratch`, which was made from its own by `count` edits, sorted, `shift` and `end` not yet
 * set; they must be memory of C. The userdata at `index` is the entry or a value in it. The text is checked as any entry
 * is: raises when it is not one. What waits (entry_changes.h) is forgotten: it is in the text. */
void dbf_entry_edit_apply(lua_State *L, int index, entry_view *e, const edit *edits, uint32_t count,
                          dbf_scratch *scratch);

/* Replace `removed` bytes at `at`, in the text of the entry, by those of `piece`. `scratch` is taken by the caller; its
 * text is used. Nothing waits. */
void dbf_entry_edit_splice(lua_State *L, int index, entry_view *e, const char *at, size_t removed,
                           const dbf_bytes *piece, dbf_scratch *scratch);

/* Adjust a value's range to all edits that it has not seen; false: it no longer exists, now or since long. */
bool dbf_entry_edit_follow(value_view *v);

/* Where what stood at `offset`, the start of a child, after the first `seen` edits stands now. If it was removed, this is
 * the comma or bracket after it. */
uint32_t dbf_entry_edit_place(const body *b, uint32_t offset, uint32_t seen);

#endif
