/* Writing entries: from a struct as Go's json.Marshal writes the original's, from JSON text as it stands. Whatever
 * fails, `out` is left as it was. */
#include "entry.h"
#include "error.h"
#include "json_write.h"
#include "keyset.h"
#include "timestamp.h"
#include "utf8.h"

#include <assert.h>
#include <string.h>

/* ---- Messages -------------------------------------------------------------------------------------------- */

/* Text from a log, cut short and fit to be shown: what is no printable UTF-8 becomes '?'. */
typedef struct shown {
  char text[72];
} shown;

static shown show(const char *text, size_t len) {
  shown out;
  char *to = out.text;
  const char *p = len ? text : "", *end = p + len;
  while (p < end && to - out.text < 60) {
    size_t n = dbf_utf8_length(p, (size_t)(end - p));
    bool control =
        (unsigned char)*p < 0x20 || *p == 0x7f || (n == 2 && *p == '\xc2' && (unsigned char)p[1] < 0xa0);
    if (n == 0 || control) *to++ = '?';
    else to = (char *)memcpy(to, p, n) + n;
    p += n ? n : 1;
  }
  strcpy(to, p < end ? "..." : "");
  return out;
}

static shown show_string(const dbf_json_value *string) {
  dbf_bytes decoded;
  dbf_bytes_init(&decoded);
  dbf_json_decode_string(string, &decoded);
  shown out = show(decoded.data, decoded.len);
  dbf_bytes_release(&decoded);
  return out;
}

static bool fail_session(debrief_error *err, uint64_t offset, const shown *named, const char *id) {
  return dbf_fail_at(
      err, DEBRIEF_EENTRY, 0, offset,
      "session_id is \"%s\", but the entry goes to session \"%s\": append it to \"%s\", or leave "
      "session_id out",
      named->text, id, named->text);
}

static bool fail_json(debrief_error *err, const char *where, const char *text, size_t len,
                      const dbf_json_fault *fault) {
  size_t offset = (size_t)(fault->at - text);
  if (offset > len) offset = len;
  if (fault->too_deep)
    return dbf_fail_at(err, DEBRIEF_ETOOBIG, 0, offset, "%s at byte %zu: nested deeper than %d levels", where,
                       offset, DBF_JSON_DEPTH);
  return dbf_fail_at(err, DEBRIEF_EJSON, 0, offset, "%s is not JSON at byte %zu: %s", where, offset,
                     fault->what);
}

static bool fail_size(debrief_error *err, size_t len) {
  return dbf_fail(err, DEBRIEF_ETOOBIG, "the entry has %zu bytes, and a line at most %zu: shorten it", len,
                  DBF_LINE_LIMIT);
}

/* The line written after `start`: keep it, or take it back and say why. */
static bool finish(dbf_bytes *out, size_t start, debrief_error *err) {
  assert(out->len >= start);
  size_t len = out->len - start;
  if (!out->failed && len <= DBF_LINE_LIMIT) return true;
  out->len = start;
  return out->failed ? dbf_fail_memory(err) : fail_size(err, len);
}

/* ---- Pieces ---------------------------------------------------------------------------------------------- */

static void write_comma(dbf_bytes *out) {
  if (out->len && out->data[out->len - 1] != '{') dbf_bytes_append_char(out, ',');
}

static void write_key(dbf_bytes *out, const char *name) {
  size_t len = strlen(name);
  if (!dbf_bytes_reserve(out, len + sizeof ",\"\":")) return;
  char *p = out->data + out->len;
  if (out->len && p[-1] != '{') *p++ = ','; /* no state to carry: a value never ends in an opening brace */
  *p++ = '"';
  p = (char *)memcpy(p, name, len) + len;
  *p++ = '"';
  *p++ = ':';
  out->len = (size_t)(p - out->data);
}

static void write_text(dbf_bytes *out, const char *name, debrief_text text) {
  write_key(out, name);
  dbf_json_write_string(out, text.data, text.len);
}

