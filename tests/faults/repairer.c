/* repairer DIR ID: repair one session and say "ok ENTRIES LEFT_OUT", "clean ENTRIES" or "CODE message" on standard output. */
#include <debrief/log.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

static const char *const names[] = {"OK",        "EARG",     "EID",   "EJSON",   "EENTRY",
                                    "ETOOBIG",   "ENOENT",   "EIO",   "EUNSAFE", "ELOCKED",
                                    "EPOISONED", "EDAMAGED", "EFORK", "EMEMORY", "ESYNC"};

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  signal(SIGXFSZ, SIG_IGN);
  debrief_log_config config = {.struct_size = sizeof config, .lock_timeout_ms = 200};
  debrief_repair repair = {.struct_size = sizeof repair};
  debrief_error err;
  debrief_log *log = debrief_log_open(argv[1], &config, &err);
  if (!log) return 2;
  bool ok = debrief_log_repair(log, argv[2], &repair, &err);
  if (!ok) printf("%s %s\n", names[err.code], err.message);
  else if (!repair.repaired) printf("clean %" PRIu64 "\n", repair.entries);
  else printf("ok %" PRIu64 " %zu\n", repair.entries, repair.left_out_count);
  debrief_repair_release(&repair);
  debrief_log_close(log);
  return ok ? 0 : 1;
}
