/* entry_lent.h: entries that a reader lends to hooks: handles to its own scan, good until the reader moves on.
 *
 *     |epoch: 33 bits|kind: 3|place: 28|     a light userdata: no memory, no copy, nothing to collect
 *
 * Each use compares the epoch, so one that was kept after its hook raises, always. Light userdata share one metatable
 * in a state, which therefore serves null, too. They are read-only. Only for states that end no scripts' objects by
 * finalizers (reduced ones), and where a pointer has 64 bits. */
#ifndef DBF_ENTRY_LENT_H
#define DBF_ENTRY_LENT_H

#include "entry_origin.h"
#include "keys.h"

/* What an assignment to an entry that must not change is refused with. */
#define DBF_ENTRY_READ_ONLY                                                                         \
  "entries are read-only here: only the hook enrich can change them (debrief.table(entry) makes a " \
  "copy to work on)"

typedef struct dbf_lender dbf_lender;

/* Make the lender of the state, once. `keys` must stay. */
void dbf_entry_lent_open(lua_State *L, const dbf_keys *keys);

/* From now on the state's readers can lend, where a pointer has 64 bits. */
void dbf_entry_lent_allow(lua_State *L);

/* The lender of the state, good as long as that is; NULL: it lends nothing. */
dbf_lender *dbf_entry_lent_of(lua_State *L);

/* Push a handle of the entry, which must stay until `owner` ends the loan or the next one is lent. */
void dbf_entry_lent_push(lua_State *L, dbf_lender *lender, const void *owner, const dbf_entry *entry,
                         bool bad_utf8, const dbf_entry_origin *origin);

/* All handles of the owner's are over. */
void dbf_entry_lent_end(dbf_lender *lender, const void *owner);

/* Is the value at `index` a handle? What follows raises when its loan is over. */
bool dbf_entry_lent_is(lua_State *L, int index);

/* The JSON value of the handle at `index`, and whether its strings need repair. */
void dbf_entry_lent_get(lua_State *L, int index, dbf_json_value *value, bool *bad_utf8);

/* The entry of the handle at `index` and, unless NULL, whether its strings need repair and where it was read; NULL: it
 * is the handle of a part. */
const dbf_entry *dbf_entry_lent_entry(lua_State *L, int index, bool *bad_utf8, dbf_entry_origin **origin);

/* Push the iterator of ipairs over handles: (array, index) -> index + 1, element. With `attempts` the one that passes over
 * null. */
void dbf_entry_lent_push_iterator(lua_State *L, bool attempts);

#endif
