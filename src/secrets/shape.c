#include "shape.h"
#include "view.h"

/* Lines that one token may be broken into: what is longer is found by its beginning, and the rest stays. */
enum { MOST_LINES = 48, LONG_RUN = 64, MOST_MEASURED = 128 };

/* Columns that characters are counted in, above their class. */
enum { SYMBOLS, DIGITS, SMALL, CAPITALS, BLANKS, FOREIGN, COLUMN_AT = 24 };
#define IN(column) ((uint32_t)(column) << COLUMN_AT)

#define D  DBF_DIGIT | IN(DIGITS),
#define A  DBF_HEX_UPPER | IN(CAPITALS),
#define U  DBF_UPPER | IN(CAPITALS),
#define a  DBF_HEX_LOWER | IN(SMALL),
#define l  DBF_LOWER | IN(SMALL),
#define B  DBF_BLANK | IN(BLANKS),
#define S  DBF_SYMBOL,
#define E  DBF_END,
#define X  DBF_ENCODED,
#define F  DBF_FOREIGN | IN(FOREIGN),
#define F8 F F F F F F F F
#define F4 F8 F8 F8 F8

/* Of a byte of text. What is encoded is what it stands for, and encoded. */
const uint32_t dbf_shape_class[256] = {
    /* 00 */ E E E X X X X X X X DBF_NEWLINE,
    DBF_PLUS | DBF_ENCODED,
    X S S DBF_PLUS | DBF_ENCODED,
    /* 10 */ X X X S S S S S S S X X X DBF_EQUALS | DBF_ENCODED,
    X X
        /* 20 */ B S DBF_QUOTE,
    S S S S DBF_QUOTE,
    S S S DBF_PLUS,
    S DBF_HYPHEN,
    DBF_POINT,
    DBF_PLUS,
    /* 30 */ D D D D D D D D D D S S S DBF_EQUALS,
    S S
        /* 40 */ S A A A A A A U U U U U U U U U U U U U U U U U U U U S S S S DBF_UNDERSCORE,
    /* 60 */ DBF_QUOTE,
    a a a a a a l l l l l l l l l l l l l l l l l l l l S S S DBF_TILDE,
    S
        /* 80 */ F4 F4 F4 F4};

#undef D
#undef A
#undef U
#undef a
#undef l
#undef B
#undef S
#undef E
#undef X
#undef F
#undef F8
#undef F4

static size_t run_end(const dbf_shape_text *t, size_t at, uint32_t mask) {
  while (dbf_shape_class[t->s[at]] & mask) at++;
  return at;
}

/* The end of the text is no member of any mask used here, so a run always stops. */
size_t dbf_shape_run(dbf_shape_text *t, size_t at, uint32_t mask) {
  int slot = 0;
  for (; slot < DBF_SHAPE_MEMOS && t->memo[slot].mask; slot++) {
    if (t->memo[slot].mask != mask) continue;
    if (at >= t->memo[slot].from && at < t->memo[slot].to) return t->memo[slot].to;
    break;
  }
  size_t end = run_end(t, at, mask);
  if (end - at > LONG_RUN && slot < DBF_SHAPE_MEMOS) {
    t->memo[slot].mask = mask;
    t->memo[slot].from = at;
    t->memo[slot].to = end;
  }
  return end;
}

static bool has(const dbf_shape_text *t, size_t from, size_t to, char c) {
  while (from < to && dbf_view_plain(t->s[from]) != (unsigned char)c) from++;
  return from < to;
}

size_t dbf_shape_continued(dbf_shape_text *t, size_t at, uint32_t mask) {
  if (t->left < MOST_MEASURED) return DBF_SHAPE_NONE;
  t->left -= MOST_MEASURED;
  size_t end = dbf_shape_run(t, at, mask);
  dbf_shape_stats stats = dbf_shape_measure(t, at, end);
  unsigned char next = dbf_view_plain(t->s[end]);
  size_t name = dbf_shape_run(t, at, mask & ~(uint32_t)DBF_EQUALS);
  while (name < end && dbf_view_plain(t->s[name]) == '=') name++;
  if (next == ':' || next == '(' || next == '=' || name < end)
    return DBF_SHAPE_NONE; /* a name, and its value */
  bool is_base64 = stats.len >= 4 && (has(t, at, end, '+') || has(t, at, end, '='));
  if (!is_base64 && dbf_shape_is_wordy(t, at, end - at > 256 ? at + 256 : end)) return DBF_SHAPE_NONE;
  return stats.len >= 4 ? end : DBF_SHAPE_NONE;
}

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

/* One part of a shape: K{22} K{22!} K{22,} K{22,40} K{22+}, where + is a long one that may go on in the next lines, and
 * 22! takes so many, whatever follows. */
typedef struct part {
  uint32_t mask; /* 0: a literal */
  size_t least, most;
  bool is_long, is_exact;
  char literal;
} part;

