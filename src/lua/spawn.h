/* spawn.h: starting programs, and one at one end of a pipe with signals as a shell would leave them. */
#ifndef DBF_SPAWN_H
#define DBF_SPAWN_H

#include <spawn.h>
#include <stdbool.h>
#include <sys/types.h>

/* What is to happen in the child, and how it is to be: fills in both, from `what`. 0, or an errno. */
typedef int (*dbf_spawn_fill)(const void *what, posix_spawn_file_actions_t *actions,
                              posix_spawnattr_t *attributes);

/* Start argv[0], searched in $PATH, as `fill` says. 0, and *pid; or an errno. */
int dbf_spawn_filled(pid_t *pid, char **argv, char **envp, dbf_spawn_fill fill, const void *what);

typedef struct dbf_spawn_files {
  int input;  /* becomes its standard input */
  int output; /* its standard output; -1: that of this process */
  bool quiet; /* its standard error is dropped */
} dbf_spawn_files;

/* Start argv[0], searched in $PATH, in the group of this process: Ctrl-C is for it as well. No signal is blocked in it, and
 * SIGPIPE, SIGINT and SIGQUIT do what they do by default. 0, and *pid; or an errno. */
int dbf_spawn(pid_t *pid, char **argv, const dbf_spawn_files *files);

#endif
