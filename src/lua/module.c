/* module.c: the module debrief.core. Reads arguments, calls once, pushes results; policy is in lua/debrief. One piece,
 * though long: it is a list of short functions that have nothing in common but the module. */
#include "module.h"
#include "check.h"
#include "console.h"
#include "lua_json.h"
#include "cat.h"
#include "embedded.h"
#include "follow.h"
#include "host_value.h"
#include "isolate.h"
#include "lending.h"
#include "log.h"
#include "aggregate.h"
#include "condition.h"
#include "match.h"
#include "tally.h"
#include "pack.h"
#include "pager.h"
#include "process.h"
#include "attend.h"
#include "journal.h"
#include "queue.h"
#include "redact.h"
#include "send.h"
#include "spool.h"
#include "save.h"
#include "scratch.h"
#include "limits.h"
#include "memory.h"
#include "state.h"
#include "table.h"
#include "entry_assign.h"
#include "entry_ipairs.h"
#include "entry_place.h"
#include "entry_userdata.h"
#include "lua_value.h"
#include "workers.h"
#include <debrief/log.h>
#include "../log/error.h"
#include "../log/hash.h"
#include "../log/io.h"
#include "../log/timestamp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/* time(entry | RFC 3339 text) -> nanoseconds since 1970 | nil */
static int l_time(lua_State *L) {
  dbf_json_value entry, value;
  debrief_time time;
  bool bad_utf8;
  int64_t ns;
  size_t len;
  const char *entry_text;
  const dbf_member *members;
  uint32_t count;
  if (dbf_entry_userdata_members(L, 1, &entry_text, &members, &count)) {
    if (!dbf_member_find(entry_text, members, count, "timestamp", 9, &value) ||
        !dbf_timestamp_of(&value, &time) || !dbf_timestamp_ns(&time, &ns))
      return lua_pushnil(L), 1;
    lua_pushinteger(L, ns);
    return 1;
  }
  if (dbf_entry_userdata_get(L, 1, &entry, &bad_utf8)) {
    if (!dbf_json_find(&entry, "timestamp", 9, &value) || !dbf_lua_value_push_scalar(L, &value, bad_utf8))
      return lua_pushnil(L), 1;
    lua_replace(L, 1);
  } else if (lua_istable(L, 1)) {
    lua_getfield(L, 1, "timestamp");
    lua_replace(L, 1);
  }
  if (lua_type(L, 1) != LUA_TSTRING) return lua_pushnil(L), 1;
  const char *text = lua_tolstring(L, 1, &len);
  if (!dbf_timestamp_parse(text, len, &time) || !dbf_timestamp_ns(&time, &ns)) return lua_pushnil(L), 1;
  lua_pushinteger(L, ns);
  return 1;
}

/* now() -> nanoseconds since 1970 */
static int l_now(lua_State *L) {
  debrief_time time = dbf_timestamp_now();
  int64_t ns = 0;
  dbf_timestamp_ns(&time, &ns);
  lua_pushinteger(L, ns);
  return 1;
}

/* clock() -> ns of a clock that is never set: for differences */
static int l_clock(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushinteger(L, (lua_Integer)now.tv_sec * 1000000000 + now.tv_nsec);
  return 1;
}

/* read(fd, most) -> what one read(2) returns, "" at the end; is there more without waiting? | nil, message */
static int l_read(lua_State *L) {
  int fd = (int)luaL_checkinteger(L, 1);
  size_t most = (size_t)luaL_checkinteger(L, 2);
  luaL_Buffer b;
  char *room = luaL_buffinitsize(L, &b, most);
  ssize_t n;
  do n = read(fd, room, most);
  while (n < 0 && errno == EINTR);
  if (n < 0) return luaL_fileresult(L, 0, NULL);
  luaL_pushresultsize(&b, (size_t)n);
  struct pollfd more = {.fd = fd, .events = POLLIN};
  lua_pushboolean(L, n > 0 && poll(&more, 1, 0) > 0);
  return 2;
}

