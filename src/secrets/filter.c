#include "filter.h"
#include "header.h"
#include "name.h"
#include "place.h"

#include <stdlib.h>
#include <string.h>

/* ---- Rules ------------------------------------------------------------------------------------------------------- */

#define SHAPE(kind, anchor, shape, checks) {#kind, anchor, shape, NULL, checks},
#define FIND(anchor, function)             {NULL, anchor, NULL, function, ANY_CASE},

/* clang-format off */
static const dbf_rule rules[] = {
#include "shapes.def"
    FIND("pass", dbf_name_find) FIND("pwd!", dbf_name_find) FIND("secret", dbf_name_find)
    FIND("token", dbf_name_find) FIND("credential", dbf_name_find) FIND("bearer!", dbf_name_find)
    FIND("jwt!", dbf_name_find) FIND("auth!", dbf_name_find) FIND("pat!", dbf_name_find)
    FIND("sig!", dbf_name_find) FIND("key!", dbf_name_find) FIND("key[0-9]", dbf_name_find)
    FIND("signature!", dbf_name_find) FIND("appid!", dbf_name_find) FIND("code!", dbf_name_find)
    FIND("authorization", dbf_header_find_authorization) FIND("bearer", dbf_header_find_bearer)
    FIND("basic", dbf_header_find_basic) FIND("cookie", dbf_header_find_cookie)
    FIND("[a-z0-9+.-]://", dbf_place_find_address)
    FIND("BEGIN", dbf_place_find_key_begin) FIND("-END", dbf_place_find_key_end) FIND("- END", dbf_place_find_key_end)
    FIND("curl", dbf_place_find_command) FIND("http ", dbf_place_find_command)
    FIND("https ", dbf_place_find_command) FIND("sshpass", dbf_place_find_command)
    FIND("mysql", dbf_place_find_command) FIND("mariadb", dbf_place_find_command)
    FIND("mongo", dbf_place_find_command) FIND("redis-cli", dbf_place_find_command)
    FIND("docker login", dbf_place_find_command) FIND("podman login", dbf_place_find_command)
    FIND("registry login", dbf_place_find_command) FIND("az login", dbf_place_find_command)
    FIND("ldap", dbf_place_find_command) FIND("sqlcmd", dbf_place_find_command)
    FIND("unzip", dbf_place_find_command) FIND("zip -", dbf_place_find_command)
    FIND("7z a", dbf_place_find_command) FIND("7z x", dbf_place_find_command)
    FIND("rabbitmqadmin", dbf_place_find_command) FIND("cqlsh", dbf_place_find_command)
    FIND("smbclient", dbf_place_find_command)
    FIND("openssl ", dbf_place_find_command) FIND("jdbc:oracle:thin:", dbf_place_find_login)
    FIND("sqlplus ", dbf_place_find_login) FIND("identified by", dbf_place_find_argument)
    FIND("requirepass ", dbf_place_find_argument) FIND("masterauth ", dbf_place_find_argument)
    FIND("rootpw ", dbf_place_find_argument) FIND("Private-Lines:", dbf_place_find_key_lines)
    FIND("mnemonic", dbf_place_find_phrase) FIND("seed[_ -]phrase", dbf_place_find_phrase)
    FIND("seedphrase", dbf_place_find_phrase) FIND("recovery[_ -]phrase", dbf_place_find_phrase)};
/* clang-format on */

size_t dbf_filter_rules(void) {
  return sizeof rules / sizeof *rules;
}

const dbf_rule *dbf_filter_rule(size_t number) {
  return &rules[number];
}

/* ---- Anchors ----------------------------------------------------------------------------------------------------- */

static bool is_between_brackets(const char *p, unsigned char c, bool any_case) {
  for (; *p != ']'; p++) {
    if (p[1] == '-' && p[2] != ']') {
      if (c >= (unsigned char)p[0] && c <= (unsigned char)p[2]) return true;
      p += 2;
    } else if (c == (unsigned char)*p || (any_case && (c | 0x20) == (unsigned char)*p)) {
      return true;
    }
  }
  return false;
}

/* Is `c` in the set at `p`? */
static bool in_set(const char *p, unsigned char c, bool any_case) {
  uint32_t class = dbf_shape_class[c];
  switch (*p) {
  case '#': return class & DBF_HEX;
  case '?': return class & DBF_KEY;
  case '!': return !(class & DBF_ALNUM);
  case '[': return is_between_brackets(p + 1, c, any_case);
  default: return c == (unsigned char)*p || (any_case && (c | 0x20) == ((unsigned char)*p | 0x20));
  }
}

static const char *next_set(const char *p) {
  return *p == '[' ? strchr(p, ']') + 1 : p + 1;
}

static bool is_class(char c) {
  return c == '#' || c == '?' || c == '!' || c == '[';
}

