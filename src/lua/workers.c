/* workers.c: one piece, though long: a worker on the caller's thread and crews on theirs share the way a state is asked. */
#include "workers.h"
#include "limits.h"
#include "memory.h"
#include "userdata.h"
#include "pack.h"
#include "scratch.h"
#include "spare.h"
#include "state.h"

#include <assert.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  AHEAD = 4,  /* results per worker that may wait */
  MOST = 256, /* workers of one crew */
  STACK =
      1024 *
      1024 /* bytes of a worker's: JSON of 1,000 levels takes 200 KiB, and a C library may give less (musl: 128) */
};

/* The two messages that need no memory: for want of it, and over the limit of plugins (lua/debrief/plugin/said.lua). */
static char no_memory[] = "not enough memory", over_limit[] = "not enough memory for plugins";
static const char worker_type[] = "debrief.worker", crew_type[] = "debrief.crew";

static const char all_key; /* registry key of the table whose weak keys are all of both types */

typedef struct worker_object {
  lua_State *state; /* NULL: closed */
  bool failed;      /* a call ended half-way */
} worker_object;

/* Bytes that travel between threads; malloc. */
typedef struct parcel {
  char *data;
  size_t len;
  bool failed; /* data is a message */
  bool given;  /* of a result: it was, and there is no data any more */
} parcel;

typedef struct crew {
  const dbf_config *config;
  lua_CFunction core; /* of the states */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  pthread_t threads[MOST];
  size_t running;                     /* threads that were started */
  size_t workers, count, next, taken; /* tasks: taken <= done or under way < next <= count */
  parcel setup, *tasks, *results;     /* results[i].data is NULL until task i is done */
  lua_State *here;                    /* where no thread can be started, the one worker, on the caller's */
  bool ready;                         /* that is set up */
  bool open;                          /* more tasks may come, and results are taken in any order */
  bool keep;                          /* states that nothing failed in */
  char name[32];
  atomic_bool stop;
} crew;

typedef struct crew_object {
  crew *crew; /* NULL: closed */
} crew_object;

/* ---- Inside a worker's state ---------------------------------------------------------------------------------------- */

/* What the worker's stack holds: a result, or a message. */
static const char *answer_of(lua_State *W, bool ok, size_t *len) {
  const char *text = lua_tolstring(W, -1, len);
  if (ok || !text || strcmp(text, no_memory) != 0 || !dbf_memory_is_over(W)) return text;
  *len = sizeof over_limit - 1;
  return over_limit;
}

/* function(name, packed as light userdata to a parcel) -> packed string; runs protected. */
static int l_answer(lua_State *L) {
  const char *name = lua_touserdata(L, 1);
  const parcel *argument = lua_touserdata(L, 2);
  lua_getglobal(L, "require");
  lua_pushstring(L, "debrief.run.worker");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, name);
  dbf_pack_push(L, argument->data, argument->len);
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) return lua_pushliteral(L, ""), 1;
  int result = lua_gettop(L);
  dbf_bytes *out = &dbf_scratch_take(L)->text;
  dbf_pack_write(L, result, "result", out);
  lua_pushlstring(L, out->data, out->len);
  dbf_scratch_give(L, result + 1);
  return 1;
}

/* Call debrief.worker[name] in a worker's state. The answer, or with false a message, is on top of its stack. */
static bool answer(lua_State *W, const char *name, const parcel *argument) {
  lua_settop(W, 0);
  lua_pushcfunction(W, l_answer);
  lua_pushlightuserdata(W, (void *)name);
  lua_pushlightuserdata(W, (void *)argument);
  return dbf_state_call(W, 2, 1) == LUA_OK;
}

/* ---- One worker, on the caller's thread ------------------------------------------------------------------------------- */

