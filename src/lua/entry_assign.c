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
  body head = dbf_entry_userdata_body(&scratch->entry, edits, old->bad_utf8, old->foreign);
  body *b = lua_newuserdatauv(L, body_size(&head), 0);
  *b = head;
  dbf_entry_userdata_fill(b, &scratch->entry);
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
  dbf_lua_json_write(L, 3, piece);
  splice(L, p, end_of_last ? end_of_last : p->range.start + 1, 0, piece);
}

static void assign(lua_State *L, const char *name, size_t len, uint64_t index) {
  child c = {0};
  const char *end_of_last;
  place p = dbf_entry_userdata_own_place(L);
  bool found = find_child(&p.range, name, len, index, &c, &end_of_last);
  if (!found && lua_isnil(L, 3)) return;
  if (!found) {
    insert_child(L, &p, end_of_last, name, len);
  } else if (lua_isnil(L, 3)) {
    remove_child(L, &p, &c);
    if (name) assign(L, name, len, index); /* and its duplicates */
  } else {
    dbf_bytes *piece = dbf_scratch_piece(L);
    dbf_lua_json_write(L, 3, piece);
    splice(L, &p, c.value.start, (size_t)(c.value.end - c.value.start), piece);
  }
}

static void check_name(lua_State *L, const place *p, const char *name) {
  if (p->value || p->entry->now->foreign) return;
  if (strcmp(name, "session_id") == 0 || strcmp(name, "timestamp") == 0)
    luaL_error(L, "%s cannot be changed: it says where and when the entry was logged", name);
}

int dbf_entry_userdata_assign(lua_State *L) {
  place p = dbf_entry_userdata_own_place(L);
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
  lua_Integer n = dbf_entry_userdata_count(&p.range), i = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  bool removes = lua_isnil(L, 3);
  if (i < 1 || i > n + 1) return luaL_error(L, "an array's indices here are 1 to %I", n + 1);
  if (removes && i < n)
    return luaL_error(
        L, "only the last element of an array can be removed: use debrief.null, or assign a new array");
  assign(L, NULL, 0, (uint64_t)i);
  return 0;
}
