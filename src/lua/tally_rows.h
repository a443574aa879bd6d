/* tally_rows.h: the rows of a table while C counts them, found by their keys.
 *
 *     "s" 6 "review" "s" 2 "ok"  ->  row 0: runs, cells …       keys as bytes: 'i' and 8 of them, or 's', a length, a text */
#ifndef DBF_TALLY_ROWS_H
#define DBF_TALLY_ROWS_H

#include "tally_cell.h"

#include <stddef.h>

typedef struct dbf_tally_row {
  uint64_t hash, entry; /* entry: the last one that it counted */
  size_t key, key_len;  /* in `keys` */
  int64_t runs;
} dbf_tally_row;

typedef struct dbf_tally_rows {
  dbf_tally_row *rows;
  dbf_cell *cells; /* as many for each row as there are columns */
  uint32_t *slots; /* number of a row + 1, 0: free */
  size_t count, cap, slot_count;
  dbf_bytes keys;
} dbf_tally_rows;

/* Forget all rows. */
void dbf_tally_rows_release(dbf_tally_rows *rows, size_t columns);

/* The number of the row with this key, made when it is new; -1: no memory. */
ptrdiff_t dbf_tally_rows_at(dbf_tally_rows *rows, uint64_t hash, const char *key, size_t len, size_t columns);

/* Append a value as a key. */
void dbf_tally_rows_add_key(dbf_bytes *out, const dbf_value *value);

/* Push the key at `p`; the byte after it. */
const char *dbf_tally_rows_push_key(lua_State *L, const char *p);

#endif
