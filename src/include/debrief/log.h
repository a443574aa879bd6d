/* debrief/log.h: append and read session logs of AI-agent skill runs. No Lua. Link with libdebrief-log.
 *
 *     log         debrief_log            one folder
 *      `-- session   "s1" -> s1.jsonl    one append-only file of it
 *           `-- entry   one line         one skill run, a JSON object
 *                `-- attempt             one try inside an entry
 *
 * Fallible functions return false (or NULL, or DEBRIEF_NEXT_ERROR) and fill `*err`, which may be NULL.
 * Nothing here prints, exits, installs a handler or changes a locale. All text is UTF-8 with a length; a byte
 * sequence that is not UTF-8 is stored as U+FFFD, never refused. */
#ifndef DEBRIEF_LOG_H
#define DEBRIEF_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DEBRIEF_API __attribute__((visibility("default")))
#else
#define DEBRIEF_API
#endif

/* ---- Errors ---------------------------------------------------------------------------------------------- */

typedef enum debrief_code {
  DEBRIEF_OK = 0,
  DEBRIEF_EARG,  /* the call is wrong: a NULL that is not allowed, a struct of an unknown size */
  DEBRIEF_EID,   /* not a session id: [A-Za-z0-9][A-Za-z0-9._-]{0,127} */
  DEBRIEF_EJSON, /* not JSON; `offset` is the byte of the text where the error is */
  DEBRIEF_EENTRY, /* JSON, but not an entry: not an object, a known field of another type, a duplicate member */
  DEBRIEF_ETOOBIG,   /* longer than 256 MiB or deeper than 1,024 levels */
  DEBRIEF_ENOENT,    /* no such folder or session */
  DEBRIEF_EIO,       /* the system refused; nothing of this call was acknowledged */
  DEBRIEF_EUNSAFE,   /* a symbolic link, a FIFO, a device or a directory has the name of a session */
  DEBRIEF_ELOCKED,   /* another process held the session's lock for longer than lock_timeout_ms */
  DEBRIEF_EPOISONED, /* an earlier sync failed: what was acknowledged before may be lost; open the log again */
  DEBRIEF_EDAMAGED,  /* strict reading met a line that is not an entry */
  DEBRIEF_EFORK,     /* the log was opened by another process, before fork: open it again in this one */
  DEBRIEF_EMEMORY,   /* out of memory */
  DEBRIEF_ESYNC,     /* written, so do not append it again, but the sync failed: a power cut may lose it */
  /* debrief/debrief.h only */
  DEBRIEF_EPLUGIN,     /* a plugin does not exist, does not load, or has no such option */
  DEBRIEF_ESCRIPT,     /* a script, a hook or a function of the host raised an error */
  DEBRIEF_EINTERRUPTED /* debrief_interrupt was called */
} debrief_code;

/* What went wrong. `message` is one line: what happened, where, and what to do. `line` counts from 1 (0: no line),
 * `offset` is in bytes. */
typedef struct debrief_error {
  debrief_code code;
  uint64_t line;
  uint64_t offset;
  char message[496];
} debrief_error;

/* ---- Values ---------------------------------------------------------------------------------------------- */

/* Bytes with a length. {NULL, 0} is "not given". The callee copies what it keeps. */
typedef struct debrief_text {
  const char *data;
  size_t len;
} debrief_text;

/* A time as RFC 3339 writes it: seconds since 1970-01-01T00:00:00Z (negative before), nanoseconds 0 to
 * 999,999,999, and the zone in which it is shown. Years 0001 to 9999. `set` false is "not given". */
typedef struct debrief_time {
  int64_t seconds;
  int32_t nanoseconds;
  int32_t offset_minutes;
  bool set;
} debrief_time;

enum {
  DEBRIEF_HAS_ATTEMPT = 1,
  DEBRIEF_HAS_VERIFIED = 2,
  DEBRIEF_HAS_DURATION = 4,
  DEBRIEF_HAS_ATTEMPTS = 8
};

