#include "spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int dbf_spawn_filled(pid_t *pid, char **argv, char **envp, dbf_spawn_fill fill, const void *what) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int e = posix_spawn_file_actions_init(&actions);
  if (e) return e;
  e = posix_spawnattr_init(&attributes);
  if (!e) {
    e = fill(what, &actions, &attributes);
    if (!e) e = posix_spawnp(pid, argv[0], &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return e;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const dbf_spawn_files *files) {
  int e = posix_spawn_file_actions_adddup2(actions, files->input, 0);
  if (!e && files->output >= 0) e = posix_spawn_file_actions_adddup2(actions, files->output, 1);
  if (!e && files->quiet) e = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
  return e;
}

static int fill_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, some;
  sigemptyset(&none);
  sigemptyset(&some);
  sigaddset(&some, SIGPIPE);
  sigaddset(&some, SIGINT);
  sigaddset(&some, SIGQUIT);
  int e = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!e) e = posix_spawnattr_setsigmask(attributes, &none);
  if (!e) e = posix_spawnattr_setsigdefault(attributes, &some);
  return e;
}

static int fill(const void *what, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
  int e = fill_actions(actions, what);
  return e ? e : fill_attributes(attributes);
}

int dbf_spawn(pid_t *pid, char **argv, const dbf_spawn_files *files) {
  return dbf_spawn_filled(pid, argv, environ, fill, files);
}
