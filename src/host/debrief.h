/* debrief/debrief.h: debrief inside a C program: the log of debrief/log.h plus Lua. Link with libdebrief.
 *
 * A debrief belongs to one thread at a time; several are independent of each other. Nothing here prints, exits, or
 * changes a locale, unless it runs a command of the program (debrief_command), whose business that is. */
#ifndef DEBRIEF_H
#define DEBRIEF_H

#include <debrief/log.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct debrief_config {
  size_t struct_size; /* sizeof(debrief_config) */
  const char
      *source_dir; /* a working copy of debrief: read lua/ and plugins/ from there; NULL: what is built in */
  /* What plugins print and log. `level` is what the plugin gave, by custom "debug", "info", "warn" or "error"; `text`
   * is one line, in which control characters are shown escaped. May be called from worker threads. NULL: dropped. */
  void (*on_log)(void *user, const char *level, const char *text);
  void *user;
} debrief_config;

typedef struct debrief debrief;

/* Open a host. `config` may be NULL; what it points to must stay valid. Errors: EARG, EMEMORY. */
DEBRIEF_API debrief *debrief_open(const debrief_config *config, debrief_error *err);

/* Close it and everything it made. NULL is fine. */
DEBRIEF_API void debrief_close(debrief *host);

/* Run a command of the program as if typed: `argc` words in `argv`, argv[0] being the program's name. It reads
 * standard input and writes standard output and error. *status is the exit status the program would have. False
 * only when the command could not be run at all: EMEMORY, EARG. */
DEBRIEF_API bool debrief_command(debrief *host, int argc, char **argv, int *status, debrief_error *err);

#ifdef __cplusplus
}
#endif
#endif
