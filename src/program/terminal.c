#include "terminal.h"
#include "keyboard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- Plain lines: what the terminal itself can edit ---------------------------------------------------------------- */

typedef struct bytes {
  char *data;
  size_t len, room;
} bytes;

static bool append(bytes *b, const char *data, size_t len) {
  if (b->room - b->len < len) {
    size_t room = 2 * b->room + len + 256;
    char *more = realloc(b->data, room);
    if (!more) return false;
    b->data = more;
    b->room = room;
  }
  memcpy(b->data + b->len, data, len);
  b->len += len;
  return true;
}

/* Bytes up to a newline. The terminal returns at most a line at a time: what comes after it is left to the next reader. */
static debrief_input read_bytes(bytes *b) {
  for (;;) {
    char piece[4096];
    if (keyboard_wait() == KEYBOARD_INTERRUPT) return DEBRIEF_INPUT_INTERRUPTED;
    ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return b->len ? DEBRIEF_INPUT_LINE : DEBRIEF_INPUT_END;
    if (!append(b, piece, (size_t)n)) return DEBRIEF_INPUT_FAILED;
    if (piece[n - 1] != '\n') continue;
    b->len--;
    return DEBRIEF_INPUT_LINE;
  }
}

static debrief_input read_plain(const char *prompt, debrief_text *line) {
  static bytes b;
  b.len = 0;
  if (!keyboard_take(false)) return DEBRIEF_INPUT_FAILED; /* before the prompt shows that keys are heard */
  fputs(prompt, stdout);
  fflush(stdout);
  debrief_input input = read_bytes(&b);
  keyboard_release();
  if (input != DEBRIEF_INPUT_LINE) fputc('\n', stdout);
  fflush(stdout);
  *line = (debrief_text){b.data, b.len};
  return input;
}

/* ---- Interrupts ---------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t lines_follow; /* more will follow a line that was read */

static volatile sig_atomic_t line_due; /* what is written next starts a line: the terminal has shown ^C */

void terminal_interrupted(void) {
  line_due = lines_follow;
}

bool terminal_forgives(void) {
  bool forgiven = lines_follow;
  lines_follow = 0;
  return forgiven;
}

void terminal_reset(void) {
  keyboard_reset();
}

/* ---- The console --------------------------------------------------------------------------------------------------- */

static bool is_dumb(void) {
  const char *term = getenv("TERM");
  return !term || !*term || strcmp(term, "dumb") == 0;
}

#ifdef DEBRIEF_READLINE
#include "editor.h"

static bool can_edit(void) {
  return !is_dumb() && editor_available();
}

static debrief_input read_line(void *user, const char *prompt, debrief_completer *completer,
                               debrief_text *line) {
  (void)user;
  lines_follow = 1;
  debrief_input input = can_edit() ? editor_read(prompt, completer, line) : read_plain(prompt, line);
  lines_follow = input != DEBRIEF_INPUT_END;
  return input;
}

static void remember(void *user, debrief_text statement) {
  (void)user;
  if (can_edit()) editor_remember(statement);
}

#define REMEMBER remember
#else
static debrief_input read_line(void *user, const char *prompt, debrief_completer *completer,
                               debrief_text *line) {
  (void)user;
  (void)completer;
  lines_follow = 1;
  debrief_input input = read_plain(prompt, line);
  lines_follow = input != DEBRIEF_INPUT_END;
  return input;
}

#define REMEMBER NULL
#endif

/* In pieces, so that an interrupt ends a long text, too. By write itself: stdio drops what a signal came in between. */
static bool write_all(int fd, const char *text, size_t len) {
  while (len > 0 && !line_due) {
    ssize_t n = write(fd, text, len < 4096 ? len : 4096);
    if (n < 0 && errno == EAGAIN) poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    else if (n < 0 && errno != EINTR) return false;
    if (n > 0) text += n, len -= (size_t)n;
  }
  return true;
}

static bool write_text(void *user, bool is_error, debrief_text text) {
  (void)user;
  fflush(stdout); /* what was printed before comes before */
  bool due = line_due;
  line_due = 0;
  int fd = is_error ? STDERR_FILENO : STDOUT_FILENO;
  return write_all(fd, "\n", due) && write_all(fd, text.data, text.len);
}

static int columns(void *user) {
  struct winsize size;
  (void)user;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

const debrief_console *terminal_console(void) {
  static debrief_console console = {.struct_size = sizeof console,
                                    .read_line = read_line,
                                    .write = write_text,
                                    .remember = REMEMBER,
                                    .columns = columns};
  const char *no_color = getenv("NO_COLOR");
  console.color = !(no_color && *no_color) && !is_dumb();
  return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? &console : NULL;
}
