/* limits.c: see limits.h. The handler reads one pointer of its own thread; everything it can find there is complete
 * at every moment, because fields are set before the pointer, and `pending` before the signal is sent. */
#include "limits.h"

#include <assert.h>
#include <errno.h>
#include <lauxlib.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* Threads have it, and `progress`, from their first access on, which may allocate: so a thread looks at it before a signal
 * can come. (The model initial-exec, which needs no such care, keeps a library from being loaded late: musl refuses it,
 * glibc's room for it is small.) */
static _Thread_local dbf_running *volatile running;

enum { SLICE_MS = 50, GRACE = 10000, GRACES = 8, TICK_MS = 100, STEPS = 100000 };

static _Thread_local volatile unsigned progress;

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Is the time of the outermost guard over? Then it ends as by an interrupt, and so do those that are opened in it yet. */
static bool is_overdue(dbf_interrupt *i) {
  long long until = atomic_load_explicit(&i->until, memory_order_relaxed);
  if (!until || now_ns() < until) return false;
  atomic_store(&i->overdue, true);
  atomic_store(&i->pending, true);
  return true;
}

static bool is_stopped(const dbf_running *r) {
  dbf_interrupt *i = r->interrupt;
  return (i && (atomic_load_explicit(&i->pending, memory_order_relaxed) ||
                atomic_load_explicit(&i->leaving, memory_order_relaxed) ||
                (!atomic_load_explicit(&i->timed, memory_order_relaxed) && is_overdue(i)))) ||
         r->late || (r->stop && atomic_load_explicit(r->stop, memory_order_relaxed));
}

bool dbf_limits_stopped(void) {
  const dbf_running *r = running;
  return r && is_stopped(r);
}

int dbf_limits_slice(int64_t ms) {
  if (running && (ms < 0 || ms > SLICE_MS)) return SLICE_MS;
  return ms < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* ---- Hooks ------------------------------------------------------------------------------------------------------- */

static void on_hook(lua_State *L, lua_Debug *ar);
static void on_count(lua_State *L, lua_Debug *ar);

/* Let Lua look at the clock now and then, where no signal can interrupt it and the host asks for that by a limit. A hook
 * of somebody else stays. Every instruction is slower then: a plain loop takes 1.9 to 2.5 times as long (measured). */
static bool count(lua_State *L, const dbf_interrupt *i) {
  if (!L || !i || !i->limit_ms || i->signal || lua_gethook(L)) return false;
  lua_sethook(L, on_count, LUA_MASKCOUNT, STEPS);
  return true;
}

/* Make L raise when it has run `count` more instructions. Runs in the handler, too. Calls of C functions are let
 * through: among them are those that close to-be-closed variables. */
static void arm(dbf_running *r, lua_State *L, int count) {
  if (!L) return;
  lua_Hook hook = lua_gethook(L);
  int mask = lua_gethookmask(L), before = lua_gethookcount(L);
  atomic_signal_fence(memory_order_seq_cst); /* the handler may have been here in between */
  if (L == r->of && !r->hooked && hook != on_hook) {
    r->hook = hook;
    r->mask = mask;
    r->count = before;
    r->hooked = true;
  }
  lua_sethook(L, on_hook, LUA_MASKCOUNT, count);
}

/* Take our hook from L; the state of a guard gets its own one back. The signal may come between two guards, so it may
 * be an outer one that noted it. The caller looks for a signal that comes in here. */
static void disarm(dbf_running *r, lua_State *L) {
  if (!L || lua_gethook(L) != on_hook) return;
  while (r && !(r->hooked && r->of == L)) r = r->outer;
  if (!r) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  r->hooked = false; /* first: once its hook is set, the handler is to note it again */
  atomic_signal_fence(memory_order_seq_cst);
  lua_sethook(L, r->hook, r->mask, r->count);
}

static int raise_now(dbf_running *r, lua_State *L, int count) {
  arm(r, L, count);
  r->raised = true;
  if (r->late) lua_pushfstring(L, "took more than %d ms", r->most_ticks * TICK_MS);
  else lua_pushliteral(L, "interrupted");
  return lua_error(L);
}

/* No hook is called while a hook runs: so a message handler does its work undisturbed. One that is called because a C
 * function raises gets some instructions, but a script that goes on after a pcall cannot have them forever. */
int dbf_limits_raise(lua_State *L) {
  dbf_running *r = running;
  return raise_now(r, L, r->graces++ < GRACES ? GRACE : 1);
}

/* A coroutine may have kept a hook from an interrupt that is over. */
static void on_hook(lua_State *L, lua_Debug *ar) {
  dbf_running *r = running;
  (void)ar;
  if (!r || !is_stopped(r)) disarm(r, L);
  if (r && is_stopped(r)) raise_now(r, L, 1);
}

void dbf_limits_check(lua_State *L) {
  const dbf_running *r = running;
  if (r && is_stopped(r)) dbf_limits_raise(L);
}

int dbf_limits_exit(lua_State *L, dbf_interrupt *i, int status) {
  if (!i || !running || running->interrupt != i) return luaL_error(L, "os.exit cannot be called here");
  if (!atomic_load(&i->leaving)) i->status = status;
  atomic_store(&i->leaving, true);
  return raise_now(running, L, 1);
}

bool dbf_limits_left(dbf_interrupt *i, int *status) {
  *status = i->status;
  return atomic_exchange(&i->leaving, false);
}

lua_State *dbf_limits_switch(lua_State *to) {
  dbf_running *r = running;
  if (!r) return NULL;
  lua_State *before = r->L;
  r->L = to;
  count(to, r->interrupt);
  if (is_stopped(r)) arm(r, to, 1);
  return before;
}

bool dbf_limits_back(lua_State *before) {
  dbf_running *r = running;
  if (!r || !before) return false;
  r->L = before;
  if (!is_stopped(r)) return false;
  arm(r, before, 1);
  return true;
}

/* ---- Signals ------------------------------------------------------------------------------------------------------- */

/* A tick of the thread's CPU time. Code that made progress since the last one has a new budget; while `progress` is odd, ours
 * runs. */
static void tick(dbf_running *r) {
  if (r->progress != progress || progress % 2) r->ticks = 0;
  else if (++r->ticks >= r->most_ticks) r->late = true;
  r->progress = progress;
}

/* Of this host's guard, or of another host's around it; not of one that is over. */
static void time_is_over(const dbf_running *r, const void *interrupt) {
  while (r && r->interrupt != interrupt) r = r->outer;
  if (r) is_overdue(r->interrupt);
}

/* One that was sent to the process is not ours, and may come to a thread that never looked at `running`. */
static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  if (info->si_code != SI_TKILL && info->si_code != SI_TIMER) return;
  dbf_running *r = running;
  if (info->si_code == SI_TIMER && info->si_value.sival_ptr) time_is_over(r, info->si_value.sival_ptr);
  else if (r && info->si_code == SI_TIMER && r->most_ticks) tick(r);
  if (r && is_stopped(r)) arm(r, r->L, 1);
}

void dbf_limits_init(dbf_interrupt *i) {
  atomic_init(&i->pending, false);
  atomic_init(&i->leaving, false);
  atomic_init(&i->guards, 0);
  atomic_init(&i->senders, 0);
  atomic_init(&i->until, 0);
  atomic_init(&i->overdue, false);
  i->signal = 0;
  i->limit_ms = 0;
  atomic_init(&i->timed, false);
}

bool dbf_limits_use_signal(dbf_interrupt *i, int number) {
  /* On the other stack of a thread that has one, as Go's have; and no call of the host's fails with EINTR for it. */
  struct sigaction before,
      ours = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&ours.sa_mask);
  if (sigaction(number, NULL, &before) != 0) return false;
  bool is_ours = (before.sa_flags & SA_SIGINFO) && before.sa_sigaction == on_signal;
  bool is_free =
      !(before.sa_flags & SA_SIGINFO) && (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN);
  if (!is_ours && !is_free) {
    errno = EBUSY;
    return false;
  }
  if (!is_ours && sigaction(number, &ours, NULL) != 0) return false;
  i->signal = number;
  return true;
}