/* timestamp(ns) -> RFC 3339 text in UTC | nil for years that it cannot write */
static int l_timestamp(lua_State *L) {
  lua_Integer ns = luaL_checkinteger(L, 1), part = ns % 1000000000;
  if (part < 0) part += 1000000000;
  time_t seconds = (time_t)((ns - part) / 1000000000);
  struct tm tm;
  char text[64];
  if (!gmtime_r(&seconds, &tm) || tm.tm_year < 1 - 1900 || tm.tm_year > 9999 - 1900) return lua_pushnil(L), 1;
  int n = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  if (part) {
    n += snprintf(text + n, sizeof text - (size_t)n, ".%09d", (int)part);
    while (text[n - 1] == '0') n--;
  }
  text[n++] = 'Z';
  lua_pushlstring(L, text, (size_t)n);
  return 1;
}

/* date(format, ns) -> text in the user's zone, strftime's formats */
static int l_date(lua_State *L) {
  const char *format = luaL_checkstring(L, 1);
  lua_Integer ns = luaL_checkinteger(L, 2), part = ns % 1000000000;
  time_t seconds = (time_t)((ns - part) / 1000000000) - (part < 0); /* downwards, before 1970 too */
  struct tm tm;
  char text[256];
  if (!localtime_r(&seconds, &tm)) return luaL_error(L, "the time %I cannot be shown", ns);
  size_t n = strftime(text, sizeof text, format, &tm);
  if (n == 0 && *format) return luaL_argerror(L, 1, "too long, or not a date format");
  lua_pushlstring(L, text, n);
  return 1;
}

/* localtime(ns) -> {year=, month=, day=, hour=, minute=, second=, weekday= (1: Monday)} in the user's zone | nil */
static int l_localtime(lua_State *L) {
  lua_Integer ns = luaL_checkinteger(L, 1), part = ns % 1000000000;
  time_t seconds = (time_t)((ns - part) / 1000000000) - (part < 0);
  struct tm tm;
  if (!localtime_r(&seconds, &tm)) return lua_pushnil(L), 1;
  lua_createtable(L, 0, 7);
  dbf_table_set_integer(L, "year", (lua_Integer)tm.tm_year + 1900);
  dbf_table_set_integer(L, "month", tm.tm_mon + 1);
  dbf_table_set_integer(L, "day", tm.tm_mday);
  dbf_table_set_integer(L, "hour", tm.tm_hour);
  dbf_table_set_integer(L, "minute", tm.tm_min);
  dbf_table_set_integer(L, "second", tm.tm_sec);
  dbf_table_set_integer(L, "weekday", tm.tm_wday ? tm.tm_wday : 7);
  return 1;
}

/* An argument of mktime; so bounded that no sum of them leaves the range of a time_t or an int. */
static int part_of_date(lua_State *L, int index) {
  lua_Integer value = luaL_checkinteger(L, index);
  luaL_argcheck(L, value > -10000000 && value < 10000000, index, "out of range");
  return (int)value;
}

/* mktime(year, month, day, hour, minute, second) -> ns | nil: the moment when clocks of the user's zone show this. Parts
 * may be out of their range, as in C; nil when ns since 1970 do not fit. */
