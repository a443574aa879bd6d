/* pick.h: some sessions of a stream in a folder, each brought when it is asked for: for workers, which read a part of a log
 * only. The bytes are those of snapshot.h.
 *
 *     NAME.e.ID  --> a consumer of that subject, from the last message that was taken on --> ID.jsonl */
#ifndef DBF_NATS_PICK_H
#define DBF_NATS_PICK_H

#include "connect.h"

typedef struct dbf_nats_pick dbf_nats_pick;

/* Of the stream that was made at `created`. NULL: EIO, EMEMORY. Nothing is read yet. */
dbf_nats_pick *dbf_nats_pick_new(dbf_nats_connection *c, int64_t created, debrief_error *err);
void dbf_nats_pick_free(dbf_nats_pick *pick, bool forked);

int64_t dbf_nats_pick_created(const dbf_nats_pick *pick);

/* Was half a message written? Then only a new one can go on. */
bool dbf_nats_pick_is_broken(const dbf_nats_pick *pick);

const char *dbf_nats_pick_path(const dbf_nats_pick *pick);

/* Bring a session until its file has `size` bytes, all there are, or the clock says `deadline`. *done: it was not for the
 * time; then *size is how many there are. Errors: EID, EIO, EMEMORY. */
bool dbf_nats_pick_bring(dbf_nats_pick *pick, const char *id, uint64_t *size, int64_t deadline, bool *done,
                         debrief_error *err);

#endif
