/* log.c: logs and their readers as Lua objects. One piece, though long: a log makes readers, both push the same
 * failures, and its longest parts are lists of short functions, one per method. */
#include "log.h"
#include "condition.h"
#include "config.h"
#include "entry_table.h"
#include "limits.h"
#include "match.h"
#include "diagnostics.h"
#include "table.h"
#include "userdata.h"
#include "scratch.h"
#include "stores.h"
#include "selection.h"
#include "entry_lent.h"
#include "entry_place.h"
#include "tally.h"
#include "entry_userdata.h"
#include "../log/cut.h"
#include "../log/entry.h"
#include "../log/error.h"
#include "../log/json_write.h"
#include "../log/log_internal.h"
#include "../log/read.h"
#include "../log/append_new.h"
#include "../log/replace.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BIG = 1024 * 1024 }; /* bytes of an entry that is worth a collection of its own */

static const char log_type[] = "debrief.log", reader_type[] = "debrief.reader",
                  found_type[] = "debrief.found";

typedef struct log_object {
  debrief_log *log; /* NULL: closed */
  unsigned pins;    /* calls under way that come back to Lua */
  bool lent;        /* it is the host's, and stays open */
  bool live;        /* the folder of its store gets what comes */
} log_object;

typedef struct reader_object {
  debrief_reader *reader; /* NULL: closed */
  dbf_diagnostics notes;
  dbf_selection span;
  dbf_gap gap;
  uint32_t session; /* number of its name, see `named`; 0: it was given none */
  bool foreign, strict;
  bool big;                 /* the entry returned last was */
  bool unsure;              /* the condition is unsure of it */
  dbf_condition *condition; /* that entries must hold, kept by user value 2; NULL: none */
  const char *name;         /* of the session, kept by user value 3, with the condition */
  uint32_t uses;            /* counts calls: a record is good until the next one */
  const dbf_keys *keys;
  dbf_lender *lender; /* lends what it returns; NULL: returns entries of their own */
} reader_object;

/* Where the caller can do more with a failure than show it: nil, message, code, line, offset */
static int fail_at(lua_State *L, const debrief_error *err) {
  dbf_table_push_failure(L, err);
  lua_pushinteger(L, err->code);
  lua_pushinteger(L, (lua_Integer)err->line);
  lua_pushinteger(L, (lua_Integer)err->offset);
  return 5;
}

/* Was it written all the same, and only its sync failed? */
static void push_written(lua_State *L, const debrief_error *err) {
  lua_pushboolean(L, err->code == DEBRIEF_ESYNC);
}

/* ---- Readers --------------------------------------------------------------------------------------------------- */

static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  reader_object *r = user;
  dbf_diagnostics_add(&r->notes, d, 0);
}

/* Push a reader that is closed yet, so that the error path owns nothing. Options are at `options`. */
static reader_object *push_reader(lua_State *L, int options, debrief_read_config *config) {
  *config = (debrief_read_config){.struct_size = sizeof *config,
                                  .strict = dbf_table_flag(L, options, "strict"),
                                  .foreign = dbf_table_flag(L, options, "foreign"),
                                  .on_diagnostic = on_diagnostic};
  dbf_selection span = dbf_selection_of(L, options);
  reader_object *r = lua_newuserdatauv(L, sizeof *r, 3);
  *r = (reader_object){.span = span,
                       .gap = {.wanted = dbf_table_flag(L, options, "gaps")},
                       .foreign = config->foreign,
                       .strict = config->strict,
                       .lender = dbf_table_flag(L, options, "lend") ? dbf_entry_lent_of(L) : NULL,
                       .keys = dbf_entry_userdata_type(L)};
  lua_setiuservalue(L, -2, 1);
  dbf_diagnostics_init(&r->notes);
  luaL_setmetatable(L, reader_type);
  config->user = r;
  return r;
}

static int l_reader(lua_State *L) {
  debrief_read_config config;
  debrief_error err;
  const char *path = luaL_checkstring(L, 1);
  reader_object *r = push_reader(L, 2, &config);
  r->reader = debrief_log_read_path(path, &config, &err);
  return r->reader ? 1 : fail_at(L, &err);
}

static reader_object *check_reader(lua_State *L) {
  reader_object *r = dbf_userdata_own(L, reader_type);
  if (!r->reader) luaL_error(L, "this reader is closed");
  r->uses++;
  dbf_entry_lent_end(r->lender, r);
  return r;
}

/* Does the entry hold the reader's condition? r->unsure: Lua is to decide. */
static bool holds(lua_State *L, reader_object *r, const dbf_record *record, int64_t gap) {
  if (!r->condition) return true;
  dbf_subject subject = {.entry = record->entry,
                         .line = record->line,
                         .gap = gap,
                         .session = r->name,
                         .session_len = strlen(r->name)};
  dbf_judgement judgement =
      record->bad_utf8 ? DBF_CONDITION_UNSURE : dbf_condition_judge(L, r->condition, &subject);
  r->unsure = judgement == DBF_CONDITION_UNSURE;
  return judgement != DBF_CONDITION_NO;
}

