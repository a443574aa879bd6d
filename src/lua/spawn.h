/* spawn.h: starting a program at one end of a pipe, with signals as a shell would leave them. `process` has its own way: what
 * it runs is in a group of its own. */
#ifndef DBF_SPAWN_H
#define DBF_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct dbf_spawn_files {
  int input;  /* becomes its standard input */
  int output; /* its standard output; -1: that of this process */
  bool quiet; /* its standard error is dropped */
} dbf_spawn_files;

/* Start argv[0], searched in $PATH, in the group of this process: Ctrl-C is for it as well. No signal is blocked in it, and
 * SIGPIPE, SIGINT and SIGQUIT do what they do by default. 0, and *pid; or an errno. */
int dbf_spawn(pid_t *pid, char **argv, const dbf_spawn_files *files);

#endif