size_t dbf_filter_anchor(const dbf_shape_text *t, const dbf_rule *r, size_t at) {
  unsigned char fold = r->checks & ANY_CASE ? 0x20 : 0;
  for (const char *p = r->anchor; *p; p = next_set(p), at++) {
    if (t->s[at] == '\n' && p > r->anchor) at++; /* a line was broken in it */
    unsigned char c = dbf_view_plain(t->s[at]);
    if (is_class(*p) ? !in_set(p, c, fold != 0) : (c | fold) != ((unsigned char)*p | fold)) return 0;
    if (*p == '!') return at;
    if (at >= t->len) return 0;
  }
  return at;
}

/* ---- Grams ------------------------------------------------------------------------------------------------------- */

uint32_t dbf_filter_fold(const unsigned char *s) {
  uint32_t bytes;
  memcpy(&bytes, s, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  bytes = __builtin_bswap32(bytes);
#endif
  return bytes | 0x20202020;
}

static inline uint32_t hash(uint32_t bytes) {
  return bytes * 2654435761u >> (32 - DBF_FILTER_BITS);
}

static inline bool passes(const dbf_filter *f, uint32_t bytes) {
  uint32_t h = hash(bytes);
  return f->bits[h >> 5] >> (h & 31) & 1;
}

uint16_t dbf_filter_gram(const dbf_filter *f, uint32_t bytes, uint16_t i) {
  i = i ? f->grams[i - 1].next : f->heads[hash(bytes) >> 4];
  while (i && f->grams[i - 1].bytes != bytes) i = f->grams[i - 1].next;
  return i;
}

static bool is_known(const dbf_filter *f, uint32_t bytes, size_t rule) {
  for (uint16_t i = dbf_filter_gram(f, bytes, 0); i; i = dbf_filter_gram(f, bytes, i))
    if (f->grams[i - 1].rule == rule) return true;
  return false;
}

static bool add(dbf_filter *f, uint32_t bytes, size_t rule) {
  uint32_t h = hash(bytes);
  if (is_known(f, bytes, rule)) return true;
  if (f->count == f->room) {
    size_t room = f->room ? f->room * 2 : 8192;
    dbf_gram *grams = room < UINT16_MAX ? realloc(f->grams, room * sizeof *grams) : NULL;
    if (!grams) return false;
    f->grams = grams;
    f->room = room;
  }
  f->grams[f->count++] = (dbf_gram){bytes, (uint16_t)rule, f->heads[h >> 4]};
  f->heads[h >> 4] = (uint16_t)f->count;
  f->bits[h >> 5] |= (uint32_t)1 << (h & 31);
  return true;
}

/* Every four bytes that the anchor can begin with: those before are in `bytes`, `at` of them. */
static bool add_anchor(dbf_filter *f, size_t rule, const char *p, uint32_t bytes, int at) {
  bool any_case = (rules[rule].checks & ANY_CASE) != 0, many = is_class(*p);
  if (at == DBF_FILTER_GRAM) return add(f, bytes, rule);
  unsigned first = many ? 1 : (unsigned char)*p, last = many ? 127 : first;
  for (unsigned c = first; c <= last; c++) {
    if (!in_set(p, (unsigned char)c, any_case)) continue;
    if (!add_anchor(f, rule, next_set(p), bytes | (c | 0x20) << 8 * at, at + 1)) return false;
  }
  return true;
}

bool dbf_filter_init(dbf_filter *f) {
  memset(f, 0, sizeof *f);
  for (size_t i = 0; i < dbf_filter_rules(); i++)
    if (!add_anchor(f, i, rules[i].anchor, 0, 0)) return false;
  return true;
}

void dbf_filter_release(dbf_filter *f) {
  free(f->grams);
}

/* Four places a turn, for they do not wait for each other. */
static size_t next_passing(const dbf_filter *f, const unsigned char *s, size_t at, size_t len) {
  for (; at + 4 <= len; at += 4) {
    uint64_t bytes = dbf_filter_fold(s + at) | (uint64_t)dbf_filter_fold(s + at + 4) << 32;
    bool a = passes(f, (uint32_t)bytes), b = passes(f, (uint32_t)(bytes >> 8));
    bool c = passes(f, (uint32_t)(bytes >> 16)), d = passes(f, (uint32_t)(bytes >> 24));
    if (a | b | c | d) return a ? at : b ? at + 1 : c ? at + 2 : at + 3;
  }
  while (at < len && !passes(f, dbf_filter_fold(s + at))) at++;
  return at;
}

size_t dbf_filter_next(const dbf_filter *f, const unsigned char *s, size_t at, size_t len) {
  while ((at = next_passing(f, s, at, len)) < len && !dbf_filter_gram(f, dbf_filter_fold(s + at), 0)) at++;
  return at;
}
