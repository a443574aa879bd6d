#include "secrets.h"
#include "filter.h"
#include "name.h"
#include "replace.h"
#include "../log/json_scan.h"

#include <stdlib.h>
#include <string.h>

enum {
  MOST_PASSES = 48, /* until nothing more is found */
  MOST_OWN = 256,   /* kinds of the user's */
  SEAM = 2048,      /* bytes to both sides of the seam between two outputs */
  AHEAD = 4096,     /* bytes that are copied to look across a line break */
  BEHIND = 96,
  LONGEST_UNIT = 100, /* a marker; runs of backslashes and blanks may be longer */
  REACH = 20480,
  NEAR = 8, /* a marker changes what is found only near it: that part of m->reach */
  STEP = 8, /* so many times m->reach of a long text are looked at together: what the second cache holds */
  LARGE = 1 << 20 /* bytes of a buffer that is given back after use */
};

typedef struct own {
  char *kind;
  dbf_pattern *pattern;
} own;

struct dbf_secrets {
  dbf_filter filter;
  own owns[MOST_OWN];
  size_t own_count;
  dbf_view view;
  dbf_find find;
  dbf_bytes spans;     /* of dbf_span: what was found in the view */
  dbf_replace replace; /* the same in the text */
  dbf_bytes seam;      /* two outputs, joined */
  dbf_bytes across;    /* text without one line break */
  dbf_bytes between;   /* the result of a pass */
  size_t reach;        /* bytes that are looked at on both sides of a place, to say what is there */
  bool failed;         /* no memory */
};

dbf_secrets *dbf_secrets_new(void) {
  dbf_secrets *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  dbf_view_init(&m->view);
  dbf_replace_init(&m->replace);
  m->reach = REACH;
  if (dbf_filter_init(&m->filter)) return m;
  dbf_secrets_free(m);
  return NULL;
}

void dbf_secrets_set_reach(dbf_secrets *m, size_t reach) {
  m->reach = reach;
}

void dbf_secrets_free(dbf_secrets *m) {
  if (!m) return;
  for (size_t i = 0; i < m->own_count; i++) {
    free(m->owns[i].kind);
    dbf_pattern_free(m->owns[i].pattern);
  }
  dbf_filter_release(&m->filter);
  dbf_view_release(&m->view);
  dbf_bytes_release(&m->spans);
  dbf_replace_release(&m->replace);
  dbf_bytes_release(&m->seam);
  dbf_bytes_release(&m->across);
  dbf_bytes_release(&m->between);
  free(m);
}

bool dbf_secrets_add(dbf_secrets *m, const char *kind, const char *pattern, dbf_pattern_error *error) {
  *error = (dbf_pattern_error){"too many patterns", 0};
  if (m->own_count == MOST_OWN) return false;
  own *one = &m->owns[m->own_count];
  one->pattern = dbf_pattern_new(pattern, error);
  if (!one->pattern) return false;
  one->kind = strdup(kind);
  if (!one->kind) {
    dbf_pattern_free(one->pattern);
    error->what = "not enough memory";
    return false;
  }
  m->own_count++;
  return true;
}

/* ---- Finding ----------------------------------------------------------------------------------------------------- */

/* Is what ends at `at` a word, as in my_ghp… and tokenhvs…, and no piece of something random? `loosely`: all but a long
 * piece will do. */
static bool follows_word(const dbf_shape_text *t, size_t at, uint32_t mask, bool loosely) {
  size_t from = at;
  while (from > 0 && at - from < 24 && dbf_shape_is(t, from - 1, mask)) from--;
  dbf_shape_stats s = dbf_shape_measure(t, from, at);
  if (loosely) return !dbf_shape_is_random(&s);
  bool one_case = s.capitals == 0 || s.small == 0 || (s.capitals == 1 && dbf_shape_is(t, from, DBF_CAPITAL));
  return one_case && s.digits <= 4 && at - from < 24;
}

/* May a secret begin at `from`, after what stands before it? *clear: only one that is clearly random. */
static bool may_begin(const dbf_shape_text *t, const dbf_rule *r, size_t from, bool *clear) {
  uint32_t mask = r->checks & EDGE ? DBF_KEY | DBF_PLUS : DBF_KEY;
  *clear = false;
  if (from == 0 || !dbf_shape_is(t, from - 1, mask)) return true;
  *clear = (r->checks & START) != 0;
  return follows_word(t, from, mask, !(r->checks & (START | EDGE)));
}

