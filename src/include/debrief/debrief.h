/* debrief/debrief.h: debrief inside a C program: the log of debrief/log.h plus Lua. Link with libdebrief.
 *
 *     host        debrief            one log folder, its plugins, its Lua states
 *      |-- entries  debrief_entries  entries that a query finds, one by one
 *      `-- result   debrief_result   reports that retrospectives returned, as plain structs
 *
 * Fallible functions return false (or NULL, or DEBRIEF_NEXT_ERROR) and fill `*err`, which may be NULL;
 * debrief_details tells more about what a plugin or a script did. A host belongs to one thread at a time; hosts are
 * independent of each other, and any number of them may use one folder. What is called back while a function of a host
 * runs may append without plugins, set values, register functions and interrupt; the host's other functions are
 * refused to it (DEBRIEF_EARG), and it must not close the host. Callbacks return: no longjmp and no C++ exception
 * leaves them.
 *
 * A child made by fork opens a host of its own: from one that was opened before, the log's functions say EFORK there,
 * and debrief_close is all that it is good for.
 *
 * Nothing here prints, exits, or changes a locale or a time zone, unless it runs a command of the program
 * (debrief_command), whose business that is. Lua runs with the locale "C" on its thread, callbacks too. */
#ifndef DEBRIEF_H
#define DEBRIEF_H

#include <debrief/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A host ---------------------------------------------------------------------------------------------- */

/* As Lua's: without a block, give one of `new_size` bytes (old_size means nothing then); with `new_size` 0, take it
 * back; else resize it, as realloc. NULL: there is no memory; a block that should grow or shrink is as it was then. */
typedef void *(*debrief_allocate)(void *user, void *block, size_t old_size, size_t new_size);

/* Zero the struct, set struct_size, fill in what you want. All of it is copied. */
typedef struct debrief_config {
  size_t struct_size;            /* sizeof(debrief_config) */
  const char *dir;               /* the folder of the log; NULL: "sessions" */
  const debrief_log_config *log; /* how the log is opened; NULL: the defaults */
  /* Folders that are searched first for plugins, with ':' between. NULL: $DEBRIEF_PLUGIN_PATH. */
  const char *plugin_path;
  /* Threads of a retrospective. 0: as many as there are processors; 1: the calling one, no thread is started. */
  unsigned workers;
  /* A working copy of debrief: lua/ and plugins/ are read from there. NULL: what is built in. */
  const char *source_dir;
  /* What plugins print and log. `level` is what the plugin gave, by custom "debug", "info", "warn" or "error"; `text`
   * is one line, in which control characters are shown escaped. May be called from worker threads. NULL: dropped. */
  void (*on_log)(void *user, const char *level, const char *text);
  /* What `print` of scripts prints, with its newline, any bytes. NULL: it goes to standard output. */
  void (*on_print)(void *user, const char *text, size_t len);
  void *user;
  /* For the command `repl`, and for scripts that start one. NULL: it is no terminal here. */
  const struct debrief_console *console;
  /* Bytes that one state in which plugins run may use: a worker's, and another to merge; what is more is an error of
   * the plugin's. 0: no limit; below some 500,000 no plugin loads. */
  size_t plugin_memory;
  /* Memory of all Lua states, in pieces of 256 KiB and more, and of the host itself. Is called from worker threads,
   * too, several at a time. NULL: malloc. */
  debrief_allocate allocate;
  void *allocate_user;
  /* A signal that nobody else uses, e.g. SIGURG: with it debrief_interrupt stops any Lua code. The library sets a
   * handler for it, and never takes it away; threads that call the host must not block it. 0: none. */
  int signal;
} debrief_config;

typedef struct debrief debrief;

/* Open a host. `config` may be NULL for the defaults. Nothing is read or made on disk yet. Errors: EARG, EMEMORY. */
DEBRIEF_API debrief *debrief_open(const debrief_config *config, debrief_error *err);

/* Attach a host to a Lua 5.4 state of the caller's, made with luaL_openlibs or at least the library `package`: scripts
 * and the REPL run in L, which can require "debrief" now, and plugins in states of the host's own. config.allocate is
 * not for L; print and os.exit stay what they are. Until the host is closed, scripts find it in the globals debrief,
 * cjson, log and arg, and with config.signal coroutine.resume, wrap and close are the host's. L must be open as long as
 * the host, and belongs to its thread; the host's functions are not called while a coroutine of L runs. Errors:
 * EMEMORY; EARG, when L is a coroutine, has a host already, or has loaded debrief from another library. */
struct lua_State;
DEBRIEF_API debrief *debrief_attach(struct lua_State *L, const debrief_config *config, debrief_error *err);

