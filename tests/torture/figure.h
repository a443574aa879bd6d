/* figure.h: what a test has counted, for the table in build/torture.md. The file of figures is named by FIGURES; nothing is
 * written without. One line: what is tortured, what was counted, the figure, its goal, whether it was met. */
#ifndef FIGURE_H
#define FIGURE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 5, 6))) static inline void
figure(const char *area, const char *what, const char *goal, bool met, const char *format, ...) {
  const char *path = getenv("FIGURES");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  va_list args;
  va_start(args, format);
  fprintf(file, "%s\t%s\t", area, what);
  vfprintf(file, format, args);
  fprintf(file, "\t%s\t%s\n", goal, met ? "yes" : "no");
  va_end(args);
  fclose(file);
}

#endif
