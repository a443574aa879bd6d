/* place.h: secrets that stand in a place: in an address, in a block, among the words of a command. */
#ifndef DBF_PLACE_H
#define DBF_PLACE_H

#include "find.h"

/* Anchors: "://"; BEGIN and END of a private key, either of which may be cut off; the name of a command. */
dbf_find_rule dbf_place_find_address, dbf_place_find_key_begin, dbf_place_find_key_end,
    dbf_place_find_command;

#endif