/* Close it. NULL is fine; the host must not be used, or closed again, afterwards. What was opened from it is closed by
 * its own function, before or after. A state that it was attached to stays open, has its globals back, and keeps
 * "debrief" as any lua5.4 may have it. */
DEBRIEF_API void debrief_close(debrief *host);

/* The host's log, for the functions of debrief/log.h. It belongs to the host. NULL for NULL. */
DEBRIEF_API debrief_log *debrief_host_log(debrief *host);

/* What a plugin or a script did wrong, or a note about a query. Text that is not known is "", never NULL. */
typedef struct debrief_problem {
  const char *plugin;  /* its name */
  const char *hook;    /* "enrich", "filter", "init", "step", "merge", "finish" */
  const char *session; /* the entry's; "" for none */
  uint64_t line;       /* the entry's, from 1; 0 for none */
  uint64_t count;      /* how often it said the same; place and traceback are those of the first time */
  const char *message;
  const char *traceback; /* several lines; the plugin's own part */
} debrief_problem;

/* More about the last call that ran Lua, when it failed: the whole message, where, and how it came there; empty texts
 * when it did not. It belongs to the host, until the next call. NULL for NULL. */
DEBRIEF_API const debrief_problem *debrief_details(const debrief *host);

/* ---- Queries ---------------------------------------------------------------------------------------------- */

/* Which entries, and through which plugins. Zero the struct, set struct_size, fill in what you want. Nothing of it is
 * kept, but the callbacks and `user` by debrief_entries. */
typedef struct debrief_query {
  size_t struct_size;   /* sizeof(debrief_query) */
  const char *sessions; /* ids, with ',' between; NULL: all of the log, in byte order */
  const char *since;    /* from this time on: "7d", "12h", "2026-11-01", "last week", RFC 3339; NULL: any */
  const char *until;    /* before this time; of a day or week, before its end; NULL: any */
  const char *where;    /* a Lua expression over fields, as `read --where` takes it; NULL: all */
  const char *enrich;   /* plugins that entries pass first, by name or path, with ',' between; NULL: none */
  const char *filter;   /* plugins of which all must keep an entry, with ',' between; NULL: none */
  /* Options of plugins, "slow.limit_ms=5", or with one plugin "limit_ms=5"; NULL behind the last. NULL: none. */
  const char *const *options;
  /* Rights of plugins, "git:process"; NULL behind the last. NULL: none. */
  const char *const *allow;
  bool strict; /* fail at the first line that is not an entry: DEBRIEF_EDAMAGED */
  /* Called on the calling thread with lines that are no entries, and with what plugins and `where` did wrong, once for
   * each different message. What they are given is valid until they return. NULL: not told. */
  void (*on_diagnostic)(void *user, const debrief_diagnostic *diagnostic);
  void (*on_problem)(void *user, const debrief_problem *problem);
  void *user;
} debrief_query;

/* ---- Appending (C -> file) ------------------------------------------------------------------------------- */

/* Append one entry to session `id`, as debrief_log_append does, with its errors. With `through`, the plugins of its
 * `enrich` come first, and what they add is stored; of its other members options, allow and on_problem are looked at.
 * An enricher that fails goes to on_problem, and the entry is stored as it was before it; but where the plugin says
 * on_error = "refuse", as redact does, nothing is stored: ESCRIPT. EPLUGIN: a plugin is not there or does not load.
 * Plugins stay loaded as long as the same are asked for. Without plugins this costs what debrief_log_append does. */
DEBRIEF_API bool debrief_append(debrief *host, const char *id, const debrief_entry *entry,
                                const debrief_query *through, debrief_error *err);

/* The same for an entry given as JSON text of `len` bytes, as debrief_log_append_json takes it. */
DEBRIEF_API bool debrief_append_json(debrief *host, const char *id, const char *json, size_t len,
                                     const debrief_query *through, debrief_error *err);

/* ---- Entries (file -> C) --------------------------------------------------------------------------------- */

typedef struct debrief_entries debrief_entries;

/* An entry as the plugins left it. `json` is followed by a byte that is no JSON, so debrief_member takes it. Both texts
 * are valid until the next call with the same debrief_entries. */
typedef struct debrief_found {
  debrief_text json;
  const char *session;
  uint64_t line; /* in its session, from 1 */
} debrief_found;

/* Open a query; NULL: all entries. They are read as they are asked for, some ahead, in memory that grows only with the
 * longest entry; any number of queries may be open. Errors: EARG (also: since, until or where is not understood), EID,
 * ENOENT (no such session or folder), EPLUGIN, EIO, EMEMORY. */
