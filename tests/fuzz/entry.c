/* What append takes of any bytes, every kernel's reader takes; written again, it is the same. What append refuses has a
 * reason inside the text. */
#include "fuzz.h"

#include "log/entry.h"

static dbf_scan scan(const dbf_json_kernel *kernel, const char *text, size_t len, bool foreign, size_t *end,
                     dbf_json_fault *fault) {
  dbf_entry entry;
  dbf_entry_init(&entry);
  entry.kernel = kernel;
  dbf_scan status = dbf_entry_scan(&entry, text, len, foreign, fault);
  *end = (size_t)(entry.text + entry.len - text);
  CHECK(status != DBF_SCAN_NO_MEMORY && *end <= len);
  for (uint32_t i = 0; status == DBF_SCAN_OK && i < entry.count; i++) {
    const dbf_member *m = &entry.members[i];
    CHECK(m->key < m->key_end && m->key_end < m->value && m->value < m->value_end &&
          m->value_end < entry.len);
  }
  dbf_entry_release(&entry);
  return status;
}

static void agree(const char *text, size_t len, bool foreign) {
  const dbf_json_kernel *kernel;
  dbf_json_fault first_fault, fault;
  size_t first_end, end;
  dbf_scan first = scan(dbf_json_kernel_at(0), text, len, foreign, &first_end, &first_fault);
  for (size_t i = 1; (kernel = dbf_json_kernel_at(i)); i++) {
    CHECK(scan(kernel, text, len, foreign, &end, &fault) == first && end == first_end);
    CHECK(fault.at == first_fault.at && !fault.what == !first_fault.what);
    CHECK(!fault.what || strcmp(fault.what, first_fault.what) == 0);
  }
}

static void write_twice(const char *text, size_t len) {
  dbf_bytes once, again, scratch;
  debrief_error err = {0};
  dbf_json_fault fault;
  size_t end;
  dbf_bytes_init(&once);
  dbf_bytes_init(&again);
  dbf_bytes_init(&scratch);
  if (dbf_entry_write_json(&once, &scratch, "s1", text, len, false, &err)) {
    CHECK(dbf_bytes_terminate(&once) && !memchr(once.data, '\n', once.len));
    CHECK(scan(dbf_json_kernel_best(), once.data, once.len, false, &end, &fault) == DBF_SCAN_OK &&
          end == once.len);
    /* names that are not UTF-8 may become equal */
    bool utf8 = dbf_json_kernel_best()->utf8_valid(text, len);
    bool wrote = dbf_entry_write_json(&again, &scratch, "s1", once.data, once.len, false, &err);
    CHECK(wrote || !utf8);
    CHECK(!wrote || (again.len == once.len && memcmp(again.data, once.data, once.len) == 0));
  } else {
    CHECK(err.code != DEBRIEF_OK && err.message[0] && err.offset <= len && once.len == 0);
  }
  dbf_bytes_release(&once);
  dbf_bytes_release(&again);
  dbf_bytes_release(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  char *text = padded(data, len);
  agree(text, len, false);
  agree(text, len, true);
  write_twice(text, len);
  free(text);
  return 0;
}
