#include "address.h"

#include "../log/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char form[] = "an address is nats://HOST[:PORT][,HOST...]/NAME";

bool dbf_nats_address_is_name(const char *name) {
  size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
  return len >= 1 && len <= 32 && name[len] == '\0';
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The text from `from` to `to` with its %XX decoded; NULL with *err. */
static char *decode(const char *from, const char *to, debrief_error *err) {
  char *out = malloc((size_t)(to - from) + 1), *at = out;
  if (!out) return dbf_fail_memory(err), NULL;
  while (from < to) {
    bool coded = *from == '%' && to - from > 2 && hex(from[1]) >= 0 && hex(from[2]) >= 0;
    *at++ = coded ? (char)(hex(from[1]) * 16 + hex(from[2])) : *from;
    from += coded ? 3 : 1;
  }
  *at = '\0';
  return out;
}

static bool take_user(dbf_nats_address *a, const char *from, const char *to, debrief_error *err) {
  const char *colon = memchr(from, ':', (size_t)(to - from));
  a->user = decode(from, colon ? colon : to, err);
  if (a->user && colon) a->password = decode(colon + 1, to, err);
  return a->user && (!colon || a->password);
}

/* The port follows the last ':' that no bracket of an IPv6 address encloses. */
static bool is_host(const char *from, const char *to) {
  const char *end = to;
  if (from < to && *from == '[') {
    end = memchr(from, ']', (size_t)(to - from));
    if (!end || end == from + 1) return false;
    end++;
  } else {
    const char *colon = memchr(from, ':', (size_t)(to - from));
    if (colon) end = colon;
    for (const char *at = from; at < end; at++)
      if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_", *at)) return false;
  }
  if (end == from) return false;
  if (end == to) return true;
  if (*end != ':' || to - end < 2 || to - end > 6) return false;
  long port = 0;
  for (const char *at = end + 1; at < to; at++) {
    if (*at < '0' || *at > '9') return false;
    port = port * 10 + (*at - '0');
  }
  return port >= 1 && port <= 65535;
}

/* One HOST[:PORT] of the list. */
static bool take_host(dbf_nats_address *a, const char *from, const char *to, debrief_error *err) {
  int len = (int)(to - from);
  if (!is_host(from, to))
    return dbf_fail(err, DEBRIEF_EARG, "'%.*s' is no HOST[:PORT]: %s", len > 64 ? 64 : len, from, form);
  if (a->count == DBF_NATS_SERVERS)
    return dbf_fail(err, DEBRIEF_EARG, "an address names at most %d hosts", DBF_NATS_SERVERS);
  if (asprintf(&a->servers[a->count], "%s://%.*s", a->tls ? "tls" : "nats", len, from) < 0) {
    a->servers[a->count] = NULL;
    return dbf_fail_memory(err);
  }
  a->count++;
  return true;
}

static bool take_hosts(dbf_nats_address *a, const char *from, const char *to, debrief_error *err) {
  while (true) {
    const char *comma = memchr(from, ',', (size_t)(to - from));
    if (!take_host(a, from, comma ? comma : to, err)) return false;
    if (!comma) return true;
    from = comma + 1;
  }
}

bool dbf_nats_address_parse(dbf_nats_address *a, const char *text, debrief_error *err) {
  *a = (dbf_nats_address){.tls = strncmp(text, "tls://", 6) == 0};
  const char *from = strstr(text, "://"), *slash = strrchr(text, '/'), *at = strrchr(text, '@');
  if (!from) return dbf_fail(err, DEBRIEF_EARG, "this is no address: %s", form);
  from += 3;
  if (at && at < from) at = NULL;
  if (slash < from || (at && slash < at))
    return dbf_fail(err, DEBRIEF_EARG, "the address has no NAME: %s", form);
  /* What is before the last '@' is never shown, whatever it is. */
  if (at && !take_user(a, from, at, err)) return false;
  if (at) from = at + 1;
  if (!dbf_nats_address_is_name(slash + 1))
    return dbf_fail(err, DEBRIEF_EARG, "'%.64s' is no NAME of a log ([A-Za-z0-9_-]{1,32}): %s", slash + 1,
                    form);
  strcpy(a->name, slash + 1);
  if (!take_hosts(a, from, slash, err)) return false;
  if (asprintf(&a->shown, "%s://%s", a->tls ? "tls" : "nats", from) < 0) {
    a->shown = NULL;
    return dbf_fail_memory(err);
  }
  return true;
}

void dbf_nats_address_release(dbf_nats_address *a) {
  for (int i = 0; i < a->count; i++) free(a->servers[i]);
  free(a->user);
  free(a->password);
  free(a->shown);
  *a = (dbf_nats_address){0};
}
