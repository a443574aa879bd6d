/* log.h (script): logs and readers as Lua objects. Functions return values, or nil and a message. */
#ifndef DBF_LUA_LOG_H
#define DBF_LUA_LOG_H

#include <lua.h>

#include <debrief/log.h>

void dbf_lua_log_open(lua_State *L);

/* The log that is argument `index`; raises if it is not a log, or is closed. */
debrief_log *dbf_lua_log_check(lua_State *L, int index);

/* Keep the log at `index` from being closed, from `on` to off: for calls that come back to Lua. Anything else is left
 * alone. */
void dbf_lua_log_pin(lua_State *L, int index, bool on);

/* Lua functions: log(dir [, {sync=, file_mode=, folder_mode=, lock_timeout_ms=, lent=}]) -> log; reader(path, options)
 * -> reader; with `lent` it is the host's own handle if dir is its folder, which costs no system call: for those who close
 * it before the host goes;
 * line(id, entry [, sparse]) -> the text append would write | nil, message; session_id(text) -> id; session_id_valid(text) -> boolean.
 *
 * log:append(id, entry [, sparse]) -> true | nil, message, written, doubtful
 *                written: only the sync failed; doubtful: it may be in the file
 * log:append_batch(id, {entry...}, sparse) -> true | nil, message, number of the bad one, how many are stored, written,
 *                how many of the others may be in the file
 * log:append_new(id, {entry...}) -> stored, known, replaced, longer, too_big | nil, message      sparse, by source key; longer:
 *                how many of the known ended later than those of a store that is never changed; too_big: a message about
 *                entries that fit into none of its messages, or nil; both only of an address
 * log:count_new(id, {entry...}) -> the same; nothing is written
 * log:sessions() -> {id...} | nil, message                            no file is looked at
 * log:list() -> {{session=, path=, size=, mtime=}...}, {{name=, kind=}...} | nil, message      by id; mtime in ns since
 *                1970, path in the folder as it was given; then the names of the form ID.jsonl that are not regular
 *                files, with what they are: "a symbolic link", "a FIFO", "a folder", "a socket", "a device"
 * log:reader(id, {strict=, foreign=}) -> reader | nil, message
 * log:dir() -> path        log:close()
 * log:folder([live]) -> path: where the sessions are to be read | nil, message. Of an address: as they are now; live: and
 *                with what comes, until this log is closed
 * log:store() -> name, shown, {what was left out}, folder: of an address; nil: it is a folder
 * log:sequence(id, line), log:line(id, sequence) -> the message of a line, and back; nil. Of an address
 * log:state() -> {first, last, created, reached} | nil, message; log:skip(sequence) -> true | nil, message. Of an address
 * log:make({replicas=, max_age= ns}) -> made | nil, message. Of an address
 * is_address(text) -> boolean
 *
 * On failure, reader, log:reader, log:sessions, log:list and reader:next return after the message: code (debrief_code),
 * line, offset.
 *
 * A reader's options: strict=, foreign=; since=, until= (ns) or line= leave out all other entries.
 * reader:next([matcher]) -> entry, line, offset, salvaged | nil | nil, message      the next that matches
 * reader:batch(bytes, session) -> texts, each with a newline; as many line (8 bytes), session, NUL; ended [, nil, message]
 *                                       so many bytes of them, or a little more; for callers that look into none
 * reader:cut(step) -> {{begin, end, first line}...} | nil, message     parts of at least `step` bytes (log/cut.h)
 * reader:narrow(begin, end, line)                                        read only that part; before next
 * reader:entries() -> how many were read so far, matching or not; how many were left out for lack of a timestamp
 * reader:diagnostics() -> as diagnostics.h pushes them
 * reader:close() */
void dbf_lua_log_register(lua_State *L);

#endif
