#include "find.h"

enum { FARTHEST = 16384 }; /* bytes to the closing quote of a value */

bool dbf_find_is_quote(const dbf_find *f, size_t at) {
  unsigned char c = f->t.s[at];
  return c == '"' || c == '\'' || c == '`' || c == DBF_VIEW_FENCE || c == DBF_VIEW_QUOTE;
}

/* How many bytes of raw text a quote takes: as many as it has backslashes, and one. */
static size_t width_of(const dbf_find *f, size_t at) {
  size_t begin, end;
  dbf_view_locate(f->view, at + f->shift + (at >= f->gap), &begin, &end);
  return end - begin;
}

/* The next byte of that code, or of a fence or the end, from `at` on. */
static size_t find_code(const dbf_find *f, size_t at, size_t stop, unsigned char code, int *lines) {
  for (; at < stop; at++) {
    unsigned char c = f->t.s[at];
    if (c == code || c == DBF_VIEW_FENCE || (c == '\n' && (*lines)-- == 0)) break;
  }
  return at;
}

size_t dbf_find_closing(dbf_find *f, size_t at, int lines) {
  unsigned char code = f->t.s[at];
  size_t stop = f->t.len - at > FARTHEST ? at + FARTHEST : f->t.len, width = width_of(f, at), i = at + 1;
  bool known = f->open_from <= at && at < f->open_to && f->t.s[f->open_from] == code &&
               width_of(f, f->open_from) == width;
  if (known) i = f->open_to;
  for (; (i = find_code(f, i, stop, code, &lines)) < stop && f->t.s[i] == code; i++)
    if (width_of(f, i) == width) return i;
  if (!known) f->open_from = at;
  f->open_to = i;
  return SIZE_MAX;
}

size_t dbf_find_line_end(dbf_find *f, size_t at) {
  if (at >= f->line_from && at < f->line_to) return f->line_to;
  f->line_from = at;
  while (!dbf_shape_is(&f->t, at, DBF_NEWLINE | DBF_END)) at++;
  f->line_to = at;
  return at;
}

bool dbf_find_has_marker(dbf_find *f, size_t from, size_t to) {
  if (from < f->marker_from || from >= f->marker_to) {
    const unsigned char *found = memchr(f->t.s + from, DBF_VIEW_MARKER, f->t.len - from);
    f->marker_from = from;
    f->marker_to = found ? (size_t)(found - f->t.s) : f->t.len;
  }
  return f->marker_to < to;
}

size_t dbf_find_skip_blanks(const dbf_find *f, size_t at) {
  while (dbf_find_plain(f, at) == ' ') at++;
  return at;
}

bool dbf_find_word(const dbf_find *f, size_t at, const char *word) {
  for (; *word; word++, at++)
    if ((dbf_find_plain(f, at) | 0x20) != (unsigned char)*word) return false;
  return true;
}
