/* What a log in a stream is compared with, and the same through the log:
 *   nats publish HOST STREAM WRITERS COUNT LINES   bare libnats: threads publish asynchronously on one connection to
 *                                                  STREAM.e.w0, w1 …
 *   nats append ADDRESS WRITERS COUNT LINES        threads append to sessions w0, w1 … of one handle
 *   nats consume HOST STREAM                       bare libnats: read the whole stream to memory
 *   nats fill HOST STREAM SESSIONS COUNT LINES     as publish, by one thread, to sessions s000000 … in turn
 * HOST is HOST:PORT. COUNT entries of 640 bytes in all, LINES of them per message. Prints entries per second. */
#include <debrief/log.h>
#include <debrief/nats.h>
#include <nats/nats.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRY_BYTES 640
#define WRITERS     64
#define LINES       1000
#define PENDING \
  4096 /* messages without an answer; with as few as there are writers libnats waits most of the time */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "nats: %s\n", what);
  exit(1);
}

static void check(natsStatus s, const char *what) {
  if (s == NATS_OK) return;
  fprintf(stderr, "%s: %s\n", what, nats_GetLastError(NULL));
  fail(natsStatus_GetText(s));
}

/* An entry of session `id`, with its '\n'. */
static size_t entry_of(char *to, const char *id) {
  int len = sprintf(to,
                    "{\"session_id\":\"%s\",\"timestamp\":\"2026-05-03T12:00:00Z\",\"skill\":\"implement\","
                    "\"attempts\":[{\"attempt\":1,\"model\":\"m\",\"runner_output\":\"",
                    id);
  static const char tail[] = "\",\"verified\":true}],\"final_status\":\"ok\",\"duration_ms\":1234}\n";
  size_t fill = ENTRY_BYTES - (size_t)len - (sizeof tail - 1);
  memset(to + len, 'x', fill);
  memcpy(to + len + fill, tail, sizeof tail);
  return ENTRY_BYTES;
}

typedef struct job {
  int first;    /* of the writers */
  int messages; /* of each writer */
  int lines;
  const char *stream;
  jsCtx *js;
  debrief_log *log;
} job;

/* ---- Bare ------------------------------------------------------------------------------------------------------ */

typedef struct bare {
  natsConnection *nc;
  jsCtx *js;
} bare;

static bare connect_to(const char *host) {
  bare b;
  jsOptions options;
  char url[256];
  snprintf(url, sizeof url, "nats://%s", host);
  check(natsConnection_ConnectTo(&b.nc, url), url);
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = PENDING;
  options.PublishAsync.StallWait = 60000;
  check(natsConnection_JetStream(&b.js, b.nc, &options), "JetStream");
  return b;
}

static void disconnect(bare *b) {
  jsCtx_Destroy(b->js);
  natsConnection_Destroy(b->nc);
  nats_Close();
}

static char *message_of(const char *id, int lines) {
  char *text = malloc((size_t)lines * ENTRY_BYTES + 1);
  if (!text) fail("no memory");
  for (int i = 0; i < lines; i++) entry_of(text + i * ENTRY_BYTES, id);
  return text;
}

static void *publish_some(void *user) {
  job *j = user;
  char id[16], subject[64];
  snprintf(id, sizeof id, "w%d", j->first);
  snprintf(subject, sizeof subject, "%s.e.%s", j->stream, id);
  char *text = message_of(id, j->lines);
  for (int i = 0; i < j->messages; i++)
    check(js_PublishAsync(j->js, subject, text, j->lines * ENTRY_BYTES, NULL), "publish");
  free(text);
  return NULL;
}

/* One thread for each writer; returns entries per second of all. */
static double run_threads(void *(*run)(void *), const job *like, int writers, bool complete) {
  pthread_t threads[WRITERS];
  job jobs[WRITERS];
  double start = now();
  for (int i = 0; i < writers; i++) {
    jobs[i] = *like;
    jobs[i].first = i;
    if (pthread_create(&threads[i], NULL, run, &jobs[i]) != 0) fail("no thread");
  }
  for (int i = 0; i < writers; i++) pthread_join(threads[i], NULL);
  if (complete) check(js_PublishAsyncComplete(like->js, NULL), "acknowledgements");
  return (double)writers * like->messages * like->lines / (now() - start);
}

