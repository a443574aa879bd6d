#include "entry_lent.h"
#include "entry_changes.h"
#include "lua_value.h"
#include "scratch.h"
#include "../log/json_write.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

static const char lender_key; /* registry key */

/* What is known of an array, by where it begins: a loop over its elements is linear. */
typedef struct cursor {
  uint32_t from;                /* 0: free; only the entry itself begins there */
  uint32_t last_index, last_at; /* where element `last_index` (from 1) begins; 0: not known */
  uint32_t next_at;             /* where the following one begins; 0: it is the last */
  uint32_t length;              /* number of children + 1; 0: not known */
} cursor;

/* User value 1: the iterator of ipairs. 3: that of attempts. 2: a userdata that `cursors` lies in. */
struct dbf_lender {
  const dbf_keys *keys;
  bool allowed;
  const void *owner;      /* NULL: nothing is lent */
  const dbf_entry *entry; /* the owner's */
  uint64_t epoch;         /* of the handles that are good; 0 is never one */
  bool bad_utf8;
  dbf_entry_origin origin;
  cursor *cursors; /* a table by `from`, a quarter of it free */
  uint32_t slots;  /* a power of two, or 0 */
  uint32_t used;
};

/* ---- Handles --------------------------------------------------------------------------------------------------- */

typedef enum kind { ENTRY, ATTEMPTS, ATTEMPT, CONTAINER } kind; /* CONTAINER: whose bytes begin at `place` */

enum { PLACE_BITS = 28, KIND_BITS = 3, EPOCH_AT = PLACE_BITS + KIND_BITS };

static const uint64_t last_epoch = ((uint64_t)1 << (64 - EPOCH_AT)) - 1;

static_assert(DBF_LINE_LIMIT <= (size_t)1 << PLACE_BITS, "places are bytes of an entry");

static void push_handle(lua_State *L, const dbf_lender *n, kind of, uint32_t at) {
  assert(at < 1u << PLACE_BITS);
  lua_pushlightuserdata(L, (void *)(uintptr_t)(n->epoch << EPOCH_AT | (uint64_t)of << PLACE_BITS | at));
}

static inline uint64_t handle_at(lua_State *L, int index) {
  return (uintptr_t)lua_touserdata(L, index);
}

static inline kind kind_of(uint64_t handle) {
  return (kind)(handle >> PLACE_BITS & ((1 << KIND_BITS) - 1));
}

static inline uint32_t place_of(uint64_t handle) {
  return handle & ((1u << PLACE_BITS) - 1);
}

static int refuse(lua_State *L, uint64_t handle) {
  luaL_where(L, 1);
  if (!handle) lua_pushliteral(L, "attempt to use debrief.null as an object or array");
  else
    lua_pushliteral(
        L, "this entry is over: hooks have one until they return (debrief.table(entry) makes a copy that "
           "can be kept)");
  lua_concat(L, 2);
  return lua_error(L);
}

static inline void check(lua_State *L, const dbf_lender *n, uint64_t handle) {
  if (handle >> EPOCH_AT != n->epoch) refuse(L, handle);
}

static dbf_lender *lender_of_state(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &lender_key);
  dbf_lender *n = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return n;
}

/* The handle at `index`, of this state's lender. */
static dbf_lender *lender_of(lua_State *L, int index, uint64_t *handle) {
  dbf_lender *n = lender_of_state(L);
  *handle = handle_at(L, index);
  check(L, n, *handle);
  return n;
}

static const dbf_attempt *attempt_of(const dbf_lender *n, uint64_t handle) {
  assert(place_of(handle) < n->entry->attempt_count);
  return &n->entry->attempts[place_of(handle)];
}