static void write_time(dbf_bytes *out, const debrief_time *time) {
  dbf_bytes_append_char(out, '"');
  dbf_timestamp_write(out, time);
  dbf_bytes_append_char(out, '"');
}

static void write_now(dbf_bytes *out) {
  debrief_time now = dbf_timestamp_now();
  write_time(out, &now);
}

/* Is a member there twice? `*twice` is the second one's name. *memory turns false when that could not be found
 * out. */
static bool has_duplicate(const dbf_json_value *object, dbf_json_value *twice, bool *memory) {
  dbf_keyset names;
  dbf_json_value value;
  dbf_keyset_result result = DBF_KEYSET_NEW;
  dbf_keyset_init(&names);
  const char *p = dbf_json_enter(object->start, object->end);
  while (p && result == DBF_KEYSET_NEW) {
    p = dbf_json_member(p, object->end, twice, &value);
    result = dbf_keyset_add(&names, twice);
  }
  dbf_keyset_release(&names);
  if (result == DBF_KEYSET_NO_MEMORY) *memory = false;
  return result == DBF_KEYSET_THERE;
}

/* ---- From a struct --------------------------------------------------------------------------------------- */

typedef struct writer {
  dbf_bytes *out;
  dbf_bytes copy; /* of JSON from the caller, with the padding that the scanner needs */
  bool sparse;
  uint32_t has;         /* of the entry or attempt being written */
  size_t attempt_count; /* of the entry */
  debrief_error *err;
} writer;

/* Has the text its bytes? */
static bool check_text(writer *w, const char *name, debrief_text text) {
  return text.data || text.len == 0 ||
         dbf_fail(w->err, DEBRIEF_EARG, "%s has %zu bytes, but its data is NULL", name, text.len);
}

/* Check JSON text of the caller that stands `depth` levels deep. *value lies in the writer's copy. */
static bool check_json(writer *w, const char *where, debrief_text json, unsigned depth,
                       dbf_json_value *value) {
  dbf_json_fault fault = {0};
  if (!check_text(w, where, json)) return false;
  if (json.len > DBF_LINE_LIMIT) return fail_size(w->err, json.len);
  dbf_bytes_clear(&w->copy);
  dbf_bytes_append(&w->copy, json.data, json.len);
  if (!dbf_bytes_terminate(&w->copy)) return dbf_fail_memory(w->err);
  const char *text = w->copy.data, *end = text + json.len;
  const char *p =
      dbf_json_kernel_best()->scan_value(dbf_json_skip_space(text, end), end, depth, value, &fault);
  if (p && (p = dbf_json_skip_space(p, end)) != end) {
    fault = (dbf_json_fault){"expected its end", p, false};
    p = NULL;
  }
  return p ? true : fail_json(w->err, where, text, json.len, &fault);
}

static bool is_known(const dbf_json_value *name, const dbf_field *known) {
  for (; known->name; known++)
    if (dbf_json_string_is(name, known->name, strlen(known->name))) return true;
  return false;
}

static bool fail_name(writer *w, const dbf_json_value *name, const char *complaint) {
  shown text = show_string(name);
  return dbf_fail_at(w->err, DEBRIEF_EENTRY, 0, (uint64_t)(name->start - w->copy.data),
                     "extra: member \"%s\" %s", text.text, complaint);
}

/* The members that follow the known ones, `depth` levels deep. */
static bool put_extra(writer *w, debrief_text extra, const dbf_field *known, unsigned depth) {
  dbf_json_value object, name, value;
  bool memory = true;
  if (extra.len == 0) return true;
  if (!check_json(w, "extra", extra, depth, &object)) return false;
  if (object.type != DBF_JSON_OBJECT) return dbf_fail(w->err, DEBRIEF_EENTRY, "extra is not a JSON object");
  if (has_duplicate(&object, &name, &memory)) return fail_name(w, &name, "occurs twice: keep one");
  if (!memory) return dbf_fail_memory(w->err);
  for (const char *p = dbf_json_enter(object.start, object.end); p;) {
    p = dbf_json_member(p, object.end, &name, &value);
    if (is_known(&name, known)) return fail_name(w, &name, "is a known one: set it in the struct");
    write_comma(w->out);
    dbf_json_compact(w->out, name.start, (size_t)(value.end - name.start), false);
  }
  return true;
}