void dbf_limits_open_thread(const dbf_interrupt *i) {
  sigset_t ours;
  (void)running;
  if (!i || !i->signal) return;
  sigemptyset(&ours);
  sigaddset(&ours, i->signal);
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
}

bool dbf_limits_was_overdue(const dbf_interrupt *i) {
  return atomic_load(&i->overdue);
}

/* While a sender looks, the last guard does not go, and with it the thread that the signal is for. */
debrief_interruption dbf_limits_send(dbf_interrupt *i) {
  debrief_interruption sent = DEBRIEF_INTERRUPT_NOTHING;
  atomic_fetch_add(&i->senders, 1);
  if (atomic_load(&i->guards) > 0) {
    sent = atomic_exchange(&i->pending, true) ? DEBRIEF_INTERRUPT_STILL : DEBRIEF_INTERRUPT_SENT;
    if (i->signal) pthread_kill(i->owner, i->signal);
  }
  atomic_fetch_sub(&i->senders, 1);
  return sent;
}

/* ---- Guards -------------------------------------------------------------------------------------------------------- */

void dbf_limits_enter(dbf_running *r, lua_State *L, dbf_interrupt *i, const atomic_bool *stop) {
  *r = (dbf_running){.L = L, .interrupt = i, .stop = stop, .of = L, .outer = running};
  atomic_signal_fence(memory_order_seq_cst);
  running = r;
  r->counting = count(L, i);
  if (is_stopped(r)) arm(r, L, 1);
}

