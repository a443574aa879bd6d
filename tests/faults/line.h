/* line.h: the line of a key, which writers append and checkers expect, byte for byte. */
#ifndef LINE_H
#define LINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The JSON text of entry `key` with `pad` bytes of padding, malloc. */
static inline char *line_of(const char *session, const char *key, size_t pad) {
  char *text = malloc(pad + strlen(key) * 2 + strlen(session) + 200);
  if (!text) abort();
  int n = sprintf(text,
                  "{\"session_id\":\"%s\",\"timestamp\":\"2026-05-03T12:00:00Z\",\"skill\":\"%s\",\"pad\":\"",
                  session, key);
  memset(text + n, 'x', pad);
  sprintf(text + n + pad, "\",\"end\":\"%s\"}", key);
  return text;
}

#endif
