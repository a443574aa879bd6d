/* appender DIR ID COUNT PAD [sync]: append COUNT entries with PAD bytes of padding each and say of each "ok KEY" or
 * "CODE message" on standard output, at once and without stdio's buffer. Goes on after an error. */
#include <debrief/log.h>

#include "line.h"

#include <signal.h>
#include <unistd.h>

static const char *const names[] = {"OK",        "EARG",     "EID",   "EJSON",   "EENTRY",
                                    "ETOOBIG",   "ENOENT",   "EIO",   "EUNSAFE", "ELOCKED",
                                    "EPOISONED", "EDAMAGED", "EFORK", "EMEMORY", "ESYNC"};

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  signal(SIGXFSZ, SIG_IGN);
  debrief_log_config config = {.struct_size = sizeof config, .lock_timeout_ms = 200};
  if (argc > 5) config.sync = DEBRIEF_SYNC_DATA;
  debrief_error err;
  debrief_log *log = debrief_log_open(argv[1], &config, &err);
  if (!log) return 2;
  for (int i = 1; i <= atoi(argv[3]); i++) {
    char key[32], said[600];
    snprintf(key, sizeof key, "k%d", i);
    char *json = line_of(argv[2], key, (size_t)atol(argv[4]));
    bool ok = debrief_log_append_json(log, argv[2], json, strlen(json), &err);
    int n = ok ? snprintf(said, sizeof said, "ok %s\n", key)
               : snprintf(said, sizeof said, "%s %s\n", names[err.code], err.message);
    if (write(1, said, (size_t)n) != n) return 2;
    free(json);
  }
  debrief_log_close(log);
  return 0;
}
