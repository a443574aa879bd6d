/* limits.h: stopping Lua code that runs: interrupts, and the guards they end.
 *
 *     any thread, a signal handler            the thread that runs Lua
 *     dbf_limits_send ---- pending ---------> every call into our bindings that may take long: raises
 *                     `--- pthread_kill ----> handler: lua_sethook(what runs now) -> the next instruction raises
 *
 * A guard is a protected call that an interrupt ends, the innermost one. Until then the hook stays and raises again at
 * every instruction, so that no pcall of a script outlives it. Without a signal only the bindings raise, and where the host
 * limits the time of its calls, a count hook.
 *
 * Not to be stopped: a function in C that does not come back (in full states string.rep or a pattern; reduced ones have
 * library.h), a finalizer and a message handler, in which Lua calls no hooks. */
#ifndef DBF_LIMITS_H
#define DBF_LIMITS_H

#include <debrief/debrief.h>

#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

/* Belongs to a host; all of its states share it. */
typedef struct dbf_interrupt {
  atomic_bool pending;
  atomic_int guards;   /* that are open, one within the other */
  atomic_int senders;  /* that are looking at this */
  atomic_bool leaving; /* os.exit: every guard is to end */
  int status;          /* what was given to it */
  pthread_t owner;     /* the thread of the guards */
  int signal;          /* 0: none */
  unsigned limit_ms;   /* how long the outermost guard may take; 0: as long as it likes */
  atomic_llong until;  /* when that is over, ns of the monotonic clock; 0: never */
  atomic_bool overdue; /* it was */
  atomic_bool timed;   /* `timer` sends the signal then; else bindings and a count hook look at the clock */
  timer_t timer;
} dbf_interrupt;

/* What one thread runs; on its C stack. */
typedef struct dbf_running {
  lua_State *volatile L;
  dbf_interrupt *interrupt;
  const atomic_bool *stop; /* another reason to end; NULL */
  bool raised;             /* an interrupt was raised */
  volatile bool late;      /* it is over its budget */
  int ticks, most_ticks;   /* of the timer, without progress; how many are one too many, 0: no budget */
  bool counted;            /* a count hook keeps that time, not a timer */
  bool counting;           /* `of` got a count hook for the time of the outermost guard */
  unsigned progress;       /* as it was at the last tick */
  int graces;              /* how often it had a few more instructions */
  bool hooked;             /* `hook`, `mask` and `count` are what L of the guard had */
  lua_State *of;
  lua_Hook hook;
  int mask, count;
  struct dbf_running *outer;
} dbf_running;

/* No signal yet, nothing pending. */
void dbf_limits_init(dbf_interrupt *interrupt);

/* Use a signal from now on, for good: the handler stays, for it may be under way at any time. False: errno; EBUSY if
 * the signal already has a handler. */
bool dbf_limits_use_signal(dbf_interrupt *interrupt, int signal);

/* After an outermost guard was ended: was it because its time was over? */
bool dbf_limits_was_overdue(const dbf_interrupt *interrupt);

/* In a thread that was started with the interrupt's signal blocked: get ready for the signal, and let it come. */
void dbf_limits_open_thread(const dbf_interrupt *interrupt);

/* Ask the innermost guard to end. From any thread and from signal handlers. */
debrief_interruption dbf_limits_send(dbf_interrupt *interrupt);

enum { DBF_INTERRUPTED = 100 }; /* a status in addition to those of lua_pcall */

/* lua_pcall with a guard around it, whose message handler, if any, is at `handler`. DBF_INTERRUPTED leaves a value,
 * too: what the handler made of "interrupted", or nil. With NULL it is lua_pcall. */
int dbf_limits_guard(lua_State *L, dbf_interrupt *interrupt, int arguments, int results, int handler);

/* lua_pcall that ends when `ms` milliseconds of the thread's CPU time passed without dbf_limits_progress; 0: never.
 * *late: that happened. A timer on the thread's CPU clock sends the interrupt's signal every TICK_MS; without a signal
 * a count hook looks at the clock. */
int dbf_limits_bounded(lua_State *L, dbf_interrupt *interrupt, lua_Integer ms, int arguments, int handler,
                       bool *late);

/* The running code made progress: its budget starts again. */
void dbf_limits_progress(void);

/* What runs until dbf_limits_resume is ours and takes none of a plugin's time: reading, and what is done with the result.
 * dbf_limits_resume is called with what dbf_limits_pause returned. An error that leaves dbf_limits_bounded resumes. */
bool dbf_limits_pause(void);
void dbf_limits_resume(bool paused);

/* Work on a thread of ours: from enter to leave, `L` (NULL: nothing) is what this thread runs, and ends when `stop`
 * says so or, when there is one, the interrupt. Whoever sets `stop` sends the thread the interrupt's signal. */
void dbf_limits_enter(dbf_running *running, lua_State *L, dbf_interrupt *interrupt, const atomic_bool *stop);
void dbf_limits_leave(dbf_running *running);

/* Is this thread to end what it runs? Cheap: for loops in C. */
bool dbf_limits_stopped(void);

/* Raise when it is. */
void dbf_limits_check(lua_State *L);

/* The same, for loops in C that a plugin can make long, every few thousand steps: where a count hook keeps the time,
 * which no C function sees, it looks at the clock. */
void dbf_limits_pace(lua_State *L);

/* At most so many milliseconds to wait (-1: for ever) before dbf_limits_stopped is asked again. */
int dbf_limits_slice(int64_t ms);

/* `to` is what this thread runs now; returns what it ran before, for dbf_limits_back. NULL: nothing is guarded. */
lua_State *dbf_limits_switch(lua_State *to);

/* Back to what was run before; true: raise "interrupted" there. */
bool dbf_limits_back(lua_State *before);

/* End every guard, however deeply nested; the code that opened the outermost one calls dbf_limits_left. Raises. */
int dbf_limits_exit(lua_State *L, dbf_interrupt *interrupt, int status);

/* After the outermost guard: was it ended by dbf_limits_exit, and with what? */
bool dbf_limits_left(dbf_interrupt *interrupt, int *status);

/* Raise "interrupted"; only when something has stopped. */
int dbf_limits_raise(lua_State *L);

#endif
