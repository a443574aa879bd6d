/* session_id.h: which names a session may have: [A-Za-z0-9][A-Za-z0-9._-]{0,127}. None of them leads out of the folder,
 * is hidden, or looks like an option. The rest is public: debrief_session_id and debrief_session_id_valid. */
#ifndef DBF_SESSION_ID_H
#define DBF_SESSION_ID_H

#include <debrief/log.h>

#define DBF_SESSION_ID_MAX 128
#define DBF_SESSION_SUFFIX ".jsonl"

/* Are these bytes an id? */
bool dbf_session_id_is(const char *id, size_t len);

/* Refuse anything that is not a session id, with a message that names debrief.session_id. */
bool dbf_session_id_check(const char *id, debrief_error *err);

/* The length of the session id in the name of a file, 0 when that is not ID.jsonl. */
size_t dbf_session_id_in_name(const char *name);

#endif
