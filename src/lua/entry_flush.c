#include "entry_flush.h"
#include "entry_changes_internal.h"
#include "entry_edit.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the body that become others. */
typedef struct replacement {
  uint32_t at, removed;
  uint32_t order;  /* of those at the same place */
  uint32_t number; /* of the change whose text comes there; 0: nothing does */
  bool comma;      /* before it */
} replacement;

/* A child that goes. */
typedef struct leaving {
  uint32_t container, at;
} leaving;

static int compare_leaving(const void *a, const void *b) {
  const leaving *x = a, *y = b;
  if (x->container != y->container) return x->container < y->container ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

static int compare_replacements(const void *a, const void *b) {
  const replacement *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->order > y->order) - (x->order < y->order);
}

static void add_replacement(dbf_bytes *out, uint32_t at, uint32_t removed, uint32_t number, bool comma) {
  replacement r = {at, removed, (uint32_t)(out->len / sizeof r), number, comma};
  dbf_bytes_append(out, &r, sizeof r);
}

/* Where new children of a container go: after the last that stays. */
typedef struct tail {
  uint32_t at;
  bool comma;
} tail;

/* Of a container that loses none. */
static tail tail_of(const container *k, const char *text) {
  const char *at = text + k->end - 1, *first = dbf_json_enter(text + k->from, text + k->end);
  if (!first) return (tail){k->from + 1, false};
  while (strchr(" \t\r\n", at[-1])) at--;
  return (tail){(uint32_t)(at - text), true};
}

/* Remove children, given in order, each with one comma: a run of them from the end of the one before it that stays; at the
 * beginning, up to the one after it. */
static tail remove_children(const container *k, const char *text, const leaving *next, dbf_bytes *out) {
  dbf_json_value key, value;
  const char *at = dbf_json_enter(text + k->from, text + k->end);
  uint32_t run = 0, run_end = 0, kept = 0; /* kept: where the last that stays ends */
  while (at) {
    uint32_t here = (uint32_t)(at - text);
    at = read_child(k, text, at, &key, &value);
    bool goes = next->at == here;
    if (goes) {
      if (!run) run = here;
      run_end = (uint32_t)(value.end - text);
      next++;
    } else {
      if (run && kept) add_replacement(out, kept, run_end - kept, 0, false);
      else if (run) add_replacement(out, run, here - run, 0, false);
      run = 0;
      kept = (uint32_t)(value.end - text);
    }
  }
  if (!run) return (tail){kept, true};
  if (kept) add_replacement(out, kept, run_end - kept, 0, false);
  else add_replacement(out, run, run_end - run, 0, false);
  return (tail){run_end, kept > 0};
}

/* The children that go, sorted, and after them one of no container. */
static const leaving *collect_leaving(const changes *c, dbf_bytes *out) {
  size_t n = c->list.len / sizeof(change);
  for (size_t i = 1; i <= n; i++) {
    const change *w = change_of(c, (lua_Integer)i);
    leaving one = {w->container, w->at};
    if (w->kind == REMOVED) dbf_bytes_append(out, &one, sizeof one);
  }
  if (out->len) qsort(out->data, out->len / sizeof(leaving), sizeof(leaving), compare_leaving);
  dbf_bytes_append(out, &(leaving){0, 0}, sizeof(leaving));
  return (const leaving *)(const void *)out->data;
}

/* Where the new children of each container go; what the others leave is added to `out`. */
static void add_removals(const changes *c, const char *text, const leaving *next, dbf_bytes *out,
                         dbf_bytes *tails) {
  size_t n = c->containers.len / sizeof(container);
  for (size_t i = 1; i <= n; i++) {
    const container *k = container_of(c, (lua_Integer)i);
    tail t;
    if (next->container == i) t = remove_children(k, text, next, out);
    else t = tail_of(k, text);
    while (next->container == i) next++;
    dbf_bytes_append(tails, &t, sizeof t);
  }
}

