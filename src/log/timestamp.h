/* timestamp.h: RFC 3339 with up to nine fractional digits, as Go's time.Time reads and writes it. */
#ifndef DBF_TIMESTAMP_H
#define DBF_TIMESTAMP_H

#include "json_scan.h"
#include <debrief/log.h>

/* "2026-05-03T12:00:00.000000001-07:30". Strict as Go: 'T' and 'Z' upper case, two digits everywhere, real days
 * of the month, seconds to 59, '.' and at least one digit (further than nine are dropped), offset hours to 23 and
 * minutes to 59, years 0000 to 9999. False: not a timestamp. */
bool dbf_timestamp_parse(const char *text, size_t len, debrief_time *time);

/* The same for a JSON string, escaped or not; false for any other value, and when out of memory. */
bool dbf_timestamp_of(const dbf_json_value *value, debrief_time *time);

/* RFC3339Nano without quotes: no trailing zeros in the fraction, no fraction if it is 0, 'Z' for offset 0.
 * False, and nothing appended, when it is outside years 0000 to 9999 or a field is out of range. */
bool dbf_timestamp_write(dbf_bytes *out, const debrief_time *time);

/* Integer nanoseconds since 1970; false outside 1677-09-21 to 2262-04-11, where they do not fit. */
bool dbf_timestamp_ns(const debrief_time *time, int64_t *ns);

/* Now, in UTC. */
debrief_time dbf_timestamp_now(void);

#endif
