/* exact_sum.h: sums of floats without loss, as parts that do not overlap (Shewchuk 1997). The same steps as in
 * debrief.retro.aggregate.sum, so that both have the same parts. */
#ifndef DBF_EXACT_SUM_H
#define DBF_EXACT_SUM_H

#include <math.h>
#include <stddef.h>

/* Add x to `count` parts, which have room for one more; how many there are then. The last one is the largest. */
static inline size_t dbf_exact_sum_add(double *parts, size_t count, double x) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    double y = parts[i];
    if (fabs(x) < fabs(y)) {
      double swap = x;
      x = y;
      y = swap;
    }
    volatile double high = x + y, rest = high - x; /* rounded, whatever registers hold */
    double low = y - rest;
    if (low != 0) parts[kept++] = low;
    x = high;
  }
  parts[kept++] = x;
  return kept;
}

#endif
