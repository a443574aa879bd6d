/* json_marks.h: where the brackets, colons and commas of a compact JSON text stand, found 64 bytes at a time.
 *
 *     {"a":"x,\n","b":[1,2]}
 *     ^   ^      ^   ^^ ^ ^^     marks: those outside of strings
 *
 * Included by each json_scan_<set>.c that has the bits for it, which first defines, in addition to what
 * json_scan_loops.h needs,
 *
 *     punctuation(p)   mask of the 64 bytes at p that are one of {}[],: or some control character, a bit per byte
 *     code_units(p)    mask of the 64 bytes at p that are 'u', one bit per byte
 *     fill_below(x)    each bit of x becomes the xor of itself and all bits below it
 *     write_marks(to, x, n)   write n + i for each bit i of x, and up to 64 numbers of no use; the end of the former
 *     digits(p)        mask of the 32 bytes at p that are digits
 *
 * What can be checked for many strings at once is: they hold no control character and no wrong escape, and each ends
 * right before a mark. So what begins with a quote right after a mark is one string up to the next mark. The rest is for the
 * code that walks along the marks (entry_marks.h). */
#include "entry.h"

#include <assert.h>
#include <stdlib.h>

enum { MARKED = 1 << 16 }; /* longer texts are not marked: offsets have 16 bits */

typedef struct marking {
  uint64_t escape, string, mark,
      close;      /* the last byte before: escapes the next; in a string (all ones); a mark; a quote */
  uint64_t wrong; /* not 0: leave it to the scan that can say what is wrong */
} marking;

/* Room for the marks of `len` bytes, and for those that are written ahead. */
static bool reserve_marks(dbf_marks *m, size_t len) {
  if (m->backslashes && m->cap >= len + 128) return true;
  size_t cap = (len + 128) * 2, words = cap / 64 + 1;
  uint64_t *grown = realloc(m->backslashes, (words + cap / 4 + 1) * sizeof *grown);
  if (!grown) return false;
  *m = (dbf_marks){grown, (uint16_t *)(grown + words), cap, 0, false};
  return true;
}

/* Mark one block; `live` are its bytes that belong to the text. */
static inline uint64_t mark_block(marking *m, const char *p, uint64_t live, uint64_t *backslashes) {
  block b = look(p);
  uint64_t escapes = 0;
  *backslashes = b.backslash & live;
  if (*backslashes | m->escape) {
    dbf_json_fault ignored;
    escapes = find_escaped(*backslashes, &m->escape);
    uint64_t units = escapes & live & code_units(p);
    m->wrong |= escapes & live & ~follows_escape(p);
    if (units && !check_escapes(p, units, &ignored)) m->wrong = 1;
  }
  uint64_t quotes = b.quote & ~escapes & live;
  uint64_t inside =
      fill_below(quotes) ^ m->string; /* with the quote that opens, without the one that closes */
  uint64_t marks = punctuation(p) & ~inside & live, closes = quotes & ~inside;
  m->wrong |= (closes << 1 | m->close) & ~marks & live;
  m->wrong |= b.control & inside & live;
  m->string = (uint64_t)((int64_t)inside >> 63);
  m->close = closes >> 63;
  return marks;
}

/* Mark a text of fewer than MARKED bytes. After the last mark stands `len`, twice. False: it is not for this way. */
static bool mark_text(dbf_marks *marks, const char *text, size_t len) {
  marking m = {0};
  uint64_t any = 0;
  assert(len < MARKED);
  if (!reserve_marks(marks, len)) return false;
  uint16_t *to = marks->at;
  uint64_t *backslashes = marks->backslashes;
  for (size_t at = 0; at < len; at += 64) {
    uint64_t live = len - at >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << (len - at)) - 1;
    to = write_marks(to, mark_block(&m, text + at, live, backslashes), at);
    any |= *backslashes++;
  }
  to[0] = to[1] = (uint16_t)len;
  marks->count = (uint32_t)(to - marks->at);
  assert(marks->count <= len && marks->count + 2 <= marks->cap);
  marks->any_backslash = any != 0;
  return !m.wrong && !m.string;
}