/* put_<kind>(writer, name, value, always, bit), as entry_fields.def has them. What was not given is left out of a
 * sparse entry; of another one, what Go leaves out when it is empty. */

static bool is_given(const writer *w, bool always, uint32_t bit) {
  return w->sparse ? (w->has & bit) != 0 : always;
}

static bool put_string(writer *w, const char *name, debrief_text text, bool always, uint32_t bit) {
  (void)bit;
  if (!check_text(w, name, text)) return false;
  if (w->sparse ? text.data != NULL : always || text.len > 0) write_text(w->out, name, text);
  return true;
}

static bool put_integer(writer *w, const char *name, int64_t value, bool always, uint32_t bit) {
  if (is_given(w, always, bit) || (value && !always)) {
    write_key(w->out, name);
    dbf_json_write_integer(w->out, value);
  }
  return true;
}

static bool put_boolean(writer *w, const char *name, bool value, bool always, uint32_t bit) {
  if (is_given(w, always, bit) || (value && !always)) {
    write_key(w->out, name);
    dbf_bytes_append(w->out, value ? "true" : "false", value ? 4 : 5);
  }
  return true;
}

static bool put_json(writer *w, const char *name, debrief_text json, bool always, uint32_t bit) {
  dbf_json_value value;
  (void)always, (void)bit;
  if (json.len == 0) return true;
  if (!check_json(w, name, json, 1, &value)) return false;
  write_key(w->out, name);
  dbf_json_compact(w->out, value.start, (size_t)(value.end - value.start), true);
  return true;
}

/* Year 0000 can be read, as Go does, but a struct that holds it was filled in wrongly. */
static bool put_time(writer *w, const char *name, debrief_time time, bool always, uint32_t bit) {
  (void)always, (void)bit;
  if (!time.set && w->sparse) return true;
  write_key(w->out, name);
  if (!time.set) {
    write_now(w->out);
    return true;
  }
  size_t start = w->out->len;
  dbf_bytes_append_char(w->out, '"');
  bool ok = dbf_timestamp_write(w->out, &time);
  if (!ok || (!w->out->failed && memcmp(w->out->data + start + 1, "0000", 4) == 0))
    return dbf_fail(w->err, DEBRIEF_EENTRY,
                    "%s is outside years 0001 to 9999, or its nanoseconds or zone are out of range", name);
  dbf_bytes_append_char(w->out, '"');
  return true;
}

static bool put_attempt(writer *w, const debrief_attempt *attempt) {
  bool ok = true;
  w->has = attempt->has;
  dbf_bytes_append_char(w->out, '{');
#define DBF_ATTEMPT_FIELD(id, letter, name, kind, always, bit) \
  ok = ok && put_##kind(w, #name, attempt->name, always, bit);
#include "entry_fields.def"
  ok = ok && put_extra(w, attempt->extra, dbf_attempt_fields, 2);
  dbf_bytes_append_char(w->out, '}');
  return ok;
}

static bool put_attempts(writer *w, const char *name, const debrief_attempt *attempts, bool always,
                         uint32_t bit) {
  size_t count = w->attempt_count;
  uint32_t has = w->has;
  bool ok = true;
  if (!count && !is_given(w, always, bit)) return true;
  if (count && !attempts)
    return dbf_fail(w->err, DEBRIEF_EARG, "attempt_count is %zu, but attempts is NULL", count);
  write_key(w->out, name);
  dbf_bytes_append_char(w->out, '[');
  for (size_t i = 0; ok && i < count; i++) {
    if (i) dbf_bytes_append_char(w->out, ',');
    ok = put_attempt(w, &attempts[i]);
  }
  dbf_bytes_append_char(w->out, ']');
  w->has = has;
  return ok;
}