/* An interrupt that comes when `running` is the outer one already is for that one, and may have hooked the same
 * state. */
void dbf_limits_leave(dbf_running *r) {
  dbf_running *outer = r->outer;
  assert(running == r); /* guards end in the reverse of their order */
  running = outer;
  atomic_signal_fence(memory_order_seq_cst);
  disarm(r, r->of);
  if (r->counting && lua_gethook(r->of) == on_count) lua_sethook(r->of, NULL, 0, 0);
  if (outer && is_stopped(outer)) arm(outer, outer->L, 1);
}

/* A timer that sends this thread the interrupt's signal, with a value; the first time after `first`, then `every`; ns. */
static bool start_timer(int signal, clockid_t clock, void *value, long long first, long every,
                        timer_t *timer) {
  struct sigevent event = {
      .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal, .sigev_value.sival_ptr = value};
  struct itimerspec times = {
      .it_interval = {.tv_nsec = every},
      .it_value = {.tv_sec = (time_t)(first / 1000000000), .tv_nsec = (long)(first % 1000000000)}};
  event._sigev_un._tid = gettid();
  if (timer_create(clock, &event, timer) != 0) return false;
  if (timer_settime(*timer, 0, &times, NULL) == 0) return true;
  timer_delete(*timer);
  return false;
}

static void start_limit(dbf_interrupt *i) {
  long long ns = (long long)i->limit_ms * 1000000;
  atomic_store(&i->overdue, false);
  if (!i->limit_ms) return;
  atomic_store(&i->until, now_ns() + ns);
  i->timed = i->signal && start_timer(i->signal, CLOCK_MONOTONIC, i, ns, 0, &i->timer);
}

/* A signal of the timer that is under way comes before timer_delete returns. */
static void end_limit(dbf_interrupt *i) {
  if (i->timed) timer_delete(i->timer);
  i->timed = false;
  atomic_store(&i->until, 0);
}

static void open_guard(dbf_interrupt *i) {
  if (atomic_load(&i->guards) == 0) {
    i->owner = pthread_self();
    start_limit(i);
  }
  atomic_fetch_add(&i->guards, 1);
}

/* What is pending was for this guard. */
static void close_guard(dbf_interrupt *i) {
  assert(atomic_load(&i->guards) > 0);
  if (atomic_fetch_sub(&i->guards, 1) == 1) {
    while (atomic_load(&i->senders) > 0) sched_yield();
    end_limit(i);
  }
  atomic_store(&i->pending, false);
}

