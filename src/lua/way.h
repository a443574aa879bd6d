/* way.h: what a user names of an entry, found without Lua: a member, a way into it, a virtual field, and a comparison of
 * one with a constant.
 *
 *     skill    attempts.-1.model    input.task    week    duration_ms > 60000
 *
 * The same answers as debrief.measure.value, .entry.path and .entry.virtual have in Lua. */
#ifndef DBF_WAY_H
#define DBF_WAY_H

#include "subject.h"

#include <lua.h>

typedef enum dbf_virtual {
  DBF_VIRTUAL_NONE,
  DBF_VIRTUAL_OUTCOME,
  DBF_VIRTUAL_PASSED,
  DBF_VIRTUAL_FIRST_TRY,
  DBF_VIRTUAL_ATTEMPT_COUNT,
  DBF_VIRTUAL_LOST_MS,
  DBF_VIRTUAL_SESSION,
  DBF_VIRTUAL_LINE,
  DBF_VIRTUAL_DAY,
  DBF_VIRTUAL_WEEK,
  DBF_VIRTUAL_MONTH,
  DBF_VIRTUAL_HOUR,
  DBF_VIRTUAL_WEEKDAY,
  DBF_VIRTUAL_GAP_MS,
  DBF_VIRTUAL_SUBAGENT
} dbf_virtual;

enum { DBF_WAY_PARTS = 16, DBF_WAY_PERIODS = 1024 };

typedef struct dbf_way_part {
  const char *text;
  size_t len;
  bool is_index;
  int64_t index;
} dbf_way_part;

/* The name of the period that a quarter of an hour is in: offsets of zones are multiples of one. */
typedef struct dbf_way_period {
  int64_t quarter; /* since 1970; INT64_MIN: free */
  uint8_t len;
  char text[15];
} dbf_way_period;

typedef struct dbf_way {
  const char *text; /* whole, kept alive by whoever made it */
  size_t len;
  dbf_way_part parts[DBF_WAY_PARTS];
  size_t count;
  int known, first_known; /* a dbf_known, or -1: the whole way, its first part */
  int known_attempt;      /* a dbf_known_attempt, or -1 */
  dbf_virtual virtual;
  bool own;      /* of an item: never looked for in its entry */
  bool expected; /* to ask for it is never a mistake */
  bool hit;      /* some entry had it */
  dbf_way_period
      *periods; /* DBF_WAY_PERIODS of them, for the names of days and their like; NULL: not one of these */
  dbf_bytes room;
} dbf_way;

/* Read { text =, own =, expected =, virtual = } at the top of the stack, which keeps the texts alive. False: it has too
 * many parts, or there is no memory. */
bool dbf_way_read(lua_State *L, dbf_way *way);
void dbf_way_release(dbf_way *way);

/* Make `to` another one of it, with the same texts. False: no memory; it is to be released all the same. */
bool dbf_way_copy(dbf_way *to, const dbf_way *way);

/* Its value. `item`: what names are of first; NULL: the entry. *missed: the entry does not have it, which may be a mistake
 * of the user's (debrief.entry.asked). */
dbf_value dbf_way_get(dbf_way *way, const dbf_subject *s, const dbf_item *item, bool *missed);

/* Push an array of the names that some entry had. */
void dbf_way_push_hits(lua_State *L, const dbf_way *ways, size_t count);

typedef enum dbf_sign {
  DBF_BARE, /* no comparison */
  DBF_EQUAL,
  DBF_UNEQUAL,
  DBF_LESS,
  DBF_LESS_EQUAL,
  DBF_GREATER,
  DBF_GREATER_EQUAL,
  DBF_NOT /* of what the way leads to */
} dbf_sign;

/* A way, or its comparison with a constant, as debrief.measure.value has them. */
typedef struct dbf_term {
  dbf_way *way;
  dbf_sign sign;
  dbf_value constant;
} dbf_term;

/* Read { way = number, sign =, constant = } at the top of the stack, which keeps its texts alive. False: there is no such
 * way. */
bool dbf_term_read(lua_State *L, dbf_way *ways, size_t count, dbf_term *term);

/* Nothing where the way leads to nothing. Texts are ordered as the state orders them. */
dbf_value dbf_term_get(lua_State *L, const dbf_term *term, const dbf_subject *s, const dbf_item *item,
                       bool *missed);

#endif