static int l_mktime(lua_State *L) {
  struct tm tm = {.tm_year = part_of_date(L, 1) - 1900,
                  .tm_mon = part_of_date(L, 2) - 1,
                  .tm_mday = part_of_date(L, 3),
                  .tm_hour = part_of_date(L, 4),
                  .tm_min = part_of_date(L, 5),
                  .tm_sec = part_of_date(L, 6),
                  .tm_isdst = -1,
                  .tm_wday = -1};
  time_t seconds = mktime(&tm);
  debrief_time time = {.seconds = seconds, .set = true};
  int64_t ns;
  if (tm.tm_wday < 0 || !dbf_timestamp_ns(&time, &ns)) return lua_pushnil(L), 1;
  lua_pushinteger(L, ns);
  return 1;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* list(folder) -> {{name, is_folder, "file" | "folder" | "other" | "dangling"}...} sorted by the caller | nil, message. A
 * link is a folder if it leads to one, and "other"; one that leads to nothing is "dangling". */
static int l_list(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  dbf_bytes *names = &dbf_scratch_take(L)->text;
  int taken = lua_gettop(L);
  lua_newtable(L);
  DIR *dir = opendir(path);
  if (!dir) return luaL_fileresult(L, 0, path);
  for (struct dirent *d; (d = readdir(dir)) != NULL;) {
    struct stat st;
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) continue;
    char itself = d->d_type == DT_DIR ? '/' : d->d_type == DT_REG ? '-' : '?', target = itself;
    if (itself == '?') { /* a link, or the file system does not say */
      if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue; /* gone meanwhile */
      itself = S_ISDIR(st.st_mode) ? '/' : S_ISREG(st.st_mode) ? '-' : '?';
      bool leads = fstatat(dirfd(dir), d->d_name, &st, 0) == 0;
      target = leads && S_ISDIR(st.st_mode) ? '/' : '-';
      if (!leads) itself = '!';
    }
    dbf_bytes_append_char(names, target);
    dbf_bytes_append_char(names, itself);
    dbf_bytes_append(names, d->d_name, strlen(d->d_name) + 1);
  }
  closedir(dir);
  dbf_scratch_check(L, names);
  lua_Integer n = 0;
  for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1) {
    char itself = names->data[at + 1];
    lua_createtable(L, 3, 0);
    lua_pushstring(L, names->data + at + 2);
    lua_rawseti(L, -2, 1);
    lua_pushboolean(L, names->data[at] == '/');
    lua_rawseti(L, -2, 2);
    lua_pushstring(L, itself == '/'   ? "folder"
                      : itself == '-' ? "file"
                      : itself == '!' ? "dangling"
                                      : "other");
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, ++n);
  }
  dbf_scratch_give(L, taken);
  return 1;
}

/* stat(path) -> {size=, mtime= ns, kind="file"|"folder"|"other", is_link=, id= of the file itself} | nil, message. Of a
 * link: of what it leads to. */
static int l_stat(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat st;
  if (stat(path, &st) != 0) return luaL_fileresult(L, 0, path);
  lua_createtable(L, 0, 5);
  dbf_table_set_integer(L, "size", (lua_Integer)st.st_size);
  dbf_table_set_integer(L, "mtime", (lua_Integer)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
  lua_pushfstring(L, "%I:%I", (lua_Integer)st.st_dev, (lua_Integer)st.st_ino);
  lua_setfield(L, -2, "id");
  dbf_table_set_string(L, "kind", S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
  lua_pushboolean(L, lstat(path, &st) != 0 || S_ISLNK(st.st_mode));
  lua_setfield(L, -2, "is_link");
  return 1;
}

/* split_path("in/a.jsonl") -> "in" | nil for a name alone, "a.jsonl", "a": folder, name, and name without its extension. A
 * pattern would look at every byte several times, and an import asks for each of its files. */
static int l_split_path(lua_State *L) {
  size_t len;
  const char *path = luaL_checklstring(L, 1, &len), *slash = memrchr(path, '/', len);
  const char *name = slash ? slash + 1 : path, *end = path + len;
  const char *dot = memrchr(name, '.', (size_t)(end - name));
  if (slash) lua_pushlstring(L, path, (size_t)(slash - path));
  else lua_pushnil(L);
  lua_pushlstring(L, name, (size_t)(end - name));
  lua_pushlstring(L, name, (size_t)((dot && dot > name ? dot : end) - name));
  return 3;
}

/* size(path) -> bytes of what is there | nil */
static int l_size(lua_State *L) {
  struct stat st;
  if (stat(luaL_checkstring(L, 1), &st) != 0) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer)st.st_size);
  return 1;
}

