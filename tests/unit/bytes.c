/* bytes: growth, padding, and the first failure that is remembered. */
#include "unit.h"

#include "log/bytes.h"

static void starts_without_memory(void **state) {
  (void)state;
  dbf_bytes bytes;
  dbf_bytes_init(&bytes);
  assert_null(bytes.data);
  dbf_bytes_append(&bytes, NULL, 0);
  assert_null(bytes.data);
  dbf_bytes_release(&bytes);
}

static void keeps_every_byte_while_it_grows(void **state) {
  (void)state;
  dbf_bytes bytes;
  dbf_bytes_init(&bytes);
  for (int i = 0; i < 100000; i++) {
    if (i % 3) dbf_bytes_append_char(&bytes, (char)i);
    else dbf_bytes_append(&bytes, &(char){(char)i}, 1);
  }
  assert_int_equal(bytes.len, 100000);
  assert_false(bytes.failed);
  for (int i = 0; i < 100000; i++) assert_int_equal(bytes.data[i], (char)i);
  dbf_bytes_release(&bytes);
}

static void doubles_its_memory(void **state) {
  (void)state;
  dbf_bytes bytes;
  dbf_bytes_init(&bytes);
  dbf_bytes_reserve(&bytes, 1000);
  size_t cap = bytes.cap;
  bytes.len = cap;
  dbf_bytes_append_char(&bytes, 'x');
  assert_int_equal(bytes.cap, 2 * cap);
  dbf_bytes_release(&bytes);
}

static void has_zeros_after_a_terminated_text_and_after_its_memory(void **state) {
  (void)state;
  static const char zeros[DBF_PADDING];
  dbf_bytes bytes;
  dbf_bytes_init(&bytes);
  dbf_bytes_append(&bytes, "{}", 2);
  memset(bytes.data, 'x', bytes.cap);
  assert_memory_equal(bytes.data + bytes.cap, zeros, DBF_PADDING);
  assert_true(dbf_bytes_terminate(&bytes));
  assert_int_equal(bytes.len, 2);
  assert_memory_equal(bytes.data + 2, zeros, DBF_PADDING);
  bytes.len = bytes.cap;
  assert_true(dbf_bytes_terminate(&bytes));
  assert_memory_equal(bytes.data + bytes.cap, zeros, DBF_PADDING);
  dbf_bytes_release(&bytes);
}

static void terminates_a_text_of_no_bytes(void **state) {
  (void)state;
  dbf_bytes bytes;
  dbf_bytes_init(&bytes);
  assert_true(dbf_bytes_terminate(&bytes));
  assert_int_equal(bytes.data[0], 0);
  dbf_bytes_release(&bytes);
}

static void remembers_its_first_failure_and_keeps_what_it_had(void **state) {
  (void)state;
  static const size_t impossible[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 8, SIZE_MAX / 2,
                                      SIZE_MAX / 2 - DBF_PADDING};
  for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
    dbf_bytes bytes;
    dbf_bytes_init(&bytes);
    dbf_bytes_append(&bytes, "good", 4);
    assert_false(dbf_bytes_reserve(&bytes, impossible[i]));
    assert_true(bytes.failed);
    dbf_bytes_append(&bytes, "more", 4);
    dbf_bytes_append_char(&bytes, '!');
    assert_false(dbf_bytes_terminate(&bytes));
    assert_int_equal(bytes.len, 4);
    assert_memory_equal(bytes.data, "good", 4);
    dbf_bytes_clear(&bytes);
    assert_false(bytes.failed);
    assert_true(dbf_bytes_terminate(&bytes));
    dbf_bytes_release(&bytes);
  }
}

/* A long run is released while it is copied; the bytes around it stay. */
static void moves_a_long_run_and_nothing_around_it(void **state) {
  (void)state;
  enum { ROOM = 5 * 1024 * 1024 };
  static const size_t lengths[] = {0,           1, 4096, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024 + 77,
                                   ROOM - 10000};
  unsigned char *from = malloc(ROOM), *to = malloc(ROOM);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t at = 1 + i * 1237, len = lengths[i];
    for (size_t k = 0; k < ROOM; k++) from[k] = (unsigned char)(k * 7 + k / 251);
    memset(to, 0xee, ROOM);
    dbf_bytes_move((char *)to + 3, (char *)from + at, len);
    for (size_t k = 0; k < len; k++)
      if (to[k + 3] != (unsigned char)((at + k) * 7 + (at + k) / 251)) fail_msg("byte %zu of %zu", k, len);
    assert_int_equal(to[2], 0xee);
    assert_int_equal(to[3 + len], 0xee);
    for (size_t k = 0; k < ROOM; k++)
      if ((k < at || k >= at + len) && from[k] != (unsigned char)(k * 7 + k / 251))
        fail_msg("byte %zu next to the run of %zu", k, len);
  }
  free(from);
  free(to);
}

/* Two share what is left; what one gives up the other gets. */
static void shares_a_limit(void **state) {
  (void)state;
  dbf_quota quota = {.left = 10000};
  dbf_bytes a, b;
  dbf_bytes_init(&a);
  dbf_bytes_init(&b);
  a.quota = b.quota = &quota;
  assert_true(dbf_bytes_reserve(&a, 6000));
  assert_int_equal(quota.left, 4000);
  assert_false(dbf_bytes_reserve(&b, 4001));
  assert_true(b.failed);
  assert_true(quota.refused);
  dbf_bytes_clear(&b);
  assert_true(dbf_bytes_reserve(&b, 3000));
  b.len = 3000;
  assert_true(dbf_bytes_reserve(&b, 1000)); /* twice as much does not fit, this does */
  assert_int_equal(quota.left, 0);
  dbf_bytes_release(&a);
  assert_int_equal(quota.left, 6000);
/* AddressSanitizer ends the program, and with 32 bits the system may have that much. */
#if !defined(__SANITIZE_ADDRESS__) && SIZE_MAX > UINT32_MAX
  quota.left = SIZE_MAX;
  assert_false(dbf_bytes_reserve(&b, SIZE_MAX / 4)); /* this the system refuses */
  assert_false(quota.refused);
#endif
  quota.left = 6000;
  dbf_bytes_release(&b);
  dbf_bytes_release(&b);
  assert_int_equal(quota.left, 10000);
  assert_ptr_equal(b.quota, &quota);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shares_a_limit),
      cmocka_unit_test(starts_without_memory),
      cmocka_unit_test(keeps_every_byte_while_it_grows),
      cmocka_unit_test(doubles_its_memory),
      cmocka_unit_test(has_zeros_after_a_terminated_text_and_after_its_memory),
      cmocka_unit_test(terminates_a_text_of_no_bytes),
      cmocka_unit_test(moves_a_long_run_and_nothing_around_it),
      cmocka_unit_test(remembers_its_first_failure_and_keeps_what_it_had),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