/* Note the worker or crew on top of the stack. */
static void note(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &all_key);
  lua_pushvalue(L, -2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* Let the worker of `answer` be as before its setup, so that its state can have another. */
static bool renew(lua_State *W) {
  bool ok = answer(W, "renew", &(parcel){.data = (char *)"", .len = 0});
  lua_settop(W, 0);
  return ok;
}

static int l_worker(lua_State *L) {
  worker_object *w = lua_newuserdatauv(L, sizeof *w, 0);
  *w = (worker_object){.state = NULL};
  luaL_setmetatable(L, worker_type);
  note(L);
  w->state = dbf_spares_state(dbf_config_of(L), dbf_state_core(L));
  if (!w->state) return dbf_memory_raise(L);
  return 1;
}

static int l_worker_call(lua_State *L) {
  worker_object *w = luaL_checkudata(L, 1, worker_type);
  const char *name = luaL_checkstring(L, 2);
  parcel argument = {0};
  size_t len;
  if (!w->state) return luaL_error(L, "this worker is closed");
  argument.data = (char *)luaL_optlstring(L, 3, "", &argument.len);
  lua_State *before = dbf_limits_switch(w->state);
  bool ok = answer(w->state, name, &argument), stopped = dbf_limits_back(before);
  w->failed = w->failed || stopped || !ok;
  if (stopped) {
    lua_settop(w->state, 0);
    dbf_limits_raise(L);
  }
  const char *text = answer_of(w->state, ok, &len);
  if (!ok) lua_pushnil(L);
  lua_pushlstring(L, text ? text : "", text ? len : 0);
  lua_settop(w->state, 0);
  return ok ? 1 : 2;
}

static void close_worker(worker_object *w) {
  dbf_state_close(w->state);
  w->state = NULL;
}

static int l_worker_close(lua_State *L) {
  close_worker(luaL_checkudata(L, 1, worker_type));
  return 0;
}

/* Closes it as well, but its state may be used again. */
static int l_worker_keep(lua_State *L) {
  worker_object *w = luaL_checkudata(L, 1, worker_type);
  lua_State *W = w->state;
  if (!W) return 0;
  w->state = NULL;
  lua_State *before = dbf_limits_switch(W);
  bool renewed = !w->failed && renew(W);
  if (!dbf_limits_back(before) && renewed) dbf_spares_keep(W);
  else dbf_state_close(W);
  return 0;
}

/* ---- Threads --------------------------------------------------------------------------------------------------------- */

static bool pack_parcel(parcel *p, const char *data, size_t len, bool failed) {
  *p = (parcel){.data = malloc(len + 1)};
  if (!p->data) return false;
  memcpy(p->data, data, len);
  p->data[len] = '\0';
  p->len = len;
  p->failed = failed;
  return true;
}

/* What the worker's stack holds, as a result. A result that cannot be kept is a failure that needs no memory. */
static parcel parcel_of(lua_State *W, bool ok) {
  parcel p;
  size_t len = 0;
  const char *text = W ? answer_of(W, ok, &len) : NULL;
  if (text && pack_parcel(&p, text, len, !ok)) return p;
  return (parcel){.data = no_memory, .len = sizeof no_memory - 1, .failed = true};
}

static void free_parcel(parcel *p) {
  if (p->data != no_memory) free(p->data);
  p->data = NULL;
}

static bool must_wait(const crew *c) {
  if (c->open) return c->next == c->count;
  return c->next < c->count && c->next >= c->taken + c->workers * AHEAD;
}

/* The number of the next task, when there is one and not too many results wait; false: stop. The list of tasks may move
 * while it is done. */
static bool take_task(crew *c, size_t *task, parcel *argument) {
  pthread_mutex_lock(&c->mutex);
  while (!c->stop && must_wait(c)) pthread_cond_wait(&c->changed, &c->mutex);
  bool got = !c->stop && c->next < c->count;
  if (got) {
    *task = c->next++;
    *argument = c->tasks[*task];
  }
  pthread_mutex_unlock(&c->mutex);
  return got;
}

/* Whoever has the results stops the crew at once: that is not to end this. */
static bool renew_here(const crew *c, lua_State *W) {
  dbf_running running;
  dbf_limits_enter(&running, W, c->config->interrupt, NULL);
  bool renewed = renew(W) && !dbf_limits_stopped();
  dbf_limits_leave(&running);
  return renewed;
}

static void *work(void *user) {
  crew *c = user;
  size_t task;
  parcel argument;
  dbf_running running;
  dbf_limits_open_thread(c->config->interrupt);
  uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* numbers with a '.'; the thread is ours */
  lua_State *W = dbf_spares_state(c->config, c->core);
  dbf_limits_enter(&running, W, c->config->interrupt, &c->stop);
  bool ready = W && answer(W, "setup", &c->setup), fine = ready && c->keep;
  parcel broken = ready ? (parcel){0} : parcel_of(W, false);
  while (take_task(c, &task, &argument)) {
    bool ok = ready && answer(W, c->name, &argument);
    fine = fine && ok;
    parcel result = ready ? parcel_of(W, ok) : parcel_of(NULL, false);
    parcel why;
    if (!ready && pack_parcel(&why, broken.data, broken.len, true)) result = why;
    pthread_mutex_lock(&c->mutex);
    assert(task < c->count && !c->results[task].data && result.data);
    c->results[task] = result;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
  }
  free_parcel(&broken);
  dbf_limits_leave(&running);
  if (fine && renew_here(c, W)) dbf_spares_keep(W);
  else dbf_state_close(W);
  return NULL;
}

/* Running tasks end too, if there is a signal to interrupt them. */
static void stop_crew(crew *c) {
  const dbf_interrupt *interrupt = c->config->interrupt;
  pthread_mutex_lock(&c->mutex);
  atomic_store(&c->stop, true);
  pthread_cond_broadcast(&c->changed);
  pthread_mutex_unlock(&c->mutex);
  if (!interrupt || !interrupt->signal) return;
  for (size_t i = 0; i < c->running; i++) pthread_kill(c->threads[i], interrupt->signal);
}

static void free_crew(crew *c) {
  stop_crew(c);
  for (size_t i = 0; i < c->running; i++) pthread_join(c->threads[i], NULL);
  for (size_t i = 0; i < c->count; i++) {
    free_parcel(&c->tasks[i]);
    free_parcel(&c->results[i]);
  }
  free(c->tasks);
  free(c->results);
  free_parcel(&c->setup);
  if (c->here) dbf_state_close(c->here);
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->mutex);
  free(c);
}

