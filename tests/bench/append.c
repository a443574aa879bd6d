/* append HOW DIR COUNT: append COUNT entries to session "bench" of DIR through a held log and print microseconds per
 * entry. HOW: struct (the entry of the original's own benchmark, from a debrief_entry), json (the same as JSON text),
 * batch (entries of 640 bytes as JSON texts, a thousand per call), sync (as json, each synced to the disk, by a fourth
 * argument's number of threads of one handle). */
#include <debrief/log.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRY_BYTES 640
#define BATCH       1000
#define LINES       40 /* of runner output */
#define THREADS     64

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void check(bool ok, const debrief_error *err) {
  if (ok) return;
  fprintf(stderr, "append: %s\n", err->message);
  exit(1);
}

static debrief_text text_of(const char *text) {
  return (debrief_text){text, strlen(text)};
}

/* ---- From a struct --------------------------------------------------------------------------------------- */

static debrief_entry entry_of(const debrief_attempt *attempt) {
  return (debrief_entry){.struct_size = sizeof(debrief_entry),
                         .session_id = text_of("bench"),
                         .timestamp = {.set = true, .seconds = time(NULL), .nanoseconds = 123456789},
                         .skill = text_of("implement"),
                         .phase = text_of("green"),
                         .project_root = text_of("/home/dev/src/api"),
                         .input = text_of("{\"file\":\"a.go\",\"spec\":\"x\"}"),
                         .attempts = attempt,
                         .attempt_count = 1,
                         .final_status = text_of("ok"),
                         .duration_ms = 1234};
}

static void append_structs(debrief_log *log, int count) {
  debrief_error err;
  char output[LINES * 8 + 1] = "";
  for (int i = 0; i < LINES; i++) memcpy(output + i * 8, "ok line\n", 9);
  debrief_attempt attempt = {.attempt = 1,
                             .model = text_of("m"),
                             .output_summary = text_of("done"),
                             .runner_output = text_of(output),
                             .verified = true};
  debrief_entry entry = entry_of(&attempt);
  for (int i = 0; i < count; i++) check(debrief_log_append(log, "bench", &entry, &err), &err);
}

/* ---- From JSON text -------------------------------------------------------------------------------------- */

static const char head[] =
    "{\"session_id\":\"bench\",\"timestamp\":\"2026-05-03T12:00:00.123456789Z\","
    "\"skill\":\"implement\",\"phase\":\"green\",\"project_root\":\"/home/dev/src/api\","
    "\"input\":{\"file\":\"a.go\",\"spec\":\"x\"},\"attempts\":[{\"attempt\":1,\"model\":"
    "\"m\",\"output_summary\":\"done\",\"runner_output\":\"";
static const char tail[] = "\",\"verified\":true}],\"final_status\":\"ok\",\"duration_ms\":1234}";

/* The same entry with `lines` lines of output, padded to `size` bytes (0: not). */
static size_t json_of(char *to, int lines, size_t size) {
  char *p = to + sprintf(to, "%s", head);
  for (int i = 0; i < lines; i++) p += sprintf(p, "ok line\\n");
  size_t len = (size_t)(p - to) + sizeof tail - 1;
  for (; len < size; len++) *p++ = 'x';
  strcpy(p, tail);
  return len;
}

static void append_jsons(debrief_log *log, int count) {
  debrief_error err;
  char json[2 * ENTRY_BYTES];
  size_t len = json_of(json, LINES, 0);
  for (int i = 0; i < count; i++) check(debrief_log_append_json(log, "bench", json, len, &err), &err);
}

static void append_batches(debrief_log *log, int count) {
  static debrief_text texts[BATCH];
  debrief_error err;
  size_t stored;
  char *json = malloc((size_t)BATCH * 2 * ENTRY_BYTES);
  if (!json) exit(1);
  for (int i = 0; i < BATCH; i++) {
    char *at = json + i * 2 * ENTRY_BYTES;
    texts[i] = (debrief_text){at, json_of(at, LINES / 2, ENTRY_BYTES)};
  }
  for (int i = 0; i < count; i += BATCH)
    check(debrief_log_append_batch(log, "bench", texts, BATCH, &stored, &err), &err);
  free(json);
}

/* ---- With sync, by several threads of one handle -------------------------------------------------------------- */

typedef struct writer {
  debrief_log *log;
  int count;
} writer;

static void *write_synced(void *user) {
  writer *w = user;
  append_jsons(w->log, w->count);
  return NULL;
}

static void append_threads(debrief_log *log, int count, int threads) {
  pthread_t list[THREADS];
  writer w = {log, count / threads};
  for (int i = 0; i < threads; i++)
    if (pthread_create(&list[i], NULL, write_synced, &w) != 0) exit(1);
  for (int i = 0; i < threads; i++) pthread_join(list[i], NULL);
}

int main(int argc, char **argv) {
  debrief_error err;
  bool sync = argc == 5 && strcmp(argv[1], "sync") == 0;
  if (argc != 4 && !sync) return 2;
  int count = atoi(argv[3]), threads = sync ? atoi(argv[4]) : 1;
  if (threads < 1 || threads > THREADS) return 2;
  debrief_log_config config = {.struct_size = sizeof config,
                               .sync = sync ? DEBRIEF_SYNC_DATA : DEBRIEF_SYNC_NONE};
  debrief_log *log = debrief_log_open(argv[2], &config, &err);
  check(log != NULL, &err);
  double start = now_us();
  if (sync) append_threads(log, count, threads);
  else if (strcmp(argv[1], "struct") == 0) append_structs(log, count);
  else if (strcmp(argv[1], "json") == 0) append_jsons(log, count);
  else append_batches(log, count);
  printf("%.3f us per append\n", (now_us() - start) / count);
  debrief_log_close(log);
  return 0;
}
