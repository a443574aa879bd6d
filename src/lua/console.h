/* console.h: lines for people, by the host's callbacks, as a Lua table.
 *
 *     host's callbacks  <-  dbf_console  <-  core.console(), in any state of the host, on any thread
 *          |                                     |
 *          `- read_line: debrief_complete  ->  the function that was given to read, protected
 *
 * One call at a time: a state on another thread waits. Nothing of Lua is raised through a callback. */
#ifndef DBF_CONSOLE_H
#define DBF_CONSOLE_H

#include <debrief/debrief.h>

#include <lua.h>
#include <pthread.h>
#include <stdbool.h>

/* What may be asked for candidates while a line is read. */
struct debrief_completer {
  lua_State *L; /* NULL: no line is being read, or without completion */
  int function; /* its place on the stack of L */
};

typedef struct dbf_console {
  debrief_console callbacks; /* read_line and write are never NULL */
  pthread_mutex_t mutex;     /* recursive: what completes a line may ask how wide it is */
  bool reading;
  bool broken; /* a write has failed: no line is read any more, whoever caught the error */
  debrief_completer completer;
} dbf_console;

/* Make the mutex; the caller fills in the rest. False: the system has none left. */
bool dbf_console_init(dbf_console *console);
void dbf_console_release(dbf_console *console);

/* console() -> {read =, write =, remember =, width =, color =} | nil: the host has none */
void dbf_console_register(lua_State *L);

#endif
