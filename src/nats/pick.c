#include "pick.h"

#include "../log/error.h"
#include "../log/io.h"
#include "../log/session_id.h"
#include "consume.h"
#include "folder.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)

typedef struct picked {
  char *id;
  uint64_t size, next; /* bytes of its file; the sequence after its last message */
} picked;

struct dbf_nats_pick {
  dbf_nats_connection *c;
  int64_t created; /* when the stream was made */
  dbf_nats_folder folder;
  picked *list; /* by id */
  size_t count, room;
  char *current; /* the id that the consumer is of */
  dbf_nats_consumer consumer;
  bool broken; /* half a message was written */
};

dbf_nats_pick *dbf_nats_pick_new(dbf_nats_connection *c, int64_t created, debrief_error *err) {
  dbf_nats_pick *pick = calloc(1, sizeof *pick);
  if (!pick) return dbf_fail_memory(err), NULL;
  pick->c = c;
  pick->created = created;
  dbf_nats_consumer_init(&pick->consumer, c, created, 1);
  if (dbf_nats_folder_make(&pick->folder, err)) return pick;
  free(pick);
  return NULL;
}

void dbf_nats_pick_free(dbf_nats_pick *pick, bool forked) {
  if (!pick) return;
  dbf_nats_folder_remove(&pick->folder, forked);
  if (forked) return;
  dbf_nats_consumer_release(&pick->consumer);
  for (size_t i = 0; i < pick->count; i++) free(pick->list[i].id);
  free(pick->list);
  free(pick);
}

int64_t dbf_nats_pick_created(const dbf_nats_pick *pick) {
  return pick->created;
}

bool dbf_nats_pick_is_broken(const dbf_nats_pick *pick) {
  return pick->broken;
}

const char *dbf_nats_pick_path(const dbf_nats_pick *pick) {
  return pick->folder.path;
}

/* Where a session is in the list, or belongs. */
static size_t place_of(const dbf_nats_pick *pick, const char *id) {
  size_t low = 0, high = pick->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(pick->list[middle].id, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool grow(dbf_nats_pick *pick) {
  size_t room = pick->room ? pick->room * 2 : 64;
  picked *list = pick->count < pick->room ? pick->list : realloc(pick->list, room * sizeof *list);
  if (!list) return false;
  if (list != pick->list || pick->count == pick->room) pick->room = room;
  pick->list = list;
  return true;
}

/* The session, added when it is new; NULL: there is no memory. */
static picked *session_of(dbf_nats_pick *pick, const char *id) {
  size_t at = place_of(pick, id);
  if (at < pick->count && strcmp(pick->list[at].id, id) == 0) return &pick->list[at];
  char *copy = grow(pick) ? strdup(id) : NULL;
  if (!copy) return NULL;
  memmove(&pick->list[at + 1], &pick->list[at], (pick->count - at) * sizeof *pick->list);
  pick->list[at] = (picked){.id = copy, .next = 1};
  pick->count++;
  return &pick->list[at];
}

/* Let the consumer be that of the session. */
static bool turn_to(dbf_nats_pick *pick, const picked *one, debrief_error *err) {
  char subject[DBF_NATS_SUBJECT];
  if (pick->current == one->id) return true;
  dbf_nats_consumer_release(&pick->consumer);
  pick->current = NULL;
  dbf_nats_consumer_init(&pick->consumer, pick->c, pick->created, one->next);
  dbf_nats_stream_subject(subject, pick->c->address->name, one->id);
  pick->consumer.filter = strdup(subject);
  if (!pick->consumer.filter) return dbf_fail_memory(err);
  pick->current = one->id;
  return true;
}

/* As the snapshot does it, a line is ended where its message did not. */
static bool write_message(dbf_nats_pick *pick, picked *one, int fd, natsMsg *message) {
  const char *text = natsMsg_GetData(message);
  size_t len = (size_t)natsMsg_GetDataLength(message);
  if (len == 0) return true;
  bool ends = text[len - 1] == '\n';
  pick->broken = !(dbf_io_write_all(fd, text, len) && (ends || dbf_io_write_all(fd, "\n", 1)));
  one->size += len + !ends;
  return !pick->broken;
}

/* Take messages until there are enough, no more, or the time is over. */
static bool pull(dbf_nats_pick *pick, picked *one, int fd, uint64_t size, int64_t deadline, bool *done,
                 debrief_error *err) {
  while (!(*done = one->size >= size)) {
    natsMsg *message;
    uint64_t sequence;
    dbf_nats_came came = dbf_nats_consumer_next(&pick->consumer, deadline, &message, &sequence, err);
    if (came == DBF_NATS_FAILED) return false;
    if (came == DBF_NATS_NOTHING) {
      *done = pick->consumer.sub && pick->consumer.pending == 0;
      return true;
    }
    bool ok = write_message(pick, one, fd, message);
    one->next = sequence + 1;
    natsMsg_Destroy(message);
    if (!ok)
      return dbf_fail_errno(err, "cannot write what was read from %s to %s ($TMPDIR names another place)",
                            pick->c->address->shown, pick->folder.path);
    if (one->size < size && pick->consumer.pending == 0 && dbf_nats_clock() > deadline) return true;
  }
  return true;
}

bool dbf_nats_pick_bring(dbf_nats_pick *pick, const char *id, uint64_t *size, int64_t deadline, bool *done,
                         debrief_error *err) {
  char name[DBF_SESSION_ID_MAX + sizeof DBF_SESSION_SUFFIX];
  *done = false;
  if (!debrief_session_id_valid(id)) return dbf_fail(err, DEBRIEF_EID, "this is not a session id");
  if (pick->broken)
    return dbf_fail(err, DEBRIEF_EIO, "what was read could not be kept in %s", pick->folder.path);
  picked *one = session_of(pick, id);
  if (!one) return dbf_fail_memory(err);
  if ((*done = one->size >= *size)) return true;
  if (!turn_to(pick, one, err)) return false;
  snprintf(name, sizeof name, "%s" DBF_SESSION_SUFFIX, id);
  int fd = dbf_io_above(
      openat(pick->folder.fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd < 0) return dbf_fail_errno(err, "cannot make %s/%s", pick->folder.path, name);
  bool ok = pull(pick, one, fd, *size, deadline, done, err);
  close(fd);
  if (*done) {
    dbf_nats_consumer_release(&pick->consumer);
    pick->current = NULL;
  }
  *size = one->size;
  return ok;
}