/* The next entry of the reader's span that the matcher lets pass; NULL: any. *gap: the one before it, if wanted. */
static debrief_next next_match(lua_State *L, reader_object *r, const dbf_match *match, dbf_record *record,
                               int64_t *gap, debrief_error *err) {
  *gap = DBF_NO_GAP;
  while (true) {
    dbf_limits_check(L);
    bool paused = dbf_limits_pause(); /* a long line, or many that are damaged, may take a second */
    debrief_next next = dbf_reader_next(r->reader, record, err);
    dbf_limits_resume(paused);
    if (next != DEBRIEF_NEXT_ENTRY) return next;
    if (r->gap.wanted) *gap = dbf_entry_origin_gap(&r->gap, record->entry);
    dbf_verdict verdict = dbf_selection_judge(&r->span, record);
    if (verdict == DBF_SELECTION_PAST) return DEBRIEF_NEXT_END;
    const dbf_entry *e = record->entry;
    if (verdict == DBF_SELECTION_IN && (!match || dbf_match_test(match, e->text, e->members, e->count)) &&
        holds(L, r, record, *gap))
      return next;
  }
}

static const dbf_match *match_at(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? NULL : dbf_match_get(L, index);
}

static void free_big(lua_State *L, reader_object *r) {
  if (r->big) lua_gc(L, LUA_GCCOLLECT); /* free the one before, so that there is only one at a time */
  r->big = false;
}

/* Push the entry, its line, where that begins, whether it was salvaged, and whether the condition is unsure of it. */
static int push_record(lua_State *L, reader_object *r, const dbf_record *record, int64_t gap) {
  dbf_entry_origin origin = {.session = r->session, .line = record->line, .gap = gap};
  uint64_t line = record->line, offset = record->offset;
  bool salvaged = record->salvaged;
  if (r->lender) {
    dbf_entry_lent_push(L, r->lender, r, record->entry, record->bad_utf8, &origin);
  } else {
    r->big = record->entry->len > BIG;
    dbf_entry_userdata_push_kept(L, 1, r->keys, record->entry, record->bad_utf8, r->foreign, &origin,
                                 &r->uses);
  }
  lua_pushinteger(L, (lua_Integer)line);
  lua_pushinteger(L, (lua_Integer)offset);
  lua_pushboolean(L, salvaged);
  lua_pushboolean(L, r->unsure);
  return 5;
}

/* require(condition, session): only entries that hold it are returned, and those that it is unsure of */
static int l_reader_require(lua_State *L) {
  reader_object *r = check_reader(L);
  dbf_condition *condition = dbf_condition_check(L, 2);
  const char *name = luaL_checkstring(L, 3);
  lua_settop(L, 3);
  lua_setiuservalue(L, 1, 3);
  lua_setiuservalue(L, 1, 2);
  r->condition = condition;
  r->name = name;
  return 0;
}

static int l_reader_next(lua_State *L) {
  reader_object *r = check_reader(L);
  const dbf_match *match = match_at(L, 2);
  dbf_record record;
  debrief_error err;
  int64_t gap;
  free_big(L, r);
  dbf_limits_progress();
  switch (next_match(L, r, match, &record, &gap, &err)) {
  case DEBRIEF_NEXT_END: return lua_pushnil(L), 1;
  case DEBRIEF_NEXT_ERROR: return fail_at(L, &err);
  case DEBRIEF_NEXT_ENTRY: break;
  }
  return push_record(L, r, &record, gap);
}

/* tally(tally, matcher, session): counts entries. -> nil as `next` returns it; what `next` returns of an entry that Lua is
 * to count; true when the tally is full */
static int l_reader_tally(lua_State *L) {
  reader_object *r = check_reader(L);
  dbf_tally *tally = dbf_tally_check(L, 2);
  const dbf_match *match = match_at(L, 3);
  dbf_subject subject = {.session = luaL_checkstring(L, 4)};
  dbf_record record;
  debrief_error err;
  subject.session_len = strlen(subject.session);
  free_big(L, r);
  while (!dbf_tally_is_full(tally)) {
    dbf_limits_progress();
    switch (next_match(L, r, match, &record, &subject.gap, &err)) {
    case DEBRIEF_NEXT_END: return lua_pushnil(L), 1;
    case DEBRIEF_NEXT_ERROR: return fail_at(L, &err);
    case DEBRIEF_NEXT_ENTRY: break;
    }
    subject.entry = record.entry;
    subject.line = record.line;
    uint32_t uses = r->uses;
    bool counted = !record.bad_utf8 && !r->unsure && dbf_tally_add(L, 2, tally, &subject);
    if (r->uses != uses) return luaL_error(L, "a finalizer used the reader that was counting");
    if (!counted) return push_record(L, r, &record, subject.gap);
  }
  lua_pushboolean(L, true);
  return 1;
}

/* A place is packed as "<I8i8z": the line, the gap, the session. */
static void add_to_batch(const dbf_record *record, int64_t gap, const char *session, size_t len,
                         dbf_bytes *texts, dbf_bytes *places) {
  uint64_t place[] = {htole64(record->line), htole64((uint64_t)gap)};
  if (record->bad_utf8) dbf_json_compact(texts, record->entry->text, record->entry->len, false);
  else dbf_bytes_append(texts, record->entry->text, record->entry->len);
  dbf_bytes_append_char(texts, '\n');
  dbf_bytes_append(places, place, sizeof place);
  dbf_bytes_append(places, session, len + 1);
}

