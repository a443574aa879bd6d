#include "queue.h"
#include "limits.h"
#include "table.h"
#include "userdata.h"
#include "../log/store.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char queue_type[] = "debrief.queue";

typedef struct queue_object {
  const dbf_queue_kind *kind;
  dbf_queue *queue; /* NULL: closed */
  pid_t owner;
  char job[64]; /* what it offers; "": nothing */
} queue_object;

static bool is_stopped(void *user) {
  (void)user;
  return dbf_limits_stopped();
}

static queue_object *check(lua_State *L) {
  queue_object *q = luaL_checkudata(L, 1, queue_type);
  luaL_argcheck(L, q->queue, 1, "this queue is closed");
  return q;
}

static int failed(lua_State *L, const debrief_error *err) {
  dbf_limits_check(L);
  return dbf_table_push_failure(L, err);
}

/* true, or nil and a message. */
static int answer(lua_State *L, bool ok, const debrief_error *err) {
  if (!ok) return failed(L, err);
  return lua_pushboolean(L, 1), 1;
}

static dbf_queue_part check_part(lua_State *L, int index) {
  static const char *const names[] = {"work", "rest", NULL};
  return luaL_checkoption(L, index, NULL, names) == 0 ? DBF_QUEUE_WORK : DBF_QUEUE_REST;
}

static int l_close(lua_State *L) {
  queue_object *q = luaL_checkudata(L, 1, queue_type);
  bool forked = q->owner != getpid();
  if (q->queue && *q->job && !forked) q->kind->withdraw(q->queue, q->job, NULL);
  if (q->queue) q->kind->close(q->queue, forked);
  q->queue = NULL;
  return 0;
}

static int l_shown(lua_State *L) {
  queue_object *q = check(L);
  lua_pushstring(L, q->kind->shown(q->queue));
  return 1;
}

static int l_room(lua_State *L) {
  queue_object *q = check(L);
  lua_pushinteger(L, (lua_Integer)q->kind->room(q->queue));
  return 1;
}

static int l_make(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  return answer(L, q->kind->make(q->queue, &err), &err);
}

static int l_put(lua_State *L) {
  debrief_error err;
  size_t len;
  queue_object *q = check(L);
  dbf_queue_part part = check_part(L, 2);
  const char *key = luaL_checkstring(L, 3), *data = luaL_checklstring(L, 4, &len);
  return answer(L, q->kind->put(q->queue, part, key, data, len, luaL_checkstring(L, 5), &err), &err);
}

/* Lets go of a message after its parts were pushed; protected, for memory may be short. */
static int l_push(lua_State *L) {
  const dbf_queue_message *m = lua_touserdata(L, 1);
  lua_pushlstring(L, m->data, m->len);
  lua_pushinteger(L, (lua_Integer)(m->sequence ? m->sequence : m->deliveries));
  lua_pushstring(L, m->key);
  lua_pushstring(L, m->reply);
  lua_pushinteger(L, m->time_ns);
  return 5;
}

/* Push data, number, key, reply and time, or false. Returns how many values. */
static int push_message(lua_State *L, queue_object *q, dbf_queue_message *m) {
  if (!m->held) return lua_pushboolean(L, 0), 1;
  lua_pushcfunction(L, l_push);
  lua_pushlightuserdata(L, m);
  int status = lua_pcall(L, 1, 5, 0);
  q->kind->drop(m);
  return status == LUA_OK ? 5 : lua_error(L);
}

static int l_next(lua_State *L) {
  debrief_error err;
  dbf_queue_message m;
  queue_object *q = check(L);
  const char *key = luaL_checkstring(L, 2);
  lua_Integer sequence = luaL_checkinteger(L, 3);
  if (!q->kind->next(q->queue, key, (uint64_t)sequence, &m, &err)) return failed(L, &err);
  return push_message(L, q, &m);
}

static int l_hear(lua_State *L) {
  debrief_error err;
  dbf_queue_message m;
  queue_object *q = check(L);
  if (!q->kind->hear(q->queue, luaL_checkinteger(L, 2), &m, &err)) return failed(L, &err);
  return push_message(L, q, &m);
}

static int l_purge(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  dbf_queue_part part = check_part(L, 2);
  return answer(L, q->kind->purge(q->queue, part, luaL_checkstring(L, 3), &err), &err);
}

static int l_offer(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  const char *job = luaL_checkstring(L, 2);
  luaL_argcheck(L, strlen(job) < sizeof q->job, 2, "too long");
  lua_Integer patience = luaL_checkinteger(L, 3);
  snprintf(q->job, sizeof q->job, "%s", job);
  return answer(L, q->kind->offer(q->queue, job, patience, &err), &err);
}

