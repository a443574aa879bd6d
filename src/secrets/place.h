/* place.h: secrets that stand in a place: in an address, in a block, among the words of a command. */
#ifndef DBF_PLACE_H
#define DBF_PLACE_H

#include "find.h"

/* Anchors: "://"; BEGIN and END of a private key, either of which may be cut off; the head of the lines of a key of
 * PuTTY; the name of a command; what stands before `user/password`; a word whose argument is a password; names of a
 * phrase of words. */
dbf_find_rule dbf_place_find_address, dbf_place_find_key_begin, dbf_place_find_key_end,
    dbf_place_find_key_lines, dbf_place_find_command, dbf_place_find_login, dbf_place_find_argument,
    dbf_place_find_phrase;

#endif
