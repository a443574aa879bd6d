/* salvage.c: the search for whole records in a damaged line (salvage.h has the rules).
 *
 *     |value|value|* |value| broken {"session_id":"s1"...cut | {"session_id":"s1"...}|
 *      take        ^ one damaged byte ^find_next: a beginning that is not a value of the broken part
 *
 * From a place where a value may begin, whole values are taken one after the other. If there is none, the line is
 * broken up to the next place where an entry of this session begins. The scan of the broken part says how far it can be
 * read as a record: up to there, objects are its values. Every byte is scanned a fixed number of times. */
#include "salvage.h"

#include <assert.h>
#include <string.h>

typedef struct search {
  dbf_entry *scratch;
  const char *text, *end;
  const dbf_salvage_rule *rule;
  dbf_salvage *out;
  dbf_json_fault fault; /* of the last scan */
  bool open;            /* the last of out->at counts only if the next value is an entry of this session */
  bool no_memory;
} search;

/* ---- Bytes ----------------------------------------------------------------------------------------------------- */

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *dbf_salvage_skip(const char *p, const char *end, bool *nuls) {
  for (; p < end && (is_space(*p) || *p == '\0'); p++)
    if (*p == '\0') *nuls = true;
  return p;
}

size_t dbf_salvage_at(const dbf_salvage *found, size_t i) {
  uint32_t at;
  assert(i < found->count);
  memcpy(&at, found->at.data + i * sizeof at, sizeof at);
  return at;
}

static const char *skip_space(const char *p, const char *end) {
  while (p < end && is_space(*p)) p++;
  return p;
}

/* Can this byte stand between two records only by damage? One that JSON has between its values cannot: records inside a
 * record stand between such. */
static bool is_stray(char c) {
  return !is_space(c) && !strchr("{}[]:,\"\\", c); /* NUL is in the set, too */
}

/* p at a closing quote: the quote that opens the string. Inside a string every quote is escaped. */
static bool is_escaped(const char *begin, const char *quote) {
  const char *p = quote;
  while (p > begin && p[-1] == '\\') p--;
  return (quote - p) & 1;
}

static const char *string_start(const char *begin, const char *p) {
  do p = memrchr(begin, '"', (size_t)(p - begin));
  while (p && is_escaped(begin, p));
  return p;
}

/* The only place where an object that ends at `end` can begin: backwards, counting brackets outside strings. */
static const char *object_start(const char *begin, const char *end) {
  size_t level = 0;
  for (const char *p = end; p > begin;) {
    switch (*--p) {
    case '"':
      if (!(p = string_start(begin, p))) return NULL;
      break;
    case '}':
    case ']': level++; break;
    case '{':
    case '[':
      if (level == 0) return NULL;
      if (--level == 0) return *p == '{' ? p : NULL;
      break;
    default:
      if (level == 0) return NULL;
      break;
    }
  }
  return NULL;
}

/* ---- Records --------------------------------------------------------------------------------------------------- */

/* Scan the value at p: where it ends, NULL when it is not whole. */
static const char *scan(search *s, const char *p) {
  dbf_scan status = dbf_entry_scan(s->scratch, p, (size_t)(s->end - p), s->rule->foreign, &s->fault);
  if (status == DBF_SCAN_NO_MEMORY) s->no_memory = true;
  if (status == DBF_SCAN_NO_MEMORY || status == DBF_SCAN_BAD_JSON) return NULL;
  return s->scratch->text + s->scratch->len;
}

static bool begins(const search *s, const char *p) {
  const dbf_salvage_rule *rule = s->rule;
  return rule->begin_len > 0 && (size_t)(s->end - p) >= rule->begin_len &&
         memcmp(p, rule->begin, rule->begin_len) == 0;
}

/* Is the text that was scanned last, as far as it goes, an entry of this session? */
static bool is_ours(const search *s) {
  dbf_json_value id;
  if (!s->rule->session) return begins(s, s->scratch->text);
  return *s->scratch->text == '{' && dbf_entry_known(s->scratch, DBF_SESSION_ID, &id) &&
         id.type == DBF_JSON_STRING && dbf_json_string_is(&id, s->rule->session, strlen(s->rule->session));
}

