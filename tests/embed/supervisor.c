/* supervisor.c: a small agent supervisor. It runs commands, each up to three times until one attempt succeeds, writes every
 * run down, and looks back at the end.
 *
 *     cc supervisor.c $(pkg-config --cflags --libs debrief) -o supervisor
 *     ./supervisor sessions nightly 'make build' 'make test'
 *
 * Before each run it shows what happened earlier in the session, in the words of the plugin `history`, and passes that
 * to the command in $HISTORY: an agent would put it into its prompt. */
#include <debrief/debrief.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { ATTEMPTS = 3, TAIL = 2000 };

#define TEXT(s) ((debrief_text){s, strlen(s)})

/* One attempt, and the memory that its debrief_attempt points to. */
typedef struct attempt {
  bool verified;
  size_t len;
  char output[2 * TAIL]; /* the end of it, at most TAIL bytes when it is done */
  char extra[64];        /* JSON: fields that debrief does not know are kept as they are */
} attempt;

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void keep_tail(attempt *a) {
  if (a->len <= TAIL) return;
  memmove(a->output, a->output + a->len - TAIL, TAIL);
  a->len = TAIL;
}

/* Run the command once. Its exit status says whether it did what it should: that is what "verified" means. */
static bool try_once(const char *command, attempt *a) {
  char line[4096];
  int64_t begin = now_ms();
  a->len = 0;
  a->verified = false;
  if (snprintf(line, sizeof line, "{ %s\n} 2>&1", command) >= (int)sizeof line) return false;
  FILE *pipe = popen(line, "r");
  if (!pipe) return false;
  for (size_t n; (n = fread(a->output + a->len, 1, TAIL, pipe)) > 0; keep_tail(a)) a->len += n;
  int status = pclose(pipe);
  a->verified = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  snprintf(a->extra, sizeof a->extra, "{\"duration_ms\":%lld}", (long long)(now_ms() - begin));
  return a->verified;
}

/* Write a run down. Credentials that the output may hold are replaced first: `redact` refuses what it cannot read. */
static bool record(debrief *host, const char *session, const char *command, const attempt *tried, int count,
                   int64_t duration_ms, debrief_error *err) {
  debrief_attempt attempts[ATTEMPTS];
  char skill[64];
  snprintf(skill, sizeof skill, "%.*s", (int)strcspn(command, " "), command);
  for (int i = 0; i < count; i++)
    attempts[i] = (debrief_attempt){.attempt = i + 1,
                                    .model = TEXT("sh"),
                                    .verified = tried[i].verified,
                                    .runner_output = {tried[i].output, tried[i].len},
                                    .extra = TEXT(tried[i].extra)};
  bool verified = tried[count - 1].verified;
  debrief_entry entry = {.struct_size = sizeof entry,
                         .skill = TEXT(skill),
                         .attempts = attempts,
                         .attempt_count = (size_t)count,
                         .final_status = TEXT(verified ? "ok" : "error"),
                         .duration_ms = duration_ms};
  debrief_query through = {.struct_size = sizeof through, .enrich = "redact"};
  return debrief_append(host, session, &entry, &through, err);
}

/* Text of a log may hold anything: what would move a terminal is shown as "?". debrief_retro_text does that itself. */
static void show(const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    bool c1 = c[0] == 0xc2 && c[1] < 0xa0;
    putchar((*c < ' ' && *c != '\n') || *c == 0x7f || c1 ? '?' : *c);
    c += c1;
  }
  putchar('\n');
}

/* Show the history block, and leave it to the command. A report is plain structs: tables, findings, here its text. */
static bool show_history(debrief *host, const char *session, debrief_error *err) {
  static const char *const options[] = {"history.budget=1000", NULL};
  debrief_query query = {.struct_size = sizeof query, .sessions = session, .options = options};
  debrief_result *result = debrief_retro(host, "history", &query, err);
  if (!result && err->code != DEBRIEF_ENOENT) return false; /* the first run: there is no session yet */
  const char *text = result && result->report_count ? result->reports[0]->text.data : "No earlier runs.";
  setenv("HISTORY", text, 1);
  show(text);
  debrief_result_close(result);
  return true;
}

static bool supervise(debrief *host, const char *session, const char *command, debrief_error *err) {
  static attempt tried[ATTEMPTS];
  int64_t begin = now_ms();
  int count = 0;
  printf("== %s\n", command);
  if (!show_history(host, session, err)) return false;
  fflush(stdout);
  while (count < ATTEMPTS && !try_once(command, &tried[count++])) continue;
  printf("-> %s after %d\n\n", tried[count - 1].verified ? "ok" : "error", count);
  return record(host, session, command, tried, count, now_ms() - begin, err);
}

/* Damaged lines and failing plugins do not end the run. They are reported. */
static void on_problem(void *user, const debrief_problem *problem) {
  fprintf(user, "supervisor: %s: %s\n", problem->plugin, problem->message);
}

static bool look_back(debrief *host, const char *session, debrief_error *err) {
  debrief_query query = {
      .struct_size = sizeof query, .sessions = session, .on_problem = on_problem, .user = stderr};
  debrief_format format = {.struct_size = sizeof format, .columns = 100};
  debrief_text text;
  if (!debrief_retro_text(host, "attempts,failures", &query, &format, &text, err)) return false;
  return fwrite(text.data, 1, text.len, stdout) == text.len;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: supervisor FOLDER SESSION COMMAND...\n");
    return 2;
  }
  debrief_error err;
  debrief_config config = {.struct_size = sizeof config, .dir = argv[1]};
  debrief *host = debrief_open(&config, &err);
  bool ok = host != NULL;
  for (int i = 3; ok && i < argc; i++) ok = supervise(host, argv[2], argv[i], &err);
  ok = ok && look_back(host, argv[2], &err);
  if (!ok) fprintf(stderr, "supervisor: %s\n", err.message);
  debrief_close(host);
  return ok ? 0 : 1;
}
