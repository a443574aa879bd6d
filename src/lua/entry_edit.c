#include "entry_edit.h"

#include "memory.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

static const char pending_key; /* registry key of the metatable of `pending` */

static void copy(void *to, const void *from, size_t size) {
  if (size) memcpy(to, from, size);
}

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

/* A body is never changed where it lies: values of the entry may still be read from it by what made them (a sort, an
 * iterator), and the collector keeps it as long. */
void dbf_entry_edit_splice(lua_State *L, int index, entry_view *e, const char *at, size_t removed,
                           const dbf_bytes *piece, dbf_scratch *scratch) {
  const body *old = e->now;
  const char *from = text_of(old);
  bool had_pending = e->has_pending;
  dbf_bytes *text = &scratch->text;
  dbf_json_fault fault;
  size_t before = (size_t)(at - from);
  assert(at >= from && removed <= old->len && before <= old->len - removed);
  dbf_bytes_clear(text);
  dbf_bytes_append(text, from, before);
  dbf_bytes_append(text, piece->data, piece->len);
  dbf_bytes_append(text, at + removed, old->len - before - removed);
  if (!dbf_bytes_terminate(text)) luaL_error(L, "not enough memory");
  if (text->len > DBF_LINE_LIMIT) luaL_error(L, "the entry would be longer than 256 MiB");
  dbf_scan status = dbf_entry_scan(&scratch->entry, text->data, text->len, old->foreign, &fault);
  if (status == DBF_SCAN_NO_MEMORY) luaL_error(L, "not enough memory");
  if (status != DBF_SCAN_OK) luaL_error(L, "an entry cannot hold this: %s", fault.what);
  uint32_t edits = old->edits + 1;
  body head = dbf_entry_body_of(&scratch->entry, edits, old->bad_utf8, old->foreign);
  body *b = lua_newuserdatauv(L, body_size(&head), 0);
  if (e->now != old || e->has_pending != had_pending) /* by a finalizer */
    luaL_error(L, "the entry changed while it was assigned to");
  *b = head;
  dbf_entry_body_fill(b, &scratch->entry);
  copy(edits_of(b), edits_of(old), old->edits * sizeof(edit));
  edits_of(b)[edits - 1] = (edit){(uint32_t)before, (uint32_t)removed, (uint32_t)piece->len};
  set_body(L, index, e, b);
}

/* ---- Members that wait ------------------------------------------------------------------------------------------- */

static int l_pending_gc(lua_State *L) {
  dbf_bytes_release(&((pending *)lua_touserdata(L, 1))->text);
  return 0;
}

void dbf_entry_edit_open(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_pending_gc);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pending_key);
}

pending *dbf_entry_edit_push_pending(lua_State *L, entry_view *e) {
  if (lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA && e->has_pending) return lua_touserdata(L, -1);
  pending *w = lua_newuserdatauv(L, sizeof *w, 2);
  dbf_bytes_init(&w->text);
  w->text.left = dbf_memory_left(L);
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

bool dbf_entry_edit_is_pending(lua_State *L, int key) {
  int top = lua_gettop(L);
  if (lua_type(L, key) != LUA_TSTRING) return false;
  lua_getiuservalue(L, 1, 1);
  lua_getiuservalue(L, -1, 1);
  lua_pushvalue(L, key);
  bool is = lua_rawget(L, -2) != LUA_TNIL;
  lua_settop(L, top);
  return is;
}

void dbf_entry_edit_flush(lua_State *L, int index) {
  index = lua_absindex(L, index);
  luaL_checkstack(L, 6, "nested too deeply");
  entry_view *e = lua_touserdata(L, index);
  int top = lua_gettop(L);
  lua_getiuservalue(L, index, 1);
  pending *w = lua_touserdata(L, -1);
  const body *b = e->now;
  assert(e->has_pending && !e->is_value && b->len >= 2);
  const char *text = text_of(b),
             *end = text + b->len - 1; /* at the closing brace: no blank is kept after it */
  while (*end != '}') end--;
  dbf_scratch *scratch = dbf_scratch_take(L);
  if (b->count && w->text.len) dbf_bytes_append_char(&scratch->piece, ',');
  dbf_bytes_append(&scratch->piece, w->text.data, w->text.len);
  dbf_scratch_check(L, &scratch->piece);
  dbf_entry_edit_splice(L, index, e, end, 0, &scratch->piece, scratch);
  dbf_scratch_give(L, top + 2);
  lua_settop(L, top);
}