/* Do the checks of a shape hold for the secret from..to, whose own part begins at `after`? */
static bool passes_checks(const dbf_shape_text *t, const dbf_rule *r, size_t from, size_t after, size_t to) {
  bool clear;
  if (!may_begin(t, r, from, &clear)) return false;
  dbf_shape_stats s = dbf_shape_measure(t, after, to);
  bool mixed = s.digits > 0 && s.small + s.capitals > 0, random = dbf_shape_is_random(&s);
  if (s.distinct <= 3 && dbf_shape_measure(t, from, to).distinct <= 8) return false; /* xxxxxxxx */
  if ((r->checks & MIXED) && !mixed && !random) return false;
  if ((r->checks & RANDOM) && !random) return false;
  if ((r->checks & EDGE) && from > 0 && dbf_shape_is(t, from - 1, DBF_BASE64) &&
      memchr(t->s + from, '\n', to - from))
    return false;
  return !clear || (random && s.small > 1 && s.capitals > 1 && s.digits > 1);
}

/* The rule at its anchor. */
static bool apply(dbf_find *f, const dbf_rule *r, size_t at, dbf_span *span) {
  size_t after = dbf_filter_anchor(&f->t, r, at), from;
  if (!after) return false;
  if (r->find) return r->find(f, at, after, span);
  size_t to = dbf_shape_follow(&f->t, r->shape, at, after, &from), sets = at + DBF_FILTER_GRAM - 1;
  if (to == DBF_SHAPE_NONE || !passes_checks(&f->t, r, from, after > sets + 1 ? after : sets, to))
    return false;
  *span = (dbf_span){from, to, r->kind, DBF_RANK_SHAPE};
  return true;
}

/* Nothing goes over a marker: what it stands for was found, and is not found again with what is around it. */
static bool add_span(dbf_secrets *m, dbf_find *f, const dbf_span *span) {
  if (span->to <= span->from || dbf_find_has_marker(f, span->from, span->to)) return false;
  dbf_bytes_append(&m->spans, span, sizeof *span);
  return true;
}

/* All rules whose anchor may begin at `at`. Returns where to look on: past a shape that was found, which holds no other
 * anchor that matters. Names in a value that was found, up to *named_to, are a part of it. */
static size_t apply_all(dbf_secrets *m, dbf_find *f, size_t at, uint32_t bytes, size_t *named_to) {
  size_t next = at + 1;
  for (uint16_t i = dbf_filter_gram(&m->filter, bytes, 0); i; i = dbf_filter_gram(&m->filter, bytes, i)) {
    const dbf_rule *r = dbf_filter_rule(m->filter.grams[i - 1].rule);
    dbf_span span;
    if ((at < *named_to && r->find == dbf_name_find) || !apply(f, r, at, &span) || !add_span(m, f, &span))
      continue;
    if (span.rank == DBF_RANK_NAME && span.to > *named_to) *named_to = span.to;
    if (span.rank <= DBF_RANK_SHAPE && (span.from <= at || span.rank == DBF_RANK_BLOCK) && span.to > next)
      next = span.to;
  }
  return next;
}

/* Look at a copy of the text around a line break, without it, for an anchor that begins `before` bytes before it. */
static void apply_across(dbf_secrets *m, dbf_find *f, size_t nl, size_t before) {
  size_t begin = nl > BEHIND ? nl - BEHIND : 0, end = f->t.len - nl > AHEAD ? nl + AHEAD : f->t.len, none = 0;
  size_t found = m->spans.len;
  dbf_bytes *copy = &m->across;
  dbf_bytes_clear(copy);
  dbf_bytes_append(copy, f->t.s + begin, nl - begin);
  dbf_bytes_append(copy, f->t.s + nl + 1, end - nl - 1);
  if (!dbf_bytes_terminate(copy)) return;
  dbf_find g = {.t = {.s = (const unsigned char *)copy->data, .len = copy->len, .left = f->t.left},
                .view = f->view};
  g.shift = begin;
  g.gap = nl - begin;
  apply_all(m, &g, g.gap - before, dbf_filter_fold(g.t.s + g.gap - before), &none);
  f->t.left = g.t.left;
  for (; found < m->spans.len; found += sizeof(dbf_span)) {
    dbf_span *span = (dbf_span *)(void *)(m->spans.data + found);
    span->from += begin + (span->from >= g.gap);
    span->to += begin + (span->to > g.gap);
  }
}

