/* editor.h: lines edited by GNU readline, with a history and completion. For terminals only. */
#ifndef EDITOR_H
#define EDITOR_H

#include <debrief/debrief.h>

/* As in debrief_console. */
debrief_input editor_read(const char *prompt, debrief_completer *completer, debrief_text *line);
void editor_remember(debrief_text statement);

#endif
