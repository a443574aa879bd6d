/* redact [FILE]: take the secrets out of a text (made up: what an agent's tools print, with a secret in every 64 KiB) and
 * print megabytes per second of processor time, beside those of memchr: how busy the machine is shows in both; then the
 * same for the text's lines as JSON, where there is a FILE; then, for each kind of damage that a text can do to a matcher, the
 * slowest; then microseconds per entry of 700 bytes, and for making a matcher. */
#include "log/bytes.h"
#include "secrets/secrets.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MIB = 1 << 20, RUNS = 7, ENTRIES = 2000 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "redact: %s\n", what);
  exit(1);
}

static void repeat(dbf_bytes *out, const char *part, size_t len) {
  while (out->len < len) dbf_bytes_append(out, part, strlen(part));
  check(dbf_bytes_terminate(out), "no memory");
}

static void make_up(dbf_bytes *out, size_t len) {
  static const char *const lines[] = {
      "$ make -j2 test\ncc -O2 -c src/append.c -o build/append.o\n",
      "tests/test_login.py::test_token_is_refreshed PASSED [ 41%]\n",
      "2026-11-03T10:14:07.532Z INFO  request id=4f1c9a7e-0b1d-4c58-9e0a-6d2f7b8c1a55 status=200 took=31ms\n",
      "  File \"/srv/app/auth/session.py\", line 214, in refresh\n    token = self.store.get(key)\n",
      "The password check runs before the session is made, so a wrong password never reaches the store.\n",
      "commit 9fceb02d0ae598e95dc970b74767f19372d61af8\nAuthor: Ada <ada@example.com>\n",
      "{\"level\":\"warn\",\"usage\":{\"input_tokens\":1843},\"msg\":\"\\\"quoted\\\"\"}\n",
      "\033[32m✓\033[0m renders the list (18 ms)\n"};
  for (size_t i = 0, next = 0; out->len < len; i = i * 5 + 3) {
    const char *line = lines[i / 8 % (sizeof lines / sizeof *lines)];
    dbf_bytes_append(out, line, strlen(line));
    if (out->len < next) continue;
    const char *secret[] = {"export GITHUB_TOKEN=gh", "p_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8\n"};
    for (int k = 0; k < 3; k++) dbf_bytes_append(out, secret[k], strlen(secret[k]));
    next += 65536;
  }
  check(dbf_bytes_terminate(out), "no memory");
}

static void read_file(dbf_bytes *out, const char *path) {
  FILE *file = fopen(path, "rb");
  check(file != NULL, path);
  for (size_t n = 1; n > 0 && dbf_bytes_reserve(out, 65536); out->len += n)
    n = fread(out->data + out->len, 1, 65536, file);
  fclose(file);
  check(dbf_bytes_terminate(out), "no memory");
}

/* Seconds for the text, the best of some runs. */
static double measure(dbf_secrets *secrets, const dbf_bytes *text, dbf_secrets_form form, int runs) {
  dbf_bytes out;
  double best = 1e9;
  dbf_bytes_init(&out);
  for (int i = 0; i < runs; i++) {
    double begin = now();
    check(dbf_secrets_redact(secrets, text->data, text->len, form, &out, NULL) <= DBF_SECRETS_REDACTED,
          "failed");
    double took = now() - begin;
    if (took < best) best = took;
  }
  dbf_bytes_release(&out);
  return best;
}

/* Seconds for looking at every byte. */
static double look_at_all(const dbf_bytes *text) {
  double begin = now();
  size_t lines = 0;
  for (const char *p = text->data, *end = p + text->len; (p = memchr(p, 1, (size_t)(end - p))) != NULL; p++)
    lines++;
  check(lines <= text->len, "lost count");
  return now() - begin;
}

/* Seconds for the lines of a log, one by one, the best of some runs. */
static double measure_lines(dbf_secrets *secrets, const dbf_bytes *text) {
  const char *end = text->data + text->len;
  dbf_bytes out;
  double best = 1e9;
  dbf_bytes_init(&out);
  for (int i = 0; i < RUNS; i++) {
    double begin = now();
    for (const char *p = text->data, *stop; p < end; p = stop + 1) {
      stop = memchr(p, '\n', (size_t)(end - p));
      if (!stop) stop = end;
      check(dbf_secrets_redact(secrets, p, (size_t)(stop - p), DBF_SECRETS_JSON, &out, NULL) <=
                DBF_SECRETS_REDACTED,
            "failed");
    }
    if (now() - begin < best) best = now() - begin;
  }
  dbf_bytes_release(&out);
  return best;
}

static void worst(dbf_secrets *secrets) {
  static const char *const parts[] = {"sk-",          "\145yJ",    "eyJ.",
                                      "://a:",        "password=", "token: ",
                                      "Cookie: a=b1", "Bearer ",   "-----BEGIN A PRIVATE KEY-----\n",
                                      "curl -u a:",   "secret='",  "\\\"",
                                      "1sk-\n  ",     "1sk-\n",    "AAAAAAAAAAAAAAAAAAAA\n",
                                      "\033[0m",      "%25",       "AAAAAAAAAAAAAAAA",
                                      "key=;",        "\n"};
  double most = 0;
  const char *slowest = "";
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    dbf_bytes text;
    dbf_bytes_init(&text);
    repeat(&text, parts[i], MIB);
    double took = measure(secrets, &text, DBF_SECRETS_TEXT, 1);
    if (took > most) most = took, slowest = parts[i];
    dbf_bytes_release(&text);
  }
  printf("%.1f MB/s at worst, for \"%.8s\" again and again\n", MIB / most / 1e6, slowest);
}

int main(int argc, char **argv) {
  dbf_bytes text, entry;
  dbf_bytes_init(&text);
  dbf_bytes_init(&entry);
  double begin = now();
  dbf_secrets *secrets = dbf_secrets_new();
  double made = now() - begin;
  check(secrets != NULL, "no memory");
  if (argc > 1) read_file(&text, argv[1]);
  else make_up(&text, 8 * MIB);
  double size = (double)text.len / 1e6, took = measure(secrets, &text, DBF_SECRETS_TEXT, RUNS);
  printf("%.0f MB/s, memchr %.0f\n", size / took, size / look_at_all(&text));
  if (argc > 1) printf("%.0f MB/s as JSON lines\n", size / measure_lines(secrets, &text));
  if (argc <= 2) worst(secrets);
  repeat(&entry,
         "{\"session_id\":\"s\",\"skill\":\"review\",\"attempts\":[{\"attempt\":1,\"runner_output\":\"", 1);
  for (int i = 0; i < 8; i++)
    repeat(&entry, "FAIL: test_login (0.01s)\\n  expected 200, got 401\\n", entry.len + 1);
  dbf_bytes_append(&entry, "\"}],\"final_status\":\"error\"}", 27);
  check(dbf_bytes_terminate(&entry), "no memory");
  printf("%.2f us for an entry of %zu bytes\n", measure(secrets, &entry, DBF_SECRETS_JSON, ENTRIES) * 1e6,
         entry.len);
  printf("%.2f ms to make a matcher\n", made * 1e3);
  dbf_secrets_free(secrets);
  dbf_bytes_release(&text);
  dbf_bytes_release(&entry);
  return 0;
}
