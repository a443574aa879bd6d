#include "host_value.h"
#include "lua_json.h"
#include "scratch.h"
#include "config.h"
#include "memory.h"
#include "table.h"
#include "entry_userdata.h"

#include <assert.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RESULTS = 16 };

typedef struct item {
  char *name;
  debrief_value value;                              /* text is the item's own */
  bool (*function)(void *user, debrief_call *call); /* NULL: it is a value */
  void *user;
  debrief_threads threads;
} item;

struct dbf_host_values {
  pthread_mutex_t mutex;
  pthread_t owner;
  item *items; /* by name */
  size_t count, cap;
};

struct debrief_call {
  const debrief_value *arguments;
  size_t count;
  debrief_value
      results[MOST_RESULTS]; /* text.data is NULL: the texts stand in `texts`, one after the other */
  size_t returned;
  dbf_bytes *texts; /* those of this call begin at `from`; before it stand those of calls around it */
  size_t from;
  bool failed;
  char message[501];
};

static bool is_text(const debrief_value *value) {
  return value->kind == DEBRIEF_TEXT || value->kind == DEBRIEF_JSON;
}

bool dbf_host_value_is_valid(const debrief_value *value) {
  switch (value->kind) {
  case DEBRIEF_NIL:
  case DEBRIEF_BOOLEAN:
  case DEBRIEF_INTEGER:
  case DEBRIEF_NUMBER: return true;
  case DEBRIEF_TEXT:
  case DEBRIEF_JSON: return value->as.text.data || value->as.text.len == 0;
  }
  return false;
}

/* ---- The list ---------------------------------------------------------------------------------------------------- */

dbf_host_values *dbf_host_values_new(void) {
  dbf_host_values *v = calloc(1, sizeof *v);
  if (!v) return NULL;
  pthread_mutex_init(&v->mutex, NULL);
  v->owner = pthread_self();
  return v;
}

static void release(item *i) {
  free(i->name);
  if (is_text(&i->value)) free((char *)i->value.as.text.data);
}

void dbf_host_values_free(dbf_host_values *v) {
  if (!v) return;
  for (size_t i = 0; i < v->count; i++) release(&v->items[i]);
  free(v->items);
  pthread_mutex_destroy(&v->mutex);
  free(v);
}

void dbf_host_values_enter(dbf_host_values *v) {
  pthread_mutex_lock(&v->mutex);
  v->owner = pthread_self();
  pthread_mutex_unlock(&v->mutex);
}

