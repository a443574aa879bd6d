/* command_words.h: the words and the environment of a command, from a Lua table. */
#ifndef DBF_COMMAND_WORDS_H
#define DBF_COMMAND_WORDS_H

#include <lua.h>

/* The string at `index`, which has no zero byte; raises, naming `what`, if it is something else. */
const char *dbf_command_words_text(lua_State *L, int index, const char *what);

/* argv of the array at argument 1: a userdata, left on the stack with a table that keeps the strings: the caller's may
 * change. Raises without a word. */
char **dbf_command_words_argv(lua_State *L);

/* The variables of this process with those of the table on top of the stack put over them (false removes one); userdata
 * on the stack. */
char **dbf_command_words_envp(lua_State *L);

#endif
