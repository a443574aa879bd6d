#include "replace.h"

#include <stdlib.h>
#include <string.h>

void dbf_replace_init(dbf_replace *r) {
  memset(r, 0, sizeof *r);
}

void dbf_replace_release(dbf_replace *r) {
  dbf_bytes_release(&r->spans);
  dbf_bytes_release(&r->places);
}

static void count_one(dbf_replace *r, const char *kind) {
  size_t i = 0;
  while (i < r->tally_count && strcmp(r->tallies[i].kind, kind) != 0) i++;
  if (i == DBF_REPLACE_KINDS) return;
  if (i == r->tally_count) r->tallies[r->tally_count++] = (dbf_tally){kind, 0};
  r->tallies[i].count++;
}

static int compare_raws(const void *a, const void *b) {
  const dbf_raw_span *x = a, *y = b;
  return (x->from > y->from) - (x->from < y->from);
}

static void put_marker(dbf_replace *r, dbf_bytes *out, const char *kind) {
  dbf_bytes_append(&r->places, &out->len, sizeof out->len);
  dbf_bytes_append(out, "[REDACTED:", 10);
  dbf_bytes_append(out, kind, strlen(kind));
  dbf_bytes_append_char(out, ']');
  count_one(r, kind);
}

/* Of valid JSON, the part of a text that a search for strings has come to. */
typedef struct json_place {
  size_t at;
  bool in_string;
} json_place;

static bool is_escaped(const char *text, size_t at) {
  size_t begin = at;
  while (begin > 0 && text[begin - 1] == '\\') begin--;
  return (at - begin) % 2 == 1;
}

/* Is `to`, which is past the place, in a string? What is between strings must stay. */
static bool is_in_string(json_place *p, const char *text, size_t to) {
  for (const char *quote; (quote = memchr(text + p->at, '"', to - p->at)) != NULL;
       p->at = (size_t)(quote - text) + 1)
    if (!p->in_string || !is_escaped(text, (size_t)(quote - text))) p->in_string = !p->in_string;
  p->at = to;
  return p->in_string;
}

bool dbf_replace_write(dbf_replace *r, const char *text, size_t len, bool json, dbf_bytes *out) {
  size_t count = r->spans.len / sizeof(dbf_raw_span), done = 0;
  dbf_raw_span *spans = (dbf_raw_span *)(void *)r->spans.data;
  json_place place = {0};
  if (count > 1) qsort(spans, count, sizeof *spans, compare_raws);
  dbf_bytes_clear(out);
  dbf_bytes_clear(&r->places);
  for (size_t i = 0; i < count;) {
    dbf_raw_span all = spans[i++];
    if (all.to <= all.from || (json && !is_in_string(&place, text, all.from))) continue;
    for (; i < count && spans[i].from < all.to; i++) {
      if (spans[i].to > all.to) all.to = spans[i].to;
      if (spans[i].rank < all.rank) all.rank = spans[i].rank, all.kind = spans[i].kind;
    }
    dbf_bytes_append(out, text + done, all.from - done);
    put_marker(r, out, all.kind);
    done = all.to;
  }
  if (done == 0) return false;
  dbf_bytes_append(out, text + done, len - done);
  return true;
}
