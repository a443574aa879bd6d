/* find.h: what the rules look at that know a secret by what stands around it. */
#ifndef DBF_FIND_H
#define DBF_FIND_H

#include "shape.h"
#include "view.h"

/* Where stretches overlap, all of them go, and the marker names the one of the lowest rank. */
typedef enum dbf_rank {
  DBF_RANK_BLOCK, /* a private key, cookies: what is in them is a part of them */
  DBF_RANK_SHAPE,
  DBF_RANK_PLACE,
  DBF_RANK_NAME,
  DBF_RANK_OWN
} dbf_rank;

typedef struct dbf_span {
  size_t from, to; /* in the text of the view */
  const char *kind;
  dbf_rank rank;
} dbf_span;

enum { DBF_FIND_COMMANDS = 40 };

/* A text, and what was found out about it: every search that could be made again from the next anchor is made once. */
typedef struct dbf_find {
  dbf_shape_text t;
  const dbf_view *view;
  size_t shift, gap; /* t is a part of the view from `shift` on, without the byte that stood at `gap` in it */
  size_t open_from, open_to;            /* no quote like the one at open_from in between */
  size_t command_to[DBF_FIND_COMMANDS]; /* the flag of each command was looked for up to here */
  size_t line_from, line_to;            /* the next line break from any place in between is at line_to */
  size_t run_to, run_spent;      /* bytes of the run that ends at run_to which were looked at as values */
  size_t block_from, block_end;  /* the first end of a private key from block_from on; t.len: none */
  size_t marker_from, marker_to; /* the next marker from any place in between is at marker_to, or none */
} dbf_find;

/* A rule: looks at its anchor, t.s[at..after), and fills *span when a secret is where the anchor says. */
typedef bool dbf_find_rule(dbf_find *find, size_t at, size_t after, dbf_span *span);

static inline unsigned char dbf_find_plain(const dbf_find *f, size_t at) {
  return dbf_view_plain(f->t.s[at]);
}

/* Is a quote of any kind at `at`? */
bool dbf_find_is_quote(const dbf_find *find, size_t at);

/* The quote that closes the one at `at`, escaped as deep; SIZE_MAX when there is none, or more than `lines` line breaks
 * come before it. */
size_t dbf_find_closing(dbf_find *find, size_t at, int lines);

size_t dbf_find_skip_blanks(const dbf_find *find, size_t at);

/* The next line break, or the end of the text or of its string. */
size_t dbf_find_line_end(dbf_find *find, size_t at);

/* Is there a marker in from..to? */
bool dbf_find_has_marker(dbf_find *find, size_t from, size_t to);

/* Is the text at `at` this word in lower case, whatever its case? */
bool dbf_find_word(const dbf_find *find, size_t at, const char *word);

#endif
