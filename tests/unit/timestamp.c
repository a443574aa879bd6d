/* timestamp: RFC 3339 as Go reads and writes it. */
#include "unit.h"

#include "log/timestamp.h"

#include <time.h>

static bool parse(const char *text, debrief_time *time) {
  return dbf_timestamp_parse(text, strlen(text), time);
}

static void assert_written(const debrief_time *time, const char *expected) {
  dbf_bytes out;
  dbf_bytes_init(&out);
  assert_true(dbf_timestamp_write(&out, time));
  assert_bytes(&out, expected);
  dbf_bytes_release(&out);
}

static void reads_a_moment_and_its_zone(void **state) {
  (void)state;
  debrief_time time;
  assert_true(parse("2026-05-03T12:00:00.000000001-07:30", &time));
  assert_int_equal(time.seconds, 1777809600 + 7 * 3600 + 1800);
  assert_int_equal(time.nanoseconds, 1);
  assert_int_equal(time.offset_minutes, -450);
  assert_true(time.set);
  assert_true(parse("1970-01-01T00:00:00Z", &time));
  assert_int_equal(time.seconds, 0);
  assert_true(parse("1969-12-31T23:59:59.5Z", &time));
  assert_int_equal(time.seconds, -1);
  assert_int_equal(time.nanoseconds, 500000000);
  assert_true(parse("0000-01-01T00:00:00Z", &time));
  assert_true(time.seconds == INT64_C(-62167219200));
  assert_true(parse("9999-12-31T23:59:59Z", &time));
  assert_true(time.seconds == INT64_C(253402300799));
}

static void drops_digits_beyond_nanoseconds(void **state) {
  (void)state;
  debrief_time time;
  assert_true(parse("2026-05-03T12:00:00.1234567899999Z", &time));
  assert_int_equal(time.nanoseconds, 123456789);
}

static void writes_back_what_it_read(void **state) {
  (void)state;
  static const char *const texts[] = {
      "2026-05-03T10:00:00Z",
      "2026-05-03T10:00:00.5Z",
      "2026-05-03T10:00:00.123456789Z",
      "2026-05-03T12:00:00+02:00",
      "2024-02-29T23:59:59Z",
      "2000-02-29T00:00:00+23:59",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999999Z",
      "1900-03-01T00:00:00-23:59",
      "0000-02-29T00:00:00Z",
      "0000-01-01T00:00:00.000000001+14:00",
      "9999-12-31T23:59:59-12:00",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    debrief_time time;
    assert_true(parse(texts[i], &time));
    assert_written(&time, texts[i]);
  }
}

static void writes_no_trailing_zeros_and_z_for_utc(void **state) {
  (void)state;
  debrief_time time;
  assert_true(parse("2026-05-03T10:00:00.120-00:00", &time));
  assert_written(&time, "2026-05-03T10:00:00.12Z");
  assert_true(parse("2026-05-03T10:00:00.000+00:00", &time));
  assert_written(&time, "2026-05-03T10:00:00Z");
}

static void agrees_with_the_system_calendar_on_every_day_of_800_years(void **state) {
  (void)state;
  dbf_bytes out;
  dbf_bytes_init(&out);
  for (int64_t day = -719162; day < -719162 + 800 * 366; day++) {
    time_t seconds = (time_t)(day * 86400 + 86399);
    if (seconds != day * 86400 + 86399) continue; /* a calendar of 32 bits */
    debrief_time time = {.seconds = seconds, .set = true}, back;
    struct tm tm;
    char expected[32];
    gmtime_r(&seconds, &tm);
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:59:59Z", (tm.tm_year + 1900) % 10000,
             (tm.tm_mon + 1) % 100, tm.tm_mday % 100);
    dbf_bytes_clear(&out);
    assert_true(dbf_timestamp_write(&out, &time));
    assert_bytes(&out, expected);
    assert_true(dbf_timestamp_parse(out.data, out.len, &back));
    assert_true(back.seconds == time.seconds);
  }
  dbf_bytes_release(&out);
}

