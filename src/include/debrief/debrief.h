/* debrief/debrief.h: debrief inside a C program: the log of debrief/log.h plus Lua. Link with libdebrief.
 *
 *     host        debrief            one log folder, its plugins, its Lua states
 *      |-- entries  debrief_entries  entries that a query finds, one by one
 *      `-- result   debrief_result   reports that retrospectives returned, as plain structs
 *
 * Fallible functions return false (or NULL, or DEBRIEF_NEXT_ERROR) and fill `*err`, which may be NULL; debrief_details
 * says more about the failure of a plugin or a script. A host belongs to one thread at a time; hosts are independent of
 * each other, and any number of them may use one folder. A callback that a host calls may append without plugins, set
 * values, register functions and interrupt; all other functions of that host fail in it with DEBRIEF_EARG, and it must
 * not close the host. Callbacks must return: do not leave them by longjmp or a C++ exception. A thread that calls a host
 * needs 512 KiB of stack (C and Lua may call each other 200 times deep; JSON of 1,000 levels takes half of that); worker
 * threads get theirs.
 *
 * After fork, the child must open its own host: the log's functions of an inherited host fail with EFORK, and all it
 * can be used for is debrief_close.
 *
 * One piece, because everything in it is about one host; debrief/log.h is the part that needs none.
 *
 * Nothing here prints, exits, or changes a locale or a time zone, except debrief_command, which runs a command of the
 * program. Lua code and callbacks run with the locale "C" on their thread. */
#ifndef DEBRIEF_H
#define DEBRIEF_H

#include <debrief/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A host ---------------------------------------------------------------------------------------------- */

/* As Lua's allocator: if `block` is NULL, allocate `new_size` bytes (old_size is meaningless then); if `new_size` is 0,
 * free the block; else resize it as realloc does. NULL: out of memory; a block to be resized is then unchanged. */
typedef void *(*debrief_allocate)(void *user, void *block, size_t old_size, size_t new_size);

/* Zero the struct, set struct_size, fill in what you need. Everything is copied. Relative folders count from where the
 * process is when the host is opened. */
typedef struct debrief_config {
  size_t struct_size;            /* sizeof(debrief_config) */
  const char *dir;               /* the folder of the log, or an address (debrief/nats.h); NULL: "sessions" */
  const debrief_log_config *log; /* how the log is opened; NULL: the defaults */
  /* Folders that are searched first for plugins, separated by ':'. NULL: $DEBRIEF_PLUGIN_PATH. */
  const char *plugin_path;
  /* Threads of a retrospective. 0: one per processor; 1: the calling thread, and no thread is started. */
  unsigned workers;
  /* A working copy of debrief whose lua/ and plugins/ are used. NULL: the built-in ones. */
  const char *source_dir;
  /* Receives what plugins print and log. `level` is the plugin's word, usually "debug", "info", "warn" or "error";
   * `text` is one line with control characters escaped. May be called from worker threads. NULL: dropped. */
  void (*on_log)(void *user, const char *level, const char *text);
  /* Receives what scripts `print`, with the newline: any bytes. NULL: it goes to standard output. */
  void (*on_print)(void *user, const char *text, size_t len);
  void *user;
  /* For the command `repl` and for scripts that open a prompt. NULL: there is no terminal. */
  const struct debrief_console *console;
  /* How many bytes a state that runs plugins may use: one per worker, and another for merging. Exceeding it is an error
   * of the plugin. 0: no limit; with less than about 500,000 no plugin loads. */
  size_t plugin_memory;
  /* Memory of all Lua states, in pieces of 256 KiB and more, and of the host itself. Worker threads call it too,
   * several at a time. NULL: malloc. */
  debrief_allocate allocate;
  void *allocate_user;
  /* A signal that nothing else uses, such as SIGURG: with it, debrief_interrupt stops any Lua code. The library
   * installs a handler for it and never removes it; threads that call the host must not block it. 0: none. */
  int signal;
  /* A program whose main begins with debrief_isolated, usually "/proc/self/exe": plugins can then run in processes of
   * their own. NULL: they cannot. */
  const char *isolate_program;
  /* How many milliseconds of CPU time a plugin may take to load, to check an option, to detect, and for one call of a
   * hook (`finish`: ten times that). A hook that takes longer is stopped, reported as a problem and not called again.
   * With `signal`, a timer on the thread's CPU clock watches it, which costs nothing while Lua runs; without, Lua counts
   * instructions, which makes plugins about twice as slow. 0: no limit. */
  unsigned plugin_time_ms;
  /* How many milliseconds one call of a function of this host may take: then it ends with EINTERRUPTED, as by
   * debrief_interrupt. In a REPL, one statement; debrief_command has no limit. With `signal` a timer watches it,
   * which costs 9 us a call. Without, Lua looks at the clock and for interrupts every 100,000 instructions: a plain
   * loop then takes 1.9 to 2.5 times as long, code that mostly calls functions 1.2 times; and debrief_interrupt
   * stops any Lua code all the same. So a host whose signals belong to another runtime, such as Go's, sets this and
   * no signal. 0: no limit; without a signal only debrief's functions look for interrupts then. */
  unsigned time_limit_ms;
} debrief_config;