/* One try inside an entry. */
typedef struct debrief_attempt {
  int64_t attempt;
  debrief_text model;
  debrief_text output_summary; /* left out when empty */
  debrief_text runner_output;  /* left out when empty */
  bool verified;
  uint32_t has;       /* sparse entries only: DEBRIEF_HAS_ATTEMPT, DEBRIEF_HAS_VERIFIED */
  debrief_text extra; /* JSON object whose members follow the known ones, or not given */
} debrief_attempt;

/* One skill run. Written as Go's json.Marshal writes the original struct: known fields in this order, empty
 * optional ones left out. Zero the struct, set struct_size, fill in what you know. */
typedef struct debrief_entry {
  size_t struct_size;      /* sizeof(debrief_entry) */
  debrief_text session_id; /* not given: the session it is appended to; any other is refused */
  debrief_time timestamp;  /* not set: now, in UTC (sparse: left out) */
  debrief_text skill;
  debrief_text phase;        /* left out when empty */
  debrief_text project_root; /* left out when empty */
  debrief_text input;        /* JSON text of any kind, compacted; left out when empty */
  const debrief_attempt *attempts;
  size_t attempt_count; /* left out when 0 */
  debrief_text final_status;
  debrief_text file_path;  /* left out when empty */
  debrief_text model_used; /* left out when empty */
  int64_t duration_ms;     /* milliseconds; left out when 0 */
  debrief_text extra;      /* JSON object whose members follow the known ones, or not given */
  bool sparse;  /* leave out everything that was not given: texts with data == NULL, times not set, and
                              numbers and booleans whose bit in `has` is 0 */
  uint32_t has; /* sparse only: DEBRIEF_HAS_DURATION, DEBRIEF_HAS_ATTEMPTS */
} debrief_entry;

/* ---- A log ----------------------------------------------------------------------------------------------- */

typedef enum debrief_sync {
  DEBRIEF_SYNC_NONE = 0, /* an acknowledged entry survives the death of the process */
  DEBRIEF_SYNC_DATA      /* and a power cut: fdatasync before the call returns */
} debrief_sync;

typedef struct debrief_log_config {
  size_t struct_size;       /* sizeof(debrief_log_config) */
  debrief_sync sync;        /* default: DEBRIEF_SYNC_NONE */
  uint32_t lock_timeout_ms; /* how long an append waits for the session's lock; 0: 10,000 */
  uint32_t file_mode;       /* of sessions that are created; 0: 0600 */
  uint32_t folder_mode;     /* of folders that are created; 0: 0700 */
  /* For addresses only (debrief/nats.h). Paths of files: credentials, certificates of the authorities to trust, the
   * certificate and the key of this client. NULL: none. */
  const char *creds, *tls_ca, *tls_cert, *tls_key;
  uint32_t timeout_ms; /* how long an append tries again before it fails; 0: 30,000; at most 540,000 */
} debrief_log_config;

typedef struct debrief_log debrief_log;

/* Open the log in folder `dir`, or at an address (debrief/nats.h). The folder is created by the first append, not here; reading from a folder that does
 * not exist fails with DEBRIEF_ENOENT. A relative path counts from the working folder of this moment, wherever the
 * process goes later. What the path names is the log: after the folder or a session was moved away, the next call
 * makes or finds the one that has the name then. Close with debrief_log_close. A log is thread-safe. Errors: EARG,
 * EMEMORY.
 * NULL: EARG for dir; config: the defaults. */
DEBRIEF_API debrief_log *debrief_log_open(const char *dir, const debrief_log_config *config,
                                          debrief_error *err);

/* Close the log and every descriptor it holds. NULL is fine. Readers opened from it stay valid. */
DEBRIEF_API void debrief_log_close(debrief_log *log);

/* ---- Appending (C -> file) ------------------------------------------------------------------------------- */

