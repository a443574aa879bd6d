/* json_write as it is on machines with neither SSE2 nor NEON. */
#define DBF_BLOCK_PLAIN
#include "log/json_write.c"

#include "json_write.c"
