#include "editor.h"
#include "history.h"
#include "keyboard.h"
#include "libreadline.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

static bool interrupted;             /* by Ctrl-C, in this line */
static debrief_completer *completer; /* of this line */

/* ---- Keys and signals ---------------------------------------------------------------------------------------------- */

/* Out of the line that is being edited. A search or the like is left first, so that readline puts back what it
 * shows. */
static int interrupt(void) {
  if (!interrupted &&
      *rl.readline_state & (RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_MOREINPUT | RL_STATE_VIMOTION)) {
    interrupted = true;
    return CTRL('G');
  }
  interrupted = true;
  *rl.point = *rl.end;
  rl.redisplay();
  fputs("^C", *rl.outstream);
  return READERR;
}

static int read_key(FILE *in) {
  unsigned char c;
  if (interrupted) return interrupt();
  for (;;) {
    switch (keyboard_wait()) {
    case KEYBOARD_INTERRUPT: return interrupt();
    case KEYBOARD_RESIZE: rl.resize_terminal(); break;
    case KEYBOARD_STOP:
      rl.cleanup_after_signal();
      keyboard_obey();
      rl.reset_after_signal();
      rl.resize_terminal();
      rl.forced_update_display();
      break;
    case KEYBOARD_DIE:
      rl.cleanup_after_signal();
      fputc('\n', *rl.outstream);
      fflush(*rl.outstream);
      keyboard_obey();
      break;
    case KEYBOARD_KEY: {
      ssize_t n = read(fileno(in), &c, 1);
      if (n == 1) return c;
      if (n == 0) return EOF;
      if (errno != EINTR && errno != EAGAIN) return READERR; /* the terminal is gone */
    }
    }
  }
}

/* ---- Completion ---------------------------------------------------------------------------------------------------- */

/* Candidates on their way from debrief to readline. */
static struct {
  char **texts;
  size_t count, room, next;
  size_t from; /* where the word starts that they could stand for */
} found;

static void forget_found(void) {
  for (size_t i = 0; i < found.count; i++) free(found.texts[i]);
  found.count = found.next = 0;
}

/* Columns of a text; 0 when something in it is not to be shown: control characters, what turns the text around. */
static int columns_of(const char *text, size_t len) {
  mbstate_t state = {0};
  int columns = 0;
  for (size_t n; len > 0; text += n, len -= n) {
    wchar_t c;
    n = mbrtowc(&c, text, len, &state);
    if (n == 0 || n > len || !iswprint((wint_t)c) || wcwidth(c) < 1) return 0;
    columns += wcwidth(c);
  }
  return columns;
}

static bool find_one(void *user, debrief_text candidate) {
  (void)user;
  if (columns_of(candidate.data, candidate.len) == 0) return true;
  if (found.count == found.room) {
    size_t room = found.room ? 2 * found.room : 64;
    char **more = realloc(found.texts, room * sizeof *more);
    if (!more) return false;
    found.texts = more;
    found.room = room;
  }
  found.texts[found.count] = strndup(candidate.data, candidate.len);
  return found.texts[found.count] && ++found.count;
}

/* For readline the word is the whole line up to the point, so that it has no say in where a word starts. */
static char *next_match(const char *line, int state) {
  if (state == 0) found.next = 0;
  if (found.next == found.count) return NULL;
  const char *text = found.texts[found.next++];
  char *match = malloc(found.from + strlen(text) + 1);
  if (!match) return NULL;
  memcpy(match, line, found.from);
  strcpy(match + found.from, text);
  return match;
}

static char **complete(const char *line, int start, int end) {
  (void)start;
  *rl.attempted_completion_over = 1; /* no names of files */
  *rl.completion_append_character = '\0';
  if (*rl.completion_type == '*') return NULL; /* all of them at once: with the whole line in each */
  forget_found();
  debrief_text text = {line, (size_t)end};
  keyboard_lend(true); /* Ctrl-C ends a completion that takes too long, as it ends a statement */
  found.from = debrief_complete(completer, text, text.len, find_one, NULL);
  keyboard_lend(false);
  char **matches = found.count ? rl.completion_matches(line, next_match) : NULL;
  forget_found();
  return matches;
}

static char *no_word_breaks(void) {
  static char none[] = "";
  return none;
}

/* In columns, down and then across, as many as the screen has room for. */
static void print_matches(char **texts, int count, int longest, int rows, int columns) {
  int across = columns / (longest + 2) > 1 ? columns / (longest + 2) : 1;
  int down = (count + across - 1) / across, shown = count;
  if (down > rows) {
    down = rows;
    shown = down * across;
  }
  for (int row = 0; row < down; row++) {
    for (int i = row; i < shown; i += down) {
      int width = columns_of(texts[i], strlen(texts[i]));
      fprintf(*rl.outstream, "%s%*s", texts[i], i + down < shown ? longest + 2 - width : 0, "");
    }
    fputc('\n', *rl.outstream);
  }
  if (shown < count) fprintf(*rl.outstream, "and %d more\n", count - shown);
}

/* matches[1..count]; what is in front of the word in each is not shown. */
static void show_matches(char **matches, int count, int unused) {
  int rows, columns, longest = 1, point = *rl.point;
  char **texts = malloc((size_t)count * sizeof *texts);
  (void)unused;
  if (!texts) return;
  for (int i = 0; i < count; i++) {
    texts[i] = matches[i + 1] + found.from;
    int width = columns_of(texts[i], strlen(texts[i]));
    if (width > longest) longest = width;
  }
  rl.get_screen_size(&rows, &columns);
  *rl.point = *rl.end;
  rl.redisplay();
  rl.crlf();
  print_matches(texts, count, longest, rows > 4 ? rows - 3 : 1, columns);
  free(texts);
  *rl.point = point;
  rl.forced_update_display();
}

