#include "view.h"
#include "convert.h"
#include "scratch.h"
#include "../log/json_write.h"

#include <lauxlib.h>
#include <string.h>

/* One replacement of bytes: `removed` bytes at `at` became `inserted`. */
typedef struct edit {
  uint32_t at, removed, inserted;
} edit;

/* |body|members ...|attempts ...|nested ...|edits ...|text ...| in one block: what a scan found, copied */
typedef struct body {
  uint32_t len, count, attempts, nested, edits;
  bool bad_utf8, foreign;
} body;

/* An entry. `now` is `own` until the first assignment, then the body in user value 1. */
typedef struct entry_view {
  bool is_value; /* false. The first byte of both kinds tells them apart */
  body *now;
  body own;
} entry_view;

/* An object or array inside an entry, which user value 1 keeps alive. from..to are right for `edits` edits. */
typedef struct value_view {
  bool is_value; /* true */
  entry_view *entry;
  uint32_t edits, from, to;
  uint8_t type;
  uint32_t last_index, last_at; /* where array element `last_index` (from 1) begins; 0: not known */
  uint32_t next_at;             /* where the one behind it begins; 0: it is the last */
  uint32_t length;              /* number of elements + 1; 0: not known */
  bool is_attempts;             /* the array of attempts of an entry that was never assigned to, and then */
  uint32_t attempt; /* an element of it, from 1; 0: not one. Both are looked up, not searched for */
} value_view;

/* Either of them, as a range of bytes. */
typedef struct place {
  entry_view *entry;
  value_view *value; /* NULL: the entry itself */
  const char *text;  /* of the whole entry */
  dbf_json_value range;
  bool bad_utf8;
} place;

static const char entry_key, value_key; /* registry keys of the metatables */

static dbf_member *members_of(const body *b) {
  return (dbf_member *)(b + 1);
}
static dbf_attempt *attempts_of(const body *b) {
  return (dbf_attempt *)(members_of(b) + b->count);
}
static dbf_member *nested_of(const body *b) {
  return (dbf_member *)(attempts_of(b) + b->attempts);
}
static edit *edits_of(const body *b) {
  return (edit *)(nested_of(b) + b->nested);
}
static char *text_of(const body *b) {
  return (char *)(edits_of(b) + b->edits);
}

static size_t body_size(const body *b) {
  return sizeof *b + (b->count + b->nested) * sizeof(dbf_member) + b->attempts * sizeof(dbf_attempt) +
         b->edits * sizeof(edit) + b->len + 1;
}

static body body_of(const dbf_entry *entry, uint32_t edits, bool bad_utf8, bool foreign) {
  return (body){(uint32_t)entry->len,
                entry->count,
                entry->attempt_count,
                entry->nested_count,
                edits,
                bad_utf8,
                foreign};
}

static void copy(void *to, const void *from, size_t size) {
  if (size) memcpy(to, from, size);
}

/* Fill what lies behind a body whose head is set; edits are the caller's. */
static void fill_body(body *b, const dbf_entry *entry) {
  copy(members_of(b), entry->members, b->count * sizeof(dbf_member));
  copy(attempts_of(b), entry->attempts, b->attempts * sizeof(dbf_attempt));
  copy(nested_of(b), entry->nested, b->nested * sizeof(dbf_member));
  memcpy(text_of(b), entry->text, entry->len);
  text_of(b)[entry->len] = '\0';
}

/* Push an entry with room for a body like `head`. */
static entry_view *push_entry(lua_State *L, const body *head) {
  entry_view *e = lua_newuserdatauv(L, offsetof(entry_view, own) + body_size(head), 1);
  e->is_value = false;
  e->now = &e->own;
  e->own = *head;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &entry_key);
  lua_setmetatable(L, -2);
  return e;
}

void dbf_view_push(lua_State *L, const dbf_entry *entry, bool bad_utf8, bool foreign) {
  body head = body_of(entry, 0, bad_utf8, foreign);
  fill_body(&push_entry(L, &head)->own, entry);
}

