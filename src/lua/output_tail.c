#include "output_tail.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SEGMENTS = 8192 }; /* changes from one stream to the other that are known */

typedef struct segment {
  uint32_t stream, len;
} segment;

/* |head|ring of stream 0|ring of stream 1|; and a ring of segments over both. */
struct dbf_output_tail {
  size_t keep;
  uint64_t total[2];
  unsigned
      part[2]; /* bytes at the end of a stream that begin a character: they are counted with the next ones */
  size_t first, count;
  segment segments[SEGMENTS];
  char ring[];
};

/* How many bytes at the end begin a character of UTF-8 that is not whole. */
static unsigned partial(const char *data, size_t len) {
  for (unsigned back = 1; back <= 3 && back <= len; back++) {
    unsigned char c = (unsigned char)data[len - back];
    if (c < 0x80) return 0;
    if (c >= 0xc0) return back < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) ? back : 0;
  }
  return 0;
}

dbf_output_tail *dbf_output_tail_new(lua_State *L, size_t keep) {
  dbf_output_tail *t = lua_newuserdatauv(L, sizeof *t + 2 * keep, 0);
  memset(t, 0, sizeof *t);
  t->keep = keep;
  return t;
}

static void put_in_ring(dbf_output_tail *t, int stream, const char *data, size_t len) {
  char *ring = t->ring + (size_t)stream * t->keep;
  if (len > t->keep) t->total[stream] += len - t->keep, data += len - t->keep, len = t->keep;
  size_t at = t->keep ? (size_t)(t->total[stream] % t->keep) : 0,
         front = t->keep - at < len ? t->keep - at : len;
  memcpy(ring + at, data, front);
  memcpy(ring, data + front, len - front);
  t->total[stream] += len;
}

static void add_segment(dbf_output_tail *t, int stream, size_t len) {
  segment *last = t->count ? &t->segments[(t->first + t->count - 1) % SEGMENTS] : NULL;
  if (len == 0) return;
  if (last && last->stream == (uint32_t)stream && len < UINT32_MAX - last->len) {
    last->len += (uint32_t)len;
    return;
  }
  if (t->count == SEGMENTS) t->first = (t->first + 1) % SEGMENTS, t->count--;
  t->segments[(t->first + t->count++) % SEGMENTS] = (segment){(uint32_t)stream, (uint32_t)len};
}

void dbf_output_tail_add(dbf_output_tail *t, int stream, const char *data, size_t len) {
  unsigned rest = partial(data, len);
  put_in_ring(t, stream, data, len);
  add_segment(t, stream, len + t->part[stream] - rest);
  t->part[stream] = rest;
}

/* What of each segment is still there: the last ones, as far as the rings reach. The others are emptied. */
static void cut_segments(dbf_output_tail *t) {
  size_t room[2] = {t->keep, t->keep};
  for (size_t i = t->count; i-- > 0;) {
    segment *s = &t->segments[(t->first + i) % SEGMENTS];
    if (s->len > room[s->stream]) s->len = (uint32_t)room[s->stream];
    room[s->stream] -= s->len;
  }
}

static bool continues(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

void dbf_output_tail_push(lua_State *L, dbf_output_tail *t) {
  uint64_t at[2], cut;
  luaL_Buffer b;
  for (int s = 0; s < 2; s++) add_segment(t, s, t->part[s]);
  cut_segments(t);
  memcpy(at, t->total, sizeof at);
  for (size_t i = 0; i < t->count; i++) {
    const segment *s = &t->segments[(t->first + i) % SEGMENTS];
    at[s->stream] -= s->len;
  }
  cut = at[0] + at[1];
  bool fresh[2] = {at[0] > 0, at[1] > 0};
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < t->count; i++) {
    const segment *s = &t->segments[(t->first + i) % SEGMENTS];
    for (uint32_t n = 0; n < s->len; n++) {
      char c = t->ring[(size_t)s->stream * t->keep + (size_t)(at[s->stream]++ % t->keep)];
      fresh[s->stream] = fresh[s->stream] && continues(c);
      if (fresh[s->stream]) cut++;
      else luaL_addchar(&b, c);
    }
  }
  luaL_pushresult(&b);
  lua_pushinteger(L, (lua_Integer)cut);
}
