/* pack.h: small sessions of a folder that lie together in one file. To make, read and remove a file for each of 20,000 takes
 * several times as long as all else that a question about them needs. Only what brings sessions from an address writes a pack
 * (../nats/packing.c), into a temporary folder; nobody appends to a session in one.
 *
 *     .pack     |s1 ......|s2 ...|s3 ....|s1 ............|     whole lines of one session after the other
 *     .packed   record s1, record s2, record s3, record s1     where they are; the last record of a session counts. Size
 *                                                              0: it has a file of its own by now
 *
 * Both files only grow. A record is written after what it names, and after the file when it names none. */
#ifndef DBF_PACK_H
#define DBF_PACK_H

#include "ids.h"
#include "io.h"

#define DBF_PACK_DATA  ".pack"
#define DBF_PACK_INDEX ".packed"

/* A link, which says why what comes to the folder cannot be written at the moment. */
#define DBF_PACK_STALLED ".stalled"

/* In the index, with the id after it. */
typedef struct dbf_pack_record {
  uint64_t origin, size; /* bytes of .pack */
  int64_t mtime_ns;
  uint32_t id_len;
  uint32_t unused; /* 0 */
} dbf_pack_record;

typedef struct dbf_packed {
  uint64_t origin, size;
  int64_t mtime_ns;
} dbf_packed;

typedef struct dbf_pack_member {
  dbf_packed at;
  char id[];
} dbf_pack_member;

/* What a folder's index has said so far. All zero: nothing. */
typedef struct dbf_pack {
  bool asked;      /* whether there is one: it would have been made with its folder */
  bool there;      /* and there is */
  int index, data; /* then */
  uint64_t read;   /* bytes of the index */
  dbf_ids ids;
  dbf_pack_member **members; /* by number */
  uint32_t room;
} dbf_pack;

/* Read what the index of the open folder has got since. True also when it has none. Errors: EIO, EMEMORY. */
bool dbf_pack_look(dbf_pack *pack, int folder, debrief_error *err);

/* The session's last record; NULL: it has none. Valid until the next look. */
const dbf_packed *dbf_pack_find(const dbf_pack *pack, const char *id);

void dbf_pack_release(dbf_pack *pack);

#endif