typedef struct debrief debrief;

/* Call this first in main, if config.isolate_program names this program. False: go on as usual. True: this process was
 * started to isolate a plugin and has done so; return *status from main.
 * NULL: false for argv; status: not reported. */
DEBRIEF_API bool debrief_isolated(int argc, char **argv, int *status);

/* Open a host. Nothing is read or created on disk yet. Errors: EARG, EMEMORY.
 * NULL: the defaults, for config. */
DEBRIEF_API debrief *debrief_open(const debrief_config *config, debrief_error *err);

/* Attach a host to a Lua 5.4 state of the caller, created with luaL_openlibs or at least the library `package`. Scripts
 * and the REPL run in L, which can now require "debrief"; plugins run in the host's own states. config.allocate is not
 * used for L; print and os.exit stay as they are. Until the host is closed, L has the globals debrief, cjson, log and
 * arg, and with config.signal also the host's coroutine.resume, wrap and close. L must stay open as long as the host
 * and belongs to the same thread; do not call the host's functions while a coroutine of L runs. Errors: EMEMORY; EARG,
 * if L is a coroutine, already has a host, or has loaded debrief from another library.
 * NULL: EARG for L; config: the defaults. */
struct lua_State;
DEBRIEF_API debrief *debrief_attach(struct lua_State *L, const debrief_config *config, debrief_error *err);

/* Close a host. NULL is fine. Objects opened from it are closed by their own functions, before or after. A state that
 * it was attached to stays open, gets its globals back, and keeps the module "debrief". */
DEBRIEF_API void debrief_close(debrief *host);

/* The host's log, for the functions of debrief/log.h. It belongs to the host. NULL for NULL. */
DEBRIEF_API debrief_log *debrief_host_log(debrief *host);

/* An error of a plugin or a script, or a note about a query. Unknown texts are "", never NULL. */
typedef struct debrief_problem {
  const char *plugin;  /* its name */
  const char *hook;    /* "enrich", "filter", "init", "step", "merge", "finish" */
  const char *session; /* the entry's; "" for none */
  uint64_t line;       /* the entry's, from 1; 0 for none */
  uint64_t count;      /* how often the same was reported; place and traceback are of the first time */
  const char *message;
  const char *traceback; /* several lines, within the plugin only */
} debrief_problem;

/* Details of the last call that ran Lua and failed: the whole message, the place and the traceback; empty texts if it
 * did not fail. Belongs to the host and is valid until the next call. NULL for NULL. */
DEBRIEF_API const debrief_problem *debrief_details(const debrief *host);

/* ---- Queries ---------------------------------------------------------------------------------------------- */

/* Selects entries, and the plugins that they pass. Zero the struct, set struct_size, fill in what you need. Nothing of
 * it is kept, except the callbacks and `user` by debrief_entries. */
