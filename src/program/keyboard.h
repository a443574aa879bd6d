/* keyboard.h: waiting for a key or a signal, whichever comes first, in whatever thread the signal arrives. */
#ifndef KEYBOARD_H
#define KEYBOARD_H

#include <stdbool.h>

typedef enum keyboard_event {
  KEYBOARD_KEY,       /* standard input can be read, or has ended */
  KEYBOARD_INTERRUPT, /* SIGINT */
  KEYBOARD_RESIZE,    /* SIGWINCH */
  KEYBOARD_STOP,      /* SIGTSTP: make the terminal ready, then keyboard_obey */
  KEYBOARD_DIE        /* SIGTERM, SIGHUP, SIGQUIT: the same */
} keyboard_event;

/* Handle the signals until keyboard_release restores their handlers. With `raw` all of the above, else SIGINT only: for
 * a terminal in its usual mode, nothing must be done before the others act. False: they cannot be handled. */
bool keyboard_take(bool raw);
void keyboard_release(void);

/* Leave SIGINT to whom it was taken from for a while, true, and take it again. */
void keyboard_lend(bool lend);

/* Put the terminal back into the mode it had when it was taken raw; for signal handlers that end the program. */
void keyboard_reset(void);

/* Wait. A signal that came since the last call counts, one that the process ignores does not. */
keyboard_event keyboard_wait(void);

/* Do what the signal does that the last event was: stop until continued, or die. */
void keyboard_obey(void);

#endif
