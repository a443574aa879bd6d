/* measure PROGRAM ARG...: run it with standard output to /dev/null and print "SECONDS PEAK_KIB STATUS CPU": elapsed time,
 * the most memory it held, how it ended (128 + N: by signal N), and the seconds that processors worked for it. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv) {
  posix_spawn_file_actions_t actions;
  struct rusage used;
  pid_t pid;
  int status;
  if (argc < 2) return 2;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  double start = now();
  if (posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ) != 0) return 127;
  posix_spawn_file_actions_destroy(&actions);
  if (wait4(pid, &status, 0, &used) != pid) return 1;
  printf("%.6f %ld %d %.3f\n", now() - start, used.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
         seconds(used.ru_utime) + seconds(used.ru_stime));
  return 0;
}
