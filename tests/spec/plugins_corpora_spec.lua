-- Totals of the standard set over whole logs, counted again here by other means: lua-cjson over the lines of the
-- sessions, and over the files that were imported. Always over tests/data/sessions, over logs made by others where they
-- are ($CORPORA).
local cjson = require "cjson"
local program = dofile "tests/spec/support/program.lua"

local CORPORA = os.getenv "CORPORA" or "../shared/corpora"
local RETROS = { "pass_rate", "attempts", "models", "phases", "slow", "trend", "usage", "timeline", "lessons", "stuck",
  "failures", "compare", "history" }
local NULL = cjson.null

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local out = {}
  for line in pipe:lines() do out[#out + 1] = line end
  return out
end

local function lines_of_text(text)
  local out = {}
  for line in text:gmatch "[^\n]+" do out[#out + 1] = line end
  return out
end

local function get(value) if value ~= NULL then return value end end

local function entries_in(dir)
  local out = {}
  for _, line in ipairs(lines_of("cat " .. program.quote(dir) .. "/*.jsonl")) do out[#out + 1] = cjson.decode(line) end
  return out
end

-- ---- Counting again ------------------------------------------------------------------------------------------------

local WORDS = { ok = "ok", pass = "ok", success = "ok", error = "fail", fail = "fail", failure = "fail",
  timeout = "fail", skipped = "skip", skip = "skip", aborted = "skip", interrupted = "skip" }

local function attempts_of(entry) return get(entry.attempts) or {} end

local function outcome_of(entry)
  local status = get(entry.final_status)
  if status and status ~= "" then return WORDS[status] or "unknown" end
  local attempts = attempts_of(entry)
  local verified = attempts[1] and get(attempts[#attempts].verified)
  return verified == nil and "unknown" or verified and "ok" or "fail"
end

local function count(entries, test)
  local n = 0
  for _, entry in ipairs(entries) do
    local amount = test(entry)
    n = n + (amount == true and 1 or tonumber(amount) or 0)
  end
  return n
end

local function sum_column(t, name)
  local at
  for i, column in ipairs(t.columns) do at = column == name and i or at end
  return count(t.rows, function(row) return type(row[at]) == "number" and row[at] or 0 end)
end

local checks = {}

function checks.pass_rate(report, entries)
  for _, row in ipairs(report.tables[1].rows) do
    local skill = row[1]
    local function of(outcome)
      return count(entries, function(e)
        return (get(e.skill) or "") == (get(skill) or "") and (not outcome or outcome_of(e) == outcome)
      end)
    end
    assert.same({ of "ok", of "fail", of "skip", of() }, { row[3], row[4], row[5], row[6] })
    assert.same({ of "ok", of "ok" + of "fail" }, { row[7].num, row[7].den })
  end
  assert.equal(#entries, sum_column(report.tables[1], "total"))
end

function checks.attempts(report, entries)
  local all, by_attempt = report.tables[1].rows[1], report.tables[2].rows
  local function first(e) return attempts_of(e)[1] and get(attempts_of(e)[1].verified) end
  local function any(e) return count(attempts_of(e), function(a) return get(a.verified) == true end) > 0 end
  assert.equal(count(entries, function(e) return #attempts_of(e) > 0 end), all[2])
  assert.same({ count(entries, function(e) return first(e) == true end),
    count(entries, function(e) return first(e) ~= nil end) }, { all[3].num, all[3].den })
  assert.equal(count(entries, function(e) return first(e) ~= nil and any(e) end), all[4].num)
  assert.equal(count(entries, function(e) return #attempts_of(e) > 1 end), all[5].num)
  local claims = count(entries, function(e)
    return count(attempts_of(e), function(a) return get(a.verified) ~= nil end)
  end)
  assert.equal(claims, count(by_attempt, function(row) return row[2].den end))
end

function checks.models(report, entries)
  local function all(test) return count(entries, function(e) return count(attempts_of(e), test) end) end
  assert.equal(all(function() return true end), sum_column(report.tables[1], "attempts"))
  assert.equal(all(function(a) return get(a.verified) == true end), count(report.tables[1].rows, function(row)
    return row[3].num
  end))
end

function checks.phases(report, entries)
  for _, row in ipairs(report.tables[1].rows) do
    assert.equal(count(entries, function(e) return get(e.phase) == get(row[1]) end), row[2])
  end
end

function checks.slow(report, entries)
  local skills, timed, slow = {}, 0, 0
  for _, entry in ipairs(entries) do
    local name, ms = get(entry.skill) or "", get(entry.duration_ms)
    skills[name] = skills[name] or {}
    table.insert(skills[name], ms)
    timed = timed + (ms and 1 or 0)
  end
  for _, times in pairs(skills) do
    table.sort(times)
    for _, ms in ipairs(times) do
      local median = (times[(#times + 1) // 2] + times[#times // 2 + 1]) / 2
      slow = slow + (ms > math.max(60000, 3 * median) and 1 or 0)
    end
  end
  assert.equal(("%d of %d timed runs took more"):format(slow, timed), report.text:match "^.-more")
end

function checks.trend(report, entries)
  local timed = count(entries, function(e) return get(e.timestamp) ~= nil end)
  assert.equal(timed, sum_column(report.tables[2], "runs"))
end

function checks.timeline(report, entries)
  local timed = count(entries, function(e) return get(e.timestamp) ~= nil end)
  assert.equal(timed, tonumber(report.text:match "of (%d+) runs"))
end

function checks.usage(report, entries)
  local logged = count(entries, function(e) return get(e.usage) ~= nil or get(e.cost_usd) ~= nil end)
  if logged == 0 then return assert.equal("No run has a usage or a cost_usd.", report.text) end
  local all = report.tables[1].rows[1]
  local parts = count(entries, function(e)
    return get(e.source) and get(e.source.agent_id) ~= nil and get(e.usage) ~= nil
  end)
  assert.equal(logged - parts, all[2].num)
  for i, field in ipairs { "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens" } do
    local tokens = count(entries, function(e) return get(e.usage) and get(e.usage[field]) or 0 end)
    assert.equal(tokens, get(all[2 + i]) or 0)
  end
end

function checks.lessons(report, entries)
  local inputs, both = {}, 0
  for _, entry in ipairs(entries) do
    if get(entry.input) ~= nil then
      local key = (get(entry.skill) or "") .. cjson.encode { entry.input }
      local seen = inputs[key] or {}
      seen[outcome_of(entry)], inputs[key] = true, seen
    end
  end
  for _, seen in pairs(inputs) do both = both + (seen.ok and seen.fail and 1 or 0) end
  local contradictions, later = report.text:match "contradiction (%d+).*worked later (%d+)"
  assert.equal(both, (tonumber(contradictions) or 0) + (tonumber(later) or 0))
end

function checks.stuck(report, _, by_place)
  for _, finding in ipairs(report.findings) do
    local tries = count(finding.references, function(at)
      local entry = by_place[("%s:%d"):format(at.session, at.line)]
      local failed = count(attempts_of(entry), function(a) return get(a.verified) == false end)
      return failed == 0 and outcome_of(entry) == "fail" and 1 or failed
    end)
    assert.is_true(finding.value >= 3 and finding.value <= tries)
  end
end

function checks.failures(report, entries)
  local failed = count(entries, function(e) return outcome_of(e) == "fail" end)
  local decided = failed + count(entries, function(e) return outcome_of(e) == "ok" end)
  assert.equal(("%d of %d decided runs failed"):format(failed, decided), report.text:match "^.-failed")
end

function checks.compare(report, entries)
  local row, sides = report.tables[2].rows[1], { report.text:match "^A is (.-) %(%d+ runs%), B is (.-) %(%d+ runs%)" }
  for i, model in ipairs(sides) do
    local function of(outcome)
      return count(entries, function(e)
        local attempts = attempts_of(e)
        local last = attempts[1] and get(attempts[#attempts].model) or get(e.model_used)
        return last == model and outcome_of(e) == outcome
      end)
    end
    if model ~= "none" then assert.same({ of "ok", of "ok" + of "fail" }, { row[i + 1].num, row[i + 1].den }) end
  end
end

function checks.history(report, entries)
  local omitted, _, shown = report.text:match "%((%d+) older", report.text:gsub("\n%- ", "")
  assert.equal(#entries, (tonumber(omitted) or 0) + shown)
  assert.is_true(utf8.len(report.text) <= 4000)
end

-- ---- Logs ----------------------------------------------------------------------------------------------------------

local function check_log(scene, dir)
  local result = scene:run { "-d", dir, "retro", table.concat(RETROS, ","), "--format", "json",
    "--opt", "trend.last=1000", "--opt", "stuck.limit=100000" }
  assert.equal(0, result.status, result.err)
  local entries, by_place = entries_in(dir), {}
  for _, file in ipairs(lines_of("ls " .. program.quote(dir) .. "/*.jsonl")) do
    for i, line in ipairs(lines_of("cat " .. program.quote(file))) do
      by_place[file:match "([^/]+)%.jsonl$" .. ":" .. i] = cjson.decode(line)
    end
  end
  local reports = cjson.decode(result.out).reports
  assert.equal(#RETROS, #reports)
  local runs = {} -- without what subagents did as a part of them
  for _, entry in ipairs(entries) do
    local source = get(entry.source)
    if not (source and get(source.agent_id)) then runs[#runs + 1] = entry end
  end
  for i, name in ipairs(RETROS) do
    local counts_all = name == "models" or name == "usage" -- a subagent's attempts and tokens are a model's
    checks[name](reports[i], counts_all and entries or runs, by_place)
  end
  local words = {}
  local enriched = scene:run { "-d", dir, "read", "--enrich", "outcome", "--format", "jsonl" }
  for _, line in ipairs(lines_of_text(enriched.out)) do
    words[#words + 1] = cjson.decode(line).outcome
  end
  assert.equal(#entries, #words)
  for i, entry in ipairs(entries) do assert.equal(outcome_of(entry), words[i]) end
  for _, name in ipairs { "failed", "retried", "unverified" } do
    local kept = scene:run { "-d", dir, "read", "--filter", name, "--format", "jsonl" }
    local expected = count(entries, function(e)
      if name == "failed" then return outcome_of(e) == "fail" end
      if name == "retried" then return #attempts_of(e) > 1 end
      return count(attempts_of(e), function(a) return get(a.verified) == true end) == 0
    end)
    assert.equal(expected, select(2, kept.out:gsub("\n", "\n")))
  end
end

local function imported(scene, corpus)
  local files = lines_of("find " .. program.quote(CORPORA .. "/" .. corpus) .. " -name '*.jsonl' 2>/dev/null | sort")
  if #files == 0 then return nil end
  local words = { "-d", scene:path "log", "import" }
  for _, file in ipairs(files) do
    words[#words + 1] = file:sub(1, 1) == "/" and file or program.root .. "/" .. file
  end
  scene:run(words)
  return scene:path "log", files
end

describe("the standard set", function()
  teardown(program.clean)

  it("agrees with what is counted otherwise, on the sample sessions", function()
    check_log(program.scene(), program.root .. "/tests/data/sessions")
  end)

  it("takes days and windows of the user's zone", function()
    local scene = program.scene()
    scene:write("log/s.jsonl", '{"session_id":"s","timestamp":"2026-01-02T03:00:00Z","final_status":"ok"}\n')
    local words = { "-d", "log", "retro", "trend,compare,timeline", "--format", "json", "--opt", "trend.by=day",
      "--opt", "compare.by=time", "--opt", "compare.a=2026-01-01", "--opt", "compare.b=2026-01-02.." }
    for zone, day in pairs { UTC = "2026-01-02", ["America/New_York"] = "2026-01-01" } do
      words.env = { TZ = zone }
      local reports = cjson.decode(scene:run(words).out).reports
      assert.equal(day, reports[1].tables[2].rows[1][1])
      assert.equal(day == "2026-01-01" and 1 or 0, reports[2].tables[2].rows[1][2].den)
      assert.equal(day, reports[3].tables[1].rows[1][1]:sub(1, 10))
    end
  end)

  for _, corpus in ipairs { "skill-eval-runs", "claude-entire-a", "claude-spotter", "claude-ccl" } do
    it("agrees with what is counted otherwise, on " .. corpus, function()
      local scene = program.scene()
      local dir = imported(scene, corpus)
      if not dir then return pending("no " .. CORPORA .. "/" .. corpus) end
      check_log(scene, dir)
    end)
  end

  it("agrees with the files that skill-eval-runs was imported from", function()
    local scene = program.scene()
    local dir, files = imported(scene, "skill-eval-runs")
    if not dir then return pending("no " .. CORPORA .. "/skill-eval-runs") end
    local runs, passed, tokens = 0, 0, 0
    for _, file in ipairs(files) do
      for _, line in ipairs(lines_of("cat " .. program.quote(file))) do
        local run, failed = cjson.decode(line), 0
        for _, assertion in ipairs(run.assertions) do failed = failed + (assertion.passed == true and 0 or 1) end
        runs, tokens = runs + 1, tokens + run.tokens_in
        passed = passed + (#run.assertions > 0 and failed == 0 and 1 or 0)
      end
    end
    local result = scene:run { "-d", dir, "retro", "pass_rate,usage", "--format", "json" }
    local reports = cjson.decode(result.out).reports
    local skills = reports[1].tables[1]
    assert.same({ runs, passed }, { sum_column(skills, "total"), sum_column(skills, "pass") })
    assert.equal(tokens, reports[2].tables[1].rows[1][3])
  end)
end)
