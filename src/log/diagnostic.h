/* diagnostic.h: what a diagnostic says besides its message. The names of the kinds are public: log.h. */
#ifndef DBF_DIAGNOSTIC_H
#define DBF_DIAGNOSTIC_H

#include <debrief/log.h>

/* Show the first 64 of these bytes: control characters and what is not ASCII as \x and two digits. */
void dbf_diagnostic_excerpt(debrief_diagnostic *diagnostic, const char *text, size_t len);

#endif
