/* embedded.h: the Lua sources and bundled plugins as text inside the library (embed.lua writes the table). */
#ifndef DBF_EMBEDDED_H
#define DBF_EMBEDDED_H

#include <stddef.h>

typedef struct dbf_embedded_file {
  const char *path; /* as in the source tree: "lua/debrief/init.lua", "plugins/summary.lua" */
  const char *text; /* not NUL-terminated */
  size_t len;
} dbf_embedded_file;

/* In byte order of the paths; {NULL, NULL, 0} is the last. */
extern const dbf_embedded_file dbf_embedded_files[];

#endif
