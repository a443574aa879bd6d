/* directory_internal.h: what directory.c and listing.c share. */
#ifndef DBF_DIRECTORY_INTERNAL_H
#define DBF_DIRECTORY_INTERNAL_H

#include "directory.h"

#define DBF_FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Of all of these but the last the mutex is held. */

/* The folder is open afterwards. */
bool dbf_directory_enter(dbf_directory *dir, bool make, debrief_error *err);

/* Then: read what the index of its pack has got since. */
bool dbf_directory_look_at_pack(dbf_directory *dir, debrief_error *err);

/* The same, and where the pack has a session; size 0: it does not. */
bool dbf_directory_find_packed(dbf_directory *dir, const char *id, dbf_packed *found, debrief_error *err);

/* The failure errno to `verb` the folder. */
bool dbf_directory_fail(const dbf_directory *dir, const char *verb, debrief_error *err);

/* What a file is that is not a regular one, with its article. */
const char *dbf_directory_kind(mode_t mode);

#endif
