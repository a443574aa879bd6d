/* terminal.h: the terminal that the program runs in, as a console. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <debrief/debrief.h>

/* The console; NULL: standard input and output are no terminal. Nothing is touched before the first line is read. */
const debrief_console *terminal_console(void);

#endif
