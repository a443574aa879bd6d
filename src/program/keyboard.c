#include "keyboard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

/* SIGINT first: the others are not taken in a terminal's usual mode. */
static const int signals[] = {SIGINT, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP, SIGQUIT};
enum { COUNT = sizeof signals / sizeof *signals };

static volatile sig_atomic_t came[COUNT];
static struct sigaction before[COUNT];
static int taken; /* how many of them */
static int bell[2] = {
    -1, -1}; /* a pipe: a signal rings in it, since it may come to another thread than the one that waits */
static struct termios usual; /* the mode when it was taken */
static volatile sig_atomic_t is_raw;
static int last; /* the signal of the last event */

static void on_signal(int number) {
  int e = errno;
  for (int i = 0; i < COUNT; i++)
    if (signals[i] == number) came[i] = 1;
  ssize_t n = write(bell[1], "", 1); /* full: it rings already */
  (void)n;
  errno = e;
}

static void take(int i) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  came[i] = 0;
  sigaction(signals[i], NULL, &before[i]);
  if (before[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
}

bool keyboard_take(bool raw) {
  if (bell[0] < 0 && pipe2(bell, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  is_raw = raw && tcgetattr(STDIN_FILENO, &usual) == 0;
  for (taken = 0; taken < (raw ? COUNT : 1); taken++) take(taken);
  return true;
}

void keyboard_lend(bool lend) {
  if (lend) sigaction(signals[0], &before[0], NULL);
  else take(0);
}

void keyboard_reset(void) {
  if (is_raw) tcsetattr(STDIN_FILENO, TCSANOW, &usual);
}

void keyboard_release(void) {
  is_raw = 0;
  while (taken > 0) {
    taken--;
    sigaction(signals[taken], &before[taken], NULL);
  }
}

static keyboard_event event_of(int number) {
  switch (number) {
  case SIGINT: return KEYBOARD_INTERRUPT;
  case SIGWINCH: return KEYBOARD_RESIZE;
  case SIGTSTP: return KEYBOARD_STOP;
  default: return KEYBOARD_DIE;
  }
}

keyboard_event keyboard_wait(void) {
  struct pollfd wanted[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = bell[0], .events = POLLIN}};
  for (;;) {
    char rings[64];
    while (read(bell[0], rings, sizeof rings) > 0) {}
    for (int i = 0; i < COUNT; i++) {
      if (!came[i]) continue;
      came[i] = 0;
      last = signals[i];
      return event_of(last);
    }
    if (poll(wanted, 2, -1) < 0 && errno != EINTR && errno != EAGAIN) return KEYBOARD_KEY;
    if (wanted[0].revents && !wanted[1].revents) return KEYBOARD_KEY;
  }
}

void keyboard_obey(void) {
  struct sigaction ours;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, last);
  for (int i = 0; i < COUNT; i++)
    if (signals[i] == last) sigaction(last, &before[i], &ours);
  raise(last);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  sigaction(last, &ours, NULL);
}
