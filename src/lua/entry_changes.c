#include "entry_changes.h"
#include "entry_changes_internal.h"
#include "entry_gone.h"
#include "lua_value.h"
#include "memory.h"
#include "../log/json_write.h"

#include <lauxlib.h>
#include <string.h>

static const char type_key; /* registry key of the metatable */

enum {
  MOST_WAITING = 1 << 24, /* bytes of text: a wrong length must be found where it is made */
  MOST_CHANGES = 1 << 20,
  MANY_FINDS = 8 /* searches of one container that are worth an index */
};
#define UNCOUNTED UINT32_MAX

/* Room for `more` bytes, or an error that leaves what is there. */
static void reserve(lua_State *L, dbf_bytes *bytes, size_t more) {
  if (dbf_bytes_reserve(bytes, more)) return;
  bytes->failed = false;
  dbf_memory_raise(L);
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

void dbf_entry_changes_release(changes *c) {
  dbf_bytes_release(&c->text);
  dbf_bytes_release(&c->list);
  dbf_bytes_release(&c->containers);
  dbf_bytes_release(&c->gone);
}

static int l_gc(lua_State *L) {
  dbf_entry_changes_release(lua_touserdata(L, 1));
  return 0;
}

void dbf_entry_changes_open(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_gc);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &type_key);
}

static void init(lua_State *L, changes *c) {
  c->flushing = false;
  dbf_bytes *all[] = {&c->text, &c->list, &c->containers, &c->gone};
  for (int i = 0; i < 4; i++) {
    dbf_bytes_init(all[i]);
    all[i]->quota = dbf_memory_quota(L);
  }
}

/* Give the entry of argument 1 changes. */
static void make_changes(lua_State *L, entry_view *e) {
  int top = lua_gettop(L);
  push_entry(L, 1);
  changes *c = lua_newuserdatauv(L, sizeof *c, 2);
  init(L, c);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &type_key);
  lua_setmetatable(L, -2);
  lua_createtable(L, 0, 1);
  lua_setiuservalue(L, -2, 1);
  if (!e->changes) { /* a finalizer may have made some */
    lua_getiuservalue(L, top + 1, 1);
    lua_setiuservalue(L, -2, 2);
    lua_setiuservalue(L, top + 1, 1);
    e->changes = c;
  }
  lua_settop(L, top);
}

/* ---- Containers ------------------------------------------------------------------------------------------------- */

/* Push the table of containers, of the entry of argument 1. */
static void push_containers(lua_State *L) {
  push_entry(L, 1);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
}

/* Push the table of the container that begins at `from`; NULL, and nothing pushed: it was not assigned to. */
static container *push_known(lua_State *L, const changes *c, uint32_t from) {
  luaL_checkstack(L, 6, "nested too deeply");
  push_containers(L);
  if (lua_rawgeti(L, -1, from) != LUA_TTABLE) return lua_pop(L, 2), NULL;
  lua_replace(L, -2);
  lua_rawgeti(L, -1, 0);
  container *found = container_of(c, lua_tointeger(L, -1));
  lua_pop(L, 1);
  return found;
}

/* Is the member of the entry that offset `at` lies in called attempts? */
static bool lies_in_attempts(const body *b, uint32_t at) {
  uint32_t first = 0, end = b->count;
  while (first + 1 < end) {
    uint32_t middle = first + (end - first) / 2;
    if (members_of(b)[middle].key <= at) first = middle;
    else end = middle;
  }
  const dbf_member *m = &members_of(b)[first];
  dbf_json_value key = {text_of(b) + m->key, text_of(b) + m->key_end, DBF_JSON_STRING, m->key_escaped};
  return dbf_json_string_is(&key, "attempts", strlen("attempts"));
}

