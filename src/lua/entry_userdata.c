/* entry_userdata.c: entries and the values in them as userdata. One piece, though long: every metamethod begins with the
 * same static helpers, which find the place of a userdata and are inlined into each. */
#include "entry_userdata_internal.h"
#include "entry_changes.h"
#include "entry_edit.h"
#include "entry_flush.h"
#include "entry_lent.h"
#include "lua_value.h"
#include "keys.h"
#include "userdata.h"
#include "scratch.h"
#include "../log/json_write.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

static const char entry_key, value_key; /* registry keys of the metatables */

/* Push the metatable of entries. */
const dbf_keys *dbf_entry_userdata_type(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &entry_key);
  lua_rawgeti(L, -1, 1);
  const dbf_keys *keys = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return keys;
}

/* Push an entry with room for a body like `head`, without a metatable yet. */
static entry_view *push_entry(lua_State *L, const dbf_keys *keys, const body *head,
                              const dbf_entry_origin *origin) {
  entry_view *e = lua_newuserdatauv(L, offsetof(entry_view, own) + body_size(head), 1);
  e->is_value = false;
  e->frozen = keys->frozen;
  e->origin = *origin;
  e->keys = keys;
  e->changes = NULL;
  e->now = &e->own;
  e->own = *head;
  return e;
}

/* Making the userdata may have run a finalizer of a script. What it did to the owner of the scan, `uses` counts. */
static void check_uses(lua_State *L, const uint32_t *uses, uint32_t before) {
  if (uses && *uses != before) luaL_error(L, "a finalizer used the reader that was returning an entry");
}

void dbf_entry_userdata_push_kept(lua_State *L, int keeper, const dbf_keys *keys, const dbf_entry *entry,
                                  bool bad_utf8, bool foreign, const dbf_entry_origin *origin,
                                  const uint32_t *uses) {
  body head = dbf_entry_body_of(entry, bad_utf8, foreign);
  uint32_t before = *uses;
  entry_view *e = push_entry(L, keys, &head, origin);
  check_uses(L, uses, before);
  dbf_entry_body_fill_index(&e->own, entry);
  dbf_bytes_move(text_of(&e->own), entry->text, entry->len);
  lua_getiuservalue(L, keeper, 1);
  lua_setmetatable(L, -2);
}

void dbf_entry_userdata_push(lua_State *L, const dbf_entry *entry, bool bad_utf8, bool foreign,
                             const dbf_entry_origin *origin, const uint32_t *uses) {
  body head = dbf_entry_body_of(entry, bad_utf8, foreign);
  uint32_t before = uses ? *uses : 0;
  const dbf_keys *keys = dbf_entry_userdata_type(L);
  entry_view *e = push_entry(L, keys, &head, origin);
  check_uses(L, uses, before);
  dbf_entry_body_fill(&e->own, entry);
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
}

static int copy_lent(lua_State *L) {
  bool bad_utf8;
  dbf_entry_origin *origin;
  const dbf_entry *entry = dbf_entry_lent_entry(L, 1, &bad_utf8, &origin);
  if (!entry) return luaL_typeerror(L, 1, "entry");
  dbf_entry_userdata_push(L, entry, bad_utf8, false, origin, NULL);
  ((entry_view *)lua_touserdata(L, -1))->frozen = false;
  return 1;
}

int dbf_entry_userdata_copy(lua_State *L) {
  if (dbf_entry_lent_is(L, 1)) return copy_lent(L);
  if (lua_type(L, 1) != LUA_TUSERDATA || !dbf_userdata_is(L, 1, &entry_key))
    return luaL_typeerror(L, 1, "entry");
  dbf_entry_flush(L, 1);
  const entry_view *original = lua_touserdata(L, 1);
  const body *from = original->now;
  body head = *from;
  head.edits = 0;
  head.log = NULL;
  const dbf_keys *keys = dbf_entry_userdata_type(L);
  const dbf_entry_origin origin = original->origin;
  entry_view *made = push_entry(L, keys, &head, &origin);
  body *to = &made->own;
  made->frozen = false;
  if (original->now != from) return luaL_error(L, "the entry changed while it was copied");
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
  memcpy(to + 1, from + 1, body_size(from) - sizeof *from);
  return 1;
}

