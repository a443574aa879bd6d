#include "memory.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
  SMALL = DBF_SANITIZED ? 0 : 2048
}; /* with a sanitizer every block is malloc's, so that it sees each */

enum { STEP = 16, CLASSES = SMALL / STEP + 1, SLAB = 256 * 1024, LARGE = 4 * 1024 * 1024, PAGE = 4096 };

typedef struct free_block {
  struct free_block *next;
} free_block;

struct dbf_memory {
  lua_Alloc allocate;
  void *user;
  size_t limit;    /* 0: none */
  dbf_quota quota; /* of the limit: bytes that may still be given out */
  size_t taken;    /* bytes of slabs and larger blocks */
  bool was_short;  /* something was refused */
  free_block *lists[CLASSES];
  free_block *slabs; /* the first bytes of each slab link them */
  char *at, *end;    /* what is left of the newest slab */
};

/* Large blocks come in large pages, where the system has them: otherwise code that fills memory spends nearly all of its
 * time on a fault every 4 KiB (measured: 1.7 s for 200 MiB, 0.2 s with). */
static void use_large_pages(void *block, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (page - (uintptr_t)block % page) % page;
  int e = errno;
  madvise((char *)block + before, size - before, MADV_HUGEPAGE); /* refused: as before */
  errno = e;
}

void *dbf_memory_plain(void *user, void *block, size_t old_size, size_t new_size) {
  (void)user;
  if (!new_size) {
    free(block);
    return NULL;
  }
  void *to = realloc(block, new_size);
  if (to && new_size >= LARGE && (!block || old_size < new_size)) use_large_pages(to, new_size);
  return to;
}

dbf_memory *dbf_memory_new(lua_Alloc allocate, void *user, size_t limit) {
  if (!allocate) allocate = dbf_memory_plain;
  dbf_memory *m = allocate(user, NULL, 0, sizeof *m);
  if (m) *m = (dbf_memory){.allocate = allocate, .user = user, .limit = limit, .quota = {.left = limit}};
  return m;
}

void dbf_memory_free(dbf_memory *m) {
  while (m && m->slabs) {
    free_block *slab = m->slabs;
    m->slabs = slab->next;
    m->allocate(m->user, slab, SLAB, 0);
  }
  if (m) m->allocate(m->user, m, sizeof *m, 0);
}

static size_t class_of(size_t size) {
  return (size - 1) / STEP;
}

/* What a block of this size takes. */
static size_t whole(size_t size) {
  return size > SMALL ? size : (class_of(size) + 1) * STEP;
}

static void *refuse(dbf_memory *m) {
  m->quota.refused = m->was_short = true;
  return NULL;
}

/* Resize what came from `allocate`, of which `taken` keeps count. What gets smaller is never refused. */
static void *obtain(dbf_memory *m, void *block, size_t old_size, size_t new_size) {
  size_t most = m->limit > SIZE_MAX / 2 - SLAB ? SIZE_MAX : 2 * m->limit + SLAB;
  if (m->limit && new_size > old_size && (new_size > most || m->taken - old_size > most - new_size))
    return refuse(m);
  void *to = m->allocate(m->user, block, old_size, new_size);
  if (!to && new_size) {
    m->quota.refused = false;
    m->was_short = true;
  }
  assert(m->taken >= old_size);
  if (to || !new_size) m->taken = m->taken - old_size + new_size;
  return to;
}

/* One call for all pages of a slab instead of a fault for each: on a virtual machine faults are a tenth of an import. An
 * older kernel refuses, which is as good. */
static void populate(void *slab) {
#if defined(MADV_POPULATE_WRITE)
  uintptr_t mask = PAGE - 1, from = ((uintptr_t)slab + mask) & ~mask, to = ((uintptr_t)slab + SLAB) & ~mask;
  int saved = errno;
  if (madvise((void *)from, to - from, MADV_POPULATE_WRITE) != 0) errno = saved;
#else
  (void)slab;
#endif
}

/* A block from a slab. What is left of the old slab is given up: less than SMALL bytes. */
static void *cut(dbf_memory *m, size_t size) {
  if ((size_t)(m->end - m->at) < size) {
    free_block *slab = obtain(m, NULL, 0, SLAB);
    if (!slab) return NULL;
    if (m->slabs) populate(slab); /* not the first: a small state uses little of it */
    slab->next = m->slabs;
    m->slabs = slab;
    m->at = (char *)slab + STEP;
    m->end = (char *)slab + SLAB;
  }
  void *block = m->at;
  m->at += size;
  assert(m->at <= m->end && size % STEP == 0);
  return block;
}

static void *take(dbf_memory *m, size_t size) {
  if (size > SMALL) return obtain(m, NULL, 0, size);
  size_t class = class_of(size);
  free_block *block = m->lists[class];
  if (!block) return cut(m, (class + 1) * STEP);
  m->lists[class] = block->next;
  return block;
}

static void release(dbf_memory *m, void *block, size_t size) {
  if (size > SMALL) {
    obtain(m, block, size, 0);
    return;
  }
  free_block *b = block;
  b->next = m->lists[class_of(size)];
  m->lists[class_of(size)] = b;
}

static void *resize(dbf_memory *m, void *block, size_t old_size, size_t new_size) {
  if (old_size > SMALL && new_size > SMALL) return obtain(m, block, old_size, new_size);
  if (old_size <= SMALL && new_size <= SMALL && class_of(old_size) == class_of(new_size)) return block;
  void *to = take(m, new_size);
  if (!to) return NULL;
  memcpy(to, block, old_size < new_size ? old_size : new_size);
  release(m, block, old_size);
  return to;
}

void *dbf_memory_allocate(void *memory, void *block, size_t old_size, size_t new_size) {
  dbf_memory *m = memory;
  size_t before = block ? whole(old_size) : 0,
         after = new_size ? whole(new_size) : 0; /* without a block, old_size is a type */
  void *to = NULL;
  if (m->limit && after > before && after - before > m->quota.left) return refuse(m);
  if (!block && new_size) to = take(m, new_size);
  else if (new_size) to = resize(m, block, old_size, new_size);
  else if (block) release(m, block, old_size);
  if (to || !new_size) m->quota.left = m->quota.left + before - after;
  return to;
}

dbf_quota *dbf_memory_quota(lua_State *L) {
  void *memory;
  if (lua_getallocf(L, &memory) != dbf_memory_allocate) return NULL;
  dbf_memory *m = memory;
  return m->limit ? &m->quota : NULL;
}

bool dbf_memory_is_over(lua_State *L) {
  const dbf_quota *quota = dbf_memory_quota(L);
  return quota && quota->refused;
}

/* The memory of a state that dbf_state_new made. */
static const dbf_memory *memory_of(lua_State *L) {
  void *memory;
  lua_Alloc allocate = lua_getallocf(L, &memory);
  (void)allocate;
  assert(allocate == dbf_memory_allocate);
  return memory;
}

size_t dbf_memory_limit(lua_State *L) {
  return memory_of(L)->limit;
}

size_t dbf_memory_taken(lua_State *L) {
  return memory_of(L)->taken;
}

bool dbf_memory_is_half_full(lua_State *L) {
  const dbf_memory *m = memory_of(L);
  return m->limit && m->quota.left < m->limit / 2;
}

bool dbf_memory_was_short(lua_State *L) {
  const dbf_memory *m = memory_of(L);
  return m->was_short || m->quota.refused;
}

int dbf_memory_raise(lua_State *L) {
  lua_pushliteral(L, "not enough memory");
  return lua_error(L);
}
