/* The example of debrief/log.h: append three entries, read them back. cc log_example.c -ldebrief-log */
#include <debrief/log.h>

#include <stdio.h>
#include <string.h>

#define TEXT(s) ((debrief_text){s, strlen(s)})

int main(int argc, char **argv) {
  const char *runs[][2] = {{"implement", "ok"}, {"review", "fail"}, {"debug", "ok"}};
  debrief_error err;
  debrief_log *log = debrief_log_open(argc > 1 ? argv[1] : "sessions", NULL, &err);
  bool ok = log != NULL;
  for (int i = 0; ok && i < 3; i++) {
    debrief_attempt attempt = {.attempt = 1, .model = TEXT("model"), .verified = true};
    debrief_entry entry = {.struct_size = sizeof entry,
                           .skill = TEXT(runs[i][0]),
                           .final_status = TEXT(runs[i][1]),
                           .attempts = &attempt,
                           .attempt_count = 1};
    ok = debrief_log_append(log, "s1", &entry, &err);
  }
  debrief_reader *reader = ok ? debrief_log_read(log, "s1", NULL, &err) : NULL;
  debrief_next next = reader ? DEBRIEF_NEXT_ENTRY : DEBRIEF_NEXT_ERROR;
  for (debrief_line line;
       reader && (next = debrief_reader_next(reader, &line, &err)) == DEBRIEF_NEXT_ENTRY;) {
    char skill[64], status[64];
    debrief_string(debrief_member(line.json, "skill"), skill, sizeof skill);
    debrief_string(debrief_member(line.json, "final_status"), status, sizeof status);
    printf("%s %s\n", skill, status);
  }
  if (next == DEBRIEF_NEXT_ERROR) fprintf(stderr, "%s\n", err.message);
  debrief_reader_close(reader);
  debrief_log_close(log);
  return next == DEBRIEF_NEXT_ERROR;
}