int dbf_entry_userdata_freeze(lua_State *L) {
  if (lua_isnone(L, 1)) {
    ((dbf_keys *)(uintptr_t)dbf_entry_userdata_type(L))->frozen = true;
    dbf_entry_lent_allow(L);
    return 0;
  }
  if (lua_type(L, 1) != LUA_TUSERDATA || !dbf_userdata_is(L, 1, &entry_key))
    return luaL_typeerror(L, 1, "entry");
  ((entry_view *)lua_touserdata(L, 1))->frozen = true;
  return 0;
}

/* ---- Finding the place of a view ----------------------------------------------------------------------------- */

/* A value whose place is gone has type NONE from then on: every later look fails, too. */
static void catch_up(lua_State *L, value_view *v) {
  const entry_view *e = v->entry;
  if (v->edits == e->now->edits && !e->changes && v->type != DBF_JSON_NONE) return;
  if (v->edits != e->now->edits) v->last_index = v->length = 0;
  if (dbf_entry_edit_follow(v) && e->changes && dbf_entry_changes_cover(e, v->from)) v->type = DBF_JSON_NONE;
  if (v->type == DBF_JSON_NONE)
    luaL_error(L, "this value was replaced or removed in its entry: read it from the entry again");
}

/* Fill in the place of a userdata that is known to be an entry or a value. */
static inline void locate(lua_State *L, void *userdata, place *p) {
  bool is_value = *(bool *)userdata;
  p->value = is_value ? userdata : NULL;
  p->entry = is_value ? p->value->entry : userdata;
  if (is_value) catch_up(L, p->value);
  const body *b = p->entry->now;
  p->text = text_of(b);
  p->bad_utf8 = b->bad_utf8;
  p->range = (dbf_json_value){p->text, p->text + b->len, DBF_JSON_OBJECT, false};
  if (is_value)
    p->range = (dbf_json_value){p->text + p->value->from, p->text + p->value->to, p->value->type, false};
}

/* Whoever looks at a whole entry, or a whole value, finds what was assigned. */
static inline void flush_own(lua_State *L, int index) {
  const entry_view *e = lua_touserdata(L, index);
  if (e->is_value) e = ((const value_view *)lua_touserdata(L, index))->entry;
  if (e->changes) dbf_entry_flush(L, index);
}

static bool place_of(lua_State *L, int index, place *p) {
  if (lua_type(L, index) != LUA_TUSERDATA) return false;
  if (!dbf_userdata_is(L, index, &value_key) && !dbf_userdata_is(L, index, &entry_key)) return false;
  flush_own(L, index);
  locate(L, lua_touserdata(L, index), p);
  return true;
}

/* The place of argument 1 of a metamethod. Lua itself calls those, and a script cannot reach them (__metatable hides
 * them, and a state with the debug library may break anything), so the argument needs no check: every field access goes
 * through here. */
place dbf_entry_userdata_place_before(lua_State *L) {
  place p;
  void *userdata = lua_touserdata(L, 1);
  if (!userdata) luaL_typeerror(L, 1, "entry");
  locate(L, userdata, &p);
  return p;
}

place dbf_entry_userdata_own_place(lua_State *L) {
  if (lua_touserdata(L, 1)) flush_own(L, 1);
  return dbf_entry_userdata_place_before(L);
}

bool dbf_entry_userdata_get(lua_State *L, int index, dbf_json_value *value, bool *bad_utf8) {
  place p;
  if (dbf_entry_lent_is(L, index)) return dbf_entry_lent_get(L, index, value, bad_utf8), true;
  if (!place_of(L, index, &p)) return false;
  *value = p.range;
  *bad_utf8 = p.bad_utf8;
  return true;
}