/* An anchor whose first bytes are cut in two by a line break. */
static void look_across(dbf_secrets *m, dbf_find *f, size_t nl) {
  unsigned char joint[2 * DBF_FILTER_GRAM] = {0};
  size_t most = nl < DBF_FILTER_GRAM ? nl : DBF_FILTER_GRAM - 1;
  if (nl == 0 || !dbf_shape_is(&f->t, nl - 1, DBF_VALUE) || !dbf_shape_is(&f->t, nl + 1, DBF_VALUE)) return;
  memcpy(joint + DBF_FILTER_GRAM - most, f->t.s + nl - most, most);
  memcpy(joint + DBF_FILTER_GRAM, f->t.s + nl + 1, DBF_FILTER_GRAM);
  for (size_t before = most; before > 0; before--)
    if (dbf_filter_gram(&m->filter, dbf_filter_fold(joint + DBF_FILTER_GRAM - before), 0))
      apply_across(m, f, nl, before);
}

static void find_known(dbf_secrets *m, dbf_find *f) {
  const unsigned char *s = f->t.s, *end = s + f->t.len;
  size_t named_to = 0;
  for (size_t at = 0; (at = dbf_filter_next(&m->filter, s, at, f->t.len)) < f->t.len;)
    at = apply_all(m, f, at, dbf_filter_fold(s + at), &named_to);
  for (const unsigned char *nl = s; (nl = memchr(nl, '\n', (size_t)(end - nl))) != NULL; nl++)
    look_across(m, f, (size_t)(nl - s));
}

/* The byte at `at` as a pattern of the user's sees it: nothing it matches goes over the end of a string or a marker. */
static int byte_for_pattern(const dbf_find *f, size_t at) {
  unsigned char c = f->t.s[at];
  if (at == f->t.len) return -1;
  return c == DBF_VIEW_FENCE || c == DBF_VIEW_MARKER ? DBF_PATTERN_WALL : dbf_view_plain(c);
}

static void find_own(dbf_secrets *m, const own *one, dbf_find *f) {
  dbf_span all = {.kind = one->kind, .rank = DBF_RANK_OWN};
  size_t from;
  dbf_pattern_begin(one->pattern);
  for (size_t at = 0; at <= f->t.len; at++) {
    if (!dbf_pattern_feed(one->pattern, at, byte_for_pattern(f, at), &from)) continue;
    if (from > all.to) add_span(m, f, &all);
    if (from > all.to || from < all.from || all.to == 0) all.from = from;
    all.to = at;
  }
  add_span(m, f, &all);
}

/* ---- From the view to the text ----------------------------------------------------------------------------------- */

static bool is_inside_utf8(const dbf_view *v, size_t at) {
  return at > 0 && at < v->raw_len && ((unsigned char)v->raw[at] & 0xc0) == 0x80;
}

/* A part of a text: begin..end is looked at, and what begins in from..to is taken. */
typedef struct part {
  size_t begin, end, from, to;
  bool is_cut; /* the text goes on past the end */
} part;

/* Can a byte not be a part of a longer unit that began before it, when some like it are before it? */
static bool is_plain(unsigned char c) {
  return c >= ' ' && c < 0x7f && c != '\\' && c != '%' && c != '&' && c != '^' && c != '[';
}

/* Where the last unit of a cut text begins, if it may go on past the end. */
static size_t end_of_whole(const dbf_view *v) {
  size_t at = v->raw_len, stop = at > LONGEST_UNIT ? at - LONGEST_UNIT : 0;
  while (at > stop && is_plain((unsigned char)v->raw[at - 1])) at--;
  if (at == stop) return v->raw_len;
  while (at > stop && !is_plain((unsigned char)v->raw[at - 1])) at--;
  while (at > 0 && v->raw[at - 1] == '\\') at--;
  return at;
}

/* What was found, as stretches of the text. What matches a pattern of the user's may be longer than a part: of that each
 * part adds its own. */
static void note_raws(dbf_secrets *m, const part *p) {
  const dbf_span *spans = (const dbf_span *)(const void *)m->spans.data;
  size_t whole = p->is_cut ? end_of_whole(&m->view) : m->view.raw_len;
  for (size_t i = 0; i < m->spans.len / sizeof *spans; i++) {
    dbf_raw_span raw = {.kind = spans[i].kind, .rank = spans[i].rank};
    size_t unused;
    dbf_view_locate(&m->view, spans[i].from, &raw.from, &unused);
    dbf_view_locate(&m->view, spans[i].to - 1, &unused, &raw.to);
    while (is_inside_utf8(&m->view, raw.from)) raw.from--;
    while (is_inside_utf8(&m->view, raw.to)) raw.to++;
    if (raw.to > whole) raw.to = whole;
    raw.from += p->begin;
    raw.to += p->begin;
    bool goes_on = raw.rank == DBF_RANK_OWN && raw.to > p->from;
    if ((raw.from >= p->from || goes_on) && raw.from < p->to && raw.from < raw.to)
      dbf_bytes_append(&m->replace.spans, &raw, sizeof raw);
  }
}

