-- Tables of measures: debrief table, debrief.table, log:table; and virtual fields wherever a field is named.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local scene

-- ---- A log, and the same in memory ----------------------------------------------------------------------------------

local random = 7

local function pick(list)
  random = (random * 1103515245 + 12345) % 2147483648
  return list[random // 65536 % #list + 1]
end

-- Absent fields are common.
local function made_entry(session, i)
  local entry = { session = session, skill = pick { "review", "review-deep", "tdd", nil }, phase = pick { "a", "b" },
    duration_ms = pick { 5, 70, 900, 60000, false } or nil, final_status = pick { "ok", "fail", "skip", false } or nil,
    day = i % 27 + 1, attempts = {} }
  for n = 1, pick { 1, 1, 2, 3 } do
    entry.attempts[n] = { model = pick { "m1", "m2", false } or nil, verified = pick { true, false, "absent" },
      duration_ms = pick { 10, 2000, false } or nil }
  end
  return entry
end

local function json_of(e)
  local parts = { ('"session_id":"%s","timestamp":"2026-03-%02dT12:00:00Z"'):format(e.session, e.day) }
  for _, key in ipairs { "skill", "phase", "final_status" } do
    if e[key] then parts[#parts + 1] = ('"%s":"%s"'):format(key, e[key]) end
  end
  if e.duration_ms then parts[#parts + 1] = ('"duration_ms":%d'):format(e.duration_ms) end
  local attempts = {}
  for i, a in ipairs(e.attempts) do
    local fields = { ('"attempt":%d'):format(i) }
    if a.model then fields[#fields + 1] = ('"model":"%s"'):format(a.model) end
    if a.verified ~= "absent" then fields[#fields + 1] = ('"verified":%s'):format(a.verified) end
    if a.duration_ms then fields[#fields + 1] = ('"duration_ms":%d'):format(a.duration_ms) end
    attempts[i] = "{" .. table.concat(fields, ",") .. "}"
  end
  parts[#parts + 1] = '"attempts":[' .. table.concat(attempts, ",") .. "]"
  return "{" .. table.concat(parts, ",") .. "}"
end

local all = {}

local function write_log()
  for s = 1, 4 do
    local lines = {}
    for i = 1, 150 do
      local e = made_entry("s" .. s, i)
      e.line = i
      all[#all + 1], lines[i] = e, json_of(e)
    end
    scene:write(("sessions/s%d.jsonl"):format(s), table.concat(lines, "\n") .. "\n")
  end
end

-- The rows of a table as JSON, by the text of their keys.
local function rows(words, keys)
  local command = { "table", "--format", "json" }
  for _, word in ipairs(words) do command[#command + 1] = word end
  local r = scene:run(command)
  assert.equal("", r.err)
  assert.equal(0, r.status)
  local out, list = {}, cjson.decode(r.out).reports[1].tables[1].rows
  for _, row in ipairs(list) do
    local key = {}
    for i = 1, keys or 1 do key[i] = row[i] == cjson.null and "" or tostring(row[i]) end
    out[table.concat(key, "/")] = row
  end
  return out, list
end

-- ---- Counting again, in another way ---------------------------------------------------------------------------------

local PASSED = { ok = true, fail = false }

local function passed_of(e)
  if e.final_status then return PASSED[e.final_status] end
  local last = e.attempts[#e.attempts].verified
  if last ~= "absent" then return last end
end

local function group(list, key_of)
  local out = {}
  for _, e in ipairs(list) do
    local key = key_of(e) or ""
    out[key] = out[key] or {}
    table.insert(out[key], e)
  end
  return out
end

local function median(list)
  table.sort(list)
  local n = #list
  return n > 0 and (list[(n + 1) // 2] + list[n // 2 + 1]) / 2 or nil
end

describe("table", function()
  setup(function()
    scene = program.scene()
    write_log()
  end)
  teardown(program.clean)

  it("counts what another count of the same runs has", function()
    for key, list in pairs(group(all, function(e) return e.skill end)) do
      local row = rows { "--by", "skill", "--show",
        "runs, passed, sum(duration_ms), min(duration_ms), max(duration_ms), distinct(session), attempts, "
        .. "slow=rate(duration_ms > 70), count(duration_ms), t=count(phase == \"a\")" }[key]
      local num, den, sum, low, high, slow, timed, sessions, attempts, in_a = 0, 0, 0, math.huge, 0, 0, 0, {}, 0, 0
      for _, e in ipairs(list) do
        local passed = passed_of(e)
        if passed ~= nil then den, num = den + 1, num + (passed and 1 or 0) end
        if e.duration_ms then
          timed, sum, slow = timed + 1, sum + e.duration_ms, slow + (e.duration_ms > 70 and 1 or 0)
          low, high = math.min(low, e.duration_ms), math.max(high, e.duration_ms)
        end
        sessions[e.session] = true
        attempts, in_a = attempts + #e.attempts, in_a + (e.phase == "a" and 1 or 0)
      end
      local n = 0
      for _ in pairs(sessions) do n = n + 1 end
      assert.same({ #list, num, den, sum, low, high, n, attempts, slow, timed, timed, in_a },
        { row[2], row[3].num, row[3].den, row[4], row[5], row[6], row[7], row[8], row[9].num, row[9].den, row[10],
          row[11] })
    end
  end)

  it("goes one level down, where names are those of the attempts, and never another field of the same name", function()
    local found = rows { "--each", "attempts", "--by", "model", "--where", "verified == false", "--show",
      "runs, attempts, timed=count(duration_ms), first(skill)" }
    local wanted = {}
    for _, e in ipairs(all) do
      local seen = {}
      for _, a in ipairs(e.attempts) do
        if a.verified == false then
          local key = a.model or ""
          local w = wanted[key] or { 0, 0, 0 }
          wanted[key] = w
          local timed = a.duration_ms or #e.attempts == 1 and e.duration_ms
          if not seen[key] then w[1], seen[key] = w[1] + 1, true end
          w[2], w[3] = w[2] + 1, w[3] + (timed and 1 or 0)
        end
      end
    end
    for key, w in pairs(wanted) do assert.same(w, { found[key][2], found[key][3], found[key][4] }) end
  end)

  it("has the same bytes for every -j, as a partial result and in pieces", function()
    local words = { "--by", "skill, phase", "--across", "outcome", "--show", "runs, p90(duration_ms), passed" }
    local function run(...)
      local command = { "table", ... }
      for _, word in ipairs(words) do command[#command + 1] = word end
      return scene:run(command)
    end
    local one = run("-j", "1")
    assert.equal(0, one.status)
    assert.equal(one.out, run("-j", "3").out)
    assert.equal(0, run("s1", "s2", "--partial", "-o", scene:path "a").status)
    assert.equal(0, run("s3", "s4", "--partial", "-o", scene:path "b").status)
    assert.equal(one.out, scene:run { "merge", "table", scene:path "a", scene:path "b" }.out)
  end)

  it("is the same from the prompt, a script and a plugin", function()
    scene:write("mine.lua", [[local debrief = require "debrief"
      return { name = "mine", api = 1,
        retrospective = debrief.table { by = { "skill", "x=phase .. 1" }, show = { "runs", "passed" },
          sort = "-passed" } }]])
    scene:write("script.lua", [[print(log:table { by = { "skill", "x=phase .. 1" }, show = "runs, passed",
      sort = "-passed", session = { "s1", "s3" } }:text())]])
    local asked = scene:run { "table", "s1", "s3", "--by", "skill, x=phase .. 1", "--show", "runs, passed",
      "--sort", "-passed" }
    assert.equal(0, asked.status)
    assert.equal(asked.out, scene:run { "retro", "./mine.lua", "s1", "s3" }.out)
    assert.equal(asked.out, scene:run({ "run", "script.lua" }).out:gsub("\n$", ""))
  end)

  it("sorts, limits, and adds up the others so that the total is true", function()
    local _, sorted = rows { "--by", "line", "--show", "runs, sum(duration_ms)", "--sort", "-sum(duration_ms)",
      "--limit", "3" }
    assert.equal(4, #sorted)
    assert.is_true(sorted[1][3] >= sorted[2][3] and sorted[2][3] >= sorted[3][3])
    assert.equal("(others)", sorted[4][1])
    local runs, sum, whole = 0, 0, 0
    for _, row in ipairs(sorted) do runs, sum = runs + row[2], sum + row[3] end
    for _, e in ipairs(all) do whole = whole + (e.duration_ms or 0) end
    assert.same({ #all, whole }, { runs, sum })
    local _, ascending = rows { "--by", "weekday", "--show", "runs" }
    assert.same({ "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" },
      { ascending[1][1], ascending[2][1], ascending[3][1], ascending[4][1], ascending[5][1], ascending[6][1],
        ascending[7][1] })
  end)

  it("has a share that adds up to 100, and a median of all values", function()
    local _, list = rows { "--by", "phase", "--show", "share(), share(duration_ms), median(duration_ms)" }
    local runs, time = 0, 0
    for _, row in ipairs(list) do runs, time = runs + row[2], time + row[3] end
    assert.near(100, runs, 1e-9)
    assert.near(100, time, 1e-9)
    local found = rows { "s1", "--by", "phase", "--show", "median(duration_ms)" }
    local few = group(all, function(e) return e.session == "s1" and e.phase end)
    for key in pairs { a = 1, b = 1 } do
      local values = {}
      for _, e in ipairs(few[key]) do values[#values + 1] = e.duration_ms end
      assert.is_true(#values <= 100)
      local low = { table.unpack(values) }
      table.sort(low)
      assert.is_true(found[key][2] == median(values) or found[key][2] == low[(#low + 1) // 2])
    end
  end)

  it("leaves absent what a comparison with an absent field would be, and counts other errors", function()
    scene:write("few/f.jsonl", '{"session_id":"f","skill":"x"}\n{"session_id":"f","skill":"x","duration_ms":5}\n'
      .. '{"session_id":"f","skill":"x","duration_ms":7,"phase":"p"}\n')
    local r = scene:run { "-d", scene:path "few", "table", "--format", "json", "--show",
      "a=rate(duration_ms > 5), b=rate(phase == \"p\"), c=rate(not (duration_ms > 5)), d=rate(phase == nil), "
      .. "e=sum(duration_ms + 1), f=rate(duration_ms >= 5 and phase ~= \"q\")" }
    local report = cjson.decode(r.out).reports[1]
    local row = report.tables[1].rows[1]
    local function rate(cell) return ("%d/%d"):format(cell.num, cell.den) end
    assert.same({ "1/2", "1/1", "2/3", "2/3", 14, "1/1" },
      { rate(row[2]), rate(row[3]), rate(row[4]), rate(row[5]), row[6], rate(row[7]) })
    assert.truthy(report.text:find("Not computed 1 time: e: attempt to perform arithmetic on a nil value", 1, true))
  end)

  it("names fields that no entry has", function()
    local r = scene:run { "table", "--by", "skil" }
    assert.equal(0, r.status)
    assert.truthy(r.out:find("No entry has a field 'skil': did you mean 'skill'?", 1, true))
    assert.falsy(scene:run({ "table", "--by", "phase" }).out:find "No entry has")
  end)

  it("says in one line what is wrong with a definition", function()
    for _, case in ipairs {
      { { "--show", "run" }, "--show: 'run' is not a measure: did you mean 'runs'?" },
      { { "--show", "p50" }, "--show: 'p50' is not a measure" },
      { { "--show", "p50(duration_ms" }, "--show: 'p50(duration_ms' lacks a closing bracket" },
      { { "--show", "sum()" }, "--show: 'sum()' needs a field: sum(duration_ms)" },
      { { "--show", "runs," }, "--show: 'runs,' has an empty part" },
      { { "--show", "runs, runs" }, "--show: two columns are called 'runs'" },
      { { "--show", "sum(a b)" }, "--show: unexpected 'b'" },
      { { "--by", "x=function() end" }, "--by: " },
      { { "--by", "skill", "--sort", "-rnus" }, "--sort: no column is called 'rnus'" },
      { { "--across", "a,b" }, "--across: takes one field" },
      { { "--each", "attempts", "--show", "cost" }, "--show: 'cost' is of whole runs" },
      { { "--each", "tool" }, "--each takes attempts or tools, not 'tool'" },
      { { "--limit", "0" }, "--limit takes a number from 1 on, not '0'" },
    } do
      local r = scene:run { "table", table.unpack(case[1]) }
      assert.equal(2, r.status)
      assert.equal("", r.out)
      assert.truthy(r.err:find("debrief: " .. case[2], 1, true), r.err)
    end
  end)

  it("puts the message of a definition that a plugin gets wrong where the plugin is loaded", function()
    scene:write("bad.lua", [[return { name = "bad", api = 1,
      retrospective = require "debrief".table { by = "skill", show = "rum" } }]])
    local r = scene:run { "retro", "./bad.lua" }
    assert.equal(2, r.status)
    assert.truthy(r.err:find("show: 'rum' is not a measure", 1, true), r.err)
  end)

  it("shares no table with the expressions of a plugin", function()
    local r = scene:run { "table", "--by", "x=debrief.aggregate.merge(debrief, { outcome = {} })", "--show",
      "runs, n=count(debrief.outcome(entry))" }
    assert.equal(0, r.status)
    assert.truthy(rows({ "--show", "n=count(outcome)" })["tdd"])
  end)
end)

describe("virtual fields", function()
  setup(function()
    scene = program.scene()
    scene:write("sessions/a.jsonl", table.concat({
      '{"session_id":"a","timestamp":"2026-11-22T23:30:00Z","final_status":"ok"}',
      '{"session_id":"a","timestamp":"2026-11-23T00:30:00Z","duration_ms":600000,"attempts":[{"attempt":1,"model":"m",'
        .. '"verified":false,"duration_ms":40},{"attempt":2,"model":"m","verified":true}]}',
      '{"session_id":"a","timestamp":"2026-11-23T00:35:00Z","duration_ms":600000,"week":"mine"}',
      'damaged',
      '{"session_id":"a","skill":"untimed"}',
      '{"session_id":"a","timestamp":"2026-11-24T00:00:00Z","wall_ms":60000,"duration_ms":1}',
      '{"session_id":"a","timestamp":"2026-11-24T01:00:00Z","wall_ms":60000,"duration_ms":1}',
    }, "\n") .. "\n")
  end)
  teardown(program.clean)

  local env = { TZ = "UTC" }

  it("are computed, and a member of the same name comes first", function()
    local r = scene:run { "read", "--fields", "session,line,outcome,passed,first_try,attempt_count,lost_ms,day,week,"
      .. "month,hour,weekday,gap_ms", env = env }
    assert.equal(table.concat({
      "a\t1\tok\ttrue\t\t0\t\t2026-11-22\t2026-W47\t2026-11\t23\tSun\t",
      "a\t2\tok\ttrue\tfalse\t2\t40\t2026-11-23\t2026-W48\t2026-11\t0\tMon\t3000000",
      "a\t3\tunknown\t\t\t0\t\t2026-11-23\tmine\t2026-11\t0\tMon\t0",
      "a\t5\tunknown\t\t\t0\t\t\t\t\t\t\t",
      "a\t6\tunknown\t\t\t0\t\t2026-11-24\t2026-W48\t2026-11\t0\tTue\t",
      "a\t7\tunknown\t\t\t0\t\t2026-11-24\t2026-W48\t2026-11\t1\tTue\t3540000",
    }, "\n") .. "\n", r.out)
  end)

  it("are known in expressions, in windows and in plugins, whatever a selection leaves out", function()
    scene:write("gaps.lua", [[local debrief = require "debrief"
      return { name = "gaps", api = 1, split = true, retrospective = { init = function() return {} end,
        step = function(acc, e) acc[#acc + 1] = tostring(debrief.get(e, "gap_ms")) .. "@" .. debrief.get(e, "line") end,
        merge = function(acc, other) for _, x in ipairs(other) do acc[#acc + 1] = x end end,
        finish = function(acc) return { title = "t", text = table.concat(acc, " ") } end } }]])
    local since = { "read", "--since", "2026-11-23T00:35:00Z", "--where", "gap_ms ~= nil", "--fields", "line",
      env = env }
    assert.equal("3\n7\n", scene:run(since).out)
    assert.equal("2\n", scene:run({ "read", "--where", 'week == "2026-W48" and lost_ms == 40', "--fields", "line",
      env = env }).out)
    local r = scene:run { "retro", "./gaps.lua", "--where", "gap_ms", env = env }
    assert.truthy(r.out:find("3000000@2 0@3 3540000@7", 1, true), r.out)
    if not program.sanitized then
      local isolated = scene:run { "retro", "./gaps.lua", "--where", "gap_ms", "--isolate", env = env }
      assert.equal(r.out, isolated.out)
    end
  end)

  it("are not asked for in vain", function()
    assert.equal("", scene:run({ "read", "--fields", "weekday", "a:1", env = env }).err)
  end)

  it("follow an entry through a list, a copy and log:follow", function()
    scene:write("script.lua", [[local debrief = require "debrief"
      local list = debrief.list(log:entries { session = "a" })
      print(debrief.get(list[2], "gap_ms"), debrief.get(list[2], "line"), debrief.get(list[2], "session"))
      for e in log:follow { session = "a", from = "start", timeout = 0 } do
        if debrief.get(e, "line") == 7 then print(debrief.get(e, "gap_ms"), debrief.get(e, "session")) end
      end]])
    assert.equal("3000000\t2\ta\n3540000\ta\n", scene:run({ "run", "script.lua", env = env }).out)
  end)
end)