typedef struct debrief_query {
  size_t struct_size; /* sizeof(debrief_query) */
  /* Ids, patterns ("quay-*") and single lines ("week:4"), separated by ','; one that does not exist is ENOENT. Paths are
   * not taken: hosts pass on ids that others typed. NULL: all of the log, in byte order of the ids. */
  const char *sessions;
  const char *since;  /* since this time: "7d", "12h", "2026-11-01", "last week", RFC 3339; NULL: any */
  const char *until;  /* before this time; for a day or week, before its end; NULL: any */
  const char *where;  /* a Lua expression over fields, as `read --where` takes it; NULL: all */
  const char *enrich; /* plugins that run first, by name or path, separated by ','; NULL: none */
  const char *filter; /* plugins that all must keep an entry, separated by ','; NULL: none */
  /* Options of plugins, "slow.limit_ms=5", or with one plugin "limit_ms=5"; ends with NULL. NULL: none. */
  const char *const *options;
  /* Rights of plugins, "git:process"; ends with NULL. NULL: none. */
  const char *const *allow;
  bool strict; /* fail at the first line that is not an entry: DEBRIEF_EDAMAGED */
  /* Called on the calling thread: with damaged lines, and with errors of plugins and `where`, once for each different
   * message. Their arguments are valid until they return. NULL: not reported. */
  void (*on_diagnostic)(void *user, const debrief_diagnostic *diagnostic);
  void (*on_problem)(void *user, const debrief_problem *problem);
  void *user;
  uint64_t line; /* only this line of each session; 0: all */
  uint64_t
      last; /* only so many entries that enrich and filter keep: of one session its last, of several the latest
                    by time; 0: all */
  /* Arrays that end with NULL; NULL or empty: any. An entry must have one value of each that is given. `*` and `?` make
   * a pattern, except in outcome and grep. */
  const char *const *skill; /* "review", "tools:review" for the skill of a plugin, "quay-*" */
  const char *const *phase;
  const char *const *model;   /* of the entry or of any of its attempts */
  const char *const *project; /* project_root, or its last part */
  const char *const *outcome; /* "ok", "fail", "skip" or "unknown" */
  /* A text in a string of the entry, at any depth. Without a capital letter it is found in both cases (A to Z). */
  const char *const *grep;
} debrief_query;

/* ---- Appending (C -> file) ------------------------------------------------------------------------------- */

/* Append one entry to session `id`, as debrief_log_append does, with its errors. With `through`, the plugins in its
 * `enrich` run first, and what they add is stored; of its other members, only options, allow and on_problem are used.
 * If an enricher fails, on_problem is called, and the entry is stored as it was before that plugin; if the plugin has
 * on_error = "refuse", as redact has, nothing is stored: ESCRIPT. EPLUGIN: a plugin does not exist or does not load.
 * Plugins stay loaded until others are asked for. Without plugins this is as fast as debrief_log_append.
 * NULL: EARG for host, id and entry; through: no plugin. */
DEBRIEF_API bool debrief_append(debrief *host, const char *id, const debrief_entry *entry,
                                const debrief_query *through, debrief_error *err);

/* The same for an entry given as JSON text of `len` bytes, as debrief_log_append_json takes it.
 * NULL: EARG for host, id and json; through: no plugin. */
DEBRIEF_API bool debrief_append_json(debrief *host, const char *id, const char *json, size_t len,
                                     const debrief_query *through, debrief_error *err);

/* ---- Runs (C -> file) ------------------------------------------------------------------------------------- */

/* A run that is recorded while it goes on. If this process dies before debrief_run_finish, what is known by then is not
 * lost: it is in a small file below ${XDG_STATE_HOME:-~/.local/state}/debrief/runs, which the next `debrief record` or
 * `debrief append` to the log, or `debrief record --recover`, turns into an entry with final_status "aborted". */
typedef struct debrief_run debrief_run;

/* A run of session `id` begins. `fields` is a JSON object with what is known of its entry (skill, phase, model, input,
 * others as they are). session_id, timestamp and duration_ms are filled in when it is over, and only what was given is
 * written. NULL, and *err filled: EARG (not an object, a field of another type), EID, EMEMORY.
 * NULL: EARG for host and id; fields.data: nothing is known. */
DEBRIEF_API debrief_run *debrief_run_begin(debrief *host, const char *id, debrief_text fields,
                                           debrief_error *err);