enum { TAIL = 256 };    /* bytes at the end of a file that its fingerprint depends on */
enum { SETTLED_S = 2 }; /* a file that was left alone for so long has a time of its own, on any file system */

/* What a fingerprint begins with: what is known without a look into the file. */
static void describe(const struct stat *st, char *text, size_t size) {
  snprintf(text, size, "%jx.%jx.%jx.%jx.%jx.", (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec,
           (uintmax_t)st->st_mtim.tv_nsec, (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
}

/* What it ends with: the time of the last change, which no program sets. Nothing while another change could have the same. */
static void describe_change(const struct stat *st, char *text, size_t size) {
  *text = '\0';
  if (time(NULL) - st->st_ctim.tv_sec >= SETTLED_S)
    snprintf(text, size, "/%jx.%jx", (uintmax_t)st->st_ctim.tv_sec, (uintmax_t)st->st_ctim.tv_nsec);
}

static bool is_still(const char *known, const struct stat *st) {
  char text[128], change[40];
  size_t len = strlen(known), n;
  describe(st, text, sizeof text);
  describe_change(st, change, sizeof change);
  n = strlen(change);
  return n > 0 && strncmp(known, text, strlen(text)) == 0 && len >= n && strcmp(known + len - n, change) == 0;
}

/* The fingerprint of a regular file, and its stat; false, and errno set. */
static bool print_file(const char *path, struct stat *st, char *text, size_t size) {
  char tail[TAIL];
  ssize_t n = -1;
  int fd = dbf_io_above(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd < 0) return false;
  errno = EINVAL;
  if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
    n = dbf_io_read_at(fd, tail, TAIL, st->st_size > TAIL ? (uint64_t)st->st_size - TAIL : 0);
  int e = errno;
  close(fd);
  errno = e;
  if (n < 0) return false;
  describe(st, text, size);
  size_t len = strlen(text);
  len +=
      (size_t)snprintf(text + len, size - len, "%jx", (uintmax_t)dbf_hash(DBF_HASH_START, tail, (size_t)n));
  describe_change(st, text + len, size - len);
  return true;
}

/* fingerprint(path [, known]) -> text, size, mtime (ns) | nil, message: what says whether a file has changed without reading
 * it: its size, times and inode, and its last bytes, for a program may set the times back. What follows a "/" is the time
 * of its last change, which also a new name or mode sets: where it is as in `known`, the file is not opened. Not a regular
 * file: nil. */
static int l_fingerprint(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *known = luaL_optstring(L, 2, "");
  struct stat st;
  char text[192];
  if (*known && stat(path, &st) == 0 && is_still(known, &st)) {
    lua_pushstring(L, known);
  } else {
    if (!print_file(path, &st, text, sizeof text)) return luaL_fileresult(L, 0, path);
    lua_pushstring(L, text);
  }
  lua_pushinteger(L, (lua_Integer)st.st_size);
  lua_pushinteger(L, (lua_Integer)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
  return 3;
}

/* slurp(path [, most [, from]]) -> the file's bytes, at most `most` from offset `from` on | nil, message */
static int l_slurp(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_Integer most = luaL_optinteger(L, 2, LUA_MAXINTEGER), from = luaL_optinteger(L, 3, 0);
  dbf_bytes *out = dbf_scratch_text(L);
  FILE *file = fopen(path, "rbe");
  if (!file) return luaL_fileresult(L, 0, path);
  bool sought = from == 0 || fseeko(file, (off_t)from, SEEK_SET) == 0;
  size_t n = sought;
  while (n > 0 && (lua_Integer)out->len < most && dbf_bytes_reserve(out, 65536)) {
    n = fread(out->data + out->len, 1, 65536, file);
    out->len += n;
  }
  int bad = !sought || ferror(file) ? errno : 0;
  fclose(file);
  if (bad) {
    errno = bad;
    return luaL_fileresult(L, 0, path);
  }
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->len ? out->data : "", (lua_Integer)out->len < most ? out->len : (size_t)most);
  dbf_bytes_release(out); /* files are large, and the next use may be far away */
  return 1;
}

/* ---- The program's surroundings ------------------------------------------------------------------------------------ */

/* terminal(fd) -> columns, rows | nil: nil when it is no terminal */
static int l_terminal(lua_State *L) {
  int fd = (int)luaL_checkinteger(L, 1);
  struct winsize size = {0};
  if (!isatty(fd)) return lua_pushnil(L), 1;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) size.ws_col = size.ws_row = 0;
  lua_pushinteger(L, size.ws_col ? size.ws_col : 80);
  lua_pushinteger(L, size.ws_row ? size.ws_row : 24);
  return 2;
}

/* log(level, text): to the host */
static int l_log_text(lua_State *L) {
  const dbf_config *config = dbf_config_of(L);
  const char *level = luaL_checkstring(L, 1), *text = luaL_checkstring(L, 2);
  if (config->on_log) config->on_log(config->user, level, text);
  return 0;
}

/* host() -> {dir=, log= {options of log()}, plugin_path=, workers=}: what the host was opened with; nil where nothing was
 * said */
static int l_host(lua_State *L) {
  const dbf_config *config = dbf_config_of(L);
  lua_createtable(L, 0, 4);
  dbf_table_set_string(L, "dir", config->dir);
  dbf_table_set_string(L, "plugin_path", config->plugin_path);
  if (config->workers) dbf_table_set_integer(L, "workers", config->workers);
  if (config->plugin_time) dbf_table_set_integer(L, "plugin_time", config->plugin_time);
  if (config->plugin_memory) dbf_table_set_integer(L, "plugin_memory", (lua_Integer)config->plugin_memory);
  if (config->log.struct_size == 0) return 1;
  lua_createtable(L, 0, 4);
  if (config->log.sync == DEBRIEF_SYNC_DATA) dbf_table_set_integer(L, "sync", 1);
  dbf_table_set_integer(L, "lock_timeout_ms", config->log.lock_timeout_ms);
  dbf_table_set_integer(L, "file_mode", config->log.file_mode);
  dbf_table_set_integer(L, "folder_mode", config->log.folder_mode);
  lua_setfield(L, -2, "log");
  return 1;
}

/* limit{plugin_time = ms, plugin_memory = bytes}: of workers that are made from now on; 0: no limit; nil: as it was */
static int l_limit(lua_State *L) {
  const dbf_config *config = dbf_config_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer time = dbf_table_integer(L, 1, "plugin_time", config->plugin_time),
              memory = dbf_table_integer(L, 1, "plugin_memory", (lua_Integer)config->plugin_memory);
  luaL_argcheck(L, time >= 0 && time <= INT_MAX && memory >= 0, 1, "a limit is out of range");
  dbf_config_limit(L, (unsigned)time, (size_t)memory);
  return 0;
}

/* over_limit() -> did a limit refuse what this state was refused last, and not the system? */
static int l_over_limit(lua_State *L) {
  lua_pushboolean(L, dbf_memory_is_over(L));
  return 1;
}

/* progress(): the hook that runs next has a budget of its own */
static int l_progress(lua_State *L) {
  (void)L;
  dbf_limits_progress();
  return 0;
}

/* ours(function, ...) -> its results: a call whose time is no plugin's */
static int l_ours(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  bool paused = dbf_limits_pause();
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  dbf_limits_resume(paused);
  return lua_gettop(L);
}

static int add_code(lua_State *L, const void *bytes, size_t len, void *code) {
  (void)L;
  dbf_bytes_append(code, bytes, len);
  return 0;
}

/* code(function) -> its code as load takes it, with the names of variables and the numbers of lines */
static int l_code(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  dbf_bytes *code = dbf_scratch_text(L);
  lua_dump(L, add_code, code, 0);
  dbf_scratch_check(L, code);
  lua_pushlstring(L, code->data, code->len);
  return 1;
}

static int l_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_optstring(L, 1, NULL), (int)luaL_optinteger(L, 2, 1));
  return 1;
}

