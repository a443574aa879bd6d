#include "entry_gone.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct range {
  uint32_t from, to;
} range;

static_assert(sizeof(range) == DBF_GONE_SIZE, "room for one is reserved by this size");

enum { UNSORTED = 64 }; /* newest ranges, at the end: many may come from the last to the first */

static int compare_ranges(const void *a, const void *b) {
  const range *x = a, *y = b;
  return (x->from > y->from) - (x->from < y->from);
}

static size_t sorted_part(const dbf_bytes *gone) {
  size_t n = gone->len / sizeof(range);
  return n - n % UNSORTED;
}

/* Sort the last UNSORTED of `n` ranges into the others. A range reaches as far as any before it: that is what is asked. */
static void merge(range *all, size_t n) {
  range tail[UNSORTED];
  size_t i = n - UNSORTED, j = UNSORTED;
  memcpy(tail, all + i, sizeof tail);
  qsort(tail, UNSORTED, sizeof *tail, compare_ranges);
  for (size_t to = n; j > 0;) {
    bool old = i > 0 && all[i - 1].from > tail[j - 1].from;
    all[--to] = old ? all[--i] : tail[--j];
  }
  for (i += i == 0; i < n; i++)
    if (all[i].to < all[i - 1].to) all[i].to = all[i - 1].to;
}

void dbf_entry_gone_add(dbf_bytes *gone, uint32_t from, uint32_t to) {
  range r = {from, to};
  dbf_bytes_append(gone, &r, sizeof r); /* there is room */
  size_t n = gone->len / sizeof(range);
  if (n % UNSORTED == 0) merge((range *)(void *)gone->data, n);
}

bool dbf_entry_gone_has(const dbf_bytes *gone, uint32_t from) {
  const range *all = (const range *)(const void *)gone->data;
  size_t first = 0, end = sorted_part(gone), n = gone->len / sizeof(range);
  for (size_t i = end; i < n; i++)
    if (all[i].from <= from && from < all[i].to) return true;
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (all[middle].from <= from) first = middle + 1;
    else end = middle;
  }
  return first > 0 && from < all[first - 1].to;
}
