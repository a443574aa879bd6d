/* measure [-o FILE] [-t SECONDS] PROGRAM ARG...: run it with standard output to FILE (default: /dev/null), kill it after so
 * many seconds, and print "SECONDS PEAK_KIB STATUS CPU": elapsed time, the most memory it held, how it ended (128 + N: by
 * signal N), and the seconds that processors worked for it. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
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

static pid_t pid;

static void on_alarm(int signal) {
  (void)signal;
  kill(pid, SIGKILL);
}

int main(int argc, char **argv) {
  posix_spawn_file_actions_t actions;
  struct rusage used;
  struct sigaction late = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  const char *output = "/dev/null";
  unsigned most = 0;
  int status;
  for (int option; (option = getopt(argc, argv, "+o:t:")) != -1;) {
    if (option == 'o') output = optarg;
    else if (option == 't') most = (unsigned)strtoul(optarg, NULL, 10);
    else return 2;
  }
  if (optind == argc) return 2;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  double start = now();
  if (posix_spawnp(&pid, argv[optind], &actions, NULL, argv + optind, environ) != 0) return 127;
  posix_spawn_file_actions_destroy(&actions);
  sigaction(SIGALRM, &late, NULL);
  alarm(most);
  if (wait4(pid, &status, 0, &used) != pid) return 1;
  alarm(0);
  printf("%.6f %ld %d %.3f\n", now() - start, used.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
         seconds(used.ru_utime) + seconds(used.ru_stime));
  return 0;
}
