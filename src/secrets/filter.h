/* filter.h: what is searched for, and where it may begin.
 *
 *     s[at..at+4) | 0x20 each  --hash-->  a bit of 131,072      nearly always 0: on to the next place
 *                                         1: the rules whose anchor can begin with these four bytes
 *
 * An anchor is a row of sets of characters: [a-f05] one of these, # a hexadecimal digit, ? a letter, digit, hyphen or
 * underscore, ! neither a letter nor a digit (it is looked at, and not taken), anything else itself. */
#ifndef DBF_FILTER_H
#define DBF_FILTER_H

#include "find.h"

enum { DBF_FILTER_GRAM = 4, DBF_FILTER_BITS = 17 };

/* What is asked of a shape besides (shapes.def), and how an anchor is compared. */
enum { START = 1, EDGE = 2, MIXED = 4, RANDOM = 8, ANY_CASE = 16 };

typedef struct dbf_rule {
  const char *kind, *anchor, *shape; /* shape: NULL when there is a function */
  dbf_find_rule *find;
  int checks;
} dbf_rule;

typedef struct dbf_gram {
  uint32_t bytes;
  uint16_t rule;
  uint16_t next; /* the next of the same head, from 1; 0: none */
} dbf_gram;

typedef struct dbf_filter {
  uint32_t bits[(1 << DBF_FILTER_BITS) / 32];
  uint16_t heads[(1 << DBF_FILTER_BITS) / 16];
  dbf_gram *grams;
  size_t count, room;
} dbf_filter;

/* False: no memory; release it all the same. */
bool dbf_filter_init(dbf_filter *filter);
void dbf_filter_release(dbf_filter *filter);

size_t dbf_filter_rules(void); /* how many there are */
const dbf_rule *dbf_filter_rule(size_t number);

/* Four bytes as they are looked up. */
uint32_t dbf_filter_fold(const unsigned char *s);

/* The next place in s[at..len) where an anchor may begin, or len. DBF_VIEW_PADDING bytes past len are read. */
size_t dbf_filter_next(const dbf_filter *filter, const unsigned char *s, size_t at, size_t len);

/* The rules whose anchor may begin with `bytes`, one after the other: `i` is 0 for the first and what was returned for the
 * next; 0: no more. */
uint16_t dbf_filter_gram(const dbf_filter *filter, uint32_t bytes, uint16_t i);

/* The end of the anchor of a rule at `at`; 0: it is not there. */
size_t dbf_filter_anchor(const dbf_shape_text *t, const dbf_rule *rule, size_t at);

#endif