static uint32_t mask_of(char letter) {
  switch (letter) {
  case 'D': return DBF_DIGIT;
  case 'H': return DBF_HEX;
  case 'X': return DBF_DIGIT | DBF_HEX_LOWER;
  case 'U': return DBF_CAPITAL | DBF_DIGIT;
  case 'L': return DBF_SMALL | DBF_DIGIT;
  case 'A': return DBF_ALNUM;
  case 'W': return DBF_WORD;
  case 'K': return DBF_KEY;
  case 'B': return DBF_BASE64;
  case 'P': return DBF_KEY | DBF_POINT;
  case 'R': return DBF_KEY | DBF_EQUALS;
  case 'T': return DBF_TOKEN;
  case 'Z': return DBF_ALNUM | DBF_UNDERSCORE | DBF_HYPHEN | DBF_POINT | DBF_TILDE;
  default: return 0;
  }
}

static const char *number(const char *p, size_t *value) {
  for (*value = 0; *p >= '0' && *p <= '9'; p++) *value = *value * 10 + (size_t)(*p - '0');
  return p;
}

/* The part at `shape`, which is not its end. */
static const char *next_part(const char *shape, part *out) {
  *out = (part){.literal = *shape};
  if (shape[1] != '{') return shape + 1;
  out->mask = mask_of(*shape);
  shape = number(shape + 2, &out->least);
  out->most = out->least;
  out->is_long = *shape == '+';
  out->is_exact = *shape == '!';
  if (*shape == '!') shape++;
  if (*shape == '+' || *shape == ',') {
    out->most = SIZE_MAX;
    shape++;
    if (*shape >= '0' && *shape <= '9') shape = number(shape, &out->most);
  }
  return shape + 1;
}

static bool breaks(const dbf_shape_text *t, size_t at, uint32_t mask) {
  return t->s[at] == '\n' && dbf_shape_is(t, at + 1, mask);
}

/* `count` characters of a part were read and a line ends: does the part go on in the next one? `next`: the
 * literal that follows the part, or 0. */
static bool goes_on(dbf_shape_text *t, size_t at, const part *p, size_t count, char next) {
  if (!breaks(t, at, p->mask)) return false;
  if (count < p->least ||
      (next && dbf_view_plain(t->s[dbf_shape_run(t, at + 1, p->mask)]) == (unsigned char)next))
    return true;
  return (p->is_long && dbf_shape_continued(t, at + 1, p->mask) != DBF_SHAPE_NONE);
}

/* The end of one run. A run that could be longer than `most` is another thing. */
static size_t take_run(dbf_shape_text *t, size_t at, const part *p, char next) {
  size_t count = 0;
  for (int line = 0; line < MOST_LINES; line++) {
    size_t end = dbf_shape_run(t, at, p->mask);
    if (p->is_exact && end - at > p->most - count) end = at + (p->most - count);
    count += end - at;
    at = end;
    if (p->is_exact && count == p->most) return at;
    if (count > p->most) return DBF_SHAPE_NONE;
    if (!goes_on(t, at, p, count, next)) break;
    at++;
  }
  if (dbf_shape_class[t->s[at]] & p->mask) return DBF_SHAPE_NONE;
  return count >= p->least ? at : DBF_SHAPE_NONE;
}

/* The same backwards: where a run of least..most characters that ends at `at` begins; SIZE_MAX: none. */
static size_t take_run_back(const dbf_shape_text *t, size_t at, const part *p) {
  size_t count = 0;
  while (at > 0 && count < p->most) {
    if (dbf_shape_is(t, at - 1, p->mask)) count++;
    else if (!(count < p->least && at > 1 && t->s[at - 1] == '\n' && dbf_shape_is(t, at - 2, p->mask))) break;
    at--;
  }
  bool longer = !p->is_exact && count == p->most && at > 0 && dbf_shape_is(t, at - 1, p->mask);
  return count >= p->least && !longer ? at : SIZE_MAX;
}

static size_t take_literal(const dbf_shape_text *t, size_t at, char literal) {
  if (t->s[at] == '\n' && dbf_view_plain(t->s[at + 1]) == (unsigned char)literal) at++;
  return dbf_view_plain(t->s[at]) == (unsigned char)literal ? at + 1 : DBF_SHAPE_NONE;
}

/* The character at `shape`, when it is no class. */
static char literal_at(const char *shape) {
  while (*shape == '(') shape++;
  return *shape && shape[1] != '{' && *shape != ')' ? *shape : 0;
}

/* From `shape` to its end or to a ')'. What stands in parentheses may be missing, with all that follows it. */
static size_t take(dbf_shape_text *t, const char *shape, size_t at) {
  size_t good = DBF_SHAPE_NONE;
  part p;
  while (*shape && *shape != ')') {
    if (*shape == '(') {
      good = at;
      shape++;
      continue;
    }
    shape = next_part(shape, &p);
    at = p.mask ? take_run(t, at, &p, literal_at(shape)) : take_literal(t, at, p.literal);
    if (at == DBF_SHAPE_NONE) return good;
  }
  return at;
}

