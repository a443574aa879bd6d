#include "diagnostic.h"

#include <stdio.h>

enum { EXCERPT = 64 };

static const char *const kind_names[] = {
    NULL,        "in_progress", "torn_tail", "glued",         "spliced",   "nul_run", "bad_json",
    "bad_entry", "oversize",    "bad_utf8",  "duplicate_key", "truncated", "replaced"};

const char *debrief_kind_name(debrief_kind kind) {
  bool known = kind >= DEBRIEF_IN_PROGRESS && kind <= DEBRIEF_REPLACED;
  return known ? kind_names[kind] : "unknown";
}

bool debrief_kind_is_damage(debrief_kind kind) {
  return kind >= DEBRIEF_TORN_TAIL && kind <= DEBRIEF_OVERSIZE;
}

void dbf_diagnostic_excerpt(debrief_diagnostic *d, const char *text, size_t len) {
  char *out = d->excerpt;
  size_t n = 0, size = sizeof d->excerpt;
  for (size_t i = 0; i < len && i < EXCERPT && n + 5 < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c >= 0x20 && c < 0x7f) out[n++] = (char)c;
    else n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
  }
  out[n] = '\0';
}