/* Append one entry to session `id`. On true the entry is in the file and survives the death of this process;
 * with DEBRIEF_SYNC_DATA it also survives a power cut. On false nothing was acknowledged: EARG, EID, EJSON
 * (input or extra is not JSON), EENTRY, ETOOBIG, EIO, ESYNC, EUNSAFE, ELOCKED, EPOISONED, EFORK, EMEMORY.
 * NULL: EARG, for log, id and entry. */
DEBRIEF_API bool debrief_log_append(debrief_log *log, const char *id, const debrief_entry *entry,
                                    debrief_error *err);

/* Append one entry given as JSON text: checked, compacted, a missing session_id and timestamp filled in, and
 * nothing else of it changed. Errors as above; err->offset is the byte of `json` at fault.
 * NULL: EARG, for log, id and json. */
DEBRIEF_API bool debrief_log_append_json(debrief_log *log, const char *id, const char *json, size_t len,
                                         debrief_error *err);

/* Append `count` entries given as JSON texts under one lock, in writes of up to 1 MiB, with one sync. All are checked
 * before the first is written: a bad one refuses the batch (err->line is its number, from 1). `*stored` is `count` on
 * true; on false, how many are in the file, 0 unless the disk failed.
 * NULL: EARG for log, id and jsons; stored: not reported. */
DEBRIEF_API bool debrief_log_append_batch(debrief_log *log, const char *id, const debrief_text *jsons,
                                          size_t count, size_t *stored, debrief_error *err);

/* ---- Reading (file -> C) --------------------------------------------------------------------------------- */

typedef enum debrief_next {
  DEBRIEF_NEXT_ERROR = -1,
  DEBRIEF_NEXT_END = 0,
  DEBRIEF_NEXT_ENTRY = 1
} debrief_next;

/* One entry as it is in the file. `json` is valid until the next call on the same reader; the byte after it is never
 * JSON. `offset` is where its line begins in the file, in bytes. */
typedef struct debrief_line {
  debrief_text json;
  uint64_t line;
  uint64_t offset;
  bool salvaged;      /* its line held something else too (kinds glued, spliced, nul_run) */
  bool bad_utf8;      /* it contains bytes that are not UTF-8; show them as U+FFFD */
  bool duplicate_key; /* a member occurs twice; the last one counts */
} debrief_line;

typedef enum debrief_kind {
  DEBRIEF_IN_PROGRESS = 1, /* an unterminated tail while the file is still being written; no damage */
  DEBRIEF_TORN_TAIL,       /* an unterminated tail that is not a whole entry */
  DEBRIEF_GLUED,           /* whole entries on one line; each is returned */
  DEBRIEF_SPLICED,         /* a cut entry followed by a whole one; the whole one is returned */
  DEBRIEF_NUL_RUN,         /* NUL bytes, as a power cut leaves them; a whole entry after them is returned */
  DEBRIEF_BAD_JSON,        /* not JSON */
  DEBRIEF_BAD_ENTRY,       /* JSON, but not an object, or a known field has another type */
  DEBRIEF_OVERSIZE,        /* longer than the limit; skipped in constant memory */
  DEBRIEF_BAD_UTF8,        /* a warning: the entry is returned */
  DEBRIEF_DUPLICATE_KEY,   /* a warning: the entry is returned */
  DEBRIEF_TRUNCATED,       /* following only, a warning: the file was cut short or emptied */
  DEBRIEF_REPLACED         /* following only, a warning: another file has taken its name */
} debrief_kind;

/* One thing that went wrong without stopping the reader. Valid only during the callback. */
typedef struct debrief_diagnostic {
  debrief_kind kind;
  const char *path;    /* of the file, as given when it was opened */
  uint64_t line;       /* from 1 */
  uint64_t offset;     /* where the line begins in the file, bytes */
  uint64_t length;     /* of the line, bytes */
  const char *message; /* what was found, one line */
  char excerpt[264];   /* the first 64 bytes of the damage, control characters and non-ASCII escaped */
} debrief_diagnostic;

