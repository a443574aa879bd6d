/* minimal.c: append two runs, read them back. No Lua.
 *
 *     cc minimal.c $(pkg-config --cflags --libs debrief-log) -o minimal
 *     ./minimal sessions
 *
 * The pattern of every function that can fail: false or NULL, and a debrief_error whose message is for people. */
#include <debrief/log.h>

#include <stdio.h>
#include <string.h>

#define TEXT(s) ((debrief_text){s, strlen(s)})

/* One run of a skill is one entry. Zero what you do not know: it is left out, and the timestamp is now. */
static bool append(debrief_log *log, const char *skill, bool verified, debrief_error *err) {
  debrief_attempt attempt = {.attempt = 1, .model = TEXT("small-model"), .verified = verified};
  debrief_entry entry = {.struct_size = sizeof entry,
                         .skill = TEXT(skill),
                         .final_status = TEXT(verified ? "ok" : "error"),
                         .attempts = &attempt,
                         .attempt_count = 1};
  return debrief_log_append(log, "s1", &entry, err);
}

/* Damaged lines do not end a reading. They come here. */
static void on_diagnostic(void *user, const debrief_diagnostic *d) {
  (void)user;
  fprintf(stderr, "%s:%llu: %s\n", d->path, (unsigned long long)d->line, d->message);
}

static bool read_back(debrief_log *log, debrief_error *err) {
  debrief_read_config config = {.struct_size = sizeof config, .on_diagnostic = on_diagnostic};
  debrief_reader *reader = debrief_log_read(log, "s1", &config, err);
  if (!reader) return false;
  debrief_line line;
  debrief_next next;
  while ((next = debrief_reader_next(reader, &line, err)) == DEBRIEF_NEXT_ENTRY) {
    char skill[64], status[64];
    /* A field is JSON text inside the line; these two decode it, cut to fit. */
    debrief_string(debrief_member(line.json, "skill"), skill, sizeof skill);
    debrief_string(debrief_member(line.json, "final_status"), status, sizeof status);
    printf("%llu %s %s\n", (unsigned long long)line.line, skill, status);
  }
  debrief_reader_close(reader);
  return next == DEBRIEF_NEXT_END;
}

int main(int argc, char **argv) {
  debrief_error err;
  debrief_log *log = debrief_log_open(argc > 1 ? argv[1] : "sessions", NULL, &err);
  bool ok = log && append(log, "implement", true, &err) && append(log, "review", false, &err) &&
            read_back(log, &err);
  if (!ok) fprintf(stderr, "minimal: %s\n", err.message);
  debrief_log_close(log);
  return ok ? 0 : 1;
}