void dbf_entry_userdata_anchor(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TUSERDATA) { /* lent: the reader keeps them */
    lua_pushnil(L);
    return;
  }
  if (*(bool *)lua_touserdata(L, index)) {
    lua_getiuservalue(L, index, 1);
    index = lua_gettop(L);
  } else {
    lua_pushvalue(L, index);
  }
  lua_getiuservalue(L, index, 1);
  lua_remove(L, -2);
}

bool dbf_entry_userdata_is_entry(lua_State *L, int index) {
  if (dbf_entry_lent_is(L, index)) return dbf_entry_lent_entry(L, index, NULL, NULL) != NULL;
  return lua_type(L, index) == LUA_TUSERDATA && dbf_userdata_is(L, index, &entry_key);
}

dbf_entry_origin *dbf_entry_userdata_origin(lua_State *L, int index) {
  dbf_entry_origin *origin;
  if (dbf_entry_lent_is(L, index)) return dbf_entry_lent_entry(L, index, NULL, &origin) ? origin : NULL;
  if (!dbf_entry_userdata_is_entry(L, index)) return NULL;
  return &((entry_view *)lua_touserdata(L, index))->origin;
}

bool dbf_entry_userdata_members(lua_State *L, int index, const char **text, const dbf_member **members,
                                uint32_t *count) {
  const dbf_entry *lent = dbf_entry_lent_is(L, index) ? dbf_entry_lent_entry(L, index, NULL, NULL) : NULL;
  if (lent) return *text = lent->text, *members = lent->members, *count = lent->count, true;
  if (lua_type(L, index) != LUA_TUSERDATA || !dbf_userdata_is(L, index, &entry_key)) return false;
  flush_own(L, index);
  const body *b = ((entry_view *)lua_touserdata(L, index))->now;
  *text = text_of(b);
  *members = members_of(b);
  *count = b->count;
  return true;
}

/* ---- Reading ------------------------------------------------------------------------------------------------- */

value_view *dbf_entry_userdata_push_value(lua_State *L, entry_view *e, const value_view *owner, uint32_t from,
                                          uint32_t to, uint8_t type) {
  uint32_t edits = e->now->edits; /* those that from and to are right for: a finalizer may make more */
  assert(from < to && (type == DBF_JSON_ARRAY || type == DBF_JSON_OBJECT));
  uint16_t level = owner ? (uint16_t)(owner->level + 1) : 1;
  value_view *view = lua_newuserdatauv(L, sizeof *view, 1);
  *view = (value_view){
      .is_value = true, .entry = e, .edits = edits, .from = from, .to = to, .type = type, .level = level};
  if (owner) lua_getiuservalue(L, 1, 1);
  else lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setmetatable(L, -2);
  return view;
}

/* Push a value found in `p`, which is argument 1. A container is a view, which is returned; NULL for anything else. */
static value_view *push_value(lua_State *L, const place *p, const dbf_json_value *v) {
  if (dbf_lua_value_push_scalar(L, v, p->bad_utf8)) return NULL;
  return dbf_entry_userdata_push_value(L, p->entry, p->value, (uint32_t)(v->start - p->text),
                                       (uint32_t)(v->end - p->text), v->type);
}

static bool find_member(const place *p, const char *name, size_t len, dbf_json_value *value) {
  const body *b = p->entry->now;
  if (!p->value) return dbf_member_find(p->text, members_of(b), b->count, name, len, value);
  if (!p->value->attempt || b->edits) return dbf_json_find(&p->range, name, len, value);
  const dbf_attempt *a = &attempts_of(b)[p->value->attempt - 1];
  return dbf_member_find(p->text, nested_of(b) + a->first, a->count, name, len, value);
}

/* Where to start looking for element `index` of an array: the view remembers the last one it returned and the one after
 * it, so that a loop is linear. */
