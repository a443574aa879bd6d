/* Assigning to entries: bytes are replaced, and views that were taken earlier follow. */
#include "entry_userdata_internal.h"
#include "lua_json.h"
#include "scratch.h"
#include "../log/json_write.h"

#include <lauxlib.h>
#include <string.h>

static void copy(void *to, const void *from, size_t size) {
  if (size) memcpy(to, from, size);
}

static const char pending_key; /* registry key of the metatable of `pending` */

/* Put a new body into the entry at argument 1, or the entry that the value there lies in. */
static void set_body(lua_State *L, int index, entry_view *e, body *b) {
  if (*(bool *)lua_touserdata(L, index)) {
    lua_getiuservalue(L, index, 1);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    lua_pop(L, 1);
  } else {
    lua_setiuservalue(L, index, 1);
  }
  e->now = b;
  e->has_pending = false;
}

/* Replace bytes of the entry, which is argument `index` or holds it, and keep the note. The new text is checked as any
 * entry is. */
static void splice(lua_State *L, int index, const place *p, const char *at, size_t removed,
                   const dbf_bytes *piece, dbf_scratch *scratch) {
  const body *old = p->entry->now;
  bool had_pending = p->entry->has_pending;
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
  body head = dbf_entry_userdata_body(&scratch->entry, edits, old->bad_utf8, old->foreign);
  body *b = lua_newuserdatauv(L, body_size(&head), 0);
  if (p->entry->now != old || p->entry->has_pending != had_pending) /* by a finalizer */
    luaL_error(L, "the entry changed while it was assigned to");
  *b = head;
  dbf_entry_userdata_fill(b, &scratch->entry);
  copy(edits_of(b), edits_of(old), old->edits * sizeof(edit));
  edits_of(b)[edits - 1] = (edit){(uint32_t)before, (uint32_t)removed, (uint32_t)piece->len};
  set_body(L, index, p->entry, b);
}

/* Where a child of a container stands: from its key (or itself) to its end, with the ends of its neighbours. */
typedef struct child {
  const char *previous_end; /* of the child before it; NULL: it is the first */
  const char *start, *next; /* next: start of the following one; NULL if it is the last */
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

static void remove_child(lua_State *L, const place *p, const child *c, dbf_scratch *scratch) {
  static const dbf_bytes nothing = {.data = (char *)"", .len = 0};
  const char *from = c->previous_end ? c->previous_end : c->start;
  const char *to = c->previous_end || !c->next ? c->value.end : c->next;
  splice(L, 1, p, from, (size_t)(to - from), &nothing, scratch);
}

static void write_member(dbf_bytes *out, bool comma, const char *name, size_t len, const dbf_bytes *value) {
  if (comma) dbf_bytes_append_char(out, ',');
  if (name) {
    dbf_json_write_string(out, name, len);
    dbf_bytes_append_char(out, ':');
  }
  dbf_bytes_append(out, value->data, value->len);
}

/* The entry that the value at argument 1 lies in may have pending members. */
static void flush_around(lua_State *L) {
  const value_view *v = lua_touserdata(L, 1);
  if (!v->is_value || !v->entry->has_pending) return;
  lua_getiuservalue(L, 1, 1);
  dbf_entry_userdata_flush(L, -1);
  lua_pop(L, 1);
}

/* Assign what `piece` of the scratch holds, or remove. */
static void assign(lua_State *L, const char *name, size_t len, uint64_t index, dbf_scratch *scratch) {
  child c = {0};
  const char *end_of_last;
  flush_around(L);
  place p = dbf_entry_userdata_own_place(L);
  bool found = find_child(&p.range, name, len, index, &c, &end_of_last);
  if (!found && lua_isnil(L, 3)) return;
  if (!found) {
    write_member(&scratch->extra, end_of_last, name, len, &scratch->piece);
    dbf_scratch_check(L, &scratch->extra);
    splice(L, 1, &p, end_of_last ? end_of_last : p.range.start + 1, 0, &scratch->extra, scratch);
  } else if (lua_isnil(L, 3)) {
    remove_child(L, &p, &c, scratch);
    if (name) assign(L, name, len, index, scratch); /* and its duplicates */
  } else {
    splice(L, 1, &p, c.value.start, (size_t)(c.value.end - c.value.start), &scratch->piece, scratch);
  }
}

/* The value becomes text first: whatever runs meanwhile may change the entry. */
static void write_and_assign(lua_State *L, const char *name, size_t len, uint64_t index) {
  dbf_scratch *scratch = dbf_scratch_take(L);
  if (!lua_isnil(L, 3)) dbf_lua_json_write(L, 3, &scratch->piece);
  assign(L, name, len, index, scratch);
  dbf_scratch_give(L, 4);
}

static void check_name(lua_State *L, const entry_view *e, const char *name) {
  if (e->now->foreign) return;
  if (strcmp(name, "session_id") == 0 || strcmp(name, "timestamp") == 0)
    luaL_error(L, "%s cannot be changed: it says where and when the entry was logged", name);
}

/* ---- Many new members ----------------------------------------------------------------------------------------------- */

/* Each assignment copies and checks the whole entry. New members at its end wait until somebody looks, and are then put
 * in together: so thirty thousand of them take as long as reading the result, not its square. Only what the check
 * cannot refuse waits: unknown names, values without parts. */

enum { MOST_PENDING = 1 << 24 }; /* bytes: a wrong length must be found where it is made */

static int l_pending_gc(lua_State *L) {
  dbf_bytes_release(&((pending *)lua_touserdata(L, 1))->text);
  return 0;
}

void dbf_entry_userdata_open_pending(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_pending_gc);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pending_key);
}

