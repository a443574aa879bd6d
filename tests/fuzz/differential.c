/* Two other readers of JSON, jansson and yajl, accept what ours accepts, and refuse what it refuses; and where jansson
 * has a value, ours is the same. What they are known to do otherwise is left out: bytes that are not UTF-8 (ours reads
 * and reports them), escaped surrogates without their half and escaped NUL (ours keeps them), numbers that no double holds,
 * and depth. */
#include "fuzz.h"

#include "log/json_scan.h"
#include "log/json_write.h"
#include "log/utf8.h"

#include <jansson.h>
#include <yajl/yajl_parse.h>

enum { DEEPEST = 60 };

/* Do the three have the same rules for this text? */
static bool is_common(const char *text, size_t len) {
  int depth = 0;
  if (!dbf_utf8_valid_scalar(text, len) || memchr(text, '\0', len)) return false;
  for (size_t i = 0; i < len; i++) {
    depth += text[i] == '[' || text[i] == '{';
    if (text[i] == '\v' || text[i] == '\f') return false; /* white space for yajl */
    if (text[i] != '\\' || i + 5 >= len || text[i + 1] != 'u') continue;
    if ((text[i + 2] | 0x20) == 'd' || memcmp(text + i + 2, "0000", 4) == 0) return false;
  }
  return depth < DEEPEST;
}

/* A number that is too large or too long for jansson's double or 64 bits. */
static bool has_large_number(const char *text, size_t len) {
  for (size_t i = 0, digits = 0; i < len; i++) {
    bool is_digit = text[i] >= '0' && text[i] <= '9';
    digits = is_digit ? digits + 1 : 0;
    if (digits > 17) return true;
    if (is_digit && i + 1 < len && (text[i + 1] | 0x20) == 'e') return true;
  }
  return false;
}

static bool yajl_accepts_parts(const char *const parts[3], const size_t lens[3]) {
  yajl_handle handle = yajl_alloc(NULL, NULL, NULL);
  CHECK(handle);
  bool ok = true;
  for (int i = 0; i < 3; i++)
    ok = ok && yajl_parse(handle, (const unsigned char *)parts[i], lens[i]) == yajl_status_ok;
  ok = ok && yajl_complete_parse(handle) == yajl_status_ok;
  yajl_free(handle);
  return ok;
}

/* Alone, and in an array: yajl does not see that a text ends in the middle of a token after its value. */
static bool yajl_accepts(const char *text, size_t len) {
  return yajl_accepts_parts((const char *const[]){"", text, ""}, (const size_t[]){0, len, 0}) &&
         yajl_accepts_parts((const char *const[]){"[", text, "]"}, (const size_t[]){1, len, 1});
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static void compare(const dbf_json_value *ours, const json_t *theirs);

static void compare_string(const dbf_json_value *ours, const char *text, size_t len) {
  dbf_bytes out = {0};
  dbf_json_decode_string(ours, &out);
  CHECK(out.len == len && (len == 0 || memcmp(out.data, text, len) == 0));
  dbf_bytes_release(&out);
}

/* Members are compared where a name is there once: of two with one name jansson keeps the last. */
static void compare_object(const dbf_json_value *ours, const json_t *theirs) {
  dbf_json_value key, inner;
  size_t count = 0;
  for (const char *p = dbf_json_enter(ours->start, ours->end); p; count++)
    p = dbf_json_member(p, ours->end, &key, &inner);
  CHECK(count >= json_object_size(theirs));
  if (count != json_object_size(theirs)) return;
  for (const char *p = dbf_json_enter(ours->start, ours->end); p;) {
    dbf_bytes name = {0};
    p = dbf_json_member(p, ours->end, &key, &inner);
    dbf_json_decode_string(&key, &name);
    CHECK(dbf_bytes_terminate(&name));
    const json_t *value = json_object_get(theirs, name.data);
    CHECK(value);
    compare(&inner, value);
    dbf_bytes_release(&name);
  }
}

static void compare_array(const dbf_json_value *ours, const json_t *theirs) {
  dbf_json_value inner;
  size_t i = 0;
  for (const char *p = dbf_json_enter(ours->start, ours->end); p; i++) {
    p = dbf_json_element(p, ours->end, &inner);
    CHECK(i < json_array_size(theirs));
    compare(&inner, json_array_get(theirs, i));
  }
  CHECK(i == json_array_size(theirs));
}

static bool is_minus_zero(const dbf_json_value *value) {
  return value->end - value->start == 2 && memcmp(value->start, "-0", 2) == 0;
}

static void compare(const dbf_json_value *ours, const json_t *theirs) {
  int64_t integer;
  switch (json_typeof(theirs)) {
  case JSON_OBJECT:
    CHECK(ours->type == DBF_JSON_OBJECT);
    compare_object(ours, theirs);
    break;
  case JSON_ARRAY:
    CHECK(ours->type == DBF_JSON_ARRAY);
    compare_array(ours, theirs);
    break;
  case JSON_STRING:
    CHECK(ours->type == DBF_JSON_STRING);
    compare_string(ours, json_string_value(theirs), json_string_length(theirs));
    break;
  case JSON_INTEGER:
    CHECK(ours->type == DBF_JSON_INTEGER);
    if (is_minus_zero(ours)) break; /* ours keeps the sign, as a double */
    CHECK(dbf_json_decode_integer(ours, &integer) && integer == json_integer_value(theirs));
    break;
  case JSON_REAL:
    CHECK(ours->type == DBF_JSON_NUMBER);
    double number = dbf_json_decode_number(ours);
    CHECK(number <= json_real_value(theirs) && number >= json_real_value(theirs));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
  case JSON_NULL: CHECK(ours->end - ours->start == (json_is_false(theirs) ? 5 : 4)); break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  dbf_json_fault fault;
  dbf_json_value value;
  json_error_t error;
  char *text = padded(data, len);
  if (is_common(text, len) && !has_large_number(text, len)) {
    bool ours = dbf_json_valid(dbf_json_kernel_best(), text, len, &fault);
    json_t *theirs = json_loadb(text, len, JSON_DECODE_ANY, &error);
    CHECK(ours == (theirs != NULL));
    CHECK(ours == yajl_accepts(text, len));
    if (ours) {
      const char *begin = dbf_json_skip_space(text, text + len);
      const char *end = dbf_json_kernel_best()->scan_value(begin, text + len, 0, &value, &fault);
      CHECK(end);
      compare(&value, theirs);
    }
    json_decref(theirs);
  }
  free(text);
  return 0;
}
