/* terminal.h: the terminal that the program runs in, as a console. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <debrief/debrief.h>

/* The console; NULL: standard input and output are not a terminal. Nothing is changed before the first line is read. */
const debrief_console *terminal_console(void);

/* What follows is for signal handlers.
 *
 * A statement at the prompt was interrupted. */
void terminal_interrupted(void);

/* Does this Ctrl-C count for nothing, because it came between two lines of a prompt? Of several before the next line,
 * the first does. */
bool terminal_forgives(void);

/* Make the terminal usable again before the program is ended on the spot. */
void terminal_reset(void);

#endif
