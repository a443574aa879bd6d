/* console.h: lines for people, by the host's callbacks, as a Lua table.
 *
 *     host's callbacks  <-  dbf_console  <-  core.console(), in any state of the host, on any thread
 *          |                                     |
 *          `- read_line: dbf_console_complete  ->  the function that was given to read, protected
 *
 * One call at a time: a state on another thread waits. Nothing of Lua is raised through a callback. */
#ifndef DBF_CONSOLE_H
#define DBF_CONSOLE_H

#include <debrief/log.h>

#include <lua.h>
#include <pthread.h>
#include <stdbool.h>

typedef enum dbf_console_input {
  DBF_INPUT_LINE,
  DBF_INPUT_END,
  DBF_INPUT_INTERRUPTED,
  DBF_INPUT_FAILED
} dbf_console_input;

/* What may be asked for candidates while a line is read. */
typedef struct dbf_completer {
  lua_State *L; /* NULL: no line is being read, or without completion */
  int function; /* its place on the stack of L */
} dbf_completer;

/* The callbacks are those of debrief_console in debrief/debrief.h, which says what they do. */
typedef struct dbf_console {
  dbf_console_input (*read_line)(void *user, debrief_text prompt, dbf_completer *completer,
                                 debrief_text *line);
  bool (*write)(void *user, bool is_error, debrief_text text);
  void (*remember)(void *user, debrief_text statement);
  int (*columns)(void *user);
  bool color;
  void *user;
  pthread_mutex_t mutex; /* recursive: what completes a line may ask how wide it is */
  bool reading;
  bool broken; /* a write has failed: no line is read any more, whoever caught the error */
  dbf_completer completer;
} dbf_console;

/* Make the mutex; the rest is the caller's to fill. False: there is none to be had. */
bool dbf_console_init(dbf_console *console);
void dbf_console_release(dbf_console *console);

/* Candidates for the word of `line` at byte `point`, one by one, until `each` returns false. Returns the byte where the
 * word starts; `point` when there are none. */
size_t dbf_console_complete(dbf_completer *completer, debrief_text line, size_t point,
                            bool (*each)(void *user, debrief_text candidate), void *user);

/* console() -> {read =, write =, remember =, width =, color =} | nil: the host has none */
void dbf_console_register(lua_State *L);

#endif
