/* transcript.h: what a reader says about a file, as text that a test can compare.
 *
 *     entry 1 @0 {"skill":"a"}                               flags: salvaged, bad_utf8, twice
 *     spliced 2 @14+37 "\x00..." several records on one line
 *     end 1 entries, 2 lines, 0 blank, 1 damaged, 0 warnings */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "unit.h"

#include "log/read.h"

#include <sys/mman.h>
#include <unistd.h>

static inline void say(dbf_bytes *out, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  dbf_bytes_append(out, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static inline void say_diagnostic(void *user, const debrief_diagnostic *d) {
  say(user, "%s %llu @%llu+%llu \"%s\" %s\n", debrief_kind_name(d->kind), (unsigned long long)d->line,
      (unsigned long long)d->offset, (unsigned long long)d->length, d->excerpt, d->message);
}

static inline void say_record(dbf_bytes *out, const dbf_record *record) {
  say(out, "entry %llu @%llu ", (unsigned long long)record->line, (unsigned long long)record->offset);
  dbf_bytes_append(out, record->entry->text, record->entry->len);
  say(out, "%s%s%s\n", record->salvaged ? " salvaged" : "", record->bad_utf8 ? " bad_utf8" : "",
      record->entry->duplicate_key ? " twice" : "");
}

/* A file of these bytes that has no name; the caller closes it. */
static inline int file_of(const char *data, size_t len) {
  int fd = memfd_create("test", MFD_CLOEXEC);
  for (size_t at = 0; fd >= 0 && at < len;) {
    ssize_t n = write(fd, data + at, len - at);
    if (n <= 0) abort();
    at += (size_t)n;
  }
  return fd;
}

/* Read everything and append the transcript to `out`. `fd` is closed. */
static inline void transcribe(dbf_bytes *out, int fd, const dbf_read_options *with) {
  dbf_read_options options = *with;
  dbf_record record;
  debrief_error err = {0};
  debrief_next next;
  options.on_diagnostic = say_diagnostic;
  options.user = out;
  debrief_reader *reader = dbf_reader_open(fd, "logs/s1.jsonl", &options, &err);
  if (!reader) abort();
  while ((next = dbf_reader_next(reader, &record, &err)) == DEBRIEF_NEXT_ENTRY) say_record(out, &record);
  dbf_read_counts c = dbf_reader_counts(reader);
  if (next == DEBRIEF_NEXT_ERROR)
    say(out, "error %d %llu @%llu %s\n", err.code, (unsigned long long)err.line,
        (unsigned long long)err.offset, err.message);
  say(out, "end %llu entries, %llu lines, %llu blank, %llu damaged, %llu warnings\n",
      (unsigned long long)c.entries, (unsigned long long)c.lines, (unsigned long long)c.blank,
      (unsigned long long)c.damaged, (unsigned long long)c.warnings);
  debrief_reader_close(reader);
}

#endif
