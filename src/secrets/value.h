/* value.h: is what stands where a secret could stand one, or a type, a placeholder, a reference, a piece of code? */
#ifndef DBF_VALUE_H
#define DBF_VALUE_H

#include "shape.h"

/* What the name before a value leads to expect; see words.def. */
typedef enum dbf_value_kind { DBF_VALUE_PASSWORD, DBF_VALUE_SECRET, DBF_VALUE_TOKEN } dbf_value_kind;

typedef struct dbf_value {
  size_t from, to;
  dbf_value_kind kind;
  bool quoted;
  bool loose; /* it follows a word or a comma, where most things are not secrets */
  bool
      firm; /* it stands where values stand and no code: in .env lines, headers, flags, queries, connection strings */
} dbf_value;

bool dbf_value_is_secret(const dbf_shape_text *t, const dbf_value *value);

/* A value that says by itself that it is no secret: ${TOKEN}, <token>, xxxx, changeme, ****. */
bool dbf_value_is_placeholder(const dbf_shape_text *t, size_t from, size_t to);

/* Letters and digits of t->s[from..to) in lower case, all else left out, at most size - 1 and a zero byte. Returns how
 * many there are in all. */
size_t dbf_value_fold(const dbf_shape_text *t, size_t from, size_t to, char *out, size_t size);

#endif
