#include "host.h"
#include "../log/error.h"
#include "../log/struct_size.h"

/* ---- The callbacks, as the script floor calls them ----------------------------------------------------------------- */

struct debrief_completer {
  dbf_completer inner; /* this is one: the type has a public name */
};

static dbf_console_input read_line(void *user, debrief_text prompt, dbf_completer *completer,
                                   debrief_text *line) {
  const debrief_console *c = user;
  switch (c->read_line(c->user, prompt.data, (debrief_completer *)completer, line)) {
  case DEBRIEF_INPUT_LINE: return DBF_INPUT_LINE;
  case DEBRIEF_INPUT_END: return DBF_INPUT_END;
  case DEBRIEF_INPUT_INTERRUPTED: return DBF_INPUT_INTERRUPTED;
  case DEBRIEF_INPUT_FAILED: break;
  }
  return DBF_INPUT_FAILED;
}

static bool write_text(void *user, bool is_error, debrief_text text) {
  const debrief_console *c = user;
  return c->write(c->user, is_error, text);
}

static void remember(void *user, debrief_text statement) {
  const debrief_console *c = user;
  if (c->remember) c->remember(c->user, statement);
}

static int columns(void *user) {
  const debrief_console *c = user;
  return c->columns ? c->columns(c->user) : 0;
}

/* ---- Consoles ------------------------------------------------------------------------------------------------------ */

bool dbf_host_set_console(debrief *host, const debrief_console *console, debrief_error *err) {
  debrief_console given = {0};
  if (console && !dbf_struct_size_take(&given, sizeof given, console, "debrief_console", err)) return false;
  if (console && (!given.read_line || !given.write))
    return dbf_fail(err, DEBRIEF_EARG, "debrief_console: read_line and write must be there");
  host->callbacks = given;
  host->console.read_line = read_line;
  host->console.write = write_text;
  host->console.remember = remember;
  host->console.columns = columns;
  host->console.color = given.color;
  host->console.user = &host->callbacks;
  host->console.broken = false;
  host->config.console = console ? &host->console : NULL;
  return true;
}

size_t debrief_complete(debrief_completer *completer, debrief_text line, size_t point,
                        bool (*each)(void *user, debrief_text candidate), void *user) {
  return dbf_console_complete(completer ? &completer->inner : NULL, line, point, each, user);
}

/* ---- The REPL ------------------------------------------------------------------------------------------------------ */

/* require "debrief.capi".repl() */
static int l_repl(lua_State *L) {
  dbf_host_push(L, "repl");
  lua_call(L, 0, 0);
  return 0;
}

bool debrief_repl(debrief *host, const debrief_console *console, debrief_error *err) {
  if (!host) return dbf_fail(err, DEBRIEF_EARG, "debrief_repl: the host is NULL");
  if (host->busy)
    return dbf_fail(err, DEBRIEF_EARG, "debrief_repl: called while another function of this host runs");
  if (!console && !host->config.console)
    return dbf_fail(err, DEBRIEF_EARG,
                    "debrief_repl: no console is given, and the host was opened without one");
  debrief_console before = host->callbacks;
  if (console && !dbf_host_set_console(host, console, err)) return false;
  int status;
  bool ok = dbf_host_call_unguarded(host, "debrief_repl", l_repl, NULL, err) ||
            dbf_host_left(host, &status); /* os.exit is one more way to leave */
  if (console) dbf_host_set_console(host, before.read_line ? &before : NULL, NULL);
  return ok;
}