static asked asked_of(const place *p) {
  const body *b = p->entry->now;
  if (b->foreign) return ASKED_NOTHING;
  if (!p->value) return ASKED_OF_ENTRY;
  if (p->value->level > 2 || !lies_in_attempts(b, p->value->from)) return ASKED_NOTHING;
  return p->value->level == 1 ? ASKED_OF_ATTEMPTS : ASKED_OF_ATTEMPT;
}

uint32_t dbf_entry_changes_children(const dbf_json_value *of) {
  uint32_t n = 0;
  dbf_json_value key, value;
  const char *at = dbf_json_enter(of->start, of->end), *end = of->end;
  for (; at; n++)
    at = of->type == DBF_JSON_ARRAY ? dbf_json_element(at, end, &value)
                                    : dbf_json_member(at, end, &key, &value);
  return n;
}

static uint32_t offset_of(const place *p, const char *at) {
  return (uint32_t)(at - p->text);
}

/* Raise if the entry is not what `p` was found in: a finalizer may have run. */
static void check_unchanged(lua_State *L, const place *p, const changes *c) {
  const entry_view *e = p->entry;
  if (e->changes != c || text_of(e->now) != p->text)
    luaL_error(L, "the entry changed while it was assigned to");
}

/* Push the table of the container at `p`, argument 1; it may be new. */
static container *push_container(lua_State *L, const place *p) {
  changes *c = p->entry->changes;
  uint32_t from = offset_of(p, p->range.start);
  container *found = push_known(L, c, from);
  if (found) return found;
  lua_createtable(L, 1, 4);
  check_unchanged(L, p, c);
  push_containers(L);
  reserve(L, &c->containers, sizeof(container));
  lua_Integer number = (lua_Integer)(c->containers.len / sizeof(container)) + 1;
  container made = {.from = from,
                    .end = offset_of(p, p->range.end),
                    .children = p->value ? UNCOUNTED : p->entry->now->count,
                    .asked = asked_of(p),
                    .is_array = p->range.type == DBF_JSON_ARRAY};
  lua_pushinteger(L, number);
  lua_rawseti(L, -3, 0);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, from);
  lua_pop(L, 1);
  dbf_bytes_append(&c->containers, &made, sizeof made);
  return container_of(c, number);
}

/* ---- Children in the body ---------------------------------------------------------------------------------------- */

typedef struct child {
  uint32_t at; /* where it begins; 0: none */
  dbf_json_value value;
  bool again; /* others have the name, too */
} child;

static child search(const container *k, const body *b, const char *name, size_t len, lua_Integer index) {
  child found = {0};
  dbf_json_value key, value;
  const char *text = text_of(b), *at = dbf_json_enter(text + k->from, text + k->end);
  for (lua_Integer i = 1; at; i++) {
    const char *here = at;
    at = read_child(k, text, at, &key, &value);
    if (name ? !dbf_json_string_is(&key, name, len) : i != index) continue;
    found = (child){(uint32_t)(here - text), value, found.at > 0};
    if (!name) break;
  }
  return found;
}

/* Push the note for the key at `key` in the table at `table`, and return it; 0: none. */
static lua_Integer push_note(lua_State *L, const container *k, int table, int key) {
  if (k->is_array) lua_rawgeti(L, table, lua_tointeger(L, key));
  else lua_pushvalue(L, key), lua_rawget(L, table);
  return lua_tointeger(L, -1);
}

static lua_Integer note_of(lua_State *L, const container *k, int table, int key) {
  lua_Integer found = push_note(L, k, table, key);
  lua_pop(L, 1);
  return found;
}

/* Note where the children of the container stand, in its table, which is at `table`; those with changes have a note
 * already. The last of several with one name counts. */
