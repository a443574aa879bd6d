#include "../log/error.h"
#include "store.h"

#include <debrief/nats.h>
#include <nats/nats.h>

bool debrief_nats_enable(debrief_error *err) {
  natsStatus status = nats_Open(-1);
  /* The function that the log looks for is in the program then, if it is linked statically, too. */
  if (status == NATS_OK && debrief_nats_store()) return true;
  return dbf_fail(err, DEBRIEF_EIO, "the client library of NATS does not start: %s",
                  natsStatus_GetText(status));
}
