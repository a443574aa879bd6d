-- Tables counted in C have the answers that Lua has: random questions over random logs, odd ones too, asked both ways.
local program = dofile "tests/spec/support/program.lua"
dofile "tests/spec/support/plugins.lua"
local asked = require "debrief.entry.asked"
local cjson = require "cjson"
local measure = require "debrief.measure"
local pipeline = require "debrief.run.pipeline"
local readers = require "debrief.query.reader"
local report = require "debrief.report"
local tally = require "debrief.measure.tally"
local where = require "debrief.query.where"

teardown(program.clean)

local ROUNDS = tonumber(os.getenv "ROUNDS") or 250

-- ---- Logs -----------------------------------------------------------------------------------------------------------

local function one(list) return list[math.random(#list)] end

-- `name`: one of the texts, or, more rarely, nothing.
local function maybe(parts, name, texts)
  if math.random(8) > 1 then parts[#parts + 1] = ('"%s":%s'):format(name, one(texts)) end
end

local NUMBERS = { "0", "7", "-3", "60000", "60000.0", "0.1", "-0", "-0.0", "1e2", "2.5e-3", "9007199254740993", "1.5",
  "9223372036854775807", "12345678901234567890", "1e300", "1e400", "null" }
local TEXTS = { '"review"', '"tdd"', '"r\\u0065view"', '""', "null", '"Über"', '"a.b"', '"\\ud800"', '"007"', '"true"' }
local ODD = { "[1,2]", "{}", "true", "false", '{"a":{"b":3}}', '[{"b":"x"},null,7]' }
local STATUS = { '"ok"', '"fail"', '" OK "', '"timed-out"', '"Timed Out"', '"skipped"', '"running"', '""', "null",
  '"\\u006fk"', '"' .. ("x"):rep(60) .. '"' }
local INTEGERS = { "0", "1", "5", "70", "900", "60000", "9223372036854775807", "null" }
local CHECKS = { '[{"kind":"test","passed":true}]', '[{"kind":"test","passed":false},{"kind":"test"}]',
  '[{"kind":"build","passed":true}]', '[{"kind":"test"},{"kind":"test","passed":true}]', "7", "[]", '["test",null]' }
local TIMES = { '"2026-03-%02dT12:00:00Z"', '"2026-03-%02dT23:59:59.5+05:45"', '"1969-12-%02dT00:00:00Z"',
  '"2027-01-%02dT00:10:00-11:00"' }

local function any()
  return one(one { NUMBERS, TEXTS, ODD })
end

local function attempt()
  if math.random(9) == 1 then return "null" end
  local parts = {}
  maybe(parts, "attempt", INTEGERS)
  maybe(parts, "model", TEXTS)
  maybe(parts, "verified", { "true", "false", "null" })
  if math.random(3) == 1 then maybe(parts, "duration_ms", { any(), "10", "20.5" }) end
  if math.random(3) == 1 then maybe(parts, "checks", CHECKS) end
  if math.random(9) == 1 then maybe(parts, "cost_usd", { any() }) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function list(make, most)
  local items = {}
  for i = 1, math.random(0, most) do items[i] = make() end
  return "[" .. table.concat(items, ",") .. "]"
end

local function call()
  if math.random(9) == 1 then return any() end
  local parts = {}
  maybe(parts, "name", TEXTS)
  maybe(parts, "duration_ms", NUMBERS)
  maybe(parts, "error", { "true", "false", "null", '"no"' })
  return "{" .. table.concat(parts, ",") .. "}"
end

local function entry()
  local parts = { '"session_id":"s"' }
  maybe(parts, "timestamp", { one(TIMES):format(math.random(28)) })
  maybe(parts, "skill", TEXTS)
  maybe(parts, "final_status", STATUS)
  maybe(parts, "model_used", TEXTS)
  maybe(parts, "duration_ms", INTEGERS)
  if math.random(2) == 1 then maybe(parts, "cost_usd", { any(), "0.1", "0.25", "1e-9" }) end
  if math.random(2) == 1 then maybe(parts, "n", { any(), "3", "4.5" }) end
  if math.random(2) == 1 then maybe(parts, "input", { any(), '{"task":"a"}', '{"task":7,"list":[1,2,"x"]}' }) end
  if math.random(5) == 1 then maybe(parts, "input.task", TEXTS) end
  if math.random(3) == 1 then
    maybe(parts, "source", { '{"plugin":"tools"}', '{"agent_id":"a1"}', '{"plugin":"","agent_id":""}', "7" })
  end
  if math.random(3) == 1 then maybe(parts, "usage", { '{"input_tokens":5,"output_tokens":2.5}', "7", "{}" }) end
  if math.random(20) == 1 then maybe(parts, "outcome", { any() }) end
  if math.random(20) == 1 then maybe(parts, "wall_ms", { any() }) end
  if math.random(3) == 1 then parts[#parts + 1] = '"tools":' .. list(call, 3) end
  if math.random(5) > 1 then parts[#parts + 1] = '"attempts":' .. list(attempt, 3) end
  if math.random(40) == 1 then parts[#parts + 1] = '"skill":"again"' end
  local text = "{" .. table.concat(parts, ",") .. "}"
  if math.random(40) == 1 then text = text:gsub("review", "re\xffiew") end
  return text
end

-- ---- Questions ------------------------------------------------------------------------------------------------------

local FIELDS = { "skill", "final_status", "model_used", "n", "input.task", "input.list.-1", "input.list.2",
  "attempts.-1.model", "attempts.1.verified", "outcome", "passed", "first_try", "attempt_count", "lost_ms", "session",
  "line", "day", "week", "month", "hour", "weekday", "gap_ms", "subagent", "cost_usd", "input", "skil", "source.plugin",
  "model", "verified", "duration_ms", "name", "error", "failed", "attempt" }
local VALUES = { "duration_ms", "n", "cost_usd", "lost_ms", "attempt_count", "input.task", "gap_ms", "line", "hour" }
local TESTS = { "duration_ms > 70", "n == 3", "skill == 'review'", 'skill ~= ""', "passed == true", "n < 4.5",
  "skill < 'tdd'", "outcome == 'ok'", "first_try == false", "cost_usd >= 0.1", "n <= 60000", "verified", "input",
  "attempt_count ~= 1" }
local NAMED = { "runs", "passed", "first_try", "attempts", "verified", "lost", "cost", "tokens" }
local FUNCTIONS = { "count", "sum", "mean", "min", "max", "median", "p90", "distinct", "first", "last", "share" }

local function column(each)
  local kind = math.random(4)
  if kind == 1 then
    local name = one(NAMED)
    return (each and (name == "cost" or name == "tokens")) and "runs" or name
  end
  if kind == 2 then return ("rate(%s)"):format(one(TESTS)) end
  if kind == 3 then return one { "count()", "share()", "count(skill)", "distinct(week)", "distinct(input)" } end
  return ("%s(%s)"):format(one(FUNCTIONS), math.random(4) > 1 and one(VALUES) or one(FIELDS))
end

local function question()
  local q = { each = one { false, false, "attempts", "tools" } or nil, by = { one(FIELDS) }, show = {} }
  if math.random(3) == 1 then q.by[2] = "other=" .. one(FIELDS) end
  for i = 1, math.random(4) do q.show[i] = ("c%d=%s"):format(i, column(q.each)) end
  if math.random(3) == 1 then q.across = "across=" .. one(FIELDS) end
  if math.random(3) == 1 then q.where = one(TESTS) .. one { "", "", " and " .. one(TESTS), " and not subagent" } end
  return q
end

-- ---- Both ways ------------------------------------------------------------------------------------------------------

local function answer(q, path, match)
  local of = assert(measure.new(q, {}))
  local plugin = { table = { name = "t", retrospective = of }, path = "t", ctx = { options = {} }, acc = of.init() }
  local p = pipeline.new { enrich = {}, filter = {}, retro = { plugin }, match = match }
  local reader <close> = readers.sessions({ { session = "s", path = path, is_path = true } }, { gaps = true })
  local failures = p:run(reader)
  local errors = {}
  for _, problem in ipairs(p.order) do errors[#errors + 1] = problem.message end
  return { report = report.check(of.finish(plugin.acc), "t"), errors = errors, failures = failures,
    entries = p.entries, kept = p.kept, by_tally = plugin.tally }
end

local function in_lua(q, path, match)
  local real = measure.tally
  measure.tally = function() end
  local got = answer(q, path, match)
  measure.tally = real
  got.by_tally = nil
  return got
end

-- A value as lines, so that 1 and 1.0 differ, and NaN equals itself.
local function lines_of(value, path, lines)
  lines = lines or {}
  if type(value) ~= "table" then
    lines[#lines + 1] = ("%s = %s %s"):format(path, math.type(value) or type(value), tostring(value))
    return lines
  end
  local keys = {}
  for key in next, value do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do lines_of(value[key], path .. "." .. tostring(key), lines) end
  return lines
end

local function shown(q) return cjson.encode(q) end

describe("a table counted in C", function()
  local scene = program.scene()

  local function log_of(lines)
    scene:write("log.jsonl", table.concat(lines, "\n") .. "\n")
    return scene.dir .. "/log.jsonl"
  end

  it("has the answer that Lua has", function()
    local counted, whole = 0, 0
    for seed = 1, ROUNDS do
      math.randomseed(seed)
      local lines, odd = {}, math.random(2) == 1
      for i = 1, math.random(1, 60) do lines[i] = entry() end
      if odd then lines[#lines + 1] = '{"session_id":"s","skill":' end -- damage
      local path, q = log_of(lines), question()
      local match = math.random(4) == 1 and { skill = "review" } or nil
      local got = answer(q, path, match)
      counted = counted + (got.by_tally == false and 0 or 1)
      whole = whole + (got.by_tally and 1 or 0)
      got.by_tally = nil
      assert.same(lines_of(in_lua(q, path, match), ""), lines_of(got, ""), ("seed %d: %s"):format(seed, shown(q)))
    end
    assert(whole > ROUNDS / 2, ("C counted only %d of %d tables to the end"):format(whole, ROUNDS))
  end)

  it("knows every status word as Lua does, however it is written", function()
    local lines = {}
    for word in pairs(require "debrief.entry.status_words") do
      for _, text in ipairs { word, word:upper(), " " .. word .. "\\t", word:gsub("_", "-"), word .. "x" } do
        lines[#lines + 1] = ('{"session_id":"s","final_status":"%s"}'):format(text)
      end
    end
    local path, q = log_of(lines), { by = "final_status, outcome", show = "runs, passed" }
    assert.same(lines_of(in_lua(q, path), ""), lines_of((function(got)
      got.by_tally = nil
      return got
    end)(answer(q, path)), ""))
  end)

  it("keeps sums, quantiles and numbers of values exact in long logs", function()
    local lines = {}
    for i = 1, 4000 do
      lines[i] = ('{"session_id":"s","skill":"%s","cost_usd":%s,"duration_ms":%d,"n":%d}'):format(
        i % 3 == 0 and "a" or "b", i % 2 == 0 and "0.1" or "1e-7", i * i % 7919, i)
    end
    local path = log_of(lines)
    for _, show in ipairs { "sum(cost_usd), mean(cost_usd), p10(duration_ms), p99(cost_usd), median(n), distinct(n)",
      "min(cost_usd), max(duration_ms), first(n), last(n), share(duration_ms)" } do
      local q = { by = "skill", show = show }
      local got = answer(q, path)
      assert.truthy(got.by_tally)
      got.by_tally = nil
      assert.same(in_lua(q, path), got)
    end
    local rows = { by = "n", show = "runs" } -- more rows than it keeps before it hands them on
    local got = answer(rows, path)
    assert.truthy(got.by_tally)
    assert.equal(4000, #got.report.tables[1].rows)
  end)

  local function passed_of(text, path, given)
    local test, names = where.filter(text, print)
    local condition = given.condition and where.condition(text)
    local hook = { table = { name = "where", filter = test }, path = "where", ctx = {}, condition = condition,
      judged = condition ~= nil }
    local count = { name = "t", retrospective = given.table and assert(measure.new({ show = "runs, lost" }, {}))
      or { init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end } }
    local retro = { table = count, path = "t", ctx = { options = {} } }
    retro.acc = count.retrospective.init()
    local p = pipeline.new { enrich = {}, filter = { hook }, retro = { retro } }
    local reader <close> = readers.sessions({ { session = "s", path = path, is_path = true } },
      { gaps = true, condition = condition })
    local lines = {}
    p:run(reader, given.sink and function(_, _, line) lines[#lines + 1] = line end)
    if condition then
      for _, name in ipairs(condition:hits()) do names:hit(name) end
    end
    return lines_of({ lines = lines, acc = given.table and count.retrospective.finish(retro.acc) or retro.acc,
      entries = p.entries, kept = p.kept, problems = p.order, unknown = asked.unknown(names.state) }, ""), condition
  end

  it("is asked of the same entries that an expression chooses in Lua", function()
    local judged = 0
    for seed = 1, ROUNDS do
      math.randomseed(seed)
      local lines, parts = {}, {}
      for i = 1, math.random(1, 40) do lines[i] = entry() end
      local path = log_of(lines)
      for i = 1, math.random(3) do
        parts[i] = math.random(6) == 1 and "not " .. one { "subagent", "passed", "n", "skil", "input" } or one(TESTS)
      end
      local text = table.concat(parts, " and ")
      if math.random(20) == 1 then text = "(" .. text .. ") or false" end
      for _, given in ipairs { { sink = true }, {}, { table = true } } do
        local want = passed_of(text, path, given)
        given.condition = true
        local got, condition = passed_of(text, path, given)
        judged = judged + (condition and 1 or 0)
        assert.same(want, got, ("seed %d: %s"):format(seed, text))
      end
    end
    assert(judged > 2 * ROUNDS, judged)
  end)

  it("leaves to Lua what it cannot count", function()
    for _, show in ipairs { "sum(duration_ms * 2)", "rate(skill:find 'x' ~= nil)" } do
      assert.is_nil(tally.of(assert(require("debrief.measure.define").of({ show = show }, {}))))
    end
    assert.is_nil(tally.of(assert(require("debrief.measure.define").of({ by = "x=skill .. phase" }, {}))))
  end)

  it("is what the program asks, at every number of workers, and in a plugin of the user's own", function()
    local lines = {}
    for i = 1, 300 do lines[i] = entry() end
    scene:write("sessions/s.jsonl", table.concat(lines, "\n") .. "\n")
    scene:write("p.lua", [[local debrief = require "debrief"
      return { name = "p", api = 1, options = { by = { type = "string", default = "outcome" } },
        retrospective = debrief.table(function(ctx) return { by = ctx.options.by, show = "runs, lost" } end) }]])
    local first = scene:run { "table", "--by", "outcome", "--show", "runs, lost", "-j", "1", "--json" }
    assert.equal(0, first.status)
    assert.equal(first.out, scene:run({ "table", "--by", "outcome", "--show", "runs, lost", "-j", "3", "--json" }).out)
    assert.equal(first.out, (scene:run({ "retro", "./p.lua", "--format", "json" }).out
      :gsub('"plugin":"p"', '"plugin":"table"')))
  end)
end)
