-- A team for specs of work between machines: a server, the log `team` in it, and processes that ask and work.
--
--     local team = dofile "tests/nats/team.lua"
--     setup(team.setup)  after_each(team.end_processes)  teardown(team.teardown)     -- setup takes options of a server
--     team.scene, team.server, team.url
local nats = dofile "tests/nats/servers.lua"
local program = dofile "tests/spec/support/program.lua"

local team = { nats = nats }
local scene, server, url
local running = {}

-- The program with small chunks and little patience: ask.lua WORDS.
local ASK = [[
require "debrief.retro.chunks".sizes = { chunk = 1200, split = 3600, part = 1200 }
local wire = require "debrief.work.wire"
wire.PATIENCE, wire.ALONE, wire.SMALL = 800, 700, tonumber(os.getenv "SMALL") or wire.SMALL
wire.VERSION = tonumber(os.getenv "FORMAT") or wire.VERSION
for _, name in ipairs { "ALONE", "REMIND", "ABANDONED", "LISTEN" } do
  wire[name] = tonumber(os.getenv(name)) or wire[name]
end
require "debrief.core".version = os.getenv "VERSION" or require "debrief.core".version

-- HOLD=MODULE.FUNCTION.N: its N-th call makes the file "held", and does not end.
local module, name, n = (os.getenv "HOLD" or ""):match "^(.*)%.(%w+)%.(%d+)$"
if module then
  local functions, calls = require(module), 0
  local held = functions[name]
  functions[name] = function(...)
    calls = calls + 1
    if calls < tonumber(n) then return held(...) end
    io.open("held", "w"):close()
    while true do end
  end
end
os.exit(require "debrief.cli"({ [0] = "debrief", table.unpack(arg) }))
]]

