#include "entry_edit.h"
#include "memory.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

/* ---- Making edits ------------------------------------------------------------------------------------------------ */

/* Put the body on top of the stack into the entry at `entry`, and pop it. */
static void set_body(lua_State *L, int entry, entry_view *e, body *b) {
  lua_setiuservalue(L, entry, 1);
  e->now = b;
  e->changes = NULL;
}

/* Push the userdata of the edits that the entry at `entry` had, nil if it had none. */
static void push_log(lua_State *L, int entry, const entry_view *e) {
  if (!e->now->edits) {
    lua_pushnil(L);
    return;
  }
  lua_getiuservalue(L, entry, 1);
  if (e->changes) {
    lua_getiuservalue(L, -1, 2);
    lua_remove(L, -2);
  }
  lua_getiuservalue(L, -1, 1);
  lua_remove(L, -2);
}

/* The log on top of the stack, replaced by a longer one when it has no room for `more`. It doubles, so that all edits
 * together copy each of them a few times. Bodies share it: each looks at no more of it than it counts. */
static edit *grow_log(lua_State *L, const body *old, uint32_t more) {
  size_t used = old->edits, room = lua_isnil(L, -1) ? 0 : lua_rawlen(L, -1) / sizeof(edit);
  if (used + more > UINT32_MAX / 2) luaL_error(L, "the entry was changed too often");
  if (used + more > room) {
    edit *grown = lua_newuserdatauv(L, (used + more) * (used ? 2 : 1) * sizeof(edit), 0);
    if (used) memcpy(grown, old->log, used * sizeof(edit));
    lua_remove(L, -2);
  }
  return lua_touserdata(L, -1);
}

static void note(edit *log, uint32_t seen, const edit *edits, uint32_t count) {
  uint32_t shift = 0;
  for (uint32_t i = 0; i < count; i++) {
    edit *to = &log[seen + i];
    *to = edits[i];
    to->shift = shift;
    to->end = seen + count;
    shift += to->inserted - to->removed;
  }
}

static void check_text(lua_State *L, dbf_scratch *scratch, bool foreign) {
  dbf_json_fault fault;
  dbf_bytes *text = &scratch->text;
  if (!dbf_bytes_terminate(text)) dbf_memory_raise(L);
  if (text->len > DBF_LINE_LIMIT) luaL_error(L, "the entry would be longer than 256 MiB");
  dbf_scan status = dbf_entry_scan(&scratch->entry, text->data, text->len, foreign, &fault);
  if (status == DBF_SCAN_NO_MEMORY) dbf_memory_raise(L);
  if (status != DBF_SCAN_OK) luaL_error(L, "an entry cannot hold this: %s", fault.what);
  dbf_scratch_check(L, text);
}

/* A body is never changed where it lies: values of the entry may still be read from it by what made them (a sort, an
 * iterator), and the collector keeps it as long. */
void dbf_entry_edit_apply(lua_State *L, int index, entry_view *e, const edit *edits, uint32_t count,
                          dbf_scratch *scratch) {
  int top = lua_gettop(L);
  const body *old = e->now;
  const struct changes *changes = e->changes;
  assert(count > 0);
  check_text(L, scratch, old->foreign);
  luaL_checkstack(L, 5, "nested too deeply");
  if (*(bool *)lua_touserdata(L, index)) lua_getiuservalue(L, index, 1);
  else lua_pushvalue(L, index);
  push_log(L, top + 1, e);
  edit *log = grow_log(L, old, count);
  body head = dbf_entry_body_of(&scratch->entry, old->bad_utf8, old->foreign);
  head.edits = old->edits + count;
  head.log = log;
  body *b = lua_newuserdatauv(L, body_size(&head), 1);
  if (e->now != old || e->changes != changes) /* by a finalizer */
    luaL_error(L, "the entry changed while it was assigned to");
  *b = head;
  dbf_entry_body_fill(b, &scratch->entry);
  note(log, old->edits, edits, count);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  set_body(L, top + 1, e, b);
  lua_settop(L, top);
}

void dbf_entry_edit_splice(lua_State *L, int index, entry_view *e, const char *at, size_t removed,
                           const dbf_bytes *piece, dbf_scratch *scratch) {
  const body *old = e->now;
  const char *from = text_of(old);
  dbf_bytes *text = &scratch->text;
  size_t before = (size_t)(at - from);
  assert(!e->changes && at >= from && removed <= old->len && before <= old->len - removed);
  dbf_bytes_clear(text);
  dbf_bytes_append(text, from, before);
  dbf_bytes_append(text, piece->data, piece->len);
  dbf_bytes_append(text, at + removed, old->len - before - removed);
  dbf_scratch_check(L, text);
  edit made = {.at = (uint32_t)before, .removed = (uint32_t)removed, .inserted = (uint32_t)piece->len};
  dbf_entry_edit_apply(L, index, e, &made, 1, scratch);
}

/* ---- Following them ---------------------------------------------------------------------------------------------- */

static uint32_t stop_of(const edit *e) {
  return e->at + e->removed;
}

/* By how much the edits before number `i`, made at the same time as the first of them, moved what follows them. */
static uint32_t shift_at(const edit *log, uint32_t first, uint32_t i) {
  if (i == first) return 0;
  const edit *last = &log[i - 1];
  return last->shift + last->inserted - last->removed;
}

/* The first of the edits first..end that stops after `offset`, or (`at`) begins there or after it. */
static uint32_t search(const edit *log, uint32_t first, uint32_t end, uint32_t offset, bool begins) {
  while (first < end) {
    uint32_t middle = first + (end - first) / 2;
    bool found = begins ? log[middle].at >= offset : stop_of(&log[middle]) > offset;
    if (found) end = middle;
    else first = middle + 1;
  }
  return first;
}

/* Those made at the same time. An edit within the value changes its length; one that reaches over an end of it ends it. */
static bool follow(value_view *v, const edit *log) {
  uint32_t first = v->edits, end = log[first].end;
  uint32_t inner = search(log, first, end, v->from, false), after = search(log, inner, end, v->to, true);
  v->edits = end;
  if (after > inner && (log[inner].at <= v->from || stop_of(&log[after - 1]) >= v->to)) return false;
  v->from += shift_at(log, first, inner);
  v->to += shift_at(log, first, after);
  return true;
}

bool dbf_entry_edit_follow(value_view *v) {
  const body *b = v->entry->now;
  while (v->type != DBF_JSON_NONE && v->edits < b->edits)
    if (!follow(v, b->log)) v->type = DBF_JSON_NONE;
  assert(v->type == DBF_JSON_NONE || (v->from < v->to && v->to <= b->len));
  return v->type != DBF_JSON_NONE;
}

/* The first of the edits first..end that is not wholly before `offset`. What is inserted there is. */
static uint32_t search_place(const edit *log, uint32_t first, uint32_t end, uint32_t offset) {
  while (first < end) {
    uint32_t middle = first + (end - first) / 2;
    const edit *e = &log[middle];
    bool before = e->removed ? stop_of(e) <= offset : e->at < offset;
    if (before) first = middle + 1;
    else end = middle;
  }
  return first;
}

uint32_t dbf_entry_edit_place(const body *b, uint32_t offset, uint32_t seen) {
  while (seen < b->edits) {
    uint32_t end = b->log[seen].end, i = search_place(b->log, seen, end, offset);
    if (i < end && b->log[i].at < offset) offset = b->log[i].at;
    offset += shift_at(b->log, seen, i);
    seen = end;
  }
  return offset;
}
