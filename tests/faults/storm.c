/* storm DIR KILLS SECONDS: two processes with two threads each append small entries to one session, while a third
 * appends big ones and is killed again and again, KILLS times or until the time is over. Every second kill comes
 * wherever the victim happens to be. In the others the kernel cuts a record: past a limit on the file's size, which is
 * set somewhere in the next record, it stores the bytes that still fit and kills the victim when it writes again.
 * Whether a kill alone tears a record depends on the file system and the kernel; the limit always does.
 * Afterwards every acknowledged entry must be in the file, whole, alone on its line, and once.
 * Prints "kills N, torn N, acknowledged N, lost N, twice N"; exit 0 when nothing was lost and records were torn. */
#include <debrief/log.h>

#include "line.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 2, THREADS = 2, BIG = 1 << 20, SMALL = 300, KILLS_A_ROUND = 50, ACKS = 200000 };

/* What all processes share; kept by kill -9. acks[w][t] entries of that thread are acknowledged. */
typedef struct board {
  atomic_int acks[WRITERS][THREADS];
  atomic_int big; /* how many of the victims' entries are acknowledged or in doubt */
  atomic_bool big_acked[ACKS];
  atomic_bool begun, stop;
  atomic_int failed;
} board;

static board *shared;
static const char *folder;
static debrief_log *log_;
static int writer;

static bool append(const char *key, size_t pad) {
  debrief_error err;
  char *json = line_of("s1", key, pad);
  bool ok = debrief_log_append_json(log_, "s1", json, strlen(json), &err);
  if (!ok) fprintf(stderr, "%s: %s\n", key, err.message), shared->failed++;
  free(json);
  return ok;
}

static void *append_small(void *arg) {
  int thread = *(int *)arg;
  while (!shared->stop) {
    char key[32];
    snprintf(key, sizeof key, "w%d-%d-%d", writer, thread, shared->acks[writer][thread]);
    if (!append(key, SMALL)) break;
    shared->acks[writer][thread]++;
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); /* the disk is not what is tested */
  }
  return NULL;
}

static void open_log(void) {
  debrief_error err;
  log_ = debrief_log_open(folder, NULL, &err);
  if (!log_) abort();
}

static void be_writer(int number) {
  pthread_t threads[THREADS];
  int numbers[THREADS];
  writer = number;
  open_log();
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, append_small, &numbers[i]);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  _exit(0);
}

/* Let the file grow by `room` bytes more: the write that passes them is cut there, and the next one ends this process
 * by SIGXFSZ. */
static void limit_file(size_t room) {
  struct stat st = {0};
  char path[4096];
  snprintf(path, sizeof path, "%s/s1.jsonl", folder);
  stat(path, &st);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)st.st_size + room, RLIM_INFINITY});
}

static void be_victim(size_t room) {
  open_log();
  if (room > 0) limit_file(room);
  for (;;) {
    char key[32];
    int n = shared->big++;
    snprintf(key, sizeof key, "b%d", n);
    if (!append(key, BIG)) _exit(1);
    shared->big_acked[n] = true;
    shared->begun = true; /* from here on it is writing for a good part of its time, on a busy machine too */
  }
}

static void kill_one(unsigned *seed) {
  shared->begun = false;
  pid_t pid = fork();
  if (pid == 0) be_victim(0);
  while (!shared->begun && waitpid(pid, NULL, WNOHANG) == 0)
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
  nanosleep(&(struct timespec){.tv_nsec = 100000 + rand_r(seed) % 2000000}, NULL);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static void cut_one(unsigned *seed) {
  size_t room = 1 + (size_t)rand_r(seed) % BIG;
  int status;
  pid_t pid = fork();
  if (pid == 0) be_victim(room);
  waitpid(pid, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGXFSZ) fprintf(stderr, "not cut\n"), shared->failed++;
}

/* ---- The check --------------------------------------------------------------------------------------------- */

typedef struct tally {
  long torn, acknowledged, lost, twice;
} tally;

static unsigned char *seen_small[WRITERS][THREADS], *seen_big;

static unsigned char *counter_of(const char *key) {
  int w, t, n;
  if (sscanf(key, "w%d-%d-%d", &w, &t, &n) == 3 && w < WRITERS && t < THREADS && n < ACKS)
    return &seen_small[w][t][n];
  if (sscanf(key, "b%d", &n) == 1 && n < ACKS) return &seen_big[n];
  return NULL;
}

static void check_line(const char *line, size_t len, tally *sum) {
  static const char skill[] = "\"skill\":\"";
  char key[32] = "";
  const char *at = memmem(line, len, skill, sizeof skill - 1);
  if (at) sscanf(at + sizeof skill - 1, "%31[a-z0-9-]", key);
  unsigned char *counter = counter_of(key);
  char *expected = counter ? line_of("s1", key, *key == 'b' ? BIG : SMALL) : NULL;
  bool whole = expected && strlen(expected) == len && memcmp(expected, line, len) == 0;
  if (whole) ++*counter;
  else sum->torn += len > 0;
  free(expected);
}

static void check_file(tally *sum) {
  char *path, *line = NULL;
  size_t cap = 0;
  if (asprintf(&path, "%s/s1.jsonl", folder) < 0) abort();
  FILE *file = fopen(path, "r");
  for (ssize_t n; file && (n = getline(&line, &cap, file)) > 0;)
    check_line(line, (size_t)n - (line[n - 1] == '\n'), sum);
  if (file) fclose(file);
  unlink(path);
  free(line);
  free(path);
}

static void settle(unsigned char *seen, int n, bool acknowledged, tally *sum) {
  sum->acknowledged += acknowledged;
  sum->lost += acknowledged && seen[n] == 0;
  sum->twice += seen[n] > 1;
  seen[n] = 0;
}

static void check_round(tally *sum) {
  check_file(sum);
  for (int w = 0; w < WRITERS; w++)
    for (int t = 0; t < THREADS; t++)
      for (int n = 0; n < shared->acks[w][t]; n++) settle(seen_small[w][t], n, true, sum);
  for (int n = 0; n < shared->big; n++) settle(seen_big, n, shared->big_acked[n], sum);
}

static int run_round(int kills, unsigned *seed, time_t end, tally *sum) {
  pid_t pids[WRITERS];
  int failed = shared->failed, done = 0;
  memset(shared, 0, sizeof *shared);
  shared->failed = failed;
  for (int w = 0; w < WRITERS; w++)
    if ((pids[w] = fork()) == 0) be_writer(w);
  for (; done < kills && time(NULL) < end; done++) (done % 2 ? cut_one : kill_one)(seed);
  shared->stop = true;
  for (int w = 0; w < WRITERS; w++) waitpid(pids[w], NULL, 0);
  check_round(sum);
  return done;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  folder = argv[1];
  unsigned seed = (unsigned)getpid();
  time_t end = time(NULL) + atoi(argv[3]);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  for (int i = 0; i < WRITERS * THREADS; i++) seen_small[i / THREADS][i % THREADS] = calloc(ACKS, 1);
  seen_big = calloc(ACKS, 1);
  tally sum = {0};
  int kills = 0;
  while (kills < atoi(argv[2]) && time(NULL) < end) kills += run_round(KILLS_A_ROUND, &seed, end, &sum);
  printf("kills %d, torn %ld, acknowledged %ld, lost %ld, twice %ld\n", kills, sum.torn, sum.acknowledged,
         sum.lost, sum.twice);
  if (shared->failed) printf("%d appends failed\n", shared->failed);
  return sum.lost > 0 || sum.twice > 0 || sum.torn == 0 || shared->failed > 0;
}
