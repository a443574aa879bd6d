#include "session_id.h"
#include "error.h"
#include "hash.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_ID 40

/* Not isalnum: it asks the locale. */
static bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_id_char(char c) {
  return is_alnum(c) || c == '.' || c == '_' || c == '-';
}

bool dbf_session_id_is(const char *id, size_t len) {
  if (len == 0 || len > DBF_SESSION_ID_MAX || !is_alnum(id[0])) return false;
  for (size_t i = 1; i < len; i++)
    if (!is_id_char(id[i])) return false;
  return true;
}

bool debrief_session_id_valid(const char *id) {
  return id && dbf_session_id_is(id, strnlen(id, DBF_SESSION_ID_MAX + 1));
}

/* An id nobody can vouch for goes into a message, and from there to a terminal. */
static void show_id(const char *id, char out[SHOWN_ID * 4 + 4]) {
  char *p = out;
  size_t i = 0;
  for (; id[i] && i < SHOWN_ID; i++) {
    if (id[i] >= ' ' && id[i] <= '~') *p++ = id[i];
    else p += sprintf(p, "\\x%02x", (unsigned)(unsigned char)id[i]);
  }
  strcpy(p, id[i] ? "..." : "");
}

bool dbf_session_id_check(const char *id, debrief_error *err) {
  if (!id) return dbf_fail(err, DEBRIEF_EARG, "no session id was given (id is NULL)");
  if (debrief_session_id_valid(id)) return true;
  char shown[SHOWN_ID * 4 + 4];
  show_id(id, shown);
  return dbf_fail(err, DEBRIEF_EID,
                  "session id \"%s\" is not allowed: use letters, digits, '.', '_' and '-', %d at most, "
                  "a letter or digit first (debrief.session_id(text) makes one)",
                  shown, DBF_SESSION_ID_MAX);
}

/* The hash is unkeyed: ids made of equal texts must be equal on every machine and for ever. */
void debrief_session_id(const char *text, size_t len, char out[129]) {
  if (!text) len = 0;
  if (!out) return;
  if (dbf_session_id_is(text, len)) {
    memcpy(out, text, len);
    out[len] = '\0';
    return;
  }
  size_t from = 0, n = 0;
  while (from < len && !is_alnum(text[from])) from++;
  for (; from < len && n < 100; from++) out[n++] = is_id_char(text[from]) ? text[from] : '-';
  if (n == 0) out[n++] = 's';
  snprintf(out + n, 129 - n, "-%016llx", (unsigned long long)dbf_hash(DBF_HASH_START, text, len));
}

size_t dbf_session_id_in_name(const char *name) {
  size_t len = strlen(name), suffix = sizeof DBF_SESSION_SUFFIX - 1;
  if (len <= suffix || strcmp(name + len - suffix, DBF_SESSION_SUFFIX) != 0) return 0;
  return dbf_session_id_is(name, len - suffix) ? len - suffix : 0;
}
