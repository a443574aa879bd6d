#include "packing.h"

#include "../log/io.h"
#include "../log/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int make_file(int folder, const char *name) {
  return dbf_io_above(openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
}

bool dbf_nats_packing_open(dbf_nats_packing *p, int folder) {
  *p = (dbf_nats_packing){.data = make_file(folder, DBF_PACK_DATA), .index = -1};
  if (p->data >= 0) p->index = make_file(folder, DBF_PACK_INDEX);
  return p->index >= 0;
}

void dbf_nats_packing_close(dbf_nats_packing *p) {
  if (p->data >= 0) close(p->data);
  if (p->index >= 0) close(p->index);
  dbf_bytes_release(&p->text);
  dbf_bytes_release(&p->records);
}

bool dbf_nats_packing_read(const dbf_nats_packing *p, uint64_t origin, void *to, size_t len) {
  if (origin >= p->end) {
    memcpy(to, p->text.data + (origin - p->end), len);
    return true;
  }
  ssize_t got = dbf_io_read_at(p->data, to, len, origin);
  if (got >= 0 && (size_t)got < len) errno = EIO;
  return got == (ssize_t)len;
}

/* A failure leaves what is there as it was. */
static bool make_room(dbf_bytes *bytes, size_t len) {
  if (dbf_bytes_reserve(bytes, len)) return true;
  bytes->failed = false;
  errno = ENOMEM;
  return false;
}

static bool stage_record(dbf_nats_packing *p, const char *id, uint64_t origin, uint64_t size) {
  struct timespec now;
  dbf_pack_record record = {.origin = origin, .size = size, .id_len = (uint32_t)strlen(id)};
  clock_gettime(CLOCK_REALTIME, &now);
  record.mtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  if (!make_room(&p->records, sizeof record + record.id_len)) return false;
  dbf_bytes_append(&p->records, &record, sizeof record);
  dbf_bytes_append(&p->records, id, record.id_len);
  return true;
}

char *dbf_nats_packing_stage(dbf_nats_packing *p, const char *id, uint64_t *origin, uint64_t size,
                             size_t more) {
  uint64_t place = p->end + p->text.len;
  if (!make_room(&p->text, (size_t)size + more)) return NULL;
  char *to = p->text.data + p->text.len;
  if (size && !dbf_nats_packing_read(p, *origin, to, (size_t)size)) return NULL;
  if (!stage_record(p, id, place, size + more)) return NULL;
  p->text.len += (size_t)size + more;
  *origin = place;
  return to + size;
}

bool dbf_nats_packing_drop(dbf_nats_packing *p, const char *id) {
  return stage_record(p, id, 0, 0);
}

/* The records after what they name. */
bool dbf_nats_packing_write(dbf_nats_packing *p, size_t much) {
  if (p->text.len < much) return true;
  if (!dbf_io_write_at(p->data, p->text.data, p->text.len, p->end)) return false;
  p->end += p->text.len;
  dbf_bytes_clear(&p->text);
  if (!dbf_io_write_at(p->index, p->records.data, p->records.len, p->index_end)) return false;
  p->index_end += p->records.len;
  dbf_bytes_clear(&p->records);
  return true;
}
