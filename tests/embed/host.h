/* host.h: what the tests of debrief.h share: a folder, a host over it, plugins to try. */
#ifndef HOST_H
#define HOST_H

#include "../unit/temp_folder.h"

#include <debrief/debrief.h>

static char *folder;
static debrief *host;
static debrief_error err;

/* Open the host over `folder` with a config that has all but the folder. */
static inline void open_with(debrief_config config) {
  config.struct_size = sizeof config;
  config.dir = folder;
  config.plugin_path = folder;
  debrief_close(host);
  host = debrief_open(&config, &err);
  assert_non_null(host);
}

static inline int set_up(void **state) {
  (void)state;
  memset(&err, 0, sizeof err);
  folder = make_temp();
  open_with((debrief_config){0});
  return 0;
}

static inline int tear_down(void **state) {
  (void)state;
  debrief_close(host);
  host = NULL;
  remove_temp(folder);
  return 0;
}

/* A plugin NAME.lua in the host's plugin path, with these members. */
static inline void put_plugin(const char *name, const char *members) {
  char text[8192], file[64];
  snprintf(text, sizeof text, "return { name = '%s', api = 1, %s }\n", name, members);
  snprintf(file, sizeof file, "%s.lua", name);
  put_file(folder, file, text);
}

static inline void add(const char *session, const char *json) {
  if (!debrief_append_json(host, session, json, strlen(json), NULL, &err)) fail_msg("%s", err.message);
}

/* The call before failed with this code, and with `part` in its message. */
static inline void assert_failed(debrief_code code, const char *part) {
  if (err.code != code || !strstr(err.message, part))
    fail_msg("code %d: %s (wanted %d: %s)", (int)err.code, err.message, (int)code, part);
  memset(&err, 0, sizeof err);
}

static inline void assert_file_has(const char *name, const char *part) {
  char *text = get_file(folder, name);
  if (!strstr(text, part)) fail_msg("%s: %s", name, text);
  free(text);
}

#define SKILL(name) "{\"skill\":\"" name "\",\"final_status\":\"ok\",\"timestamp\":\"2026-05-03T10:00:00Z\"}"

/* What on_problem and on_diagnostic were given, one a line. */
static char reported[8192];

static inline void note(const char *format, ...) {
  va_list args;
  size_t n = strlen(reported);
  va_start(args, format);
  vsnprintf(reported + n, sizeof reported - n, format, args);
  va_end(args);
}

static inline void on_problem(void *user, const debrief_problem *p) {
  (void)user;
  note("%s.%s %s:%d %s\n", p->plugin, p->hook, p->session, (int)p->line, p->message);
}

static inline void on_diagnostic(void *user, const debrief_diagnostic *d) {
  (void)user;
  note("%s:%d %s\n", strrchr(d->path, '/') + 1, (int)d->line, debrief_kind_name(d->kind));
}

/* A query whose callbacks write to `reported`. */
static inline debrief_query reporting(void) {
  reported[0] = '\0';
  return (debrief_query){
      .struct_size = sizeof(debrief_query), .on_problem = on_problem, .on_diagnostic = on_diagnostic};
}

#endif
