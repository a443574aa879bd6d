/* json_scan_loops.h: the scanner's loops, included once by each json_scan_<set>.c, which first defines
 *
 *     KERNEL_NAME        "avx2"
 *     STRIDE, BITS       bytes looked at together; bits of the mask that stand for one byte
 *     special_mask(p)    of STRIDE bytes at p: the lowest of BITS bits is set for each that is '"', '\\' or < 0x20
 *     look(p)            three masks of the 64 bytes at p, one bit per byte: '"', '\\', and < 0x20
 *     follows_escape(p)  mask of the 64 bytes at p that may stand after a backslash, one bit per byte
 *     starts(p, t, n)    are the n <= 32 bytes at p those of t, which has 32 readable bytes?
 *     utf8_valid(p, n)   is this UTF-8
 *
 * The byte < 0x20 after the text ends every loop, so the loops need no bound. */
#include "json_scan.h"

#include <stddef.h>

static const char *fail(dbf_json_fault *fault, const char *what, const char *at) {
  fault->what = what;
  fault->at = at;
  return NULL;
}

static inline bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const char *p, const char *end) {
  while ((unsigned char)*p <= ' ' && p < end && is_space(*p)) p++;
  return p;
}

static inline bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Which of 64 bytes does a backslash escape? In a run of backslashes every second byte, counted from the run's start;
 * an addition carries through the runs that start at odd bits and so distinguishes their ends from the others'. *carry:
 * the first byte is escaped by the block before; becomes so for the next. */
static inline uint64_t find_escaped(uint64_t backslash, uint64_t *carry) {
  const uint64_t even = 0x5555555555555555u;
  uint64_t sum;
  backslash &= ~*carry;
  uint64_t follows = backslash << 1 | *carry;
  uint64_t odd_starts = backslash & ~even & ~follows;
  *carry = __builtin_add_overflow(odd_starts, backslash, &sum);
  return (even ^ sum << 1) & follows;
}

/* The bytes at p in `escaped` stand after a backslash: may they? */
static const char *check_escapes(const char *p, uint64_t escaped, dbf_json_fault *fault) {
  uint64_t wrong = escaped & ~follows_escape(p);
  if (wrong) escaped &= (wrong & -wrong) - 1; /* what is wrong before that is named first */
  for (; escaped; escaped &= escaped - 1) {
    const char *at = p + __builtin_ctzll(escaped);
    if (*at != 'u') continue;
    for (int i = 1; i < 5; i++)
      if (!is_hex(at[i])) return fail(fault, "\\u needs four hexadecimal digits", at + i);
  }
  if (wrong) return fail(fault, "unknown escape in a string", p + __builtin_ctzll(wrong) - 1);
  return p;
}

/* A string that does not end in the first STRIDE bytes, p after its quote. Escapes cost no branch of their own. */
static const char *scan_long(const char *p, const char *end, bool *escaped, dbf_json_fault *fault) {
  uint64_t carry = 0;
  for (;; p += 64) {
    block b = look(p);
    uint64_t escapes = b.backslash | carry ? find_escaped(b.backslash, &carry) : 0;
    uint64_t stop = (b.quote & ~escapes) | b.control;
    escapes &= (stop & -stop) - 1; /* those before the first stop; all if there is no stop */
    if (escapes) {
      *escaped = true;
      if (!check_escapes(p, escapes, fault)) return NULL;
    }
    if (!stop) continue;
    p += __builtin_ctzll(stop);
    if (*p == '"') return p + 1;
    return fail(fault, p >= end ? "unterminated string" : "control character in a string", p);
  }
}

static inline const char *scan_string(const char *p, const char *end, bool *escaped, dbf_json_fault *fault) {
  if (*p != '"') return fail(fault, "expected a string", p);
  *escaped = false;
  uint64_t mask = special_mask(++p);
  const char *at = p + (__builtin_ctzll(mask | (uint64_t)1 << 63) / BITS);
  return mask && *at == '"' ? at + 1 : scan_long(p, end, escaped, fault);
}

static inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static const char *scan_digits(const char *p, dbf_json_fault *fault) {
  if (!is_digit(*p)) return fail(fault, "expected a digit", p);
  while (is_digit(*p)) p++;
  return p;
}

