#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
enum { SMALL = 0 }; /* every block from malloc, so that the sanitizer sees each */
#else
enum { SMALL = 2048 };
#endif

enum { STEP = 16, CLASSES = SMALL / STEP + 1, SLAB = 256 * 1024 };

typedef struct free_block {
  struct free_block *next;
} free_block;

struct dbf_memory {
  free_block *lists[CLASSES];
  free_block *slabs; /* the first bytes of each slab link them */
  char *at, *end;    /* what is left of the newest slab */
};

dbf_memory *dbf_memory_new(void) {
  return calloc(1, sizeof(dbf_memory));
}

void dbf_memory_free(dbf_memory *m) {
  while (m && m->slabs) {
    free_block *slab = m->slabs;
    m->slabs = slab->next;
    free(slab);
  }
  free(m);
}

static size_t class_of(size_t size) {
  return (size - 1) / STEP;
}

/* A block from a slab. What is left of the old slab is given up: less than SMALL bytes. */
static void *cut(dbf_memory *m, size_t size) {
  if ((size_t)(m->end - m->at) < size) {
    free_block *slab = malloc(SLAB);
    if (!slab) return NULL;
    slab->next = m->slabs;
    m->slabs = slab;
    m->at = (char *)slab + STEP;
    m->end = (char *)slab + SLAB;
  }
  void *block = m->at;
  m->at += size;
  return block;
}

static void *take(dbf_memory *m, size_t size) {
  if (size > SMALL) return malloc(size);
  size_t class = class_of(size);
  free_block *block = m->lists[class];
  if (!block) return cut(m, (class + 1) * STEP);
  m->lists[class] = block->next;
  return block;
}

static void give(dbf_memory *m, void *block, size_t size) {
  if (size > SMALL) {
    free(block);
    return;
  }
  free_block *b = block;
  b->next = m->lists[class_of(size)];
  m->lists[class_of(size)] = b;
}

static void *resize(dbf_memory *m, void *block, size_t old_size, size_t new_size) {
  if (old_size > SMALL && new_size > SMALL) return realloc(block, new_size);
  if (old_size <= SMALL && new_size <= SMALL && class_of(old_size) == class_of(new_size)) return block;
  void *to = take(m, new_size);
  if (!to) return NULL;
  memcpy(to, block, old_size < new_size ? old_size : new_size);
  give(m, block, old_size);
  return to;
}

void *dbf_memory_allocate(void *memory, void *block, size_t old_size, size_t new_size) {
  dbf_memory *m = memory;
  if (!block) return new_size ? take(m, new_size) : NULL; /* old_size is then a type */
  if (new_size) return resize(m, block, old_size, new_size);
  give(m, block, old_size);
  return NULL;
}
