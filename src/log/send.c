#include "send.h"

#include "error.h"
#include "io.h"
#include "lock.h"
#include "log_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 18)
#define STEP  ((uint64_t)16 << 20) /* bytes for which the lock is held */

/* The target has `size` bytes: are the first of them, up to `whole`, those of the file? */
static bool compare(const dbf_sending *s, int to, uint64_t size, uint64_t whole, char *ours,
                    debrief_error *err) {
  uint64_t end = size < whole ? size : whole;
  char *theirs = ours + BLOCK;
  for (uint64_t at = 0; at < end;) {
    size_t want = end - at < BLOCK ? (size_t)(end - at) : BLOCK, got, there;
    if (!dbf_io_read(s->fd, s->path, ours, want, at, &got, err)) return false;
    if (!dbf_io_read(to, s->id, theirs, got, at, &there, err)) return false;
    size_t same = 0;
    while (same < there && ours[same] == theirs[same]) same++;
    if (same < want) return dbf_sending_refuse(s, at + same, err);
    at += want;
  }
  return true;
}

static bool write_some(dbf_sending *s, int to, uint64_t whole, char *block, debrief_error *err) {
  uint64_t end = whole - s->offset < STEP ? whole : s->offset + STEP;
  while (s->offset < end) {
    size_t want = end - s->offset < BLOCK ? (size_t)(end - s->offset) : BLOCK, got;
    if (!dbf_io_read(s->fd, s->path, block, want, s->offset, &got, err)) return false;
    if (got == 0) return dbf_fail(err, DEBRIEF_EIO, "%s became shorter", s->path);
    if (!dbf_io_write_all(to, block, got)) return dbf_fail_errno(err, "cannot write session %s", s->id);
    for (const char *p = block; (p = memchr(p, '\n', got - (size_t)(p - block))); p++) s->lines++;
    s->offset += got;
  }
  return true;
}

static bool step(dbf_sending *s, int to, char *blocks, debrief_error *err) {
  uint64_t whole, end;
  off_t size = lseek(to, 0, SEEK_END);
  if (size < 0) return dbf_fail_errno(err, "cannot read session %s", s->id);
  if (!dbf_sending_whole(s, &whole, &end, err)) return false;
  bool seen = s->known && s->offset == (uint64_t)size;
  if (!seen && !compare(s, to, (uint64_t)size, whole, blocks, err)) return false;
  s->known = true;
  s->offset = (uint64_t)size < whole ? (uint64_t)size : whole;
  if (!write_some(s, to, whole, blocks, err)) return false;
  s->rest = end - whole;
  s->done = s->offset == whole;
  return true;
}

bool dbf_log_send(debrief_log *log, dbf_sending *sending, debrief_error *err) {
  uint32_t timeout;
  uint64_t deadline = 0;
  int to = -1;
  sending->lines = sending->too_big = 0;
  dbf_directory *dir = dbf_log_directory(log, &timeout, err);
  if (!dir || !dbf_directory_open_session(dir, sending->id, true, &to, NULL, err)) return false;
  char *blocks = malloc(2 * BLOCK);
  bool ok = blocks || dbf_fail_memory(err);
  ok = ok && dbf_lock_wait(to, sending->id, "append to it", timeout, &deadline, err) &&
       step(sending, to, blocks, err);
  free(blocks);
  close(to);
  return ok;
}
