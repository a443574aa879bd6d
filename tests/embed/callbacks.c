/* callbacks.c: what a host passes to Lua, and how it stays in control: values, functions, memory, a time limit.
 *
 *     cc callbacks.c $(pkg-config --cflags --libs debrief) -pthread -o callbacks
 *     ./callbacks sessions
 *
 * Scripts and plugins see the values and functions as debrief.host.NAME. */
#include <debrief/debrief.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT(s) ((debrief_text){s, strlen(s)})

/* ---- Functions of the host ---- */

typedef struct price {
  const char *model;
  double per_token;
} price;

static const price prices[] = {{"small", 0.00001}, {"large", 0.0001}, {NULL, 0}};

/* debrief.host.cost(model, tokens) -> number. It reads only what never changes, so any thread may call it. */
static bool cost(void *user, debrief_call *call) {
  debrief_value model = debrief_call_argument(call, 0), tokens = debrief_call_argument(call, 1);
  if (model.kind != DEBRIEF_TEXT || tokens.kind != DEBRIEF_INTEGER)
    return debrief_call_fail(call, "cost: expected a model and a number of tokens");
  for (const price *p = user; p->model; p++) {
    if (strcmp(p->model, model.as.text.data) != 0) continue;
    debrief_value value = {.kind = DEBRIEF_NUMBER, .as.number = p->per_token * (double)tokens.as.integer};
    return debrief_call_return(call, &value);
  }
  return debrief_call_fail(call, "cost: no price for this model"); /* raises an error in Lua */
}

static bool set_up(debrief *host, debrief_error *err) {
  debrief_value budget = {.kind = DEBRIEF_NUMBER, .as.number = 0.5};
  return debrief_set(host, "budget", &budget, err) &&
         debrief_register(host, "cost", cost, (void *)prices, DEBRIEF_ANY_THREAD, err);
}

/* ---- Memory ---- */

typedef struct pool {
  size_t limit;       /* bytes */
  atomic_size_t used; /* workers take memory at the same time */
} pool;

/* Lua's states and the host take all their memory here; NULL is an answer, too. */
static void *allocate(void *user, void *block, size_t old_size, size_t new_size) {
  pool *p = user;
  if (!block) old_size = 0;
  size_t used = atomic_fetch_add(&p->used, new_size - old_size) + new_size - old_size;
  void *to = NULL;
  if (new_size == 0) free(block);
  else if (new_size <= old_size || used <= p->limit) to = realloc(block, new_size);
  if (!to && new_size > 0) atomic_fetch_sub(&p->used, new_size - old_size); /* it was not to be had */
  return to;
}

/* ---- A time limit ---- */

/* A thread that interrupts the host unless it learns in time that the work is done. */
typedef struct watchdog {
  debrief *host;
  struct timespec deadline;
  sem_t done;
} watchdog;

static void *watch(void *argument) {
  watchdog *w = argument;
  int result;
  while ((result = sem_timedwait(&w->done, &w->deadline)) != 0 && errno == EINTR) continue;
  if (result != 0)
    debrief_interrupt(w->host); /* from any thread; that call fails with DEBRIEF_EINTERRUPTED */
  return NULL;
}

/* Evaluate Lua code and print what it returns; for `seconds` at most. The watchdog is gone before this returns, so that
 * it never interrupts another call. */
static bool evaluate(debrief *host, const char *code, int seconds, debrief_error *err) {
  watchdog w = {.host = host};
  pthread_t thread;
  debrief_text json;
  clock_gettime(CLOCK_REALTIME, &w.deadline);
  w.deadline.tv_sec += seconds;
  sem_init(&w.done, 0, 0);
  bool watched = pthread_create(&thread, NULL, watch, &w) == 0;
  bool ok = debrief_eval(host, TEXT(code), &json, err);
  sem_post(&w.done);
  if (watched) pthread_join(thread, NULL);
  sem_destroy(&w.done);
  if (ok) printf("%s\n", json.data);
  else if (err->code == DEBRIEF_EINTERRUPTED) printf("stopped after %d s\n", seconds);
  else printf("failed: %s\n", err->message);
  return ok;
}

/* ---- */

static const char *const runs[] = {
    "{\"skill\":\"implement\",\"final_status\":\"ok\",\"attempts\":["
    "{\"attempt\":1,\"model\":\"small\",\"verified\":false,\"tokens\":20000},"
    "{\"attempt\":2,\"model\":\"large\",\"verified\":true,\"tokens\":5000}]}",
    "{\"skill\":\"review\",\"final_status\":\"ok\",\"attempts\":["
    "{\"attempt\":1,\"model\":\"small\",\"verified\":true,\"tokens\":10000}]}",
};

static const char add_up[] =
    "local total = 0\n"
    "for entry in log:entries() do\n"
    "  for _, attempt in ipairs(entry.attempts) do\n"
    "    total = total + debrief.host.cost(attempt.model, attempt.tokens)\n"
    "  end\n"
    "end\n"
    "return { cents = math.floor(total * 100 + 0.5), within = total <= debrief.host.budget }\n";

/* What plugins and scripts log, one line at a time. Worker threads may call it. */
static void on_log(void *user, const char *level, const char *text) {
  fprintf(user, "%s: %s\n", level, text);
}

int main(int argc, char **argv) {
  debrief_error err;
  pool memory = {.limit = 64 << 20};
  debrief_config config = {.struct_size = sizeof config,
                           .dir = argc > 1 ? argv[1] : "sessions",
                           .on_log = on_log,
                           .user = stderr,
                           .allocate = allocate,
                           .allocate_user = &memory,
                           .signal =
                               SIGURG}; /* lets an interrupt stop any Lua code; nobody else may use it */
  debrief *host = debrief_open(&config, &err);
  bool ok = host && set_up(host, &err);
  for (size_t i = 0; ok && i < sizeof runs / sizeof runs[0]; i++)
    ok = debrief_append_json(host, "s1", runs[i], strlen(runs[i]), NULL, &err);
  if (ok) {
    evaluate(host, add_up, 60, &err);
    evaluate(host, "return debrief.host.cost('unheard-of', 1)", 60, &err);
    evaluate(host, "while true do end", 1, &err);
    evaluate(host, "local all = {} for i = 1, 1000 do all[i] = ('x'):rep(1000000) end", 60, &err);
    ok = evaluate(host, "return 'the host goes on'", 60, &err);
  }
  if (!ok) fprintf(stderr, "callbacks: %s\n", err.message);
  debrief_close(host);
  printf("%zu bytes were not given back\n", atomic_load(&memory.used));
  return ok ? 0 : 1;
}