static int l_reader_batch(lua_State *L) {
  reader_object *r = check_reader(L);
  size_t most = (size_t)luaL_checkinteger(L, 2), len;
  const char *session = luaL_checklstring(L, 3, &len);
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  dbf_bytes *texts = &scratch->text, *places = &scratch->extra;
  debrief_next next = DEBRIEF_NEXT_ENTRY;
  dbf_record record;
  debrief_error err;
  while (texts->len < most && places->len < most && !texts->failed && next == DEBRIEF_NEXT_ENTRY) {
    int64_t gap;
    next = next_match(L, r, NULL, &record, &gap, &err);
    if (next == DEBRIEF_NEXT_ENTRY) add_to_batch(&record, gap, session, len, texts, places);
  }
  dbf_scratch_check(L, texts);
  dbf_scratch_check(L, places);
  lua_pushlstring(L, texts->len ? texts->data : "", texts->len);
  lua_pushlstring(L, places->len ? places->data : "", places->len);
  lua_pushboolean(L, next != DEBRIEF_NEXT_ENTRY);
  dbf_scratch_give(L, taken);
  return next == DEBRIEF_NEXT_ERROR ? 3 + fail_at(L, &err) : 3;
}

/* Parts on their way to Lua: three numbers each, as bytes, because Lua may raise and the cutting owns memory. */
static void keep_part(void *user, uint64_t begin, uint64_t end, uint64_t first_line) {
  lua_Integer part[3] = {(lua_Integer)begin, (lua_Integer)end, (lua_Integer)first_line};
  dbf_bytes_append(user, part, sizeof part);
}