DEBRIEF_API debrief_entries *debrief_query_entries(debrief *host, const debrief_query *query,
                                                   debrief_error *err);

/* The next entry. A plugin that fails goes to on_problem, and the entry goes on as it was before that plugin; a filter
 * that fails leaves it out, and so does an enricher with on_error = "refuse". ERROR, as debrief_reader_next and
 * ESCRIPT, is returned by every later call too, and so is EARG when the host was closed in between; not so the EARG of
 * a callback that is refused. */
DEBRIEF_API debrief_next debrief_entries_next(debrief_entries *entries, debrief_found *found,
                                              debrief_error *err);

/* NULL is fine. The host may have been closed before. A callback may close, too: it is not to be used from there on. */
DEBRIEF_API void debrief_entries_close(debrief_entries *entries);

/* ---- Retrospectives (file -> C) --------------------------------------------------------------------------- */

typedef enum debrief_cell_kind {
  DEBRIEF_CELL_NONE, /* no data: neither 0 nor 0 % */
  DEBRIEF_CELL_BOOLEAN,
  DEBRIEF_CELL_INTEGER,
  DEBRIEF_CELL_NUMBER,
  DEBRIEF_CELL_TEXT,
  DEBRIEF_CELL_RATE, /* `num` of `den`, 0 <= num <= den; of 0 there is no rate */
  DEBRIEF_CELL_SPARK /* numbers that are drawn small */
} debrief_cell_kind;

typedef struct debrief_cell {
  debrief_cell_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double number;
    debrief_text text;
    struct {
      double num, den;
    } rate;
    struct {
      const double *values; /* NaN: a gap */
      size_t count;
      double low, high; /* the range to draw; NaN: that of the values */
    } spark;
  } as;
} debrief_cell;

typedef enum debrief_align {
  DEBRIEF_ALIGN_AUTO, /* numbers to the right, the rest to the left */
  DEBRIEF_ALIGN_LEFT,
  DEBRIEF_ALIGN_RIGHT,
  DEBRIEF_ALIGN_CENTER
} debrief_align;

typedef struct debrief_column {
  debrief_text key;
  debrief_text title;
  debrief_text unit; /* of its numbers: "ns", "ms", "s", "bytes", "percent", "usd", or any other */
  debrief_align align;
} debrief_column;

typedef struct debrief_table {
  debrief_text title;
  const debrief_column *const *columns;
  size_t column_count;
  const debrief_cell *const *rows; /* rows[r][c], column_count cells each */
  size_t row_count;
} debrief_table;

typedef struct debrief_reference {
  const char *session;
  uint64_t line; /* from 1 */
} debrief_reference;

/* Something found out, and the entries that it rests on. */
typedef struct debrief_finding {
  debrief_cell value;
  debrief_text explanation;
  const debrief_reference *references;
  size_t reference_count;
} debrief_finding;

typedef struct debrief_report {
  const char *plugin;
  debrief_text title;
  debrief_text text;
  const debrief_table *const *tables;
  size_t table_count;
  const debrief_finding *const *findings;
  size_t finding_count;
  uint64_t incomplete; /* entries on which the plugin failed, and which are not in the figures */
} debrief_report;

/* What a run of retrospectives returned. Texts that are not given have len 0, all have a NUL behind them, and may hold
 * anything that a log holds: escape them for a terminal. */
typedef struct debrief_result {
  uint64_t entries;                     /* read, before any match or filter */
  uint64_t sessions;                    /* of a window: those with entries in it */
  const debrief_report *const *reports; /* in the order of the plugins; of one that stopped, none */
  size_t report_count;
  const debrief_diagnostic *const *diagnostics; /* lines that are no entries */
  size_t diagnostic_count;
  uint64_t diagnostics_dropped; /* how many more there were */
  const debrief_problem *const *problems;
  size_t problem_count;
} debrief_result;

/* Run retrospectives, by name or path, ',' between, over the entries that a query finds (NULL: all). The result is
 * plain memory of its own, of any thread, and outlives the host; close it with debrief_result_close. A plugin that
 * fails while it runs stops nothing and is among the problems, as are sessions that could not be read, and notes. The
 * callbacks of the query are called with the same at the end. Errors: as debrief_query_entries, ESCRIPT, EDAMAGED,
 * EINTERRUPTED. */
DEBRIEF_API debrief_result *debrief_retro(debrief *host, const char *plugins, const debrief_query *query,
                                          debrief_error *err);

/* NULL is fine. */
DEBRIEF_API void debrief_result_close(debrief_result *result);

