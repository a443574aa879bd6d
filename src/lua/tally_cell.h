/* tally_cell.h: the aggregates of a table while C counts them. Each becomes the state that debrief.retro.aggregate has for
 * the same values, and is merged into one.
 *
 *     add, add, add -> cell ... push -> { aggregate = "rate", num = 3, den = 4 } */
#ifndef DBF_TALLY_CELL_H
#define DBF_TALLY_CELL_H

#include "subject.h"

#include <lua.h>

typedef enum dbf_cell_kind {
  DBF_CELL_COUNT,
  DBF_CELL_RATE,
  DBF_CELL_SUM,
  DBF_CELL_MEAN,
  DBF_CELL_QUANTILES,
  DBF_CELL_MIN,
  DBF_CELL_MAX,
  DBF_CELL_DISTINCT,
  DBF_CELL_FIRST,
  DBF_CELL_LAST
} dbf_cell_kind;

typedef struct dbf_quantiles dbf_quantiles;

typedef struct dbf_cell {
  int64_t n, num;         /* how many values; of a rate: n is den */
  int64_t integer, carry; /* sum: of integers, with what 64 bits do not hold */
  double *parts;          /* sum: of floats, parts that do not overlap */
  uint32_t part_count, part_cap;
  bool has_parts; /* a float came */
  bool more;      /* distinct: more than its limit */
  bool has_at;
  int64_t at; /* first, last: ns */
  dbf_quantiles *quantiles;
  int place; /* min, max, distinct, first, last: what they keep, in the table of the tally; 0: nothing */
} dbf_cell;

void dbf_cell_release(dbf_cell *cell);

/* Can a value be added to cells of this kind? If not, Lua says what is wrong. */
bool dbf_cell_takes(dbf_cell_kind kind, const dbf_value *value);

/* Add a value that can be; what there is nothing of adds nothing. `kept` is the index of the table of the tally. False: no
 * memory. For first and last: `at`, where `has_at`. */
bool dbf_cell_add(lua_State *L, int kept, dbf_cell_kind kind, dbf_cell *cell, const dbf_value *value,
                  bool has_at, int64_t at);

/* Push the state. */
void dbf_cell_push(lua_State *L, int kept, dbf_cell_kind kind, const dbf_cell *cell);

/* Push a value as Lua has it. */
void dbf_cell_push_value(lua_State *L, const dbf_value *value);

/* Push a value as a key (debrief.retro.aggregate.plain): a text or an integer. */
void dbf_cell_push_key(lua_State *L, const dbf_value *value);

/* As such a key: an integer, or a text, which may stand in `room`, of 32 bytes. */
dbf_value dbf_cell_key(const dbf_value *value, char *room);

#endif
