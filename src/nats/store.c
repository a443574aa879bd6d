#include "store.h"

#include "../log/error.h"
#include "connect.h"

#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

struct dbf_store {
  dbf_nats_address address;
  dbf_nats_login login;
  int64_t timeout; /* ns */
  pthread_mutex_t mutex;
  dbf_nats_connection connection; /* made when it is needed, under `mutex` */
};

static void release(dbf_store *store) {
  dbf_nats_address_release(&store->address);
  dbf_nats_login_release(&store->login);
  free(store);
}

static bool check_config(const debrief_log_config *config, debrief_error *err) {
  if (config->sync != DEBRIEF_SYNC_NONE)
    return dbf_fail(
        err, DEBRIEF_EARG,
        "--sync is for folders: the servers acknowledge an entry when most of them have it, before it is on "
        "their disks; let them sync (sync_interval) for power cuts of all of them");
  if (config->timeout_ms > 540000)
    return dbf_fail(err, DEBRIEF_EARG,
                    "the timeout is at most 540,000 ms: what is sent again later would be stored twice");
  return true;
}

static dbf_store *store_open(const char *address, const debrief_log_config *config, debrief_error *err) {
  if (!check_config(config, err)) return NULL;
  dbf_store *store = calloc(1, sizeof *store);
  if (!store) return dbf_fail_memory(err), NULL;
  if (!dbf_nats_address_parse(&store->address, address, err) ||
      !dbf_nats_login_take(&store->login, config, err)) {
    release(store);
    return NULL;
  }
  store->timeout = (config->timeout_ms ? config->timeout_ms : 30000) * MS;
  pthread_mutex_init(&store->mutex, NULL);
  dbf_nats_connection_init(&store->connection, &store->address);
  return store;
}

/* A child of a fork has no thread of the client library: what it does to the connection would wait forever. */
static void store_close(dbf_store *store, bool forked) {
  if (!forked) dbf_nats_disconnect(&store->connection);
  if (!forked) release(store);
}

static const char *store_shown(const dbf_store *store) {
  return store->address.shown;
}

static const char *store_name(const dbf_store *store) {
  return store->address.name;
}

static const dbf_store_kind kind = {.version = DBF_STORE_VERSION,
                                    .size = sizeof kind,
                                    .open = store_open,
                                    .close = store_close,
                                    .shown = store_shown,
                                    .name = store_name};

const dbf_store_kind *debrief_nats_store(void) {
  return &kind;
}
