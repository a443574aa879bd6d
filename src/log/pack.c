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

#define NONE  UINT32_MAX
#define BLOCK ((size_t)1 << 18)

/* ---- Members ------------------------------------------------------------------------------------------------ */

static uint32_t *slot_of(const dbf_pack *p, const char *id, size_t len) {
  uint32_t at = (uint32_t)dbf_hash_keyed(&p->key, id, len) & (p->slots - 1);
  while (p->table[at] != NONE) {
    const char *there = p->list[p->table[at]]->id;
    if (strncmp(there, id, len) == 0 && there[len] == '\0') break;
    at = (at + 1) & (p->slots - 1);
  }
  return &p->table[at];
}

static bool grow(dbf_pack *p) {
  uint32_t room = p->room ? p->room * 2 : 64;
  uint32_t *table = malloc((size_t)room * 2 * sizeof *table);
  dbf_pack_member **list = table ? realloc(p->list, room * sizeof(dbf_pack_member *)) : NULL;
  if (!list) return free(table), false;
  p->list = list;
  free(p->table);
  p->table = table;
  p->slots = room * 2;
  p->room = room;
  memset(table, 0xff, (size_t)p->slots * sizeof *table);
  for (uint32_t i = 0; i < p->count; i++) *slot_of(p, p->list[i]->id, strlen(p->list[i]->id)) = i;
  return true;
}

static bool note(dbf_pack *p, const dbf_pack_record *record, const char *id) {
  size_t len = record->id_len;
  if (p->count == p->room && !grow(p)) return false;
  uint32_t *slot = slot_of(p, id, len);
  dbf_pack_member *one = *slot == NONE ? malloc(sizeof *one + len + 1) : p->list[*slot];
  if (!one) return false;
  if (*slot == NONE) {
    memcpy(one->id, id, len);
    one->id[len] = '\0';
    *slot = p->count;
    p->list[p->count++] = one;
  }
  one->at = (dbf_packed){.origin = record->origin, .size = record->size, .mtime_ns = record->mtime_ns};
  return true;
}

const dbf_packed *dbf_pack_find(const dbf_pack *p, const char *id) {
  uint32_t at = p->count ? *slot_of(p, id, strlen(id)) : NONE;
  return at == NONE ? NULL : &p->list[at]->at;
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

/* True without a list: there is no pack. */
static bool open_both(dbf_pack *p, int folder, debrief_error *err) {
  p->index = open_part(folder, DBF_PACK_INDEX);
  if (p->index < 0)
    return errno == ENOENT || errno == ELOOP || dbf_fail_errno(err, "cannot open " DBF_PACK_INDEX);
  p->data = open_part(folder, DBF_PACK_DATA);
  p->key = dbf_hash_key_new();
  if (p->data >= 0 && grow(p)) return true;
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
  if (!p->list) return true;
  if (!dbf_look_at(p->index, &look)) return dbf_fail_errno(err, "cannot look at %s", DBF_PACK_INDEX);
  return look.size <= p->read || read_on(p, look.size, err);
}

void dbf_pack_release(dbf_pack *p) {
  p->asked = false;
  if (!p->list) return;
  close(p->index);
  close(p->data);
  for (uint32_t i = 0; i < p->count; i++) free(p->list[i]);
  free(p->list);
  free(p->table);
  *p = (dbf_pack){.list = NULL};
}