typedef struct debrief_read_config {
  size_t struct_size; /* sizeof(debrief_read_config) */
  bool strict;        /* stop at the first line that is not an entry: DEBRIEF_EDAMAGED */
  bool foreign;       /* not a log of debrief: any JSON object is an entry, known fields are not checked */
  void (*on_diagnostic)(void *user,
                        const debrief_diagnostic *diagnostic); /* lenient reading only; may be NULL */
  void *user;
} debrief_read_config;

typedef struct debrief_reader debrief_reader;

/* Read session `id` from its beginning, line by line, in memory that grows only with the longest line. A session that
 * does not exist is empty; a folder that does not exist is ENOENT. Close with debrief_reader_close. A reader belongs
 * to one thread at a time. Errors: EARG, EID, ENOENT, EIO, EUNSAFE, EMEMORY.
 * NULL: EARG for log and id; config: the defaults. */
DEBRIEF_API debrief_reader *debrief_log_read(debrief_log *log, const char *id,
                                             const debrief_read_config *config, debrief_error *err);

/* The same for any file. Symbolic links are followed, the file must be regular and must exist (ENOENT).
 * NULL: EARG for path; config: the defaults. */
DEBRIEF_API debrief_reader *debrief_log_read_path(const char *path, const debrief_read_config *config,
                                                  debrief_error *err);

/* The next entry. DEBRIEF_NEXT_ERROR: EIO, EMEMORY, or EDAMAGED with strict; every later call returns it again.
 * NULL: EARG, for reader and line. */
DEBRIEF_API debrief_next debrief_reader_next(debrief_reader *reader, debrief_line *line, debrief_error *err);

/* NULL is fine. */
DEBRIEF_API void debrief_reader_close(debrief_reader *reader);

/* The diagnostic's name as it is printed ("torn_tail"), a static string. */
DEBRIEF_API const char *debrief_kind_name(debrief_kind kind);

/* True for the kinds that mean a damaged line, false for in_progress and the four warnings. */
DEBRIEF_API bool debrief_kind_is_damage(debrief_kind kind);

/* ---- Checking and repairing ------------------------------------------------------------------------------ */

/* The result of checking one session. Set struct_size, the rest is filled in. */
typedef struct debrief_check {
  size_t struct_size; /* sizeof(debrief_check) */
  uint64_t bytes;
  uint64_t lines;     /* blank and damaged ones included */
  uint64_t blank;     /* lines */
  uint64_t entries;   /* that a lenient reader returns, including salvaged ones */
  uint64_t damaged;   /* lines */
  uint64_t found[16]; /* diagnostics by kind: found[DEBRIEF_TORN_TAIL] */
} debrief_check;

/* Read session `id` from beginning to end and count what is in it. config->on_diagnostic is called for every damaged
 * line, in_progress tail and warning; config->strict is ignored. The file is not changed. Returns true even if there
 * is damage: see check->damaged. A session that does not exist is empty. Errors: as debrief_log_read and
 * debrief_reader_next; `*check` then counts what was read before the error.
 * NULL: EARG for log, id and check; config: the defaults. */
DEBRIEF_API bool debrief_log_check(debrief_log *log, const char *id, const debrief_read_config *config,
                                   debrief_check *check, debrief_error *err);

/* The same for any file, as debrief_log_read_path opens it.
 * NULL: EARG for path and check; config: the defaults. */
DEBRIEF_API bool debrief_log_check_path(const char *path, const debrief_read_config *config,
                                        debrief_check *check, debrief_error *err);

/* Bytes of a damaged line that are not an entry and so are not in the repaired session. */
typedef struct debrief_left_out {
  debrief_kind kind;
  uint64_t line;   /* from 1, in the file before its repair, and so in the copy */
  uint64_t offset; /* bytes from the beginning of that file */
  uint64_t length; /* bytes */
} debrief_left_out;

