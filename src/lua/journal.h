/* journal.h: a small file of lines that belongs to the process that made it, and to nobody once that is gone.
 *
 *     journal(path) -> journal | nil, message           makes it, 0600, and the folders on the way, 0700
 *     journal_of_dead(path) -> journal, text | nil      takes over one whose owner is gone
 *     lock(path) -> journal | nil, message              waits for a lock on a file, which stays; close gives it back
 *     make_folders(path)                                those on the way to a file, 0700
 *     absolute(path) -> path                            without links where it exists
 *     journal:write(line) -> true | nil, message        journal:remove()        journal:close()
 *
 * The owner holds a lock (flock) on it, which the system takes back however the process ends. Whoever gets the lock later
 * is alone with what was written. A journal that the collector takes is closed, not removed. */
#ifndef DBF_JOURNAL_H
#define DBF_JOURNAL_H

#include <lua.h>

void dbf_journal_open(lua_State *L);

/* Put the functions into the table on top of the stack. */
void dbf_journal_register(lua_State *L);

#endif
