/* secrets.h: credentials out of a text.
 *
 *     text -> view (view.h) -> filter: four bytes that begin an anchor -> the rule of that anchor -> spans
 *          -> [REDACTED:kind] in place of each
 *
 * The filter looks at every four bytes of the text once, in a bitmap of 8 KiB; what an anchor stands for is looked at only
 * where it stands. Everything takes time in proportion to the text, whatever the text: runs and searches are remembered,
 * shapes never go back, and all else is bounded.
 *
 * What was replaced is looked at again until nothing more is found, so that a second call finds nothing either. */
#ifndef DBF_SECRETS_H
#define DBF_SECRETS_H

#include "../log/bytes.h"
#include "pattern.h"

typedef struct dbf_secrets dbf_secrets;

/* With the kinds of shapes.def, words.def and find.h. NULL: no memory. Use it from one thread at a
 * time. */
dbf_secrets *dbf_secrets_new(void);
void dbf_secrets_free(dbf_secrets *secrets);

/* Another kind: all that `pattern` matches (pattern.h). `kind` is copied: letters, digits and underscores. False: *error
 * says what is wrong. */
bool dbf_secrets_add(dbf_secrets *secrets, const char *kind, const char *pattern, dbf_pattern_error *error);

typedef enum dbf_secrets_form {
  DBF_SECRETS_TEXT,
  DBF_SECRETS_JSON /* valid JSON, which stays valid: only what is in its strings and names is replaced */
} dbf_secrets_form;

typedef enum dbf_secrets_result {
  DBF_SECRETS_CLEAN,    /* nothing was found, and nothing written to `out` */
  DBF_SECRETS_REDACTED, /* `out` has the text without them */
  DBF_SECRETS_NO_MEMORY,
  DBF_SECRETS_TOO_LONG, /* 2^32 bytes or more */
  DBF_SECRETS_STOPPED
} dbf_secrets_result;

/* Replace the secrets of text[0..len). `out` is cleared first. `stop`, unless it is NULL, is asked now and then whether to
 * give up. */
dbf_secrets_result dbf_secrets_redact(dbf_secrets *secrets, const char *text, size_t len,
                                      dbf_secrets_form form, dbf_bytes *out, bool (*stop)(void));

/* What the last call replaced: how many of the kind number `i`, from 0; NULL past the last. */
const char *dbf_secrets_count(const dbf_secrets *secrets, size_t i, size_t *count);

/* For tests: look at so many bytes around each place of a long text, instead of 20 KiB. */
void dbf_secrets_set_reach(dbf_secrets *secrets, size_t reach);

#endif
