#include "sending.h"

#include "error.h"
#include "io.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK 65536

bool dbf_sending_whole(const dbf_sending *sending, uint64_t *whole, uint64_t *size, debrief_error *err) {
  char block[BLOCK];
  struct stat st;
  if (fstat(sending->fd, &st) != 0) return dbf_fail_errno(err, "cannot read %s", sending->path);
  *size = *whole = (uint64_t)st.st_size;
  while (*whole > 0) {
    size_t want = *whole < BLOCK ? (size_t)*whole : BLOCK, got;
    if (!dbf_io_read(sending->fd, sending->path, block, want, *whole - want, &got, err)) return false;
    const char *end = memrchr(block, '\n', got);
    *whole -= want;
    if (end) {
      *whole += (uint64_t)(end + 1 - block);
      break;
    }
  }
  return true;
}

/* Of the line that holds a byte, from 1. */
static uint64_t line_of(const dbf_sending *sending, uint64_t byte) {
  char block[BLOCK];
  uint64_t line = 1, at = 0;
  size_t got;
  while (at < byte && dbf_io_read(sending->fd, sending->path, block, BLOCK, at, &got, NULL) && got > 0) {
    size_t count = byte - at < got ? (size_t)(byte - at) : got;
    for (const char *p = block; (p = memchr(p, '\n', count - (size_t)(p - block))); p++) line++;
    at += count;
  }
  return line;
}

bool dbf_sending_refuse(const dbf_sending *sending, uint64_t at, debrief_error *err) {
  uint64_t line = line_of(sending, at);
  return dbf_fail_at(
      err, DEBRIEF_EARG, line, at,
      "session %s is there already, and from line %llu on it is another: nothing of it was copied",
      sending->id, (unsigned long long)line);
}