static int l_crew(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  size_t len;
  const char *setup = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, n >= 1 && n <= MOST, 1, "1 to 256 workers");
  crew_object *object = lua_newuserdatauv(L, sizeof *object, 0);
  object->crew = NULL;
  luaL_setmetatable(L, crew_type);
  note(L);
  crew *c = calloc(1, sizeof *c);
  if (!c || !pack_parcel(&c->setup, setup, len, false)) {
    free(c);
    return dbf_memory_raise(L);
  }
  c->config = dbf_config_of(L);
  c->core = dbf_state_core(L);
  c->workers = (size_t)n;
  pthread_mutex_init(&c->mutex, NULL);
  pthread_cond_init(&c->changed, NULL);
  object->crew = c;
  return 1;
}

static crew *check_crew(lua_State *L) {
  crew_object *object = luaL_checkudata(L, 1, crew_type);
  if (!object->crew) luaL_error(L, "this crew is closed");
  return object->crew;
}

static bool copy_tasks(lua_State *L, crew *c, size_t count) {
  c->tasks = calloc(count + 1, sizeof *c->tasks);
  c->results = calloc(count + 1, sizeof *c->results);
  if (!c->tasks || !c->results) return false;
  for (; c->count < count; c->count++) {
    size_t len;
    lua_rawgeti(L, 3, (lua_Integer)c->count + 1);
    const char *data = lua_tolstring(L, -1, &len);
    if (!data || !pack_parcel(&c->tasks[c->count], data, len, false)) return false;
    lua_pop(L, 1);
  }
  return true;
}

/* Signals of the host's are for the host's threads; the interrupt's may come once the thread is ready for it. */
static bool start_thread(crew *c) {
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF};
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  bool ok = pthread_attr_setstacksize(&attributes, STACK) == 0 &&
            pthread_create(&c->threads[c->running], &attributes, work, c) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return ok;
}

/* It is enough if one thread starts: it takes the tasks of the others, too. */
static int l_crew_start(lua_State *L) {
  crew *c = check_crew(L);
  const char *name = luaL_checkstring(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_argcheck(L, strlen(name) < sizeof c->name, 2, "too long");
  if (c->tasks) return luaL_error(L, "this crew has its tasks already");
  strcpy(c->name, name);
  c->keep = lua_toboolean(L, 4);
  c->open = lua_toboolean(L, 5);
  if (!copy_tasks(L, c, lua_rawlen(L, 3))) return dbf_memory_raise(L);
  if (c->workers > c->count && !c->open) c->workers = c->count;
  for (; c->running < c->workers; c->running++)
    if (!start_thread(c)) break;
  if (c->running == 0 && c->open) return luaL_error(L, "no thread can be started");
  if (c->running == 0 && c->count && !(c->here = dbf_state_new(c->config, c->core, true)))
    return dbf_memory_raise(L);
  return 0;
}

/* Do the next task on the caller's thread. False: it was interrupted. */
static bool work_here(crew *c) {
  lua_State *before = dbf_limits_switch(c->here);
  bool ok = c->ready || answer(c->here, "setup", &c->setup);
  c->ready = ok;
  ok = ok && answer(c->here, c->name, &c->tasks[c->taken]);
  bool stopped = dbf_limits_back(before);
  if (!stopped) c->results[c->taken] = parcel_of(c->here, ok);
  lua_settop(c->here, 0);
  return !stopped;
}

/* Wait for a change, but not for long: a signal handler cannot wake a thread that waits for a condition, so an interrupt
 * has to be looked for now and then. */
static void wait_a_while(crew *c, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += dbf_limits_slice(ms < 100 ? ms : 100) * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&c->changed, &c->mutex, &until);
}

/* False: there is an interrupt. */
static bool wait_for_result(crew *c) {
  pthread_mutex_lock(&c->mutex);
  while (!c->results[c->taken].data && !dbf_limits_stopped()) wait_a_while(c, 100);
  pthread_mutex_unlock(&c->mutex);
  return !dbf_limits_stopped();
}