static void publish(char **words) {
  bare b = connect_to(words[0]);
  int writers = atoi(words[2]), lines = atoi(words[4]);
  job like = {.stream = words[1], .js = b.js, .lines = lines, .messages = atoi(words[3]) / writers / lines};
  if (writers < 1 || writers > WRITERS) fail("1 to 64 writers");
  printf("%.0f entries/s\n", run_threads(publish_some, &like, writers, true));
  disconnect(&b);
}

static void fill(char **words) {
  bare b = connect_to(words[0]);
  int sessions = atoi(words[2]), messages = atoi(words[3]) / atoi(words[4]), lines = atoi(words[4]);
  char *text = malloc((size_t)lines * ENTRY_BYTES + 1), id[16], subject[64];
  double start = now();
  if (!text) fail("no memory");
  for (int i = 0; i < messages; i++) {
    snprintf(id, sizeof id, "s%06d", i % sessions);
    snprintf(subject, sizeof subject, "%s.e.%s", words[1], id);
    for (int k = 0; k < lines; k++) entry_of(text + k * ENTRY_BYTES, id);
    check(js_PublishAsync(b.js, subject, text, lines * ENTRY_BYTES, NULL), "publish");
  }
  check(js_PublishAsyncComplete(b.js, NULL), "acknowledgements");
  printf("%.0f entries/s\n", (double)messages * lines / (now() - start));
  free(text);
  disconnect(&b);
}

static size_t lines_in(const char *data, int len) {
  size_t count = 0;
  for (const char *at = data, *end = data + len; (at = memchr(at, '\n', (size_t)(end - at))); at++) count++;
  return count;
}

static void consume(char **words) {
  bare b = connect_to(words[0]);
  char subject[64];
  jsStreamInfo *info = NULL;
  jsSubOptions options;
  natsSubscription *sub = NULL;
  double start = now();
  size_t entries = 0;
  check(js_GetStreamInfo(&info, b.js, words[1], NULL, NULL), "stream");
  char *all = malloc(info->State.Bytes), *at = all;
  if (!all) fail("no memory");
  snprintf(subject, sizeof subject, "%s.e.*", words[1]);
  jsSubOptions_Init(&options);
  options.Stream = words[1];
  options.Ordered = true;
  check(js_SubscribeSync(&sub, b.js, subject, NULL, &options, NULL), "subscribe");
  check(natsSubscription_SetPendingLimits(sub, -1, -1), "limits");
  for (uint64_t left = info->State.Msgs; left > 0; left--) {
    natsMsg *message;
    check(natsSubscription_NextMsg(&message, sub, 10000), "next message");
    int len = natsMsg_GetDataLength(message);
    memcpy(at, natsMsg_GetData(message), (size_t)len);
    entries += lines_in(at, len);
    at += len;
    natsMsg_Destroy(message);
  }
  printf("%.0f entries/s\n", (double)entries / (now() - start));
  jsStreamInfo_Destroy(info);
  natsSubscription_Destroy(sub);
  free(all);
  disconnect(&b);
}

/* ---- Through the log ------------------------------------------------------------------------------------------- */

static void *append_some(void *user) {
  job *j = user;
  debrief_error err;
  char id[16];
  snprintf(id, sizeof id, "w%d", j->first);
  char *text = message_of(id, j->lines);
  debrief_text texts[LINES];
  for (int i = 0; i < j->lines; i++) texts[i] = (debrief_text){text + i * ENTRY_BYTES, ENTRY_BYTES - 1};
  for (int i = 0; i < j->messages; i++) {
    size_t stored;
    if (!debrief_log_append_batch(j->log, id, texts, (size_t)j->lines, &stored, &err)) fail(err.message);
  }
  free(text);
  return NULL;
}

static void append(char **words) {
  debrief_error err;
  if (!debrief_nats_enable(&err)) fail(err.message);
  debrief_log *log = debrief_log_open(words[0], NULL, &err);
  if (!log) fail(err.message);
  int writers = atoi(words[1]), lines = atoi(words[3]);
  job like = {.log = log, .lines = lines, .messages = atoi(words[2]) / writers / lines};
  if (writers < 1 || writers > WRITERS || lines < 1 || lines > LINES)
    fail("1 to 64 writers, 1 to 1000 lines");
  printf("%.0f entries/s\n", run_threads(append_some, &like, writers, false));
  debrief_log_close(log);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int words;
    void (*run)(char **words);
  } ways[] = {{"publish", 5, publish}, {"append", 4, append}, {"consume", 2, consume}, {"fill", 5, fill}};
  for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
    if (strcmp(argv[1], ways[i].name) == 0 && argc == ways[i].words + 2) return ways[i].run(argv + 2), 0;
  return 2;
}
