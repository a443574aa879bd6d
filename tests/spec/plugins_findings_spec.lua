-- Plugins that show what happened: stuck, lessons, history, timeline.
local support = dofile "tests/spec/support/plugins.lua"

local function run(name, tables, options)
  return support.run(support.load("plugins/" .. name .. ".lua"), support.entries(tables), options)
end

-- Findings as lines: value, explanation, what they cite.
local function findings(report)
  local out = {}
  for i, finding in ipairs(report.findings) do
    local cited = {}
    for j, at in ipairs(finding.references) do cited[j] = at.session .. ":" .. at.line end
    out[i] = ("%s | %s | %s"):format(finding.value, finding.explanation, table.concat(cited, " "))
  end
  return out
end

local function failed(output, model) return { verified = false, runner_output = output, model = model } end

describe("stuck", function()
  it("reports attempts in a row that fail nearly the same way, in one run or several", function()
    local report = run("stuck", {
      { skill = "a", file_path = "x.c", final_status = "fail",
        attempts = { failed "line 1\nexpected 3, got 4", failed "line 1\nexpected 3, got 5" } },
      { skill = "b", file_path = "x.c", final_status = "fail", attempts = { failed "line 1\nexpected 3, got 4" } },
      { skill = "a", file_path = "x.c", final_status = "ok",
        attempts = { failed "line 2\nexpected 7, got 4", { verified = true } } },
    })
    assert.same({
      '4 | failures in a row, of a on x.c, b on x.c, 4 in a row with "expected N, got N". Then one passed. ' ..
        "| s:1 s:2 s:3",
      '3 | failed tries of a on x.c, 3 in a row with "expected N, got N". Then it passed. | s:1 s:3',
    }, findings(report))
    assert.equal("Loops and rows of failures: 2. Failed tries in loops: 3.", report.text)
  end)

  it("reports runs that fail in a row on one input, whatever their output; not across sessions or successes", function()
    local function fail(session, output)
      local attempts = { failed(output) }
      return { session_id = session, skill = "a", input = { n = 1 }, final_status = "fail", attempts = attempts }
    end
    local pass = { session_id = "s", skill = "a", input = { n = 1 }, final_status = "ok" }
    local report = run("stuck", { fail("s", "red"), fail("s", "green"), fail("s", "blue") })
    assert.same({ '3 | failed tries of a on {"n":1}, the last with "blue". It did not pass. | s:1 s:2 s:3' },
      findings(report))
    assert.equal("No loops.", run("stuck", { fail("s", "red"), fail("s", "green"), fail("t", "blue") }).text)
    assert.equal("No loops.", run("stuck", { fail("s", "red"), fail("s", "green"), pass, fail("s", "blue") }).text)
  end)

  it("counts failures in a row across a session, whatever they are about, until something passes", function()
    local function try(i, ...) return { skill = "a", input = "i" .. i, attempts = { ... } } end
    local report = run("stuck", { try(1, failed "red 1"), try(2, { model = "m" }),
      try(3, failed "red 2", failed "blue"), try(4, { verified = true }, failed "red 3") })
    assert.same({ '3 | failures in a row, of a on i3, a on i1, 2 in a row with "red N". Then one passed. | s:1 s:3' },
      findings(report))
    local one = run("stuck", { try(1, failed "red", failed "green", failed "blue") })
    assert.same({ '3 | failures in a row, of a on i1, the last with "blue". Nothing passed after them. | s:1' },
      findings(one))
  end)

  it("names a failure as failures does", function()
    local output = "Exit code 1\n@@ -1 +1 @@\n-error: old\n+error: new\n/a/b.c:12: error: no rule"
    local entry = { skill = "a", input = "x", final_status = "fail", attempts = { failed(output) } }
    local name = "b.c:N: error: no rule"
    assert.matches(name, run("failures", { entry }).findings[1].explanation, 1, true)
    assert.matches(name, run("stuck", { entry, entry, entry }).findings[1].explanation, 1, true)
    assert.matches(name, run("lessons", { { skill = "a", attempts = { failed(output), { verified = true } } } })
      .findings[1].explanation, 1, true)
  end)
end)

