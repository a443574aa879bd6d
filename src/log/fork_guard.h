/* fork_guard.h: is this process a child of the one that made something? Asked before every append, so it costs a look at a
 * byte: at a page that the kernel empties in a child. */
#ifndef DBF_FORK_GUARD_H
#define DBF_FORK_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct dbf_fork_guard {
  volatile char *page; /* NULL: the system has no such pages, and getpid is called every time */
  pid_t pid;
} dbf_fork_guard;

void dbf_fork_guard_set(dbf_fork_guard *guard);
void dbf_fork_guard_release(dbf_fork_guard *guard);

bool dbf_fork_guard_is_child(const dbf_fork_guard *guard);

#endif
