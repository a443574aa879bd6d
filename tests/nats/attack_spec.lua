-- Work between machines while somebody who may only speak and answer says what he likes, while machines lack what they
-- need, and while processes are stopped at any moment.
local team = dofile "tests/nats/team.lua"
local program = dofile "tests/spec/support/program.lua"
local start, signal, finish, ask, here = team.start, team.signal, team.finish, team.ask, team.here
local wait_for, worker, status_of = team.wait_for, team.worker, team.status_of

-- May publish below team.p and team.d, and no more: stranger.lua ADDRESS, and a function body in Lua.
local STRANGER = [[
local core = require "debrief.core"
local queue <close> = assert(core.queue(arg[1], {}))
local function sent() assert(queue:put("rest", "stranger", "", tostring(core.now()))) end
assert(load("local core, queue, sent = ...\n" .. arg[2]))(core, queue, sent)
sent()
]]

-- Results of a chunk with one retrospective, each with something wrong, and how they are packed.
local WRONG = [[
local job = %q
local function result(name, value)
  local r = { accs = { core.pack { n = 1, names = {} } }, errors = { 0 }, late = { false }, seen = {}, diagnostics = {},
    failures = {}, problems = {}, entries = 1, kept = 1, dropped = 0, untimed = 0 }
  if name then r[name] = value end
  return "R" .. core.pack(r)
end
local deep = {}
for _ = 1, 190 do deep = { deep } end
local wrong = { "", "X", "R", "R" .. core.pack { n = 1 }, result("accs", {}), result("accs", { 7 }),
  result("errors", { "0" }), result("problems", { { plugin = {}, hook = deep, message = 1, count = 2^53 } }),
  result("names", { asked = true, fields = deep }), result("diagnostics", { { path = deep } }) }
wrong[3] = "R{" .. ("\255"):rep(8) .. ("{" .. ("\1"):rep(8)):rep(10000)
for n, text in ipairs(wrong) do assert(queue:put("rest", job .. ".out." .. n .. ".ab-1.1.1", text, job .. n)) end
]]

-- Answers that are not: of other chunks, and of pieces that do not come.
local STRAY = [[
local job = %q
for i, key in ipairs { "999.ab-1.1.1", "0.ab-1.1.1", "1.ab-1.1.2147483648", "1.ab-1.2147483648.2147483648",
  "1.ab-1.0.0", "1.ab-1.-1.1", "1.ab-1.1.-1", "1.ab-2.1.2", "1.ab-2.2.3", "1.ab-2.2.99999999999999999999", "1.ab.1.1",
  "1.xyz-1.1.1", "1.ab-3.1.1.1", "1.ab-3.1", "x.ab-1.1.1" } do
  assert(queue:put("rest", job .. ".out." .. key, "Rubbish", job .. i))
end
for i = 1, 3000 do assert(queue:put("rest", ("%%s.out.1.ab-%%d.1.2"):format(job, i), "R", job .. "x" .. i)) end
]]

-- What is heard and waits has a limit in bytes, too.
local MEMORY = [[
local core = require "debrief.core"
local function resident()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s+(%d+)"
    if kib then return kib // 1024 end
  end
end
local queue <close> = assert(core.queue(arg[1], {}))
local other <close> = assert(core.queue(arg[1], {}))
assert(queue:make())
assert(queue:listen "job")
local before, text = resident(), ("x"):rep(1000000)
for i = 1, 400 do
  assert(other:say("job", text))
  if i % 20 == 0 then other:next("none", 1) end
end
queue:next("none", 1)
print(resident() - before)
local count = 0
while queue:hear(100) do count = count + 1 end
print(count)
]]