/* What a repair did. Set struct_size, the rest is filled in; release it with debrief_repair_release. */
typedef struct debrief_repair {
  size_t struct_size;         /* sizeof(debrief_repair) */
  bool repaired;              /* false: no line is damaged, nothing was changed */
  uint64_t entries;           /* that the session has now */
  uint64_t salvaged;          /* how many of them were on a damaged line and now have their own */
  char *copy;                 /* path of the copy of the session as it was; NULL when nothing was changed */
  debrief_left_out *left_out; /* in the order of the file: the first 10,000 */
  size_t left_out_count;      /* of these */
  uint64_t left_out_total;    /* of all there are */
} debrief_repair;

/* Replace session `id` by a file that holds, one per line, the bytes of every entry that a lenient reader returns.
 * The file as it was stays, as ID.jsonl.broken-20261122T193000Z (UTC) in the same folder, with a number appended if that
 * name is taken. Every byte of it is in the new session, among what was left out, or white space between entries (which
 * includes a byte-order mark). A session without damage is not touched.
 *
 * Others may append meanwhile. The session's lock is held only for what they appended since the repair began, and until
 * the new file has the session's name; appends wait for that time, those of this process too, and an open log finds the new
 * file by itself. What somebody appends to the old file later, through a descriptor that is not looked after, is in the
 * copy. The new file has the mode, owner and group of the old one. A repair needs free space of the session's size (twice
 * that on a file system without hard links). If the process is killed, the session is either as it was or repaired; only
 * if it is as it was, an incomplete copy or a second name of the session may be left in the folder.
 *
 * False: the session is as it was, and the repair left nothing: EARG, EID, ENOENT (no such session), EIO, EUNSAFE (as
 * for appending; also a file with hard links of others, whose writers would not notice that it was replaced), ELOCKED,
 * EFORK, EMEMORY. One exception: if result->repaired is true, it was repaired, but the folder
 * could not be synced, and after a power cut the session may be as it was.
 * NULL: EARG, for log, id and result. */
DEBRIEF_API bool debrief_log_repair(debrief_log *log, const char *id, debrief_repair *result,
                                    debrief_error *err);

/* Free what a repair filled in. A zeroed result is fine. NULL is fine. */
DEBRIEF_API void debrief_repair_release(debrief_repair *result);

/* ---- Following (file -> C, as it grows) ------------------------------------------------------------------- */

typedef struct debrief_follow_config {
  size_t struct_size; /* sizeof(debrief_follow_config) */
  bool from_start;    /* begin with the existing entries; default: only what is appended from now on */
  bool strict;        /* stop a session at its first line that is not an entry: DEBRIEF_EDAMAGED */
  bool poll; /* look every poll_ms instead of using inotify; done anyway where inotify does not work (NFS) */
  uint32_t poll_ms;                                                        /* 0: 250 */
  void (*on_diagnostic)(void *user, const debrief_diagnostic *diagnostic); /* may be NULL */
  void *user;
} debrief_follow_config;

typedef struct debrief_follower debrief_follower;

/* Follow the `count` sessions named in `ids` (copied), or without ids all sessions of the log, including new ones. A
 * session or folder that does not exist is waited for and then read from its beginning. Each entry is returned once,
 * in the order of its file, as soon as its newline is written.
 *
 * A file that was renamed is read to its end, and further as long as a process writes to it, before the file that took
 * its name. Entries that were returned already and are in the new file too (after a repair) are skipped there. A file
 * that was truncated is read on from its new end (DEBRIEF_TRUNCATED); one that was emptied is read from its beginning,
 * even if it has become longer than before. Limits: a file that had the name only between two looks is missed, and
 * only the last five renamed files are followed.
 *
 * Close with debrief_follower_close; the log of a folder may be closed before it, that of an address after it. A
 * follower belongs to one thread at a time, uses no thread (of an address: one, for all of its log) and no signal, and
 * changes no file. Errors: EARG, EID, EIO, EUNSAFE, EFORK, EMEMORY.
 * NULL: EARG for log and for one of the ids; ids: all sessions; config: the defaults. */
