-- A log at an address in C programs: debrief/nats.h, with the shared libraries and the static ones.
local program = dofile "tests/spec/support/program.lua"
local nats = dofile "tests/nats/servers.lua"
local installed = dofile "tests/spec/support/installed.lua"

local host = [[
#include <debrief/debrief.h>
#include <debrief/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Followers that come and go, so that nobody follows again and again. */
static void *churn(void *log) {
  debrief_error err;
  for (int i = 0; i < 200; i++) debrief_follower_close(debrief_log_follow(log, NULL, 0, NULL, &err));
  return NULL;
}

static bool count(void *user, const char *id) { (void)id; ++*(int *)user; return true; }

int main(int argc, char **argv) {
  debrief_error err = {0};
  if (argc != 2 || !debrief_nats_enable(&err) || !debrief_nats_enable(&err)) return puts(err.message), 1;
  debrief_log *log = debrief_log_open(argv[1], NULL, &err);
  const char *json = "{\"skill\":\"a\",\"final_status\":\"ok\"}";
  debrief_text two[] = {{json, strlen(json)}, {json, strlen(json)}};
  size_t stored = 0;
  bool ok = log && debrief_log_append_json(log, "s1", json, strlen(json), &err) &&
            debrief_log_append_batch(log, "s2", two, 2, &stored, &err);
  int sessions = 0, entries = 0;
  ok = ok && debrief_log_sessions(log, count, &sessions, &err);
  debrief_reader *reader = ok ? debrief_log_read(log, "s2", NULL, &err) : NULL;
  debrief_line line;
  while (reader && debrief_reader_next(reader, &line, &err) == DEBRIEF_NEXT_ENTRY) entries++;
  debrief_reader_close(reader);
  printf("%s %d %d %zu\n", ok ? "log" : err.message, sessions, entries, stored);
  debrief_follower *f = debrief_log_follow(log, NULL, 0, NULL, &err);
  const char *session = "";
  ok = f && debrief_log_append_json(log, "s3", json, strlen(json), &err) &&
       debrief_follower_next(f, 5000, &line, &session, &err) == DEBRIEF_NEXT_ENTRY;
  printf("followed %d %s\n", ok, session);
  debrief_follower_close(f);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, churn, log);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  debrief_repair repair = {.struct_size = sizeof repair};
  if (!debrief_log_repair(log, "s1", &repair, &err)) puts(err.message);
  debrief_log_close(log);
  debrief_config config = {.struct_size = sizeof config, .dir = argv[1]};
  debrief *host = debrief_open(&config, &err);
  debrief_query query = {.struct_size = sizeof query};
  debrief_result *result = host ? debrief_retro(host, "skills", &query, &err) : NULL;
  printf("host %s %llu\n", result ? "ok" : err.message, result ? (unsigned long long)result->entries : 0);
  debrief_result_close(result);
  ok = host && debrief_log_append_json(debrief_host_log(host), "s4", json, strlen(json), &err);
  fflush(stdout);
  char *words[] = {"host", "sessions", NULL};
  int status = 1;
  ok = ok && debrief_command(host, 2, words, &status, &err);
  printf("%s %d\n", ok ? "command" : err.message, status);
  debrief_close(host);
  return 0;
}
]]

describe("a C program with a log at an address", function()
  local s, scene
  setup(function()
    if nats.available() then s = nats.start() end
    scene = program.scene()
    scene:write("host.c", host)
  end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local BUILT = ("gcc -Werror %s host.c -I%s/src/include -L%s "):format(installed.sanitizer,
    program.root, program.build)
  local ways = {
    shared = "-l:libdebrief.so.0 -l:libdebrief-nats.so.0 -Wl,-rpath," .. program.build,
    static = "-l:libdebrief.a -l:libdebrief-nats.a -l:libdebrief-log.a -lnats "
      .. "$(pkg-config --libs lua5.4-cjson lua5.4) -lm -pthread",
  }

  for name, libraries in pairs(ways) do
    it("appends, reads, follows and looks back, " .. name, function()
      if not s then return pending(nats.MISSING) end
      local url = s:url(name)
      assert.equal(0, scene:run({ "init", url }).status)
      local run = (" -pthread -o %s && exec timeout 60 ./%s %s"):format(name, name, url)
      local r = scene:sh(BUILT .. libraries .. run)
      assert.same({ "", 0 }, { r.err, r.status })
      assert.equal("log 2 2 2\nfollowed 1 s3\nrepair: " .. url
        .. " is a stream, and what is in a stream is never changed\nhost ok 4\ns1\ns2\ns3\ns4\ncommand 0\n", r.out)
    end)
  end
end)
