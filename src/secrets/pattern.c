#include "pattern.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_REPEATS = 255, DEEPEST = 32, MOST_SETS = 128 };

typedef enum opcode { SET, SPLIT, JUMP, LINE_BEGIN, LINE_END, WORD_EDGE, MATCH } opcode;

/* Jumps are relative, so that a piece of program can be moved and copied as it is. */
typedef struct instruction {
  opcode op;
  int x, y; /* SET: number of the set; SPLIT: both ways; JUMP: the way */
} instruction;

typedef struct set {
  uint32_t bits[8];
} set;

typedef struct thread {
  int pc;
  size_t from;
} thread;

struct dbf_pattern {
  instruction program[DBF_PATTERN_SIZE + 1];
  int size;
  set sets[MOST_SETS];
  int set_count;
  bool any_begin; /* it may begin with an assertion: no byte can be skipped */
  set first;      /* what it may begin with */
  thread waiting[DBF_PATTERN_SIZE + 1], running[DBF_PATTERN_SIZE + 1];
  int waiting_count, running_count;
  uint32_t seen[DBF_PATTERN_SIZE + 1], round; /* a pc was reached in this round */
  int before;                                 /* the byte before, or DBF_PATTERN_WALL */
};

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

typedef struct parser {
  dbf_pattern *out;
  const char *begin, *p;
  bool fold;
  int depth;
  dbf_pattern_error *error;
} parser;

static bool fail(parser *s, const char *what) {
  if (!s->error->what) *s->error = (dbf_pattern_error){what, (size_t)(s->p - s->begin)};
  return false;
}

static bool emit(parser *s, opcode op, int x, int y) {
  if (s->out->size >= DBF_PATTERN_SIZE) return fail(s, "the pattern is too large");
  s->out->program[s->out->size++] = (instruction){op, x, y};
  return true;
}

/* Room for `count` instructions at `at`. */
static bool insert(parser *s, int at, int count) {
  if (s->out->size + count > DBF_PATTERN_SIZE) return fail(s, "the pattern is too large");
  memmove(s->out->program + at + count, s->out->program + at,
          (size_t)(s->out->size - at) * sizeof(instruction));
  s->out->size += count;
  return true;
}

static void set_add(set *one, int c) {
  one->bits[c >> 5] |= (uint32_t)1 << (c & 31);
}

static bool set_has(const set *one, int c) {
  return one->bits[c >> 5] >> (c & 31) & 1;
}

