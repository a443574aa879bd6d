/* name.h: names of settings, and the values after them. */
#ifndef DBF_NAME_H
#define DBF_NAME_H

#include "find.h"

/* Anchor: a word that names secrets, such as "password" or "key". */
dbf_find_rule dbf_name_find;

#endif
