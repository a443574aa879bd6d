/* packing.h: writing the pack of a temporary folder (../log/pack.h): small sessions, one after the other in one file.
 *
 *     .pack   |s1 ...|s2 ...|                  |s3 ...|s1, longer .....|
 *              written, `end` bytes             staged, to be written together
 *
 * A session that grows is written again, whole, at the end. What could not be written stays staged, and is written at the
 * same place by the next attempt. */
#ifndef DBF_NATS_PACKING_H
#define DBF_NATS_PACKING_H

#include "../log/bytes.h"

#include <stdint.h>

typedef struct dbf_nats_packing {
  int data, index;
  uint64_t end, index_end;
  dbf_bytes text, records;
} dbf_nats_packing;

/* In the folder, which has no pack yet. False with errno. */
bool dbf_nats_packing_open(dbf_nats_packing *packing, int folder);
void dbf_nats_packing_close(dbf_nats_packing *packing);

/* Read `len` bytes at `origin`, staged or written. False with errno. */
bool dbf_nats_packing_read(const dbf_nats_packing *packing, uint64_t origin, void *to, size_t len);

/* Stage a session: the `size` bytes that it has at *origin, and after them room for `more`, which the caller fills before the
 * next call. *origin becomes its new place. NULL with errno, and nothing is changed. */
char *dbf_nats_packing_stage(dbf_nats_packing *packing, const char *id, uint64_t *origin, uint64_t size,
                             size_t more);

/* Stage the word that a session has a file of its own. False: no memory. */
bool dbf_nats_packing_drop(dbf_nats_packing *packing, const char *id);

/* Write what is staged, once it is so much; 0: whatever it is. False with errno. */
bool dbf_nats_packing_write(dbf_nats_packing *packing, size_t much);

#endif