static int l_reader_cut(lua_State *L) {
  reader_object *r = check_reader(L);
  lua_Integer step = luaL_checkinteger(L, 2), part[3];
  dbf_bytes *out = &dbf_scratch_take(L)->text;
  int taken = lua_gettop(L);
  debrief_error err;
  dbf_extent file = dbf_reader_file(r->reader);
  if (!dbf_cut(&file, "the session", (uint64_t)step, keep_part, out, &err))
    return dbf_table_push_failure(L, &err);
  dbf_scratch_check(L, out);
  lua_newtable(L);
  for (size_t at = 0; at < out->len; at += sizeof part) {
    memcpy(part, out->data + at, sizeof part);
    lua_createtable(L, 3, 0);
    for (int i = 0; i < 3; i++) {
      lua_pushinteger(L, part[i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_rawseti(L, -2, (lua_Integer)(at / sizeof part) + 1);
  }
  dbf_scratch_give(L, taken);
  return 1;
}

/* tail(bytes, numbered) -> the part of the file that begins at most so many bytes before its end, as `narrow` takes it: a
 * line's first byte, 0 for the end, and the number of that line, which is 1 unless `numbered` */
static int l_reader_tail(lua_State *L) {
  reader_object *r = check_reader(L);
  uint64_t bytes = (uint64_t)luaL_checkinteger(L, 2), begin = 0, lines = 0;
  bool numbered = lua_toboolean(L, 3);
  uint64_t size;
  dbf_extent file = dbf_reader_file(r->reader);
  debrief_error err;
  if (!dbf_io_size_of(&file, &size)) {
    dbf_fail_errno(&err, "cannot look at the session");
    return dbf_table_push_failure(L, &err);
  }
  if (size > bytes && !dbf_reader_line_start(r->reader, size - bytes, &begin, &err))
    return dbf_table_push_failure(L, &err);
  if (numbered && !dbf_count_lines(&file, "the session", begin, &lines, &err))
    return dbf_table_push_failure(L, &err);
  lua_pushinteger(L, (lua_Integer)begin);
  lua_pushinteger(L, 0);
  lua_pushinteger(L, (lua_Integer)lines + 1);
  return 3;
}

static int l_reader_narrow(lua_State *L) {
  reader_object *r = check_reader(L);
  dbf_reader_narrow(r->reader, (uint64_t)luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3),
                    (uint64_t)luaL_checkinteger(L, 4));
  return 0;
}

/* named(session): what the entries that follow say of where they were read */
static int l_reader_named(lua_State *L) {
  reader_object *r = check_reader(L);
  luaL_checkstring(L, 2);
  r->session = dbf_entry_place_session(L, 2);
  return 0;
}

static int l_reader_entries(lua_State *L) {
  reader_object *r = check_reader(L);
  lua_pushinteger(L, (lua_Integer)(dbf_reader_counts(r->reader).entries - r->span.left_out));
  lua_pushinteger(L, (lua_Integer)r->span.without_time);
  return 2;
}

/* finish() -> entries, untimed, are there diagnostics? The reader is closed, but still has these. */
static int l_reader_finish(lua_State *L) {
  reader_object *r = check_reader(L);
  l_reader_entries(L);
  lua_pushboolean(L, dbf_diagnostics_any(&r->notes));
  debrief_reader_close(r->reader);
  r->reader = NULL;
  return 3;
}

static int l_reader_diagnostics(lua_State *L) {
  reader_object *r = luaL_checkudata(L, 1, reader_type);
  dbf_diagnostics_push(L, &r->notes);
  return 2;
}

static int l_reader_close(lua_State *L) {
  reader_object *r = luaL_checkudata(L, 1, reader_type);
  r->uses++;
  dbf_entry_lent_end(r->lender, r);
  debrief_reader_close(r->reader);
  r->reader = NULL;
  dbf_diagnostics_release(&r->notes);
  dbf_diagnostics_init(&r->notes);
  return 0;
}

/* ---- Logs ------------------------------------------------------------------------------------------------------ */

/* Paths of files that an address needs, of the options at 2; they stay on the stack. */
static void take_login(lua_State *L, debrief_log_config *config) {
  const char **paths[] = {&config->creds, &config->tls_ca, &config->tls_cert, &config->tls_key};
  static const char *const names[] = {"creds", "tls_ca", "tls_cert", "tls_key"};
  luaL_checkstack(L, 8, NULL);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (lua_istable(L, 2)) lua_getfield(L, 2, names[i]);
    else lua_pushnil(L);
    *paths[i] = lua_tostring(L, -1);
  }
  config->timeout_ms = (uint32_t)dbf_table_integer(L, 2, "timeout_ms", 0);
}

/* The log at an address, into the object that is on top; its name is the address as messages show it. */
static int open_store(lua_State *L, log_object *log, const char *address, debrief_log_config *config) {
  int object = lua_gettop(L);
  debrief_error err;
  const dbf_store_kind *kind;
  take_login(L, config);
  debrief_log *opened = dbf_stores_take(L, address, config, &err);
  if (!opened) return fail_at(L, &err);
  lua_setiuservalue(L, object, 2);
  log->log = opened;
  log->lent = true;
  dbf_store *store = dbf_log_store(opened, &kind);
  lua_pushstring(L, kind->shown(store));
  lua_setiuservalue(L, object, 1);
  lua_settop(L, object);
  return 1;
}

/* The host's log when `dir` names it. */
static debrief_log *own_log(lua_State *L, const char *dir) {
  const dbf_config *config = dbf_config_of(L);
  return config->own && strcmp(dir, config->dir ? config->dir : "sessions") == 0 ? config->own : NULL;
}

static int l_log(lua_State *L) {
  debrief_error err;
  debrief_log_config config = {.struct_size = sizeof config};
  const char *dir = luaL_checkstring(L, 1);
  config.sync = dbf_table_integer(L, 2, "sync", 0) ? DEBRIEF_SYNC_DATA : DEBRIEF_SYNC_NONE;
  config.lock_timeout_ms = (uint32_t)dbf_table_integer(L, 2, "lock_timeout_ms", 0);
  config.file_mode = (uint32_t)dbf_table_integer(L, 2, "file_mode", 0);
  config.folder_mode = (uint32_t)dbf_table_integer(L, 2, "folder_mode", 0);
  lua_settop(L, 2);
  log_object *log = lua_newuserdatauv(L, sizeof *log, 2);
  *log = (log_object){.log = NULL};
  luaL_setmetatable(L, log_type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  debrief_log *own = own_log(L, dir);
  if (dbf_store_is_address(dir) && !own) return open_store(L, log, dir, &config);
  log->lent = own && (dbf_table_flag(L, 2, "lent") || dbf_store_is_address(dir));
  if (log->lent) log->log = own;
  else log->log = own ? dbf_log_open_again(own, &config, &err) : debrief_log_open(dir, &config, &err);
  return log->log ? 1 : dbf_table_push_failure(L, &err);
}

static log_object *check_log(lua_State *L) {
  log_object *log = luaL_checkudata(L, 1, log_type);
  if (!log->log) luaL_error(L, "this log is closed");
  return log;
}

debrief_log *dbf_lua_log_check(lua_State *L, int index) {
  log_object *log = luaL_checkudata(L, index, log_type);
  if (!log->log) luaL_error(L, "this log is closed");
  return log->log;
}

void dbf_lua_log_pin(lua_State *L, int index, bool on) {
  log_object *log = luaL_testudata(L, index, log_type);
  if (log && on) log->pins++;
  else if (log) log->pins--;
}

static int l_log_dir(lua_State *L) {
  luaL_checkudata(L, 1, log_type);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

/* Append the written form of each value of the array at `list` to one run of bytes, and push the scratch that holds it
 * and the array of texts. On failure *bad is the number of the entry at fault. Every append has bytes of its own: a
 * finalizer of a script may append to the same log while these are written, and both are stored whole. */
static debrief_text *push_lines(lua_State *L, int list, const char *id, bool sparse, size_t count,
                                size_t *bad, debrief_error *err) {
  dbf_bytes *out = &dbf_scratch_take(L)->extra;
  int taken = lua_gettop(L);
  debrief_text *lines = lua_newuserdatauv(L, (count + 1) * sizeof *lines, 0);
  for (size_t i = 0; i < count; i++) {
    size_t before = out->len;
    *bad = i + 1;
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    bool ok = dbf_entry_table_write(L, -1, id, sparse, out, err);
    if (!ok) return dbf_scratch_give(L, taken), NULL;
    lua_pop(L, 1);
    dbf_bytes_append_char(out, '\n');
    dbf_scratch_check(L, out);
    lines[i].len = out->len - before;
  }
  const char *at = out->data;
  for (size_t i = 0; i < count; at += lines[i++].len) lines[i].data = at;
  return lines;
}

/* Append what push_lines left on the stack. */
static bool append_lines(lua_State *L, const char *id, debrief_text *lines, size_t count, dbf_appended *done,
                         debrief_error *err) {
  debrief_log *log = check_log(L)->log; /* again: a finalizer may have closed it */
  bool ok = dbf_log_append_lines(log, id, lines, count, NULL, NULL, done, err);
  dbf_scratch_give(L, -2);
  return ok;
}

typedef struct added {
  size_t stored, known, replaced;
  bool changes;  /* it can be replaced: it is a folder */
  size_t longer; /* of the known, longer than what a store holds that is never changed */
  bool too_big;  /* some fitted into no message of it */
} added;

/* The same for what the session does not hold yet, and for later versions of what it holds. */
static bool append_new_lines(lua_State *L, const char *id, debrief_text *lines, size_t count, added *out,
                             debrief_error *err) {
  dbf_append_new unique = {0};
  debrief_log *log = check_log(L)->log;
  const dbf_store_kind *kind;
  dbf_store *store = dbf_log_store(log, &kind);
  dbf_appended done = {0};
  *out = (added){.changes = !store};
  bool ok = dbf_log_append_lines(log, id, lines, count, dbf_append_new_filter, &unique, &done, err);
  out->too_big = store && !ok && err->code == DEBRIEF_ETOOBIG;
  if (store) out->longer = unique.newer_count;
  else if (ok && unique.newer_count > 0)
    ok = dbf_log_replace(log, id, unique.newer, unique.newer_count, &out->replaced, err);
  out->known = unique.known - out->replaced;
  out->stored = store ? done.stored : count - unique.known;
  dbf_append_new_release(&unique);
  dbf_scratch_give(L, -2);
  return ok || out->too_big;
}

/* The line that was stored last; true where it could not be counted. */
static int push_line(lua_State *L, const dbf_appended *done) {
  if (done->line && done->stored) lua_pushinteger(L, (lua_Integer)done->line);
  else lua_pushboolean(L, 1);
  return 1;
}

static int l_log_append(lua_State *L) {
  check_log(L);
  const char *id = luaL_checkstring(L, 2);
  debrief_error err;
  dbf_appended done = {.numbered = true};
  size_t bad;
  luaL_checkany(L, 3);
  bool sparse = lua_toboolean(L, 4);
  dbf_limits_check(L);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, 1);
  debrief_text *lines = push_lines(L, lua_gettop(L), id, sparse, 1, &bad, &err);
  if (!lines || !append_lines(L, id, lines, 1, &done, &err)) {
    dbf_table_push_failure(L, &err);
    push_written(L, &err);
    lua_pushboolean(L, done.doubtful > 0);
    return 4;
  }
  return push_line(L, &done);
}

static int l_log_append_batch(lua_State *L) {
  check_log(L);
  const char *id = luaL_checkstring(L, 2);
  debrief_error err = {.code = DEBRIEF_OK};
  dbf_appended done = {.numbered = true};
  size_t bad = 0;
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t count = lua_rawlen(L, 3);
  dbf_limits_check(L);
  debrief_text *lines = push_lines(L, 3, id, lua_toboolean(L, 4), count, &bad, &err);
  if (lines) bad = 0;
  if (lines && append_lines(L, id, lines, count, &done, &err)) return push_line(L, &done);
  dbf_table_push_failure(L, &err);
  lua_pushinteger(L, (lua_Integer)bad);
  lua_pushinteger(L, (lua_Integer)done.stored);
  push_written(L, &err);
  lua_pushinteger(L, (lua_Integer)done.doubtful);
  return 6;
}

static int l_log_append_new(lua_State *L) {
  check_log(L);
  const char *id = luaL_checkstring(L, 2);
  debrief_error err;
  size_t bad;
  added found;
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t count = lua_rawlen(L, 3);
  dbf_limits_check(L);
  debrief_text *lines = push_lines(L, 3, id, true, count, &bad, &err);
  if (!lines || !append_new_lines(L, id, lines, count, &found, &err)) return dbf_table_push_failure(L, &err);
  lua_pushinteger(L, (lua_Integer)found.stored);
  lua_pushinteger(L, (lua_Integer)found.known);
  lua_pushinteger(L, (lua_Integer)found.replaced);
  if (found.changes) return 3;
  lua_pushinteger(L, (lua_Integer)found.longer);
  lua_pushstring(L, found.too_big ? err.message : NULL);
  return 5;
}

static int l_log_count_new(lua_State *L) {
  check_log(L);
  const char *id = luaL_checkstring(L, 2);
  debrief_error err;
  dbf_append_new found = {0};
  size_t bad;
  luaL_checktype(L, 3, LUA_TTABLE);
  size_t count = lua_rawlen(L, 3);
  dbf_limits_check(L);
  debrief_text *lines = push_lines(L, 3, id, true, count, &bad, &err);
  bool ok = lines && dbf_append_new_count(check_log(L)->log, id, lines, count, &found, &err);
  if (lines) dbf_scratch_give(L, -2);
  size_t replaced = found.newer_count, known = found.known;
  dbf_append_new_release(&found);
  if (!ok) return dbf_table_push_failure(L, &err);
  lua_pushinteger(L, (lua_Integer)(count - known));
  lua_pushinteger(L, (lua_Integer)(known - replaced));
  lua_pushinteger(L, (lua_Integer)replaced);
  return 3;
}

static int l_log_reader(lua_State *L) {
  log_object *log = check_log(L);
  const char *id = luaL_checkstring(L, 2);
  debrief_read_config config;
  debrief_error err;
  reader_object *r = push_reader(L, 3, &config);
  r->reader = dbf_log_read_seen(log->log, id, &config, &err);
  return r->reader ? 1 : fail_at(L, &err);
}

/* again(reader, id): a reader that is closed reads another session, as it read the one before: in the same window, with the same
 * condition. -> true | nil, message, code, line, offset */
static int l_log_again(lua_State *L) {
  log_object *log = check_log(L);
  reader_object *r = luaL_checkudata(L, 2, reader_type);
  const char *id = luaL_checkstring(L, 3);
  if (r->reader) return luaL_error(L, "this reader is open");
  debrief_read_config config = {.struct_size = sizeof config,
                                .strict = r->strict,
                                .foreign = r->foreign,
                                .on_diagnostic = on_diagnostic,
                                .user = r};
  debrief_error err;
  r->uses++;
  r->span.left_out = r->span.without_time = 0;
  r->gap = (dbf_gap){.wanted = r->gap.wanted};
  r->session = dbf_entry_place_session(L, 3);
  if (r->condition) {
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 2, 3);
    r->name = id;
  }
  if (!(r->reader = dbf_log_read_seen(log->log, id, &config, &err))) return fail_at(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* The line that appending would write: checked, complete, and without its newline. */
static int l_line(lua_State *L) {
  const char *id = luaL_checkstring(L, 1);
  debrief_error err;
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  dbf_bytes *out = &dbf_scratch_take(L)->extra;
  int taken = lua_gettop(L);
  if (!dbf_entry_table_write(L, 2, id, lua_toboolean(L, 3), out, &err))
    return dbf_scratch_give(L, taken), dbf_table_push_failure(L, &err);
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->data, out->len);
  dbf_scratch_give(L, taken);
  return 1;
}

static bool collect_id(void *user, const char *id) {
  dbf_bytes *out = user;
  dbf_bytes_append(out, id, strlen(id) + 1);
  return !out->failed;
}

static int l_log_sessions(lua_State *L) {
  log_object *log = check_log(L);
  dbf_bytes *out = &dbf_scratch_take(L)->text;
  int taken = lua_gettop(L);
  debrief_error err;
  if (!debrief_log_sessions(log->log, collect_id, out, &err)) return fail_at(L, &err);
  dbf_scratch_check(L, out);
  dbf_table_push_strings(L, out);
  dbf_scratch_give(L, taken);
  return 1;
}

/* The result of a listing: an array of these in a userdata, which outlives whatever Lua raises or collects while it
 * is turned into tables. */
typedef struct listed {
  lua_Integer size, mtime;
  const char *kind; /* NULL: a session */
  char id[129];
} listed;

typedef struct listing {
  dbf_bytes *found;
  int64_t oldest; /* ns: files last written to before that are counted only */
  lua_Integer old;
} listing;

static bool collect_item(void *user, const dbf_directory_item *item) {
  listing *l = user;
  if (!item->kind && item->mtime_ns < l->oldest) return l->old++, true;
  listed one = {.size = (lua_Integer)item->size, .mtime = item->mtime_ns, .kind = item->kind};
  strncpy(one.id, item->id, sizeof one.id - 1);
  dbf_bytes_append(l->found, &one, sizeof one);
  return !l->found->failed;
}

static void push_session(lua_State *L, const listed *one, const char *dir, const char *slash) {
  lua_createtable(L, 0, 4);
  dbf_table_set_string(L, "session", one->id);
  lua_pushfstring(L, "%s%s%s.jsonl", dir, slash, one->id);
  lua_setfield(L, -2, "path");
  dbf_table_set_integer(L, "size", one->size);
  dbf_table_set_integer(L, "mtime", one->mtime);
}

static void push_skipped(lua_State *L, const listed *one) {
  lua_createtable(L, 0, 2);
  lua_pushfstring(L, "%s.jsonl", one->id);
  lua_setfield(L, -2, "name");
  dbf_table_set_string(L, "kind", one->kind);
}

static int l_found_close(lua_State *L) {
  dbf_bytes_release(luaL_checkudata(L, 1, found_type));
  return 0;
}

static dbf_bytes *push_found(lua_State *L) {
  dbf_bytes *found = lua_newuserdatauv(L, sizeof *found, 0);
  dbf_bytes_init(found);
  luaL_setmetatable(L, found_type);
  return found;
}

/* find(id) -> the session as list has it | nil, message, code */
static int l_log_find(lua_State *L) {
  log_object *log = check_log(L);
  const char *id = luaL_checkstring(L, 2);
  dbf_directory_item item;
  debrief_error err;
  uint32_t unused;
  dbf_directory *dir = dbf_log_directory(log->log, &unused, &err);
  if (!dir || !dbf_directory_find(dir, id, &item, &err)) return fail_at(L, &err);
  if (item.kind) {
    dbf_fail(&err, DEBRIEF_EUNSAFE, "session '%s' in %s is %s, not a file", id, dir->path, item.kind);
    return fail_at(L, &err);
  }
  listed one = {.size = (lua_Integer)item.size, .mtime = item.mtime_ns};
  strncpy(one.id, id, sizeof one.id - 1);
  const char *path = lua_pushstring(L, dir->path);
  push_session(L, &one, path, path[strlen(path) - 1] == '/' ? "" : "/");
  return 1;
}

/* beginning(id, bytes) -> at most so many bytes that the session begins with | nil, message, code */
static int l_log_beginning(lua_State *L) {
  log_object *log = check_log(L);
  const char *id = luaL_checkstring(L, 2);
  lua_Integer most = luaL_checkinteger(L, 3);
  dbf_extent file;
  debrief_error err;
  uint32_t unused;
  size_t got = 0;
  luaL_argcheck(L, most >= 0 && most <= 1 << 20, 3, "0 to 1048576 bytes");
  dbf_directory *dir = dbf_log_directory(log->log, &unused, &err);
  dbf_bytes *out = dbf_scratch_text(L);
  bool ok = dir && (dbf_bytes_reserve(out, (size_t)most + 1) || dbf_fail_memory(&err)) &&
            dbf_directory_read_session(dir, id, &file, &err);
  if (ok && file.fd >= 0) {
    ok = dbf_io_read_of(&file, id, out->data, (size_t)most, 0, &got, &err);
    close(file.fd);
  }
  if (!ok) return fail_at(L, &err);
  lua_pushlstring(L, out->data, got);
  return 1;
}

/* list([oldest [, others]]) -> sessions; what is named like one and is no file; how many were last written to before `oldest`
 * (ns) and left out | nil, message, code. With `others` no sessions. */
static int l_log_list(lua_State *L) {
  lua_settop(L, 3);
  log_object *log = check_log(L);
  listing all = {.oldest = luaL_optinteger(L, 2, INT64_MIN)};
  dbf_bytes *found = all.found = push_found(L);
  debrief_error err;
  uint32_t unused;
  lua_Integer sessions = 0, skipped = 0;
  dbf_directory *dir = dbf_log_directory(log->log, &unused, &err);
  if (!dir || !dbf_directory_look(dir, lua_toboolean(L, 3), collect_item, &all, &err))
    return fail_at(L, &err);
  dbf_scratch_check(L, found);
  const char *path = lua_pushstring(L, dir->path); /* its own may go: a finalizer may close the log */
  const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
  lua_createtable(L, (int)(found->len / sizeof(listed)), 0);
  lua_newtable(L);
  for (size_t at = 0; at < found->len; at += sizeof(listed)) {
    const listed *one = (const listed *)(const void *)(found->data + at);
    if (one->kind) push_skipped(L, one);
    else push_session(L, one, path, slash);
    lua_rawseti(L, one->kind ? -2 : -3, one->kind ? ++skipped : ++sessions);
  }
  lua_pushinteger(L, all.old);
  return 3;
}

static void end_live(log_object *log) {
  const dbf_store_kind *kind;
  if (!log->live || !log->log) return;
  dbf_store *store = dbf_log_store(log->log, &kind);
  kind->follow(store, false, NULL);
  log->live = false;
}

static int l_log_close(lua_State *L) {
  log_object *log = luaL_checkudata(L, 1, log_type);
  if (log->pins) return luaL_error(L, "this log is in use: it cannot be closed in here");
  end_live(log);
  if (!log->lent) debrief_log_close(log->log);
  if (log->log && lua_getiuservalue(L, 1, 2) == LUA_TUSERDATA) dbf_stores_give(L, -1);
  log->log = NULL;
  return 0;
}

/* ---- Stores that are no folder --------------------------------------------------------------------------------- */

/* folder([live [, packed]]) -> where the sessions are, to be read: of an address, a folder that has them as they are now, or with
 * `live` gets what comes until the log is closed. With `packed` only core.log can read all of it: small sessions have no file
 * of their own. */
static int l_log_folder(lua_State *L) {
  log_object *log = check_log(L);
  const dbf_store_kind *kind;
  debrief_error err;
  dbf_store *store = dbf_log_store(log->log, &kind);
  if (!store) return l_log_dir(L);
  uint32_t unused;
  bool packed = lua_toboolean(L, 3);
  if (lua_toboolean(L, 2) && !log->live) {
    if (!kind->follow(store, true, &err)) return fail_at(L, &err);
    log->live = true;
  }
  dbf_directory *dir = packed ? dbf_log_directory(log->log, &unused, &err) : NULL;
  const char *path = packed ? (dir ? dir->path : NULL) : dbf_log_whole_folder(log->log, &err);
  if (!path) return fail_at(L, &err);
  lua_pushstring(L, path);
  return 1;
}

static bool collect_text(void *user, const char *text) {
  dbf_bytes *out = user;
  dbf_bytes_append(out, text, strlen(text) + 1);
  return !out->failed;
}

/* store() -> the name of the stream, its address as it is shown, what was left out of its folder, and where that is or nil,
 * when it was not needed yet; nil: the log is a folder */
static int l_log_store(lua_State *L) {
  log_object *log = check_log(L);
  const dbf_store_kind *kind;
  dbf_store *store = dbf_log_store(log->log, &kind);
  if (!store) return lua_pushnil(L), 1;
  dbf_bytes *out = &dbf_scratch_take(L)->text;
  int taken = lua_gettop(L);
  kind->left_out(store, collect_text, out);
  dbf_scratch_check(L, out);
  lua_pushstring(L, kind->name(store));
  lua_pushstring(L, kind->shown(store));
  dbf_table_push_strings(L, out);
  lua_pushstring(L, dbf_log_seen_folder(log->log));
  dbf_scratch_give(L, taken);
  return 4;
}

/* sequence(id, line) -> the message that a line came in; line(id, sequence) -> its first line; nil: not found */
static int push_number(lua_State *L, bool line) {
  log_object *log = check_log(L);
  const char *id = luaL_checkstring(L, 2);
  uint64_t number = (uint64_t)luaL_checkinteger(L, 3);
  const dbf_store_kind *kind;
  dbf_store *store = dbf_log_store(log->log, &kind);
  uint64_t found = !store ? 0
                   : line ? kind->line_of(store, id, number)
                          : kind->sequence_of(store, id, number);
  if (found) lua_pushinteger(L, (lua_Integer)found);
  else lua_pushnil(L);
  return 1;
}

static int l_log_sequence(lua_State *L) {
  return push_number(L, false);
}

static int l_log_line(lua_State *L) {
  return push_number(L, true);
}

/* make({replicas=, max_age=}) -> true when the stream was made, false when it is there already | nil, message */
static int l_log_make(lua_State *L) {
  log_object *log = check_log(L);
  const dbf_store_kind *kind;
  debrief_error err;
  bool made;
  dbf_store_making how = {.replicas = (unsigned)dbf_table_integer(L, 2, "replicas", 1),
                          .max_age_ns = dbf_table_integer(L, 2, "max_age", 0)};
  dbf_store *store = dbf_log_store(log->log, &kind);
  if (!store) return luaL_error(L, "a folder is made by the first append");
  if (!kind->make(store, &how, &made, &err)) return fail_at(L, &err);
  lua_pushboolean(L, made);
  return 1;
}

/* state() -> { first, last = sequences, created = ns, reached = of the folder } | nil, message. Of an address */
static int l_log_state(lua_State *L) {
  log_object *log = check_log(L);
  const dbf_store_kind *kind;
  debrief_error err;
  dbf_store_state state;
  dbf_store *store = dbf_log_store(log->log, &kind);
  if (!store) return lua_pushnil(L), 1;
  if (!kind->look(store, &state, &err)) return fail_at(L, &err);
  lua_createtable(L, 0, 4);
  dbf_table_set_integer(L, "first", (lua_Integer)state.first);
  dbf_table_set_integer(L, "last", (lua_Integer)state.last);
  dbf_table_set_integer(L, "created", state.created_ns);
  dbf_table_set_integer(L, "reached", (lua_Integer)state.reached);
  return 1;
}

/* skip(sequence) -> true | nil, message: the folder begins after it. Of an address, before anything is read */
static int l_log_skip(lua_State *L) {
  log_object *log = check_log(L);
  const dbf_store_kind *kind;
  debrief_error err;
  dbf_store *store = dbf_log_store(log->log, &kind);
  if (!store || !kind->skip(store, (uint64_t)luaL_checkinteger(L, 2), &err)) return fail_at(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_is_address(lua_State *L) {
  lua_pushboolean(L, lua_type(L, 1) == LUA_TSTRING && dbf_store_is_address(lua_tostring(L, 1)));
  return 1;
}

/* ---- Ids ------------------------------------------------------------------------------------------------------- */

static int l_session_id(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  char id[129];
  debrief_session_id(text, len, id);
  lua_pushstring(L, id);
  return 1;
}

static int l_session_id_valid(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  lua_pushboolean(L, strlen(text) == len && debrief_session_id_valid(text));
  return 1;
}

void dbf_lua_log_open(lua_State *L) {
  static const luaL_Reg log_methods[] = {{"append", l_log_append},
                                         {"append_batch", l_log_append_batch},
                                         {"append_new", l_log_append_new},
                                         {"count_new", l_log_count_new},
                                         {"sessions", l_log_sessions},
                                         {"reader", l_log_reader},
                                         {"again", l_log_again},
                                         {"dir", l_log_dir},
                                         {"close", l_log_close},
                                         {"list", l_log_list},
                                         {"find", l_log_find},
                                         {"beginning", l_log_beginning},
                                         {"folder", l_log_folder},
                                         {"store", l_log_store},
                                         {"sequence", l_log_sequence},
                                         {"line", l_log_line},
                                         {"make", l_log_make},
                                         {"state", l_log_state},
                                         {"skip", l_log_skip},
                                         {NULL, NULL}};
  static const luaL_Reg reader_methods[] = {{"next", l_reader_next},
                                            {"tally", l_reader_tally},
                                            {"require", l_reader_require},
                                            {"batch", l_reader_batch},
                                            {"entries", l_reader_entries},
                                            {"cut", l_reader_cut},
                                            {"narrow", l_reader_narrow},
                                            {"tail", l_reader_tail},
                                            {"named", l_reader_named},
                                            {"diagnostics", l_reader_diagnostics},
                                            {"finish", l_reader_finish},
                                            {"close", l_reader_close},
                                            {NULL, NULL}};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  dbf_stores_open(L);
  dbf_userdata_type(L, found_type, no_methods, l_found_close);
  dbf_userdata_type(L, log_type, log_methods, l_log_close);
  dbf_userdata_type(L, reader_type, reader_methods, l_reader_close);
}

void dbf_lua_log_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"log", l_log},
                                       {"reader", l_reader},
                                       {"line", l_line},
                                       {"session_id", l_session_id},
                                       {"session_id_valid", l_session_id_valid},
                                       {"is_address", l_is_address},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