static bool has_metatable(lua_State *L, int index, const char *key) {
  if (!lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

int dbf_view_copy(lua_State *L) {
  if (lua_type(L, 1) != LUA_TUSERDATA || !has_metatable(L, 1, &entry_key))
    return luaL_typeerror(L, 1, "entry");
  const body *from = ((entry_view *)lua_touserdata(L, 1))->now;
  body head = *from;
  head.edits = 0;
  body *to = &push_entry(L, &head)->own;
  memcpy(to + 1, from + 1, (size_t)((char *)edits_of(from) - (char *)(from + 1)));
  memcpy(text_of(to), text_of(from), from->len + 1);
  return 1;
}

/* ---- Finding the place of a view ----------------------------------------------------------------------------- */

/* Carry a value's range over one edit; false: the value is no more. */
static bool follow(value_view *v, const edit *e) {
  uint32_t stop = e->at + e->removed, grown = e->inserted - e->removed; /* modulo 2^32 */
  if (e->at >= v->to) return true;
  if (stop <= v->from) {
    v->from += grown;
    v->to += grown;
    return true;
  }
  v->to += grown;
  return e->at > v->from && stop < v->to - grown;
}

static void catch_up(lua_State *L, value_view *v) {
  const body *b = v->entry->now;
  if (v->edits == b->edits) return;
  v->last_index = v->length = 0;
  while (v->edits < b->edits)
    if (!follow(v, &edits_of(b)[v->edits++])) {
      v->edits = 0;
      v->from = v->to = 1; /* every later look fails the same way: no edit can lie before byte 1 */
      luaL_error(L, "this value was replaced or removed in its entry: read it from the entry again");
    }
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

static bool place_of(lua_State *L, int index, place *p) {
  if (lua_type(L, index) != LUA_TUSERDATA) return false;
  if (!has_metatable(L, index, &value_key) && !has_metatable(L, index, &entry_key)) return false;
  locate(L, lua_touserdata(L, index), p);
  return true;
}

/* The place of argument 1 of a metamethod. Lua itself calls those, and a script cannot reach them (__metatable hides them,
 * and a state with the debug library may break anything), so what the argument is need not be asked: every field access
 * goes through here. */
static inline place own_place(lua_State *L) {
  place p;
  void *userdata = lua_touserdata(L, 1);
  if (!userdata) luaL_typeerror(L, 1, "entry");
  locate(L, userdata, &p);
  return p;
}

bool dbf_view_get(lua_State *L, int index, dbf_json_value *value, bool *bad_utf8) {
  place p;
  if (!place_of(L, index, &p)) return false;
  *value = p.range;
  *bad_utf8 = p.bad_utf8;
  return true;
}

bool dbf_view_members(lua_State *L, int index, const char **text, const dbf_member **members,
                      uint32_t *count) {
  if (lua_type(L, index) != LUA_TUSERDATA || !has_metatable(L, index, &entry_key)) return false;
  const body *b = ((entry_view *)lua_touserdata(L, index))->now;
  *text = text_of(b);
  *members = members_of(b);
  *count = b->count;
  return true;
}

/* ---- Reading ------------------------------------------------------------------------------------------------- */

static void push_string(lua_State *L, const dbf_json_value *v, bool bad_utf8) {
  size_t len = (size_t)(v->end - v->start) - 2;
  if (!v->escaped && !bad_utf8) {
    lua_pushlstring(L, v->start + 1, len);
    return;
  }
  dbf_bytes *out = dbf_scratch_piece(L);
  dbf_json_decode_string(v, out);
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->data ? out->data : "", out->len);
}

static void push_number(lua_State *L, const dbf_json_value *v) {
  int64_t integer;
  if (dbf_json_decode_integer(v, &integer)) lua_pushinteger(L, integer);
  else lua_pushnumber(L, dbf_json_decode_number(v));
}

bool dbf_view_push_scalar(lua_State *L, const dbf_json_value *v, bool bad_utf8) {
  switch (v->type) {
  case DBF_JSON_NULL: dbf_convert_push_null(L); return true;
  case DBF_JSON_FALSE: lua_pushboolean(L, 0); return true;
  case DBF_JSON_TRUE: lua_pushboolean(L, 1); return true;
  case DBF_JSON_INTEGER:
  case DBF_JSON_NUMBER: push_number(L, v); return true;
  case DBF_JSON_STRING: push_string(L, v, bad_utf8); return true;
  default: return false;
  }
}

/* Push a value found in `p`, whose view is argument 1, by metamethods only. A container is a view, which is returned; NULL
 * for anything else. */
static value_view *push_value(lua_State *L, const place *p, const dbf_json_value *v) {
  if (dbf_view_push_scalar(L, v, p->bad_utf8)) return NULL;
  value_view *view = lua_newuserdatauv(L, sizeof *view, 1);
  *view = (value_view){.is_value = true,
                       .entry = p->entry,
                       .edits = p->entry->now->edits,
                       .from = (uint32_t)(v->start - p->text),
                       .to = (uint32_t)(v->end - p->text),
                       .type = v->type};
  if (p->value) lua_getiuservalue(L, 1, 1);
  else lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setmetatable(L, -2);
  return view;
}

static bool find_member(const place *p, const char *name, size_t len, dbf_json_value *value) {
  const body *b = p->entry->now;
  if (!p->value) return dbf_member_find(p->text, members_of(b), b->count, name, len, value);
  if (!p->value->attempt || b->edits) return dbf_json_find(&p->range, name, len, value);
  const dbf_attempt *a = &attempts_of(b)[p->value->attempt - 1];
  return dbf_member_find(p->text, nested_of(b) + a->first, a->count, name, len, value);
}

/* Where to start looking for element `index` of an array: the view remembers the last one it gave and what came behind,
 * so that going through is linear. */
static const char *element_near(const place *p, uint32_t index, uint32_t *i) {
  const value_view *v = p->value;
  if (v->last_index && index == v->last_index + 1) {
    *i = index;
    return v->next_at ? p->text + v->next_at : NULL;
  }
  bool behind = v->last_index && v->last_index <= index;
  *i = behind ? v->last_index : 1;
  return behind ? p->text + v->last_at : dbf_json_enter(p->range.start, p->range.end);
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

static int l_element(lua_State *L, const place *p) {
  dbf_json_value value;
  uint64_t index = (uint64_t)lua_tointeger(L, 2);
  if (!find_element(p, index, &value)) return lua_pushnil(L), 1;
  value_view *view = push_value(L, p, &value);
  if (view && is_indexed(p)) view->attempt = view->type == DBF_JSON_OBJECT ? (uint32_t)index : 0;
  return 1;
}

static int l_index(lua_State *L) {
  place p = own_place(L);
  dbf_json_value value;
  size_t len;
  if (lua_type(L, 2) == LUA_TNUMBER && lua_isinteger(L, 2)) return l_element(L, &p);
  if (lua_type(L, 2) != LUA_TSTRING || p.range.type != DBF_JSON_OBJECT) return lua_pushnil(L), 1;
  const char *name = lua_tolstring(L, 2, &len);
  if (!find_member(&p, name, len, &value) || value.type == DBF_JSON_NULL) return lua_pushnil(L), 1;
  value_view *view = push_value(L, &p, &value);
  if (view && !p.value && view->type == DBF_JSON_ARRAY && strcmp(name, "attempts") == 0)
    view->is_attempts = view->edits == 0 && !p.entry->now->foreign;
  return 1;
}

static uint32_t count_children(const dbf_json_value *range) {
  uint32_t n = 0;
  dbf_json_value key, value;
  const char *at = dbf_json_enter(range->start, range->end);
  for (; at; n++)
    at = range->type == DBF_JSON_ARRAY ? dbf_json_element(at, range->end, &value)
                                       : dbf_json_member(at, range->end, &key, &value);
  return n;
}

static int l_len(lua_State *L) {
  place p = own_place(L);
  if (p.value && !p.value->length) p.value->length = count_children(&p.range) + 1;
  lua_pushinteger(L, p.value ? p.value->length - 1 : p.entry->now->count);
  return 1;
}

static int l_tostring(lua_State *L) {
  place p = own_place(L);
  size_t len = (size_t)(p.range.end - p.range.start);
  if (!p.bad_utf8) return lua_pushlstring(L, p.range.start, len), 1;
  dbf_bytes *out = dbf_scratch_text(L);
  dbf_json_compact(out, p.range.start, len, false);
  dbf_scratch_check(L, out);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

/* The iterator of pairs: upvalues 3 and 4 are the offset of the next child from the view's start (0: the first, -1: none) and
 * the index of that child. */
static int l_next(lua_State *L) {
  place p;
  if (!place_of(L, 1, &p)) return luaL_typeerror(L, 1, "entry");
  lua_Integer offset = lua_tointeger(L, lua_upvalueindex(3)), index = lua_tointeger(L, lua_upvalueindex(4));
  dbf_json_value key, value;
  if (offset < 0 || offset >= p.range.end - p.range.start) return lua_pushnil(L), 1;
  const char *at = offset ? p.range.start + offset : dbf_json_enter(p.range.start, p.range.end);
  if (!at) return lua_pushnil(L), 1;
  if (p.range.type == DBF_JSON_ARRAY) {
    at = dbf_json_element(at, p.range.end, &value);
    lua_pushinteger(L, index + 1);
  } else {
    at = dbf_json_member(at, p.range.end, &key, &value);
    push_string(L, &key, p.bad_utf8);
  }
  lua_pushinteger(L, at ? at - p.range.start : -1);
  lua_replace(L, lua_upvalueindex(3));
  lua_pushinteger(L, index + 1);
  lua_replace(L, lua_upvalueindex(4));
  push_value(L, &p, &value);
  return 2;
}

static int l_pairs(lua_State *L) {
  own_place(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushinteger(L, 0);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, l_next, 4);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* ---- Assigning ----------------------------------------------------------------------------------------------- */

/* Replace bytes of the entry and keep the note. The new text is checked as any entry is. */
static void splice(lua_State *L, const place *p, const char *at, size_t removed, const dbf_bytes *piece) {
  const body *old = p->entry->now;
  dbf_scratch *scratch = dbf_scratch_of(L);
  dbf_bytes *text = &scratch->text;
  dbf_json_fault fault;
  size_t before = (size_t)(at - p->text);
  dbf_bytes_clear(text);
  dbf_bytes_append(text, p->text, before);
  dbf_bytes_append(text, piece->data, piece->len);
  dbf_bytes_append(text, at + removed, old->len - before - removed);
  if (!dbf_bytes_terminate(text)) luaL_error(L, "not enough memory");
  if (text->len > DBF_LINE_LIMIT) luaL_error(L, "the entry would be longer than 256 MiB");
  dbf_scan status = dbf_entry_scan(&scratch->entry, text->data, text->len, old->foreign, &fault);
  if (status == DBF_SCAN_NO_MEMORY) luaL_error(L, "not enough memory");
  if (status != DBF_SCAN_OK) luaL_error(L, "an entry cannot hold this: %s", fault.what);
  uint32_t edits = old->edits + 1;
  body head = body_of(&scratch->entry, edits, old->bad_utf8, old->foreign);
  body *b = lua_newuserdatauv(L, body_size(&head), 0);
  *b = head;
  fill_body(b, &scratch->entry);
  copy(edits_of(b), edits_of(old), old->edits * sizeof(edit));
  edits_of(b)[edits - 1] = (edit){(uint32_t)before, (uint32_t)removed, (uint32_t)piece->len};
  if (p->value) {
    lua_getiuservalue(L, 1, 1);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    lua_pop(L, 1);
  } else {
    lua_setiuservalue(L, 1, 1);
  }
  p->entry->now = b;
}

/* Where a child of a container stands: from its key (or itself) to its end, with the ends of its neighbours. */
typedef struct child {
  const char *previous_end; /* of the child before it; NULL: it is the first */
  const char *start, *next; /* next: start of the one behind it, NULL: it is the last */
  dbf_json_value value;
} child;

/* The last member of that name, or element number `index`; false: none. *end_of_last: where the last child ends. */
static bool find_child(const dbf_json_value *range, const char *name, size_t len, uint64_t index,
                       child *found, const char **end_of_last) {
  bool any = false;
  dbf_json_value key, value;
  const char *at = dbf_json_enter(range->start, range->end), *previous = NULL;
  for (uint64_t i = 1; at; i++) {
    const char *here = at;
    at = name ? dbf_json_member(at, range->end, &key, &value) : dbf_json_element(at, range->end, &value);
    if (name ? dbf_json_string_is(&key, name, len) : i == index) {
      *found = (child){previous, here, at, value};
      any = true;
    }
    previous = value.end;
  }
  *end_of_last = previous;
  return any;
}

static void remove_child(lua_State *L, const place *p, const child *c) {
  static const dbf_bytes nothing = {.data = (char *)"", .len = 0};
  if (c->previous_end) splice(L, p, c->previous_end, (size_t)(c->value.end - c->previous_end), &nothing);
  else splice(L, p, c->start, (size_t)((c->next ? c->next : c->value.end) - c->start), &nothing);
}

static void insert_child(lua_State *L, const place *p, const char *end_of_last, const char *name,
                         size_t len) {
  dbf_bytes *piece = dbf_scratch_piece(L);
  if (end_of_last) dbf_bytes_append_char(piece, ',');
  if (name) {
    dbf_json_write_string(piece, name, len);
    dbf_bytes_append_char(piece, ':');
  }
  dbf_convert_write(L, 3, piece);
  splice(L, p, end_of_last ? end_of_last : p->range.start + 1, 0, piece);
}

static void assign(lua_State *L, const char *name, size_t len, uint64_t index) {
  child c = {0};
  const char *end_of_last;
  place p = own_place(L);
  bool found = find_child(&p.range, name, len, index, &c, &end_of_last);
  if (!found && lua_isnil(L, 3)) return;
  if (!found) {
    insert_child(L, &p, end_of_last, name, len);
  } else if (lua_isnil(L, 3)) {
    remove_child(L, &p, &c);
    if (name) assign(L, name, len, index); /* and its duplicates */
  } else {
    dbf_bytes *piece = dbf_scratch_piece(L);
    dbf_convert_write(L, 3, piece);
    splice(L, &p, c.value.start, (size_t)(c.value.end - c.value.start), piece);
  }
}

static void check_name(lua_State *L, const place *p, const char *name) {
  if (p->value || p->entry->now->foreign) return;
  if (strcmp(name, "session_id") == 0 || strcmp(name, "timestamp") == 0)
    luaL_error(L, "%s cannot be changed: it says where and when the entry was logged", name);
}

static int l_newindex(lua_State *L) {
  place p = own_place(L);
  lua_settop(L, 3);
  if (p.range.type == DBF_JSON_OBJECT) {
    size_t len;
    if (lua_type(L, 2) != LUA_TSTRING)
      return luaL_error(L, "an object's keys are strings, not %s", luaL_typename(L, 2));
    const char *name = lua_tolstring(L, 2, &len);
    check_name(L, &p, name);
    assign(L, name, len, 0);
    return 0;
  }
  lua_Integer n = count_children(&p.range), i = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  bool removes = lua_isnil(L, 3);
  if (i < 1 || i > n + 1) return luaL_error(L, "an array's indices here are 1 to %I", n + 1);
  if (removes && i < n)
    return luaL_error(
        L, "only the last element of an array can be removed: use debrief.null, or assign a new array");
  assign(L, NULL, 0, (uint64_t)i);
  return 0;
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

/* Put the metamethods into the table at `index`; those have both metatables as upvalues. */
static void set_methods(lua_State *L, int index, int entry, int value, const char *name) {
  static const luaL_Reg methods[] = {{"__index", l_index},       {"__newindex", l_newindex}, {"__len", l_len},
                                     {"__tostring", l_tostring}, {"__pairs", l_pairs},       {NULL, NULL}};
  lua_pushvalue(L, index);
  lua_pushvalue(L, entry);
  lua_pushvalue(L, value);
  luaL_setfuncs(L, methods, 2);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

void dbf_view_open(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  int value = lua_gettop(L), entry = value - 1;
  set_methods(L, entry, entry, value, "entry");
  set_methods(L, value, entry, value, "entry value");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &value_key);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &entry_key);
}