static void believe(search *s, const char *p) {
  uint32_t at = (uint32_t)(p - s->text);
  assert(p >= s->text && p < s->end);
  dbf_bytes_append(&s->out->at, &at, sizeof at);
  if (s->out->at.failed) s->no_memory = true;
}

static void doubt_last(search *s) {
  assert(!s->open || s->out->at.len >= sizeof(uint32_t));
  if (s->open) s->out->at.len -= sizeof(uint32_t);
  s->open = false;
}

static void break_at(search *s, const char *p) {
  if (s->out->broken < (size_t)(s->end - s->text)) return;
  s->out->broken = (size_t)(p - s->text);
  s->out->fault = s->fault;
}

typedef enum follows { NOTHING_OURS, ENTRY_OR_END, PERHAPS } follows;

/* What stands at p, after a whole record? PERHAPS: an object that does not say at once whose it is. */
static follows what_follows(const search *s, const char *p) {
  p = skip_space(p, s->end);
  if (p == s->end || *p == '\0' || begins(s, p)) return ENTRY_OR_END;
  if (*p == '{') return PERHAPS;
  if (!is_stray(*p)) return NOTHING_OURS;
  p++;
  if (skip_space(p, s->end) == s->end || *p == '\0' || begins(s, p)) return ENTRY_OR_END;
  return *p == '{' ? PERHAPS : NOTHING_OURS;
}

/* A whole value, scanned last, ends at `stop`. */
static void meet_value(search *s, const char *stop) {
  bool ours = is_ours(s);
  s->out->values++;
  if (ours) s->open = false;
  else doubt_last(s);
  if (!ours) return;
  follows next = what_follows(s, stop);
  if (next == NOTHING_OURS) return;
  believe(s, s->scratch->text);
  s->open = next == PERHAPS;
}

/* The scan of `p`, where a value may begin, failed. Is it the beginning of an entry, to vouch for the one before? */
static void meet_cut(search *s, const char *p) {
  if (*p == '{' && (is_ours(s) || s->fault.at >= s->end)) s->open = false;
}

/* Damage may put a quote before an entry: what it makes of the entry's first bytes is a string, but not one that was
 * meant. */
static bool is_quote_too_many(const search *s, const char *p) {
  return *p == '"' && s->end - p > 1 && begins(s, p + 1);
}

/* Take the value at p, or after one stray byte: where it ends, NULL if there is none; s->fault is then about p. */
static const char *take(search *s, const char *p) {
  const char *stop = scan(s, p);
  if (stop && is_quote_too_many(s, p))
    s->fault = (dbf_json_fault){.what = "a quote before an entry", .at = p + 1};
  else if (stop) return meet_value(s, stop), stop;
  if (s->no_memory) return NULL;
  meet_cut(s, p);
  if (!is_stray(*p) || p + 1 >= s->end || p[1] != '{') return NULL;
  dbf_json_fault fault = s->fault;
  if ((stop = scan(s, p + 1)) && is_ours(s)) {
    s->fault = fault;
    break_at(s, p);
    return meet_value(s, stop), stop;
  }
  meet_cut(s, p + 1);
  s->fault = fault;
  return NULL;
}

/* ---- After what is broken ------------------------------------------------------------------------------------- */

/* A broken piece of the line, scanned from `from` on as if it were a record. */
typedef struct piece {
  const char *from;
  const char *fault;  /* what is before it could be read */
  const char *misfit; /* a value that no entry has at this place; NULL: none before the fault */
} piece;

/* Is the object at `p` not a value inside the piece? A scan of the piece that comes to `passed`, after the first name
 * of the object, has read it as a value. In a string it ends that with its first quote, and the scan fails at the next
 * byte; where no value may stand, it fails at once. And no entry has an object for its skill. */