/* An attempt of the run has ended. `attempt` is a JSON object with its fields: model, verified, duration_ms,
 * runner_output, others as they are; `attempt` is its number if it is not given. Errors: EARG.
 * NULL: EARG, for run and attempt.data. */
DEBRIEF_API bool debrief_run_attempt(debrief_run *run, debrief_text attempt, debrief_error *err);

/* The run is over: store its entry, and free the run, also if that fails. False: the errors of debrief_log_append; the
 * entry is kept for whoever recovers it. EARG: the host was closed.
 * NULL: EARG for run; final_status: "fail" if the last attempt says verified = false, else "ok". */
DEBRIEF_API bool debrief_run_finish(debrief_run *run, const char *final_status, debrief_error *err);

/* ---- Entries (file -> C) --------------------------------------------------------------------------------- */

typedef struct debrief_entries debrief_entries;

/* An entry as the plugins left it. debrief_member accepts `json`. Both texts are valid until the next call with the
 * same debrief_entries. */
typedef struct debrief_found {
  debrief_text json;
  const char *session;
  uint64_t line; /* in its session, from 1 */
} debrief_found;

/* Open a query. Its entries are read on demand and a little ahead, in memory that grows only with the longest entry;
 * any number of queries may be open. Errors: EARG (also: since, until or where is not understood), EID, ENOENT (no
 * such session or folder), EPLUGIN, EIO, EMEMORY.
 * NULL: EARG for host; query: all entries. */
DEBRIEF_API debrief_entries *debrief_query_entries(debrief *host, const debrief_query *query,
                                                   debrief_error *err);

/* Open a query that follows the log: what is appended from now on, with `from_start` after all that is there. Its
 * `sessions` are ids, which need not exist yet; since, until, line and last must not be given. debrief_entries_next
 * returns END when nothing more has come; poll debrief_entries_fd and call it again. After EIO, EUNSAFE and EDAMAGED
 * (with strict) it goes on with the other sessions, and with the one at fault once the cause is gone; any other error
 * is returned again by every later call. Errors: as debrief_query_entries.
 * NULL: EARG for host; query: all entries. */
DEBRIEF_API debrief_entries *debrief_query_follow(debrief *host, const debrief_query *query, bool from_start,
                                                  debrief_error *err);

/* A descriptor that becomes readable when something may have been appended, to poll together with others. Before each
 * wait, call debrief_entries_next until it returns END. It belongs to `entries`. -1 if that does not follow, or the
 * host was closed.
 * NULL: -1. */
DEBRIEF_API int debrief_entries_fd(const debrief_entries *entries);

/* The next entry. If a plugin fails, on_problem is called and the entry goes on as it was before that plugin; if a
 * filter fails, or an enricher with on_error = "refuse", the entry is left out. ERROR: as debrief_reader_next, or
 * ESCRIPT; every later call returns it again. It is EARG if the host was closed in between, and, once, for a call from
 * a callback.
 * NULL: EARG, for entries and found. */
DEBRIEF_API debrief_next debrief_entries_next(debrief_entries *entries, debrief_found *found,
                                              debrief_error *err);

/* NULL is fine. The host may already be closed. A callback may call this too, and must not use `entries` afterwards. */
DEBRIEF_API void debrief_entries_close(debrief_entries *entries);

/* ---- Retrospectives (file -> C) --------------------------------------------------------------------------- */

typedef enum debrief_cell_kind {
  DEBRIEF_CELL_NONE, /* no data: neither 0 nor 0 % */
  DEBRIEF_CELL_BOOLEAN,
  DEBRIEF_CELL_INTEGER,
  DEBRIEF_CELL_NUMBER,
  DEBRIEF_CELL_TEXT,
  DEBRIEF_CELL_RATE, /* `num` of `den`, 0 <= num <= den; if den is 0 there is no rate */
  DEBRIEF_CELL_SPARK /* numbers to draw as a small curve */
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
      double low, high; /* the range to draw; NaN: the range of the values */
    } spark;
  } as;
} debrief_cell;

