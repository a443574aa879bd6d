/* follow_storm DIR ENTRIES ROTATIONS WAY: four processes append ENTRIES entries each to one session, while another
 * writes fragments into it and repairs it, again and again, and renames it away ROTATIONS times, and a follower (WAY
 * "inotify" or "poll") reads. It must return each entry once, and, if nothing is renamed away, those of each writer in
 * their order. Prints "given N, lost N, twice N, out of order N, repairs N"; exit 0 when it did. */
#include <debrief/log.h>

#include "line.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 4, MOST = 100000, SILENCE_MS = 10000 };

typedef struct board {
  atomic_int failed, repairs, done, acknowledged, given;
} board;

static board *shared;
static const char *folder;
static int entries, rotations;

static debrief_log *open_log(void) {
  debrief_error err;
  debrief_log *log = debrief_log_open(folder, NULL, &err);
  if (!log) abort();
  return log;
}

static void be_writer(int number) {
  debrief_log *log = open_log();
  debrief_error err;
  for (int i = 0; i < entries; i++) {
    char key[32];
    snprintf(key, sizeof key, "w%d-%d", number, i);
    char *json = line_of("s1", key, (size_t)(i % 7) * 40);
    if (!debrief_log_append_json(log, "s1", json, strlen(json), &err))
      fprintf(stderr, "%s: %s\n", key, err.message), shared->failed++;
    shared->acknowledged++;
    free(json);
    if (i % 300 == number) { /* like a program that is restarted: it finds the new file */
      debrief_log_close(log);
      log = open_log();
    }
    nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL); /* a log is not all its machine does */
  }
  shared->done++;
  _exit(0);
}

static char *path_of(const char *suffix) {
  char *path;
  if (asprintf(&path, "%s/s1.jsonl%s", folder, suffix) < 0) abort();
  return path;
}

/* What a writer that does not lock leaves when it is killed. */
static void tear(const char *path) {
  int fd = open(path, O_WRONLY | O_APPEND);
  if (fd < 0) return;
  if (write(fd, "{\"session_id\":\"s1\",\"sk", 22) != 22) shared->failed++;
  close(fd);
}

/* A file that has the name only between two looks is never seen; so wait until this one was. */
static void rotate(const char *path, int number) {
  char suffix[20];
  int goal = shared->acknowledged + WRITERS;
  while (shared->given < goal && shared->done < WRITERS)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  snprintf(suffix, sizeof suffix, ".%d", number);
  char *to = path_of(suffix);
  rename(path, to);
  free(to);
}

static void be_vandal(void) {
  debrief_log *log = open_log();
  char *path = path_of("");
  for (int i = 1; shared->done < WRITERS; i++) {
    debrief_repair repair = {.struct_size = sizeof repair};
    debrief_error err;
    tear(path);
    if (i % 3 == 0 && debrief_log_repair(log, "s1", &repair, &err)) shared->repairs += repair.repaired;
    debrief_repair_release(&repair);
    if (i % 40 == 0 && i / 40 <= rotations) rotate(path, i / 40);
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
  }
  _exit(0);
}

typedef struct tally {
  int given, twice, unordered, next[WRITERS];
} tally;

static unsigned char seen[WRITERS][MOST];

static void count(tally *sum, debrief_text json) {
  char key[32];
  int w, n;
  debrief_string(debrief_member(json, "skill"), key, sizeof key);
  if (sscanf(key, "w%d-%d", &w, &n) != 2 || w < 0 || w >= WRITERS || n < 0 || n >= MOST) abort();
  if (seen[w][n]++) sum->twice++;
  else shared->given = ++sum->given;
  if (n != sum->next[w]) sum->unordered++;
  sum->next[w] = n + 1;
}

static void read_all(debrief_follower *follower, tally *sum) {
  debrief_line line;
  debrief_error err;
  debrief_next next;
  while (sum->given < WRITERS * entries &&
         (next = debrief_follower_next(follower, SILENCE_MS, &line, NULL, &err)) != DEBRIEF_NEXT_END) {
    if (next == DEBRIEF_NEXT_ENTRY) count(sum, line.json);
    else fprintf(stderr, "follower: %s\n", err.message), shared->failed++;
  }
  for (int i = 0; i < WRITERS + 1; i++) wait(NULL);
  debrief_follower_stop(follower);
  while (debrief_follower_next(follower, 0, &line, NULL, &err) == DEBRIEF_NEXT_ENTRY) count(sum, line.json);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  folder = argv[1];
  entries = atoi(argv[2]);
  rotations = atoi(argv[3]);
  if (entries > MOST) return 2;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  debrief_follow_config config = {
      .struct_size = sizeof config, .from_start = true, .poll = *argv[4] == 'p', .poll_ms = 20};
  const char *id = "s1";
  debrief_error err;
  debrief_log *log = open_log();
  debrief_follower *follower = debrief_log_follow(log, &id, 1, &config, &err);
  if (!follower) return 2;
  for (int w = 0; w < WRITERS; w++)
    if (fork() == 0) be_writer(w);
  if (fork() == 0) be_vandal();
  tally sum = {0};
  read_all(follower, &sum);
  debrief_follower_close(follower);
  debrief_log_close(log);
  int lost = WRITERS * entries - sum.given;
  printf("given %d, lost %d, twice %d, out of order %d, repairs %d\n", sum.given, lost, sum.twice,
         sum.unordered, shared->repairs);
  return lost > 0 || sum.twice > 0 || shared->failed > 0 || shared->repairs == 0 ||
         (rotations == 0 && sum.unordered > 0);
}
