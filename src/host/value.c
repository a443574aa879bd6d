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
  return dbf_fail(err, DEBRIEF_EARG, "%s: '%.80s' is no Lua name: letters, digits and _", function, name);
}

/* Into the script floor's form. False: it is no value. */
static bool take(dbf_value *to, const debrief_value *from) {
  bool is_text = from->kind == DEBRIEF_TEXT || from->kind == DEBRIEF_JSON;
  *to = (dbf_value){.kind = DBF_NIL};
  if (is_text && !from->as.text.data && from->as.text.len > 0) return false;
  switch (from->kind) {
  case DEBRIEF_NIL: return true;
  case DEBRIEF_BOOLEAN: to->kind = DBF_BOOLEAN, to->as.boolean = from->as.boolean; return true;
  case DEBRIEF_INTEGER: to->kind = DBF_INTEGER, to->as.integer = from->as.integer; return true;
  case DEBRIEF_NUMBER: to->kind = DBF_NUMBER, to->as.number = from->as.number; return true;
  case DEBRIEF_TEXT: to->kind = DBF_TEXT, to->as.text = from->as.text; return true;
  case DEBRIEF_JSON: to->kind = DBF_JSON, to->as.text = from->as.text; return true;
  }
  return false;
}

static debrief_value give(const dbf_value *from) {
  debrief_value to = {.kind = DEBRIEF_NIL};
  switch (from->kind) {
  case DBF_NIL: break;
  case DBF_BOOLEAN: to.kind = DEBRIEF_BOOLEAN, to.as.boolean = from->as.boolean; break;
  case DBF_INTEGER: to.kind = DEBRIEF_INTEGER, to.as.integer = from->as.integer; break;
  case DBF_NUMBER: to.kind = DEBRIEF_NUMBER, to.as.number = from->as.number; break;
  case DBF_TEXT: to.kind = DEBRIEF_TEXT, to.as.text = from->as.text; break;
  case DBF_JSON: to.kind = DEBRIEF_JSON, to.as.text = from->as.text; break;
  }
  return to;
}

static bool check_json(debrief_text text, debrief_error *err) {
  dbf_bytes copy; /* the scanner wants bytes behind the end */
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
  dbf_value given;
  if (!check(host, "debrief_set", name, value, err)) return false;
  if (!take(&given, value))
    return dbf_fail(err, DEBRIEF_EARG, "debrief_set: %s is no value: its kind is %d", name, (int)value->kind);
  if (given.kind == DBF_JSON && !check_json(given.as.text, err)) return false;
  return dbf_host_values_set(host->config.values, name, &given) || dbf_fail_memory(err);
}

bool debrief_register(debrief *host, const char *name, bool (*function)(void *user, debrief_call *call),
                      void *user, debrief_threads threads, debrief_error *err) {
  if (!check(host, "debrief_register", name, function ? name : NULL, err)) return false;
  bool any = threads == DEBRIEF_ANY_THREAD;
  return dbf_host_values_register(host->config.values, name, function, user, any) || dbf_fail_memory(err);
}

size_t debrief_call_count(const debrief_call *call) {
  return call ? dbf_call_count(call) : 0;
}

debrief_value debrief_call_argument(const debrief_call *call, size_t i) {
  dbf_value value = call ? dbf_call_argument(call, i) : (dbf_value){.kind = DBF_NIL};
  return give(&value);
}

bool debrief_call_return(debrief_call *call, const debrief_value *value) {
  dbf_value given;
  return call && value && take(&given, value) && dbf_call_return(call, &given);
}

bool debrief_call_fail(debrief_call *call, const char *message) {
  if (call) dbf_call_fail(call, message ? message : "the host's function failed");
  return false;
}