static const char *element_near(const place *p, uint32_t index, uint32_t *i) {
  const value_view *v = p->value;
  if (v->last_index && index == v->last_index + 1) {
    *i = index;
    return v->next_at ? p->text + v->next_at : NULL;
  }
  bool after = v->last_index && v->last_index <= index;
  *i = after ? v->last_index : 1;
  return after ? p->text + v->last_at : dbf_json_enter(p->range.start, p->range.end);
}

static bool is_indexed(const place *p) {
  return p->value && p->value->is_attempts && p->entry->now->edits == 0;
}

/* Element `index` (from 1) of an array. */
static bool find_element(const place *p, uint64_t index, dbf_json_value *value) {
  value_view *v = p->value;
  uint32_t i;
  if (is_indexed(p)) {
    const body *b = p->entry->now;
    if (index - 1 >= b->attempts) return false;
    const dbf_attempt *a = &attempts_of(b)[index - 1];
    *value = (dbf_json_value){p->text + a->start, p->text + a->end, DBF_JSON_OBJECT, false};
    if (*value->start != '{') dbf_json_skip(value->start, value->end, value);
    return true;
  }
  if (p->range.type != DBF_JSON_ARRAY || index == 0 || index > UINT32_MAX) return false;
  for (const char *at = element_near(p, (uint32_t)index, &i); at; i++) {
    const char *here = at;
    at = dbf_json_element(at, p->range.end, value);
    if (i != index) continue;
    v->last_index = i;
    v->last_at = (uint32_t)(here - p->text);
    v->next_at = at ? (uint32_t)(at - p->text) : 0;
    return true;
  }
  return false;
}

static uint32_t start_of(const place *p) {
  return (uint32_t)(p->range.start - p->text);
}

/* The child of argument 1 whose key is at `key`, as changes that wait have it. A container among them is put into the entry
 * first, with all others: *p is then another place, and the answer that it is there. */
static dbf_waiting find_changed(lua_State *L, place *p, int key, dbf_json_value *value) {
  bool waits;
  if (!p->entry->changes) return DBF_UNCHANGED;
  dbf_waiting found = dbf_entry_changes_find(L, p->entry, start_of(p), key, value, &waits);
  if (found != DBF_FOUND || !waits || value->type < DBF_JSON_ARRAY) return found;
  *p = dbf_entry_userdata_own_place(L);
  return DBF_UNCHANGED;
}

/* Push element `index` of an array; false, and nothing pushed, if it does not exist. */
static bool push_element(lua_State *L, place *p, uint64_t index) {
  dbf_json_value value;
  if (p->entry->changes) {
    lua_pushinteger(L, (lua_Integer)index);
    dbf_waiting found = find_changed(L, p, lua_gettop(L), &value);
    lua_pop(L, 1);
    if (found == DBF_ABSENT) return false;
    if (found == DBF_FOUND) return push_value(L, p, &value), true;
  }
  if (!find_element(p, index, &value)) return false;
  value_view *view = push_value(L, p, &value);
  if (view && is_indexed(p)) view->attempt = view->type == DBF_JSON_OBJECT ? (uint32_t)index : 0;
  return true;
}

/* The member of a known name, from the notes of the scan; *found is NULL if the entry does not have it. False: it must
 * be searched for. */
static bool find_known(const entry_view *e, const value_view *v, int key, const dbf_member **found) {
  const body *b = e->now;
  *found = NULL;
  if (!v) {
    if (key >= DBF_KNOWN_COUNT) return false;
    assert(key >= 0 && b->known[key] <= b->count);
    if (b->known[key]) *found = members_of(b) + b->known[key] - 1;
    return true;
  }
  if (!v->attempt || b->edits || key < DBF_KEY_ATTEMPT) return false;
  const dbf_attempt *a = &attempts_of(b)[v->attempt - 1];
  uint8_t nth = a->known[key - DBF_KEY_ATTEMPT];
  assert(v->attempt <= b->attempts && (nth == DBF_FAR || nth <= a->count));
  if (nth) *found = nested_of(b) + a->first + nth - 1;
  return nth != DBF_FAR;
}