/* Its bytes; those of a container may end too late, with the entry. */
static dbf_json_value range_of(const dbf_lender *n, uint64_t handle) {
  const dbf_entry *e = n->entry;
  const char *text = e->text;
  dbf_json_value range = {text, text + e->len, DBF_JSON_OBJECT, false};
  switch (kind_of(handle)) {
  case ENTRY: break;
  case ATTEMPTS: dbf_entry_known(e, DBF_ATTEMPTS, &range); break;
  case ATTEMPT:
    range.start = text + attempt_of(n, handle)->start;
    range.end = text + attempt_of(n, handle)->end;
    break;
  case CONTAINER:
    range.start = text + place_of(handle);
    range.type = *range.start == '[' ? DBF_JSON_ARRAY : DBF_JSON_OBJECT;
    break;
  }
  return range;
}

static dbf_json_value exact_range(const dbf_lender *n, uint64_t handle) {
  dbf_json_value range = range_of(n, handle);
  if (kind_of(handle) == CONTAINER) dbf_json_skip(range.start, range.end, &range);
  return range;
}

/* ---- Cursors --------------------------------------------------------------------------------------------------- */

enum { FIRST_SLOTS = 64, KEPT_SLOTS = 1024 };

static cursor *slot_of(cursor *cursors, uint32_t slots, uint32_t from) {
  uint32_t i = from * UINT32_C(0x9e3779b1) >> 7 & (slots - 1);
  while (cursors[i].from && cursors[i].from != from) i = (i + 1) & (slots - 1);
  return &cursors[i];
}

static void grow_cursors(lua_State *L, dbf_lender *n, int lender) {
  uint32_t slots = n->slots ? n->slots * 2 : FIRST_SLOTS;
  cursor *grown = lua_newuserdatauv(L, slots * sizeof *grown, 0);
  memset(grown, 0, slots * sizeof *grown);
  for (uint32_t i = 0; i < n->slots; i++)
    if (n->cursors[i].from) *slot_of(grown, slots, n->cursors[i].from) = n->cursors[i];
  lua_setiuservalue(L, lender, 2);
  n->cursors = grown;
  n->slots = slots;
}

/* Before another entry is lent. What one with very many arrays needed is let go: clearing it would cost each of those that
 * follow as much. */
static void forget_cursors(lua_State *L, dbf_lender *n) {
  if (n->slots > KEPT_SLOTS) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lender_key);
    lua_pushnil(L);
    lua_setiuservalue(L, -2, 2);
    lua_pop(L, 1);
    n->cursors = NULL;
    n->slots = 0;
  } else {
    memset(n->cursors, 0, n->slots * sizeof *n->cursors);
  }
  n->used = 0;
}