static bool can_wait(lua_State *L, const entry_view *e) {
  int type = lua_type(L, 3);
  if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN) return false;
  return dbf_keys_find(e->keys, lua_topointer(L, 2)) < 0;
}

/* Push the pending members of the entry at argument 1, making them first. */
static pending *push_pending(lua_State *L, entry_view *e) {
  if (lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA && e->has_pending) return lua_touserdata(L, -1);
  pending *w = lua_newuserdatauv(L, sizeof *w, 2);
  dbf_bytes_init(&w->text);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pending_key);
  lua_setmetatable(L, -2);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 2);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
  e->has_pending = true;
  return w;
}

/* Keep a new member of the entry for later; false: it must be assigned at once. */
static bool put_off(lua_State *L, entry_view *e, const char *name, size_t len) {
  const body *b = e->now;
  dbf_json_value value;
  if (!can_wait(L, e) || dbf_member_find(text_of(b), members_of(b), b->count, name, len, &value))
    return false;
  if (e->has_pending && dbf_entry_userdata_is_pending(L, 2)) return false;
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  dbf_lua_json_write(L, 3, &scratch->piece);
  pending *w = push_pending(L, e);
  if (w->text.len + len + scratch->piece.len > MOST_PENDING) return dbf_scratch_give(L, taken), false;
  lua_getiuservalue(L, -1, 1);
  lua_pushvalue(L, 2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  write_member(&w->text, w->text.len > 0, name, len, &scratch->piece);
  dbf_scratch_give(L, taken);
  dbf_scratch_check(L, &w->text);
  return true;
}

bool dbf_entry_userdata_is_pending(lua_State *L, int key) {
  int top = lua_gettop(L);
  if (lua_type(L, key) != LUA_TSTRING) return false;
  lua_getiuservalue(L, 1, 1);
  lua_getiuservalue(L, -1, 1);
  lua_pushvalue(L, key);
  bool is = lua_rawget(L, -2) != LUA_TNIL;
  lua_settop(L, top);
  return is;
}

void dbf_entry_userdata_flush(lua_State *L, int index) {
  index = lua_absindex(L, index);
  luaL_checkstack(L, 6, "nested too deeply");
  entry_view *e = lua_touserdata(L, index);
  int top = lua_gettop(L);
  lua_getiuservalue(L, index, 1);
  pending *w = lua_touserdata(L, -1);
  const body *b = e->now;
  const char *text = text_of(b),
             *end = text + b->len - 1; /* at the closing brace: no blank is kept after it */
  while (*end != '}') end--;
  dbf_scratch *scratch = dbf_scratch_take(L);
  if (b->count && w->text.len) dbf_bytes_append_char(&scratch->piece, ',');
  dbf_bytes_append(&scratch->piece, w->text.data, w->text.len);
  dbf_scratch_check(L, &scratch->piece);
  place p = {.entry = e, .text = text, .bad_utf8 = b->bad_utf8};
  splice(L, index, &p, end, 0, &scratch->piece, scratch);
  dbf_scratch_give(L, top + 2);
  lua_settop(L, top);
}

/* ---- The metamethod ---------------------------------------------------------------------------------------------- */

static int assign_member(lua_State *L, void *userdata) {
  size_t len;
  bool is_value = *(bool *)userdata;
  if (lua_type(L, 2) != LUA_TSTRING)
    return luaL_error(L, "an object's keys are strings, not %s", luaL_typename(L, 2));
  const char *name = lua_tolstring(L, 2, &len);
  if (!is_value) check_name(L, userdata, name);
  if (is_value || !put_off(L, userdata, name, len)) write_and_assign(L, name, len, 0);
  return 0;
}

static int assign_element(lua_State *L, const place *p) {
  lua_Integer n = dbf_entry_userdata_count(&p->range), i = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  bool removes = lua_isnil(L, 3);
  if (i < 1 || i > n + 1) return luaL_error(L, "an array's indices here are 1 to %I", n + 1);
  if (removes && i < n)
    return luaL_error(
        L, "only the last element of an array can be removed: use debrief.null, or assign a new array");
  write_and_assign(L, NULL, 0, (uint64_t)i);
  return 0;
}

int dbf_entry_userdata_assign(lua_State *L) {
  lua_settop(L, 3);
  void *userdata = lua_touserdata(L, 1);
  if (!userdata) return luaL_typeerror(L, 1, "entry");
  const value_view *v = *(bool *)userdata ? userdata : NULL;
  const entry_view *e = v ? v->entry : userdata;
  if (e->frozen)
    return luaL_error(
        L, "entries are read-only here: only the hook enrich can change them (debrief.table(entry) "
           "makes a copy to work on)");
  if (!v) return assign_member(L, userdata);
  place p = dbf_entry_userdata_own_place(L);
  return p.range.type == DBF_JSON_OBJECT ? assign_member(L, userdata) : assign_element(L, &p);
}
