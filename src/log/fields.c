/* The fields of an entry, for C programs: debrief_member and its company. */
#include "json_scan.h"
#include <debrief/log.h>
#include "timestamp.h"
#include "utf8.h"

#include <string.h>

/* Nothing is kept between calls, so each of them walks its text from the beginning: for the handful of fields that a C
 * program asks for, simpler than an index, and it cannot go stale. */
static dbf_json_value value_of(debrief_text json) {
  dbf_json_value value = {NULL, NULL, DBF_JSON_NONE, false};
  if (json.data && json.len) dbf_json_skip(json.data, json.data + json.len, &value);
  return value;
}

static debrief_text text_of(const dbf_json_value *value) {
  return (debrief_text){value->start, (size_t)(value->end - value->start)};
}

debrief_text debrief_member(debrief_text json, const char *name) {
  dbf_json_value object = value_of(json), value;
  if (!name || !dbf_json_find(&object, name, strlen(name), &value)) return (debrief_text){NULL, 0};
  return text_of(&value);
}

debrief_text debrief_element(debrief_text json, size_t index) {
  dbf_json_value array = value_of(json), value;
  const char *p = array.type == DBF_JSON_ARRAY ? dbf_json_enter(array.start, array.end) : NULL;
  for (; p; index--) {
    p = dbf_json_element(p, array.end, &value);
    if (index == 0) return text_of(&value);
  }
  return (debrief_text){NULL, 0};
}

/* The longest prefix of at most `room` bytes that ends between characters. */
static size_t cut(const char *text, size_t len, size_t room) {
  if (len <= room) return len;
  while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80) room--;
  return room;
}

size_t debrief_string(debrief_text json, char *buffer, size_t size) {
  dbf_json_value string = value_of(json);
  dbf_bytes decoded;
  size_t len = SIZE_MAX;
  dbf_bytes_init(&decoded);
  if (!buffer) size = 0;
  if (size) buffer[0] = '\0';
  if (string.type == DBF_JSON_STRING) dbf_json_decode_string(&string, &decoded);
  if (string.type == DBF_JSON_STRING && !decoded.failed) {
    len = decoded.len;
    size_t n = size ? cut(decoded.data, len, size - 1) : 0;
    if (n) memcpy(buffer, decoded.data, n);
    if (size) buffer[n] = '\0';
  }
  dbf_bytes_release(&decoded);
  return len;
}

bool debrief_integer(debrief_text json, int64_t *value) {
  dbf_json_value number = value_of(json);
  int64_t unused;
  return dbf_json_decode_integer(&number, value ? value : &unused);
}

bool debrief_timestamp(debrief_text json, debrief_time *value) {
  dbf_json_value string = value_of(json);
  debrief_time unused;
  return dbf_timestamp_of(&string, value ? value : &unused);
}