static bool put_entry(writer *w, const debrief_entry *entry) {
  bool ok = true;
  w->has = entry->has;
  w->attempt_count = entry->attempt_count;
  dbf_bytes_append_char(w->out, '{');
#define DBF_ENTRY_FIELD(id, letter, name, kind, always, bit) \
  ok = ok && put_##kind(w, #name, entry->name, always, bit);
#include "entry_fields.def"
  ok = ok && put_extra(w, entry->extra, dbf_entry_fields, 0);
  dbf_bytes_append_char(w->out, '}');
  return ok;
}

bool dbf_entry_write(dbf_bytes *out, const char *id, const debrief_entry *entry, debrief_error *err) {
  writer w = {.out = out, .sparse = entry->sparse, .err = err};
  size_t start = out->len;
  debrief_text session = entry->session_id;
  debrief_entry named = *entry;
  if (entry->struct_size != sizeof *entry)
    return dbf_fail(err, DEBRIEF_EARG,
                    "debrief_entry.struct_size is %zu: set it to sizeof(debrief_entry), %zu here",
                    entry->struct_size, sizeof *entry);
  if (!check_text(&w, "session_id", session)) return false;
  if (session.data && (session.len != strlen(id) || memcmp(session.data, id, session.len) != 0)) {
    shown other = show(session.data, session.len);
    return fail_session(err, 0, &other, id);
  }
  named.session_id = (debrief_text){id, strlen(id)};
  bool ok = put_entry(&w, &named);
  dbf_bytes_release(&w.copy);
  if (ok) return finish(out, start, err);
  out->len = start;
  return false;
}

/* ---- From JSON text -------------------------------------------------------------------------------------- */

/* A set for each object, on the way that fails: what is right was found so by the scan, without any of this. */
static bool fail_duplicate(const dbf_entry *entry, const char *text, debrief_error *err) {
  dbf_json_value object = {entry->text, entry->text + entry->len, DBF_JSON_OBJECT, false}, twice, attempts;
  bool memory = true, found = has_duplicate(&object, &twice, &memory);
  const char *p = NULL, *where = "";
  if (!found && dbf_entry_known(entry, DBF_ATTEMPTS, &attempts)) {
    p = dbf_json_enter(attempts.start, attempts.end);
    where = " of an attempt";
  }
  while (p && !found) {
    p = dbf_json_element(p, attempts.end, &object);
    found = object.type == DBF_JSON_OBJECT && has_duplicate(&object, &twice, &memory);
  }
  if (!found) return dbf_fail_memory(err);
  shown name = show_string(&twice);
  return dbf_fail_at(err, DEBRIEF_EENTRY, 0, (uint64_t)(twice.start - text),
                     "member \"%s\"%s occurs twice: keep one", name.text, where);
}

/* The object was scanned; may it be appended to `id`? */
static bool check_object(const dbf_entry *entry, const char *id, const char *text, size_t len,
                         debrief_error *err) {
  const char *end = text + len, *rest = dbf_json_skip_space(entry->text + entry->len, end);
  dbf_json_value session;
  if (rest != end) {
    size_t offset = (size_t)(rest - text);
    return dbf_fail_at(err, DEBRIEF_EJSON, 0, offset,
                       "byte %zu follows the entry: append one entry at a time", offset);
  }
  if (entry->duplicate_key) return fail_duplicate(entry, text, err);
  if (dbf_entry_names(entry, id)) return true;
  dbf_entry_known(entry, DBF_SESSION_ID, &session);
  shown named = show_string(&session);
  return fail_session(err, (uint64_t)(session.start - text), &named, id);
}

