-- Many threads append to a stream through one handle: their messages and answers share system calls, but a message that
-- fails is only its own append's failure.
local program = dofile "tests/spec/support/program.lua"
local nats = dofile "tests/nats/servers.lua"
local cjson = require "cjson"
local installed = dofile "tests/spec/support/installed.lua"

local host = [[
#include <debrief/log.h>
#include <debrief/nats.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 48

typedef struct writer {
  debrief_log *log;
  char id[32];
  int count, tries, stored, failed;
  size_t bytes;       /* of an entry, and more */
  debrief_error err;  /* of the last failure */
} writer;

static void *append(void *user) {
  writer *w = user;
  char *json = malloc(w->bytes + 100);
  for (int i = 0; i < w->count; i++) {
    int len = sprintf(json, "{\"skill\":\"n%d\",\"final_status\":\"ok\",\"x\":\"%0*d\"}", i,
                      (int)w->bytes, 0);
    bool ok = false;
    for (int k = 0; !ok && k < w->tries; k++) {
      ok = debrief_log_append_json(w->log, w->id, json, (size_t)len, &w->err);
      if (!ok) w->failed++;
    }
    if (ok) w->stored++;
  }
  free(json);
  return NULL;
}

static debrief_log *open_log(const char *url, int timeout_ms) {
  debrief_error err;
  debrief_log_config config = {.struct_size = sizeof config, .timeout_ms = (uint32_t)timeout_ms};
  debrief_log *log = debrief_log_open(url, &config, &err);
  if (!log) puts(err.message), exit(1);
  return log;
}

/* One thread for each; *stored and *failed count over all. */
static void run(debrief_log *log, writer *writers, int threads, int *stored, int *failed) {
  pthread_t ids[THREADS];
  *stored = *failed = 0;
  for (int i = 0; i < threads; i++) {
    writers[i].log = log;
    pthread_create(&ids[i], NULL, append, &writers[i]);
  }
  for (int i = 0; i < threads; i++) {
    pthread_join(ids[i], NULL);
    *stored += writers[i].stored;
    *failed += writers[i].failed;
  }
}

static void fill(writer *writers, int count, int tries, size_t bytes) {
  for (int i = 0; i < THREADS; i++) {
    writers[i] = (writer){.count = count, .tries = tries, .bytes = bytes};
    sprintf(writers[i].id, "w%d", i);
  }
}

/* Threads that come and go; a handle is closed as soon as the last one has returned. */
static void come_and_go(const char *url) {
  static const int threads[] = {2, 48, 1, 7, 48, 3};
  writer writers[THREADS];
  int all = 0, stored, failed;
  for (int handle = 0; handle < 4; handle++) {
    debrief_log *log = open_log(url, 0);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
      fill(writers, handle ? 2 : 10, 1, 100);
      run(log, writers, threads[i], &stored, &failed);
      all += stored;
      if (failed) puts("an append failed");
    }
    debrief_log_close(log);
  }
  printf("stored %d\n", all);
}

/* One writes to where it may not, another sends too much: `wrong` is its session. */
static void one_fails(const char *url, const char *wrong, size_t bytes) {
  writer writers[16];
  int stored, failed;
  debrief_log *log = open_log(url, 4000);
  for (int i = 0; i < 16; i++) {
    writers[i] = (writer){.count = 100, .tries = 1, .bytes = 100};
    sprintf(writers[i].id, "w%d", i);
  }
  writers[5].count = 1;
  writers[5].bytes = bytes;
  strcpy(writers[5].id, wrong);
  run(log, writers, 16, &stored, &failed);
  printf("stored %d, failed %d: %s\n", stored, failed, writers[5].err.message);
  for (int i = 0; i < 16; i++)
    if (i != 5 && writers[i].failed) puts(writers[i].err.message);
  debrief_log_close(log);
}

/* Appends of one thread until one fails. */
static void await_failure(debrief_log *log) {
  debrief_error err;
  for (int i = 0; i < 100000; i++)
    if (!debrief_log_append_json(log, "w0", "{\"skill\":\"n0\"}", 14, &err)) return;
}

/* A server that does not answer for a while. Signals take a moment to stop all its threads. */
static void too_late(const char *url, pid_t server) {
  writer writers[THREADS];
  int stored, failed;
  debrief_log *log = open_log(url, 700);
  fill(writers, 3, 60, 100);
  run(log, writers, THREADS, &stored, &failed);
  kill(server, SIGSTOP);
  await_failure(log);
  fill(writers, 1, 1, 100);
  run(log, writers, THREADS, &stored, &failed);
  printf("stored %d, failed %d: %s\n", stored, failed, writers[0].err.message);
  kill(server, SIGCONT);
  fill(writers, 3, 60, 100);
  run(log, writers, THREADS, &stored, &failed);
  printf("stored %d\n", stored);
  debrief_log_close(log);
}

static atomic_bool enough;

static void *append_until(void *user) {
  writer *w = user;
  while (!atomic_load(&enough)) append(w);
  return NULL;
}

/* A child that closes the handle, and another that does not, while threads append in the parent. */
static void fork_meanwhile(const char *url) {
  pthread_t ids[8];
  writer writers[8];
  int bad = 0;
  debrief_log *log = open_log(url, 0);
  for (int i = 0; i < 8; i++) {
    writers[i] = (writer){.log = log, .count = 1, .tries = 1, .bytes = 100};
    sprintf(writers[i].id, "w%d", i);
    pthread_create(&ids[i], NULL, append_until, &writers[i]);
  }
  for (int i = 0; i < 10; i++) {
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
      debrief_error err;
      bool ok = debrief_log_append_json(log, "w0", "{\"skill\":\"a\"}", 13, &err);
      if (i % 2) debrief_log_close(log);
      _exit(ok);
    }
    waitpid(child, &status, 0);
    bad += status != 0;
  }
  atomic_store(&enough, true);
  for (int i = 0; i < 8; i++) {
    pthread_join(ids[i], NULL);
    bad += writers[i].failed;
  }
  debrief_log_close(log);
  printf("bad %d\n", bad);
}

