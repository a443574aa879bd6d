/* A timestamp that is read and written is the same moment, in the same zone, as short as it can be. */
#include "fuzz.h"

#include "log/timestamp.h"

static bool same(const debrief_time *a, const debrief_time *b) {
  return a->seconds == b->seconds && a->nanoseconds == b->nanoseconds &&
         a->offset_minutes == b->offset_minutes;
}

static void write_and_read(const debrief_time *time) {
  dbf_bytes out;
  debrief_time back;
  dbf_bytes_init(&out);
  if (dbf_timestamp_write(&out, time)) {
    CHECK(out.len >= 20 && out.len <= 35);
    CHECK(dbf_timestamp_parse(out.data, out.len, &back) && same(time, &back));
  } else {
    CHECK(out.len == 0);
  }
  dbf_bytes_release(&out);
}

static void read_and_write(const char *text, size_t len) {
  debrief_time time;
  if (!dbf_timestamp_parse(text, len, &time)) return;
  CHECK(time.set && time.nanoseconds >= 0 && time.nanoseconds < 1000000000);
  dbf_bytes out;
  dbf_bytes_init(&out);
  CHECK(dbf_timestamp_write(&out, &time));
  CHECK(memcmp(out.data, text, 19) == 0); /* the moment as it was shown */
  dbf_bytes_release(&out);
  write_and_read(&time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  char *text = malloc(len + 1); /* no byte after it may be read */
  CHECK(text);
  if (len) memcpy(text, data, len);
  char *exact = realloc(text, len ? len : 1);
  CHECK(exact);
  read_and_write(exact, len);
  debrief_time time = {.set = true};
  if (len >= 16) {
    memcpy(&time.seconds, exact, 8);
    memcpy(&time.nanoseconds, exact + 8, 4);
    memcpy(&time.offset_minutes, exact + 12, 4);
    int64_t ns;
    dbf_timestamp_ns(&time, &ns);
    write_and_read(&time);
    time.seconds %= 300000000000;
    time.nanoseconds &= 0x3fffffff;
    time.offset_minutes %= 1500;
    write_and_read(&time);
  }
  free(exact);
  return 0;
}
