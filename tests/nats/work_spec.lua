-- debrief work, and --on workers: one retrospective on several processes, through a queue of NATS.
local team = dofile "tests/nats/team.lua"
local program = dofile "tests/spec/support/program.lua"
local nats, start, signal, finish, ask, here = team.nats, team.start, team.signal, team.finish, team.ask, team.here
local queue, rest_of, job_name, wait_for = team.queue, team.rest_of, team.job_name, team.wait_for
local worker, status_of, forget_consumer = team.worker, team.status_of, team.forget_consumer
local ask_in_background, chunks = team.ask_in_background, team.chunks

-- Its acc has options.kib KiB from the first entry on.
local BIG = [[return { name = "big", api = 1, summary = "Big", split = true,
  options = { kib = { type = "integer", default = 1 } }, retrospective = {
  init = function() return { n = 0, text = "" } end,
  step = function(acc, entry, ctx)
    if acc.n == 0 then acc.text = ("0123456789abcdef"):rep(ctx.options.kib * 64) end
    acc.n = acc.n + 1
  end,
  merge = function(acc, other)
    if acc.n > 0 and other.n > 0 and acc.text ~= other.text then error "another text" end
    acc.n, acc.text = acc.n + other.n, #acc.text > 0 and acc.text or other.text
  end,
  finish = function(acc) return { title = "Big", text = acc.n .. " " .. #acc.text } end } }]]

-- A worker whose copy of the log is another: other.lua ADDRESS FOLDER.
local OTHER = [[
local queue = assert(require "debrief.core".queue(arg[1], {}))
local worker = assert(require "debrief.work.serve".new { queue = queue, slots = 1, allow = {}, note = function() end,
  folder = function() return arg[2] end })
print "ready"
io.stdout:flush()
while true do worker:step() end
]]

describe("work", function()
  local scene, server, url
  local whole -- of dawdle, here

  setup(function()
    team.setup()
    scene, server, url = team.scene, team.server, team.url
    if not scene then return end
    scene:write("big.lua", BIG)
  end)
  after_each(team.end_processes)
  teardown(team.teardown)

  local function test(name, f)
    it(name, function()
      if not nats.available() then return pending(nats.MISSING) end
      f()
    end)
  end

  local function same(words)
    local a, b = ask(words), here(words)
    assert.same({ b.out, b.err, b.status }, { a.out, a.err, a.status })
    return a
  end

  test("prints the bytes of a local run, whatever is asked", function()
    worker("w", "-j2")
    local r = same "retro skills,attempts,failures,trend --format json"
    assert.truthy(#r.out > 3000, r.out)
    same "retro timeline,stuck,models,lessons --csv --skill review,debug --last 60"
    same "table --by skill,model --show 'runs,median(duration_ms)' --where 'duration_ms > 20000' --fail-if 'runs > 1'"
    scene:write("enrich.lua", [[return { name = "enrich", api = 1, summary = "E",
      enrich = function(entry) if entry.skill == "plan" then error "no plan" end entry.skill = "x" .. entry.skill end,
      filter = function(entry) return entry.duration_ms > 5000 end }]])
    local failed = same "retro skills s2 s4 --enrich ./enrich.lua --filter ./enrich.lua --json"
    assert.equal(3, failed.status, failed.err)
    same "retro ./dawdle.lua s1 's[23]'"
    local a, b = ask "report --since 2026-11-01 -o a.html", here "report --since 2026-11-01 -o b.html"
    assert.same({ b.err, b.status }, { a.err, a.status })
    local page = scene:read "a.html":match "<nav.*"
    assert.truthy(#page > 5000)
    assert.is_true(page == scene:read "b.html":match "<nav.*")
    local _, _, jobs = queue()
    assert.equal(0, jobs)
  end)

  test("carries results larger than a message", function()
    worker("w", "-j2")
    same "retro ./big.lua --opt kib=1500"
  end)

  test("goes on without a worker that was killed", function()
    whole = whole or here "retro ./dawdle.lua"
    local first = worker "first"
    start("asking", ('"$DEBRIEF" run ask.lua -d %s retro ./dawdle.lua --on workers'):format(url))
    wait_for("a chunk under way", function() return scene:read "first.err":find "dawdles" end)
    finish(first)
    worker "second"
    assert.equal(0, status_of "asking", scene:read "asking.err")
    assert.same({ whole.out, "" }, { scene:read "asking.out", scene:read "asking.err" })
  end)

  test("takes the first answer of two, when a worker that was stopped goes on", function()
    whole = whole or here "retro ./dawdle.lua"
    local first = worker "first"
    start("asking", ('"$DEBRIEF" run ask.lua -d %s retro ./dawdle.lua --on workers'):format(url))
    wait_for("a chunk under way", function() return scene:read "first.err":find "dawdles" end)
    signal(first, "STOP")
    local second = worker "second"
    wait_for("most of the chunks", function()
      local waiting, under_way = queue()
      return waiting + under_way <= 6
    end)
    signal(first, "CONT")
    assert.equal(0, status_of "asking", scene:read "asking.err")
    assert.same({ whole.out, "" }, { scene:read "asking.out", scene:read "asking.err" })
    finish(second)
    same "retro skills" -- by the one that was stopped
  end)

  test("reports a chunk that failed three times, and marks the report", function()
    scene:sh "cp -r sessions short && head -c 100 sessions/s2.jsonl > short/s2.jsonl"
    scene:write("other.lua", OTHER)
    start("other", ('"$DEBRIEF" run other.lua %s short'):format(url))
    wait_for("the worker", function() return scene:read "other.out" == "ready\n" end)
    local r = ask("retro skills --json", 1 << 20)
    assert.equal(3, r.status, r.err)
    assert.truthy(r.err:find("debrief: plugin 'skills', step: 2 sessions, s1 to s2, could not be looked at: workers "
      .. "failed three times, in the end with: session s2 has 100 bytes here, and %d+ where the question was asked: is "
      .. "it the same log%? %([^)]+%)\n$"), r.err)
    assert.truthy(r.out:find('"lost":2', 1, true), r.out)
    assert.same({ 0, 0, 0 }, { queue() })
    r = ask("retro skills", 1 << 20)
    assert.truthy(r.out:find("Incomplete: no worker could read 2 sessions, which are not in these", 1, true), r.out)
  end)

  test("needs rights that the worker's user allows, for a plugin that is installed there", function()
    local first = worker "w"
    local words = "retro skills --enrich git --allow git:process"
    local r = ask(words)
    assert.same({ "", 1 }, { r.out, r.status })
    assert.truthy(r.err:find("no worker takes this job: [^:]+: plugin 'git' needs the right process, which this "
      .. "worker's user has not allowed %(`debrief work %-%-allow git:process`%)"), r.err)
    finish(first)
    worker("w", "-j2 --allow git:process")
    same(words)
    scene:write("plugins/git.lua", (program.read "plugins/git.lua":gsub("\n", "\n\n", 1)))
    r = scene:sh(('DEBRIEF_PLUGIN_PATH=$PWD/plugins "$DEBRIEF" run ask.lua -d %s %s --on workers'):format(url, words))
    assert.truthy(r.err:find("is not the one that is installed here", 1, true), r.err)
  end)

  test("refuses a job of another version, and says what to install where", function()
    worker "w"
    local function refused(set, message)
      local r = scene:sh(set .. (' timeout 60 "$DEBRIEF" run ask.lua -d %s retro skills --on workers'):format(url))
      assert.same({ "", 1 }, { r.out, r.status })
      assert.truthy(r.err:find("^debrief: no worker takes this job: [^:\n]+: " .. message .. "\n$"), r.err)
    end
    local builds = "this worker and the job are debrief [%d.]+, but of different builds %(jobs of format 1 here, "
    refused("FORMAT=2", builds .. "2 there%): install the newer build where this worker runs")
    refused("FORMAT=0", builds .. "0 there%): install the newer build where the question was asked")
    refused("VERSION=9.9", "this worker is debrief [%d.]+, the job is of debrief 9%.9: install the same version on "
      .. "both")
    refused("VERSION='no version'", "the announcement of the job is damaged")
    assert.equal(0, ask "retro skills".status)
  end)

  test("takes its chunks off the queue when it is interrupted", function()
    local asking = start("asking", ('"$DEBRIEF" run ask.lua -d %s retro ./dawdle.lua --on workers'):format(url))
    wait_for("chunks on the queue", function() return queue() > 3 end)
    wait_for("the note", function() return (scene:read "asking.err" or ""):find "no worker answers" end)
    local r = scene:sh(('"$DEBRIEF" work %s --status'):format(url))
    assert.truthy(r.out:find "^no workers\n\njob +chunks waiting", r.out)
    assert.truthy(r.out:find "waited for\n$", r.out)
    local job = job_name()
    assert.truthy(rest_of(job) > 0)
    signal(asking, "INT")
    assert.equal(130, status_of "asking")
    assert.same({ 0, 0, 0 }, { queue() })
    assert.truthy(scene:read "asking.err":find("interrupted: there is no report\n$"), scene:read "asking.err")
    assert.equal(0, rest_of(job))
  end)

  local OFF = "took 1 job off the queue that nobody had waited for in an hour"

  test("shows a job whose process was killed, and takes it off the queue after an hour", function()
    local killed, job = ask_in_background "killed"
    finish(killed)
    local r = scene:sh(('"$DEBRIEF" work %s --status'):format(url))
    assert.truthy(r.out:find "abandoned\n$", r.out)
    local asking = ask_in_background("recent", "LISTEN=2")
    local other = ask_in_background("used", "ABANDONED=0 LISTEN=2")
    forget_consumer(job)
    ask_in_background("first", "ABANDONED=0 LISTEN=2")
    wait_for("the job to be taken off", function() return scene:read "first.err":find(OFF, 1, true) end)
    assert.equal(0, rest_of(job))
    for _, name in ipairs { "recent", "used" } do assert.falsy(scene:read(name .. ".err"):find(OFF, 1, true)) end
    finish(asking)
    finish(other)
    worker("w", "-j2")
    assert.equal(0, status_of "first", scene:read "first.err")
    team.clear()
  end)

  test("never takes a job off the queue that a process waits for", function()
    local _, job = ask_in_background("slow", "REMIND=8")
    forget_consumer(job) -- and the reminder makes it again, after the other one has decided
    local asking = ask_in_background("other", "ABANDONED=0 LISTEN=3")
    wait_for("the consumer", function()
      for _, name in ipairs(server:request "$JS.API.CONSUMER.NAMES.team-work".consumers) do
        if name == job then return true end
      end
    end)
    assert.truthy(rest_of(job) > 0)
    signal(asking, "INT")
    assert.equal(130, status_of "other")
    assert.falsy(scene:read "other.err":find(OFF, 1, true))
    worker("w", "-j2")
    assert.equal(0, status_of "slow", scene:read "slow.err")
    assert.equal(0, chunks())
  end)

  test("says that its job is gone, when it goes on after an hour", function()
    local stopped, job = ask_in_background("stopped", "REMIND=1")
    signal(stopped, "STOP")
    forget_consumer(job)
    local asking = ask_in_background("other", "ABANDONED=0 LISTEN=2")
    wait_for("the job to be taken off", function() return scene:read "other.err":find(OFF, 1, true) end)
    signal(stopped, "CONT")
    assert.equal(1, status_of "stopped")
    assert.truthy(scene:read "stopped.err":find("the job is not on the queue any more: it was there for a day, or this "
      .. "process did not run for an hour; ask again", 1, true), scene:read "stopped.err")
    signal(asking, "INT")
    assert.equal(130, status_of "other")
    assert.equal(0, chunks())
  end)

  test("is about the log as it was when it was asked", function()
    local before = here "retro skills,timeline --json"
    local words = ('"$DEBRIEF" run ask.lua -d %s retro skills,timeline --json --on workers'):format(url)
    start("whole", words)
    start("some", "SMALL=0 " .. words)
    wait_for("chunks on the queue", function() return select(3, queue()) > 1 end)
    scene:sh(([[for id in s1 s5 t; do "$DEBRIEF" -d %s append $id skill=late final_status=ok; done]]):format(url))
    worker("w", "-j2")
    for _, name in ipairs { "whole", "some" } do
      assert.equal(0, status_of(name), scene:read(name .. ".err"))
      assert.equal(before.out, scene:read(name .. ".out"))
    end
  end)

  test("leaves out a session whose first entries went meanwhile", function()
    local words = ('"$DEBRIEF" run ask.lua -d %s retro skills --json --on workers'):format(url)
    start("whole", words)
    start("some", "SMALL=0 " .. words)
    wait_for("chunks on the queue", function() return select(3, queue()) > 1 end)
    server:request("$JS.API.STREAM.MSG.DELETE.team", '{"seq":1}') -- all of s1, as --max-age takes it
    scene:sh(([[for i in $(seq 20); do "$DEBRIEF" -d %s append s1 skill=fresh final_status=ok; done]]):format(url))
    worker("w", "-j2")
    for _, name in ipairs { "whole", "some" } do
      assert.equal(3, status_of(name), scene:read(name .. ".err"))
      local told = scene:read(name .. ".err")
      assert.truthy(told:find("session s1 does not begin as where the question was asked", 1, true), told)
      assert.is_nil(scene:read(name .. ".out"):find("fresh", 1, true))
    end
  end)

  test("shows workers", function()
    worker("w", "-j2")
    assert.equal(0, ask "retro skills".status)
    local r = scene:sh(('"$DEBRIEF" work %s --status'):format(url))
    assert.truthy(r.out:find "0 of 2", r.out)
    assert.truthy(r.out:find "nothing on the queue\n$", r.out)
  end)

  -- A log of 512 MiB; only the long form has the time.
  local BIG_LOG = [[
    math.randomseed(7)
    os.execute "mkdir -p half"
    for s = 1, 64 do
      local file <close> = assert(io.open(("half/s%02d.jsonl"):format(s), "w"))
      while file:seek() < 8 << 20 do
        file:write(('{"session_id":"s%02d","timestamp":"2026-11-%02dT10:00:00Z","skill":"skill%d","input":{"text":"'
          .. '%s"},"attempts":[{"attempt":1,"model":"m%d","verified":%s}],'
          .. '"final_status":"%s","duration_ms":%d}\n'):format(s, math.random(28), math.random(12),
          ("lorem ipsum "):rep(math.random(120)), math.random(4), math.random() < .4,
          math.random() < .7 and "ok" or "error", math.random(200000)))
      end
    end
  ]]

  test("does 512 MiB while a worker is killed every second", function()
    if not os.getenv "TORTURE" then return pending "TORTURE is not set" end
    local figure, now = dofile "tests/torture/figure.lua", require "debrief.core".now
    local half, words = server:url "half", "retro skills --json"
    scene:write("half.lua", BIG_LOG)
    local r = scene:sh(('"$DEBRIEF" run half.lua && "$DEBRIEF" init %s && "$DEBRIEF" copy half %s'):format(half, half))
    assert.equal(0, r.status, r.err)
    local function ask_half(name)
      local begun = now()
      start(name, ('"$DEBRIEF" -d %s %s --on workers'):format(half, words))
      return function()
        nats.wait_for("the report", function() return scene:read(name .. ".status") end, 600)
        assert.same({ "0\n", "" }, { scene:read(name .. ".status"), scene:read(name .. ".err") })
        assert.is_true(scene:read(name .. ".out") == r.out)
        return (now() - begun) / 1e9
      end
    end
    local begun = now()
    r = scene:sh(('"$DEBRIEF" -d half %s -j1'):format(words))
    local times = { ("a folder, -j1: %.1f s"):format((now() - begun) / 1e9) }
    local workers = {}
    for i = 1, 4 do
      workers[i] = start("w" .. i, ('"$DEBRIEF" work %s -j1'):format(half))
      wait_for("a worker", function() return (scene:read("w" .. i .. ".err") or ""):find "waits for work" end)
      if i ~= 3 then times[#times + 1] = ("%d: %.1f s"):format(i, ask_half("asking" .. i)()) end
    end
    local wait, kills = ask_half "asking", 0
    while not scene:read "asking.status" do
      scene:sh "sleep 1"
      kills = kills + 1
      local name = ("k%d"):format(kills)
      finish(table.remove(workers, 1))
      workers[4] = start(name, ('"$DEBRIEF" work %s -j1'):format(half))
    end
    times[#times + 1] = ("4, one killed every second: %.1f s, %d killed"):format(wait(), kills)
    figure("workers", "512 MiB, time with workers", table.concat(times, "; "), "the bytes of -j1", true)
    print("# " .. table.concat(times, "; "))
  end)

  test("says that there is no such log", function()
    for _, words in ipairs { "", "--status" } do
      local r = scene:sh(('timeout 20 "$DEBRIEF" work %s %s'):format(server:url "none", words))
      assert.same({ "", 1 }, { r.out, r.status })
      assert.truthy(r.err:find("there is no stream none (`debrief init", 1, true), r.err)
    end
  end)

  it("is refused where there is no queue", function()
    local s = program.scene()
    local r = s:run { "retro", "skills", "--on", "workers" }
    assert.same({ "", 2 }, { r.out, r.status })
    assert.truthy(r.err:find("--on workers needs a log with an address", 1, true), r.err)
    r = s:run { "work", "sessions" }
    assert.same({ "debrief: work: sessions is a folder; work is for a log with an address: debrief work "
      .. "nats://HOST/NAME\n", 2 }, { r.err, r.status })
  end)
end)