static void add_texts(const changes *c, dbf_bytes *out, tail *tails) {
  size_t n = c->list.len / sizeof(change);
  for (size_t i = 1; i <= n; i++) {
    const change *w = change_of(c, (lua_Integer)i);
    tail *t = &tails[w->container - 1];
    if (w->kind == REPLACED) {
      add_replacement(out, w->value, w->value_end - w->value, (uint32_t)i, false);
    } else if (w->kind == ADDED) {
      add_replacement(out, t->at, 0, (uint32_t)i, t->comma);
      t->comma = true;
    }
  }
}

static void append_change(dbf_bytes *text, const changes *c, const replacement *r) {
  if (!r->number) return;
  const change *w = change_of(c, r->number);
  if (r->comma) dbf_bytes_append_char(text, ',');
  dbf_bytes_append(text, c->text.data + w->name, w->name_len);
  dbf_bytes_append(text, c->text.data + w->text, w->len);
}

/* Build the new text, and the edits that make it. What is in a value that goes is passed over. */
static void merge_texts(const changes *c, const body *b, const dbf_bytes *replacements, dbf_bytes *text,
                        dbf_bytes *edits) {
  const replacement *all = (const replacement *)(const void *)replacements->data;
  uint32_t done = 0; /* bytes of the body */
  for (size_t i = 0; i < replacements->len / sizeof *all; i++) {
    const replacement *r = &all[i];
    if (r->at < done) continue;
    dbf_bytes_append(text, text_of(b) + done, r->at - done);
    size_t before = text->len;
    append_change(text, c, r);
    edit made = {.at = r->at, .removed = r->removed, .inserted = (uint32_t)(text->len - before)};
    edit *last = edits->len ? (edit *)(void *)(edits->data + edits->len) - 1 : NULL;
    if (last && last->at == made.at && !last->removed && !made.removed) last->inserted += made.inserted;
    else dbf_bytes_append(edits, &made, sizeof made);
    done = r->at + r->removed;
  }
  dbf_bytes_append(text, text_of(b) + done, b->len - done);
}

/* Nothing of Lua runs here. */
static void build(lua_State *L, const changes *c, const body *b, dbf_scratch *s) {
  dbf_bytes *replacements = &s->extra, *tails = &s->piece;
  const leaving *leaves = collect_leaving(c, &s->text);
  dbf_scratch_check(L, &s->text);
  add_removals(c, text_of(b), leaves, replacements, tails);
  dbf_scratch_check(L, tails);
  add_texts(c, replacements, (tail *)(void *)tails->data);
  dbf_scratch_check(L, replacements);
  if (replacements->len)
    qsort(replacements->data, replacements->len / sizeof(replacement), sizeof(replacement),
          compare_replacements);
  dbf_bytes_clear(&s->text);
  dbf_bytes_clear(&s->piece);
  merge_texts(c, b, replacements, &s->text, &s->piece);
  dbf_scratch_check(L, &s->text);
  dbf_scratch_check(L, &s->piece);
}

/* The entry at `entry` has nothing that waits after all. */
static void forget(lua_State *L, int entry, entry_view *e) {
  lua_getiuservalue(L, entry, 1);
  lua_getiuservalue(L, -1, 2);
  lua_setiuservalue(L, entry, 1);
  lua_pop(L, 1);
  e->changes = NULL;
}

void dbf_entry_flush(lua_State *L, int index) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, "nested too deeply");
  push_entry(L, index);
  entry_view *e = lua_touserdata(L, top + 1);
  if (!e->changes) {
    lua_settop(L, top);
    return;
  }
  dbf_scratch *scratch = dbf_scratch_take(L);
  changes *c = e->changes; /* a finalizer may have flushed */
  if (c) {
    lua_getiuservalue(L, top + 1, 1); /* c stays */
    build(L, c, e->now, scratch);
    c->flushing = true;
    if (scratch->piece.len)
      dbf_entry_edit_apply(L, top + 1, e, (const edit *)(const void *)scratch->piece.data,
                           (uint32_t)(scratch->piece.len / sizeof(edit)), scratch);
    else forget(L, top + 1, e);
    dbf_entry_changes_release(c);
  }
  dbf_scratch_give(L, top + 2);
  lua_settop(L, top);
}
