-- A worker state after `renew` holds what it held before: nothing that is reached from debrief's modules, through
-- tables, metatables and upvalues, comes from the job that is over.
dofile "tests/spec/support/plugins.lua"
local program = dofile "tests/spec/support/program.lua"
local jobs = require "debrief.run.job"
local query = require "debrief.query"
local sessions = require "debrief.query.sessions"
local chunks = require "debrief.retro.chunks"
local core = require "debrief.core"
local worker = require "debrief.run.worker"

-- What may grow: parts of ways that were asked for, and code of texts that were compiled. Both are bounded.
local CACHES = { ["debrief.entry.path"] = true, ["debrief.plugin.load"] = true }

-- Everything reached from a value -> the way to it. What weak tables hold is on its way out.
local function walk(value, way, seen)
  local kind = type(value)
  if kind ~= "table" and kind ~= "function" and kind ~= "userdata" or seen[value] then return end
  seen[value] = way
  local meta = kind ~= "function" and debug.getmetatable(value)
  if meta then walk(meta, way .. "<meta>", seen) end
  if kind == "table" and not (meta and meta.__mode) then
    for key, item in next, value do
      walk(key, way .. "[key]", seen)
      walk(item, ("%s.%s"):format(way, tostring(key)), seen)
    end
  elseif kind == "function" then
    for i = 1, 255 do
      local name, item = debug.getupvalue(value, i)
      if not name then break end
      walk(item, ("%s^%s"):format(way, name), seen)
    end
  end
end

local function reached()
  local seen = {}
  for name in next, CACHES do seen[package.loaded[name]] = name end
  seen[package.loaded] = "package.loaded" -- its modules come one by one
  seen[_G] = "_G"
  for name, module in next, package.loaded do
    if name:find "^debrief" and not CACHES[name] then walk(module, name, seen) end
  end
  return seen
end

describe("a worker state that is used again", function()
  local scene = program.scene()
  teardown(program.clean)

  scene:write("log/a.jsonl", '{"session_id":"a","timestamp":"2026-01-02T03:04:05Z","skill":"x","final_status":"ok",'
    .. '"attempts":[{"attempt":1,"verified":true}]}\n{"session_id":"a","skill":"y","final_status":"error"}\n')
  scene:write("keeps.lua", [[
    local debrief = require "debrief"
    local all = {}
    return { name = "keeps", api = 1, enrich = function(entry) all[#all + 1] = entry entry.new = #all end,
      filter = function(entry) return debrief.measure "passed".of(entry) ~= nil end,
      retrospective = { init = function() return { n = 0 } end, step = function(acc, entry) all[#all + 1] = entry end,
        merge = function(a) return a end, finish = function() return { title = debrief.pretty(all) } end } }]])

  local function job_of(given, retro)
    local made = assert(jobs.new { query = assert(query.new(given)), retro = retro, dir = scene:path "log" })
    local log <close> = core.log(made.dir)
    return made, assert(sessions.of(log, query.new(given)))
  end

  local function look_back(plugins, given)
    local job, items = job_of(given, plugins)
    assert.is_nil(worker.setup(job).message)
    worker.begin(job.retro)
    for _, chunk in ipairs(chunks.of(items, job.dir, "sessions")) do worker.merge(worker.chunk(chunk)) end
    local answer = worker.finish()
    assert.equal(0, #answer.problems, answer.problems[1] and answer.problems[1].message)
    worker.renew()
  end

  local function list(given)
    local job, items = job_of(given)
    worker.setup(job)
    local answer = worker.entries { sessions = items, last = given.last }
    assert.same({}, answer.problems)
    worker.renew()
  end

  local function all()
    local keeps = scene:path "keeps.lua"
    look_back({ "pass_rate", "failures", "table" }, { where = "skill ~= 'z' and not duration_ms", since = "100000d" })
    look_back({ keeps }, { enrich = keeps, filter = keeps, skill = "x" })
    look_back({ "trend", "compare", "usage", "history" }, { opt = { "trend.measure=rate(verified)" } })
    list { where = "duration_ms == nil", last = 1 }
    list { enrich = keeps }
    worker.setup((job_of { enrich = keeps }))
    assert.same({}, worker.enrich({ text = '{"skill":"x"}', session = "a", line = 1 }).problems)
    worker.renew()
  end

  it("holds nothing of what was", function()
    all() -- loads modules, and fills what they make once
    collectgarbage()
    local before = reached()
    all()
    collectgarbage()
    for value, way in next, reached() do -- a new function holds nothing but what is reached through it
      local holds = type(value) == "userdata" or type(value) == "table" and next(value) ~= nil
      assert(before[value] or not holds, way .. " is of a job that is over")
    end
  end)

  it("is refused where something failed", function()
    local pipeline = require "debrief.run.pipeline"
    assert.is_false(pipeline.failed)
    scene:write("fails.lua", [[return { name = "fails", api = 1, retrospective = { init = function() return {} end,
      step = function() error "boom" end, merge = function(a) return a end, finish = function() end } }]])
    assert.has_error(function() look_back({ scene:path "fails.lua" }, {}) end)
    assert.is_true(pipeline.failed)
    assert.has_error(worker.renew, "this state has to go")
  end)
end)