static bool scan(dbf_secrets *m, const char *text, part *p, bool json) {
  dbf_bytes_clear(&m->spans);
  if (!dbf_view_set(&m->view, text + p->begin, p->end - p->begin, json)) m->failed = true;
  if (m->failed) return false;
  size_t unit = p->begin + dbf_view_unit_before(&m->view, p->to - p->begin);
  if (p->is_cut && unit > p->from) p->to = unit;
  m->find = (dbf_find){.view = &m->view, .gap = SIZE_MAX};
  m->find.t = (dbf_shape_text){.s = m->view.text, .len = m->view.len, .left = 2 * m->view.len + 65536};
  find_known(m, &m->find);
  for (size_t i = 0; i < m->own_count; i++) find_own(m, &m->owns[i], &m->find);
  note_raws(m, p);
  m->failed = m->spans.failed || m->across.failed || m->replace.spans.failed;
  return !m->failed;
}

/* ---- Parts of a text --------------------------------------------------------------------------------------------- */

/* Look at from..to, part by part. `begin` is the beginning of a unit, and as far before `from` as it must be. */
static bool scan_range(dbf_secrets *m, const char *text, size_t len, size_t begin, size_t from, size_t to,
                       size_t reach, bool json, bool (*stop)(void)) {
  while (from < to) {
    part p = {.begin = begin, .from = from, .to = to - from > (STEP * reach) ? from + (STEP * reach) : to};
    p.is_cut = len - p.to > reach;
    p.end = p.is_cut ? p.to + reach : len;
    if (!scan(m, text, &p, json) || (stop && stop())) return false;
    from = p.to;
    if (from - begin > reach) begin += dbf_view_unit_before(&m->view, from - reach - begin);
    if (from - begin > 2 * (STEP * reach)) begin = from - reach; /* there is next to nothing to see */
  }
  return true;
}

/* The beginning of a unit, at or before `at` and past `known`, which is one. */
static size_t cut_before(const char *text, size_t known, size_t at) {
  size_t plain = 0;
  while (at > known && plain < 16) plain = is_plain((unsigned char)text[--at]) ? plain + 1 : 0;
  return at == known ? known : at + plain / 2;
}

/* Look again at what is around the markers that the pass before put. */
static bool scan_around(dbf_secrets *m, const char *text, size_t len, bool json, bool (*stop)(void)) {
  const size_t *place = (const size_t *)(const void *)m->replace.places.data;
  size_t count = m->replace.places.len / sizeof *place, known = 0, reach = m->reach / NEAR;
  for (size_t i = 0; i < count;) {
    size_t from = place[i] > reach ? place[i] - reach : 0, to = place[i] + reach;
    for (i++; i < count && place[i] < to + reach; i++) to = place[i] + reach;
    size_t begin = cut_before(text, known, from > reach + known ? from - reach : known);
    if (!scan_range(m, text, len, begin, from, to < len ? to : len, reach, json, stop)) return false;
    known = place[i - 1];
  }
  return true;
}

/* ---- A secret in two outputs ------------------------------------------------------------------------------------- */

static dbf_raw_span *raw_at(const dbf_secrets *m, size_t offset) {
  return (dbf_raw_span *)(void *)(m->replace.spans.data + offset);
}

/* What was found in the joined outputs, from `old` on: parts of the text, where it is on both sides of the seam. */
static void split_at_seam(dbf_secrets *m, size_t old, size_t before, size_t head_end, size_t tail) {
  size_t end = m->replace.spans.len;
  for (; old < end; old += sizeof(dbf_raw_span)) {
    dbf_raw_span found = *raw_at(m, old), none = {0};
    *raw_at(m, old) = none;
    if (found.from >= before || found.to <= before) continue;
    dbf_raw_span rest = {tail, tail + found.to - before, found.kind, found.rank};
    *raw_at(m, old) = (dbf_raw_span){head_end - (before - found.from), head_end, found.kind, found.rank};
    dbf_bytes_append(&m->replace.spans, &rest, sizeof rest);
  }
}