-- Takes its time with each entry, so that there is a chunk under way.
local SLOW = [[return { name = "dawdle", api = 1, summary = "Slow", split = true, retrospective = {
  init = function() return { n = 0, names = {} } end,
  step = function(acc, entry)
    local n = 0
    if acc.n == 0 then print "dawdles" end
    for i = 1, 700000 do n = n + i % 7 end
    acc.n = acc.n + 1
    acc.names[#acc.names + 1] = entry.skill
  end,
  merge = function(acc, other)
    acc.n = acc.n + other.n
    table.move(other.names, 1, #other.names, #acc.names + 1, acc.names)
  end,
  finish = function(acc) return { title = "Slow", text = acc.n .. " " .. table.concat(acc.names, ",") } end } }]]

local function write_sessions()
  for s = 1, 5 do
    local lines = {}
    for i = 1, s * 6 do
      lines[i] = ('{"session_id":"s%d","timestamp":"2026-11-%02dT10:%02d:00.5Z","skill":"%s","attempts":[{"attempt":1,'
        .. '"model":"m%d","verified":%s}],"final_status":"%s","duration_ms":%d}\n'):format(s, s, i % 60,
        ({ "review", "debug", "plan" })[(s * i) % 3 + 1], i % 2, i % 3 == 0, i % 4 == 0 and "error" or "ok",
        s * i * 7919 % 90001)
    end
    if s == 3 then table.insert(lines, 8, '{"session_id":"s3","skill":\n') end
    scene:write(("sessions/s%d.jsonl"):format(s), table.concat(lines))
  end
end

-- Each session in one message, damage and all, as another program may publish it.
local PUT = [[
local core = require "debrief.core"
local log <close> = assert(core.log(arg[1]))
assert(log:make {} ~= nil)
for s = 1, 5 do
  local file <close> = assert(io.open(("sessions/s%d.jsonl"):format(s)))
  local good = {}
  for line in file:lines() do if core.decode(line) then good[#good + 1] = line end end
  assert(log:append_batch("s" .. s, good))
end
]]

-- A process of the program in the background; its parent waits for it, and notes its status. Returns its pid.
function team.start(name, words)
  for _, kind in ipairs { ".pid", ".status", ".out", ".err" } do os.remove(scene:path(name .. kind)) end
  scene:write(name .. ".sh", ([[
    env --default-signal=INT %s >NAME.out 2>NAME.err &
    echo $! >NAME.pid
    wait $!
    echo $? >NAME.status
  ]]):format(words):gsub("NAME", name))
  scene:sh(("sh %s.sh >/dev/null 2>&1 &"):format(name))
  local pid = nats.wait_for("a process", function() return tonumber(scene:read(name .. ".pid") or "") end)
  running[pid] = true
  return pid
end

function team.signal(pid, name) os.execute(("kill -%s %d 2>/dev/null"):format(name, pid)) end

function team.finish(pid)
  team.signal(pid, "CONT")
  team.signal(pid, "KILL")
  running[pid] = nil
end

-- Workers bring single sessions for what is asked so, and the whole log for `team.start("asking", ...)`.
function team.ask(words, small, settings)
  local line = '%s SMALL=%d timeout 60 "$DEBRIEF" run ask.lua -d %s %s --on workers'
  return scene:sh(line:format(settings or "", small or 0, url, words))
end

function team.here(words) return scene:sh(('"$DEBRIEF" run ask.lua -d sessions %s -j1'):format(words)) end

-- Chunks of all jobs: waiting, and under way.
function team.queue()
  local waiting, under_way, jobs = 0, 0, 0
  local answer = server:get(1, "/jsz?accounts=true&streams=true&consumers=true")
  for _, account in ipairs(answer and answer.account_details or {}) do
    for _, stream in ipairs(account.stream_detail or {}) do
      for _, one in ipairs(stream.name == "team-work" and stream.consumer_detail or {}) do
        waiting, under_way, jobs = waiting + one.num_pending, under_way + one.num_ack_pending, jobs + 1
      end
    end
  end
  return waiting, under_way, jobs
end

-- What the queue keeps of a job besides its chunks. A worker that answers late, or twice, leaves an answer to a job
-- that has ended; so those of other jobs are not counted.
function team.rest_of(job)
  local answer = server:request("$JS.API.STREAM.INFO.team-done", ('{"subjects_filter":"team.d.%s.>"}'):format(job))
  local count = 0
  for _ in pairs(answer.state.subjects or {}) do count = count + 1 end
  return count
end

-- The job that is on the queue.
function team.job_name()
  return server:request "$JS.API.CONSUMER.NAMES.team-work".consumers[1]
end

function team.wait_for(what, f) return nats.wait_for(what, f, 60) end

function team.worker(name, words)
  local pid = team.start(name, ('"$DEBRIEF" work %s %s'):format(url, words or "-j1"))
  team.wait_for("a worker", function() return (scene:read(name .. ".err") or ""):find "waits for work" end)
  return pid
end

-- Wait for the end of a process. Returns its status.
function team.status_of(name)
  return team.wait_for(name, function() return tonumber(scene:read(name .. ".status") or "") end)
end

-- As the servers do after an hour without workers.
function team.forget_consumer(job)
  assert(server:request("$JS.API.CONSUMER.DELETE.team-work." .. job).success)
end

function team.ask_in_background(name, settings)
  team.start(name, ('%s "$DEBRIEF" run ask.lua -d %s retro ./dawdle.lua --on workers'):format(settings or "", url))
  team.wait_for("chunks on the queue", function() return team.queue() > 3 end)
  team.wait_for("the note", function() return (scene:read(name .. ".err") or ""):find "no worker answers" end)
  return tonumber(scene:read(name .. ".pid")), team.job_name()
end

-- Take everything off the queue.
function team.clear()
  for _, name in ipairs(server:request "$JS.API.CONSUMER.NAMES.team-work".consumers or {}) do
    team.forget_consumer(name)
  end
  for _, name in ipairs { "team-work", "team-done" } do server:request("$JS.API.STREAM.PURGE." .. name) end
end

-- Messages on the queue of all jobs: chunks.
function team.chunks() return server:stream "team-work".state.messages end

function team.setup(options)
  if not nats.available() then return end
  server = nats.start(options)
  url = server:url "team"
  scene = program.scene()
  team.scene, team.server, team.url = scene, server, url
  scene:write("ask.lua", ASK)
  scene:write("dawdle.lua", SLOW)
  scene:write("put.lua", PUT)
  write_sessions()
  local r = scene:sh(('"$DEBRIEF" run put.lua %s'):format(url))
  assert(r.status == 0, r.err)
  scene:sh "sed -i '/skill\":$/d' sessions/s3.jsonl"
end

function team.end_processes()
  for pid in pairs(running) do team.finish(pid) end
end

function team.teardown()
  nats.clean()
  program.clean()
end

return team