/* Where the name is, or would be. */
static size_t place_of(const dbf_host_values *v, const char *name, bool *there) {
  size_t low = 0, high = v->count;
  *there = false;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(name, v->items[middle].name);
    if (order == 0) *there = true;
    if (order <= 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

static bool make_room(dbf_host_values *v) {
  if (v->count < v->cap) return true;
  size_t cap = v->cap ? v->cap * 2 : 8;
  item *items = realloc(v->items, cap * sizeof *items);
  if (!items) return false;
  v->items = items;
  v->cap = cap;
  return true;
}

/* Put an item in, or with no name in it, take `name` out. Frees what is not used. */
static bool put(dbf_host_values *v, const char *name, item new) {
  bool there, ok = true;
  pthread_mutex_lock(&v->mutex);
  size_t at = place_of(v, name, &there);
  item *i = &v->items[at];
  if (there && new.name) {
    item old = *i;
    *i = new;
    new = old;
  } else if (there) {
    new = *i;
    memmove(i, i + 1, (--v->count - at) * sizeof *i);
  } else if (new.name && (ok = make_room(v))) {
    i = &v->items[at];
    memmove(i + 1, i, (v->count++ - at) * sizeof *i);
    *i = new;
    new = (item){0};
  }
  pthread_mutex_unlock(&v->mutex);
  release(&new);
  return ok;
}

/* A copy of the bytes with a NUL after them. */
static char *copy(debrief_text text) {
  char *to = malloc(text.len + 1);
  if (!to) return NULL;
  if (text.len) memcpy(to, text.data, text.len);
  to[text.len] = '\0';
  return to;
}

bool dbf_host_values_set(dbf_host_values *v, const char *name, const debrief_value *value) {
  item new = {.value = *value};
  if (value->kind == DEBRIEF_NIL) return put(v, name, new);
  if (is_text(value)) new.value.as.text.data = copy(value->as.text);
  new.name = strdup(name);
  if (new.name && (!is_text(value) || new.value.as.text.data)) return put(v, name, new);
  release(&new);
  return false;
}

bool dbf_host_values_register(dbf_host_values *v, const char *name,
                              bool (*function)(void *user, debrief_call *call), void *user,
                              debrief_threads threads) {
  item new = {.name = strdup(name), .function = function, .user = user, .threads = threads};
  return new.name &&put(v, name, new);
}

/* ---- C -> Lua ---------------------------------------------------------------------------------------------------- */

static void push_json(lua_State *L, const char *text, size_t len) {
  lua_pushcfunction(L, dbf_lua_json_decode);
  lua_pushlstring(L, text, len);
  lua_call(L, 1, 2);
  if (lua_isnil(L, -2)) luaL_error(L, "the host returned invalid JSON: %s", lua_tostring(L, -1));
  lua_pop(L, 1);
}

/* Push a value whose text, if any, is `text`. */
static void push_value(lua_State *L, const debrief_value *value, const char *text) {
  switch (value->kind) {
  case DEBRIEF_NIL: lua_pushnil(L); break;
  case DEBRIEF_BOOLEAN: lua_pushboolean(L, value->as.boolean); break;
  case DEBRIEF_INTEGER: lua_pushinteger(L, value->as.integer); break;
  case DEBRIEF_NUMBER: lua_pushnumber(L, value->as.number); break;
  case DEBRIEF_TEXT: lua_pushlstring(L, text, value->as.text.len); break;
  case DEBRIEF_JSON: push_json(L, text, value->as.text.len); break;
  }
}

/* A copy of the item, its name left out and its text in `text`; false if it does not exist. */
static bool look_up(dbf_host_values *v, const char *name, item *found, dbf_bytes *text) {
  bool there;
  pthread_mutex_lock(&v->mutex);
  size_t at = place_of(v, name, &there);
  if (there) {
    *found = v->items[at];
    if (is_text(&found->value)) dbf_bytes_append(text, found->value.as.text.data, found->value.as.text.len);
  }
  pthread_mutex_unlock(&v->mutex);
  return there;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------- */

size_t debrief_call_count(const debrief_call *call) {
  return call ? call->count : 0;
}

debrief_value debrief_call_argument(const debrief_call *call, size_t i) {
  return call && i < call->count ? call->arguments[i] : (debrief_value){.kind = DEBRIEF_NIL};
}

bool debrief_call_return(debrief_call *call, const debrief_value *value) {
  if (!call || !value || !dbf_host_value_is_valid(value) || call->returned == MOST_RESULTS) return false;
  if (is_text(value)) dbf_bytes_append(call->texts, value->as.text.data, value->as.text.len);
  call->results[call->returned++] = *value;
  return !call->texts->failed;
}

/* A function that raises through the host would skip its frames: so failures are noted in the call, and raised when it has
 * returned. */
bool debrief_call_fail(debrief_call *call, const char *message) {
  if (!call) return false;
  call->failed = true;
  strncpy(call->message, message ? message : "the host's function failed", sizeof call->message - 1);
  return false;
}

/* The value at `index`; what is no scalar becomes JSON text in its place. */
static debrief_value take_value(lua_State *L, int index) {
  debrief_value value = {.kind = DEBRIEF_NIL};
  switch (lua_type(L, index)) {
  case LUA_TNIL: return value;
  case LUA_TBOOLEAN: value.kind = DEBRIEF_BOOLEAN, value.as.boolean = lua_toboolean(L, index); return value;
  case LUA_TNUMBER:
    value.kind = lua_isinteger(L, index) ? DEBRIEF_INTEGER : DEBRIEF_NUMBER;
    if (value.kind == DEBRIEF_INTEGER) value.as.integer = lua_tointeger(L, index);
    else value.as.number = lua_tonumber(L, index);
    return value;
  case LUA_TSTRING: value.kind = DEBRIEF_TEXT; break;
  default: {
    dbf_bytes *out = &dbf_scratch_take(L)->text;
    dbf_lua_json_write(L, index, out);
    lua_pushlstring(L, out->data, out->len);
    dbf_scratch_give(L, -2);
    lua_replace(L, index);
    lua_pop(L, 1);
    value.kind = DEBRIEF_JSON;
  }
  }
  value.as.text.data = lua_tolstring(L, index, &value.as.text.len);
  return value;
}

/* The texts become a Lua string before anything else is made: a finalizer may call a function of the host's, too. */
static int push_results(lua_State *L, const debrief_call *call) {
  dbf_bytes *texts = call->texts;
  size_t len = texts->len - call->from;
  bool full = texts->failed;
  assert(texts->len >= call->from && call->returned <= MOST_RESULTS);
  texts->len = call->from;
  texts->failed = false;
  if (call->failed) return luaL_error(L, "%s", call->message);
  if (full) return dbf_memory_raise(L);
  luaL_checkstack(L, MOST_RESULTS + 4, "too many results");
  const char *text = lua_pushlstring(L, len ? texts->data + call->from : "", len);
  for (size_t i = 0; i < call->returned; i++) {
    push_value(L, &call->results[i], text);
    if (is_text(&call->results[i])) text += call->results[i].as.text.len;
  }
  return (int)call->returned;
}

/* Upvalue: the function's name, so that it can be replaced while somebody keeps the closure. */
static int l_call(lua_State *L) {
  dbf_host_values *v = dbf_config_of(L)->values;
  const char *name = lua_tostring(L, lua_upvalueindex(1));
  item found;
  int n = lua_gettop(L);
  if (!v || !look_up(v, name, &found, dbf_scratch_text(L)) || !found.function)
    return luaL_error(L, "the host has no function '%s' any more", name);
  if (found.threads != DEBRIEF_ANY_THREAD && !pthread_equal(v->owner, pthread_self()))
    return luaL_error(
        L,
        "the host's function '%s' can be called on the host's own thread only, not by a retrospective on "
        "several threads",
        name);
  debrief_value *arguments = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *arguments, 0);
  for (int i = 0; i < n; i++) arguments[i] = take_value(L, i + 1);
  dbf_bytes *texts = &dbf_scratch_of(L)->results;
  debrief_call call = {.arguments = arguments, .count = (size_t)n, .texts = texts, .from = texts->len};
  if (!found.function(found.user, &call) && !call.failed) debrief_call_fail(&call, NULL);
  return push_results(L, &call);
}

/* ---- The object -------------------------------------------------------------------------------------------------- */

/* Push what the host calls `name`, or nil. */
static void push_named(lua_State *L, const char *name) {
  dbf_host_values *v = dbf_config_of(L)->values;
  dbf_bytes *text = dbf_scratch_piece(L); /* decoding JSON uses the other */
  item found;
  if (!v || !look_up(v, name, &found, text)) {
    lua_pushnil(L);
    return;
  }
  dbf_scratch_check(L, text);
  if (!found.function) {
    push_value(L, &found.value, text->data);
    return;
  }
  lua_pushstring(L, name);
  lua_pushcclosure(L, l_call, 1);
}

static int l_index(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return lua_pushnil(L), 1;
  push_named(L, lua_tostring(L, 2));
  return 1;
}

static int l_newindex(lua_State *L) {
  return luaL_error(L, "debrief.host.%s cannot be set: it is the host's", luaL_tolstring(L, 2, NULL));
}

/* Upvalues: the names, how many were given. */
static int l_next(lua_State *L) {
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;
  lua_pushinteger(L, i);
  lua_replace(L, lua_upvalueindex(2));
  if (lua_rawgeti(L, lua_upvalueindex(1), i) != LUA_TSTRING) return 1;
  push_named(L, lua_tostring(L, -1));
  return 2;
}

static int l_pairs(lua_State *L) {
  dbf_host_values *v = dbf_config_of(L)->values;
  dbf_bytes *names = dbf_scratch_piece(L);
  if (v) pthread_mutex_lock(&v->mutex);
  for (size_t i = 0; v && i < v->count; i++)
    dbf_bytes_append(names, v->items[i].name, strlen(v->items[i].name) + 1);
  if (v) pthread_mutex_unlock(&v->mutex);
  dbf_scratch_check(L, names);
  dbf_table_push_strings(L, names);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, l_next, 2);
  return 1;
}

/* For people: the names. */
static int l_tostring(lua_State *L) {
  luaL_Buffer b;
  const char *between = ": ";
  l_pairs(L); /* upvalue 1 of the iterator: the names */
  lua_getupvalue(L, -1, 1);
  int names = lua_gettop(L);
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "debrief.host");
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, names); i <= n; i++, between = ", ") {
    luaL_addstring(&b, between);
    lua_rawgeti(L, names, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

static int l_needs_thread(lua_State *L) {
  dbf_host_values *v = dbf_config_of(L)->values;
  bool needs = false;
  if (v) pthread_mutex_lock(&v->mutex);
  for (size_t i = 0; v && i < v->count && !needs; i++)
    needs = v->items[i].function && v->items[i].threads == DEBRIEF_HOST_THREAD;
  if (v) pthread_mutex_unlock(&v->mutex);
  lua_pushboolean(L, needs);
  return 1;
}

void dbf_host_value_register(lua_State *L) {
  static const luaL_Reg methods[] = {{"__index", l_index},
                                     {"__newindex", l_newindex},
                                     {"__pairs", l_pairs},
                                     {"__tostring", l_tostring},
                                     {NULL, NULL}};
  lua_pushcfunction(L, l_needs_thread);
  lua_setfield(L, -2, "needs_thread");
  lua_newuserdatauv(L, 0, 0);
  luaL_newlib(L, methods);
  lua_pushliteral(L, "debrief.host");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "values");
}
