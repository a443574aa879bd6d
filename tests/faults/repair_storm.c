/* repair_storm DIR REPAIRS: two processes append to one session while it is damaged and repaired, again and again; every
 * REPAIRS_EACH times it is the next session's turn, so that files stay small. Then every acknowledged entry must stand
 * in the files, whole, alone on its line, and once, and nothing else. Prints "repairs N, acknowledged N, lost N,
 * twice N, damaged N"; exit 0 when all is well. */
#include <debrief/log.h>

#include "line.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 2, REPAIRS_EACH = 50, PAD = 40, ACKS = 1000000 };

/* What all processes share. */
typedef struct board {
  atomic_int session; /* whose turn it is */
  atomic_int acks[WRITERS];
  atomic_bool stop;
  atomic_int failed;
} board;

static board *shared;
static const char *folder;
static unsigned char *seen[WRITERS];

static void fail(const char *what, const debrief_error *err) {
  fprintf(stderr, "%s: %s\n", what, err->message);
  shared->failed++;
}

static debrief_log *open_log(void) {
  debrief_error err;
  debrief_log *log = debrief_log_open(folder, NULL, &err);
  if (!log) abort();
  return log;
}

static void be_writer(int writer) {
  debrief_log *log = open_log();
  debrief_error err;
  for (int n = 0; n < ACKS && !shared->stop; n++) {
    char key[32], id[16];
    int session = shared->session;
    snprintf(key, sizeof key, "w%d-%d", writer, n);
    snprintf(id, sizeof id, "s%d", session);
    char *json = line_of(id, key, PAD);
    if (!debrief_log_append_json(log, id, json, strlen(json), &err)) fail(key, &err);
    free(json);
    shared->acks[writer] = n + 1;
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  }
  debrief_log_close(log);
  _exit(0);
}

/* Half a record at the end of the session, under its lock, as a writer that was killed leaves it. */
static void damage(const char *path) {
  static const char half[] = "{\"session_id\":\"s";
  struct stat st;
  int fd;
  for (;;) {
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0) abort();
    if (st.st_nlink > 0) break;
    close(fd);
  }
  if (write(fd, half, sizeof half - 1) != sizeof half - 1) abort();
  close(fd);
}

static void damage_and_repair(debrief_log *log, int session) {
  char id[16], path[4096];
  debrief_error err;
  debrief_repair repair = {.struct_size = sizeof repair};
  snprintf(id, sizeof id, "s%d", session);
  snprintf(path, sizeof path, "%s/%s.jsonl", folder, id);
  damage(path);
  if (!debrief_log_repair(log, id, &repair, &err)) fail(id, &err);
  else if (!repair.repaired || repair.left_out_count != 1) {
    fprintf(stderr, "%s: repaired %d, left out %zu\n", id, repair.repaired, repair.left_out_count);
    shared->failed++;
  }
  if (repair.copy) unlink(repair.copy);
  debrief_repair_release(&repair);
}

/* Until both writers have appended once more: no repair goes by without them. */
static void wait_for_writers(void) {
  for (int w = 0; w < WRITERS; w++)
    for (int before = shared->acks[w]; shared->acks[w] == before;)
      nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

/* ---- The check --------------------------------------------------------------------------------------------- */

typedef struct tally {
  long acknowledged, lost, twice, damaged;
} tally;

static void check_line(int session, const char *line, size_t len, tally *sum) {
  char id[16], key[32], *expected = NULL;
  const char *at = memmem(line, len, "\"w", 2);
  int writer, n;
  snprintf(id, sizeof id, "s%d", session);
  if (at && sscanf(at, "\"w%d-%d\"", &writer, &n) == 2 && writer < WRITERS && n < ACKS) {
    snprintf(key, sizeof key, "w%d-%d", writer, n);
    expected = line_of(id, key, PAD);
  }
  if (expected && strlen(expected) == len && memcmp(expected, line, len) == 0) seen[writer][n]++;
  else sum->damaged++;
  free(expected);
}

static void check_session(int session, tally *sum) {
  char path[4096], *line = NULL;
  size_t cap = 0;
  snprintf(path, sizeof path, "%s/s%d.jsonl", folder, session);
  FILE *file = fopen(path, "r");
  for (ssize_t n; file && (n = getline(&line, &cap, file)) > 0;)
    check_line(session, line, (size_t)n - (line[n - 1] == '\n'), sum);
  if (file) fclose(file);
  unlink(path);
  free(line);
}

static void check_entries(tally *sum) {
  for (int w = 0; w < WRITERS; w++) {
    for (int n = 0; n < shared->acks[w]; n++) {
      sum->acknowledged++;
      sum->lost += seen[w][n] == 0;
      sum->twice += seen[w][n] > 1;
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int repairs = atoi(argv[2]);
  pid_t pids[WRITERS];
  tally sum = {0};
  folder = argv[1];
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  for (int w = 0; w < WRITERS; w++) {
    seen[w] = calloc(ACKS, 1);
    if ((pids[w] = fork()) == 0) be_writer(w);
  }
  debrief_log *log = open_log();
  for (int i = 0; i < repairs; i++) {
    shared->session = i / REPAIRS_EACH;
    damage_and_repair(log, i / REPAIRS_EACH);
    wait_for_writers();
  }
  debrief_log_close(log);
  shared->stop = true;
  for (int w = 0; w < WRITERS; w++) waitpid(pids[w], NULL, 0);
  for (int session = 0; session <= shared->session; session++) check_session(session, &sum);
  check_entries(&sum);
  printf("repairs %d, acknowledged %ld, lost %ld, twice %ld, damaged %ld\n", repairs, sum.acknowledged,
         sum.lost, sum.twice, sum.damaged);
  return sum.acknowledged > repairs && sum.lost + sum.twice + sum.damaged + shared->failed == 0 ? 0 : 1;
}