int main(int argc, char **argv) {
  debrief_error err;
  if (argc < 3 || !debrief_nats_enable(&err)) return 1;
  if (strcmp(argv[1], "come") == 0) come_and_go(argv[2]);
  if (strcmp(argv[1], "one") == 0) one_fails(argv[2], argv[3], (size_t)atoi(argv[4]));
  if (strcmp(argv[1], "late") == 0) too_late(argv[2], (pid_t)atoi(argv[3]));
  if (strcmp(argv[1], "fork") == 0) fork_meanwhile(argv[2]);
  return 0;
}
]]

describe("threads that append to a stream through one handle", function()
  local s, scene
  setup(function()
    if not nats.available() then return end
    s = nats.start()
    scene = program.scene()
    scene:write("host.c", host)
    local built = scene:sh(("gcc -Werror %s host.c -I%s/src/include -L%s -l:libdebrief-nats.so.0 "
      .. "-l:libdebrief-log.a -Wl,-rpath,%s -lm -pthread -rdynamic -o host"):format(installed.sanitizer, program.root,
      program.build, program.build))
    assert.same({ "", 0 }, { built.err, built.status })
  end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local function make(name) assert.equal(0, scene:run({ "init", s:url(name) }).status) end

  local function host_says(words)
    local r = scene:sh("exec timeout 120 ./host " .. words)
    assert.same({ "", 0 }, { r.err, r.status })
    return r.out
  end

  -- { session = { number, … } }: what is stored, in order.
  local function stored(name)
    local of = {}
    local lines = scene:run({ "-d", s:url(name), "read" }).out
    for session, n in lines:gmatch '"session_id":"(w%d+)"[^\n]-"skill":"n(%d+)"' do
      of[session] = of[session] or {}
      table.insert(of[session], tonumber(n))
    end
    return of
  end

  it("come and go, and have each entry stored once and in order", function()
    if not s then return pending(nats.MISSING) end
    make "come"
    assert.equal("stored 1744\n", host_says("come " .. s:url "come"))
    assert.equal(1744, s:stream("come").state.messages)
    for session, list in pairs(stored "come") do
      for i, n in ipairs(list) do assert(n == 0 or n == list[i - 1] + 1, session .. ": " .. table.concat(list, " ")) end
    end
  end)

  it("keep a message that the server refuses to the one that sent it", function()
    if not s then return pending(nats.MISSING) end
    make "size"
    local config = s:stream("size").config or s:request("$JS.API.STREAM.INFO.size").config
    config.max_msg_size = 2000
    assert.truthy(s:request("$JS.API.STREAM.UPDATE.size", cjson.encode(config)).config)
    local refusal = "cannot append to session w5 of " .. s:url "size" .. ": message size exceeds maximum allowed"
    assert.equal("stored 1500, failed 1: " .. refusal .. "\n", host_says("one " .. s:url "size" .. " w5 3000"))
    local alone = scene:run { "-d", s:url "size", "append", "w5", "skill=" .. ("x"):rep(3000) }
    assert.same({ "debrief: " .. refusal .. "; nothing was stored\n", 1 }, { alone.err, alone.status })
    assert.equal(1500, s:stream("size").state.messages)
  end)

  it("keep a message without an answer to the one that sent it", function()
    if not s then return pending(nats.MISSING) end
    local subjects = { "$JS.API.STREAM.INFO.log" }
    for i = 0, 15 do subjects[#subjects + 1] = "log.e.w" .. i end
    local guarded = nats.start { users = { { user = "ann", password = "a" },
      { user = "writer", password = "w", publish = subjects } } }
    assert.equal(0, scene:run({ "init", guarded:url("log", "ann:a") }).status)
    local out = host_says("one " .. guarded:url("log", "writer:w") .. " other 100")
    assert.equal("stored 1500, failed 1: cannot append to session other: the server does not permit it: "
      .. 'Permissions Violation for Publish to "log.e.other"\n', out)
    assert.equal(1500, guarded:stream("log").state.messages)
    guarded:close()
  end)

  it("give up in time when the server does not answer, and go on when it does", function()
    if not s then return pending(nats.MISSING) end
    make "late"
    local out = host_says(("late %s %d"):format(s:url "late", s.nodes[1].pid))
    assert.equal("stored 0, failed 48: cannot append to session w0 of " .. s:url "late"
      .. ": the servers did not answer in time; it may be stored all the same\nstored 144\n", out)
    assert(s:stream("late").state.messages >= 288)
  end)

  it("may be in a program that forks", function()
    if not s then return pending(nats.MISSING) end
    make "fork"
    assert.equal("bad 0\n", host_says("fork " .. s:url "fork"))
  end)
end)
