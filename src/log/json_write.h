/* json_write.h: JSON out. Strings as Go's encoding/json writes them (HTML characters escaped), numbers exact.
 *
 * All functions append to a dbf_bytes and never fail by themselves: out->failed is set when memory runs out. */
#ifndef DBF_JSON_WRITE_H
#define DBF_JSON_WRITE_H

#include "bytes.h"
#include "json_scan.h"

/* A JSON string, quotes included: '"' '\\' escaped, \n \r \t short, other bytes < 0x20 and < > & U+2028 U+2029 as
 * \u00xx / \u20xx, bytes that are not UTF-8 as \ufffd one by one, everything else as it is (Go 1.21's encoder:
 * vectors of the original). */
void dbf_json_write_string(dbf_bytes *out, const char *data, size_t len);

void dbf_json_write_integer(dbf_bytes *out, int64_t value);

/* The shortest decimal that reads back as the same double, with '.0' or an exponent so that it stays a float in
 * Lua ("1.0", "1e+300", "-0.0"); '.' whatever the locale says. NaN and infinities are the caller's error: false,
 * nothing appended. */
bool dbf_json_write_number(dbf_bytes *out, double value);

/* Append validated JSON text compacted: white space between tokens dropped; with `html`, < > & U+2028 U+2029 in
 * strings escaped as Go does for a RawMessage; bytes in strings that are not UTF-8 become \ufffd; all other bytes
 * stay. `text` needs no padding. */
void dbf_json_compact(dbf_bytes *out, const char *text, size_t len, bool html);

#endif
