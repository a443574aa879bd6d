/* lending.h: lending entries that a state has, as readers lend those that they read: for trials of plugins. */
#ifndef DBF_LENDING_H
#define DBF_LENDING_H

#include <lua.h>

/* Make the type of the objects; once a state. */
void dbf_lending_open(lua_State *L);

/* Add the function lending to the table on top of the stack. */
void dbf_lending_register(lua_State *L);

#endif