DEBRIEF_API debrief_follower *debrief_log_follow(debrief_log *log, const char *const *ids, size_t count,
                                                 const debrief_follow_config *config, debrief_error *err);

/* The next entry, waiting up to `timeout_ms` milliseconds (0: not at all, negative: forever). END: none has arrived,
 * or a signal came. `*line` and `*session` (its id) are valid until the next call. ERROR: EIO, EUNSAFE, EMEMORY or,
 * with strict, EDAMAGED; the next call continues with the other sessions, and with this one once the cause is gone.
 * NULL: EARG for follower; line, session: not reported. */
DEBRIEF_API debrief_next debrief_follower_next(debrief_follower *follower, int timeout_ms, debrief_line *line,
                                               const char **session, debrief_error *err);

/* Stop waiting: the following calls return the existing entries, including a whole last record without its newline,
 * and then END forever.
 * NULL: nothing is done. */
DEBRIEF_API void debrief_follower_stop(debrief_follower *follower);

/* A descriptor that becomes readable when there may be something new, to poll together with others. Before each wait,
 * call debrief_follower_next with timeout 0 until it returns END. The descriptor belongs to the follower. -1 for
 * NULL. */
DEBRIEF_API int debrief_follower_fd(const debrief_follower *follower);

/* NULL is fine. */
DEBRIEF_API void debrief_follower_close(debrief_follower *follower);

/* ---- Fields of an entry ---------------------------------------------------------------------------------- */

/* The value of member `name` of the JSON object `json`, which a reader returned (or an object found in it), as
 * JSON text inside `json`; {NULL, 0} if there is no such member. Of two equal members, the last one counts.
 * NULL: no such member, for json.data and name. */
DEBRIEF_API debrief_text debrief_member(debrief_text json, const char *name);

/* The element `index` (from 0) of a JSON array found in a reader's entry; {NULL, 0} past its end.
 * NULL: no such element. */
DEBRIEF_API debrief_text debrief_element(debrief_text json, size_t index);

/* Decode a JSON string into `buffer` of `size` bytes, NUL-terminated and cut to fit at a character; returns the whole
 * length in bytes, or SIZE_MAX when `json` is not a string. Ill-formed text becomes U+FFFD.
 * NULL: not a string, for json.data; buffer: nothing is stored. */
DEBRIEF_API size_t debrief_string(debrief_text json, char *buffer, size_t size);

/* Decode a JSON integer that fits in 64 bits; false if it is anything else.
 * NULL: false, for json.data; value: nothing is stored. */
DEBRIEF_API bool debrief_integer(debrief_text json, int64_t *value);

/* Decode an RFC 3339 timestamp from a JSON string; false if it is anything else.
 * NULL: false, for json.data; value: nothing is stored. */
DEBRIEF_API bool debrief_timestamp(debrief_text json, debrief_time *value);

/* ---- Sessions -------------------------------------------------------------------------------------------- */

/* Call `each` with every session id of the log in byte order, until it returns false. A folder that does not
 * exist is ENOENT. Files that are not named ID.jsonl are ignored.
 * NULL: EARG, for log and each. */
DEBRIEF_API bool debrief_log_sessions(debrief_log *log, bool (*each)(void *user, const char *id), void *user,
                                      debrief_error *err);

/* Is `id` a session id?
 * NULL: false. */
DEBRIEF_API bool debrief_session_id_valid(const char *id);

/* Make a session id of any text: the text itself if it is one, else a safe prefix, '-' and a 64-bit hash of the whole
 * text. `out` has room for 129 bytes. The same text always makes the same id.
 * NULL: as an empty text; out: nothing is done. */
DEBRIEF_API void debrief_session_id(const char *text, size_t len, char out[129]);

/* "0.1.0" */
DEBRIEF_API const char *debrief_version(void);

#ifdef __cplusplus
}
#endif
#endif