static void refuses_what_go_refuses(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "2026-05-03",
      "2026-05-03T10:00:00",
      "2026-05-03t10:00:00Z",
      "2026-05-03 10:00:00Z",
      "2026-05-03T10:00:00z",
      "2026-5-03T10:00:00Z",
      "2026-05-03T1:00:00Z",
      "2026-05-03T10:00:00.Z",
      "2026-05-03T10:00:00,5Z",
      "2026-05-03T24:00:00Z",
      "2026-05-03T10:60:00Z",
      "2026-05-03T10:00:60Z",
      "2026-00-03T10:00:00Z",
      "2026-13-03T10:00:00Z",
      "2026-05-00T10:00:00Z",
      "2026-04-31T10:00:00Z",
      "2026-02-29T10:00:00Z",
      "1900-02-29T10:00:00Z",
      "2026-05-03T10:00:00+24:00",
      "2026-05-03T10:00:00+02:60",
      "2026-05-03T10:00:00+0200",
      "2026-05-03T10:00:00+02",
      "2026-05-03T10:00:00 Z",
      "2026-05-03T10:00:00ZZ",
      "2026-05-03T10:00:00Z ",
      " 2026-05-03T10:00:00Z",
      "-026-05-03T10:00:00Z",
      "12026-05-03T10:00:00Z",
      "2026-05-03T10:00:00.5",
      "2026/05/03T10:00:00Z",
      "2026-05-03T10-00:00Z",
      "2026-05-03T10:00-00Z",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    debrief_time time = {.seconds = 7};
    if (parse(texts[i], &time)) fail_msg("accepted: %s", texts[i]);
    assert_int_equal(time.seconds, 7);
  }
}

static void refuses_to_write_fields_out_of_range(void **state) {
  (void)state;
  static const debrief_time times[] = {
      {INT64_C(253402300800), 0, 0, true},
      {INT64_C(253402300799), 0, 1, true},
      {INT64_C(-62167219201), 0, 0, true},
      {INT64_C(-62167219200), 0, -1, true},
      {0, -1, 0, true},
      {0, 1000000000, 0, true},
      {0, 0, 1440, true},
      {0, 0, -1440, true},
      {INT64_MAX, 0, 0, true},
      {INT64_MIN, 0, 0, true},
  };
  dbf_bytes out;
  dbf_bytes_init(&out);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    assert_false(dbf_timestamp_write(&out, &times[i]));
    assert_int_equal(out.len, 0);
  }
  dbf_bytes_release(&out);
}

static void knows_which_moments_fit_in_64_bit_nanoseconds(void **state) {
  (void)state;
  int64_t ns;
  const debrief_time first = {INT64_C(-9223372037), 145224192, 0, true};
  const debrief_time before = {INT64_C(-9223372037), 145224191, 0, true};
  const debrief_time last = {INT64_C(9223372036), 854775807, 0, true};
  const debrief_time after = {INT64_C(9223372036), 854775808, 0, true};
  const debrief_time small = {-1, 999999999, 0, true};
  assert_true(dbf_timestamp_ns(&first, &ns) && ns == INT64_MIN);
  assert_true(dbf_timestamp_ns(&last, &ns) && ns == INT64_MAX);
  assert_true(dbf_timestamp_ns(&small, &ns) && ns == -1);
  assert_false(dbf_timestamp_ns(&before, &ns));
  assert_false(dbf_timestamp_ns(&after, &ns));
}

static void writes_the_time_in_utc(void **state) {
  (void)state;
  time_t before = time(NULL);
  debrief_time now = dbf_timestamp_now();
  assert_true(now.set);
  assert_int_equal(now.offset_minutes, 0);
  assert_in_range(now.nanoseconds, 0, 999999999);
  assert_true(now.seconds >= before - 1 && now.seconds <= time(NULL) + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_moment_and_its_zone),
      cmocka_unit_test(drops_digits_beyond_nanoseconds),
      cmocka_unit_test(writes_back_what_it_read),
      cmocka_unit_test(writes_no_trailing_zeros_and_z_for_utc),
      cmocka_unit_test(agrees_with_the_system_calendar_on_every_day_of_800_years),
      cmocka_unit_test(refuses_what_go_refuses),
      cmocka_unit_test(refuses_to_write_fields_out_of_range),
      cmocka_unit_test(knows_which_moments_fit_in_64_bit_nanoseconds),
      cmocka_unit_test(writes_the_time_in_utc),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
