/* threads.c: a host for each thread, all on one folder. Eight threads append to one session and look back on it.
 *
 *     cc threads.c $(pkg-config --cflags --libs debrief) -pthread -o threads
 *     ./threads sessions
 *
 * A host belongs to one thread at a time and shares nothing with other hosts but the files. So threads need no lock of
 * their own: an append takes the session's, and is one write. (Threads that only append can share one debrief_log.) */
#include <debrief/debrief.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8, RUNS = 25 };

#define TEXT(s) ((debrief_text){s, strlen(s)})

/* A thread, and its result for the one that joins it. */
typedef struct worker {
  pthread_t thread;
  const char *dir;
  int number;
  bool ok;
  debrief_error err;
} worker;

/* How many entries of the session `team` are the worker's own; -1: see *err. */
static int count_own(debrief *host, int number, debrief_error *err) {
  char where[64];
  snprintf(where, sizeof where, "input.worker == %d", number);
  debrief_query query = {.struct_size = sizeof query, .sessions = "team", .where = where};
  debrief_entries *entries = debrief_query_entries(host, &query, err);
  if (!entries) return -1;
  int n = 0;
  debrief_next next;
  debrief_found found;
  while ((next = debrief_entries_next(entries, &found, err)) == DEBRIEF_NEXT_ENTRY) n++;
  debrief_entries_close(entries);
  return next == DEBRIEF_NEXT_END ? n : -1;
}

/* Append, and now and then look back: while the others append, each acknowledged run is in the log, once. */
static bool work(debrief *host, int number, debrief_error *err) {
  char input[64];
  for (int run = 1; run <= RUNS; run++) {
    snprintf(input, sizeof input, "{\"worker\":%d,\"run\":%d}", number, run);
    debrief_entry entry = {.struct_size = sizeof entry,
                           .skill = TEXT("implement"),
                           .final_status = TEXT(run % 5 ? "ok" : "error"),
                           .input = TEXT(input)};
    if (!debrief_append(host, "team", &entry, NULL, err)) return false;
    if (run % 10 != 0) continue;
    int n = count_own(host, number, err);
    if (n < 0) return false;
    if (n != run) {
      snprintf(err->message, sizeof err->message, "worker %d appended %d runs and finds %d", number, run, n);
      return false;
    }
  }
  return true;
}

static void *run_worker(void *argument) {
  worker *w = argument;
  /* Eight threads look back already: no need for more inside each. */
  debrief_config config = {.struct_size = sizeof config, .dir = w->dir, .workers = 1};
  debrief *host = debrief_open(&config, &w->err);
  w->ok = host && work(host, w->number, &w->err);
  debrief_close(host);
  return NULL;
}

int main(int argc, char **argv) {
  worker workers[THREADS] = {0};
  int started = 0, failed = 0;
  for (; started < THREADS; started++) {
    worker *w = &workers[started];
    w->dir = argc > 1 ? argv[1] : "sessions";
    w->number = started + 1;
    if (pthread_create(&w->thread, NULL, run_worker, w) != 0) break;
  }
  for (int i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    if (workers[i].ok) continue;
    fprintf(stderr, "threads: %s\n", workers[i].err.message);
    failed++;
  }
  if (started < THREADS) fprintf(stderr, "threads: only %d threads could be started\n", started);
  printf("%d hosts appended %d runs each, %d failed\n", started, RUNS, failed);
  return failed || started < THREADS;
}
