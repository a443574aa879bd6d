/* view.h: a text as its reader means it, so that one rule finds a secret however it was written down.
 *
 *     raw   {\"key\u003d\u001b[31mgh..                          what is stored
 *     text  {"key=gh..                                         what the rules look at
 *     marks   ^0           ^64          ^128                   where in raw every 64th byte of text begins
 *
 * One byte of text stands for one unit of raw: a plain byte, an escape at any level of JSON (\", \\\", \u003d), a
 * percent-encoded byte (%3A, %253A), an HTML entity, a line break with the indent of the next line. Colours, NUL bytes
 * (UTF-16) and invisible characters stand for nothing. Where a unit lies in raw is found by decoding again from the mark
 * before it: that is rare, and keeps the map at a sixteenth of the text.
 *
 * Codes below 0x20 in text, chosen so that `| 0x20` turns an encoded mark of punctuation into the plain one:
 *     0x01 DBF_VIEW_MARKER     a whole "[REDACTED:kind]"
 *     0x02 DBF_VIEW_FENCE      a quote that begins or ends a string of the JSON text itself
 *     '\n'                     a line break with the indent after it
 *     c & 0x1f, 0x10 to 0x12   percent-encoded punctuation, '@', ' ' and '"' */
#ifndef DBF_VIEW_H
#define DBF_VIEW_H

#include "../log/bytes.h"

#include <stdint.h>

enum {
  DBF_VIEW_MARKER = 0x01,
  DBF_VIEW_FENCE = 0x02,
  DBF_VIEW_AT = 0x10,
  DBF_VIEW_BLANK = 0x11,
  DBF_VIEW_QUOTE = 0x12,
  DBF_VIEW_PADDING = 16 /* zero bytes past the end of text */
};

typedef struct dbf_view {
  const char *raw;
  size_t raw_len;
  bool json; /* raw is JSON text: its own quotes are fences */
  const unsigned char *text;
  size_t len;
  dbf_bytes text_bytes, mark_bytes;
} dbf_view;

void dbf_view_init(dbf_view *view);
void dbf_view_release(dbf_view *view);

/* Look at raw[0..len), which must stay; fewer than 2^32 bytes. False: no memory. */
bool dbf_view_set(dbf_view *view, const char *raw, size_t len, bool json);

/* Where the unit that text[at] stands for begins and ends in raw. */
void dbf_view_locate(const dbf_view *view, size_t at, size_t *begin, size_t *end);

/* The beginning of a unit in raw, at `at` or a little before it. */
size_t dbf_view_unit_before(const dbf_view *view, size_t at);

/* The character that a byte of text means: encoded punctuation as it is plain. */
static inline unsigned char dbf_view_plain(unsigned char c) {
  if (c >= 0x20 || c == '\n' || c == 0 || c == DBF_VIEW_MARKER) return c;
  if (c == DBF_VIEW_FENCE || c == DBF_VIEW_QUOTE) return '"';
  return c == DBF_VIEW_AT ? '@' : c == DBF_VIEW_BLANK ? ' ' : c | 0x20;
}

#endif
