#include "pack.h"

#include "bytes.h"
#include "error.h"
#include "look.h"
#include "session_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 18)

/* ---- Members ------------------------------------------------------------------------------------------------ */

static bool make_room(dbf_pack *p) {
  if (!dbf_ids_reserve(&p->ids)) return false;
  if (p->room == p->ids.room) return true;
  dbf_pack_member **members = realloc(p->members, p->ids.room * sizeof(dbf_pack_member *));
  if (!members) return false;
  p->members = members;
  p->room = p->ids.room;
  return true;
}

static dbf_pack_member *add(dbf_pack *p, const char *id, size_t len) {
  dbf_pack_member *one = make_room(p) ? malloc(sizeof *one + len + 1) : NULL;
  if (!one) return NULL;
  memcpy(one->id, id, len);
  one->id[len] = '\0';
  return p->members[dbf_ids_add(&p->ids, one->id)] = one;
}

static bool note(dbf_pack *p, const dbf_pack_record *record, const char *id) {
  uint32_t number = dbf_ids_find(&p->ids, id, record->id_len);
  dbf_pack_member *one = number == DBF_IDS_NONE ? add(p, id, record->id_len) : p->members[number];
  if (!one) return false;
  one->at = (dbf_packed){.origin = record->origin, .size = record->size, .mtime_ns = record->mtime_ns};
  return true;
}

const dbf_packed *dbf_pack_find(const dbf_pack *p, const char *id) {
  uint32_t number = p->there ? dbf_ids_find(&p->ids, id, strlen(id)) : DBF_IDS_NONE;
  return number == DBF_IDS_NONE ? NULL : &p->members[number]->at;
}

/* ---- The index ------------------------------------------------------------------------------------------------ */

/* -1 with errno; ENOENT also for what is no regular file, and left alone. */
static int open_part(int folder, const char *name) {
  struct stat st;
  int fd = dbf_io_above(openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (fd < 0) return -1;
  int failed = fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : ENOENT;
  if (!failed) return fd;
  close(fd);
  errno = failed;
  return -1;
}

/* True also when there is no pack. */
static bool open_both(dbf_pack *p, int folder, debrief_error *err) {
  p->index = open_part(folder, DBF_PACK_INDEX);
  if (p->index < 0)
    return errno == ENOENT || errno == ELOOP || dbf_fail_errno(err, "cannot open " DBF_PACK_INDEX);
  p->data = open_part(folder, DBF_PACK_DATA);
  p->there = p->data >= 0 && dbf_ids_init(&p->ids);
  if (p->there) return true;
  bool ok = p->data >= 0 ? dbf_fail_memory(err)
                         : errno == ENOENT || dbf_fail_errno(err, "cannot open " DBF_PACK_DATA);
  if (p->data >= 0) close(p->data);
  close(p->index);
  return ok;
}

static bool is_record(const dbf_pack_record *record, const char *id) {
  return record->size <= INT64_MAX && record->origin <= INT64_MAX - record->size &&
         dbf_session_id_is(id, record->id_len);
}

/* Take the whole records of the block. *used: their bytes. */
static bool take(dbf_pack *p, const char *block, size_t len, size_t *used, debrief_error *err) {
  dbf_pack_record record;
  for (*used = 0; len - *used >= sizeof record; *used += sizeof record + record.id_len) {
    memcpy(&record, block + *used, sizeof record);
    const char *id = block + *used + sizeof record;
    if (record.id_len > DBF_SESSION_ID_MAX)
      return dbf_fail(err, DEBRIEF_EIO, "%s is damaged at byte %llu", DBF_PACK_INDEX,
                      (unsigned long long)(p->read + *used));
    if (len - *used - sizeof record < record.id_len) break;
    if (!is_record(&record, id))
      return dbf_fail(err, DEBRIEF_EIO, "%s is damaged at byte %llu", DBF_PACK_INDEX,
                      (unsigned long long)(p->read + *used));
    if (!note(p, &record, id)) return dbf_fail_memory(err);
  }
  return true;
}

static bool read_on(dbf_pack *p, uint64_t size, debrief_error *err) {
  char *block = malloc(BLOCK);
  bool ok = block || dbf_fail_memory(err);
  size_t got, used = 1;
  while (ok && used > 0 && p->read < size) {
    ok = dbf_io_read(p->index, DBF_PACK_INDEX, block, BLOCK, p->read, &got, err) &&
         take(p, block, got, &used, err);
    if (ok) p->read += used;
  }
  free(block);
  return ok;
}

bool dbf_pack_look(dbf_pack *p, int folder, debrief_error *err) {
  dbf_look look;
  if (!p->asked && !open_both(p, folder, err)) return false;
  p->asked = true;
  if (!p->there) return true;
  if (!dbf_look_at(p->index, &look)) return dbf_fail_errno(err, "cannot look at %s", DBF_PACK_INDEX);
  return look.size <= p->read || read_on(p, look.size, err);
}

void dbf_pack_release(dbf_pack *p) {
  if (p->there) {
    close(p->index);
    close(p->data);
  }
  for (uint32_t i = 0; i < p->ids.count; i++) free(p->members[i]);
  free(p->members);
  dbf_ids_release(&p->ids);
  *p = (dbf_pack){.there = false};
}
