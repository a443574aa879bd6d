/* shape.h: runs of characters, and shapes made of them, in the text of a view.
 *
 *     SG.  K{22} . K{43}              SendGrid: after the anchor 22 characters, a point, 43 characters
 *     A{14} < .atlasv1.  K{60+}       Terraform: 14 characters before the anchor
 *
 * A shape is followed from left to right and never back, so it takes one look at each character. A run may be broken by
 * a line break with an indent, which text holds as one '\n'. */
#ifndef DBF_SHAPE_H
#define DBF_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a character is. */
enum {
  DBF_DIGIT = 1,
  DBF_HEX_LOWER = 2, /* a-f */
  DBF_HEX_UPPER = 4,
  DBF_LOWER = 8, /* g-z */
  DBF_UPPER = 16,
  DBF_UNDERSCORE = 32,
  DBF_HYPHEN = 64,
  DBF_POINT = 128,
  DBF_PLUS = 256, /* + / */
  DBF_EQUALS = 512,
  DBF_TILDE = 1024,
  DBF_BLANK = 2048, /* not encoded */
  DBF_QUOTE = 4096, /* any, not encoded */
  DBF_NEWLINE = 8192,
  DBF_END = 16384, /* the end of the text, a fence, a marker */
  DBF_SYMBOL = 32768,
  DBF_ENCODED = 65536,  /* percent-encoded punctuation; of + / = both */
  DBF_FOREIGN = 131072, /* not ASCII */

  DBF_HEX = DBF_DIGIT | DBF_HEX_LOWER | DBF_HEX_UPPER,
  DBF_SMALL = DBF_LOWER | DBF_HEX_LOWER,
  DBF_CAPITAL = DBF_UPPER | DBF_HEX_UPPER,
  DBF_LETTER = DBF_SMALL | DBF_CAPITAL,
  DBF_ALNUM = DBF_LETTER | DBF_DIGIT,
  DBF_WORD = DBF_ALNUM | DBF_UNDERSCORE,
  DBF_KEY = DBF_WORD | DBF_HYPHEN,
  DBF_NAME = DBF_KEY | DBF_POINT,
  DBF_BASE64 = DBF_ALNUM | DBF_PLUS | DBF_EQUALS,
  DBF_TOKEN = DBF_KEY | DBF_POINT | DBF_PLUS | DBF_EQUALS | DBF_TILDE,
  /* what a value without quotes is made of, where its separator was encoded, and where it was not */
  DBF_VALUE = DBF_TOKEN | DBF_SYMBOL | DBF_FOREIGN,
  DBF_RAW_VALUE = DBF_VALUE | DBF_ENCODED
};

extern const uint32_t dbf_shape_class[256];

enum { DBF_SHAPE_MEMOS = 24, DBF_SHAPE_NONE = 0 };

/* A text to look at, and where long runs that were looked at end: so a run is gone through once, however many anchors it
 * holds. */
typedef struct dbf_shape_text {
  const unsigned char *s; /* DBF_VIEW_PADDING zero bytes past its end */
  size_t len;
  size_t left; /* bytes to look at past line breaks: a text full of them gets so many, and no more */
  struct {
    uint32_t mask;
    size_t from, to;
  } memo[DBF_SHAPE_MEMOS];
} dbf_shape_text;

static inline bool dbf_shape_is(const dbf_shape_text *t, size_t at, uint32_t mask) {
  return (dbf_shape_class[t->s[at]] & mask) != 0;
}

/* The end of the run of `mask` at `at`. */
size_t dbf_shape_run(dbf_shape_text *t, size_t at, uint32_t mask);

/* Follow a shape whose anchor is s[at..after). Returns the end of the whole, and sets *from to its beginning;
 * DBF_SHAPE_NONE when the text has another shape. */
size_t dbf_shape_follow(dbf_shape_text *t, const char *shape, size_t at, size_t after, size_t *from);

/* Does what stands at `at`, past a line break, look like the rest of a token of `mask`? Returns its end or
 * DBF_SHAPE_NONE. */
size_t dbf_shape_continued(dbf_shape_text *t, size_t at, uint32_t mask);

/* What a stretch of text is made of; line breaks do not count. */
typedef struct dbf_shape_stats {
  size_t len, digits, small, capitals, symbols, blanks, foreign;
  size_t distinct; /* different characters */
  size_t turns;    /* from letters to digits or back */
  size_t steps;    /* characters that are the one before, or the next in order */
  size_t runs;     /* of small letters past a capital */
  size_t shorts;   /* of these, of one or two letters: words in camelCase have few */
} dbf_shape_stats;

/* Of at most the first 128 bytes. */
dbf_shape_stats dbf_shape_measure(const dbf_shape_text *t, size_t from, size_t to);

/* Is that as mixed as what a generator of keys makes? From 16 characters on. */
bool dbf_shape_is_random(const dbf_shape_stats *stats);

/* Capitals and small letters as they fall, not as words have them: aXkQwTb, not setDefaultModel. */
bool dbf_shape_is_of_odd_case(const dbf_shape_stats *stats);

/* Names of things: my-app-tls, user_token_2, prod.db1. */
bool dbf_shape_is_wordy(const dbf_shape_text *t, size_t from, size_t to);

#endif
