/* drive.c: runs a fuzz target without libFuzzer, so that every build can do it in a few seconds. Inputs are those of the
 * corpus, changed a few times by chance and without looking at what the code does. Understands the options of libFuzzer
 * that tests/fuzz/run gives; -max_total_time is processor time. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SEEDS = 256, MOST_WORDS = 256, LONGEST = 65536 };

typedef struct input {
  uint8_t *data;
  size_t len;
} input;

static input seeds[MOST_SEEDS], words[MOST_WORDS];
static size_t seed_count, word_count, longest = 800;
static const char *artifact_prefix = "";
static uint8_t *current; /* what the target looks at now */
static size_t current_len;
static uint64_t chance;

static size_t below(size_t n) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  return n ? (size_t)(chance % n) : 0;
}

static input copy_of(const uint8_t *data, size_t len) {
  input one = {malloc(len + 1), len};
  CHECK(one.data);
  memcpy(one.data, data, len);
  return one;
}

static void add_file(const char *path) {
  uint8_t part[LONGEST];
  FILE *file = fopen(path, "rb");
  if (!file) return;
  size_t len = fread(part, 1, sizeof part, file);
  fclose(file);
  if (seed_count < MOST_SEEDS) seeds[seed_count++] = copy_of(part, len);
}

static void add_folder(const char *path) {
  DIR *dir = opendir(path);
  struct dirent *e;
  char name[4096];
  while (dir && (e = readdir(dir)))
    if (e->d_name[0] != '.' && snprintf(name, sizeof name, "%s/%s", path, e->d_name) > 0) add_file(name);
  if (dir) closedir(dir);
}

/* "text with \" and \\ and \x00" in each line. */
static void add_dictionary(const char *path) {
  char line[1024];
  FILE *file = fopen(path, "r");
  while (file && word_count < MOST_WORDS && fgets(line, sizeof line, file)) {
    uint8_t word[sizeof line];
    size_t len = 0;
    unsigned code;
    char *p = strchr(line, '"');
    if (line[0] == '#' || !p) continue;
    for (p++; *p && *p != '"'; p++) {
      if (*p == '\\' && p[1] == 'x' && sscanf(p + 2, "%2x", &code) == 1) word[len++] = (uint8_t)code, p += 3;
      else word[len++] = (uint8_t)(*p == '\\' && p[1] ? *++p : *p);
    }
    words[word_count++] = copy_of(word, len);
  }
  if (file) fclose(file);
}

/* ---- Changes ----------------------------------------------------------------------------------------------------- */

static void insert(uint8_t *data, size_t *len, size_t at, const uint8_t *what, size_t count) {
  if (*len + count > longest) return;
  memmove(data + at + count, data + at, *len - at);
  memcpy(data + at, what, count);
  *len += count;
}

static void change(uint8_t *data, size_t *len) {
  uint8_t part[LONGEST];
  size_t at = below(*len + 1), count = below(8) + 1;
  const input *other = &seeds[below(seed_count)];
  switch (below(7)) {
  case 0:
    if (at < *len) data[at] ^= (uint8_t)(1 << below(8));
    break;
  case 1:
    if (at < *len) data[at] = (uint8_t) "{}[]\",:\\\n \0tfn0-e"[below(17)];
    break;
  case 2:
    if (at + count <= *len) {
      memmove(data + at, data + at + count, *len - at - count);
      *len -= count;
    }
    break;
  case 3:
    count = below(*len - at + 1);
    memcpy(part, data + at, count);
    insert(data, len, below(*len + 1), part, count);
    break;
  case 4:
    part[0] = (uint8_t)below(256);
    insert(data, len, at, part, 1);
    break;
  case 5:
    if (word_count) {
      const input *word = &words[below(word_count)];
      insert(data, len, at, word->data, word->len);
    }
    break;
  default: /* the rest of another */
    count = below(other->len + 1);
    if (at + count > longest) break;
    memcpy(data + at, other->data + other->len - count, count);
    *len = at + count;
  }
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static void keep_and_die(int signal_number) {
  char path[4096];
  snprintf(path, sizeof path, "%scrash-%ld", artifact_prefix, (long)getpid());
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (fd >= 0 && write(fd, current, current_len) == (ssize_t)current_len)
    fprintf(stderr, "Test unit written to %s\n", path);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static const char *option(const char *argument, const char *name) {
  size_t len = strlen(name);
  return strncmp(argument, name, len) == 0 ? argument + len : NULL;
}

static double seconds_used(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(const uint8_t *data, size_t len) {
  memcpy(current, data, len);
  current_len = len;
  LLVMFuzzerTestOneInput(current, len);
}

int main(int argc, char **argv) {
  double seconds = 0;
  unsigned long executions = 0;
  uint8_t data[LONGEST];
  chance = (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
  for (int i = 1; i < argc; i++) {
    const char *value;
    if ((value = option(argv[i], "-max_total_time="))) seconds = atof(value);
    else if ((value = option(argv[i], "-max_len="))) longest = (size_t)atol(value);
    else if ((value = option(argv[i], "-dict="))) add_dictionary(value);
    else if ((value = option(argv[i], "-artifact_prefix="))) artifact_prefix = value;
    else if (argv[i][0] != '-') add_folder(argv[i]), add_file(argv[i]);
  }
  CHECK(longest <= LONGEST && seed_count > 0 && (current = malloc(LONGEST)));
  signal(SIGABRT, keep_and_die);
  signal(SIGSEGV, keep_and_die);
  for (size_t i = 0; i < seed_count; i++, executions++) run(seeds[i].data, seeds[i].len);
  for (; seconds_used() < seconds; executions++) {
    const input *seed = &seeds[below(seed_count)];
    size_t len = seed->len < longest ? seed->len : longest;
    memcpy(data, seed->data, len);
    for (size_t changes = below(6) + 1; changes > 0; changes--) change(data, &len);
    run(data, len);
  }
  printf("stat::number_of_executed_units: %lu\n", executions);
  return 0;
}
