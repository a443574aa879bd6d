/* places.h: which message each line of a snapshot came in: a file of records beside the sessions.
 *
 *     .sequences  |s1 line 1 @7|s2 line 1 @8|s1 line 4 @9| ...      each knows the one before of its session
 *                      ^---------------------------'
 *
 * Under the snapshot's mutex. */
#ifndef DBF_NATS_PLACES_H
#define DBF_NATS_PLACES_H

#include "../log/bytes.h"

#include <stdint.h>

/* A message: its first line in the session. */
typedef struct dbf_nats_place {
  uint64_t line, sequence;
  uint64_t before; /* number of the session's record before, from 1; 0: none */
} dbf_nats_place;

/* What of them a session has: kept by its owner, all zero at first. */
typedef struct dbf_nats_trace {
  uint64_t last;  /* the number of its last record */
  uint64_t count; /* of its records */
} dbf_nats_trace;

typedef struct dbf_nats_places {
  int fd;
  uint64_t written; /* records in the file */
  dbf_bytes staged; /* dbf_nats_place[], after them */
  dbf_bytes known;  /* dbf_nats_place[]: those of the session that was asked for last */
  dbf_nats_place found;
  const dbf_nats_trace *asked;
  uint64_t asked_last;
} dbf_nats_places;

/* In the folder, which has none yet. False with errno. */
bool dbf_nats_places_open(dbf_nats_places *places, int folder);
void dbf_nats_places_close(dbf_nats_places *places);

/* Make room for one more, so that noting it does not fail. */
bool dbf_nats_places_reserve(dbf_nats_places *places);

/* A message has come whose first line this is. */
void dbf_nats_places_note(dbf_nats_places *places, dbf_nats_trace *session, uint64_t line, uint64_t sequence);

/* Write what was noted. False with errno: it stays noted, and the next attempt writes it at the same place. */
bool dbf_nats_places_write(dbf_nats_places *places);

/* Forget all. False with errno. */
bool dbf_nats_places_clear(dbf_nats_places *places);

/* The last message of the session whose line (or sequence) is not after `value`; NULL: there is none, or no memory. Valid until
 * the next call. */
const dbf_nats_place *dbf_nats_places_find(dbf_nats_places *places, const dbf_nats_trace *session,
                                           bool by_line, uint64_t value);

#endif
