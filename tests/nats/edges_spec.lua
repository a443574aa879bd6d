-- A log at an address, where something odd happens: streams that are made again, folders that are left, odd places.
local program = dofile "tests/spec/support/program.lua"
local nats = dofile "tests/nats/servers.lua"

describe("a log at an address, at its edges:", function()
  local scene, s, url, name
  setup(function() if nats.available() then s = nats.start() end end)
  before_each(function() scene = program.scene() end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local made = 0

  local function here(what, body)
    it(what, function()
      if not s then return pending(nats.MISSING) end
      made = made + 1
      name = "log" .. made
      url = s:url(name)
      assert.equal(0, scene:run({ "init", url }).status)
      body()
    end)
  end

  local function run(words) return nats.run(scene, url, words) end

  local function must(words)
    local r = run(words)
    assert.same({ 0, "" }, { r.status, r.err })
    return r.out
  end

  -- What a program that is not debrief says to the server; ends when that has answered `until_what`.
  local function speak(text, until_what)
    scene:write("said", ('CONNECT {"verbose":false}\r\n%s'):format(text))
    local host, port = s:host(1):match "^(.*):(%d+)$"
    local r = scene:sh(("exec bash -c 'exec 3<>/dev/tcp/%s/%s && cat said >&3 && grep -m1 %s <&3'"):format(host, port,
      until_what))
    assert.equal(0, r.status, r.err)
  end

  local function publish(subject, text)
    speak(("PUB %s.e.%s %d\r\n%s\r\nPING\r\n"):format(name, subject, #text, text), "PONG")
  end

  local function delete()
    speak(("SUB inbox 1\r\nPUB $JS.API.STREAM.DELETE.%s inbox 0\r\n\r\n"):format(name), '"success"')
  end

  here("reads up to where it ended when the reading began", function()
    local lines = {}
    for i = 1, 60 do lines[i] = ('{"session_id":"s%d","skill":"a"}'):format(i) end
    scene:write("in.jsonl", table.concat(lines, "\n") .. "\n")
    must { "append", "-", "in.jsonl" }
    for _, words in ipairs { { "read" }, { "read", "--fields", "skill", "--no-pager" }, { "check" },
      { "read", "--where", "skill == 'a'" } } do
      local before = s:get(1, "/jsz").api.total
      must(words)
      assert.truthy(s:get(1, "/jsz").api.total - before < 10, table.concat(words, " "))
    end
  end)

  here("a place names its line, the number of a message all of its lines", function()
    publish("s1", '{"skill":"a"}\n{"skill":"b"}\n\n{"skill":"c"}\n')
    publish("s1", '{"skill":"d"}\nodd\n')
    local function skills(place)
      local r = run { "read", place, "--fields", "skill" }
      return (r.out:gsub("\n", " ")) .. r.err
    end
    assert.equal("b ", skills "s1:2@1")
    assert.equal("b ", skills(name .. "/s1:2@1"))
    assert.equal("a b c ", skills "s1@1")
    assert.equal("a b c ", skills "s1:5@1") -- a line number of another day
    assert.equal("b ", skills(name .. "/s1:2"))
    local place = run({ "read" }).err:match "^%S+"
    assert.equal(name .. "/s1:6@2", place)
    assert.truthy(skills(place):find(place .. " bad_json", 1, true))
    assert.equal("debrief: there is no message 3 of session 's1' in " .. url .. "\n", skills "s1@3")
    assert.truthy(skills("s2@1"):find("no session 's2'", 1, true))
  end)

  here("messages of no session are not the problem of those that are named", function()
    publish("s1", '{"skill":"a"}\n')
    publish("%2E%2E", "x")
    assert.equal(3, run({ "read" }).status)
    assert.equal('{"skill":"a"}\n', must { "read", "s1" })
    must { "check", "s1" }
  end)

  here("a stream that is made again is followed from its beginning", function()
    publish("s1", '{"skill":"old1"}\n{"skill":"old2"}\n')
    publish("s1", '{"skill":"old3"}\n')
    scene:sh(('"$DEBRIEF" -d %s read --follow --from start --fields skill >out 2>err & echo $! >pid'):format(url))
    local function lines() return select(2, (scene:read "out" or ""):gsub("\n", "\n")) end
    nats.wait_for("the first stream", function() return lines() == 3 end)
    delete()
    assert.equal(0, scene:run({ "init", url }).status)
    publish("s1", '{"skill":"new1"}\n')
    publish("s2", '{"skill":"new2"}\n')
    nats.wait_for("the second stream", function() return lines() >= 5 end)
    scene:sh "kill $(cat pid)"
    assert.equal("old1\nold2\nold3\nnew1\nnew2\n", scene:read "out")
    assert.equal("", scene:read "err")
  end)

  here("folders that were left are removed, and nothing else", function()
    publish("s1", '{"skill":"a"}\n')
    scene:sh [[
      mkdir tmp tmp/debrief-log-Abc123 tmp/debrief-log-Abc124 tmp/debrief-log-Abc125 tmp/debrief-new-Abc123 &&
      mkdir tmp/debrief-log-Abc126 tmp/debrief-log-mine-too &&
      touch tmp/debrief-log-Abc123/.lock tmp/debrief-log-Abc123/s1.jsonl tmp/debrief-new-Abc123/.lock &&
      touch tmp/debrief-log-mine-too/.lock tmp/debrief-log-Abc126/mine.jsonl &&
      touch -d '2 minutes ago' tmp/debrief-log-Abc124 tmp/debrief-log-Abc126 tmp/debrief-new-Abc123
    ]]
    assert.equal(0, scene:sh(('TMPDIR=$PWD/tmp "$DEBRIEF" -d %s read'):format(url)).status)
    assert.equal("debrief-log-Abc125\ndebrief-log-Abc126\ndebrief-log-mine-too\n", scene:sh("ls tmp").out)
  end)

  here("no part of a password is shown, whatever is in it", function()
    for _, address in ipairs { "nats://bobby:s3c/ret@127.0.0.1:1", "nats://bobby:s3c/r@t@127.0.0.1:1/x",
      "nats://bobby:s3c@ret@127.0.0.1:1/x", "nats://bobby:s3c@127.0.0.1:1/ret@x", "nats://bobby:s3c:ret@/x" } do
      local r = scene:run { "-d", address, "--timeout", "10ms", "read" }
      assert.truthy(r.status == 1 or r.status == 2, address)
      assert.falsy(r.err:find "bobby" or r.err:find "s3c" or r.err:find "ret", r.err)
    end
  end)

  here("a folder that takes no more is named, with the reason", function()
    publish("s1", ('{"skill":"%s"}\n'):format(("x"):rep(900000)))
    for _, words in ipairs { "read", "read --follow" } do
      local limit = 'ulimit -f 100; trap "" XFSZ; mkdir -p tmp; TMPDIR=$PWD/tmp '
      local r = scene:sh(limit .. ('"$DEBRIEF" -d %s %s'):format(url, words))
      assert.equal(1, r.status)
      assert.truthy(r.err:find "cannot write .*to %S*/tmp/debrief%-log%-%w+ .*: File too large", r.err)
    end
    assert.equal("", scene:sh("ls -A tmp").out)
  end)

  here("a server that is not there is a failure of every command, not a mistake in it", function()
    url = "nats://127.0.0.1:1/x"
    for _, words in ipairs { "read", "read --follow", "retro skills", "table --by skill", "fields", "export samples",
      "sessions", "check" } do
      local r = scene:sh(('"$DEBRIEF" -d %s --timeout 10ms %s'):format(url, words))
      local message = "debrief: cannot connect to " .. url .. ": no server answers there\n"
      assert.same({ 1, message }, { r.status, r.err }, words)
    end
  end)

  it("a job that no program of ours has made is refused, and ends no worker", function()
    scene:write("jobs.lua", [[
      local wire, refusal = require "debrief.work.wire", require "debrief.work.refusal"
      local core = require "debrief.core"
      local function job(change)
        local zone, zone_name = wire.zone()
        local plugin = { name = "a", path = "a.lua", text = "x", hash = core.hash "x" }
        local given = { job = { plugins = { plugin } }, dir = "/x", zone = zone, zone_name = zone_name,
          limits = { time = 500, memory = 1 << 20 }, patience = 4000 }
        change(given, plugin)
        return refusal.of_job(given, {}, { time = 1000, memory = 256 << 20 })
      end
      print((job(function() end)))
      for _, number in ipairs { -1, math.mininteger, 1.5, "1" } do
        print(job(function(given) given.limits.time = number end))
        print(job(function(given) given.limits.memory = number end))
        print(job(function(given) given.patience = number end))
      end
      print(job(function(given) given.limits.time = 1 << 40 end))
      print(job(function(given) given.zone_name = {} end))
      print(job(function(_, plugin) plugin.path = nil end))
      print(refusal.of_job(5, {}, {}))
    ]])
    local r = scene:run { "run", "jobs.lua" }
    assert.same({ 0, "", "nil\n" .. ("the job is damaged\n"):rep(16) }, { r.status, r.err, r.out })
  end)

  -- Passes on what the server says, 1.3 megabytes a second.
  local SLOW = [[
import socket, sys, threading, time
def pass_on(a, b, pause):
    while True:
        data = a.recv(20000)
        if not data: break
        b.sendall(data)
        time.sleep(pause)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client, _ = listener.accept()
host, port = sys.argv[1].rsplit(":", 1)
server = socket.create_connection((host, int(port)))
threading.Thread(target=pass_on, args=(client, server, 0), daemon=True).start()
pass_on(server, client, 0.015)
]]

  here("what comes slowly, but comes, is waited for longer than the timeout", function()
    scene:write("fill.lua", [[
      local log = assert(debrief.open(arg[1]))
      for _ = 1, 60 do assert(log:append("s1", { skill = "a", message = ("x"):rep(80000) })) end
    ]])
    assert.equal(0, scene:run({ "run", "fill.lua", url }).status)
    scene:write("slow.py", SLOW)
    scene:sh(("python3 slow.py %s >port 2>/dev/null & echo $! >pid"):format(s:host(1)))
    nats.wait_for("the port", function() return (scene:read "port" or ""):find "\n" end)
    local slow = url:gsub(s:host(1):gsub("%p", "%%%0"), "127.0.0.1:" .. scene:read "port":match "%d+")
    local r = scene:run { "-d", slow, "--timeout", "2s", "read", "--where", 'skill == "a"', "--fields", "skill" }
    scene:sh "kill $(cat pid)"
    assert.same({ 0, "", ("a\n"):rep(60) }, { r.status, r.err, r.out })
  end)

  here("Ctrl-C ends what waits for a server", function()
    publish("s1", '{"skill":"a"}\n')
    scene:write("wait.lua", [[
      local core = require "debrief.core"
      local log = assert(debrief.open(arg[1]))
      assert(log:sessions())
      io.open("ready" .. arg[2], "w"):close()
      while not io.open "paused" do end
      print(core.guard(tostring, function()
        io.open("waiting" .. arg[2], "w"):close()
        if arg[2] == "append" then return log:append("s1", { skill = "a" }) end
        for _ in log:entries() do end
      end))
    ]])
    local words = { "read", "append" }
    local function all(file)
      for _, what in ipairs(words) do
        nats.wait_for(file .. " of " .. what, function() return scene:read(file .. what) end)
      end
    end
    for _, what in ipairs(words) do -- a shell starts what stands before & with SIGINT ignored: env takes that back
      local command = ('exec env --default-signal=INT "$DEBRIEF" run wait.lua %s WHAT >WHAT 2>&1 & echo $! >pidWHAT')
        :format(url):gsub("WHAT", what)
      scene:sh(command)
    end
    all "ready"
    s:pause(1)
    scene:write("paused", "")
    all "waiting"
    local begun = os.time()
    scene:sh "kill -INT $(cat pidread pidappend)"
    scene:sh "while kill -0 $(cat pidread) || kill -0 $(cat pidappend); do sleep 0.02; done 2>/dev/null"
    s:resume(1)
    assert.truthy(os.time() - begun < 15) -- and not 30 s
    assert.truthy(scene:read "read":find "^false\tinterrupted", scene:read "read")
    assert.truthy(scene:read "append":find "it may be stored all the same", scene:read "append")
  end)
end)