typedef enum debrief_align {
  DEBRIEF_ALIGN_AUTO, /* numbers to the right, anything else to the left */
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

/* A conclusion, and the entries that it rests on. */
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
  uint64_t incomplete; /* entries on which the plugin failed, so that they are not in the figures */
} debrief_report;

/* The result of running retrospectives. Missing texts have len 0; all are followed by a NUL and can contain anything
 * that a log contains: escape them for a terminal. */
typedef struct debrief_result {
  uint64_t entries;                     /* read, before any match or filter */
  uint64_t sessions;                    /* with a window: those with entries in it */
  const debrief_report *const *reports; /* in the order of the plugins; without those that stopped */
  size_t report_count;
  const debrief_diagnostic *const *diagnostics; /* lines that are not entries */
  size_t diagnostic_count;
  uint64_t diagnostics_dropped; /* how many more there were */
  const debrief_problem *const *problems;
  size_t problem_count;
} debrief_result;

/* Run retrospectives, by name or path, separated by ',', over the entries that a query finds. The result is plain
 * memory that any thread may read and that outlives the host; close it with debrief_result_close. A plugin that fails
 * on an entry stops nothing and is among the problems, as are sessions that could not be read, and notes. The
 * callbacks of the query are called with the same at the end. Errors: as debrief_query_entries, ESCRIPT, EDAMAGED,
 * EINTERRUPTED.
 * NULL: EARG for host and plugins; query: all entries. */
DEBRIEF_API debrief_result *debrief_retro(debrief *host, const char *plugins, const debrief_query *query,
                                          debrief_error *err);

/* NULL is fine. */
DEBRIEF_API void debrief_result_close(debrief_result *result);

/* How to write reports. */
typedef struct debrief_format {
  size_t struct_size; /* sizeof(debrief_format) */
  const char *name;   /* "text", "markdown", "html", "json", "csv" or "tsv"; NULL: "text" */
  unsigned columns;   /* width of "text"; 0: 80 */
  bool color;         /* colours in "text", by escape sequences */
} debrief_format;

/* The same, but pass the reports to `write` as the command `retro` prints them: UTF-8 that is safe to show, in one
 * piece or several. Problems are reported to the callbacks of the query only. Errors: as above, and EIO if `write`
 * returned false.
 * NULL: EARG for host, plugins and write; query: all entries; format: text. */
DEBRIEF_API bool debrief_retro_write(debrief *host, const char *plugins, const debrief_query *query,
                                     const debrief_format *format,
                                     bool (*write)(void *user, debrief_text text), void *user,
                                     debrief_error *err);

/* The same as one text of the host's, without a callback: all that a binding for another language needs. *text is
 * followed by a NUL and is valid until the next call with the host that returns a text (debrief_retro_text,
 * debrief_table_text, debrief_eval), or until the host is closed; nothing must be freed. After a failure its data is
 * NULL. With the format "json" it is what `retro --json` prints. Errors: as debrief_retro.
 * NULL: EARG for host, plugins and text; query: all entries; format: text. */
DEBRIEF_API bool debrief_retro_text(debrief *host, const char *plugins, const debrief_query *query,
                                    const debrief_format *format, debrief_text *text, debrief_error *err);

/* A table of measures over the entries that a query finds, as the command `table` prints it. `table` says what it
 * shows: "by=skill,week", "show=runs,passed,slow=rate(duration_ms > 60000)", "across=model", "each=attempts",
 * "where=verified" (of each; of the entries it is the query's), "sort=-runs", "limit=10", "min=5", "chart=bar"; ends
 * with NULL. *text is as that of debrief_retro_text. Errors: as debrief_retro; EARG names the key that is wrong.
 * NULL: EARG for host and text; table: runs by skill; query: all entries; format: text. */
DEBRIEF_API bool debrief_table_text(debrief *host, const char *const *table, const debrief_query *query,
                                    const debrief_format *format, debrief_text *text, debrief_error *err);

/* ---- Scripts --------------------------------------------------------------------------------------------- */