/* Push a member's value, found in argument 1: an entry (v is NULL) or a value in it. */
static void push_member(lua_State *L, entry_view *e, const value_view *v, int key, const dbf_member *m) {
  const body *b = e->now;
  const char *text = text_of(b);
  assert(m->value < m->value_end && m->value_end <= b->len);
  dbf_json_value value = {text + m->value, text + m->value_end, m->type, m->value_escaped};
  if (m->type == DBF_JSON_NULL) {
    lua_pushnil(L);
  } else if (!dbf_lua_value_push_scalar(L, &value, b->bad_utf8)) {
    value_view *view = dbf_entry_userdata_push_value(L, e, v, m->value, m->value_end, m->type);
    view->is_attempts =
        !v && key == DBF_ATTEMPTS && m->type == DBF_JSON_ARRAY && b->edits == 0 && !b->foreign;
  }
}

bool dbf_entry_userdata_push_element(lua_State *L, uint64_t index) {
  place p = dbf_entry_userdata_place_before(L);
  return push_element(L, &p, index);
}

/* Any other key. */
static int index_by_search(lua_State *L) {
  place p = dbf_entry_userdata_place_before(L);
  dbf_json_value value;
  size_t len;
  if (lua_type(L, 2) == LUA_TNUMBER) { /* 1.0 is 1, as in a table */
    int whole;
    lua_Integer i = lua_tointegerx(L, 2, &whole);
    if (!whole || !push_element(L, &p, (uint64_t)i)) lua_pushnil(L);
    return 1;
  }
  if (lua_type(L, 2) != LUA_TSTRING || p.range.type != DBF_JSON_OBJECT) return lua_pushnil(L), 1;
  const char *name = lua_tolstring(L, 2, &len);
  dbf_waiting changed = find_changed(L, &p, 2, &value);
  bool found = changed == DBF_FOUND || (changed == DBF_UNCHANGED && find_member(&p, name, len, &value));
  if (!found || value.type == DBF_JSON_NULL) return lua_pushnil(L), 1;
  push_value(L, &p, &value);
  return 1;
}

/* Nearly all that a script asks of entries comes through here: hence no place, and as few calls of Lua as can be. */
static int l_index(lua_State *L) {
  void *userdata = lua_touserdata(L, 1);
  if (!userdata) return index_by_search(L);
  value_view *v = *(bool *)userdata ? userdata : NULL;
  entry_view *e = v ? v->entry : userdata;
  if (e->changes) return index_by_search(L);
  int key = dbf_keys_find(e->keys, lua_topointer(L, 2));
  const dbf_member *m;
  if (key < 0 || !find_known(e, v, key, &m)) return index_by_search(L);
  if (m) push_member(L, e, v, key, m);
  else lua_pushnil(L);
  return 1;
}

enum { MOST_MEMBERS = 16 };

/* Find the last members of `count` names in one pass; those that do not exist have type NONE. */
static void find_members(const place *p, const debrief_text *names, int count, dbf_json_value *found) {
  dbf_json_value key, member;
  for (int i = 0; i < count; i++) found[i].type = DBF_JSON_NONE;
  for (const char *at = dbf_json_enter(p->range.start, p->range.end); at;) {
    at = dbf_json_member(at, p->range.end, &key, &member);
    for (int i = 0; i < count; i++)
      if (dbf_json_string_is(&key, names[i].data, names[i].len)) found[i] = member;
  }
}

/* Push what the entry that is argument 1 has under a name, as its __index would. */
static void push_of_entry(lua_State *L, const debrief_text *name, int index) {
  place p = dbf_entry_userdata_place_before(L);
  const body *b = p.entry->now;
  dbf_json_value value;
  if (p.entry->changes || dbf_keys_find(p.entry->keys, lua_topointer(L, index)) >= 0)
    lua_pushvalue(L, index), lua_gettable(L, 1);
  else if (!dbf_member_find(p.text, members_of(b), b->count, name->data, name->len, &value) ||
           value.type == DBF_JSON_NULL)
    lua_pushnil(L);
  else push_value(L, &p, &value);
}