static int l_ask(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  const char *job = luaL_checkstring(L, 2);
  return answer(L, q->kind->ask(q->queue, job, luaL_checkinteger(L, 3), &err), &err);
}

static int l_answer(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  const char *reply = luaL_checkstring(L, 2);
  return answer(L, q->kind->answer(q->queue, reply, luaL_checkstring(L, 3), &err), &err);
}

static int l_say(lua_State *L) {
  debrief_error err;
  size_t len;
  queue_object *q = check(L);
  const char *key = luaL_checkstring(L, 2), *data = luaL_checklstring(L, 3, &len);
  return answer(L, q->kind->say(q->queue, key, data, len, &err), &err);
}

static int l_listen(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  return answer(L, q->kind->listen(q->queue, luaL_checkstring(L, 2), &err), &err);
}

/* The jobs as text, NAME WAITING UNDER_WAY in a line each, so that nothing of Lua runs meanwhile. */
static void note_job(void *user, const dbf_queue_job *job) {
  char line[128];
  int len = snprintf(line, sizeof line, "%.63s %llu %llu\n", job->name, (unsigned long long)job->waiting,
                     (unsigned long long)job->under_way);
  dbf_bytes_append(user, line, (size_t)len);
}

static int l_text(lua_State *L) {
  const dbf_bytes *text = lua_touserdata(L, 1);
  lua_pushlstring(L, text->len ? text->data : "", text->len);
  return 1;
}

static int l_jobs(lua_State *L) {
  debrief_error err;
  dbf_bytes text = {0};
  queue_object *q = check(L);
  bool ok = q->kind->jobs(q->queue, note_job, &text, &err);
  lua_pushcfunction(L, l_text);
  lua_pushlightuserdata(L, &text);
  int status = lua_pcall(L, 1, 1, 0);
  dbf_bytes_release(&text);
  if (status != LUA_OK) return lua_error(L);
  return ok ? 1 : failed(L, &err);
}

static int l_bring(lua_State *L) {
  debrief_error err;
  bool done;
  queue_object *q = check(L);
  const char *id = luaL_checkstring(L, 2);
  lua_Integer bytes = luaL_checkinteger(L, 3), ms = luaL_checkinteger(L, 4);
  uint64_t size = bytes > 0 ? (uint64_t)bytes : 0;
  if (!q->kind->bring(q->queue, id, &size, ms, &done, &err)) return failed(L, &err);
  if (done) lua_pushinteger(L, (lua_Integer)size);
  else lua_pushboolean(L, 0);
  return 1;
}

static int l_folder(lua_State *L) {
  debrief_error err;
  queue_object *q = check(L);
  const char *path = q->kind->folder(q->queue, &err);
  if (!path) return failed(L, &err);
  lua_pushstring(L, path);
  return 1;
}

/* Made with the first queue: most states have none, and each state would begin later. */
static void set_type(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"shown", l_shown}, {"room", l_room},     {"make", l_make}, {"put", l_put},       {"next", l_next},
      {"purge", l_purge}, {"offer", l_offer},   {"ask", l_ask},   {"answer", l_answer}, {"say", l_say},
      {"hear", l_hear},   {"listen", l_listen}, {"jobs", l_jobs}, {"bring", l_bring},   {"folder", l_folder},
      {"close", l_close}, {NULL, NULL}};
  bool there = luaL_getmetatable(L, queue_type) != LUA_TNIL;
  lua_pop(L, 1);
  if (!there) dbf_userdata_type(L, queue_type, methods, l_close);
  luaL_setmetatable(L, queue_type);
}

static const char *text_of(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  const char *text = lua_tostring(L, -1);
  lua_pop(L, 1); /* the table keeps it */
  return text;
}

static int l_queue(lua_State *L) {
  debrief_error err;
  debrief_log_config config = {.struct_size = sizeof config};
  const char *address = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  config.creds = text_of(L, "creds");
  config.tls_ca = text_of(L, "tls_ca");
  config.tls_cert = text_of(L, "tls_cert");
  config.tls_key = text_of(L, "tls_key");
  config.timeout_ms = (unsigned)dbf_table_count(L, 2, "timeout_ms");
  queue_object *q = lua_newuserdatauv(L, sizeof *q, 0);
  *q = (queue_object){.owner = getpid()};
  set_type(L);
  const dbf_store_kind *kind = dbf_store_load(&err);
  if (!kind) return failed(L, &err);
  q->kind = kind->queue;
  q->queue = q->kind->open(address, &config, is_stopped, NULL, &err);
  return q->queue ? 1 : failed(L, &err);
}

void dbf_queue_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"queue", l_queue}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