/* Run the Lua script in the file `path`, as `debrief run` does: with all of Lua, and the globals `debrief`, `cjson`,
 * `log` (the host's folder) and `arg`. `words` (ending with NULL; NULL: none) are its arguments. All scripts of a
 * host share their globals. os.exit ends only the script: the function returns true, and *status is the argument of
 * os.exit, otherwise 0; if status is NULL, any status but 0 is an ESCRIPT. io.write and C modules are not restricted.
 * Errors: EARG, ENOENT, ESCRIPT (it does not load, or raised an error: see debrief_details), EINTERRUPTED, EMEMORY.
 * NULL: EARG for host and path; words: none; status: see above. */
DEBRIEF_API bool debrief_run_file(debrief *host, const char *path, const char *const *words, int *status,
                                  debrief_error *err);

/* The same for a script in memory, called `name` in messages.
 * NULL: EARG for host, name and code.data; words: none; status: see above. */
DEBRIEF_API bool debrief_run_text(debrief *host, const char *name, debrief_text code,
                                  const char *const *words, int *status, debrief_error *err);

/* The value of a Lua expression, or what statements return, as JSON text: "null" for nil. *json is followed by a NUL
 * and is valid until the next call with the host that returns a text, as that of debrief_retro_text. A value that JSON
 * cannot hold (a function, a table that contains itself) is an ESCRIPT; the other errors are as above.
 * NULL: EARG, for host, code.data and json. */
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

/* Set debrief.host.NAME for scripts and plugins, from their next access on; nil removes it. JSON becomes plain tables,
 * new ones at each access. `name` must be a Lua name; the value is copied. May be called at any time, also in callbacks
 * and from other threads. Errors: EARG, EJSON, EMEMORY.
 * NULL: EARG, for host, name and value. */
DEBRIEF_API bool debrief_set(debrief *host, const char *name, const debrief_value *value, debrief_error *err);

/* A call from Lua to a function of the host, valid until that function returns. */
typedef struct debrief_call debrief_call;

typedef enum debrief_threads {
  DEBRIEF_HOST_THREAD, /* calls from other threads fail; a retrospective can call it if config.workers is 1 */
  DEBRIEF_ANY_THREAD   /* worker threads can call it, several at once */
} debrief_threads;

/* Let scripts and plugins call `function` as debrief.host.NAME(...). If it returns false, or has called
 * debrief_call_fail, the call raises an error in Lua. A retrospective runs its chunks in any order, so a function whose
 * answers vary makes reports that vary. May be called at any time, as debrief_set. Errors: EARG, EMEMORY.
 * NULL: EARG, for host, name and function. */
DEBRIEF_API bool debrief_register(debrief *host, const char *name,
                                  bool (*function)(void *user, debrief_call *call), void *user,
                                  debrief_threads threads, debrief_error *err);

/* The number of arguments, and the one at index `i`, from 0: nil past the last. Texts are followed by a NUL and valid
 * until the function returns.
 * NULL: 0 and nil. */
DEBRIEF_API size_t debrief_call_count(const debrief_call *call);
DEBRIEF_API debrief_value debrief_call_argument(const debrief_call *call, size_t i);

/* Add a result, which is copied. False: it is the 17th, not a value, or memory ran out. Invalid JSON raises an
 * error.
 * NULL: false, for call and value. */
DEBRIEF_API bool debrief_call_return(debrief_call *call, const debrief_value *value);

/* Make the call raise an error: the place of the call, then this message. Returns false, to be used with `return`.
 * NULL: false for call; message: a general one. */
DEBRIEF_API bool debrief_call_fail(debrief_call *call, const char *message);

/* ---- A console -------------------------------------------------------------------------------------------- */

typedef enum debrief_input {
  DEBRIEF_INPUT_LINE,
  DEBRIEF_INPUT_END,         /* no more lines */
  DEBRIEF_INPUT_INTERRUPTED, /* Ctrl-C: discard an unfinished statement and read a new line */
  DEBRIEF_INPUT_FAILED       /* end the REPL with an error */
} debrief_input;

typedef struct debrief_completer debrief_completer;

/* How a REPL reads and writes lines. Zero the struct, set struct_size, fill in what you need; `read_line` and `write`
 * are required. `write`, `remember` and `columns` may be called from worker threads. Only one callback is called at a
 * time, except that the others may be called while read_line is in debrief_complete. */