/* members(value, name...) -> the value of each, as value[name] returns it. */
static int l_members(lua_State *L) {
  debrief_text names[MOST_MEMBERS];
  dbf_json_value found[MOST_MEMBERS];
  int count = lua_gettop(L) - 1;
  if (count < 0 || count > MOST_MEMBERS) return luaL_error(L, "members: 1 to %d names", MOST_MEMBERS);
  for (int i = 0; i < count; i++) names[i].data = luaL_checklstring(L, i + 2, &names[i].len);
  luaL_checkstack(L, count, NULL);
  if (lua_type(L, 1) == LUA_TUSERDATA &&
      dbf_userdata_is(L, 1, &entry_key)) { /* it knows where its members are */
    for (int i = 0; i < count; i++) push_of_entry(L, &names[i], i + 2);
    return count;
  }
  if (lua_type(L, 1) == LUA_TTABLE || dbf_entry_lent_is(L, 1)) {
    for (int i = 0; i < count; i++) lua_pushvalue(L, i + 2), lua_gettable(L, 1);
    return count;
  }
  place p;
  if (!place_of(L, 1, &p) || p.range.type != DBF_JSON_OBJECT) return lua_settop(L, 1 + 2 * count), count;
  uint32_t edits = p.entry->now->edits;
  find_members(&p, names, count, found);
  for (int i = 0; i < count; i++) {
    if (p.entry->now->edits != edits) return luaL_error(L, "the entry changed while it was read");
    if (found[i].type == DBF_JSON_NONE || found[i].type == DBF_JSON_NULL) lua_pushnil(L);
    else push_value(L, &p, &found[i]);
  }
  return count;
}

uint32_t dbf_entry_userdata_length(lua_State *L, const place *p) {
  value_view *v = p->value;
  uint32_t count;
  if (p->entry->changes && dbf_entry_changes_count(L, p, &count)) return count;
  if (!v) return p->entry->now->count;
  if (!v->length)
    v->length = (is_indexed(p) ? p->entry->now->attempts : dbf_entry_changes_children(&p->range)) + 1;
  return v->length - 1;
}

static int l_len(lua_State *L) {
  place p = dbf_entry_userdata_place_before(L);
  lua_pushinteger(L, dbf_entry_userdata_length(L, &p));
  return 1;
}

