#include "fork_guard.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

#ifdef MADV_WIPEONFORK

/* An emulation that takes any advice and follows none (qemu-user before 8) says yes to this one, too. */
static bool heeds_advice(void *page) {
  return madvise(page, page_size(), 9999) != 0;
}

/* NULL: before Linux 4.14, or in such an emulation. */
static volatile char *make_page(void) {
  char *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  if (madvise(page, page_size(), MADV_WIPEONFORK) == 0 && heeds_advice(page)) {
    *page = 1;
    return page;
  }
  munmap(page, page_size());
  return NULL;
}

#else

static volatile char *make_page(void) {
  return NULL;
}

#endif

void dbf_fork_guard_set(dbf_fork_guard *g) {
  *g = (dbf_fork_guard){make_page(), getpid()};
}

void dbf_fork_guard_release(dbf_fork_guard *g) {
  if (g->page) munmap((void *)(uintptr_t)g->page, page_size());
}

bool dbf_fork_guard_is_child(const dbf_fork_guard *g) {
  return g->page ? !*g->page : getpid() != g->pid;
}
