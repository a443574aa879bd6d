/* Any text, and any JSON: what was redacted has nothing left to redact, JSON stays JSON, and parts of a few bytes keep to
 * units. The first byte chooses how. */
#include "fuzz.h"

#include "log/json_scan.h"
#include "secrets/secrets.h"

enum { FORM = 1, PARTS = 2, OWN = 4 };

static bool is_json(const char *text, size_t len) {
  dbf_json_fault fault;
  char *copy = padded((const uint8_t *)text, len);
  bool valid = dbf_json_valid(dbf_json_kernel_best(), copy, len, &fault);
  free(copy);
  return valid;
}

/* Made once: that takes longer than most inputs do. */
static dbf_secrets *with(int own) {
  static dbf_secrets *made[2];
  dbf_pattern_error error;
  dbf_secrets **one = &made[own != 0];
  if (*one) return *one;
  *one = dbf_secrets_new();
  CHECK(*one && (!own || dbf_secrets_add(*one, "own", "a[^c]*c|\\d{4,}x?", &error)));
  return *one;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  if (len == 0) return 0;
  int how = data[0];
  dbf_bytes once, again;
  dbf_bytes_init(&once);
  dbf_bytes_init(&again);
  char *text = padded(data + 1, --len);
  dbf_secrets *secrets = with(how & OWN);
  dbf_secrets_set_reach(secrets, how & PARTS ? 8 + (size_t)how / 8 : 20480);
  bool json = (how & FORM) && is_json(text, len);
  dbf_secrets_form form = json ? DBF_SECRETS_JSON : DBF_SECRETS_TEXT;
  dbf_secrets_result result = dbf_secrets_redact(secrets, text, len, form, &once, NULL);
  CHECK(result == DBF_SECRETS_CLEAN || result == DBF_SECRETS_REDACTED);
  if (result == DBF_SECRETS_REDACTED) {
    CHECK(!json || is_json(once.data, once.len));
    if (!(how & PARTS))
      CHECK(dbf_secrets_redact(secrets, once.data, once.len, form, &again, NULL) == DBF_SECRETS_CLEAN);
  }
  dbf_bytes_release(&once);
  dbf_bytes_release(&again);
  free(text);
  return 0;
}