/* Upvalue 1 is the lender. */
static cursor *cursor_of(lua_State *L, dbf_lender *n, uint32_t from) {
  if (n->used >= n->slots / 4 * 3) grow_cursors(L, n, lua_upvalueindex(1));
  cursor *c = slot_of(n->cursors, n->slots, from);
  if (!c->from) n->used++;
  c->from = from;
  return c;
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

/* Push a value found in the entry. */
static void push_value(lua_State *L, const dbf_lender *n, const dbf_json_value *value) {
  if (!dbf_lua_value_push_scalar(L, value, n->bad_utf8))
    push_handle(L, n, CONTAINER, (uint32_t)(value->start - n->entry->text));
}

static void push_member(lua_State *L, const dbf_lender *n, const dbf_member *m) {
  const char *text = n->entry->text;
  dbf_json_value value = {text + m->value, text + m->value_end, m->type, m->value_escaped};
  if (m->type == DBF_JSON_NULL) lua_pushnil(L);
  else push_value(L, n, &value);
}

/* The member of a known name, NULL if there is none. False: it must be searched for. */
static bool find_known(const dbf_lender *n, uint64_t handle, int key, const dbf_member **found) {
  const dbf_entry *e = n->entry;
  *found = NULL;
  if (kind_of(handle) == ENTRY && key < DBF_KNOWN_COUNT) {
    assert(key >= 0 && e->known[key] <= e->count);
    if (e->known[key]) *found = e->members + e->known[key] - 1;
    return true;
  }
  if (kind_of(handle) != ATTEMPT || key < DBF_KEY_ATTEMPT) return false;
  const dbf_attempt *a = attempt_of(n, handle);
  uint8_t nth = a->known[key - DBF_KEY_ATTEMPT];
  if (nth) *found = e->nested + a->first + nth - 1;
  return nth != DBF_FAR;
}

/* Where to start looking for element `index`. */
static const char *element_near(const dbf_lender *n, const cursor *c, const dbf_json_value *range,
                                uint32_t index, uint32_t *i) {
  const char *text = n->entry->text;
  if (c->last_index && index == c->last_index + 1) {
    *i = index;
    return c->next_at ? text + c->next_at : NULL;
  }
  bool after = c->last_index && c->last_index <= index;
  *i = after ? c->last_index : 1;
  return after ? text + c->last_at : dbf_json_enter(range->start, range->end);
}

/* Push element `index` (from 1) of a container that is an array; false, and nothing pushed, if it does not exist. */
static bool push_in_array(lua_State *L, dbf_lender *n, uint64_t handle, uint64_t index) {
  dbf_json_value range = range_of(n, handle), value;
  const char *text = n->entry->text;
  uint32_t i;
  if (range.type != DBF_JSON_ARRAY || index == 0 || index > UINT32_MAX) return false;
  cursor *c = cursor_of(L, n, (uint32_t)(range.start - text));
  for (const char *at = element_near(n, c, &range, (uint32_t)index, &i); at; i++) {
    const char *here = at;
    at = dbf_json_element(at, range.end, &value);
    if (i != index) continue;
    c->last_index = i;
    c->last_at = (uint32_t)(here - text);
    c->next_at = at ? (uint32_t)(at - text) : 0;
    return push_value(L, n, &value), true;
  }
  return false;
}

static bool push_element(lua_State *L, dbf_lender *n, uint64_t handle, uint64_t index) {
  if (kind_of(handle) != ATTEMPTS) return push_in_array(L, n, handle, index);
  const dbf_entry *e = n->entry;
  if (index - 1 >= e->attempt_count) return false;
  const char *start = e->text + e->attempts[index - 1].start;
  if (*start == '{') push_handle(L, n, ATTEMPT, (uint32_t)(index - 1));
  else dbf_lua_value_push_null(L); /* an attempt is an object or null */
  return true;
}

static bool find_member(const dbf_lender *n, uint64_t handle, const char *name, size_t len,
                        dbf_json_value *value) {
  const dbf_entry *e = n->entry;
  dbf_json_value range;
  const dbf_attempt *a;
  switch (kind_of(handle)) {
  case ENTRY: /* known members are not searched for */
    return e->names.count > 0 && dbf_member_find(e->text, e->members, e->count, name, len, value);
  case ATTEMPT:
    a = attempt_of(n, handle);
    return dbf_member_find(e->text, e->nested + a->first, a->count, name, len, value);
  default: range = range_of(n, handle); return dbf_json_find(&range, name, len, value);
  }
}

/* A key that is not a known name of the entry or the attempt. */
static int index_by_search(lua_State *L, dbf_lender *n, uint64_t handle) {
  dbf_json_value value;
  size_t len;
  int whole, type = lua_type(L, 2);
  if (type == LUA_TNUMBER) { /* 1.0 is 1, as in a table */
    lua_Integer i = lua_tointegerx(L, 2, &whole);
    if (!whole || !push_element(L, n, handle, (uint64_t)i)) lua_pushnil(L);
    return 1;
  }
  const char *name = type == LUA_TSTRING ? lua_tolstring(L, 2, &len) : NULL;
  if (!name || !find_member(n, handle, name, len, &value) || value.type == DBF_JSON_NULL) lua_pushnil(L);
  else push_value(L, n, &value);
  return 1;
}

static inline dbf_lender *own_lender(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

/* Nearly all that a hook asks of entries comes through here. */
static int l_index(lua_State *L) {
  dbf_lender *n = own_lender(L);
  uint64_t handle = handle_at(L, 1);
  const dbf_member *m;
  check(L, n, handle);
  int key = dbf_keys_find(n->keys, lua_topointer(L, 2));
  if (key < 0 || !find_known(n, handle, key, &m)) return index_by_search(L, n, handle);
  if (!m) lua_pushnil(L);
  else if (key == DBF_ATTEMPTS && m->type == DBF_JSON_ARRAY) push_handle(L, n, ATTEMPTS, 0);
  else push_member(L, n, m);
  return 1;
}

static int l_newindex(lua_State *L) {
  check(L, own_lender(L), handle_at(L, 1));
  return luaL_error(L, DBF_ENTRY_READ_ONLY);
}

static uint32_t length_of(lua_State *L, dbf_lender *n, uint64_t handle) {
  switch (kind_of(handle)) {
  case ENTRY: return n->entry->count;
  case ATTEMPTS: return n->entry->attempt_count;
  case ATTEMPT: return attempt_of(n, handle)->count;
  case CONTAINER: break;
  }
  cursor *c = cursor_of(L, n, place_of(handle));
  if (!c->length) {
    dbf_json_value range = range_of(n, handle);
    c->length = dbf_entry_changes_children(&range) + 1;
  }
  return c->length - 1;
}

static int l_len(lua_State *L) {
  uint64_t handle = handle_at(L, 1);
  check(L, own_lender(L), handle);
  lua_pushinteger(L, length_of(L, own_lender(L), handle));
  return 1;
}

static int l_tostring(lua_State *L) {
  const dbf_lender *n = own_lender(L);
  uint64_t handle = handle_at(L, 1);
  if (!handle) return lua_pushfstring(L, "userdata: %p", lua_topointer(L, 1)), 1; /* as Lua has it */
  check(L, n, handle);
  dbf_json_value range = exact_range(n, handle);
  size_t len = (size_t)(range.end - range.start);
  if (!n->bad_utf8) return lua_pushlstring(L, range.start, len), 1;
  dbf_bytes *out = dbf_scratch_text(L);
  dbf_json_compact(out, range.start, len, false);
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

/* ---- Loops ----------------------------------------------------------------------------------------------------- */

static void set_upvalue(lua_State *L, int i, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_replace(L, lua_upvalueindex(i));
}

/* The iterator of pairs. Upvalues from 2 on: the handle; where its next child begins in the entry, -1 for none; the
 * index of that child. */
static int l_next(lua_State *L) {
  const dbf_lender *n = own_lender(L);
  uint64_t handle = handle_at(L, lua_upvalueindex(2));
  lua_Integer offset = lua_tointeger(L, lua_upvalueindex(3)), index = lua_tointeger(L, lua_upvalueindex(4));
  dbf_json_value key, value;
  check(L, n, handle);
  if (offset < 0) return lua_pushnil(L), 1;
  dbf_json_value range = range_of(n, handle);
  const char *at = n->entry->text + offset;
  if (range.type == DBF_JSON_ARRAY) {
    at = dbf_json_element(at, range.end, &value);
    lua_pushinteger(L, index);
  } else {
    at = dbf_json_member(at, range.end, &key, &value);
    dbf_lua_value_push_scalar(L, &key, n->bad_utf8);
  }
  push_value(L, n, &value);
  set_upvalue(L, 3, at ? at - n->entry->text : -1);
  set_upvalue(L, 4, index + 1);
  return 2;
}

static int l_pairs(lua_State *L) {
  const dbf_lender *n = own_lender(L);
  uint64_t handle = handle_at(L, 1);
  check(L, n, handle);
  dbf_json_value range = range_of(n, handle);
  const char *first = dbf_json_enter(range.start, range.end);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushinteger(L, first ? first - n->entry->text : -1);
  lua_pushinteger(L, 1);
  lua_pushcclosure(L, l_next, 4);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* One step of ipairs: (array, index) -> index + 1, element. A script can call it with anything. */
static int l_next_element(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2);
  dbf_lender *n = own_lender(L);
  if (lua_type(L, 1) != LUA_TLIGHTUSERDATA || !n->allowed) return luaL_typeerror(L, 1, "entry");
  uint64_t handle = handle_at(L, 1);
  check(L, n, handle);
  if (i == LUA_MAXINTEGER) return 0;
  lua_pushinteger(L, i + 1);
  return push_element(L, n, handle, (uint64_t)i + 1) ? 2 : 0;
}

/* The same over the attempts of an entry, without the nulls among them. */
static int l_next_attempt(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2);
  dbf_lender *n = own_lender(L);
  uint64_t handle = handle_at(L, 1);
  if (lua_type(L, 1) != LUA_TLIGHTUSERDATA || !n->allowed) return luaL_typeerror(L, 1, "entry");
  check(L, n, handle);
  do
    if (i++ == LUA_MAXINTEGER || !push_element(L, n, handle, (uint64_t)i)) return 0;
  while (dbf_lua_value_is_null(L, -1) && (lua_pop(L, 1), true));
  lua_pushinteger(L, i);
  lua_insert(L, -2);
  return 2;
}

/* ---- For other bindings ---------------------------------------------------------------------------------------- */

dbf_lender *dbf_entry_lent_of(lua_State *L) {
  dbf_lender *n = lender_of_state(L);
  return n->allowed ? n : NULL;
}

void dbf_entry_lent_push(lua_State *L, dbf_lender *n, const void *owner, const dbf_entry *entry,
                         bool bad_utf8, const dbf_entry_origin *origin) {
  n->epoch = n->epoch == last_epoch ? 1 : n->epoch + 1;
  n->owner = owner;
  n->entry = entry;
  n->bad_utf8 = bad_utf8;
  n->origin = *origin;
  if (n->used) forget_cursors(L, n);
  push_handle(L, n, ENTRY, 0);
}

void dbf_entry_lent_end(dbf_lender *n, const void *owner) {
  if (!n || n->owner != owner) return;
  n->owner = n->entry = NULL;
  n->epoch = n->epoch == last_epoch ? 1 : n->epoch + 1;
}

bool dbf_entry_lent_is(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) && dbf_entry_lent_of(L);
}

void dbf_entry_lent_get(lua_State *L, int index, dbf_json_value *value, bool *bad_utf8) {
  uint64_t handle;
  const dbf_lender *n = lender_of(L, index, &handle);
  *value = exact_range(n, handle);
  *bad_utf8 = n->bad_utf8;
}

const dbf_entry *dbf_entry_lent_entry(lua_State *L, int index, bool *bad_utf8, dbf_entry_origin **origin) {
  uint64_t handle;
  dbf_lender *n = lender_of(L, index, &handle);
  if (kind_of(handle) != ENTRY) return NULL;
  if (bad_utf8) *bad_utf8 = n->bad_utf8;
  if (origin) *origin = &n->origin;
  return n->entry;
}

void dbf_entry_lent_push_iterator(lua_State *L, bool attempts) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &lender_key);
  lua_getiuservalue(L, -1, attempts ? 3 : 1);
  lua_replace(L, -2);
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

void dbf_entry_lent_open(lua_State *L, const dbf_keys *keys) {
  dbf_lender *n = lua_newuserdatauv(L, sizeof *n, 3);
  *n = (dbf_lender){.keys = keys, .epoch = 1};
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, l_next_element, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, l_next_attempt, 1);
  lua_setiuservalue(L, -2, 3);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &lender_key);
}

void dbf_entry_lent_allow(lua_State *L) {
  static const luaL_Reg methods[] = {{"__index", l_index},       {"__newindex", l_newindex}, {"__len", l_len},
                                     {"__tostring", l_tostring}, {"__pairs", l_pairs},       {NULL, NULL}};
  if (sizeof(void *) < 8) return;
  lua_pushlightuserdata(L, NULL); /* whose metatable is that of all light userdata */
  lua_newtable(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &lender_key);
  ((dbf_lender *)lua_touserdata(L, -1))->allowed = true;
  luaL_setfuncs(L, methods, 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}
