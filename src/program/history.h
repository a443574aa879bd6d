/* history.h: the statements of earlier runs, in a file.
 *
 *     first line of a statement
 *     <tab>its second line
 *     the next statement
 *
 * Any number of programs append to it, each statement with one write under a lock, as entries are appended to a log. */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>

/* The statements a history keeps: the latest. */
enum { HISTORY_MOST = 10000 };

/* Find the file, make its folder, read it: `each` gets the statements from the oldest on. A file that has grown well
 * beyond HISTORY_MOST is cut. False: there is no history; *why, of `size` bytes, says why, for people. */
bool history_load(void (*each)(const char *statement), char *why, size_t size);

/* Append a statement; one of more than 64 KiB is not kept. False, and *why as above, when it cannot be kept. */
bool history_append(const char *statement, char *why, size_t size);

#endif