/* How reports are written. */
typedef struct debrief_format {
  size_t struct_size; /* sizeof(debrief_format) */
  const char *name;   /* "text", "markdown" or "json"; NULL: "text" */
  unsigned columns;   /* of a text; 0: 80 */
  bool color;         /* escape sequences for colours in a text */
} debrief_format;

/* The same, and give the reports to `write` as the command `retro` prints them, UTF-8 that is safe to show, in one
 * piece or several. What went wrong on the way is told to the callbacks of the query only. `format` NULL: text. Errors:
 * as above, and EIO when `write` returned false. */
DEBRIEF_API bool debrief_retro_write(debrief *host, const char *plugins, const debrief_query *query,
                                     const debrief_format *format,
                                     bool (*write)(void *user, debrief_text text), void *user,
                                     debrief_error *err);

/* ---- Scripts --------------------------------------------------------------------------------------------- */

/* Run the Lua script in the file `path`, as `debrief run` does: with all of Lua, and the globals `debrief`, `cjson`,
 * `log` (the host's folder) and `arg`. `words` (NULL behind the last; NULL: none) are its arguments. All scripts of a
 * host share their globals. os.exit ends the script only: true, and *status is what it was given, otherwise 0; with
 * status NULL, another status than 0 is an ESCRIPT. io.write and what C modules do is not held back. Errors: EARG,
 * ENOENT, ESCRIPT (it does not load, or raised: debrief_details has a traceback), EINTERRUPTED, EMEMORY. */
DEBRIEF_API bool debrief_run_file(debrief *host, const char *path, const char *const *words, int *status,
                                  debrief_error *err);

/* The same for a script in memory, called `name` in messages. */
DEBRIEF_API bool debrief_run_text(debrief *host, const char *name, debrief_text code,
                                  const char *const *words, int *status, debrief_error *err);

/* The value of a Lua expression, or what statements return, as JSON text: "null" for nil; *json has a NUL behind it and
 * is valid until the next call with the host. What JSON cannot hold (a function, a table with itself in it) is an
 * ESCRIPT; the other errors are as above. */
DEBRIEF_API bool debrief_eval(debrief *host, debrief_text code, debrief_text *json, debrief_error *err);

/* ---- Values and functions of the host (C -> Lua) ---------------------------------------------------------- */

typedef enum debrief_value_kind {
  DEBRIEF_NIL,
  DEBRIEF_BOOLEAN,
  DEBRIEF_INTEGER,
  DEBRIEF_NUMBER,
  DEBRIEF_TEXT, /* any bytes */
  DEBRIEF_JSON  /* tables and entries, as JSON text */
} debrief_value_kind;

typedef struct debrief_value {
  debrief_value_kind kind;
  union {
    bool boolean;
    int64_t integer;
    double number;
    debrief_text text; /* of DEBRIEF_TEXT and DEBRIEF_JSON */
  } as;
} debrief_value;

/* Let scripts and plugins find a value as debrief.host.NAME, from the next look on; nil takes it away. JSON becomes
 * plain tables, new ones at each look. `name` is a Lua name, the value is copied. At any time, in callbacks and from
 * other threads, too. Errors: EARG, EJSON, EMEMORY. */
DEBRIEF_API bool debrief_set(debrief *host, const char *name, const debrief_value *value, debrief_error *err);

/* A call of a function of the host's from Lua, valid until the function returns. */
typedef struct debrief_call debrief_call;

typedef enum debrief_threads {
  DEBRIEF_HOST_THREAD, /* elsewhere the call is an error: a retrospective may call it when config.workers is 1 */
  DEBRIEF_ANY_THREAD /* worker threads may call it, several at once */
} debrief_threads;

/* Let scripts and plugins call `function` as debrief.host.NAME(...). When it returns false, or has called
 * debrief_call_fail, the call raises an error in Lua. A retrospective runs its chunks in any order: a function that
 * does not give the same answers each time makes another report each time. At any time, as debrief_set. Errors: EARG,
 * EMEMORY. */
DEBRIEF_API bool debrief_register(debrief *host, const char *name,
                                  bool (*function)(void *user, debrief_call *call), void *user,
                                  debrief_threads threads, debrief_error *err);

/* How many arguments there are, and the one at `i`, from 0: nil behind the last. Texts have a NUL behind them and are
 * valid until the function returns. */
DEBRIEF_API size_t debrief_call_count(const debrief_call *call);
DEBRIEF_API debrief_value debrief_call_argument(const debrief_call *call, size_t i);

/* Add a result, copied. False: it is the 17th, no value, or there is no memory. JSON that is none raises an error. */
DEBRIEF_API bool debrief_call_return(debrief_call *call, const debrief_value *value);