describe("work under attack", function()
  local scene, server, url, dawdled

  setup(function()
    team.setup { config = 'no_auth_user: "admin"', users = { { user = "admin", password = "a" },
      { user = "stranger", password = "s", publish = { "team.p.>", "team.d.>" },
        subscribe = { "_INBOX.>", "team.p.>" } } } }
    scene, server, url = team.scene, team.server, team.url
    if not scene then return end
    scene:write("stranger.lua", STRANGER)
    scene:write("memory.lua", MEMORY)
    dawdled = here "retro ./dawdle.lua"
    assert.equal(0, scene:sh(('"$DEBRIEF" run stranger.lua %s "assert(queue:make())"'):format(url)).status)
  end)
  after_each(team.end_processes)
  teardown(team.teardown)

  local function test(name, f)
    it(name, function()
      if not scene then return pending(team.nats.MISSING) end
      f()
    end)
  end

  local function same(words, small)
    local a, b = ask(words, small, "ALONE=60000"), here(words)
    assert.same({ b.out, b.err, b.status }, { a.out, a.err, a.status })
  end

  local function stranger(text)
    scene:write("words.lua", text)
    local r = scene:sh(('"$DEBRIEF" run stranger.lua %s "$(cat words.lua)"'):format(server:url("team", "stranger:s")))
    assert.same({ "", 0 }, { r.err, r.status })
    return r.out
  end

  -- Says it again and again, as fast as the server takes it.
  local function flood(key, text)
    scene:write("flood.lua", ("local n = 0\nwhile true do\nfor _ = 1, 200 do\nn = n + 1\nlocal text = %s\n"
      .. "queue:say(%q, text)\nend\nsent()\nend"):format(text, key))
    start("flood", ('"$DEBRIEF" run stranger.lua %s "$(cat flood.lua)"'):format(server:url("team", "stranger:s")))
  end

  local function end_of(name)
    local status = status_of(name)
    return { scene:read(name .. ".out"), scene:read(name .. ".err"), status }
  end

  local function dawdle(name, settings)
    local line = 'ALONE=60000 %s "$DEBRIEF" run ask.lua -d %s retro ./dawdle.lua --on workers'
    start(name, line:format(settings or "", url))
  end

  test("announcements of jobs that there are not, by the thousand", function()
    flood("job", [=[('{"job":"%08x%08x","pieces":%d,"wire":1,"version":"%s"}'):format(n, math.random(0, 0xffffffff),
      ({ 1 << 40, -1, 0, 3 })[n % 4 + 1], core.version)]=])
    worker("w", "-j2")
    same "retro skills"
    same("retro skills,trend", 1 << 20)
    assert.truthy(scene:read "w.err":find "^debrief: waits for work[^\n]+\n$", scene:read "w.err")
  end)

  test("a job that is announced as what it is not", function()
    local asking, job = team.ask_in_background("asking", "ALONE=5000")
    signal(asking, "STOP")
    local refused = worker "w"
    for _, text in ipairs { "{}", '"pieces":1', '"pieces":"x","wire":1,"version":"@"',
      '"pieces":-1,"wire":1,"version":"@"',
      '"pieces":9223372036854775807,"wire":1,"version":"@"', '"pieces":1,"wire":"1","version":"@"',
      '"wire":{},"version":[]', '"wire":1e300,"version":"@"', '"wire":2.5,"version":"@"', '"wire":null' } do
      stranger(([[queue:say("job", ('{"job":"%s",%s}'):gsub("@", core.version))]]):format(job, text))
    end
    for _, text in ipairs { "", "nonsense", "[]", "null", "7", "{}", '{"job":7}', '{"job":"*"}', '{"job":[]}' } do
      stranger(('queue:say("job", %q) queue:say("over", %q) queue:say("status", %q)'):format(text, text, text))
    end
    wait_for("the refusal", function() return scene:read "w.err":find "is damaged" end)
    signal(asking, "CONT")
    assert.equal(0, status_of "asking")
    assert.equal(dawdled.out, scene:read "asking.out")
    finish(refused)
  end)

  test("a running job that is said to be over, again and again", function()
    dawdle "asking"
    wait_for("the job", function() return team.queue() > 3 end)
    flood("over", ("%q"):format(team.job_name()))
    worker "w"
    assert.same({ dawdled.out, "", 0 }, end_of "asking")
  end)

  test("answers of workers that there are not, of a megabyte each", function()
    dawdle "asking"
    wait_for("the job", function() return team.queue() > 3 end)
    local to = "to." .. team.job_name()
    worker "w"
    stranger(([[for i = 1, 200 do
      queue:say(%q, ('{"worker":"%%x","host":"h","trouble":"%%d"}'):format(i, i))
      queue:say(%q, ('{"worker":"%%x","host":%%d,"refusal":{}}'):format(i, i))
      queue:say(%q, '{"worker":{},"host":"h"}')
    end]]):format(to, to, to))
    flood(to, [=[('{"worker":"%x","host":"h","trouble":"%s"}'):format(n, ("x"):rep(n % 100 == 0 and 1000000 or 10))]=])
    local r = end_of "asking"
    assert.same({ dawdled.out, 0 }, { r[1], r[3] })
    assert.equal(20, select(2, r[2]:gsub("\n", "")), r[2])
    assert.truthy(r[2]:find "^debrief: h: 1\n", r[2])
  end)

  test("answers to chunks that there are not, and in pieces that do not come", function()
    dawdle "asking"
    wait_for("the job", function() return team.queue() > 3 end)
    local job = team.job_name()
    stranger(STRAY:format(job))
    worker "w"
    assert.same({ dawdled.out, "", 0 }, end_of "asking")
    assert.equal(0, team.rest_of(job))
  end)

  test("answers of the wrong shape", function()
    dawdle "asking"
    wait_for("all chunks", function() return team.queue() > 9 end)
    stranger(WRONG:format(team.job_name()))
    worker "w"
    local r = end_of "asking"
    assert.equal(3, r[3], r[2])
    local times = "in the end with: the answer of a worker is damaged"
    assert.equal(4, select(2, r[2]:gsub(times, "")), r[2])
    assert.equal(2, select(2, r[2]:gsub(times .. " %(4 times, the first at the end%)", "")), r[2])
    assert.falsy(r[2]:find "bug in debrief", r[2])
  end)

  test("more megabytes than may wait", function()
    local r = scene:sh(('timeout 60 "$DEBRIEF" run memory.lua %s'):format(url))
    local grown, count = r.out:match "^(%d+)\n(%d+)\n$"
    assert.truthy(grown, r.out .. r.err)
    assert.truthy(tonumber(grown) < 200 or program.sanitized, grown) -- a sanitizer keeps what was freed
    assert.truthy(tonumber(count) > 20 and tonumber(count) < 100, count)
  end)

  test("a status that nonsense answers, without an end", function()
    scene:write("peer.lua", [[
      assert(queue:listen "status")
      io.open("listening", "w"):close()
      local to = "to." .. queue:hear(60000)
      queue:say(to, '{"worker":"ab","host":"\\u001b[31mh","version":{},"slots":"x","busy":1.5,"done":[],"job":{},'
        .. '"bytes_minute":1e300,"chunks_minute":null}')
      for n = 1, math.huge do
        queue:say(to, ('{"worker":"%x","host":"h","job":{"x":1}}'):format(n))
        queue:say(to, '{"worker":"no name","host":"unnamed"}')
        queue:say("job", '{"job":{}}')
        if n % 100 == 0 then sent() end
      end]])
    start("peer", ('"$DEBRIEF" run stranger.lua %s "$(cat peer.lua)"'):format(server:url("team", "stranger:s")))
    wait_for("the peer", function() return io.open(scene:path "listening") end)
    local r = scene:sh(('timeout 60 "$DEBRIEF" work %s --status'):format(url))
    assert.equal(0, r.status, r.err)
    assert.truthy(r.out:find "nothing on the queue\n$", r.out)
    assert.truthy(r.out:find "%[31mh +ab +%? +%? of %? +%? +%? +%? +0 B/s\n", r.out:sub(1, 2000))
    assert.falsy(r.out:find "\27" or r.out:find "unnamed")
  end)

  test("two jobs at once, three workers", function()
    for i = 1, 3 do worker("w" .. i, "-j2") end
    dawdle "one"
    dawdle("two", "SMALL=0")
    for _, name in ipairs { "one", "two" } do assert.same({ dawdled.out, "", 0 }, end_of(name)) end
  end)

  -- The command runs with a small file system of its own as $TMPDIR.
  local function with_small(options, command)
    scene:sh "mkdir -p small"
    local line = [[unshare -m sh -c 'mount -t tmpfs -o %s none small && TMPDIR=$PWD/small exec %s']]
    return line:format(options, command)
  end

  local can_mount = os.execute "unshare -m true 2>/dev/null" == true

  test("a worker whose disk is full", function()
    if not can_mount then return pending "needs to make mount namespaces" end
    start("full", with_small("size=8k", ('"$DEBRIEF" work -j1 %s'):format(url)))
    wait_for("the worker", function() return (scene:read "full.err" or ""):find "waits for work" end)
    for _, small in ipairs { 0, 1 << 20 } do
      local r = ask("retro skills", small)
      assert.equal(1, r.status)
      assert.truthy(r.err:find "^debrief: no worker takes this job: [^:]+: cannot [^\n]+%$TMPDIR[^\n]+\n$", r.err)
    end
    local healthy = worker "w"
    same "retro skills"
    local r = ask("retro ./dawdle.lua", 1 << 20, "ALONE=60000")
    assert.same({ dawdled.out, "", 0 }, { r.out, r.err, r.status })
    finish(healthy)
    assert.equal(0, scene:sh('nsenter -t $(cat full.pid) -m mount -o remount,size=1m "$PWD/small"').status)
    same "retro skills"
    same("retro skills", 1 << 20)
  end)

  test("a worker that may not write to its disk", function()
    if not can_mount then return pending "needs to make mount namespaces" end
    local r = scene:sh(with_small("ro,size=64k", ('timeout 60 "$DEBRIEF" work -j1 %s'):format(url)))
    assert.equal(1, r.status)
    assert.truthy(r.err:find "^debrief: cannot [^\n]+small[^\n]+Read%-only file system[^\n]*\n$", r.err)
  end)

  -- Where the process is when Ctrl-C comes, and whether a worker is needed to get there.
  for what, hold in pairs { ["before anything is on the queue"] = "debrief.work.wire.zone.1",
    ["before its text is"] = "debrief.work.wire.limits.1", ["while chunks are put there"] = "debrief.work.wire.head.4",
    ["while it merges"] = "debrief.retro.total.add.2" } do
    test("Ctrl-C " .. what, function()
      team.clear()
      os.remove(scene:path "held")
      local pid
      if hold:find "total" then pid = worker "w" end
      dawdle("asking", "HOLD=" .. hold)
      wait_for("the moment", function() return io.open(scene:path "held") end)
      if pid then finish(pid) end
      signal(tonumber(scene:read "asking.pid"), "INT")
      assert.equal(130, status_of "asking", scene:read "asking.err")
      assert.equal(0, select(3, team.queue()))
      assert.equal(0, team.chunks())
      assert.equal(0, server:stream "team-done".state.messages)
    end)
  end
end)
