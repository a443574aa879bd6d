/* result.c: a debrief_result and everything it points to lie in blocks that one list holds; closing it frees them. */
#include "result.h"
#include "query.h"
#include "../lua/table.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16 * 1024 };

typedef struct block {
  struct block *next;
  size_t used, size;
  max_align_t data[];
} block;

typedef struct whole {
  debrief_result result; /* the caller's handle points here */
  block *blocks;
} whole;

typedef struct builder {
  lua_State *L;
  whole *whole;
} builder;

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

debrief_result *dbf_result_new(void) {
  whole *w = calloc(1, sizeof *w);
  return w ? &w->result : NULL;
}

void debrief_result_close(debrief_result *result) {
  whole *w = (whole *)result;
  while (w && w->blocks) {
    block *next = w->blocks->next;
    free(w->blocks);
    w->blocks = next;
  }
  free(w);
}

/* Blocks and not one malloc per value: a result is built once, and freed as a whole; and when Lua raises in between, the
 * list still has everything. */
static void *take(builder *b, size_t count, size_t size) {
  size_t bytes = (count * size + sizeof(max_align_t)) & ~(sizeof(max_align_t) - 1); /* never 0 */
  block *at = b->whole->blocks;
  if (!at || at->size - at->used < bytes) {
    size_t room = bytes > BLOCK ? bytes : BLOCK;
    at = calloc(1, sizeof *at + room);
    if (!at) luaL_error(b->L, "not enough memory");
    at->size = room;
    at->next = b->whole->blocks;
    b->whole->blocks = at;
  }
  assert(at->used <= at->size && bytes <= at->size - at->used);
  void *memory = (char *)at->data + at->used;
  at->used += bytes;
  return memory;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static debrief_text copy(builder *b, const char *data, size_t len) {
  char *to = take(b, len + 1, 1);
  if (len) memcpy(to, data, len);
  to[len] = '\0';
  return (debrief_text){to, len};
}

static const char *copy_name(builder *b, const char *name) {
  return copy(b, name, strlen(name)).data;
}

/* The string on top of the stack, which goes; anything else is an empty text. */
static debrief_text pop_text(builder *b) {
  size_t len = 0;
  const char *data = lua_type(b->L, -1) == LUA_TSTRING ? lua_tolstring(b->L, -1, &len) : "";
  debrief_text text = copy(b, data, len);
  lua_pop(b->L, 1);
  return text;
}

static debrief_text text_of(builder *b, int index, const char *name) {
  lua_getfield(b->L, index, name);
  return pop_text(b);
}

/* A number, NaN if there is no number. */
static double number_of(builder *b, int index, const char *name) {
  lua_getfield(b->L, index, name);
  double number = lua_type(b->L, -1) == LUA_TNUMBER ? lua_tonumber(b->L, -1) : (double)NAN;
  lua_pop(b->L, 1);
  return number;
}

/* ---- Cells ------------------------------------------------------------------------------------------------------- */

static void fill_spark(builder *b, int spark, debrief_cell *cell) {
  size_t n = dbf_table_count(b->L, spark, "n");
  double *values = take(b, n, sizeof *values);
  for (size_t i = 0; i < n; i++) {
    bool number = lua_rawgeti(b->L, spark, (lua_Integer)i + 1) == LUA_TNUMBER;
    values[i] = number ? lua_tonumber(b->L, -1) : (double)NAN;
    lua_pop(b->L, 1);
  }
  cell->kind = DEBRIEF_CELL_SPARK;
  cell->as.spark.values = values;
  cell->as.spark.count = n;
  cell->as.spark.low = number_of(b, spark, "low");
  cell->as.spark.high = number_of(b, spark, "high");
}

static void fill_table_cell(builder *b, int index, debrief_cell *cell) {
  if (lua_getfield(b->L, index, "spark") == LUA_TTABLE) {
    fill_spark(b, lua_gettop(b->L), cell);
  } else {
    cell->kind = DEBRIEF_CELL_RATE;
    cell->as.rate.num = number_of(b, index, "num");
    cell->as.rate.den = number_of(b, index, "den");
  }
  lua_pop(b->L, 1);
}

/* The value on top of the stack, which goes. */
static void pop_cell(builder *b, debrief_cell *cell) {
  lua_State *L = b->L;
  *cell = (debrief_cell){.kind = DEBRIEF_CELL_NONE};
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN: cell->kind = DEBRIEF_CELL_BOOLEAN, cell->as.boolean = lua_toboolean(L, -1); break;
  case LUA_TNUMBER:
    cell->kind = lua_isinteger(L, -1) ? DEBRIEF_CELL_INTEGER : DEBRIEF_CELL_NUMBER;
    if (cell->kind == DEBRIEF_CELL_INTEGER) cell->as.integer = lua_tointeger(L, -1);
    else cell->as.number = lua_tonumber(L, -1);
    break;
  case LUA_TSTRING:
    cell->kind = DEBRIEF_CELL_TEXT;
    lua_pushvalue(L, -1);
    cell->as.text = pop_text(b);
    break;
  case LUA_TTABLE: fill_table_cell(b, lua_gettop(L), cell); break;
  default: break;
  }
  lua_pop(L, 1);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

typedef void fill_one(builder *b, int index, void *to);

/* The array in the field `name` of the table at `index`, as pointers to structs of `size` that `fill` filled. */
static const void *const *list_of(builder *b, int index, const char *name, size_t size, fill_one *fill,
                                  size_t *count) {
  lua_State *L = b->L;
  luaL_checkstack(L, 8, "a report nested too deeply");
  lua_getfield(L, index, name);
  int list = lua_gettop(L);
  *count = lua_istable(L, list) ? lua_rawlen(L, list) : 0;
  void **items = take(b, *count, sizeof *items);
  for (size_t i = 0; i < *count; i++) {
    items[i] = take(b, 1, size);
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    fill(b, lua_gettop(L), items[i]);
    lua_settop(L, list);
  }
  lua_pop(L, 1);
  return (const void *const *)items;
}

#define LIST(b, index, name, type, fill, count) \
  ((const type *const *)list_of(b, index, name, sizeof(type), fill, count))

static debrief_align align_of(builder *b, int index) {
  static const char *const names[] = {"", "left", "right", "center"};
  debrief_align align = DEBRIEF_ALIGN_CENTER;
  lua_getfield(b->L, index, "align");
  const char *name = lua_tostring(b->L, -1);
  while (align > DEBRIEF_ALIGN_AUTO && !(name && strcmp(name, names[align]) == 0)) align--;
  lua_pop(b->L, 1);
  return align;
}

static void fill_column(builder *b, int index, void *to) {
  debrief_column *column = to;
  column->key = text_of(b, index, "key");
  column->title = text_of(b, index, "title");
  column->unit = text_of(b, index, "unit");
  column->align = align_of(b, index);
}

/* Rows are read from 1 to the number of columns: nil means no data, wherever it is. */
static void fill_rows(builder *b, int index, debrief_table *table) {
  lua_State *L = b->L;
  lua_getfield(L, index, "rows");
  int rows = lua_gettop(L);
  table->row_count = lua_rawlen(L, rows);
  const debrief_cell **list = take(b, table->row_count, sizeof *list);
  for (size_t r = 0; r < table->row_count; r++) {
    debrief_cell *cells = take(b, table->column_count, sizeof *cells);
    lua_rawgeti(L, rows, (lua_Integer)r + 1);
    for (size_t c = 0; c < table->column_count; c++) {
      lua_rawgeti(L, rows + 1, (lua_Integer)c + 1);
      pop_cell(b, &cells[c]);
    }
    lua_settop(L, rows);
    list[r] = cells;
  }
  table->rows = list;
  lua_pop(L, 1);
}

static void fill_table(builder *b, int index, void *to) {
  debrief_table *table = to;
  table->title = text_of(b, index, "title");
  table->columns = LIST(b, index, "columns", debrief_column, fill_column, &table->column_count);
  fill_rows(b, index, table);
}

static void fill_finding(builder *b, int index, void *to) {
  debrief_finding *finding = to;
  lua_State *L = b->L;
  lua_getfield(L, index, "value");
  pop_cell(b, &finding->value);
  finding->explanation = text_of(b, index, "explanation");
  lua_getfield(L, index, "references");
  int list = lua_gettop(L);
  finding->reference_count = lua_rawlen(L, list);
  debrief_reference *references = take(b, finding->reference_count, sizeof *references);
  for (size_t i = 0; i < finding->reference_count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    references[i].session = text_of(b, list + 1, "session").data;
    references[i].line = dbf_table_count(b->L, list + 1, "line");
    lua_settop(L, list);
  }
  finding->references = references;
}

static void fill_report(builder *b, int index, void *to) {
  debrief_report *report = to;
  report->plugin = text_of(b, index, "plugin").data;
  report->title = text_of(b, index, "title");
  report->text = text_of(b, index, "text");
  report->incomplete = dbf_table_count(b->L, index, "incomplete");
  report->tables = LIST(b, index, "tables", debrief_table, fill_table, &report->table_count);
  report->findings = LIST(b, index, "findings", debrief_finding, fill_finding, &report->finding_count);
}

static void fill_diagnostic(builder *b, int index, void *to) {
  debrief_diagnostic *diagnostic = to;
  dbf_diagnostic_of(b->L, index, diagnostic);
  diagnostic->path = copy_name(b, diagnostic->path);
  diagnostic->message = copy_name(b, diagnostic->message);
}

static void fill_problem(builder *b, int index, void *to) {
  debrief_problem *problem = to;
  dbf_problem_of(b->L, index, problem);
  problem->plugin = copy_name(b, problem->plugin);
  problem->hook = copy_name(b, problem->hook);
  problem->session = copy_name(b, problem->session);
  problem->message = copy_name(b, problem->message);
  problem->traceback = copy_name(b, problem->traceback);
}

void dbf_result_fill(lua_State *L, int index, debrief_result *result) {
  builder b = {L, (whole *)result};
  index = lua_absindex(L, index);
  result->entries = dbf_table_count(L, index, "entries");
  result->sessions = dbf_table_count(L, index, "sessions");
  result->diagnostics_dropped = dbf_table_count(L, index, "dropped");
  result->reports = LIST(&b, index, "reports", debrief_report, fill_report, &result->report_count);
  result->diagnostics =
      LIST(&b, index, "diagnostics", debrief_diagnostic, fill_diagnostic, &result->diagnostic_count);
  result->problems = LIST(&b, index, "problems", debrief_problem, fill_problem, &result->problem_count);
}