static bool is_word(int c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool in_class(char class, int c) {
  switch (class) {
  case 'd': return c >= '0' && c <= '9';
  case 'w': return is_word(c);
  case 's': return c == ' ' || (c >= '\t' && c <= '\r');
  case 'D':
  case 'W':
  case 'S': return !in_class((char)(class | 0x20), c);
  default: return false;
  }
}

static void set_add_class(set *one, char class) {
  for (int c = 0; c < 256; c++)
    if (in_class(class, c)) set_add(one, c);
}

static int escaped(char c) {
  return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : (unsigned char)c;
}

static bool emit_set(parser *s, const set *one) {
  set folded = *one;
  for (int c = 'a'; s->fold && c <= 'z'; c++)
    if (set_has(one, c) || set_has(one, c - 32)) set_add(&folded, c), set_add(&folded, c - 32);
  for (int i = 0; i < s->out->set_count; i++)
    if (memcmp(&s->out->sets[i], &folded, sizeof folded) == 0) return emit(s, SET, i, 0);
  if (s->out->set_count == MOST_SETS) return fail(s, "the pattern has too many classes");
  s->out->sets[s->out->set_count] = folded;
  return emit(s, SET, s->out->set_count++, 0);
}

/* One character of a class, or a whole class (then -1), or -2 for an error. */
static int class_item(parser *s, set *one) {
  if (*s->p != '\\') return (unsigned char)*s->p++;
  char c = *++s->p;
  if (!c) return fail(s, "nothing after the backslash"), -2;
  s->p++;
  if (!strchr("dDwWsS", c)) return escaped(c);
  set_add_class(one, c);
  return -1;
}

/* p is past the '['. */
static bool read_class(parser *s) {
  set one = {{0}};
  bool negated = *s->p == '^', first = true;
  for (s->p += negated; *s->p && (first || *s->p != ']'); first = false) {
    int from = class_item(s, &one), to = from;
    if (from == -2) return false;
    if (from >= 0 && s->p[0] == '-' && s->p[1] && s->p[1] != ']') {
      s->p++;
      to = class_item(s, &one);
      if (to < from) return fail(s, "this range has no order");
    }
    for (int c = from; c >= 0 && c <= to; c++) set_add(&one, c);
  }
  if (*s->p++ != ']') return s->p--, fail(s, "a class without its ']'");
  for (int i = 0; negated && i < 8; i++) one.bits[i] = ~one.bits[i];
  return emit_set(s, &one);
}

static bool read_either(parser *s);

static bool read_group(parser *s) {
  if (s->p[0] == '?' && s->p[1] == ':') s->p += 2;
  if (*s->p == '?') return fail(s, "only (?:...) is known, and (?i) at the beginning");
  if (++s->depth > DEEPEST) return fail(s, "too many parentheses within each other");
  if (!read_either(s)) return false;
  s->depth--;
  if (*s->p != ')') return fail(s, "a '(' without its ')'");
  s->p++;
  return true;
}

static bool read_escape(parser *s) {
  set one = {{0}};
  char c = *s->p;
  if (!c) return fail(s, "nothing after the backslash");
  if (c >= '1' && c <= '9')
    return fail(s, "back references are not supported: they take more than linear time");
  s->p++;
  if (c == 'b') return emit(s, WORD_EDGE, 0, 0);
  if (strchr("dDwWsS", c)) set_add_class(&one, c);
  else set_add(&one, escaped(c));
  return emit_set(s, &one);
}

static bool read_atom(parser *s) {
  set one = {{0}};
  char c = *s->p;
  if (strchr("*+?{", c)) return fail(s, "nothing to repeat");
  s->p++;
  switch (c) {
  case '(': return read_group(s);
  case '[': return read_class(s);
  case '\\': return read_escape(s);
  case '^': return emit(s, LINE_BEGIN, 0, 0);
  case '$': return emit(s, LINE_END, 0, 0);
  case '.':
    for (int i = 0; i < 256; i++)
      if (i != '\n') set_add(&one, i);
    return emit_set(s, &one);
  default: set_add(&one, (unsigned char)c); return emit_set(s, &one);
  }
}

static bool append_copy(parser *s, int from, int count) {
  if (s->out->size + count > DBF_PATTERN_SIZE) return fail(s, "the pattern is too large");
  memmove(s->out->program + s->out->size, s->out->program + from, (size_t)count * sizeof(instruction));
  s->out->size += count;
  return true;
}

/* The piece from `from` on, at least `least` times and at most `most` (-1: any number). */
static bool repeat(parser *s, int from, int least, int most) {
  int count = s->out->size - from;
  dbf_pattern *out = s->out;
  if (most == 0) return out->size = from, true;
  for (int i = 1; i < least; i++)
    if (!append_copy(s, from, count)) return false;
  if (most < 0) {
    int last = out->size - count;
    if (least > 0) return emit(s, SPLIT, last - out->size, 1);
    if (!insert(s, from, 1)) return false;
    out->program[from] = (instruction){SPLIT, 1, count + 2};
    return emit(s, JUMP, -count - 1, 0);
  }
  if (least == 0) {
    if (!insert(s, from, 1)) return false;
    out->program[from] = (instruction){SPLIT, 1, count + 1};
    from++;
    least = 1;
  }
  for (int i = least; i < most; i++)
    if (!emit(s, SPLIT, 1, count + 1) || !append_copy(s, from, count)) return false;
  return true;
}

static bool read_number(parser *s, int *value) {
  const char *begin = s->p;
  for (*value = 0; *s->p >= '0' && *s->p <= '9'; s->p++) {
    *value = *value * 10 + *s->p - '0';
    if (*value > MOST_REPEATS) return fail(s, "repeated more than 255 times");
  }
  return s->p > begin || fail(s, "a number is missing in {}");
}

/* p is past the '{'. */
static bool read_counts(parser *s, int *least, int *most) {
  if (!read_number(s, least)) return false;
  *most = *least;
  if (*s->p == ',') {
    s->p++;
    *most = -1;
    if (*s->p != '}' && !read_number(s, most)) return false;
  }
  if (*s->p != '}') return fail(s, "a '{' without its '}'");
  if (*most >= 0 && *most < *least) return fail(s, "these numbers have no order");
  s->p++;
  return true;
}

static bool read_repeated(parser *s) {
  int from = s->out->size, least = 1, most = 1;
  if (!read_atom(s)) return false;
  while (*s->p && strchr("*+?{", *s->p)) {
    char c = *s->p++;
    least = c == '+';
    most = c == '?' ? 1 : -1;
    if (c == '{' && !read_counts(s, &least, &most)) return false;
    if (*s->p == '?') s->p++; /* lazy: all of it goes anyway */
    if (!repeat(s, from, least, most)) return false;
  }
  return true;
}

static bool read_either(parser *s) {
  int from = s->out->size;
  while (*s->p && *s->p != '|' && *s->p != ')')
    if (!read_repeated(s)) return false;
  if (*s->p != '|') return true;
  int left = s->out->size - from;
  s->p++;
  if (!insert(s, from, 1) || !emit(s, JUMP, 0, 0)) return false;
  s->out->program[from] = (instruction){SPLIT, 1, left + 2};
  int jump = s->out->size - 1;
  if (!read_either(s)) return false;
  s->out->program[jump].x = s->out->size - jump;
  return true;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static bool holds(const dbf_pattern *m, opcode op, int next) {
  bool begin = m->before == DBF_PATTERN_WALL || m->before == '\n';
  bool end = next < 0 || next == DBF_PATTERN_WALL || next == '\n';
  if (op == LINE_BEGIN) return begin;
  if (op == LINE_END) return end;
  return is_word(m->before) != (next >= 0 && is_word(next));
}

/* Everything that is reached from `pc` without a byte, in running. Those that came first began first, so a pc that is
 * there already stays as it is. A stack instead of recursion: a way may be as long as the program. */
static void reach(dbf_pattern *m, int pc, size_t from, int next) {
  int stack[2 * DBF_PATTERN_SIZE + 4], depth = 0;
  stack[depth++] = pc;
  while (depth > 0) {
    pc = stack[--depth];
    if (m->seen[pc] == m->round) continue;
    m->seen[pc] = m->round;
    const instruction *i = &m->program[pc];
    if (i->op == SET || i->op == MATCH) m->running[m->running_count++] = (thread){pc, from};
    else if (i->op == JUMP) stack[depth++] = pc + i->x;
    else if (i->op == SPLIT) stack[depth++] = pc + i->y, stack[depth++] = pc + i->x;
    else if (holds(m, i->op, next)) stack[depth++] = pc + 1;
  }
}

void dbf_pattern_begin(dbf_pattern *m) {
  m->waiting_count = 0;
  m->before = DBF_PATTERN_WALL;
}

bool dbf_pattern_feed(dbf_pattern *m, size_t at, int byte, size_t *from) {
  bool found = false, can_begin = byte >= 0 && byte < 256 && (m->any_begin || set_has(&m->first, byte));
  if (m->waiting_count == 0 && !can_begin) return m->before = byte, false;
  if (++m->round == 0) memset(m->seen, 0, sizeof m->seen), m->round = 1;
  m->running_count = 0;
  for (int i = 0; i < m->waiting_count; i++) reach(m, m->waiting[i].pc, m->waiting[i].from, byte);
  if (can_begin) reach(m, 0, at, byte);
  m->waiting_count = 0;
  for (int i = 0; i < m->running_count; i++) {
    const thread *one = &m->running[i];
    const instruction *ins = &m->program[one->pc];
    if (ins->op == MATCH) {
      if (one->from < at) *from = one->from, found = true;
    } else if (byte >= 0 && byte < 256 && set_has(&m->sets[ins->x], byte)) {
      m->waiting[m->waiting_count++] = (thread){one->pc + 1, one->from};
    }
  }
  m->before = byte;
  return found;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* What it may begin with, by way of the machine itself. */
static void find_first(dbf_pattern *m) {
  for (int pc = 0; pc < m->size; pc++)
    if (m->program[pc].op >= LINE_BEGIN && m->program[pc].op <= WORD_EDGE) m->any_begin = true;
  m->round = 1;
  reach(m, 0, 0, -1);
  for (int i = 0; i < m->running_count; i++) {
    const instruction *ins = &m->program[m->running[i].pc];
    if (ins->op != SET) continue;
    for (int k = 0; k < 8; k++) m->first.bits[k] |= m->sets[ins->x].bits[k];
  }
}

dbf_pattern *dbf_pattern_new(const char *text, dbf_pattern_error *error) {
  dbf_pattern *m = calloc(1, sizeof *m);
  parser s = {.out = m, .begin = text, .p = text, .error = error};
  *error = (dbf_pattern_error){NULL, 0};
  if (!m) return error->what = "not enough memory", NULL;
  if (strncmp(text, "(?i)", 4) == 0) s.p += 4, s.fold = true;
  bool ok = *s.p ? read_either(&s) : fail(&s, "the pattern is empty");
  if (ok && *s.p == ')') ok = fail(&s, "a ')' without its '('");
  if (!ok) return free(m), NULL;
  m->program[m->size] = (instruction){MATCH, 0, 0};
  find_first(m);
  dbf_pattern_begin(m);
  return m;
}

void dbf_pattern_free(dbf_pattern *m) {
  free(m);
}
