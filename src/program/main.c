/* main.c: the program. The first embedder: public headers only. */
#include "terminal.h"

#include <debrief/debrief.h>

#include <errno.h>
#include <fcntl.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_screen(void) {
  const char *term = getenv("TERM");
  return isatty(2) && term && *term && strcmp(term, "dumb") != 0;
}

typedef struct {
  char text[1024];
} safe_line;

/* A text without control characters, cut between two characters. Nothing goes raw to a terminal that may
 * come from a log; what else hides in a text is escaped in Lua, where the text is made. */
static safe_line printable(const char *text, bool keep_lines) {
  safe_line line;
  size_t n = 0;
  for (; *text && n + 8 < sizeof line.text; text++) {
    unsigned char c = (unsigned char)*text;
    if ((c >= 0x20 && c != 0x7f) || c == '\t' || (c == '\n' && keep_lines)) line.text[n++] = (char)c;
    else n += (size_t)snprintf(line.text + n, sizeof line.text - n, "\\x%02x", c);
  }
  if (*text) {
    while (n && ((unsigned char)*text & 0xc0) == 0x80) text--, n--;
    memcpy(line.text + n, "…", sizeof "…" - 1);
    n += sizeof "…" - 1;
  }
  line.text[n] = '\0';
  return line;
}

/* What a plugin prints goes to stderr. */
static void on_log(void *user, const char *level, const char *text) {
  (void)user;
  /* A line of progress may be there, with the cursor at its start: what the message leaves of it goes. */
  fprintf(stderr, "%s: %s%s\n", level, printable(text, false).text, is_screen() ? "\33[K" : "");
}

static debrief *volatile interruptible;

/* A pager is a child in our own process group. While it runs, keys are for it; programs that plugins run have
 * other groups. */
static bool has_pager(void) {
  siginfo_t info = {0};
  return waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* SIGTERM, SIGHUP, and a Ctrl-C that nothing stops at. */
static void on_end(int number) {
  debrief_abandon(interruptible);
  signal(number, SIG_DFL);
  raise(number);
}

/* Ctrl-C stops the script, the retrospective or the statement at the prompt. What cannot be stopped, or has not stopped
 * when it comes again, takes the program with it. */
static void on_interrupt(int number) {
  int e = errno;
  switch (debrief_interrupt(interruptible)) {
  case DEBRIEF_INTERRUPT_SENT: terminal_interrupted(); break;
  case DEBRIEF_INTERRUPT_STILL:
    terminal_reset();
    debrief_abandon(interruptible);
    _exit(128 + number);
  case DEBRIEF_INTERRUPT_NOTHING:
    if (terminal_forgives() || has_pager()) break;
    on_end(number);
  }
  errno = e;
}

/* Whoever starts the program with the signal ignored (nohup, a script's &) wants it so. */
static void handle_interrupts(debrief *host) {
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  interruptible = host;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction before, ours = {.sa_handler = i == 0 ? on_interrupt : on_end};
    if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(signals[i], &ours, NULL);
  }
}

/* Scripts print to stdout. If print and io.write fail, they leave a mark there, but no reason; a pipe whose reader has
 * gone is no reason to complain: then the program ends as SIGPIPE would end it, which whoever started it has ignored. */
static int status_of_output(int status) {
  bool marked = ferror(stdout), flushed = fflush(stdout) == 0;
  if (!marked && flushed) return status;
  struct pollfd out = {.fd = STDOUT_FILENO};
  bool is_cut = errno == EPIPE || (poll(&out, 1, 0) == 1 && (out.revents & POLLERR));
  if (is_cut) return status ? status : 128 + SIGPIPE;
  fprintf(stderr, "debrief: cannot write: %s\n", flushed ? "the output is not complete" : strerror(errno));
  return 1;
}

/* Whoever starts us with one of the first three files closed (daemons, cron, hooks) does not want the next one that is
 * opened to be it. The null device takes the place, in the way in which nobody uses it: reading and writing fail as before. */
static void hold_places(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
      _exit(1);
}

/* What the heap gives back is asked for again at the next entry: with glibc's 128 KiB an import of 12 MB took a third longer,
 * for 600 calls and a fault for each page. It learns better only from a large block that is freed early. */
static void keep_heap(void) {
#if defined(__GLIBC__)
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* The user and the password of an address in a word, as a range; false: it has none. */
static bool find_login(char *word, char **from, char **to) {
  char *scheme = strstr(word, "nats://");
  if (!scheme) scheme = strstr(word, "tls://");
  if (!scheme) return false;
  *from = strstr(scheme, "://") + 3;
  *to = strrchr(*from, '@');
  return *to != NULL;
}

/* The words, of which those with a password are copied: everybody sees those that the system keeps (ps). The copies live as
 * long as the program. */
static void hide_logins(int argc, char **argv) {
  char *from, *to;
  for (int i = 1; i < argc; i++) {
    char *word = argv[i], *copy = find_login(word, &from, &to) ? strdup(word) : NULL;
    if (!copy) continue;
    memset(from, 'x', (size_t)(to - from));
    argv[i] = copy;
  }
}

int main(int argc, char **argv) {
  debrief_config config = {.struct_size = sizeof config,
                           .source_dir = getenv("DEBRIEF_LUA_DIR"),
                           .on_log = on_log,
                           .console = terminal_console(),
                           .signal = SIGURG,
                           .isolate_program = "/proc/self/exe",
                           .plugin_memory = (size_t)256 << 20,
                           .plugin_time_ms = 1000};
  debrief_error err;
  int status = 1;
  if (debrief_isolated(argc, argv, &status)) return status;
  hold_places();
  keep_heap();
  hide_logins(argc, argv);
  signal(
      SIGXFSZ,
      SIG_IGN); /* a limit on file sizes (ulimit -f) is reported, and does not end the program without a word */
  debrief *host = debrief_open(&config, &err);
  handle_interrupts(host);
  if (!host || !debrief_command(host, argc, argv, &status, &err)) {
    fprintf(stderr, "debrief: %s\n", printable(err.message, true).text);
    status = 1;
  }
  interruptible = NULL;
  debrief_close(host);
  return status_of_output(status);
}