static void build_index(lua_State *L, const place *p, changes *c, lua_Integer number, int table) {
  const container *k = container_of(c, number);
  dbf_json_value key, value;
  push_entry(L, 1);
  lua_getiuservalue(L, -1, 1);
  lua_getiuservalue(L, -1, 2); /* the body, which a finalizer may replace */
  const char *text = p->text, *at = dbf_json_enter(text + k->from, text + k->end);
  for (lua_Integer i = 1; at; i++) {
    const char *here = at;
    at = read_child(k, text, at, &key, &value);
    if (k->is_array) lua_pushinteger(L, i);
    else dbf_lua_value_push_scalar(L, &key, false);
    check_unchanged(L, p, c);
    k = container_of(c, number);
    lua_Integer note = note_of(L, k, table, lua_gettop(L));
    container_of(c, number)->twice |= note < 0 || (note > 0 && change_of(c, note)->at != here - text);
    if (note <= 0) {
      lua_pushinteger(L, -(lua_Integer)(here - text));
      lua_rawset(L, table);
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 3);
  container_of(c, number)->indexed = true;
}

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

/* Is the key one that children of this container have? 1.0 is 1. */
static bool is_key(lua_State *L, const container *k, int key) {
  int whole = 0;
  if (!k->is_array) return lua_type(L, key) == LUA_TSTRING;
  if (lua_type(L, key) == LUA_TNUMBER) lua_tointegerx(L, key, &whole);
  return whole;
}

static dbf_waiting waiting_value(const changes *c, const change *w, dbf_json_value *value, bool *waits) {
  if (w->kind == REMOVED || w->kind == DROPPED) return DBF_ABSENT;
  const char *text = c->text.data + w->text;
  dbf_json_skip(text, text + w->len, value);
  *waits = true;
  return DBF_FOUND;
}

static dbf_waiting body_value(const container *k, const body *b, uint32_t at, dbf_json_value *value) {
  dbf_json_value key;
  read_child(k, text_of(b), text_of(b) + at, &key, value);
  return DBF_FOUND;
}

static dbf_waiting find(lua_State *L, const entry_view *e, const container *k, int key, dbf_json_value *value,
                        bool *waits) {
  if (!is_key(L, k, key)) return DBF_UNCHANGED;
  lua_Integer note = note_of(L, k, lua_gettop(L), key);
  if (note > 0) return waiting_value(e->changes, change_of(e->changes, note), value, waits);
  if (note < 0) return body_value(k, e->now, (uint32_t)-note, value);
  return k->indexed ? DBF_ABSENT : DBF_UNCHANGED;
}

dbf_waiting dbf_entry_changes_find(lua_State *L, entry_view *e, uint32_t from, int key, dbf_json_value *value,
                                   bool *waits) {
  *waits = false;
  const container *k = push_known(L, e->changes, from);
  if (!k) return DBF_UNCHANGED;
  dbf_waiting found = find(L, e, k, key, value, waits);
  lua_pop(L, 1);
  return found;
}

dbf_waiting dbf_entry_changes_at(lua_State *L, entry_view *e, uint32_t from, int key, uint32_t at,
                                 dbf_json_value *value, bool *waits) {
  *waits = false;
  const container *k = push_known(L, e->changes, from);
  if (!k) return DBF_UNCHANGED;
  lua_Integer note = note_of(L, k, lua_gettop(L), key);
  lua_pop(L, 1);
  if (note <= 0) return DBF_UNCHANGED;
  const change *w = change_of(e->changes, note);
  if (w->kind != REPLACED) return DBF_ABSENT;
  return w->at == at ? waiting_value(e->changes, w, value, waits) : DBF_UNCHANGED;
}

bool dbf_entry_changes_count(lua_State *L, const place *p, uint32_t *count) {
  container *k = push_known(L, p->entry->changes, offset_of(p, p->range.start));
  if (!k) return false;
  lua_pop(L, 1);
  if (k->children == UNCOUNTED) k->children = dbf_entry_changes_children(&p->range);
  *count = k->children + k->added - k->gone;
  return true;
}

bool dbf_entry_changes_added(lua_State *L, entry_view *e, uint32_t from) {
  const container *k = push_known(L, e->changes, from);
  if (!k) return false;
  lua_pop(L, 1);
  return k->added > 0;
}

bool dbf_entry_changes_cover(const entry_view *e, uint32_t from) {
  return dbf_entry_gone_has(&e->changes->gone, from);
}

/* ---- Assigning -------------------------------------------------------------------------------------------------- */

/* How deep the brackets of valid JSON are. */
static unsigned levels_of(const dbf_bytes *json) {
  unsigned level = 0, most = 0;
  bool in_string = false;
  for (size_t i = 0; i < json->len; i++) {
    char c = json->data[i];
    if (in_string && c == '\\') i++;
    else if (c == '"') in_string = !in_string;
    else if (!in_string && (c == '{' || c == '[') && ++level > most) most = level;
    else if (!in_string && (c == '}' || c == ']')) level--;
  }
  return most;
}

static bool fits_kind(lua_State *L, dbf_kind wanted, char first) {
  if (wanted == DBF_KIND_json || first == 'n') return true;
  if (wanted == DBF_KIND_string) return first == '"';
  if (wanted == DBF_KIND_boolean) return first == 't' || first == 'f';
  return wanted == DBF_KIND_integer && lua_isinteger(L, 3);
}

/* Will the check of the entry accept the value? Where that takes more than a look, it does not wait. */
static bool fits(lua_State *L, const place *p, asked what, const dbf_bytes *json) {
  if (what == ASKED_NOTHING) return true;
  if (what == ASKED_OF_ATTEMPTS) return false;
  int key = dbf_keys_find(p->entry->keys, lua_topointer(L, 2));
  if (what == ASKED_OF_ENTRY)
    return key < 0 || key >= DBF_KNOWN_COUNT || fits_kind(L, dbf_entry_fields[key].kind, *json->data);
  return key < DBF_KEY_ATTEMPT || fits_kind(L, dbf_attempt_fields[key - DBF_KEY_ATTEMPT].kind, *json->data);
}

static bool may_wait(const place *p, const dbf_bytes *json, size_t name_len) {
  const changes *c = p->entry->changes;
  size_t more = (json ? json->len : 0) + 6 * name_len + 4, used = c ? c->text.len : 0;
  if (c && (c->flushing || c->list.len / sizeof(change) >= MOST_CHANGES)) return false;
  if (used + more > MOST_WAITING || p->entry->now->len + used + more > DBF_LINE_LIMIT) return false;
  unsigned level = p->value ? p->value->level : 0;
  return !json || level + 2 + levels_of(json) < DBF_JSON_DEPTH;
}

/* Append a change of the container, and make it the note of the key. */
static change *add_change(lua_State *L, changes *c, container *k, int table, change made) {
  reserve(L, &c->list, sizeof made);
  reserve(L, &c->gone, DBF_GONE_SIZE);
  lua_Integer number = (lua_Integer)(c->list.len / sizeof made) + 1;
  if (k->is_array) {
    lua_pushinteger(L, number);
    lua_rawseti(L, table, lua_tointeger(L, 2));
  } else {
    lua_pushvalue(L, 2);
    lua_pushinteger(L, number);
    lua_rawset(L, table);
  }
  dbf_bytes_append(&c->list, &made, sizeof made);
  return change_of(c, number);
}

/* The value in the body is not to be seen any more, nor what is in it. */
static void lose(changes *c, const change *w, const char *text) {
  if (text[w->value] == '{' || text[w->value] == '[') dbf_entry_gone_add(&c->gone, w->value, w->value_end);
}

static void set_text(changes *c, change *w, const dbf_bytes *json) {
  if (json->len > w->room) {
    w->text = (uint32_t)c->text.len;
    w->room = (uint32_t)json->len;
    dbf_bytes_append(&c->text, json->data, json->len); /* there is room */
  } else {
    memcpy(c->text.data + w->text, json->data, json->len);
  }
  w->len = (uint32_t)json->len;
}

static void add(lua_State *L, changes *c, container *k, int table, const dbf_bytes *json) {
  size_t len = 0;
  const char *name = k->is_array ? NULL : lua_tolstring(L, 2, &len);
  change *w = add_change(L, c, k, table, (change){.container = 0, .kind = DROPPED});
  w->container = (uint32_t)(k - container_of(c, 1)) + 1;
  w->name = (uint32_t)c->text.len;
  if (name) {
    dbf_json_write_string(&c->text, name, len); /* there is room */
    dbf_bytes_append_char(&c->text, ':');
  }
  w->name_len = (uint32_t)c->text.len - w->name;
  set_text(c, w, json);
  w->kind = ADDED;
  k->added++;
}

static void change_child(lua_State *L, changes *c, container *k, int table, const place *p, const child *old,
                         const dbf_bytes *json) {
  change *w = add_change(L, c, k, table,
                         (change){.container = (uint32_t)(k - container_of(c, 1)) + 1,
                                  .at = old->at,
                                  .value = offset_of(p, old->value.start),
                                  .value_end = offset_of(p, old->value.end),
                                  .kind = json ? REPLACED : REMOVED});
  lose(c, w, p->text);
  if (json) set_text(c, w, json);
  else k->gone++;
}

static void remove_changed(container *k, change *w) {
  if (w->kind == REPLACED) {
    w->kind = REMOVED;
    k->gone++;
  } else {
    w->kind = DROPPED;
    k->added--;
  }
}

/* The child of the body that has the key at 2; at is 0 if no child has it. */
static child find_in_body(lua_State *L, const place *p, container *k, lua_Integer note) {
  child found = {0};
  if (note < 0) {
    found.at = (uint32_t)-note;
    body_value(k, p->entry->now, found.at, &found.value);
  } else if (!k->indexed) {
    size_t len = 0;
    const char *name = k->is_array ? NULL : lua_tolstring(L, 2, &len);
    k->finds++;
    found = search(k, p->entry->now, name, len, k->is_array ? lua_tointeger(L, 2) : 0);
  }
  return found;
}

static bool put(lua_State *L, const place *p, const dbf_bytes *json) {
  changes *c = p->entry->changes;
  size_t name_len = lua_type(L, 2) == LUA_TSTRING ? lua_rawlen(L, 2) : 0;
  container *k = push_container(L, p);
  int table = lua_gettop(L);
  lua_rawgeti(L, table, 0);
  lua_Integer number = lua_tointeger(L, -1);
  if (k->finds >= MANY_FINDS && !k->indexed && !p->bad_utf8) build_index(L, p, c, number, table);
  k = container_of(c, number);
  if (json && !fits(L, p, k->asked, json)) return false;
  lua_Integer note = note_of(L, k, table, 2);
  reserve(L, &c->text, (json ? json->len : 0) + 6 * name_len + 4);
  change *w = note > 0 ? change_of(c, note) : NULL;
  if (w && (w->kind == REPLACED || w->kind == ADDED)) {
    if (!json && k->twice && w->kind == REPLACED) return false;
    if (json) set_text(c, w, json);
    else remove_changed(k, w);
    return true;
  }
  child old = {0};
  if (!w) old = find_in_body(L, p, k, note);
  k->twice |= old.again;
  if (!old.at && !json) return true;
  if (old.at && !json && k->twice) return false;
  if (old.at) change_child(L, c, k, table, p, &old, json);
  else add(L, c, k, table, json);
  return true;
}

bool dbf_entry_changes_put(lua_State *L, const place *p, const dbf_bytes *json) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 10, "nested too deeply");
  if (!may_wait(p, json, lua_type(L, 2) == LUA_TSTRING ? lua_rawlen(L, 2) : 0)) return false;
  if (!p->entry->changes) make_changes(L, p->entry);
  check_unchanged(L, p, p->entry->changes);
  bool done = put(L, p, json);
  lua_settop(L, top);
  return done;
}
