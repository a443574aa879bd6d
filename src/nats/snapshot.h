/* snapshot.h: the stream as a folder of sessions, up to a sequence: brought in one pass in stream order, and further when
 * it is asked for.
 *
 *     stream  s1 s2 s1 s3 s1 ...  --> a buffer, grouped by session --> s1.jsonl ... of a temporary folder
 *                                                                 \--> .pack: small sessions (packing.h)
 *                                                                 \--> .sequences (places.h)
 *
 * The buffer is bounded, and no session's file stays open. What is no message of a session is left out, and counted. */
#ifndef DBF_NATS_SNAPSHOT_H
#define DBF_NATS_SNAPSHOT_H

#include "connect.h"

typedef struct dbf_nats_snapshot dbf_nats_snapshot;

/* Of the stream that was made at `created`. NULL: EIO, EMEMORY. Nothing is read yet. */
dbf_nats_snapshot *dbf_nats_snapshot_new(dbf_nats_connection *c, int64_t created, debrief_error *err);
void dbf_nats_snapshot_free(dbf_nats_snapshot *snapshot, bool forked);

const char *dbf_nats_snapshot_path(const dbf_nats_snapshot *snapshot);

/* Read up to the sequence `until`, or what is left of it. `whole`: each session is to have a file of its own from now on;
 * else small ones may lie in the folder's pack. `patience` (ns): how long nothing may come. Errors: EIO, also
 * when the stream, made at `created`, is another one than it was. */
bool dbf_nats_snapshot_bring(dbf_nats_snapshot *snapshot, int64_t created, uint64_t until, bool whole,
                             int64_t patience, debrief_error *err);

/* Read on by itself, on a thread, until it is called with false; where the stream is removed and made again, what is in
 * the new one follows. */
bool dbf_nats_snapshot_follow(dbf_nats_snapshot *snapshot, bool on, debrief_error *err);

/* Begin after a sequence, when nothing was read yet. */
void dbf_nats_snapshot_skip(dbf_nats_snapshot *snapshot, uint64_t sequence);

/* The sequence up to which it was read. */
uint64_t dbf_nats_snapshot_at(dbf_nats_snapshot *snapshot);

/* Does each session that has lines have a file? */
bool dbf_nats_snapshot_is_whole(dbf_nats_snapshot *snapshot);

/* The sequence of the session's last message; 0: it has none. */
uint64_t dbf_nats_snapshot_last(dbf_nats_snapshot *snapshot, const char *id);

/* How many lines of the session were read. */
uint64_t dbf_nats_snapshot_lines(dbf_nats_snapshot *snapshot, const char *id);

/* The message of a line, and the first line of a message; 0: not found. */
uint64_t dbf_nats_snapshot_sequence(dbf_nats_snapshot *snapshot, const char *id, uint64_t line);
uint64_t dbf_nats_snapshot_line(dbf_nats_snapshot *snapshot, const char *id, uint64_t sequence);

void dbf_nats_snapshot_left_out(dbf_nats_snapshot *snapshot, bool (*each)(void *user, const char *text),
                                void *user);

#endif