typedef struct debrief_console {
  size_t struct_size; /* sizeof(debrief_console) */

  /* Read a line, or several pasted lines separated by newlines. For DEBRIEF_INPUT_LINE, set *line, without the newline
   * at its end; it belongs to the callback and must be valid until the next callback. The prompt is UTF-8, with escape
   * sequences for colours if `color` is true. */
  debrief_input (*read_line)(void *user, const char *prompt, debrief_completer *completer,
                             debrief_text *line);

  /* Show text: any bytes, any number of lines. False ends the REPL with an error. */
  bool (*write)(void *user, bool is_error, debrief_text text);

  /* A whole statement that is about to run, for a history; may have several lines. NULL: dropped. */
  void (*remember)(void *user, debrief_text statement);

  /* Columns of what `write` writes to; 0 when unknown. NULL: unknown. */
  int (*columns)(void *user);

  bool color; /* use escape sequences for colours */
  void *user;
} debrief_console;

/* In read_line: find the candidates for the word that ends at byte `point` of `line`. `each` gets them sorted, until it
 * returns false. A candidate is valid in that call only, and is the raw name: escape it before you show it on a
 * terminal. Returns the byte of `line` where the word starts, or `point` if there are no candidates. No code of the
 * user runs for this. Outside of read_line there are no candidates.
 * NULL: no candidates, for completer, line.data and each. */
DEBRIEF_API size_t debrief_complete(debrief_completer *completer, debrief_text line, size_t point,
                                    bool (*each)(void *user, debrief_text candidate), void *user);

/* Run a REPL over the host's log until the user leaves: read lines, run them, write their values. `console` may be NULL
 * for that of the config. debrief_interrupt ends the running statement, not the REPL. False: EARG (no console, or a
 * part of it is missing), or ESCRIPT or a code of the log if the REPL itself failed, for example because the console
 * cannot be read. An error that a statement raises is written to the console and is not a failure.
 * NULL: EARG for host; console: that of the config. */
DEBRIEF_API bool debrief_repl(debrief *host, const debrief_console *console, debrief_error *err);

/* ---- Commands -------------------------------------------------------------------------------------------- */

/* Run a command of the program as if it was typed: `argc` words in `argv`, argv[0] being the program's name. It reads
 * standard input and writes to standard output and error. Without -d it uses config.dir, or if that is NULL,
 * $DEBRIEF_DIR or "sessions". *status is the exit status that the program would have. False only if the command could
 * not be run at all: EARG, EMEMORY.
 * NULL: EARG, for host, argv, a word of it and status. */
DEBRIEF_API bool debrief_command(debrief *host, int argc, char **argv, int *status, debrief_error *err);

/* ---- Interrupts ------------------------------------------------------------------------------------------ */

typedef enum debrief_interruption {
  DEBRIEF_INTERRUPT_NOTHING, /* 0: nothing that can be stopped is running */
  DEBRIEF_INTERRUPT_SENT,
  DEBRIEF_INTERRUPT_STILL /* an earlier interrupt has not taken effect yet */
} debrief_interruption;

/* Stop the running function of the host: it fails with DEBRIEF_EINTERRUPTED, and the host can be used further. May be
 * called from any thread and from signal handlers. Without config.signal, only code that reads, follows, appends, waits
 * for other programs or runs retrospectives stops, between two entries. C functions that do not return (string.rep, a
 * pattern with many .-), __gc, message handlers, and coroutines that a C module resumes cannot be stopped. A function
 * that has finished its work when the interrupt comes succeeds. Of debrief_command, the commands run, retro, merge and
 * repl can be stopped.
 * NULL: DEBRIEF_INTERRUPT_NOTHING. */
DEBRIEF_API debrief_interruption debrief_interrupt(debrief *host);

/* Remove the temporary folders that logs at addresses (nats://) were read into, before a signal ends the process: they are as large
 * as those logs. May be called from signal handlers, as the last thing of the host; without it the next process that reads such
 * a log removes them.
 * NULL: the same, also while a host is being closed. */
DEBRIEF_API void debrief_abandon(debrief *host);

#ifdef __cplusplus
}
#endif
#endif
