#include "host.h"
#include "entries.h"
#include "run.h"
#include "../lua/attach.h"
#include "../lua/isolate.h"
#include "../lua/memory.h"
#include "../lua/module.h"
#include "../lua/state.h"
#include "../log/error.h"
#include "../log/store.h"
#include "../log/struct_size.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Copy a text into *to; NULL stays NULL. */
static bool keep(const char **to, const char *text) {
  *to = text ? strdup(text) : NULL;
  return *to || !text;
}

/* Copy folders with one of `between` between them: those that are relative count from where the process is now, not from where it may go. */
static bool keep_folders(const char **to, const char *folders, const char *between) {
  char *here = folders ? getcwd(NULL, 0) : NULL; /* NULL: gone, or unreadable; they stay as they are */
  dbf_bytes out;
  if (folders && !here && errno == ENOMEM) return false;
  dbf_bytes_init(&out);
  for (const char *at = folders; at; at = *at ? at + 1 : NULL) {
    size_t len = strcspn(at, between);
    if (here && len && *at != '/') {
      dbf_bytes_append(&out, here, strlen(here));
      dbf_bytes_append_char(&out, '/');
    }
    dbf_bytes_append(&out, at, len);
    if (at[len]) dbf_bytes_append_char(&out, at[len]);
    at += len;
  }
  bool ok = !folders || (dbf_bytes_terminate(&out) && keep(to, out.data));
  dbf_bytes_release(&out);
  free(here);
  return ok;
}

static bool use_signal(debrief *host, int signal, debrief_error *err) {
  if (!signal || dbf_limits_use_signal(&host->interrupt, signal)) return true;
  if (errno == EBUSY)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_config.signal is %d, for which there is a handler already",
                    signal);
  return dbf_fail(err, DEBRIEF_EARG, "debrief_config.signal is %d, which cannot be used", signal);
}

/* The state: a new one, or the caller's. */
static bool open_state(debrief *host, lua_State *L, debrief_error *err) {
  const char *message;
  if (!L)
    return (host->L = dbf_state_new(&host->config, luaopen_debrief_core, false)) ? true
                                                                                 : dbf_fail_memory(err);
  host->attached = dbf_attach(L, &host->config, &message);
  if (host->attached) host->L = L;
  else if (message)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_attach: this state cannot be used: %s", message);
  else return dbf_fail_memory(err);
  return true;
}

static bool open_parts(debrief *host, const debrief_config *given, lua_State *L, debrief_error *err) {
  dbf_config *c = &host->config;
  c->on_log = given->on_log;
  c->on_print = given->on_print;
  c->user = given->user;
  c->workers = given->workers;
  c->plugin_memory = given->plugin_memory;
  c->plugin_time = given->plugin_time_ms;
  c->interrupt = &host->interrupt;
  host->interrupt.limit_ms = given->time_limit_ms;
  if (!given->source_dir) c->spares = &host->spares; /* a working copy may change */
  if (!use_signal(host, given->signal, err)) return false;
  if (!dbf_host_set_console(host, given->console, err)) return false;
  if (!keep(&c->dir, given->dir) || !keep_folders(&c->plugin_path, given->plugin_path, ":") ||
      !keep_folders(&c->source_dir, given->source_dir, "") ||
      !keep(&c->isolate_program, given->isolate_program))
    return dbf_fail_memory(err);
  if (given->log && !dbf_struct_size_take(&c->log, sizeof c->log, given->log, "debrief_log_config", err))
    return false;
  if (!(c->values = dbf_host_values_new())) return dbf_fail_memory(err);
  host->log = debrief_log_open(given->dir ? given->dir : "sessions", given->log, err);
  c->own = host->log;
  return host->log && open_state(host, L, err);
}

bool debrief_isolated(int argc, char **argv, int *status) {
  if (argc != 3 || !argv || !argv[0] || !argv[1] || !argv[2] || strcmp(argv[0], "debrief-isolated") != 0)
    return false;
  int result = dbf_isolate_serve(luaopen_debrief_core, (size_t)strtoull(argv[1], NULL, 10),
                                 (unsigned)strtoul(argv[2], NULL, 10));
  if (status) *status = result;
  return true;
}

