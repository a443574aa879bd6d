/* A file of any bytes: each line is an entry, blank or reported; what is returned stands in the file; and neither the
 * window nor the kernel shows. */
#include "fuzz.h"

#include "../unit/transcript.h"

typedef struct seen {
  dbf_bytes lines; /* one byte per line: 1 if something was reported about it */
  const char *data;
  size_t len;
} seen;

static void mark(seen *s, uint64_t line) {
  while (s->lines.len < line) dbf_bytes_append_char(&s->lines, 0);
  s->lines.data[line - 1] = 1;
}

static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  seen *s = user;
  CHECK(d->line > 0 && d->offset + d->length <= s->len && d->message && strlen(d->excerpt) <= 256);
  CHECK(!memchr(s->data + d->offset, '\n', d->length));
  CHECK(d->offset + d->length == s->len || s->data[d->offset + d->length] == '\n');
  mark(s, d->line);
}

static void check_record(seen *s, const dbf_record *record, bool foreign) {
  const char *line = s->data + record->offset, *end = memchr(line, '\n', s->len - (size_t)record->offset);
  if (!end) end = s->data + s->len;
  dbf_entry again;
  dbf_json_fault fault;
  dbf_entry_init(&again);
  CHECK(record->entry->len && memmem(line, (size_t)(end - line), record->entry->text, record->entry->len));
  char *text = padded((const uint8_t *)record->entry->text, record->entry->len);
  CHECK(dbf_entry_scan(&again, text, record->entry->len, foreign, &fault) == DBF_SCAN_OK);
  CHECK(again.len == record->entry->len && again.duplicate_key == record->entry->duplicate_key);
  free(text);
  dbf_entry_release(&again);
  mark(s, record->line);
}

static bool is_blank(const char *p, const char *end) {
  while (p < end && strchr(" \t\r", *p) && *p) p++;
  return p == end;
}

/* Is there a line of which nothing was said? */
static void check_lines(const seen *s) {
  const char *p = s->data, *end = s->data + s->len;
  if (s->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
  for (size_t line = 0; p < end; line++) {
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    if (!stop) stop = end;
    CHECK(is_blank(p, stop) || (line < s->lines.len && s->lines.data[line]));
    p = stop + (stop < end);
  }
}

static void account(const char *data, size_t len, bool foreign) {
  seen s = {.data = data, .len = len};
  dbf_read_options options = {.foreign = foreign, .on_diagnostic = on_diagnostic, .user = &s};
  dbf_record record;
  debrief_next next;
  debrief_reader *reader = dbf_reader_open(file_of(data, len), "s1.jsonl", &options, NULL);
  CHECK(reader);
  while ((next = dbf_reader_next(reader, &record, NULL)) == DEBRIEF_NEXT_ENTRY)
    check_record(&s, &record, foreign);
  CHECK(next == DEBRIEF_NEXT_END);
  debrief_reader_close(reader);
  check_lines(&s);
  dbf_bytes_release(&s.lines);
}

/* The first byte chooses window, limit and kind of log. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  if (len == 0) return 0;
  const char *file = (const char *)data + 1;
  dbf_bytes wide, narrow;
  dbf_read_options options = {.foreign = data[0] & 64, .line_limit = data[0] & 128 ? 300 : 0};
  dbf_bytes_init(&wide);
  dbf_bytes_init(&narrow);
  account(file, len - 1, options.foreign);
  transcribe(&wide, file_of(file, len - 1), &options);
  options.window = (data[0] & 63u) + 1u;
  transcribe(&narrow, file_of(file, len - 1), &options);
  CHECK(wide.len == narrow.len && memcmp(wide.data, narrow.data, wide.len) == 0);
  dbf_bytes_release(&wide);
  dbf_bytes_release(&narrow);
  return 0;
}