static const char *scan_number(const char *p, uint8_t *type, dbf_json_fault *fault) {
  *type = DBF_JSON_INTEGER;
  if (*p == '-') p++;
  if (*p == '0') {
    p++;
    if (is_digit(*p)) return fail(fault, "a number must not start with 0", p - 1);
  } else if (!(p = scan_digits(p, fault))) {
    return NULL;
  }
  if (*p == '.') {
    *type = DBF_JSON_NUMBER;
    if (!(p = scan_digits(p + 1, fault))) return NULL;
  }
  if (*p == 'e' || *p == 'E') {
    *type = DBF_JSON_NUMBER;
    p++;
    if (*p == '+' || *p == '-') p++;
    p = scan_digits(p, fault);
  }
  return p;
}

static const char *scan_word(const char *p, const char *word, dbf_json_fault *fault) {
  for (const char *start = p; *word; word++, p++)
    if (*p != *word) return fail(fault, "expected a value", start);
  return p;
}

/* A string, number or word. Anything else is the fault "expected a value". */
static inline const char *scan_scalar(const char *p, const char *end, dbf_json_value *value,
                                      dbf_json_fault *fault) {
  switch (*p) {
  case '"': value->type = DBF_JSON_STRING; return scan_string(p, end, &value->escaped, fault);
  case 't': value->type = DBF_JSON_TRUE; return scan_word(p, "true", fault);
  case 'f': value->type = DBF_JSON_FALSE; return scan_word(p, "false", fault);
  case 'n': value->type = DBF_JSON_NULL; return scan_word(p, "null", fault);
  case '-':
  case '0':
  case '1':
  case '2':
  case '3':
  case '4':
  case '5':
  case '6':
  case '7':
  case '8':
  case '9': return scan_number(p, &value->type, fault);
  default: return fail(fault, p >= end ? "the text ends where a value is expected" : "expected a value", p);
  }
}

/* "key": and the white space around it; returns the first byte of the value. */
static inline const char *scan_key(const char *p, const char *end, dbf_json_fault *fault) {
  bool escaped;
  if (*p != '"')
    return fail(fault, p >= end ? "the text ends inside an object" : "expected a member name", p);
  if (!(p = scan_string(p, end, &escaped, fault))) return NULL;
  p = skip_space(p, end);
  if (*p != ':') return fail(fault, "expected ':'", p);
  return skip_space(p + 1, end);
}

/* The stack: bit n says whether level n is an object. */
typedef struct nesting {
  uint64_t bits[DBF_JSON_DEPTH / 64];
  unsigned level;
} nesting;

static inline void nest(nesting *stack, bool object) {
  uint64_t bit = (uint64_t)1 << (stack->level & 63);
  uint64_t *word = &stack->bits[stack->level >> 6];
  *word = object ? *word | bit : *word & ~bit;
  stack->level++;
}

static inline bool in_object(const nesting *stack) {
  unsigned top = stack->level - 1;
  return stack->bits[top >> 6] >> (top & 63) & 1;
}

static const char *scan_container(const char *p, const char *end, unsigned depth, dbf_json_fault *fault) {
  nesting stack;
  bool object;
  stack.level = 0;
  dbf_json_value ignored;
open:
  if (stack.level + depth >= DBF_JSON_DEPTH) {
    fault->too_deep = true;
    return fail(fault, "nested deeper than 1,024 levels", p);
  }
  object = *p == '{';
  nest(&stack, object);
  p = skip_space(p + 1, end);
  if (*p == (object ? '}' : ']')) goto close;
value:
  if (object && !(p = scan_key(p, end, fault))) return NULL;
  if (*p == '{' || *p == '[') goto open;
  if (!(p = scan_scalar(p, end, &ignored, fault))) return NULL;
after:
  p = skip_space(p, end);
  if (*p == ',') {
    p = skip_space(p + 1, end);
    goto value;
  }
  if (*p != (object ? '}' : ']'))
    return fail(fault,
                p >= end ? (object ? "the text ends inside an object" : "the text ends inside an array")
                         : (object ? "expected ',' or '}'" : "expected ',' or ']'"),
                p);
close:
  p++;
  if (--stack.level == 0) return p;
  object = in_object(&stack);
  goto after;
}

static const char *scan_value(const char *p, const char *end, unsigned depth, dbf_json_value *value,
                              dbf_json_fault *fault) {
  value->start = p;
  value->escaped = false;
  if (*p == '{' || *p == '[') {
    value->type = *p == '{' ? DBF_JSON_OBJECT : DBF_JSON_ARRAY;
    p = scan_container(p, end, depth, fault);
  } else {
    p = scan_scalar(p, end, value, fault);
  }
  value->end = p;
  return p;
}