/* Two outputs that follow each other, as JSON strings: a secret that ends the first and begins the second. */
static bool scan_seam(dbf_secrets *m, const char *text, const dbf_json_value *first,
                      const dbf_json_value *second) {
  const char *head_end = first->end - 1, *tail = second->start + 1;
  size_t before = (size_t)(head_end - first->start) - 1, after = (size_t)(second->end - tail) - 1,
         old = m->replace.spans.len;
  if (before == 0 || after == 0) return true;
  if (before > SEAM) before = SEAM;
  if (after > SEAM) after = SEAM;
  dbf_bytes_clear(&m->seam);
  dbf_bytes_append(&m->seam, head_end - before, before);
  dbf_bytes_append(&m->seam, tail, after);
  if (!dbf_bytes_terminate(&m->seam)) return m->failed = true, false;
  if (!scan(m, m->seam.data, &(part){0, m->seam.len, 0, m->seam.len, false}, false)) return false;
  split_at_seam(m, old, before, (size_t)(head_end - text), (size_t)(tail - text));
  return true;
}

static bool scan_seams(dbf_secrets *m, const char *text, size_t len) {
  dbf_json_value root, attempts, item, output, last = {0};
  const char *p = text, *end = text + len;
  while (p < end && (unsigned char)*p <= ' ') p++;
  dbf_json_skip(p, end, &root);
  if (!dbf_json_find(&root, "attempts", 8, &attempts) || attempts.type != DBF_JSON_ARRAY) return true;
  for (p = dbf_json_enter(attempts.start, attempts.end); p;) {
    p = dbf_json_element(p, attempts.end, &item);
    bool has = dbf_json_find(&item, "runner_output", 13, &output) && output.type == DBF_JSON_STRING;
    if (has && last.type && !scan_seam(m, text, &last, &output)) return false;
    last.type = DBF_JSON_NONE;
    if (has) last = output;
  }
  return true;
}

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

/* Buffers of one long text are not kept for the short ones. */
static void give_back(dbf_secrets *m) {
  dbf_bytes *all[] = {&m->view.text_bytes, &m->view.mark_bytes, &m->spans,
                      &m->replace.spans,   &m->replace.places,  &m->seam,
                      &m->across,          &m->between};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i]->cap > LARGE || all[i]->failed) dbf_bytes_release(all[i]);
}

/* One look at the text. The first is at all of it. */
static dbf_secrets_result pass(dbf_secrets *m, const char *text, size_t len, bool json, bool is_first,
                               bool (*stop)(void)) {
  dbf_bytes_clear(&m->replace.spans);
  bool ok = is_first ? scan_range(m, text, len, 0, 0, len, m->reach, json, stop)
                     : scan_around(m, text, len, json, stop);
  ok = ok && (!json || scan_seams(m, text, len));
  if (m->failed) return DBF_SECRETS_NO_MEMORY;
  if (!ok) return DBF_SECRETS_STOPPED;
  bool found = dbf_replace_write(&m->replace, text, len, json, &m->between);
  m->failed = m->replace.places.failed || m->between.failed;
  return m->failed ? DBF_SECRETS_NO_MEMORY : found ? DBF_SECRETS_REDACTED : DBF_SECRETS_CLEAN;
}

dbf_secrets_result dbf_secrets_redact(dbf_secrets *m, const char *text, size_t len, dbf_secrets_form form,
                                      dbf_bytes *out, bool (*stop)(void)) {
  dbf_secrets_result result = DBF_SECRETS_CLEAN, one = DBF_SECRETS_REDACTED;
  m->replace.tally_count = 0;
  m->failed = false;
  if (len > UINT32_MAX) return DBF_SECRETS_TOO_LONG;
  for (int i = 0; i < MOST_PASSES && one == DBF_SECRETS_REDACTED; i++) {
    one = pass(m, text, len, form == DBF_SECRETS_JSON, i == 0, stop);
    if (one != DBF_SECRETS_CLEAN) result = one;
    if (one != DBF_SECRETS_REDACTED) break;
    dbf_bytes swap = *out;
    *out = m->between;
    m->between = swap;
    text = out->data;
    len = out->len;
  }
  give_back(m);
  return result;
}

const char *dbf_secrets_count(const dbf_secrets *m, size_t i, size_t *count) {
  if (i >= m->replace.tally_count) return NULL;
  *count = m->replace.tallies[i].count;
  return m->replace.tallies[i].kind;
}