int dbf_limits_guard(lua_State *L, dbf_interrupt *i, int arguments, int results, int handler) {
  if (!i) return lua_pcall(L, arguments, results, handler);
  dbf_running r;
  int base = lua_gettop(L) - arguments;
  /* What was meant for the guard around this one; not what was for another host, whose callback this is,
   * unprotected. */
  if (running && running->interrupt == i) dbf_limits_check(L);
  dbf_limits_enter(&r, L, i, running ? running->stop : NULL);
  open_guard(i);
  int status = lua_pcall(L, arguments, results, handler);
  close_guard(i);
  dbf_limits_leave(&r);
  /* What was pending may be gone already, with a guard of another thread: a prompt in a worker. */
  if (!r.raised) return status;
  if (status != LUA_OK) return DBF_INTERRUPTED;
  lua_settop(L, base - 1); /* the code went on after its own pcall, to its end */
  lua_pushnil(L);
  return DBF_INTERRUPTED;
}

/* ---- Budgets ------------------------------------------------------------------------------------------------------- */

void dbf_limits_progress(void) {
  progress += 2;
}

bool dbf_limits_pause(void) {
  bool paused = progress % 2;
  progress |= 1;
  return paused;
}

void dbf_limits_resume(bool paused) {
  progress += paused ? 2 : 1;
}

static _Thread_local int64_t next_tick; /* of the thread's CPU clock, for the count hook */

static int64_t cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Ticks before the progress that was made since the last look are nobody's. */
static void look_at_clock(dbf_running *r) {
  if (r->progress != progress) next_tick = cpu_ms();
  for (int64_t now = cpu_ms(); next_tick <= now && !r->late; next_tick += TICK_MS) tick(r);
}

static void on_count(lua_State *L, lua_Debug *ar) {
  dbf_running *r = running;
  (void)ar;
  if (r && r->counted) look_at_clock(r);
  if (r && is_stopped(r)) raise_now(r, L, 1);
}

void dbf_limits_pace(lua_State *L) {
  dbf_running *r = running;
  if (!r) return;
  if (r->counted) look_at_clock(r);
  if (is_stopped(r)) dbf_limits_raise(L);
}

int dbf_limits_bounded(lua_State *L, dbf_interrupt *i, lua_Integer ms, int arguments, int handler,
                       bool *late) {
  dbf_running r;
  timer_t timer;
  int most = ms > 0 ? (int)((ms < INT32_MAX ? ms : INT32_MAX) + TICK_MS - 1) / TICK_MS : 0;
  unsigned before = progress % 2;
  dbf_limits_enter(&r, L, i, running ? running->stop : NULL);
  progress = r.progress = progress + 2 - before; /* even: code of a plugin may run */
  r.most_ticks = most;
  /* A timer costs three system calls a bounded call, which is a chunk of entries, and a signal every TICK_MS. */
  bool timed =
      most && i && i->signal &&
      start_timer(i->signal, CLOCK_THREAD_CPUTIME_ID, NULL, TICK_MS * 1000000L, TICK_MS * 1000000L, &timer);
  bool was_counted = lua_gethook(L) == on_count;
  r.counted = most && !timed;
  if (r.counted) {
    next_tick = cpu_ms() + TICK_MS;
    lua_sethook(L, on_count, LUA_MASKCOUNT, STEPS);
  }
  int status = lua_pcall(L, arguments, LUA_MULTRET, handler);
  bool counted = r.counted;
  r.counted = false;
  r.most_ticks = 0;
  if (timed) timer_delete(timer);
  *late = r.late;
  r.late = false;
  dbf_limits_leave(&r);
  progress += 2 - (progress + before) % 2; /* whoever raised may have left it odd */
  if (counted && !was_counted && lua_gethook(L) == on_count) lua_sethook(L, NULL, 0, 0);
  return status;
}
