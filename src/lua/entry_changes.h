/* entry_changes.h: assignments to an entry that wait, so that many of them are one edit.
 *
 *     entry.input.a = 1        {"skill":"x","input":{"n":7,"m":2}}
 *     entry.input.n = 8                             |      `-- removed
 *     entry.input.m = nil                           `-- container: "a" added 1, "n" replaced by 8, "m" removed
 *
 * An assignment is noted with the container it goes to; fields are read from the notes first. Whatever looks at a whole
 * container (its text, pairs) puts all of them into the entry at once (entry_flush.h). So thirty thousand
 * assignments, to as many members or always the same one, take as long as reading the result, not its square.
 *
 * Only what the check of the entry cannot refuse waits: an error is raised by the assignment that made it. */
#ifndef DBF_ENTRY_CHANGES_H
#define DBF_ENTRY_CHANGES_H

#include "entry_body.h"

#include <lua.h>

/* Make the metatable; once a state. */
void dbf_entry_changes_open(lua_State *L);

/* Note the assignment of `json` (NULL: nil) to the child of argument 1 whose key is argument 2, a string, or an index of
 * the array or one more. `p` is the place of argument 1. False: it cannot wait. */
bool dbf_entry_changes_put(lua_State *L, const place *p, const dbf_bytes *json);

typedef enum dbf_waiting {
  DBF_UNCHANGED, /* look in the body */
  DBF_FOUND,     /* *value: in the body, or among what waits */
  DBF_ABSENT
} dbf_waiting;

/* The child of argument 1, the container that begins at `from` in an entry with changes, whose key is at `key`. *waits: the
 * value is not in the body, and gone with the next assignment. */
dbf_waiting dbf_entry_changes_find(lua_State *L, entry_view *e, uint32_t from, int key, dbf_json_value *value,
                                   bool *waits);

/* The same for a child that begins at `at` in the body: what is to be seen instead of it. */
dbf_waiting dbf_entry_changes_at(lua_State *L, entry_view *e, uint32_t from, int key, uint32_t at,
                                 dbf_json_value *value, bool *waits);

/* How many children argument 1 has, whose place is `p`; false: it was not assigned to. */
bool dbf_entry_changes_count(lua_State *L, const place *p, uint32_t *count);

/* How many a container has in the body. */
uint32_t dbf_entry_changes_children(const dbf_json_value *of);

/* Was something added to the container since it was flushed? */
bool dbf_entry_changes_added(lua_State *L, entry_view *e, uint32_t from);

/* Does a value that was replaced or removed hold this one? */
bool dbf_entry_changes_cover(const entry_view *e, uint32_t from);

#endif
