#include "aggregate.h"
#include "exact_sum.h"
#include "lua_value.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Keys of states as upvalues, so that none is hashed at each call: upvalue 1 is a `known_names`, which knows kinds by the
 * address of their one copy in the state, and each key has the upvalue of its number. */
enum {
  NAMES = 1,
  AGGREGATE,
  N,
  NUM,
  DEN,
  I,
  PARTS,
  VALUE,
  VALUES,
  MIN,
  MAX,
  ZERO,
  ABOVE,
  BELOW,
  WHOLE,
  LIMIT,
  MORE,
  KEYS,
  GROUPS,
  LAST, /* and its upvalue the function for what is unusual */
};

static const char *const keys[LAST] = {[AGGREGATE] = "aggregate",
                                       [N] = "n",
                                       [NUM] = "num",
                                       [DEN] = "den",
                                       [I] = "i",
                                       [PARTS] = "p",
                                       [VALUE] = "value",
                                       [VALUES] = "values",
                                       [MIN] = "min",
                                       [MAX] = "max",
                                       [ZERO] = "zero",
                                       [ABOVE] = "above",
                                       [BELOW] = "below",
                                       [WHOLE] = "whole",
                                       [LIMIT] = "limit",
                                       [MORE] = "more",
                                       [KEYS] = "keys",
                                       [GROUPS] = "groups"};

typedef enum kind { COUNT, RATE, SUM, MEAN, QUANTILES, LEAST, MOST, DISTINCT, BY, KINDS } kind;

static const char *const kind_names[KINDS] = {"count", "rate", "sum",      "mean", "quantiles",
                                              "min",   "max",  "distinct", "by"};

typedef struct known_names {
  const void *kinds[KINDS];
  double log_gamma; /* of quantiles */
} known_names;

enum { EXACT = 100, MOST_PARTS = 64 };

/* ---- Members of a state ---------------------------------------------------------------------------------------------- */

/* Each call of Lua's costs 40 to 80 instructions, and an aggregate is added to several times for each entry: members are
 * looked at on the stack, where they stay until the function returns, and keys are pushed before values. */

/* Push the member of the state at 1. */
static inline int get(lua_State *L, int key) {
  lua_pushvalue(L, lua_upvalueindex(key));
  return lua_rawget(L, 1);
}

/* Set it to the value at `index`. */
static inline void set(lua_State *L, int key, int index) {
  lua_pushvalue(L, lua_upvalueindex(key));
  lua_pushvalue(L, index);
  lua_rawset(L, 1);
}

/* An integer member; false if it is something else. It stays on the stack. */
static inline bool get_integer(lua_State *L, int key, lua_Integer *value) {
  int is;
  if (get(L, key) != LUA_TNUMBER || !lua_isinteger(L, -1)) return false;
  *value = lua_tointegerx(L, -1, &is);
  return true;
}

static inline void set_integer(lua_State *L, int key, lua_Integer value) {
  lua_pushvalue(L, lua_upvalueindex(key));
  lua_pushinteger(L, value);
  lua_rawset(L, 1);
}

/* The kind of the plain table at 1; KINDS if it is not one of ours. */
static kind kind_of(lua_State *L, const known_names *n) {
  if (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1)) return KINDS;
  kind k = COUNT;
  const void *name = get(L, AGGREGATE) == LUA_TSTRING ? lua_topointer(L, -1) : NULL;
  while (k < KINDS && n->kinds[k] != name) k++;
  return k;
}

static bool is_nothing(lua_State *L, int index) {
  return lua_isnoneornil(L, index) || dbf_lua_value_is_null(L, index);
}

/* ---- Kinds ------------------------------------------------------------------------------------------------------------ */

static bool add_count(lua_State *L) {
  lua_Integer n, more = 1;
  if (!get_integer(L, N, &n)) return false;
  if (!lua_isnoneornil(L, 2)) {
    if (!lua_isinteger(L, 2)) return false;
    more = lua_tointeger(L, 2);
  }
  set_integer(L, N, (lua_Integer)((lua_Unsigned)n + (lua_Unsigned)more));
  return true;
}

static bool add_rate(lua_State *L) {
  lua_Integer num, den;
  if (!lua_isboolean(L, 2) || !get_integer(L, DEN, &den) || !get_integer(L, NUM, &num)) return false;
  set_integer(L, DEN, den + 1);
  if (lua_toboolean(L, 2)) set_integer(L, NUM, num + 1);
  return true;
}

