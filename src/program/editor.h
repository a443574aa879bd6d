/* editor.h: lines edited by GNU readline, with a history and completion. For terminals only. */
#ifndef EDITOR_H
#define EDITOR_H

#include <debrief/debrief.h>

/* Can lines be edited here? Loads readline when it is asked first; if that is not there, a note says so, once. */
bool editor_available(void);

/* As in debrief_console; only where editor_available. */
debrief_input editor_read(const char *prompt, debrief_completer *completer, debrief_text *line);
void editor_remember(debrief_text statement);

#endif
