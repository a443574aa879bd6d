#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_BYTES = 8 << 20, LONGEST = 64 << 10, SLACK = HISTORY_MOST / 8 };

static char path[PATH_MAX]; /* of the file; "" until it was found */

static bool failed(char *why, size_t size, const char *what) {
  snprintf(why, size, "%s: %s", what, strerror(errno));
  return false;
}

/* ---- The file ------------------------------------------------------------------------------------------------------ */

static const char *absolute(const char *name) {
  const char *value = getenv(name);
  return value && *value == '/' ? value : NULL;
}

/* Every folder on the way to the file. The last one is private to the user, even if its mode was widened; a link is the
 * user's choice, and what it leads to keeps its mode. */
static bool make_folders(char *why, size_t size) {
  struct stat st;
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
    bool own = !strchr(slash + 1, '/');
    if (ok && own && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 077)) chmod(path, 0700);
    if (!ok) failed(why, size, path);
    *slash = '/';
    if (!ok) return false;
  }
  return true;
}

static bool find(char *why, size_t size) {
  const char *state = absolute("XDG_STATE_HOME"), *home = absolute("HOME");
  int n = state  ? snprintf(path, sizeof path, "%s/debrief/history", state)
          : home ? snprintf(path, sizeof path, "%s/.local/state/debrief/history", home)
                 : 0;
  if (n > 0 && (size_t)n < sizeof path) return make_folders(why, size);
  path[0] = '\0';
  snprintf(why, size, n ? "its path is too long" : "HOME is not set");
  return false;
}

/* Another program holds the lock for as long as one write takes. One that was stopped meanwhile is not waited for. */
static bool lock(int fd) {
  for (int i = 0; i < 50; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
  return false;
}

/* Open the file under its lock; *locked says whether that was had. -1: errno says why. */
static int open_file(bool *locked) {
  for (int tries = 0; tries < 10; tries++) {
    struct stat st, named;
    bool is_link = lstat(path, &named) == 0 && S_ISLNK(named.st_mode);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0) return -1;
    *locked = lock(fd);
    if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
      if (!is_link && S_ISREG(st.st_mode) && (st.st_mode & 077)) fchmod(fd, 0600);
      if (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)) return fd; /* /dev/null is a wish, too */
      close(fd);
      errno = EINVAL;
      return -1;
    }
    close(fd); /* it was cut, and another stands in its place */
  }
  errno = EAGAIN;
  return -1;
}

/* With one call: a part of a statement must not be continued, because another program may write after it. */
static bool write_once(int fd, const char *text, size_t len) {
  ssize_t n = write(fd, text, len);
  if (n >= 0 && (size_t)n < len) errno = ENOSPC;
  return n == (ssize_t)len;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------- */

/* The latest MOST_BYTES of the file, malloc'd and with '\0' after it; NULL: errno says why. */
static char *read_end(int fd, size_t *len) {
  struct stat st;
  if (fstat(fd, &st) != 0) return NULL;
  off_t from = st.st_size > MOST_BYTES ? st.st_size - MOST_BYTES : 0;
  char *text = malloc((size_t)(st.st_size - from) + 1);
  if (!text) return NULL;
  *len = 0;
  for (ssize_t n = 1; n != 0 && (off_t)*len < st.st_size - from;) {
    n = pread(fd, text + *len, (size_t)(st.st_size - from) - *len, from + (off_t)*len);
    if (n > 0) *len += (size_t)n;
    if (n < 0 && errno != EINTR) return free(text), NULL;
  }
  for (size_t i = 0; i < *len; i++)
    if (!text[i]) text[i] = '\n'; /* a power cut leaves such */
  text[*len] = '\0';
  return text;
}

/* Where the statement after `at` starts: the next line without a tab in front. */
static const char *next_statement(const char *at) {
  while ((at = strchr(at, '\n')) && *++at == '\t') {}
  return at && *at ? at : NULL;
}

static size_t count_statements(const char *text) {
  size_t n = 0;
  for (const char *at = *text ? text : NULL; at; at = next_statement(at)) n++;
  return n;
}

/* Replace the file by the statements from `keep` on, under the lock that `fd` holds. A power cut may cost the
 * history; nobody waits for a disk for it. */
static void replace(const char *keep) {
  char real[PATH_MAX], name[PATH_MAX + 8];
  /* what a process that was killed left is in nobody's way */
  struct stat st;
  if (!realpath(path, real) || stat(real, &st) != 0)
    return; /* what a link leads to is replaced, not the link */
  snprintf(name, sizeof name, "%s.new", real);
  unlink(name);
  int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return;
  bool ok = fchmod(fd, st.st_mode & 07777) == 0 && write_once(fd, keep, strlen(keep));
  if (close(fd) != 0 || !ok || rename(name, real) != 0) unlink(name);
}

static void hand_out(const char *text, void (*each)(const char *statement)) {
  for (const char *at = *text ? text : NULL, *next; at; at = next) {
    next = next_statement(at);
    size_t len = next ? (size_t)(next - at) : strlen(at), n = 0;
    char *statement = malloc(len + 1);
    if (!statement) return;
    for (size_t i = 0; i < len; i++)
      if (at[i] != '\t' || i == 0 || at[i - 1] != '\n') statement[n++] = at[i];
    while (n > 0 && statement[n - 1] == '\n') n--;
    statement[n] = '\0';
    if (n > 0) each(statement);
    free(statement);
  }
}

bool history_load(void (*each)(const char *statement), char *why, size_t size) {
  bool locked;
  size_t len;
  if (!find(why, size)) return false;
  int fd = open_file(&locked);
  char *text = fd >= 0 ? read_end(fd, &len) : NULL;
  if (!text) {
    failed(why, size, path);
    if (fd >= 0) close(fd);
    return false;
  }
  const char *from = text;
  bool large =
      len == MOST_BYTES; /* the first statement may be cut; and not to be here again soon, half of it goes */
  if (large) from = next_statement(text + MOST_BYTES / 2);
  size_t count = from ? count_statements(from) : 0, left = count;
  for (; left > HISTORY_MOST; left--) from = next_statement(from);
  if (locked && from && (count > HISTORY_MOST + SLACK || large)) replace(from);
  close(fd);
  if (from) hand_out(from, each);
  free(text);
  return true;
}

/* ---- Appending ----------------------------------------------------------------------------------------------------- */

/* The statement as it stands in the file, with a newline before it where the last one lacks its own. malloc'd. */
static char *written(const char *statement, bool torn, size_t *len) {
  char *text = malloc(2 * strlen(statement) + 3), *to = text;
  if (!text) return NULL;
  if (torn) *to++ = '\n';
  for (; *statement; statement++) {
    *to++ = *statement;
    if (*statement == '\n') *to++ = '\t';
  }
  *to++ = '\n';
  *len = (size_t)(to - text);
  return text;
}

bool history_append(const char *statement, char *why, size_t size) {
  bool locked;
  char end = '\n';
  size_t len = 0;
  if (strlen(statement) > LONGEST) return true;
  int fd = open_file(&locked);
  if (fd < 0) return failed(why, size, path);
  off_t at = lseek(fd, 0, SEEK_END);
  if (at > 0 && pread(fd, &end, 1, at - 1) != 1) end = '\n';
  char *text = written(statement, end != '\n', &len);
  bool ok = text && write_once(fd, text, len);
  if (!ok) failed(why, size, path);
  if (!ok && locked && ftruncate(fd, at) != 0)
    errno = 0; /* no half statement; what cannot be helped is healed later */
  free(text);
  close(fd);
  return ok;
}
