#include "host.h"
#include "../log/error.h"
#include "../log/struct_size.h"

/* ---- Consoles ------------------------------------------------------------------------------------------------------ */

bool dbf_host_set_console(debrief *host, const debrief_console *console, debrief_error *err) {
  debrief_console given = {0};
  if (console && !dbf_struct_size_take(&given, sizeof given, console, "debrief_console", err)) return false;
  if (console && (!given.read_line || !given.write))
    return dbf_fail(err, DEBRIEF_EARG, "debrief_console: read_line and write must be there");
  host->console.callbacks = given;
  host->console.broken = false;
  host->config.console = console ? &host->console : NULL;
  return true;
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
  debrief_console before = host->console.callbacks;
  if (console && !dbf_host_set_console(host, console, err)) return false;
  int status;
  bool ok = dbf_host_call_unguarded(host, "debrief_repl", l_repl, NULL, err) ||
            dbf_host_left(host, &status); /* os.exit is one more way to leave */
  if (console) dbf_host_set_console(host, before.read_line ? &before : NULL, NULL);
  return ok;
}
