/* All kernels say the same of any bytes, where they fail included; a walk through what they accept stays inside. */
#include "fuzz.h"

#include "log/json_scan.h"
#include "log/json_write.h"
#include "log/utf8.h"

static void walk(const dbf_json_value *value, const char *begin, const char *end) {
  dbf_json_value key, inner;
  const char *p = NULL;
  CHECK(value->type != DBF_JSON_NONE && value->start >= begin && value->end <= end &&
        value->start < value->end);
  if (value->type == DBF_JSON_OBJECT || value->type == DBF_JSON_ARRAY)
    p = dbf_json_enter(value->start, value->end);
  while (p) {
    if (value->type == DBF_JSON_OBJECT) {
      p = dbf_json_member(p, value->end, &key, &inner);
      CHECK(key.type == DBF_JSON_STRING && key.end < inner.start);
    } else {
      p = dbf_json_element(p, value->end, &inner);
    }
    walk(&inner, value->start + 1, value->end - 1);
  }
}

static void decode(const dbf_json_value *value) {
  dbf_bytes out;
  int64_t integer;
  dbf_bytes_init(&out);
  if (value->type == DBF_JSON_STRING) {
    dbf_json_decode_string(value, &out);
    CHECK(!out.failed && (!out.len || dbf_utf8_valid_scalar(out.data, out.len)));
    CHECK(dbf_json_string_is(value, out.data ? out.data : "", out.len) ||
          !dbf_utf8_valid_scalar(value->start, (size_t)(value->end - value->start)));
  }
  if (value->type == DBF_JSON_INTEGER) dbf_json_decode_integer(value, &integer);
  if (value->type == DBF_JSON_INTEGER || value->type == DBF_JSON_NUMBER) dbf_json_decode_number(value);
  dbf_bytes_release(&out);
}

/* Compact text is the same value, and stays as it is. */
static void compact(const dbf_json_value *value) {
  dbf_bytes once, again;
  dbf_json_fault fault;
  dbf_bytes_init(&once);
  dbf_bytes_init(&again);
  dbf_json_compact(&once, value->start, (size_t)(value->end - value->start), true);
  CHECK(dbf_bytes_terminate(&once) && dbf_json_valid(dbf_json_kernel_best(), once.data, once.len, &fault));
  dbf_json_compact(&again, once.data, once.len, true);
  CHECK(again.len == once.len && memcmp(again.data, once.data, once.len) == 0);
  dbf_bytes_release(&once);
  dbf_bytes_release(&again);
}

static void use(const dbf_json_value *value, const char *text, size_t len) {
  dbf_json_value walked;
  walk(value, text, text + len);
  decode(value);
  compact(value);
  CHECK(dbf_json_skip(value->start, value->end, &walked) == value->end);
  CHECK(walked.type == value->type && walked.escaped == value->escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  const dbf_json_kernel *kernel;
  char *text = padded(data, len);
  const char *first_end = NULL;
  dbf_json_value first = {0};
  dbf_json_fault first_fault = {0};
  for (size_t i = 0; (kernel = dbf_json_kernel_at(i)); i++) {
    dbf_json_value value = {0};
    dbf_json_fault fault = {0};
    const char *end = kernel->scan_value(text, text + len, 0, &value, &fault);
    CHECK(end ? end > text && end <= text + len : fault.what && fault.at >= text && fault.at <= text + len);
    CHECK(kernel->utf8_valid(text, len) == dbf_utf8_valid_scalar(text, len));
    if (i == 0) first_end = end, first = value, first_fault = fault;
    CHECK(end == first_end && fault.at == first_fault.at && fault.too_deep == first_fault.too_deep);
    CHECK(end || strcmp(fault.what, first_fault.what) == 0);
    CHECK(!end || (value.type == first.type && value.escaped == first.escaped));
  }
  if (first_end) use(&first, text, len);
  free(text);
  return 0;
}
