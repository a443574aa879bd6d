/* debrief/nats.h: logs that are streams of NATS JetStream, for C programs. Link with libdebrief-nats.
 *
 *     debrief_error err;
 *     if (!debrief_nats_enable(&err)) ...
 *     debrief_log *log = debrief_log_open("nats://a:4222,b:4222/TEAM", NULL, &err);
 *
 * After it, debrief_log_open and debrief_config.dir take addresses. Programs that use none link nothing of it. */
#ifndef DEBRIEF_NATS_H
#define DEBRIEF_NATS_H

#include <debrief/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Make the addresses nats:// and tls:// known to the logs of this process. Calling it again is fine. Errors: EIO, when
 * the client library of NATS cannot be used.
 * NULL is fine: the error is not reported. */
DEBRIEF_API bool debrief_nats_enable(debrief_error *err);

/* What libdebrief-log and libdebrief look for; nothing for programs to call. */
DEBRIEF_API const struct dbf_store_kind *debrief_nats_store(void);

#ifdef __cplusplus
}
#endif
#endif