static bool add_part(lua_State *L, double x) {
  double parts[MOST_PARTS + 1];
  size_t count = 0;
  if (get(L, PARTS) == LUA_TTABLE) count = lua_rawlen(L, -1);
  else if (lua_isnil(L, -1)) {
    lua_newtable(L);
    set(L, PARTS, lua_gettop(L));
  } else return false;
  if (count > MOST_PARTS) return false;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    parts[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  size_t now = dbf_exact_sum_add(parts, count, x);
  if (!isfinite(parts[now - 1])) return false; /* nothing is changed yet */
  for (size_t i = 0; i < now; i++) {
    lua_pushnumber(L, parts[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  for (size_t i = count; i > now; i--) {
    lua_pushnil(L);
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  return true;
}

static bool add_sum(lua_State *L) {
  lua_Integer n, i;
  if (lua_type(L, 2) != LUA_TNUMBER || !get_integer(L, N, &n)) return false;
  if (lua_isinteger(L, 2)) {
    if (!get_integer(L, I, &i) || __builtin_add_overflow(i, lua_tointeger(L, 2), &i)) return false;
    set_integer(L, I, i);
  } else {
    double x = lua_tonumber(L, 2);
    if (!isfinite(x) || !add_part(L, x == 0 ? 0.0 : x)) return false;
  }
  set_integer(L, N, n + 1);
  return true;
}

/* Is the number at `a` less than the one at `b`? Of 1 and 1.0 the integer. */
static bool is_less(lua_State *L, int a, int b) {
  if (lua_compare(L, a, b, LUA_OPLT)) return true;
  return lua_isinteger(L, a) && !lua_isinteger(L, b) && lua_compare(L, a, b, LUA_OPEQ);
}

static bool add_extreme(lua_State *L, bool least) {
  int type = lua_type(L, 2), before;
  if ((type != LUA_TNUMBER && type != LUA_TSTRING) || !lua_compare(L, 2, 2, LUA_OPEQ)) return false; /* NaN */
  before = get(L, VALUE);
  int value = lua_gettop(L);
  bool wins = before == LUA_TNIL;
  if (!wins && before != type) return false;
  if (!wins && type == LUA_TNUMBER) wins = least ? is_less(L, 2, value) : is_less(L, value, 2);
  else if (!wins) wins = least ? lua_compare(L, 2, value, LUA_OPLT) : lua_compare(L, value, 2, LUA_OPLT);
  if (!wins) return true;
  set(L, VALUE, 2);
  return true;
}

/* One more in the bucket of the table that is the member `side`. */
static bool count_bucket(lua_State *L, int side, lua_Integer bucket) {
  if (get(L, side) != LUA_TTABLE) return false;
  lua_rawgeti(L, -1, bucket);
  lua_Integer n = lua_tointeger(L, -1);
  lua_pushinteger(L, n + 1);
  lua_rawseti(L, -3, bucket);
  return true;
}

/* More than EXACT values: they are counted. The number is at `number`. */
static bool count_value(lua_State *L, const known_names *known, int number) {
  double x = lua_tonumber(L, number);
  if (get(L, MIN) != LUA_TNUMBER || get(L, MAX) != LUA_TNUMBER) return false;
  int min = lua_gettop(L) - 1, max = min + 1;
  if (x == 0) {
    lua_Integer zero;
    if (!get_integer(L, ZERO, &zero)) return false;
    set_integer(L, ZERO, zero + 1);
  } else if (!count_bucket(L, x > 0 ? ABOVE : BELOW, (lua_Integer)ceil(log(fabs(x)) / known->log_gamma))) {
    return false;
  }
  if (is_less(L, number, min)) { set(L, MIN, number); }
  if (is_less(L, max, number)) { set(L, MAX, number); }
  if (!lua_isinteger(L, number)) {
    lua_pushboolean(L, false);
    set(L, WHOLE, lua_gettop(L));
  }
  return true;
}

static bool add_quantile(lua_State *L, const known_names *known) {
  lua_Integer n;
  if (lua_type(L, 2) != LUA_TNUMBER || !get_integer(L, N, &n)) return false;
  if (!lua_isinteger(L, 2) && !isfinite(lua_tonumber(L, 2))) return false;
  bool zero = !lua_isinteger(L, 2) && lua_tonumber(L, 2) == 0;
  if (zero) lua_pushnumber(L, 0.0); /* not -0.0 */
  else lua_pushvalue(L, 2);
  int number = lua_gettop(L);
  if (get(L, VALUES) == LUA_TTABLE) {
    if (n >= EXACT || (lua_Integer)lua_rawlen(L, -1) != n) return false;
    lua_pushvalue(L, number);
    lua_rawseti(L, -2, n + 1);
  } else if (!count_value(L, known, number)) {
    return false;
  }
  set_integer(L, N, n + 1);
  return true;
}

static bool add_distinct(lua_State *L) {
  lua_Integer n, limit;
  if (lua_type(L, 2) != LUA_TSTRING && !lua_isinteger(L, 2)) return false;
  if (get(L, MORE) != LUA_TNIL || get(L, KEYS) != LUA_TTABLE) return false;
  int table = lua_gettop(L);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, table) != LUA_TNIL) return true;
  if (!get_integer(L, N, &n) || !get_integer(L, LIMIT, &limit) || n >= limit) return false;
  lua_pushvalue(L, 2);
  lua_pushboolean(L, true);
  lua_rawset(L, table);
  set_integer(L, N, n + 1);
  return true;
}

/* ---- Both functions ---------------------------------------------------------------------------------------------------- */

static bool add(lua_State *L, const known_names *known, kind k) {
  switch (k) {
  case COUNT: return add_count(L);
  case RATE: return add_rate(L);
  case SUM:
  case MEAN: return add_sum(L);
  case QUANTILES: return add_quantile(L, known);
  case LEAST: return add_extreme(L, true);
  case MOST: return add_extreme(L, false);
  case DISTINCT: return add_distinct(L);
  default: return false;
  }
}

/* Call the function for what is unusual with the arguments of this one. */
static int leave(lua_State *L, int arguments) {
  lua_settop(L, arguments);
  lua_pushvalue(L, lua_upvalueindex(LAST));
  lua_insert(L, 1);
  lua_call(L, arguments, LUA_MULTRET);
  return lua_gettop(L);
}

static int l_add(lua_State *L) {
  const known_names *known = lua_touserdata(L, lua_upvalueindex(NAMES));
  int arguments = lua_gettop(L);
  if (arguments < 2) lua_settop(L, 2);
  kind k = kind_of(L, known);
  if (k != KINDS && k != BY && k != COUNT && is_nothing(L, 2)) return 0;
  return add(L, known, k) ? 0 : leave(L, arguments);
}

static int l_at(lua_State *L) {
  const known_names *known = lua_touserdata(L, lua_upvalueindex(NAMES));
  int arguments = lua_gettop(L);
  if (arguments < 2) lua_settop(L, 2);
  if (kind_of(L, known) != BY || get(L, GROUPS) != LUA_TTABLE) return leave(L, arguments);
  if (is_nothing(L, 2)) lua_pushliteral(L, "");
  else if (lua_type(L, 2) == LUA_TSTRING || lua_isinteger(L, 2)) lua_pushvalue(L, 2);
  else return leave(L, arguments);
  return lua_rawget(L, -2) == LUA_TTABLE ? 1 : leave(L, arguments);
}

/* A closure with the keys, and the function at 1 for what is unusual. */
static int push_closure(lua_State *L, lua_CFunction function) {
  static const volatile double gamma = 1.01 / 0.99;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  known_names *n = lua_newuserdatauv(L, sizeof *n, KINDS);
  n->log_gamma = log(gamma);
  for (int k = 0; k < KINDS; k++) {
    lua_pushstring(L, kind_names[k]);
    n->kinds[k] = lua_topointer(L, -1);
    lua_setiuservalue(L, -2, k + 1);
  }
  for (int key = AGGREGATE; key < LAST; key++) lua_pushstring(L, keys[key]);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, function, LAST);
  return 1;
}

static int l_aggregate_add(lua_State *L) {
  return push_closure(L, l_add);
}

static int l_aggregate_at(lua_State *L) {
  return push_closure(L, l_at);
}

void dbf_aggregate_register(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"aggregate_add", l_aggregate_add}, {"aggregate_at", l_aggregate_at}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