size_t dbf_shape_follow(dbf_shape_text *t, const char *shape, size_t at, size_t after, size_t *from) {
  part p;
  const char *rest = next_part(shape, &p);
  *from = at;
  if (*shape && *rest == '<') {
    *from = take_run_back(t, at, &p);
    if (*from == SIZE_MAX) return DBF_SHAPE_NONE;
    shape = rest + 1;
  }
  return take(t, shape, after);
}

/* ---- Randomness -------------------------------------------------------------------------------------------------- */

/* From a digit to a letter or back: a bit for a column after another one. */
#define TURN(from, to) ((uint64_t)1 << (8 * (from) + (to)))
#define TURNS          (TURN(DIGITS, SMALL) | TURN(DIGITS, CAPITALS) | TURN(SMALL, DIGITS) | TURN(CAPITALS, DIGITS))

static size_t count_of(uint64_t counts, int column) {
  return counts >> 8 * column & 0xff;
}

/* A text full of anchors spends its time here: so everything is counted in registers, the columns in a byte each. */
dbf_shape_stats dbf_shape_measure(const dbf_shape_text *t, size_t from, size_t to) {
  dbf_shape_stats stats = {0};
  size_t run = 0;
  uint64_t counts = 0, seen_low = 0, seen_high = 0;
  unsigned before = 0, last = SYMBOLS;
  if (to - from > MOST_MEASURED) to = from + MOST_MEASURED;
  for (size_t i = from; i < to; i++) {
    unsigned c = dbf_view_plain(t->s[i]);
    if (c == '\n') continue;
    unsigned column = dbf_shape_class[c] >> COLUMN_AT;
    uint64_t bit = (uint64_t)1 << (c & 63);
    counts += (uint64_t)1 << 8 * column;
    seen_low |= c & 64 ? 0 : bit;
    seen_high |= c & 64 ? bit : 0;
    stats.turns += TURNS >> (8 * last + column) & 1;
    stats.steps += c - before <= 1;
    if (column == SMALL && (run > 0 || last == CAPITALS)) {
      run++;
    } else if (run > 0) {
      stats.runs++;
      stats.shorts += run <= 2;
      run = 0;
    }
    before = c;
    last = column;
  }
  stats.runs += run > 0;
  stats.shorts += run > 0 && run <= 2;
  stats.distinct = (size_t)__builtin_popcountll(seen_low) + (size_t)__builtin_popcountll(seen_high);
  stats.digits = count_of(counts, DIGITS);
  stats.small = count_of(counts, SMALL);
  stats.capitals = count_of(counts, CAPITALS);
  stats.blanks = count_of(counts, BLANKS);
  stats.foreign = count_of(counts, FOREIGN);
  stats.symbols = count_of(counts, SYMBOLS);
  stats.len = stats.digits + stats.small + stats.capitals + stats.blanks + stats.foreign + stats.symbols;
  return stats;
}

bool dbf_shape_is_of_odd_case(const dbf_shape_stats *s) {
  return s->capitals >= 3 && s->small >= 3 && s->shorts >= 2 && s->shorts * 2 >= s->runs;
}

bool dbf_shape_is_random(const dbf_shape_stats *s) {
  size_t letters = s->small + s->capitals;
  if (s->len < 16 || s->distinct < 8 || s->steps * 3 > s->len || s->blanks || s->foreign) return false;
  if (s->digits >= 2 && letters >= 2 && s->turns >= 3 && s->turns * 16 >= s->len) return true;
  return dbf_shape_is_of_odd_case(s) && (s->digits > 0 || s->symbols > 0 || (s->len >= 20 && s->shorts >= 3));
}

/* One part between separators, as "prod", "2024" and "v2" are, and "9fQz3" is not. */
static bool is_plain_part(const dbf_shape_text *t, size_t from, size_t to) {
  dbf_shape_stats stats = dbf_shape_measure(t, from, to);
  size_t letters = stats.small + stats.capitals;
  if (letters == 0) return stats.len <= 8;
  if (stats.len >= 8 && stats.capitals >= 3 && stats.small >= 3 && stats.shorts > 0 &&
      stats.shorts * 2 >= stats.runs)
    return false;
  return stats.digits == 0 || (stats.turns == 1 && stats.digits <= 4 && dbf_shape_is(t, from, DBF_LETTER));
}

bool dbf_shape_is_wordy(const dbf_shape_text *t, size_t from, size_t to) {
  while (from < to) {
    size_t end = from;
    while (end < to && dbf_shape_is(t, end, DBF_ALNUM)) end++;
    if (!is_plain_part(t, from, end)) return false;
    while (end < to && !dbf_shape_is(t, end, DBF_ALNUM)) end++;
    from = end;
  }
  return true;
}
