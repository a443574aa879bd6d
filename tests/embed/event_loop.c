/* event_loop.c: a log in a poll loop, together with other descriptors. No thread, no callback, no Lua.
 *
 *     cc event_loop.c $(pkg-config --cflags --libs debrief-log) -o event_loop
 *     ./event_loop sessions
 *
 * Each line of standard input, "SESSION SKILL STATUS", is appended. Each entry that is appended to the log, by
 * this program or another process, is shown as it arrives. The end of the input ends the program. */
#include <debrief/log.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT(s) ((debrief_text){s, strlen(s)})

/* Show what has come. A descriptor that is readable says "perhaps", so ask until there is nothing more, and never wait:
 * the loop does the waiting. */
static bool show_new(debrief_follower *follower, debrief_error *err) {
  debrief_line line;
  const char *session;
  debrief_next next;
  while ((next = debrief_follower_next(follower, 0, &line, &session, err)) == DEBRIEF_NEXT_ENTRY) {
    char skill[64], status[64];
    debrief_string(debrief_member(line.json, "skill"), skill, sizeof skill);
    debrief_string(debrief_member(line.json, "final_status"), status, sizeof status);
    printf("%s:%llu %s %s\n", session, (unsigned long long)line.line, skill, status);
  }
  fflush(stdout);
  return next == DEBRIEF_NEXT_END;
}

static bool append(debrief_log *log, const char *typed, debrief_error *err) {
  char session[64], skill[64], status[64];
  if (sscanf(typed, "%63s %63s %63s", session, skill, status) != 3) {
    fprintf(stderr, "event_loop: not SESSION SKILL STATUS: %s\n", typed);
    return true; /* a typing error is no reason to end */
  }
  debrief_entry entry = {.struct_size = sizeof entry, .skill = TEXT(skill), .final_status = TEXT(status)};
  return debrief_log_append(log, session, &entry, err);
}

/* A line that has no newline yet. */
typedef struct input {
  char text[4096];
  size_t len;
  bool ended;
} input;

/* Read the available bytes and append the lines that are whole. */
static bool take_input(input *in, debrief_log *log, debrief_error *err) {
  ssize_t n = read(STDIN_FILENO, in->text + in->len, sizeof in->text - 1 - in->len);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  in->ended = n <= 0;
  if (n > 0) in->len += (size_t)n;
  in->text[in->len] = '\0';
  char *at = in->text;
  for (char *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
    *end = '\0';
    if (!append(log, at, err)) return false;
  }
  in->len = strlen(at);
  memmove(in->text, at, in->len);
  if (in->len == sizeof in->text - 1) in->len = 0; /* no line is that long: drop it */
  return true;
}

static bool loop(debrief_log *log, debrief_follower *follower, debrief_error *err) {
  static input in;
  struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                         {.fd = debrief_follower_fd(follower), .events = POLLIN}};
  while (!in.ended) {
    if (!show_new(follower, err)) return false; /* before each wait, not only when the descriptor says so */
    if (poll(fds, 2, -1) < 0 && errno != EINTR) {
      snprintf(err->message, sizeof err->message, "poll: %s", strerror(errno));
      return false;
    }
    if (fds[0].revents && !take_input(&in, log, err)) return false;
  }
  debrief_follower_stop(follower); /* from now on it returns existing entries, and then the end forever */
  return show_new(follower, err);
}

int main(int argc, char **argv) {
  debrief_error err;
  debrief_log *log = debrief_log_open(argc > 1 ? argv[1] : "sessions", NULL, &err);
  debrief_follower *follower = log ? debrief_log_follow(log, NULL, 0, NULL, &err) : NULL;
  bool ok = follower && loop(log, follower, &err);
  if (!ok) fprintf(stderr, "event_loop: %s\n", err.message);
  debrief_follower_close(follower);
  debrief_log_close(log);
  return ok ? 0 : 1;
}
