#include "diagnostics.h"
#include "table.h"

#include <string.h>

enum { MOST = 10000 };

typedef struct note {
  debrief_kind kind;
  size_t item;
  uint64_t line, offset, length;
  char message[160], excerpt[264];
} note;

void dbf_diagnostics_init(dbf_diagnostics *notes) {
  dbf_bytes_init(&notes->bytes);
  notes->dropped = 0;
}

void dbf_diagnostics_release(dbf_diagnostics *notes) {
  dbf_bytes_release(&notes->bytes);
}

void dbf_diagnostics_add(dbf_diagnostics *notes, const debrief_diagnostic *d, size_t item) {
  note n = {.kind = d->kind, .item = item, .line = d->line, .offset = d->offset, .length = d->length};
  strncpy(n.message, d->message, sizeof n.message - 1);
  memcpy(n.excerpt, d->excerpt, sizeof n.excerpt);
  if (notes->bytes.len < MOST * sizeof n) dbf_bytes_append(&notes->bytes, &n, sizeof n);
  else notes->dropped++;
  if (notes->bytes.failed) notes->dropped++;
  notes->bytes.failed = false;
}

bool dbf_diagnostics_any(const dbf_diagnostics *notes) {
  return notes->bytes.len > 0 || notes->dropped > 0;
}

void dbf_diagnostics_push_diagnostic(lua_State *L, const debrief_diagnostic *d, size_t item) {
  lua_createtable(L, 0, 8);
  dbf_table_set_string(L, "kind", debrief_kind_name(d->kind));
  dbf_table_set_integer(L, "line", (lua_Integer)d->line);
  dbf_table_set_integer(L, "offset", (lua_Integer)d->offset);
  dbf_table_set_integer(L, "length", (lua_Integer)d->length);
  dbf_table_set_integer(L, "item", (lua_Integer)item);
  dbf_table_set_string(L, "message", d->message);
  dbf_table_set_string(L, "excerpt", d->excerpt);
  lua_pushboolean(L, debrief_kind_is_damage(d->kind));
  lua_setfield(L, -2, "damage");
}

static void push_note(lua_State *L, const note *n) {
  debrief_diagnostic d = {
      .kind = n->kind, .line = n->line, .offset = n->offset, .length = n->length, .message = n->message};
  memcpy(d.excerpt, n->excerpt, sizeof d.excerpt);
  dbf_diagnostics_push_diagnostic(L, &d, n->item);
}

void dbf_diagnostics_push(lua_State *L, dbf_diagnostics *notes) {
  size_t count = notes->bytes.len / sizeof(note);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < notes->bytes.len / sizeof(note); i++) { /* a finalizer may take them */
    note n;
    memcpy(&n, notes->bytes.data + i * sizeof n, sizeof n);
    push_note(L, &n);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, notes->dropped);
  dbf_bytes_clear(&notes->bytes);
  notes->dropped = 0;
}