static int l_crew_take(lua_State *L) {
  crew *c = check_crew(L);
  if (c->taken == c->count) return 0;
  if (!(c->here ? work_here(c) : wait_for_result(c))) {
    stop_crew(c);
    return dbf_limits_raise(L);
  }
  parcel *result = &c->results[c->taken];
  assert(result->data && (c->here || c->taken < c->next));
  if (result->failed) lua_pushnil(L);
  lua_pushlstring(L, result->data, result->len);
  int pushed = result->failed ? 2 : 1;
  free_parcel(&c->tasks[c->taken]);
  free_parcel(result);
  pthread_mutex_lock(&c->mutex);
  c->taken++;
  pthread_cond_broadcast(&c->changed);
  pthread_mutex_unlock(&c->mutex);
  return pushed;
}

/* Room for one task more, under the mutex. */
static bool grow(crew *c) {
  size_t size = (c->count + 2) * sizeof *c->tasks;
  parcel *tasks = realloc(c->tasks, size), *results = tasks ? realloc(c->results, size) : NULL;
  if (tasks) c->tasks = tasks;
  if (results) c->results = results;
  return results != NULL;
}

static int l_crew_add(lua_State *L) {
  crew *c = check_crew(L);
  parcel task;
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  if (!c->open) return luaL_error(L, "this crew takes no more tasks");
  if (!pack_parcel(&task, data, len, false)) return dbf_memory_raise(L);
  pthread_mutex_lock(&c->mutex);
  bool ok = grow(c);
  if (ok) {
    c->tasks[c->count] = task;
    c->results[c->count++] = (parcel){0};
    pthread_cond_broadcast(&c->changed);
  }
  pthread_mutex_unlock(&c->mutex);
  if (!ok) {
    free_parcel(&task);
    return dbf_memory_raise(L);
  }
  lua_pushinteger(L, (lua_Integer)c->count);
  return 1;
}

/* A task that is done, under the mutex; NULL: none is. */
static parcel *find_done(crew *c) {
  while (c->taken < c->next && c->results[c->taken].given) c->taken++;
  for (size_t i = c->taken; i < c->next; i++)
    if (c->results[i].data) return &c->results[i];
  return NULL;
}

static int l_crew_done(lua_State *L) {
  crew *c = check_crew(L);
  int64_t left = luaL_checkinteger(L, 2);
  pthread_mutex_lock(&c->mutex);
  parcel *result = find_done(c);
  for (; !result && left > 0 && !dbf_limits_stopped(); left -= 100) {
    wait_a_while(c, left);
    result = find_done(c);
  }
  pthread_mutex_unlock(&c->mutex);
  dbf_limits_check(L);
  if (!result) return 0;
  lua_pushinteger(L, result - c->results + 1); /* only this thread moves the list */
  if (result->failed) lua_pushnil(L);
  lua_pushlstring(L, result->data, result->len);
  int pushed = result->failed ? 3 : 2;
  free_parcel(&c->tasks[result - c->results]);
  free_parcel(result);
  result->given = true;
  return pushed;
}

static void close_crew(crew_object *object) {
  if (object->crew) free_crew(object->crew);
  object->crew = NULL;
}

static int l_crew_close(lua_State *L) {
  close_crew(luaL_checkudata(L, 1, crew_type));
  return 0;
}

static int l_cores(lua_State *L) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  lua_pushinteger(L, n > 0 ? n : 1);
  return 1;
}

void dbf_workers_open(lua_State *L) {
  static const luaL_Reg worker_methods[] = {
      {"call", l_worker_call}, {"keep", l_worker_keep}, {"close", l_worker_close}, {NULL, NULL}};
  static const luaL_Reg crew_methods[] = {{"start", l_crew_start}, {"take", l_crew_take},
                                          {"add", l_crew_add},     {"done", l_crew_done},
                                          {"close", l_crew_close}, {NULL, NULL}};
  dbf_userdata_type(L, worker_type, worker_methods, l_worker_close);
  dbf_userdata_type(L, crew_type, crew_methods, l_crew_close);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &all_key);
}

void dbf_workers_end(lua_State *L) {
  int top = lua_gettop(L);
  bool any = lua_rawgetp(L, LUA_REGISTRYINDEX, &all_key) == LUA_TTABLE;
  lua_pushnil(L);
  while (any && lua_next(L, -2)) {
    lua_pop(L, 1);
    worker_object *w = luaL_testudata(L, -1, worker_type);
    if (w) close_worker(w);
    else close_crew(lua_touserdata(L, -1));
  }
  lua_settop(L, top);
}

void dbf_workers_register(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"worker", l_worker}, {"crew", l_crew}, {"cores", l_cores}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