/* source(path) -> text of "plugins/summary.lua" as it was built in (or from the working copy) | nil */
static int l_source(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const dbf_config *config = dbf_config_of(L);
  if (config->source_dir) {
    lua_pushcfunction(L, l_slurp);
    lua_pushfstring(L, "%s/%s", config->source_dir, path);
    lua_call(L, 1, 1);
    return 1;
  }
  const dbf_embedded_file *file = dbf_embedded_find(path);
  if (file) dbf_embedded_push_text(L, file);
  else lua_pushnil(L);
  return 1;
}

/* The files of a folder of the working copy, as paths from its root. */
static int list_sources(lua_State *L, const char *source_dir, const char *folder) {
  lua_pushcfunction(L, l_list);
  lua_pushfstring(L, "%s/%s", source_dir, folder);
  lua_call(L, 1, 1);
  lua_Integer count = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
  lua_createtable(L, (int)count, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -2, i);
    lua_rawgeti(L, -1, 1);
    lua_pushfstring(L, "%s%s", folder, lua_tostring(L, -1));
    lua_rawseti(L, -4, i);
    lua_pop(L, 2);
  }
  return 1;
}

/* sources(folder with '/') -> {path...}: what is built in, or what the working copy has there */
static int l_sources(lua_State *L) {
  const char *prefix = luaL_checkstring(L, 1), *source_dir = dbf_config_of(L)->source_dir;
  lua_Integer n = 0;
  if (source_dir) return list_sources(L, source_dir, prefix);
  lua_newtable(L);
  for (const dbf_embedded_file *f = dbf_embedded_files; f->path; f++) {
    if (strncmp(f->path, prefix, strlen(prefix)) != 0) continue;
    lua_pushstring(L, f->path);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* entry(text [, foreign]) -> entry | nil, message */
static int l_entry(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  bool foreign = lua_toboolean(L, 2);
  if (len > DBF_LINE_LIMIT) {
    lua_pushnil(L);
    lua_pushliteral(L, "longer than 256 MiB");
    return 2;
  }
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  dbf_json_fault fault;
  dbf_bytes *line = &scratch->extra;
  dbf_bytes_append(line, text, len);
  if (!dbf_bytes_terminate(line)) return dbf_memory_raise(L);
  dbf_scan status = dbf_entry_scan(&scratch->entry, line->data, len, foreign, &fault);
  if (status == DBF_SCAN_NO_MEMORY) return dbf_memory_raise(L);
  if (status != DBF_SCAN_OK) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s, at byte %I", fault.what, (lua_Integer)(fault.at - line->data) + 1);
    dbf_scratch_give(L, taken);
    return 2;
  }
  bool bad_utf8 = !scratch->entry.kernel->utf8_valid(scratch->entry.text, scratch->entry.len);
  dbf_entry_userdata_push(L, &scratch->entry, bad_utf8, foreign, &DBF_NO_ORIGIN, NULL);
  dbf_scratch_give(L, taken);
  return 1;
}

/* fields("entry" | "attempt") -> {{name=, kind="string"...}...}: the known ones, in the order they are written; the kinds are
 * those of entry_fields.def */
static int l_fields(lua_State *L) {
  static const char *const of[] = {"entry", "attempt", NULL};
  const dbf_field *field = luaL_checkoption(L, 1, NULL, of) ? dbf_attempt_fields : dbf_entry_fields;
  lua_createtable(L, DBF_KNOWN_COUNT, 0);
  for (lua_Integer i = 1; field->name; field++, i++) {
    lua_createtable(L, 0, 2);
    dbf_table_set_string(L, "name", field->name);
    dbf_table_set_string(L, "kind", dbf_kind_name(field->kind));
    lua_rawseti(L, -2, i);
  }
  return 1;
}

/* write(fd, text) -> true | nil, message, errno */
static int l_write(lua_State *L) {
  int fd = (int)luaL_checkinteger(L, 1);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  return luaL_fileresult(L, dbf_io_write_all(fd, text, len), NULL);
}

/* strerror(errno) -> text */
static int l_strerror(lua_State *L) {
  char text[128];
  lua_pushstring(L, dbf_error_reason((int)luaL_checkinteger(L, 1), text, sizeof text));
  return 1;
}

int luaopen_debrief_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"time", l_time},
                                       {"now", l_now},
                                       {"clock", l_clock},
                                       {"read", l_read},
                                       {"timestamp", l_timestamp},
                                       {"date", l_date},
                                       {"list", l_list},
                                       {"localtime", l_localtime},
                                       {"mktime", l_mktime},
                                       {"stat", l_stat},
                                       {"size", l_size},
                                       {"split_path", l_split_path},
                                       {"slurp", l_slurp},
                                       {"fingerprint", l_fingerprint},
                                       {"terminal", l_terminal},
                                       {"log_text", l_log_text},
                                       {"over_limit", l_over_limit},
                                       {"traceback", l_traceback},
                                       {"code", l_code},
                                       {"entry", l_entry},
                                       {"fields", l_fields},
                                       {"write", l_write},
                                       {"strerror", l_strerror},
                                       {"copy", dbf_entry_userdata_copy},
                                       {"freeze", dbf_entry_userdata_freeze},
                                       {"place", dbf_entry_place},
                                       {"source", l_source},
                                       {"sources", l_sources},
                                       {"guard", dbf_state_guard},
                                       {"bounded", dbf_state_bounded},
                                       {"progress", l_progress},
                                       {"ours", l_ours},
                                       {"save", dbf_save},
                                       {"host", l_host},
                                       {"limit", l_limit},
                                       {NULL, NULL}};
  dbf_state_set_core(L, luaopen_debrief_core);
  dbf_scratch_open(L);
  dbf_lua_value_open(L);
  dbf_lua_json_open(L);
  dbf_entry_userdata_open(L);
  dbf_entry_assign_open(L);
  dbf_lua_log_open(L);
  dbf_lending_open(L);
  dbf_lua_cat_open(L);
  dbf_lua_check_open(L);
  dbf_lua_follow_open(L);
  dbf_match_open(L);
  dbf_condition_open(L);
  dbf_tally_open(L);
  dbf_pager_open(L);
  dbf_spool_open(L);
  dbf_journal_open(L);
  dbf_workers_open(L);
  dbf_isolate_open(L);
  luaL_newlib(L, functions);
  dbf_lua_json_register(L);
  dbf_console_register(L);
  dbf_pack_register(L);
  dbf_process_register(L);
  dbf_attend_register(L);
  dbf_journal_register(L);
  dbf_queue_register(L);
  dbf_lua_send_register(L);
  dbf_redact_register(L);
  dbf_spool_register(L);
  dbf_isolate_register(L);
  dbf_pager_register(L);
  dbf_lua_log_register(L);
  dbf_lending_register(L);
  dbf_lua_cat_register(L);
  dbf_lua_check_register(L);
  dbf_lua_follow_register(L);
  dbf_match_register(L);
  dbf_entry_userdata_register(L);
  dbf_tally_register(L);
  dbf_condition_register(L);
  dbf_aggregate_register(L);
  dbf_entry_ipairs_register(L);
  dbf_workers_register(L);
  dbf_host_value_register(L);
  dbf_table_set_string(L, "version", debrief_version());
  lua_pushliteral(L, LUA_RELEASE);
  lua_setfield(L, -2, "lua");
  dbf_table_set_integer(L, "EPIPE", EPIPE);
  return 1;
}

int luaopen_debrief(lua_State *L) {
  luaL_checkversion(L);
  dbf_state_lend(L, luaopen_debrief_core);
  lua_settop(L, 2); /* the module's name, and where it was found */
  if (!dbf_state_push_module(L, "debrief")) return luaL_error(L, "debrief was built without its Lua sources");
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}
