#include "entry_assign.h"
#include "entry_changes.h"
#include "entry_edit.h"
#include "entry_lent.h"
#include "entry_userdata_internal.h"
#include "lua_json.h"
#include "scratch.h"
#include "../log/json_write.h"

#include <lauxlib.h>
#include <string.h>

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
  dbf_entry_edit_splice(L, 1, p->entry, from, (size_t)(to - from), &nothing, scratch);
}

static void write_member(dbf_bytes *out, bool comma, const char *name, size_t len, const dbf_bytes *value) {
  if (comma) dbf_bytes_append_char(out, ',');
  if (name) {
    dbf_json_write_string(out, name, len);
    dbf_bytes_append_char(out, ':');
  }
  dbf_bytes_append(out, value->data, value->len);
}

/* Assign what `piece` of the scratch holds, or remove. */
static void assign(lua_State *L, const char *name, size_t len, uint64_t index, dbf_scratch *scratch) {
  child c = {0};
  const char *end_of_last;
  place p = dbf_entry_userdata_own_place(L);
  bool found = find_child(&p.range, name, len, index, &c, &end_of_last);
  if (!found && lua_isnil(L, 3)) return;
  if (!found) {
    write_member(&scratch->extra, end_of_last, name, len, &scratch->piece);
    dbf_scratch_check(L, &scratch->extra);
    dbf_entry_edit_splice(L, 1, p.entry, end_of_last ? end_of_last : p.range.start + 1, 0, &scratch->extra,
                          scratch);
  } else if (lua_isnil(L, 3)) {
    remove_child(L, &p, &c, scratch);
    if (name) assign(L, name, len, index, scratch); /* and its duplicates */
  } else {
    dbf_entry_edit_splice(L, 1, p.entry, c.value.start, (size_t)(c.value.end - c.value.start),
                          &scratch->piece, scratch);
  }
}

/* The value becomes text first: whatever runs meanwhile may change the entry. */
static void write_and_assign(lua_State *L, const char *name, size_t len, uint64_t index) {
  dbf_scratch *scratch = dbf_scratch_take(L);
  bool removes = lua_isnil(L, 3);
  if (!removes) dbf_lua_json_write(L, 3, &scratch->piece);
  dbf_scratch_check(L, &scratch->piece);
  place p = dbf_entry_userdata_place_before(L);
  if (!dbf_entry_changes_put(L, &p, removes ? NULL : &scratch->piece)) assign(L, name, len, index, scratch);
  dbf_scratch_give(L, 4);
}

static void check_name(lua_State *L, const entry_view *e, const char *name) {
  if (e->now->foreign) return;
  if (strcmp(name, "session_id") == 0 || strcmp(name, "timestamp") == 0)
    luaL_error(L, "%s cannot be changed: it says where and when the entry was logged", name);
}

/* ---- The metamethod ---------------------------------------------------------------------------------------------- */

static int assign_member(lua_State *L, void *userdata) {
  size_t len;
  bool is_value = *(bool *)userdata;
  if (lua_type(L, 2) != LUA_TSTRING)
    return luaL_error(L, "an object's keys are strings, not %s", luaL_typename(L, 2));
  const char *name = lua_tolstring(L, 2, &len);
  if (!is_value) check_name(L, userdata, name);
  write_and_assign(L, name, len, 0);
  return 0;
}

static int assign_element(lua_State *L, const place *p) {
  lua_Integer n = dbf_entry_userdata_length(L, p), i = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  bool removes = lua_isnil(L, 3);
  if (i < 1 || i > n + 1) return luaL_error(L, "an array's indices here are 1 to %I", n + 1);
  if (removes && i < n)
    return luaL_error(
        L, "only the last element of an array can be removed: use debrief.null, or assign a new array");
  write_and_assign(L, NULL, 0, (uint64_t)i);
  return 0;
}

static void check_frozen(lua_State *L, const entry_view *e) {
  if (e->frozen) luaL_error(L, DBF_ENTRY_READ_ONLY);
}

static int l_newindex(lua_State *L) {
  lua_settop(L, 3);
  void *userdata = lua_touserdata(L, 1);
  if (!userdata) return luaL_typeerror(L, 1, "entry");
  const value_view *v = *(bool *)userdata ? userdata : NULL;
  const entry_view *e = v ? v->entry : userdata;
  check_frozen(L, e);
  if (!v) return assign_member(L, userdata);
  place p = dbf_entry_userdata_place_before(L);
  return p.range.type == DBF_JSON_OBJECT ? assign_member(L, userdata) : assign_element(L, &p);
}

/* ---- The whole entry --------------------------------------------------------------------------------------------- */

static bool is_same_member(const dbf_json_value *a, const dbf_json_value *b, const char *name) {
  dbf_json_value x, y;
  bool in_a = dbf_json_find(a, name, strlen(name), &x), in_b = dbf_json_find(b, name, strlen(name), &y);
  if (!in_a || !in_b) return in_a == in_b;
  return x.end - x.start == y.end - y.start && memcmp(x.start, y.start, (size_t)(x.end - x.start)) == 0;
}

void dbf_entry_assign_whole(lua_State *L, const dbf_bytes *json) {
  static const char *const fixed[] = {"session_id", "timestamp"};
  if (dbf_entry_lent_is(L, 1)) luaL_error(L, DBF_ENTRY_READ_ONLY);
  place p = dbf_entry_userdata_own_place(L);
  dbf_json_value whole = {json->data, json->data + json->len, DBF_JSON_OBJECT, false};
  check_frozen(L, p.entry);
  for (int i = 0; i < 2; i++)
    if (!is_same_member(&p.range, &whole, fixed[i])) check_name(L, p.entry, fixed[i]);
  dbf_scratch *scratch = dbf_scratch_take(L);
  int taken = lua_gettop(L);
  p = dbf_entry_userdata_own_place(L); /* a finalizer may have changed it */
  dbf_entry_edit_splice(L, 1, p.entry, p.range.start, (size_t)(p.range.end - p.range.start), json, scratch);
  dbf_scratch_give(L, taken);
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

/* Give the metatable at `type` the method, with copies of the two upvalues on top of the stack. */
static void add_method(lua_State *L, int type) {
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, l_newindex, 2);
  lua_setfield(L, type, "__newindex");
}

void dbf_entry_assign_open(lua_State *L) {
  dbf_entry_userdata_type(L);
  int entry = lua_gettop(L);
  dbf_entry_userdata_push_upvalues(L);
  int value = lua_gettop(L);
  add_method(L, entry);
  add_method(L, value);
  lua_settop(L, entry - 1);
}
