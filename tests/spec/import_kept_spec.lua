-- Imports of files that grow: going on where the one before ended makes what one import of the whole file makes, byte
-- for byte. TORTURE tries more transcripts.
local cjson = require "cjson"
local program = dofile "tests/spec/support/program.lua"
local transcripts = dofile "tests/spec/support/claude_transcript.lua"
local imports = require "debrief.run.imports"
local jobs = require "debrief.run.job"
local query = require "debrief.query"

local SESSION = "aaaa1111-0000-4000-8000-000000000001"
local scene, random

local jobs_of, workers = {}, {}

-- Import as a hook does, in this process. Returns what was said of problems.
local function import(kind, dir, how)
  if not jobs_of[kind] then
    jobs_of[kind] = assert(jobs.new { import = { kind }, query = query.new {} })
    workers[kind] = table.pack(jobs.worker(jobs_of[kind]))
  end
  local wrong = {}
  local function note(text) wrong[#wrong + 1] = text end
  local total = { emitted = {}, old = 0, broken = function(_, _, text) note(text) end,
    add_problems = function(_, list) for _, p in ipairs(list or {}) do note(p.message) end end,
    add = function(_, answer)
      if answer.failure then note(answer.failure) end
      if answer.resumed then wrong.resumed = true end
    end, add_record = function() end, add_tree = function() end, leave_out = function(_, _, text) note(text) end }
  local message = imports.run({ scene:path "p/" .. SESSION .. ".jsonl" }, { job = jobs_of[kind],
    abouts = workers[kind][2], worker = workers[kind][1], kind = true, dir = scene:path(dir), workers = 1,
    total = total,
    final = how.final, keeps = how.keeps, begin = function() end, progress = function() end })
  assert.is_nil(message)
  assert.same({}, { table.unpack(wrong) })
  return wrong.resumed or false
end

-- All sessions of a log, as one text; `sorted` without their order: where several agents are at work, or a session ends
-- and is resumed, runs are stored as they end.
local function sessions(dir, sorted)
  return scene:sh(("cd %s && for f in *.jsonl; do [ ! -e \"$f\" ] || %s \"$f\"; done"):format(dir,
    sorted and "sort" or "cat")).out
end

local function encoded(records)
  local lines = {}
  for i, record in ipairs(records) do lines[i] = cjson.encode(record) .. "\n" end
  return lines
end

-- ---- Made-up transcripts --------------------------------------------------------------------------------------------

local function one_of(list) return list[random(#list)] end

-- What may happen in a transcript of Claude Code; each is called with it and a number of its own.
local events = {}

function events.prompt(t, n) t:user(("do %d"):format(n)) end

function events.turn(t, n)
  t:user(("do %d"):format(n))
  t:edit("e" .. n)
  t:bash("b" .. n, "make test", "ran", n % 2)
  t:say("Done " .. n, { stop = "end_turn" })
  if n % 3 == 0 then t:done() end
end

function events.edit(t, n) t:edit("e" .. n, "/w/app/f" .. n % 3) end
function events.test(t, n) t:bash("b" .. n, "cd x && make test", "1 passed", n % 2) end
function events.say(t, n)
  t:say("I say " .. n, { id = n % 4 == 0 and "msg_same" or nil, out = n })
  t.replied = t.n
end
function events.done(t) -- at the end of what an agent does, and once
  if t.replied ~= t.n then return end
  t:done()
end
function events.interrupt(t) t:user "[Request interrupted by user]" end
function events.machine(t) t:user("<task-notification>x</task-notification>") end

function events.command(t, n)
  t:user("<command-name>/review</command-name><command-args>" .. n .. "</command-args>")
  if n % 2 == 0 then t:user "<local-command-stdout>done</local-command-stdout>" end
end

-- A call whose result comes much later, or never.
function events.call(t, n)
  local name, input = table.unpack(one_of { { "Bash", { command = "make test" } }, { "Edit", { file_path = "/w/z" } },
    { "Skill", { skill = "deploy" } }, { "Task", { subagent_type = "x" } } })
  t:call("late" .. n, name, input)
  t.waiting = t.waiting or {}
  table.insert(t.waiting, "late" .. n)
end

function events.result(t)
  local id = t.waiting and table.remove(t.waiting, 1)
  if id then t:result(id, one_of { "Exit code 1\nbad", "fine" }, one_of { true, false }, { agentId = "a1",
    status = "completed", stdout = "x", stderr = "", interrupted = false }) end
end

-- A record that is there again: as it was, or the same reply under another uuid.
function events.copy(t, n)
  if #t.records < 3 then return end
  local copy = transcripts.copy(one_of(t.records))
  if n % 2 == 0 then copy.uuid = "copy-" .. n end
  t.records[#t.records + 1] = copy
end

function events.sidechain(t, n)
  if not t.old then return end
  t:say("aside " .. n, { stop = one_of { "end_turn", cjson.null } }, { isSidechain = true })
end

function events.fork(t, n)
  t:user("fork " .. n, { forkedFrom = { sessionId = "bbbb", messageUuid = "m" .. n } })
end

local function made_up(size, old)
  local names = {}
  for name in pairs(events) do names[#names + 1] = name end
  table.sort(names)
  local t = transcripts.new(SESSION)
  t.old = old
  for n = 1, size do
    events[one_of { "turn", "prompt", "say", one_of(names), one_of(names), one_of(names) }](t, n)
  end
  return encoded(t.records)
end

-- ---- Growing --------------------------------------------------------------------------------------------------------

-- What a hook that was killed may leave: an older ledger, or a part of a state.
local function damage()
  local folder = scene:path "log/.kept"
  local name = scene:sh("ls log/.kept 2>/dev/null").out:match "[^\n]+"
  local text = name and program.read(folder .. "/" .. name)
  if text then scene:write("log/.kept/" .. name, text:sub(1, random(#text))) end
end

-- Grow the file by these lines, with an import now and then, and import it at once. Returns how many imports went on.
-- @param ends true: the session ends now and then, and is resumed
-- @param beside lines of a subagent, in a file of its own that grows meanwhile; or nil
-- @param step how many lines come at once, at most
local function grow(kind, lines, ends, beside, step)
  scene:sh "rm -rf log once p; mkdir p"
  local path, written, went_on = "p/" .. SESSION .. ".jsonl", 0, 0
  local file = assert(io.open(scene:path(path), "ab"))
  file:setvbuf "no"
  local ledger, written_beside = nil, 0
  while written < #lines do
    local upto = math.min(written + random(step or 6), #lines)
    for i = written + 1, upto do file:write(lines[i]) end
    written = upto
    local cut = written < #lines and random(5) == 1 and lines[written + 1]:sub(1, random(40)) or ""
    file:write(cut)
    if beside then
      written_beside = written < #lines and math.min(written_beside + random(0, 6), #beside) or #beside
      scene:write("p/" .. SESSION .. "/subagents/agent-a1.jsonl", table.concat(beside, "", 1, written_beside))
    end
    if random(8) == 1 then damage() end
    if random(8) == 1 and ledger then scene:write("log/.imported", ledger) end
    local final = ends and random(6) == 1 and not (lines[written + 1] or ""):find "turn_duration" -- it is written first
    if import(kind, "log", { keeps = random(6) > 1, final = final }) then went_on = went_on + 1 end
    ledger = random(3) == 1 and scene:read "log/.imported" or ledger
    if cut ~= "" then
      file:write(lines[written + 1]:sub(#cut + 1))
      written = written + 1
    end
  end
  file:close()
  import(kind, "log", { final = true })
  import(kind, "once", { final = true })
  return went_on
end

before_each(function() scene = program.scene() end)
teardown(program.clean)

describe("an import of a file that grows", function()
  local seed = tonumber(os.getenv "SEED") or os.time()
  math.randomseed(seed)
  random = math.random

  it("goes on where the one before ended, and makes what one import of all makes", function()
    local went_on = 0
    for i = 1, os.getenv "TORTURE" and 500 or 12 do
      local ends, old = i % 3 == 0, i % 4 == 0
      went_on = went_on + grow("claude_code", made_up(random(40), old), ends)
      local sorted = ends or old
      assert.equal(sessions("once", sorted), sessions("log", sorted), ("SEED=%d, transcript %d"):format(seed, i))
    end
    assert.truthy(went_on > 0)
  end)

  it("begins at the beginning where the file or the log is not what it was", function()
    local path, t = "p/" .. SESSION .. ".jsonl", transcripts.new(SESSION)
    for n = 1, 12 do events.turn(t, n) end
    local lines = encoded(t.records)
    local function start()
      scene:sh "rm -rf log p"
      scene:write(path, table.concat(lines, "", 1, 40))
      import("claude_code", "log", { keeps = true })
      return table.concat(lines, "", 1, 50)
    end
    local function goes_on() return import("claude_code", "log", { keeps = true }) end
    local text = start()
    scene:write(path, text)
    assert.is_true(goes_on())
    for what, change in pairs {
      ["shorter"] = function() scene:write(path, table.concat(lines, "", 1, 6)) end,
      ["another file"] = function()
        scene:sh("mv p/*.jsonl old")
        scene:write(path, text)
      end,
      ["another beginning"] = function() scene:write(path, (text:gsub("do 1", "no 1", 1))) end,
      ["other bytes before the place"] = function() scene:write(path, (text:gsub("Done 5", "Dune 5"))) end,
      ["no session"] = function() scene:sh "rm log/*.jsonl" end,
      ["half a state"] = function()
        scene:write(path, text)
        scene:sh "for f in log/.kept/*; do truncate -s 50 $f; done"
      end,
      ["no ledger"] = function() scene:sh("rm log/.imported; echo >>" .. path) end,
    } do
      text = start()
      change()
      assert.is_false(goes_on(), what)
    end
  end)

  it("does so with subagents in files of their own", function()
    for i = 1, os.getenv "TORTURE" and 200 or 4 do
      local t = transcripts.new("cccc1111-0000-4000-8000-000000000003", { at = 40000 })
      for n = 1, random(20) do
        t:user("aside " .. n)
        t:edit("s" .. n)
        t:say("Done aside.", { stop = one_of { "end_turn", cjson.null } })
      end
      for n, record in ipairs(t.records) do
        record.isSidechain, record.agentId, record.sessionId, record.uuid = true, "a1", SESSION, "side-" .. n
      end
      grow("claude_code", made_up(random(30)), false, encoded(t.records))
      assert.equal(sessions("once", true), sessions("log", true), ("SEED=%d, with subagents %d"):format(seed, i))
    end
  end)

  it("does so with what agents have written", function()
    local files = { codex = "codex-agentv/a3/92ff332928/0/full.jsonl",
      claude_code = "claude-entire-a/77/5ca827279f/0/full.jsonl" }
    for kind, name in pairs(files) do
      local text = program.read("../shared/corpora/" .. name)
      if not text then return pending "../shared/corpora is not here" end
      local lines = {}
      for line in text:gmatch "[^\n]*\n" do lines[#lines + 1] = line end
      local went_on = grow(kind, lines, false, nil, #lines // 12)
      assert.equal(sessions "once", sessions "log", ("SEED=%d, %s"):format(seed, kind))
      assert.truthy(went_on > 0, kind)
    end
  end)
end)