static bool is_outside(const piece *broken, const char *p, const char *passed) {
  if (broken->fault >= passed) return p == broken->misfit;
  if (broken->fault >= p) return true;
  while (p > broken->from && is_space(p[-1])) p--;
  return p == broken->from || !strchr(":,[", p[-1]) || p[-1] == '\0';
}

/* Where the record ends that stands before `p`, with white space, NUL bytes and one stray byte in between at most.
 * NULL: no record does. */
static const char *end_before(const char *from, const char *p) {
  const char *stop = p;
  while (stop > from && (is_space(stop[-1]) || stop[-1] == '\0')) stop--;
  if (stop > from && stop == p && is_stray(stop[-1])) stop--;
  return stop > from && stop[-1] == '}' ? stop : NULL;
}

static void reverse(uint32_t *a, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    uint32_t swapped = a[i];
    a[i] = a[count - 1 - i];
    a[count - 1 - i] = swapped;
  }
}

/* Find the records that end a broken piece, at `stop`, where an entry begins or the line ends. Those that begin as
 * entries do are found from the front; this is for those that name their session later, and only after a record that
 * was cut outside of its strings: in a string, or in foreign text, a brace and what follows it may be anything. */
static void take_last(search *s, const piece *broken, const char *stop) {
  dbf_bytes *at = &s->out->at;
  size_t before = at->len;
  if (s->rule->foreign || *broken->from != '{') return;
  while ((stop = end_before(broken->from, stop))) {
    const char *p = object_start(broken->from, stop);
    bool in_string = broken->fault > p && broken->misfit != p;
    if (!p || p == broken->from || in_string || scan(s, p) != stop || !is_ours(s) ||
        !is_outside(broken, p, stop))
      break;
    believe(s, p);
    stop = p;
  }
  if (at->len > before)
    reverse((uint32_t *)(void *)(at->data + before), (at->len - before) / sizeof(uint32_t));
}

static const char *find_beginning(const search *s, const char *p) {
  return p < s->end && s->rule->begin_len > 0
             ? memmem(p, (size_t)(s->end - p), s->rule->begin, s->rule->begin_len)
             : NULL;
}

/* The scan at `from` failed: take the next whole record. *gap is where the broken bytes end. NULL: there is no more. */
static const char *find_next(search *s, const char *from, const char **gap) {
  piece broken = {from, s->fault.at, s->scratch->misfit};
  const char *stop, *p = from;
  break_at(s, from);
  doubt_last(s);
  while ((p = find_beginning(s, p + 1))) {
    if (!is_outside(&broken, p, p + s->rule->begin_len)) continue;
    take_last(s, &broken, p);
    *gap = p;
    if ((stop = scan(s, p))) return meet_value(s, stop), stop;
    if (s->no_memory) return NULL;
    broken = (piece){p, s->fault.at, s->scratch->misfit};
  }
  take_last(s, &broken, s->end);
  *gap = s->end;
  return NULL;
}

/* Take the next value, and what is broken before it. */
static const char *step(search *s, const char *p) {
  const char *gap, *stop = take(s, p);
  if (stop || s->no_memory) return stop;
  stop = find_next(s, p, &gap);
  if (memchr(p, 0, (size_t)(gap - p))) s->out->nuls = true;
  return stop;
}

bool dbf_salvage_line(dbf_entry *scratch, const char *text, size_t len, const dbf_salvage_rule *rule,
                      dbf_salvage *out) {
  search s = {.scratch = scratch, .text = text, .end = text + len, .rule = rule, .out = out};
  dbf_bytes_clear(&out->at);
  *out = (dbf_salvage){.at = out->at, .broken = len};
  for (const char *p = text; p && (p = dbf_salvage_skip(p, s.end, &out->nuls)) < s.end;) p = step(&s, p);
  doubt_last(&s);
  out->whole = out->broken == len;
  out->count = out->whole ? 0 : out->at.len / sizeof(uint32_t);
  out->spliced = out->count > 0 && dbf_salvage_at(out, out->count - 1) > out->broken;
  return !s.no_memory;
}
