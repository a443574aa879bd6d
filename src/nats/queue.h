/* queue.h: the queue of work of ../log/queue.h over two streams beside that of the log.
 *
 *     NAME-work   subjects NAME.w.>   a work queue: one consumer for each job, so that workers choose which they take part in
 *     NAME-done   subjects NAME.d.>   read message by message, with no consumer that could be lost with a node
 *                 subjects NAME.p.>   in no stream
 *
 * What nobody removes, because its process was killed, goes after a day. */
#ifndef DBF_NATS_QUEUE_H
#define DBF_NATS_QUEUE_H

#include "../log/queue.h"
#include "connect.h"

extern const dbf_queue_kind dbf_nats_queue;

#endif