/* L is NULL for a state of the host's own. */
static debrief *open_host(lua_State *L, const debrief_config *config, debrief_error *err) {
  debrief_config given = {0};
  if (config && !dbf_struct_size_take(&given, sizeof given, config, "debrief_config", err)) return NULL;
  if (given.workers > 256)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_config.workers is %u: 256 at most", given.workers), NULL;
  lua_Alloc allocate = given.allocate ? given.allocate : dbf_memory_plain;
  debrief *host = allocate(given.allocate_user, NULL, 0, sizeof *host);
  if (!host) return dbf_fail_memory(err), NULL;
  *host = (debrief){.config = {.allocate = allocate, .allocate_user = given.allocate_user}};
  dbf_host_forget(host);
  dbf_bytes_init(&host->text);
  dbf_limits_init(&host->interrupt);
  if (!dbf_console_init(&host->console)) {
    allocate(given.allocate_user, host, sizeof *host, 0);
    return dbf_fail_memory(err), NULL;
  }
  dbf_spares_init(&host->spares, &host->config);
  if (open_parts(host, &given, L, err)) return host;
  debrief_close(host);
  return NULL;
}

debrief *debrief_open(const debrief_config *config, debrief_error *err) {
  return open_host(NULL, config, err);
}

debrief *debrief_attach(lua_State *L, const debrief_config *config, debrief_error *err) {
  if (!L) return dbf_fail(err, DEBRIEF_EARG, "debrief_attach: the state is NULL"), NULL;
  return open_host(L, config, err);
}

/* Its order is the reverse of opening: queries first, for they refer to the state; the state before the log and the values
 * that finalizers of scripts may still use. */
void debrief_close(debrief *host) {
  if (!host) return;
  dbf_entries_orphan(host);
  dbf_runs_orphan(host);
  if (host->attached) dbf_detach(host->L);
  else dbf_state_close(host->L);
  dbf_spares_release(&host->spares);
  debrief_log_close(host->log);
  dbf_host_forget(host);
  dbf_console_release(&host->console);
  dbf_host_values_free(host->config.values);
  dbf_bytes_release(&host->text);
  free((char *)host->config.dir);
  free((char *)host->config.plugin_path);
  free((char *)host->config.source_dir);
  free((char *)host->config.isolate_program);
  host->config.allocate(host->config.allocate_user, host, sizeof *host, 0);
}

debrief_log *debrief_host_log(debrief *host) {
  return host ? host->log : NULL;
}

debrief_interruption debrief_interrupt(debrief *host) {
  return host ? dbf_limits_send(&host->interrupt) : DEBRIEF_INTERRUPT_NOTHING;
}

/* Whichever host has read a log: there is one store for the process. */
void debrief_abandon(debrief *host) {
  (void)host;
  dbf_store_abandon();
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

typedef struct command {
  int argc;
  char **argv;
  int status;
} command;

/* require "debrief.cli" (words) -> exit status */
static int l_command(lua_State *L) {
  command *c = lua_touserdata(L, 1);
  lua_getglobal(L, "require");
  lua_pushstring(L, "debrief.cli");
  lua_call(L, 1, 1);
  lua_createtable(L, c->argc, 1);
  for (int i = 0; i < c->argc; i++) {
    lua_pushstring(L, c->argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  c->status = (int)lua_tointeger(L, -1);
  return 0;
}

bool debrief_command(debrief *host, int argc, char **argv, int *status, debrief_error *err) {
  if (!host || argc < 1 || !argv || !status)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_command: an argument is NULL");
  command c = {argc, argv, 1};
  bool ok = dbf_host_call_unguarded(host, "debrief_command", l_command, &c, err);
  if (!ok && dbf_host_left(host, status)) return true;
  *status = c.status;
  return ok;
}