/* Tab after nothing but blanks indents, after anything else it completes. */
static int tab(int count, int key) {
  int i = 0;
  while (i < *rl.point && (*rl.line_buffer)[i] == ' ') i++;
  if (i > 0 && i == *rl.point) return rl.insert_text("  ") < 0;
  if (*rl.last_func == tab) *rl.last_func = rl.complete; /* a second Tab lists */
  return rl.complete(count, key);
}

/* ---- History ------------------------------------------------------------------------------------------------------- */

static bool keeps; /* what is typed, in the file */

static void no_history(const char *why) {
  keeps = false;
  fprintf(stderr, "debrief: no history is kept: %s\n", why);
}

static void remember_earlier(const char *statement) {
  rl.add_history(statement);
}

static void load_history(void) {
  char why[512];
  rl.using_history();
  keeps = history_load(remember_earlier, why, sizeof why);
  if (!keeps) no_history(why);
  if (!rl.history_is_stifled()) rl.stifle_history(HISTORY_MOST);
}

void editor_remember(debrief_text statement) {
  char why[512];
  while (statement.len > 0 && strchr("\r\n", statement.data[statement.len - 1])) statement.len--;
  if (statement.len == 0 || strchr(" \t\r\n", *statement.data) || memchr(statement.data, '\0', statement.len))
    return;
  char *text = strndup(statement.data, statement.len);
  HIST_ENTRY *last =
      *rl.history_length > 0 ? rl.history_get(*rl.history_base + *rl.history_length - 1) : NULL;
  if (text && !(last && strcmp(last->line, text) == 0)) {
    rl.add_history(text);
    if (keeps && !history_append(text, why, sizeof why)) no_history(why);
  }
  free(text);
}

/* ---- Reading ------------------------------------------------------------------------------------------------------- */

/* Once. In a locale without UTF-8 that nobody asked for, text is still UTF-8, as on the terminal. */
static void start(void) {
  static bool started;
  if (started) return;
  started = true;
  if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
    setlocale(LC_CTYPE, "C.UTF-8");
  *rl.readline_name = "debrief";
  *rl.catch_signals = 0;
  *rl.catch_sigwinch = 0;
  *rl.change_environment = 0; /* LINES and COLUMNS: other threads may read it */
  *rl.getc_function = read_key;
  *rl.attempted_completion_function = complete;
  *rl.completion_word_break_hook = no_word_breaks;
  *rl.completer_quote_characters = NULL;
  *rl.basic_quote_characters = "";
  *rl.completion_display_matches_hook = show_matches;
  rl.add_defun("debrief-tab", tab, -1);
  rl.initialize();
  if (rl.function_of_keyseq("\t", NULL, NULL) == rl.complete) rl.bind_key('\t', tab);
  load_history();
}

/* The prompt with its escape sequences marked: they take no columns. malloc'd. */
static char *marked(const char *prompt) {
  char *out = malloc(3 * strlen(prompt) + 1), *to = out;
  if (!out) return NULL;
  while (*prompt) {
    bool escape = prompt[0] == '\033' && prompt[1] == '[';
    size_t len = escape ? 2 + strspn(prompt + 2, "0123456789;:") + 1 : 1;
    if (escape) *to++ = RL_PROMPT_START_IGNORE;
    while (len-- > 0 && *prompt) *to++ = *prompt++;
    if (escape) *to++ = RL_PROMPT_END_IGNORE;
  }
  *to = '\0';
  return out;
}

/* readline starts a new line at the end of the input itself where pasting is bracketed. */
static void end_line(void) {
  const char *bracketed = rl.variable_value("enable-bracketed-paste");
  if (!bracketed || strcmp(bracketed, "on") != 0) fputc('\n', *rl.outstream);
  fflush(*rl.outstream);
}

bool editor_available(void) {
  static bool tried, loaded;
  char why[512];
  if (!tried) loaded = libreadline_load(why, sizeof why);
  if (!tried && !loaded)
    fprintf(stderr, "debrief: lines cannot be edited: %s (Debian: install libreadline%d)\n", why,
            RL_VERSION_MAJOR);
  tried = true;
  return loaded;
}

debrief_input editor_read(const char *prompt, debrief_completer *of_line, debrief_text *line) {
  static char *text;
  locale_t before = uselocale(LC_GLOBAL_LOCALE); /* the host's is "C" */
  start();
  free(text);
  text = NULL;
  completer = of_line;
  interrupted = false;
  rl.reset_screen_size(); /* it may have changed since the last line */
  char *shown = marked(prompt);
  bool can = shown && keyboard_take(true);
  if (can) {
    text = rl.readline(shown);
    keyboard_release();
    if (!text) end_line();
  }
  free(shown);
  uselocale(before);
  if (!can) return DEBRIEF_INPUT_FAILED;
  *line = (debrief_text){text, text ? strlen(text) : 0};
  return text ? DEBRIEF_INPUT_LINE : interrupted ? DEBRIEF_INPUT_INTERRUPTED : DEBRIEF_INPUT_END;
}