describe("lessons", function()
  it("reports what worked after failing, and what changed", function()
    local report = run("lessons", {
      { skill = "a", final_status = "ok", attempts = {
        failed("....\nno rule", "m1"), failed("..F.\n\27[31mno file\27[0m", "m1"),
        { verified = true, model = "m2", output_summary = "Moved it." } } },
      { skill = "a", final_status = "ok", attempts = { { verified = true } } },
    })
    assert.same({ "worked | a: attempt 3, m2 for m1. Failed: no rule; then no file. It says: Moved it. | s:1" },
      findings(report))
    assert.equal("1 of 2 runs passed at once and are left out. Found: contradiction 0, doubtful 0, worked later 0, " ..
      "worked 1.", report.text)
  end)

  it("says which files were edited while a check failed, for the longest series of failures", function()
    local function test(verified)
      return { verified = verified, runner_output = "oops", checks = { { command = "make test a" } } }
    end
    local function call(name, target, error) return { name = name, target = target, error = error } end
    local report = run("lessons", { { attempts = { test(false), test(true), test(false), test(false), test(true) },
      tools = { call("Edit", "0.c"), call("Bash", "make test", true), call("Edit", "1.c"), call("Bash", "make test"),
        call("Edit", "2.c"), call("Bash", "make test", true), call("Bash", "ls", true), call("edit", "b/3.c"),
        call("Edit", "x.c", true), call("Bash", "make test", true), call("apply_patch", "a/4.c"),
        call("Edit", "c/4.c"), call("Read", "5.c"), call("Bash", "make test"), call("Edit", "6.c"), 7, {} } } })
    assert.same({ "worked | a run: attempt 5. Failed: oops. Worked: edited 3.c, 4.c. | s:1" }, findings(report))
  end)

  it("says which commands were run while a check failed, and quotes nothing then", function()
    local function test(verified)
      return { verified = verified, runner_output = "oops", output_summary = "All is well.",
        checks = { { command = "make test" } } }
    end
    local report = run("lessons", { { attempts = { test(false), test(true) }, tools = {
      { name = "Bash", target = "make && make test", error = true }, { name = "Bash", target = "npm ci" },
      { name = "Bash", target = "make && make test" } } } })
    assert.same({ "worked | a run: attempt 2. Failed: oops. Worked: ran npm ci. | s:1" }, findings(report))
  end)

  it("distinguishes contradictions from what worked later, by time", function()
    local function at(day, status, input)
      return { skill = "a", at = "2026-01-0" .. day .. "T00:00:00Z", final_status = status, input = input or { n = 1 },
        attempts = { { runner_output = "said" } } }
    end
    assert.same({ 'contradiction | a on {"n":1}: passed 1×, failed 1× | s:1 s:2' },
      findings(run("lessons", { at(1, "ok"), at(2, "fail") })))
    assert.same({ 'worked later | a on {"n":1}: passed 1×, failed 1× | s:2 s:1' },
      findings(run("lessons", { at(2, "ok"), at(1, "fail") })))
    assert.same({}, findings(run("lessons", { at(1, "ok"), at(2, "fail", { n = 2 }) })))
  end)

  it("doubts what the last attempt denies, and failures without a word", function()
    assert.same({
      "doubtful | a: claims to have passed, its last attempt did not verify | s:1",
      "doubtful | a: claims to have failed, its last attempt did verify | s:2",
      "doubtful | a: failed without a word of output | s:3",
    }, findings(run("lessons", {
      { skill = "a", final_status = "ok", attempts = { failed "x" } },
      { skill = "a", final_status = "fail", attempts = { { verified = true } } },
      { skill = "a", final_status = "fail", attempts = { failed "" } },
      { skill = "a", final_status = "fail", attempts = { failed "x" } },
    })))
  end)

  it("says that nothing is new", function()
    local report = run("lessons", { { skill = "a", final_status = "ok" }, { skill = "a", final_status = "skip" } })
    assert.equal("1 of 2 runs passed at once and are left out. Nothing new.", report.text)
    assert.same({}, report.findings)
  end)
end)

describe("history", function()
  local log = {
    { skill = "plan", at = "2026-01-01T10:00:00Z", final_status = "ok", input = "first\nsecond" },
    { skill = "build", phase = "red", at = "2026-01-01T11:00:00Z", final_status = "fail",
      attempts = { failed "3 of 4\nno rule for x\n",
        { verified = false, output_summary = "Tried.", runner_output = "gone\n" } } },
    { final_status = "skip" },
  }

  it("has the latest runs, oldest first, in order of time", function()
    assert.equal(table.concat({ "Earlier runs, oldest first:",
      "- run: skip", "- 2026-01-01 10:00 plan: ok", "  asked: first",
      "- 2026-01-01 11:00 build (red): fail after 2 attempts", "  result: Tried.", "  failed with: gone" }, "\n"),
      run("history", log).text)
    assert.equal("No earlier runs.", run("history", {}).text)
  end)

  it("keeps to its budget with whole runs, and says how many are left out", function()
    local many = {}
    for i = 1, 50 do
      many[i] = { skill = "é" .. i, input = ("ü"):rep(300), at = ("2026-01-01T10:00:%02dZ"):format(i) }
    end
    for budget = 200, 3000, 350 do
      local text = run("history", many, { budget = budget }).text
      assert.is_true(utf8.len(text) <= budget)
      local _, shown = text:gsub("\n%- ", "")
      assert.equal(50 - shown, tonumber(text:match "%((%d+) older ones left out%)"))
      assert.is_true(text:find("é50", 1, true) ~= nil or shown == 0)
      assert.is_true(shown >= (budget - 80) // 210)
    end
  end)

  it("names the session when there are several", function()
    local text = run("history", { { session_id = "s" }, { session_id = "t", skill = "a" } }).text
    assert.equal("Earlier runs, oldest first:\n- [s] run: unknown\n- [t] a: unknown", text)
  end)
end)

describe("timeline", function()
  it("has the latest runs by time, with a mark for each attempt", function()
    local report = run("timeline", {
      { skill = "a", at = "2026-01-02T10:00:00Z", final_status = "ok", duration_ms = 5,
        attempts = { failed "x", { model = "m" }, { verified = true } } },
      { skill = "b", at = "2026-01-03T10:00:00+02:00" }, { skill = "c", at = "2026-01-01T10:00:00Z" }, { skill = "d" },
    }, { limit = 2 })
    assert.equal("The latest 2 of 3 runs. Runs without a time: 1.", report.text)
    assert.same({ { "2026-01-02 10:00", "a", "✗·✓", "ok", 5, "s:1" },
      { "2026-01-03 08:00", "b", nil, "unknown", nil, "s:2" } }, report.tables[1].rows)
  end)
end)