/* Let the call raise an error with this message, behind the place of the call. Returns false, for `return`. */
DEBRIEF_API bool debrief_call_fail(debrief_call *call, const char *message);

/* ---- A console -------------------------------------------------------------------------------------------- */

typedef enum debrief_input {
  DEBRIEF_INPUT_LINE,
  DEBRIEF_INPUT_END,         /* there will be no more lines */
  DEBRIEF_INPUT_INTERRUPTED, /* Ctrl-C: what was begun is thrown away, a new line is asked for */
  DEBRIEF_INPUT_FAILED       /* ends the REPL with an error */
} debrief_input;

typedef struct debrief_completer debrief_completer;

/* Lines for people: how a REPL reads and writes. Zero the struct, set struct_size, fill in what you want; `read_line`
 * and `write` must be there. `write`, `remember` and `columns` may be called from worker threads. One callback is
 * called at a time, but while read_line runs debrief_complete, the others may be. */
typedef struct debrief_console {
  size_t struct_size; /* sizeof(debrief_console) */

  /* Read a line, or several with newlines between, as somebody pasted them. For DEBRIEF_INPUT_LINE, *line is set,
   * without the newline at its end; it stays the callback's own and must be valid until the next callback. The prompt
   * is UTF-8, with escape sequences for colours when `color` is true. */
  debrief_input (*read_line)(void *user, const char *prompt, debrief_completer *completer,
                             debrief_text *line);

  /* Show a text: any bytes, any number of lines. False ends the REPL with an error. */
  bool (*write)(void *user, bool is_error, debrief_text text);

  /* A whole statement that is about to be run, for a history; may have several lines. NULL: dropped. */
  void (*remember)(void *user, debrief_text statement);

  /* Columns of what `write` writes to; 0 when unknown. NULL: unknown. */
  int (*columns)(void *user);

  bool color; /* escape sequences for colours are welcome */
  void *user;
} debrief_console;

/* In read_line: what could stand in the place of the word that ends at byte `point` of `line`. `each` gets the
 * candidates, sorted, until it returns false; a candidate is valid in that call only, and is the name as it is: a terminal
 * must not show what is no printable text in it. Returns the byte of `line` where the word starts; `point` when there are
 * no candidates. Nothing of the user's is called for this. Outside of read_line there are none. */
DEBRIEF_API size_t debrief_complete(debrief_completer *completer, debrief_text line, size_t point,
                                    bool (*each)(void *user, debrief_text candidate), void *user);

/* A REPL over the host's log, until the user leaves: lines are read and run, and what they give is written. `console`
 * may be NULL for that of the config. debrief_interrupt ends the statement that runs, not the REPL. False: EARG (no
 * console; a part of it is missing), or a code of the log or ESCRIPT when the REPL itself failed, as when the console
 * cannot be read or written. What a statement raises is written to the console, and is no failure. */
DEBRIEF_API bool debrief_repl(debrief *host, const debrief_console *console, debrief_error *err);

/* ---- Commands -------------------------------------------------------------------------------------------- */

/* Run a command of the program as if typed: `argc` words in `argv`, argv[0] being the program's name. It reads
 * standard input and writes standard output and error. Without -d it is about config.dir, and with that NULL too, about
 * $DEBRIEF_DIR or "sessions". *status is the exit status the program would have. False only when the command could
 * not be run at all: EARG, EMEMORY. */
DEBRIEF_API bool debrief_command(debrief *host, int argc, char **argv, int *status, debrief_error *err);

/* ---- Interrupts ------------------------------------------------------------------------------------------ */

typedef enum debrief_interruption {
  DEBRIEF_INTERRUPT_NOTHING, /* 0: nothing that can be stopped is under way */
  DEBRIEF_INTERRUPT_SENT,
  DEBRIEF_INTERRUPT_STILL /* an earlier one has not been heeded yet */
} debrief_interruption;

/* Stop the host's function that is under way: it fails with DEBRIEF_EINTERRUPTED, and the host can be used further.
 * From any thread, and from signal handlers. Without config.signal only what reads, follows, appends, waits for other
 * programs or runs retrospectives stops, between two entries. Not to be stopped are functions in C that do not come
 * back (string.rep, a pattern of many .-), __gc, message handlers, and coroutines that a module in C resumes. What has
 * done its work when the interrupt comes succeeds. Of debrief_command, the commands run, retro, merge and repl are
 * stopped. */
DEBRIEF_API debrief_interruption debrief_interrupt(debrief *host);

#ifdef __cplusplus
}
#endif
#endif
