#include "spare.h"
#include "memory.h"
#include "scratch.h"
#include "state.h"

/* Bytes that a state which waits may have from the system. It has two million after a small retrospective, and up to
 * five before the collector begins (state.c): less than that here would make it collect everything again and again. */
enum { MOST = 8 << 20 };

void dbf_spares_init(dbf_spares *s, const dbf_config *config) {
  pthread_mutex_init(&s->mutex, NULL);
  s->config = config;
  s->count = 0;
}

void dbf_spares_release(dbf_spares *s) {
  while (s->count) dbf_state_close(s->states[--s->count]);
  pthread_mutex_destroy(&s->mutex);
}

/* The last one that has this limit: it is most likely still in the caches. */
static lua_State *take(dbf_spares *s, size_t limit) {
  lua_State *found = NULL;
  pthread_mutex_lock(&s->mutex);
  for (size_t i = s->count; i-- > 0 && !found;) {
    if (dbf_memory_limit(s->states[i]) != limit) continue;
    found = s->states[i];
    s->states[i] = s->states[--s->count];
  }
  pthread_mutex_unlock(&s->mutex);
  return found;
}

lua_State *dbf_spares_state(const dbf_config *config, lua_CFunction core) {
  lua_State *L = config->spares ? take(config->spares, config->plugin_memory) : NULL;
  if (!L) return dbf_state_new(config, core, true);
  dbf_config_bind(L, config);
  return L;
}

static bool has_room(lua_State *L) {
  return dbf_memory_taken(L) <= MOST && !dbf_memory_is_half_full(L);
}

/* What a big retrospective left goes at once, not when the collector would come by: the next one has its limit of memory
 * for itself, also for buffers, for which nothing is collected. */
static bool is_small(lua_State *L) {
  dbf_scratch_trim(L);
  if (has_room(L)) return true;
  lua_gc(L, LUA_GCCOLLECT, 0);
  return has_room(L);
}

static bool put(dbf_spares *s, lua_State *L) {
  pthread_mutex_lock(&s->mutex);
  bool room = s->count < DBF_SPARES;
  if (room) s->states[s->count++] = L;
  pthread_mutex_unlock(&s->mutex);
  return room;
}

void dbf_spares_keep(lua_State *L) {
  dbf_spares *s = dbf_config_of(L)->spares;
  bool fit = s && !dbf_memory_was_short(L) && is_small(L);
  if (fit) dbf_config_bind(L, s->config); /* one with other limits may go before the host */
  if (!fit || !put(s, L)) dbf_state_close(L);
}
