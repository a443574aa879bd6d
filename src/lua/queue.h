/* queue.h: the queue of work beside a log with an address, as a Lua object.
 *
 *     queue(address, { creds =, tls_ca =, tls_cert =, tls_key =, timeout_ms = }) -> queue | nil, message
 *
 * Its methods return nil and a message when they fail, and are those of ../log/queue.h:
 *
 *     queue:shown() -> the address without credentials
 *     queue:make(), queue:room() -> bytes
 *     queue:put(part, key, data, id)              part: "work" or "rest"
 *     queue:next(key, sequence) -> data, sequence, key, nil | false
 *     queue:purge(part, key)
 *     queue:offer(job, patience_ms)               withdrawn when the queue is closed, whatever ended its user
 *     queue:ask(job, ms), queue:answer(reply, text)
 *     queue:say(key, data), queue:listen(key)
 *     queue:hear(ms) -> data, deliveries, key, reply or nil | false
 *     queue:bring(id, size, ms) -> bytes of the session's file, once it has `size` or all there are | false: not yet
 *     queue:folder() -> where such files are
 *     queue:jobs() -> text: NAME WAITING UNDER_WAY, a line for each job
 *     queue:close() */
#ifndef DBF_LUA_QUEUE_H
#define DBF_LUA_QUEUE_H

#include <lua.h>

void dbf_queue_register(lua_State *L);

#endif
