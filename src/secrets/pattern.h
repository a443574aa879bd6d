/* pattern.h: regular expressions of users, in time proportional to text times pattern, whatever the text.
 *
 *     abc  .  [a-z_]  [^"]  \d \D \w \W \s \S  \b  ^ $  (a|b)  a* a+ a? a{2} a{2,} a{2,5}  \.  (?i) at the beginning
 *
 * The pattern becomes a program of at most DBF_PATTERN_SIZE instructions (R. Cox, "Regular Expression Matching: the
 * Virtual Machine Approach"). All ways through it are followed at once, one byte after the other, and each knows the
 * earliest byte at which it could have begun: so one pass finds every byte that is in any match. No captures, no
 * references back, no looking around: these take more than linear time. */
#ifndef DBF_PATTERN_H
#define DBF_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DBF_PATTERN_SIZE = 512 };

typedef struct dbf_pattern dbf_pattern;

typedef struct dbf_pattern_error {
  const char *what; /* a static string */
  size_t at;        /* the byte of the pattern */
} dbf_pattern_error;

/* NULL: *error says why; "not enough memory", too. */
dbf_pattern *dbf_pattern_new(const char *text, dbf_pattern_error *error);
void dbf_pattern_free(dbf_pattern *pattern);

/* Look at one byte after the other: begin, then feed each, then feed a negative number for the end. After each call,
 * *from..at is a match that ends before that byte, as early as one can begin; true: there is one. Bytes that no match may
 * hold are fed as DBF_PATTERN_WALL. */
enum { DBF_PATTERN_WALL = 256 };
void dbf_pattern_begin(dbf_pattern *pattern);
bool dbf_pattern_feed(dbf_pattern *pattern, size_t at, int byte, size_t *from);

#endif
