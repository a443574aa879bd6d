#include "timestamp.h"

#include <assert.h>
#include <time.h>

#define MINUTE   60
#define HOUR     3600
#define DAY      86400
#define BILLION  1000000000
#define YEAR_0   INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define YEAR_END INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

typedef struct civil {
  int year, month, day;
} civil;

/* ---- The calendar ---------------------------------------------------------------------------------------- */

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year and the days
 * before a month are a straight line; 400 years are 146,097 days. */
static int64_t days_of(civil date) {
  int year = date.year - (date.month <= 2) + 400; /* never negative: no rounding towards zero below */
  int month = (date.month + 9) % 12;
  int64_t era = year / 400;
  int of_era = year % 400;
  int day = (153 * month + 2) / 5 + date.day - 1;
  return (era - 1) * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468;
}

static civil date_of(int64_t days) {
  days += 719468 + 146097;
  int64_t era = days / 146097 - 1;
  int day = (int)(days % 146097);
  int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  day -= 365 * year + year / 4 - year / 100;
  int month = (5 * day + 2) / 153;
  civil date = {(int)era * 400 + year + (month >= 10), month < 10 ? month + 3 : month - 9,
                day - (153 * month + 2) / 5 + 1};
  return date;
}

static int days_in(int year, int month) {
  assert(month >= 1 && month <= 12);
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && leap);
}

/* ---- Reading --------------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* `count` digits at `p` as a number from `low` to `high`. */
static bool number(const char *p, int count, int low, int high, int *value) {
  int n = 0;
  for (int i = 0; i < count; i++) {
    if (!is_digit(p[i])) return false;
    n = n * 10 + (p[i] - '0');
  }
  *value = n;
  return n >= low && n <= high;
}

/* "2026-05-03T12:00:00", 19 bytes. */
static bool parse_moment(const char *p, int64_t *seconds) {
  civil date;
  int hour, minute, second;
  if (p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':') return false;
  if (!number(p, 4, 0, 9999, &date.year) || !number(p + 5, 2, 1, 12, &date.month)) return false;
  if (!number(p + 8, 2, 1, days_in(date.year, date.month), &date.day)) return false;
  if (!number(p + 11, 2, 0, 23, &hour) || !number(p + 14, 2, 0, 59, &minute)) return false;
  if (!number(p + 17, 2, 0, 59, &second)) return false;
  *seconds = days_of(date) * DAY + hour * HOUR + minute * MINUTE + second;
  return true;
}

/* ".123" if there is one; NULL when it is a point without a digit. */
static const char *parse_fraction(const char *p, const char *end, int32_t *nanoseconds) {
  *nanoseconds = 0;
  if (p == end || *p != '.') return p;
  if (++p == end || !is_digit(*p)) return NULL;
  for (int32_t unit = BILLION / 10; p < end && is_digit(*p); p++, unit /= 10) {
    *nanoseconds += (*p - '0') * unit;
  }
  return p;
}

static bool parse_zone(const char *p, const char *end, int32_t *offset_minutes) {
  int hours, minutes;
  *offset_minutes = 0;
  if (end - p == 1) return *p == 'Z';
  if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':') return false;
  if (!number(p + 1, 2, 0, 23, &hours) || !number(p + 4, 2, 0, 59, &minutes)) return false;
  *offset_minutes = hours * 60 + minutes;
  if (*p == '-') *offset_minutes = -*offset_minutes;
  return true;
}

bool dbf_timestamp_parse(const char *text, size_t len, debrief_time *time) {
  const char *p = text, *end = text + len;
  debrief_time result = {.set = true};
  if (len < sizeof "2026-05-03T12:00:00Z" - 1) return false;
  if (!parse_moment(p, &result.seconds)) return false;
  p = parse_fraction(p + 19, end, &result.nanoseconds);
  if (!p || !parse_zone(p, end, &result.offset_minutes)) return false;
  result.seconds -= (int64_t)result.offset_minutes * MINUTE;
  *time = result;
  return true;
}

bool dbf_timestamp_of(const dbf_json_value *value, debrief_time *time) {
  if (value->type != DBF_JSON_STRING) return false;
  if (!value->escaped)
    return dbf_timestamp_parse(value->start + 1, (size_t)(value->end - value->start) - 2, time);
  dbf_bytes text;
  dbf_bytes_init(&text);
  dbf_json_decode_string(value, &text);
  bool ok = !text.failed && text.len && dbf_timestamp_parse(text.data, text.len, time);
  dbf_bytes_release(&text);
  return ok;
}

/* ---- Writing --------------------------------------------------------------------------------------------- */

/* Inline, so that divisions by 10 are unrolled: every entry that is written has one. */
static inline char *put(char *p, int value, int digits, char before) {
  if (before) *p++ = before;
  for (int i = digits; i > 0; i--, value /= 10) p[i - 1] = (char)('0' + value % 10);
  return p + digits;
}

static char *put_moment(char *p, int64_t local) {
  int64_t days = (local - YEAR_0) / DAY + YEAR_0 / DAY;
  int second = (int)(local - days * DAY);
  civil date = date_of(days);
  p = put(p, date.year, 4, 0);
  p = put(p, date.month, 2, '-');
  p = put(p, date.day, 2, '-');
  p = put(p, second / HOUR, 2, 'T');
  p = put(p, second % HOUR / MINUTE, 2, ':');
  return put(p, second % MINUTE, 2, ':');
}

static char *put_zone(char *p, int32_t minutes) {
  if (minutes == 0) {
    *p++ = 'Z';
    return p;
  }
  int size = minutes < 0 ? -minutes : minutes;
  p = put(p, size / 60, 2, minutes < 0 ? '-' : '+');
  return put(p, size % 60, 2, ':');
}

static bool writable(const debrief_time *time) {
  if (time->nanoseconds < 0 || time->nanoseconds >= BILLION) return false;
  if (time->offset_minutes <= -1440 || time->offset_minutes >= 1440) return false;
  if (time->seconds < YEAR_0 - DAY || time->seconds > YEAR_END + DAY) return false;
  int64_t local = time->seconds + (int64_t)time->offset_minutes * MINUTE;
  return local >= YEAR_0 && local <= YEAR_END;
}

bool dbf_timestamp_write(dbf_bytes *out, const debrief_time *time) {
  char text[sizeof "2026-05-03T12:00:00.000000001-07:30"];
  if (!writable(time)) return false;
  char *p = put_moment(text, time->seconds + (int64_t)time->offset_minutes * MINUTE);
  if (time->nanoseconds) {
    p = put(p, time->nanoseconds, 9, '.');
    while (p[-1] == '0') p--;
  }
  p = put_zone(p, time->offset_minutes);
  assert(p <= text + sizeof text);
  dbf_bytes_append(out, text, (size_t)(p - text));
  return true;
}

/* ---- Arithmetic ------------------------------------------------------------------------------------------ */

bool dbf_timestamp_ns(const debrief_time *time, int64_t *ns) {
  int64_t seconds = time->seconds, rest = time->nanoseconds, product;
  if (seconds < 0) { /* towards zero, or the first representable second would overflow on the way */
    seconds++;
    rest -= BILLION;
  }
  return !__builtin_mul_overflow(seconds, INT64_C(1000000000), &product) &&
         !__builtin_add_overflow(product, rest, ns);
}

debrief_time dbf_timestamp_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  debrief_time time = {.seconds = now.tv_sec, .nanoseconds = (int32_t)now.tv_nsec, .set = true};
  return time;
}
