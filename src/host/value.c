#include "host.h"
#include "../log/error.h"
#include "../log/json_scan.h"

#include <string.h>

static bool is_name(const char *name) {
  size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  return n > 0 && !name[n] && (*name < '0' || *name > '9');
}

static bool check(const debrief *host, const char *function, const char *name, const void *given,
                  debrief_error *err) {
  if (!host || !name || !given) return dbf_fail(err, DEBRIEF_EARG, "%s: an argument is NULL", function);
  if (is_name(name)) return true;
  return dbf_fail(err, DEBRIEF_EARG, "%s: '%.80s' is not a Lua name: letters, digits and _", function, name);
}

/* Checked here, so that the host gets the error, and not a plugin a day later. */
static bool check_json(debrief_text text, debrief_error *err) {
  dbf_bytes copy; /* the scanner reads past the end */
  dbf_json_fault fault;
  dbf_bytes_init(&copy);
  dbf_bytes_append(&copy, text.data, text.len);
  bool memory = dbf_bytes_terminate(&copy);
  bool ok = memory && dbf_json_valid(dbf_json_kernel_best(), copy.data, text.len, &fault);
  if (!memory) dbf_fail_memory(err);
  else if (!ok)
    dbf_fail_at(err, DEBRIEF_EJSON, 0, (uint64_t)(fault.at - copy.data), "debrief_set: %s, at byte %zu",
                fault.what, (size_t)(fault.at - copy.data) + 1);
  dbf_bytes_release(&copy);
  return ok;
}

bool debrief_set(debrief *host, const char *name, const debrief_value *value, debrief_error *err) {
  if (!check(host, "debrief_set", name, value, err)) return false;
  if (!dbf_host_value_is_valid(value))
    return dbf_fail(err, DEBRIEF_EARG, "debrief_set: %s is not a value: its kind is %d", name,
                    (int)value->kind);
  if (value->kind == DEBRIEF_JSON && !check_json(value->as.text, err)) return false;
  return dbf_host_values_set(host->config.values, name, value) || dbf_fail_memory(err);
}

bool debrief_register(debrief *host, const char *name, bool (*function)(void *user, debrief_call *call),
                      void *user, debrief_threads threads, debrief_error *err) {
  if (!check(host, "debrief_register", name, function ? name : NULL, err)) return false;
  return dbf_host_values_register(host->config.values, name, function, user, threads) || dbf_fail_memory(err);
}
