-- Plugins that count: attempts, models, phases, slow, pass_rate, trend, compare, usage. Small logs, exact cells.
local support = dofile "tests/spec/support/plugins.lua"

local function run(name, tables, options)
  return support.run(support.load("plugins/" .. name .. ".lua"), support.entries(tables), options)
end

-- Cells as one reads them in a spec: rates as "1/2", no data as "-".
local function row(cells, n)
  local out = {}
  for i = 1, n do
    local cell = cells[i]
    if type(cell) == "table" and cell.den then cell = cell.num .. "/" .. cell.den end
    if math.type(cell) == "float" then cell = ("%.3f"):format(cell) end
    out[i] = cell == nil and "-" or tostring(cell)
  end
  return table.concat(out, " ")
end

local function rows(report, t)
  local out = {}
  for i, cells in ipairs(report.tables[t].rows) do out[i] = row(cells, #report.tables[t].columns) end
  return out
end

local function tries(...)
  local out = {}
  for i, verified in ipairs { ... } do out[i] = { attempt = i, model = "m" .. i, verified = verified } end
  return out
end

describe("attempts", function()
  local report = run("attempts", {
    { skill = "a", attempts = tries(false, true) }, { skill = "a", attempts = tries(true), duration_ms = 5 },
    { skill = "a", attempts = tries(false), duration_ms = 70 }, { skill = "b", attempts = { { model = "m1" } } },
    { skill = "b" }, { skill = "b", attempts = { { verified = false, duration_ms = 30 }, { verified = false } } },
  })

  it("has the first try beside the end over the same runs, and the time that was lost", function()
    assert.same({ "(all) 5 1/4 2/4 2/5 100", "a 3 1/3 2/3 1/3 70", "b 2 0/1 0/1 1/2 30" }, rows(report, 1))
    assert.equal("1 of 4 runs were saved by a retry. Runs without attempts: 1. Unverified attempts without a time: 2.",
      report.text)
  end)

  it("says what each further attempt is worth, and another model", function()
    assert.same({ "1 1/4", "2 1/2" }, rows(report, 2))
    assert.same({ "m1 → m2 1 1/1" }, rows(report, 3))
    assert.equal(3, #report.tables)
  end)
end)

describe("trials", function()
  -- n runs on a case, the first c of which passed.
  local function runs(n, c, case, skill)
    local out = {}
    for i = 1, n do
      out[i] = { skill = skill, input = { task = case, at = i }, final_status = i <= c and "ok" or "fail" }
    end
    return out
  end

  -- Of all ways to draw k of n trials, the shares in which one of c passes, and in which all pass.
  local function enumerated(n, c, k)
    local draws, one, all = 0, 0, 0
    local function draw(from, left, passed)
      if left == 0 then
        draws, one, all = draws + 1, one + (passed > 0 and 1 or 0), all + (passed == k and 1 or 0)
        return
      end
      for i = from, n - left + 1 do draw(i + 1, left - 1, passed + (i <= c and 1 or 0)) end
    end
    draw(1, k, 0)
    return one / draws, all / draws
  end

  local function trials(report) return report.tables[#report.tables].rows end

  it("have the pass@k and pass^k of an enumeration of all draws", function()
    for n = 2, 8 do
      for c = 0, n do
        local found = trials(run("attempts", runs(n, c, "t"), { case = "input.task" }))
        assert.equal(n, #found)
        for k, cells in ipairs(found) do
          local one, all = enumerated(n, c, k)
          assert.same({ k, 1 }, { cells[3], cells[4] })
          assert.is_true(math.abs(cells[5] - one) <= 1e-12 and math.abs(cells[6] - all) <= 1e-12)
        end
      end
    end
  end)

  it("are means over the cases with at least k decided trials, whose number is shown", function()
    local log = runs(4, 1, "a", "x")
    table.move(runs(2, 2, "b", "x"), 1, 2, #log + 1, log)
    table.move(runs(1, 0, "c", "x"), 1, 1, #log + 1, log)
    table.move(runs(3, 1, "a", "y"), 1, 3, #log + 1, log)
    log[#log + 1] = { skill = "x", input = { task = "b" }, final_status = "skip" }
    log[#log + 1] = { skill = "x", input = { task = "b" } }
    local report = run("attempts", log, { case = "input.task" })
    assert.equal("Trials: 12, decided: 10.", report.text:match "Trials.*")
    assert.same({ "x - 1 3 0.417 0.417", "x - 2 2 0.750 0.500", "x - 3 1 0.750 0.000", "x - 4 1 1.000 0.000",
      "y - 1 1 0.333 0.333", "y - 2 1 0.667 0.000", "y - 3 1 1.000 0.000" }, rows(report, #report.tables))
  end)

  it("are runs of a skill on the same input without the option, and nothing where no case was tried twice", function()
    local log = {}
    for i = 1, 4 do
      log[i] = { skill = i <= 2 and "x" or nil, input = "same", final_status = i % 2 == 0 and "ok" or "fail" }
    end
    assert.same({ "x - 1 1 0.500 0.500", "x - 2 1 1.000 0.000" }, rows(run("attempts", log), 3))
    assert.equal(2, #run("attempts", runs(5, 3, "t", "x")).tables)
    for i = 1, 4 do log[i].skill, log[i].source, log[i].model_used = nil, { trial = i }, i <= 2 and "m" or "n" end
    assert.same({ "- m 1 1 0.500 0.500", "- m 2 1 1.000 0.000", "- n 1 1 0.500 0.500", "- n 2 1 1.000 0.000" },
      rows(run("attempts", log), 3))
    assert.is_nil(run("attempts", { { skill = "x", input = "a", final_status = "ok" } }).text:find "Trials")
  end)
end)

describe("models", function()
  local report = run("models", {
    { skill = "a", attempts = tries(false, true), final_status = "ok" },
    { skill = "a", attempts = tries(true), duration_ms = 40, final_status = "fail" },
    { skill = "b", attempts = { { verified = false } }, model_used = "m2" }, { skill = "b", final_status = "skip" },
  })

  it("counts attempts for the model that made them, runs for the one that finished them", function()
    assert.same({ "m1 2 1/2 1/2 0/1", "m2 2 1/2 0/1 1/2" }, rows(report, 1))
    assert.same({ "a m1 2 1/2 40", "a m2 1 1/1 -", "b m2 1 0/1 -" }, rows(report, 2))
  end)
end)

describe("phases", function()
  it("puts first what took most, and the untimed last", function()
    local report = run("phases", { { phase = "build", skill = "a", final_status = "ok", duration_ms = 10 },
      { phase = "plan", skill = "b", final_status = "fail", duration_ms = 50 }, { skill = "a" },
      { phase = "build", skill = "a", final_status = "skip", duration_ms = 20 } })
    assert.same({ "plan 1 0/1 50 50 b 1", "build 2 1/1 30 15 a 2", "- 1 0/0 - - a 1" }, rows(report, 1))
  end)
end)

describe("slow", function()
  it("compares with the skill's own median, and shows those that exceed it most", function()
    local log = { { skill = "a", duration_ms = 10 }, { skill = "a", duration_ms = 10 },
      { skill = "a", duration_ms = 100 }, { skill = "b", duration_ms = 5000 }, { skill = "b" },
      { duration_ms = 1 }, { duration_ms = 1 }, { duration_ms = 14 } }
    local report = run("slow", log, { limit_ms = 12 })
    assert.equal("2 of 7 timed runs took more than 3 times the median of their skill, and more than 0.012 s. " ..
      "Runs without a time: 1.", report.text)
    assert.same({ "- 1/3 1 14 14", "a 1/3 10 100 100", "b 0/1 5000 5000 5000" }, rows(report, 1))
    assert.same({ "- 14 14.000 unknown s:8", "a 100 10.000 unknown s:3" }, rows(report, 2))
    assert.same({ "- 14 14.000 unknown s:8" }, rows(run("slow", log, { limit_ms = 12, limit = 1 }), 2))
    assert.matches("^1 of 7 .* 1%.5 times .* 0%.05 s", run("slow", log, { limit_ms = 50, times = 1.5 }).text)
    assert.matches("^0 of 7 .* 60 s", run("slow", log).text)
    local options = require "debrief.plugin.options"
    local declared = { name = "slow", options = { limit_ms = { type = "integer" }, age_s = { type = "number" },
      n = { type = "integer" } } }
    assert.same({ limit_ms = 90000, age_s = 5400 }, options.values(declared, { limit_ms = "1 m 30 s", age_s = "1.5h" }))
    local refused, message = options.values(declared, { n = "90 s" })
    assert.same({ nil, "option slow.n is of type integer: '90 s' is not" }, { refused, message })
  end)
end)

describe("pass_rate", function()
  local day, log = 86400 * 1000000000, {
    { skill = "a", at = "2026-01-10T00:00:00Z", final_status = "ok" }, { skill = "a", final_status = "ok" },
    { skill = "a", at = "2026-01-03T00:00:00Z", final_status = "fail" },
    { skill = "a", at = "2026-01-02T23:59:59.999999999Z", final_status = "fail" },
    { skill = "b", at = "2026-01-09T00:00:00Z", final_status = "skipped" },
    { skill = "b", at = "2026-01-09T00:00:00Z", final_status = "running" },
  }
  local now = 20463 * day -- 2026-01-10T00:00:00Z

  it("has a row for each skill, no data where nothing was decided", function()
    local report = run("pass_rate", log)
    assert.same({ "a all 2 2 0 4 2/4", "b all 0 0 1 2 0/0" }, rows(report, 1))
    local json = support.show("json", report)
    assert.is_truthy(json:find('["b","all",0,0,1,2,{"num":0,"den":0,"rate":null}]', 1, true))
    assert.is_truthy(json:find('["skill","window","pass","fail","skip","total","pass_rate"]', 1, true))
  end)

  it("takes a half-open window that ends now", function()
    local report = run("pass_rate", log, { window = "7d", now = now })
    assert.same({ "a 7d 0 1 0 1 0/1", "b 7d 0 0 1 2 0/0" }, rows(report, 1))
    assert.equal("Runs outside of the window: 2. Runs without a time, in no window: 1.", report.text)
    local since = run("pass_rate", log, { since = now - 7 * day, now = now })
    assert.same({ "a 2026-01-03.. 1 1 0 2 1/2", "b 2026-01-03.. 0 0 1 2 0/0" }, rows(since, 1))
    assert.equal("Runs outside of the window: 1. Runs without a time, in no window: 1.", since.text)
    local both = run("pass_rate", log, { since = now - 7 * day, ["until"] = now - day // 2, now = now, window = "1d" })
    assert.same({ "b 1d of 2026-01-03..2026-01-09 12:00 0 0 1 2 0/0" }, rows(both, 1))
    for _, bad in ipairs { "7", "d", "7x", "", "1234567d" } do
      assert.is_false(support.load("plugins/pass_rate.lua").options.window.check(bad))
    end
  end)
end)

describe("trend", function()
  local DAY, START = 86400, 1767614400 -- Monday 2026-01-05 12:00

  -- Runs of a skill: passes of 20 in each period, `days` long; false: nothing ran.
  local function log(passes, days, skill, out)
    out = out or {}
    for period, n in ipairs(passes) do
      for i = 1, n and 20 or 0 do
        local at = os.date("!%Y-%m-%dT%H:%M:%SZ", START + (period - 1) * days * DAY)
        out[#out + 1] = { skill = skill or "a", at = at, final_status = i <= n and "ok" or "fail", phase = "p",
          duration_ms = n * 1000 + i }
      end
    end
    return out
  end

  it("names a lasting step with its week, size and interval", function()
    local report = run("trend", log({ 19, 18, 20, 19, 12, 13, 11, 12 }, 7))
    assert.same({ "a step 2026-W06 76/80 48/80 -35.000 -46.725 -23.194" }, rows(report, 1))
    assert.equal("a: a step in passed since 2026-W06, 76/80 (95 %) before, 48/80 (60 %) from then on: -35.0 points " ..
      "(-46.7 to -23.2).\nFrom 2026-W02 to 2026-W09. 2 tests on 1 series, corrected for their number.", report.text)
    assert.same({ 0.95, 0.9, 1, 0.95, 0.6, 0.65, 0.55, 0.6, n = 8, low = 0, high = 1 },
      report.tables[2].rows[1][4].spark)
    assert.equal("a 124/160 12/20", row(report.tables[2].rows[1], 3))
  end)

  it("names a slope", function()
    local report = run("trend", log({ 20, 18, 17, 15, 13, 11, 10, 8 }, 1), { by = "day" })
    assert.equal("a slope 2026-01-05 70/80 42/80", row(report.tables[1].rows[1], 5))
    assert.equal("a: a slope in passed since 2026-01-05, 70/80 (88 %) in the earlier half, 42/80 (52 %) in the " ..
      "later: -8.6 points (-11.2 to -5.9) per day.", report.text:match "^[^\n]+")
  end)

  it("names nothing for a single outlier, a flat series, or a few periods", function()
    assert.matches("^Nothing can be tested: a change needs four weeks with data", run("trend", log({ 19, 3 }, 7)).text)
    for _, passes in ipairs { { 19, 19, 19, 2, 19, 19, 19, 19 }, { 19, 18, 19, 19, 19, 18, 19, 1 },
      { 15, 14, 15, 16, 15, 14 } } do
      local report = run("trend", log(passes, 7))
      assert.matches("^No lasting change was found%.\n", report.text)
      assert.equal(2, #report.tables)
    end
  end)

  it("corrects for the number of skills, and follows any field", function()
    local step = { 17, 16, 17, 17, 12, 10, 11, 12 }
    assert.matches("^a: a step", run("trend", log(step, 7)).text)
    local many = log(step, 7)
    for i = 1, 60 do log({ 15, 16, 15, 16, 15, 16, 15, 16 }, 7, "b" .. i, many) end
    assert.matches("^No lasting change.*122 tests on 61 series", run("trend", many).text)
    assert.matches("^p: a step", run("trend", log(step, 7), { by = "phase" }).text)
    assert.has_error(function() run("trend", log(step, 7), { by = "nothing" }) end,
      "no run has a value for by=nothing: `debrief fields` lists what there is")
  end)

  it("says so when no run has what is measured", function()
    local report = run("trend", log({ 5, 6, 7, 8 }, 7), { measure = "mean(duraton_ms)" })
    assert.truthy(report.text:find("No run has a value of mean(duraton_ms)", 1, true), report.text)
  end)

  it("follows numbers by the share above the median, and shows medians", function()
    local report = run("trend", log({ 5, 5, 5, 5, 10, 10, 10, 10 }, 7), { measure = "duration_ms" })
    assert.equal("a step 2026-W06 5010.500 10010.500", row(report.tables[1].rows[1], 5))
    assert.matches("a step in duration_ms since 2026%-W06, 5%.0 s before, 10%.0 s from then on: %+%d+%.%d points",
      report.text)
    assert.equal("a 160", row(report.tables[2].rows[1], 2))
  end)

  it("has gaps, no more periods than asked for, weeks from Monday, and months", function()
    local two = { { skill = "a", at = "2026-01-04T12:00:00Z", final_status = "ok" },
      { skill = "a", at = "2026-01-07T00:00:00Z", final_status = "ok" }, { skill = "a" } }
    assert.same({ "2026-01-04 1 1/1", "2026-01-05 0 0/0", "2026-01-06 0 0/0", "2026-01-07 1 1/1" },
      rows(run("trend", two, { by = "day" }), 2))
    assert.same({ 1, n = 4, low = 0, high = 1, [4] = 1 },
      run("trend", two, { every = "day" }).tables[1].rows[1][4].spark)
    assert.same({ "2026-01-06 0 0/0", "2026-01-07 1 1/1" }, rows(run("trend", two, { every = "day", last = 2 }), 2))
    assert.same({ "2026-W01 1 1/1", "2026-W02 1 1/1" }, rows(run("trend", two), 2))
    assert.same({ "2026-01 2 2/2" }, rows(run("trend", two, { every = "month" }), 2))
    assert.matches("Runs without a time: 1%.", run("trend", two).text)
    assert.matches("No run has a time%.", run("trend", { { skill = "a" } }).text)
    local gap = run("trend", log({ 19, 18, 20, false, false, 19, 12, 13, 11, 12 }, 7))
    assert.matches("since 2026%-W08", gap.text)
  end)
end)

describe("compare", function()
  local function log(field, counts, skill, extra) -- { value = { passed, of } }
    local out = extra or {}
    for _, value in ipairs { "x", "y" } do
      for i = 1, counts[value] and counts[value][2] or 0 do
        local status = i <= counts[value][1] and "ok" or "fail"
        out[#out + 1] = { skill = skill or "a", [field] = value, final_status = status }
      end
    end
    return out
  end

  local function answer(report) return row(report.tables[1].rows[1], #report.tables[1].columns) end

  it("has the difference in points, its interval and a plain answer; the floor is for the difference", function()
    local function of(x, y, options) return answer(run("compare", log("model_used", { x = x, y = y }), options)) end
    assert.equal("B is better 20.000 5.283 33.817 5.000 150/150", of({ 48, 80 }, { 56, 70 }, { a = "x" }))
    assert.equal("A is better -20.000 -33.817 -5.283 5.000 150/150", of({ 48, 80 }, { 56, 70 }, { a = "y" }))
    assert.equal("B is better 20.000 5.283 33.817 19.000 150/150",
      of({ 48, 80 }, { 56, 70 }, { a = "x", floor = 0.19 }))
    assert.matches("^cannot tell 20", of({ 48, 80 }, { 56, 70 }, { a = "x", floor = 0.25 }))
    assert.matches("^cannot tell ", of({ 4, 8 }, { 6, 8 }))
    assert.matches("^no difference 0", of({ 4500, 5000 }, { 4500, 5000 }))
    local report = run("compare", log("model_used", { x = { 48, 80 }, y = { 56, 70 } }), { a = "x" })
    assert.equal("A is x (80 runs), B is y (70 runs).\npassed: B is better, by +20.0 points (+5.3 to +33.8). " ..
      "It rests on 150 of 150 runs, of 1 skill that both ran, each compared with itself.", report.text)
    assert.same({ "(all runs) 48/80 56/70 - - -", "a 48/80 56/70 20.000 5.283 33.817" }, rows(report, 2))
  end)

  it("cannot tell from fewer than five decided runs on a side", function()
    local report = run("compare", log("model_used", { x = { 0, 4 }, y = { 90, 90 } }), { a = "x" })
    assert.matches("^cannot tell 100", answer(report))
    assert.matches("cannot tell, for fewer than 5 runs of skills that both ran are decided on a side%.", report.text)
    local enough = log("model_used", { x = { 0, 5 }, y = { 90, 90 } })
    assert.matches("^B is better", answer(run("compare", enough, { a = "x" })))
  end)

  it("compares skills with themselves, and says what it leaves out", function()
    -- both skills are equal on both sides, but y runs the easy one: Simpson's paradox
    local tables = log("model_used", { x = { 9, 10 }, y = { 90, 100 } }, "easy")
    log("model_used", { x = { 20, 100 }, y = { 2, 10 } }, "hard", tables)
    local equal = run("compare", tables, { a = "x" })
    assert.matches("^cannot tell 0.000", answer(equal))
    assert.equal("(all runs) 29/110 92/110 - - -", rows(equal, 2)[1])
    log("model_used", { x = { 0, 7 } }, "old", tables)
    log("model_used", { y = { 30, 30 } }, "new", tables)
    tables[#tables + 1] = { skill = "easy", model_used = "y" }
    local report = run("compare", tables, { a = "x" })
    assert.matches("^cannot tell 0.000 .* 220/257$", answer(report))
    assert.matches("of 2 skills that both ran.* Left out: new %(only B, 30%), old %(only A, 7%)%. Undecided: " ..
      "0 of A, 1 of B%.", report.text)
    assert.same({ "new 0/0 30/30 - - -", "old 0/7 0/0 - - -" }, { rows(report, 2)[4], rows(report, 2)[5] })
  end)

  it("names skills that disagree", function()
    local tables = log("model_used", { x = { 10, 40 }, y = { 35, 40 } }, "up")
    log("model_used", { x = { 35, 40 }, y = { 10, 40 } }, "down", tables)
    assert.matches("The skills disagree %(chance %S+ if they did not%): up %+62%.5 points, down %-62%.5; read them",
      run("compare", tables, { a = "x" }).text)
  end)

  it("takes any field, its two values with most runs or those asked for; one that no run has is an error", function()
    local tables = log("phase", { x = { 1, 3 }, y = { 2, 2 } })
    assert.matches("^A is x %(3 runs%), B is y %(2 runs%)", run("compare", tables, { by = "phase" }).text)
    assert.matches("^A is y %(2 runs%), B is x %(3 runs%)", run("compare", tables, { by = "phase", b = "x" }).text)
    assert.matches("^A is x %(3 runs%), B is z %(0 runs%)%.\npassed: cannot tell",
      run("compare", tables, { by = "phase", b = "z" }).text)
    local nested = { { source = { run = 7 }, final_status = "ok" }, { source = { run = 7 } }, { source = "8" } }
    assert.matches("^A is 7 %(2 runs%), B is none", run("compare", nested, { by = "source.run" }).text)
    assert.has_error(function() run("compare", tables, { by = "nothing" }) end,
      "no run has a value for by=nothing: `debrief fields` lists what there is")
    local skills = log("phase", { x = { 9, 10 } }, "s", log("phase", { x = { 2, 10 } }, "t"))
    local two = run("compare", skills, { by = "skill" })
    assert.matches("^A is s .*A is better, by %-70%.0 points .* It rests on 20 of 20 runs%.$", two.text)
  end)

  it("takes windows as --since and --until do, and states them; empty and overlapping ones are errors", function()
    local times = { { at = "2026-01-01T00:00:00Z", final_status = "ok" }, { at = "2026-02-01T00:00:00Z" },
      { at = "2026-01-31T23:59:59Z" }, {} }
    local text = run("compare", times, { by = "time", a = "2026-01", b = "2026-02-01.." }).text
    assert.matches("^A is from 2026%-01%-01 00:00 until before 2026%-02%-01 00:00 %(2 runs%), " ..
      "B is from 2026%-02%-01 00:00 until before the end %(1 runs%)", text)
    assert.matches("^A is from 2026%-01%-18 00:00 until before 2026%-01%-25 00:00 %(0 runs%), B is from " ..
      "2026%-01%-25 00:00 until before 2026%-02%-01 00:00 %(1 runs%)",
      run("compare", times, { by = "time", now = 1769904000000000000 }).text)
    local options = support.load("plugins/compare.lua").options
    for _, bad in ipairs { "x", "2026-03..2026-02", "2026-02-01T10:00..2026-02-01T10:00" } do
      assert.is_false((options.a.check(bad, { by = "time" })), bad)
    end
    assert.is_truthy(options.a.check("x", { by = "model" }))
    local fine, says = options.b.check("2026-02..", { by = "time", a = "2026-01..2026-02-01" })
    assert.is_false(fine)
    assert.matches("does not overlap", says)
    assert.is_true((options.b.check("2026-02-02..", { by = "time", a = "2026-01..2026-02-01" })))
  end)

  local function timed(skill, n, ms, extra)
    local out = extra or {}
    for i = 1, n do
      for _, side in ipairs { "x", "y" } do
        local first = { verified = side == "y" or i % 2 == 0, duration_ms = 100 + i % 3 }
        out[#out + 1] = { skill = skill, model_used = side, attempts = { first, i % 4 == 0 and {} or nil },
          duration_ms = ms[side] * (80 + 40 * ((i * 7) % n) // n) // 100 }
      end
    end
    return out
  end

  it("compares durations by the ratio of medians, skill by skill", function()
    local tables = timed("slow", 30, { x = 60000, y = 90000 }, timed("fast", 30, { x = 1000, y = 1500 }))
    tables[#tables + 1] = { skill = "slow", model_used = "x" }
    local report = run("compare", tables, { a = "x", measure = "duration_ms" })
    assert.matches("duration_ms: B is higher, 1%.%d%d times A %(1%.%d%d to 1%.%d+%)%. It rests on 120 of 120 runs",
      report.text)
    assert.matches("Without a value: 1 of A, 0 of B", report.text)
    assert.matches("^B is higher 1%.%d+ 1%.%d+ 1%.%d+ 5%.000 120/120$", answer(report))
    assert.equal("skill", report.tables[2].columns[1].key)
    local few = run("compare", timed("slow", 4, { x = 60000, y = 90000 }), { a = "x", measure = "duration_ms" })
    assert.matches("cannot tell, for fewer than 5 .* Left out: slow %(fewer than 5 on a side, 8%)", few.text)
    local many = run("compare", timed("slow", 120, { x = 60000, y = 90000 }), { a = "x", measure = "duration_ms" })
    assert.matches("Medians of more than 100 values are within 1 %%, which the interval takes into account%.$",
      many.text)
  end)

  it("compares attempts and lost time by means, first tries and the end as rates", function()
    local tables = timed("a", 40, { x = 1000, y = 1000 })
    assert.matches("attempts: no difference of 20 %% or more, by 0 %(%-0%.%d+ to 0%.%d+%)", run("compare", tables,
      { a = "x", measure = "attempts", floor = 0.2 }).text)
    assert.matches("lost: B is lower, by %-", run("compare", tables, { a = "x", measure = "lost" }).text)
    assert.matches("first_try: B is better, by %+50%.0 points",
      run("compare", tables, { a = "x", measure = "first_try" }).text)
    assert.matches("verified: B is better", run("compare", tables, { a = "x", measure = "verified" }).text)
    assert.matches("cost: cannot tell", run("compare", tables, { a = "x", measure = "cost" }).text)
  end)

  it("compares what an expression says, of which more is not called better", function()
    local tables = timed("a", 40, { x = 1000, y = 3000 })
    assert.matches("rate%(duration_ms > 2000%): B is higher, by %+100%.0 points",
      run("compare", tables, { a = "x", measure = "rate(duration_ms > 2000)" }).text)
    assert.matches("median%(duration_ms%): B is higher, 3%.00 times A",
      run("compare", tables, { a = "x", measure = "median(duration_ms)" }).text)
    assert.matches("mean%(duration_ms / 10%): B is higher, by 199",
      run("compare", tables, { a = "x", measure = "mean(duration_ms / 10)" }).text)
    local check = support.load("plugins/compare.lua").options.measure.check
    for text, says in pairs { atempts = "did you mean 'attempts'", ["sum(x)"] = "rate(E), median(E) or mean(E)",
      ["mean(x +)"] = "an expression (" } do
      local fine, must = check(text)
      assert.is_false(fine)
      assert.matches(says, must, 1, true)
    end
    assert.has_error(function() run("compare", tables, { measure = "mean(skill)" }) end,
      "a number is needed, not a string")
  end)

  it("compares case by case: those that both sides ran, the first run of each", function()
    local tables = {}
    local function case(name, x, y, day)
      for side, status in pairs { x = x, y = y } do
        tables[#tables + 1] = { input = { task = name }, model_used = side, final_status = status and "ok" or "fail",
          at = ("2026-01-%02dT00:00:00Z"):format(day or 10), usage = { input_tokens = side == "x" and 100 or 150 } }
      end
    end
    for i = 1, 20 do case("both" .. i, true, true) end
    for i = 1, 12 do case("only y " .. i, false, true) end
    for i = 1, 2 do case("only x " .. i, true, false) end
    for i = 1, 16 do case("none" .. i, false, false) end
    case("none1", true, true, 11) -- later: does not count
    tables[#tables + 1] = { input = { task = "of x alone" }, model_used = "x", final_status = "ok" }
    tables[#tables + 1] = { input = { task = "both1" }, model_used = "x" }
    for _, side in ipairs { "x", "y" } do tables[#tables + 1] = { input = { task = "open" }, model_used = side } end
    local report = run("compare", tables, { a = "x", pair = "input.task" })
    assert.equal("B is better 20.000 5.616 32.921 5.000", answer(report))
    assert.same({ "20 12 2 16 0.007" }, rows(report, 2))
    assert.matches("It rests on 50 cases %(input%.task%) that ran on both sides%. Cases left out: 1 only A ran, 1 " ..
      "without a value on a side%. Ran more than once on a side: 2; the first run with a value counts%.$", report.text)
    local tokens = run("compare", tables, { a = "x", pair = "input.task", measure = "tokens" })
    assert.equal("B is higher 1.500 1.500 1.500 5.000", answer(tokens))
    assert.same({ "0 50 0 0" }, rows(tokens, 2))
    assert.has_error(function() run("compare", tables, { pair = "input.nothing" }) end,
      "no run has a value for pair=input.nothing")
  end)
end)

describe("usage", function()
  local log = {
    { skill = "a", usage = { input_tokens = 10, output_tokens = 2 }, cost_usd = 0.5, final_status = "ok" },
    { skill = "a", usage = { input_tokens = 5, cache_read_tokens = 100, estimated = true }, cost_usd = 0.25 },
    { skill = "b", final_status = "ok" }, { skill = "b", usage = "none", cost_usd = "free" },
  }

  it("sums what is logged, and says of how many runs", function()
    local report = run("usage", log)
    assert.same({ "(all) 2/4 15 100 - 2", "a 2/2 15 100 - 2", "b 0/2 - - - -" }, rows(report, 1))
    assert.same({ "(all) 2/4 0.750 -", "a 2/2 0.750 0.750", "b 0/2 - -" }, rows(report, 2))
    assert.equal("2 of 4 runs say what they used. Estimated by their logger: 1.", report.text)
    assert.equal("No run has a usage or a cost_usd.", run("usage", { {} }).text)
    assert.equal(1, #run("usage", { { usage = { input_tokens = 1 } } }).tables)
  end)

  local function million(input, cached, output)
    return { input_tokens = input * 1000000, cache_read_tokens = cached * 1000000, output_tokens = output * 1000000 }
  end
  local several = { model_used = "big-2", final_status = "ok", usage = million(5, 10, 2),
    usage_by_model = { ["big-2"] = million(1, 4, 1), ["small-1"] = million(4, 6, 1) } }

  it("takes the model of the messages where a run used several", function()
    local own = { cost_usd = 7, model_used = "big-2", usage = million(1, 0, 0) }
    several.cost_usd = 9
    local report = run("usage", { several, own }, { by = "model" })
    assert.same({ "(all) 2/2 6000000 10000000 - 2000000", "big-2 2/2 2000000 4000000 - 1000000",
      "small-1 1/1 4000000 6000000 - 1000000" }, rows(report, 1))
    assert.same({ "(all) 2/2 16 16.000", "big-2 2/2 7 -", "small-1 1/1 - -" }, rows(report, 2))
    assert.matches("big%-2    2 of 2  2,000,000   4,000,000", support.show("text", report, { width = 80 }))
    several.cost_usd = nil
  end)

  local PRICES = '{"big":{"input":10,"cached":1,"output":50},"big-2":{"input":5,"output":20},' ..
    '"small":{"input":1,"cached":0.1,"cache_write":2,"output":4}}'

  it("has the cost by a table of prices, the longest name first, and says what has none", function()
    local runs = { several, { model_used = "big-1", usage = million(1, 1, 1), final_status = "fail" },
      { cost_usd = 100, model_used = "big-1", usage = million(1, 1, 1), final_status = "ok" },
      { model_used = "other", usage = million(1, 0, 0) }, { model_used = "small-9",
        usage = { cache_write_tokens = 500000 } } }
    local report = run("usage", runs, { by = "model", prices = PRICES })
    -- big-2: 1 * 5 + 4 * 5 + 1 * 20, small: 4 + 0.6 + 4, and 1; big-1: 10 + 1 + 50
    assert.same({ "(all) 5/5 215.600 -", "big-1 2/2 161.000 161.000", "big-2 1/1 45.000 45.000",
      "small-1 1/1 8.600 8.600", "small-9 1/1 1.000 -", "other 1/1 - -" }, rows(report, 2))
    assert.equal("5 of 5 runs say what they used. Runs with a cost of their own: 1; the cost of others is by the " ..
      "table of prices. No price, and not in the cost: other.", report.text)
    assert.same({ "(all) 1/1 53.600 53.600", "- 1/1 53.600 53.600" },
      rows(run("usage", { several }, { prices = PRICES }), 2))
  end)

  it("puts the dearest first, also by a table of prices", function()
    local small, big = million(1, 0, 50), million(9, 0, 1)
    local report = run("usage", { { skill = "small", model_used = "small-1", usage = small },
      { skill = "big", model_used = "big-2", usage = big }, { skill = "own", cost_usd = 7 } }, { prices = PRICES })
    -- small: 1 + 50 * 4, big: 9 * 5 + 20
    assert.same({ "(all) 3/3 273.000 -", "small 1/1 201.000 -", "big 1/1 65.000 -", "own 1/1 7 -" }, rows(report, 2))
  end)

  it("refuses a file that is no table of prices, and says what it must be", function()
    local check = support.load("plugins/usage.lua").options.prices.check
    assert.is_true((check(PRICES)))
    for text, says in pairs {
      ["x"] = "a JSON object of prices by model", ["[1]"] = "a JSON object of prices by model",
      ['{"m":{"input":1}}'] = "dollars per million tokens for m", ['{"m":3}'] = "dollars per million tokens for m",
      ['{"m":{"input":1,"output":-1}}'] = "for m", ['{"m":{"input":1,"output":1,"cached":"x"}}'] = "for m",
      ['{"m":null}'] = "for m",
    } do
      local ok, wrong = check(text)
      assert.is_false(ok)
      assert.matches(says, wrong, 1, true)
    end
  end)

  it("counts the tokens of subagents, which are no runs", function()
    local runs = { { skill = "a", usage = { input_tokens = 1 } },
      { skill = "a", usage = { input_tokens = 10 }, source = { kind = "k", key = "1", agent_id = "x" } } }
    assert.same({ "(all) 1/1 11 - - -", "a 1/1 11 - - -" }, rows(run("usage", runs), 1))
  end)
end)