static bool scan_object(dbf_entry *entry, const char *id, const char *text, size_t len, debrief_error *err) {
  dbf_json_fault fault;
  switch (dbf_entry_scan(entry, text, len, false, &fault)) {
  case DBF_SCAN_OK: return check_object(entry, id, text, len, err);
  case DBF_SCAN_BAD_JSON: return fail_json(err, "the entry", text, len, &fault);
  case DBF_SCAN_BAD_ENTRY:
    return dbf_fail_at(err, DEBRIEF_EENTRY, 0, (uint64_t)(fault.at - text), "not an entry: %s", fault.what);
  case DBF_SCAN_NO_MEMORY: break;
  }
  return dbf_fail_memory(err);
}

static void copy_member(dbf_bytes *out, const dbf_entry *entry, uint32_t i, const char *id, bool sparse) {
  const dbf_member *m = &entry->members[i];
  bool null = m->type == DBF_JSON_NULL;
  if (null && entry->known[DBF_SESSION_ID] == i + 1) {
    write_key(out, dbf_entry_fields[DBF_SESSION_ID].name);
    dbf_json_write_string(out, id, strlen(id));
  } else if (null && entry->known[DBF_TIMESTAMP] == i + 1 && !sparse) {
    write_key(out, dbf_entry_fields[DBF_TIMESTAMP].name);
    write_now(out);
  } else {
    write_comma(out);
    dbf_json_compact(out, entry->text + m->key, m->value_end - m->key, false);
  }
}

/* Is nothing to be filled in? */
static bool is_whole(const dbf_entry *entry, bool sparse) {
  uint32_t session = entry->known[DBF_SESSION_ID], time = entry->known[DBF_TIMESTAMP];
  if (!session || entry->members[session - 1].type == DBF_JSON_NULL) return false;
  return sparse || (time && entry->members[time - 1].type != DBF_JSON_NULL);
}

/* A leading session_id stays in front of a timestamp that is filled in: salvage finds a record by it. */
static void copy_object(dbf_bytes *out, const dbf_entry *entry, const char *id, bool sparse) {
  bool stamp = !sparse && !entry->known[DBF_TIMESTAMP];
  dbf_bytes_append_char(out, '{');
  if (!entry->known[DBF_SESSION_ID])
    write_text(out, dbf_entry_fields[DBF_SESSION_ID].name, (debrief_text){id, strlen(id)});
  for (uint32_t i = 0; i < entry->count || stamp; i++) {
    if (stamp && (i > 0 || entry->known[DBF_SESSION_ID] != 1)) {
      write_key(out, dbf_entry_fields[DBF_TIMESTAMP].name);
      write_now(out);
      stamp = false;
    }
    if (i < entry->count) copy_member(out, entry, i, id, sparse);
  }
  dbf_bytes_append_char(out, '}');
}

bool dbf_entry_write_next(dbf_entry *entry, dbf_bytes *out, dbf_bytes *scratch, const char *id,
                          const char *json, size_t len, bool sparse, debrief_error *err) {
  size_t start = out->len;
  if (len > DBF_LINE_LIMIT) return fail_size(err, len);
  if (len >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0)
    return dbf_fail_at(err, DEBRIEF_EJSON, 0, 0,
                       "the entry begins with a byte-order mark: leave out its three bytes");
  dbf_bytes_clear(scratch);
  dbf_bytes_append(scratch, json, len);
  if (!dbf_bytes_terminate(scratch)) return dbf_fail_memory(err);
  if (!scan_object(entry, id, scratch->data, len, err)) return false;
  if (is_whole(entry, sparse)) dbf_json_compact(out, entry->text, entry->len, false);
  else copy_object(out, entry, id, sparse);
  return finish(out, start, err);
}

bool dbf_entry_write_json(dbf_bytes *out, dbf_bytes *scratch, const char *id, const char *json, size_t len,
                          bool sparse, debrief_error *err) {
  dbf_entry entry;
  dbf_entry_init(&entry);
  bool ok = dbf_entry_write_next(&entry, out, scratch, id, json, len, sparse, err);
  dbf_entry_release(&entry);
  return ok;
}
