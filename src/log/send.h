/* send.h: bringing a session's lines to a session of a folder (sending.h). */
#ifndef DBF_SEND_H
#define DBF_SEND_H

#include "sending.h"

/* One step of it, of some mebibytes, under the session's lock. A folder takes lines of any length. Errors: EARG when the
 * session there begins otherwise; ELOCKED, EIO. */
bool dbf_log_send(debrief_log *log, dbf_sending *sending, debrief_error *err);

#endif