static int l_tostring(lua_State *L) {
  place p = dbf_entry_userdata_own_place(L);
  size_t len = (size_t)(p.range.end - p.range.start);
  if (!p.bad_utf8) return lua_pushlstring(L, p.range.start, len), 1;
  dbf_bytes *out = dbf_scratch_text(L);
  dbf_json_compact(out, p.range.start, len, false);
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

/* Where the next child begins, which began at `offset` after the first `seen` edits. NULL: no child is left. */
static const char *next_child(const place *p, uint32_t offset, uint32_t seen) {
  const char *at = p->text + dbf_entry_edit_place(p->entry->now, offset, seen);
  at += strspn(at, " \t\r\n");
  if (*at == ',') at += 1 + strspn(at + 1, " \t\r\n");
  return *at == '}' || *at == ']' ? NULL : at;
}

static void set_upvalue(lua_State *L, int i, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_replace(L, lua_upvalueindex(i));
}

/* Push the key of the child at `at`. Returns where the next one begins. */
static const char *push_key(lua_State *L, const place *p, const char *at, lua_Integer index,
                            dbf_json_value *value) {
  dbf_json_value key;
  if (p->range.type == DBF_JSON_ARRAY) {
    at = dbf_json_element(at, p->range.end, value);
    lua_pushinteger(L, index);
    return at;
  }
  at = dbf_json_member(at, p->range.end, &key, value);
  dbf_lua_value_push_scalar(L, &key, p->bad_utf8);
  if (text_of(p->entry->now) != p->text) luaL_error(L, "the entry changed while it was read");
  return at;
}

/* The iterator of pairs. Upvalues from 3 on: the view; where its next child begins in the entry (0: the first, -1:
 * none); the index of that child; how many edits the entry had then.
 *
 * What a loop assigns may wait: children that were removed meanwhile are passed over, others have their new values. */
static int l_next(lua_State *L) {
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(3));
  place p = dbf_entry_userdata_place_before(L);
  lua_Integer offset = lua_tointeger(L, lua_upvalueindex(4)), index = lua_tointeger(L, lua_upvalueindex(5));
  if (p.entry->changes && dbf_entry_changes_added(L, p.entry, start_of(&p)))
    p = dbf_entry_userdata_own_place(L);
  dbf_json_value value;
  const char *at = NULL;
  if (offset == 0) at = dbf_json_enter(p.range.start, p.range.end);
  else if (offset > 0) at = next_child(&p, (uint32_t)offset, (uint32_t)lua_tointeger(L, lua_upvalueindex(6)));
  for (; at; lua_settop(L, 1)) {
    bool waits = false;
    dbf_waiting found = DBF_UNCHANGED;
    uint32_t here = (uint32_t)(at - p.text);
    at = push_key(L, &p, at, ++index, &value);
    if (p.entry->changes) found = dbf_entry_changes_at(L, p.entry, start_of(&p), 2, here, &value, &waits);
    if (found == DBF_ABSENT) continue;
    if (waits && value.type >= DBF_JSON_ARRAY) { /* it must be in the entry to be looked into */
      uint32_t seen = p.entry->now->edits;
      p = dbf_entry_userdata_own_place(L);
      lua_settop(L, 1);
      at = push_key(L, &p, p.text + dbf_entry_edit_place(p.entry->now, here, seen), index, &value);
    }
    set_upvalue(L, 4, at ? at - p.text : -1);
    set_upvalue(L, 5, index);
    set_upvalue(L, 6, p.entry->now->edits);
    push_value(L, &p, &value);
    return 2;
  }
  return set_upvalue(L, 4, -1), lua_pushnil(L), 1;
}

static int l_pairs(lua_State *L) {
  dbf_entry_userdata_own_place(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  for (int i = 0; i < 3; i++) lua_pushinteger(L, 0);
  lua_pushcclosure(L, l_next, 6);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

/* Put the metamethods into the table at `index`; upvalue 2 of them is the metatable of values. */
static void set_methods(lua_State *L, int index, int keys, int value, const char *name) {
  static const luaL_Reg methods[] = {
      {"__index", l_index}, {"__len", l_len}, {"__tostring", l_tostring}, {"__pairs", l_pairs}, {NULL, NULL}};
  lua_pushvalue(L, index);
  lua_pushvalue(L, keys);
  lua_pushvalue(L, value);
  luaL_setfuncs(L, methods, 2);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, keys);
  lua_rawseti(L, -2, 1);
  lua_pop(L, 1);
}

void dbf_entry_userdata_open(lua_State *L) {
  dbf_keys *keys = dbf_keys_push(L);
  lua_newtable(L);
  lua_newtable(L);
  int value = lua_gettop(L), entry = value - 1;
  keys->entry_type = lua_topointer(L, entry);
  keys->value_type = lua_topointer(L, value);
  set_methods(L, entry, entry - 1, value, "entry");
  set_methods(L, value, entry - 1, value, "entry value");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &value_key);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &entry_key);
  dbf_entry_lent_open(L, keys); /* the metatables keep them */
  lua_pop(L, 1);
  dbf_entry_changes_open(L);
}

void dbf_entry_userdata_push_upvalues(lua_State *L) {
  dbf_entry_userdata_type(L);
  lua_rawgeti(L, -1, 1);
  lua_replace(L, -2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &value_key);
}

void dbf_entry_userdata_register(lua_State *L) {
  static const luaL_Reg functions[] = {{"members", l_members}, {NULL, NULL}};
  dbf_entry_userdata_push_upvalues(L);
  luaL_setfuncs(L, functions, 2);
}
