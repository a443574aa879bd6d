/* store.h: a stream as a store of ../log/store.h: the one symbol that the log looks for. Ties the other files together. */
#ifndef DBF_NATS_STORE_H
#define DBF_NATS_STORE_H

#include "../log/store.h"

#include <debrief/nats.h>

#endif
