-- Charts of the bundled retrospectives, of tables, and on a terminal.
local support = dofile "tests/spec/support/plugins.lua"
local program = dofile "tests/spec/support/program.lua"
local bars = require "debrief.report.bars"
local svg = require "debrief.report.svg"
local width = require "debrief.text.width"

local WEEK = 7 * 86400

-- Eight weeks of two skills; `review` loses a third of its passes in the fifth.
local function log()
  local out = {}
  for week = 0, 7 do
    for i = 1, 20 do
      local at = os.date("!%Y-%m-%dT%H:%M:%SZ", 1767614400 + week * WEEK + i * 60)
      local model = i % 2 == 0 and "m1" or "m2"
      for _, skill in ipairs { "review", "implement" } do
        local passes = skill == "review" and week >= 4 and 12 or 19
        out[#out + 1] = { session_id = "s", line = #out + 1, skill = skill, at = at, model_used = model,
          duration_ms = i == 20 and 900000 or 60000 + i * 100, final_status = i <= passes and "ok" or "fail",
          input = { task = week % 4 }, usage = { input_tokens = 1000, output_tokens = 10 * i }, cost_usd = 0.5,
          attempts = { { model = model, verified = i <= 10 }, i > 10 and { model = model, verified = true } or nil },
          tools = { { name = "Bash", duration_ms = 5, error = i % 4 == 0 }, { name = "Edit" } } }
      end
    end
  end
  return support.entries(out)
end

local entries = log()

local function report_of(name, options)
  return support.run(support.load("plugins/" .. name .. ".lua"), entries, options)
end

local function names(list, key)
  local out = {}
  for i, one in ipairs(list) do out[i] = one[key or "name"] end
  return out
end

describe("charts of", function()
  it("trend: a line for each skill, with intervals and n, and the step marked", function()
    local chart = report_of("trend").charts[1]
    assert.same({ "line", "share", "time" }, { chart.type, chart.unit, chart.x.type })
    assert.same({ "implement", "review" }, names(chart.series))
    local review = chart.series[2]
    assert.same({ 20, 0.95, 0.6 }, { review.n[1], review.values[1], review.values[8] })
    assert.is_true(review.low[1] < 0.95 and review.high[1] > 0.95)
    assert.same({ { at = 5, text = "step: review" } }, chart.marks)
    assert.equal("2026-W06", chart.x.values[5])
    assert.truthy(svg.render(chart):find(">step: review</text>", 1, true))
    local took = report_of("trend", { measure = "duration_ms" }).charts[1]
    assert.equal("ms", took.unit)
  end)

  it("skills, tools, usage, slow: their tables", function()
    local skills = report_of("skills").charts[1]
    assert.same({ "bar", "share", 1 }, { skills.type, skills.unit, skills.of })
    assert.same({ "passed", "first try" }, names(skills.series))
    assert.same({ "implement", "review" }, skills.x.values)
    assert.equal(160, skills.series[1].n[1])
    local tools = report_of("tools").charts[1]
    assert.same({ { "Bash", "Edit" }, { 0.25 } }, { tools.x.values, { tools.series[1].values[1] } })
    local usage = report_of("usage").charts
    assert.same({ "stack", "bar" }, names(usage, "type"))
    assert.same({ "input", "output" }, names(usage[1].series))
    assert.same({ 160000, 80.0 }, { usage[1].series[1].values[1], usage[2].series[1].values[1] })
    local slow = report_of("slow").charts[1]
    assert.same({ "median", "95th percentile" }, names(slow.series))
  end)

  it("attempts: pass@k over k, and what each attempt is worth", function()
    local charts = report_of("attempts", { case = "input.task" }).charts
    assert.same({ "line", "bar" }, names(charts, "type"))
    local curve = charts[1]
    assert.same({ "number", 1, 2 }, { curve.x.type, curve.x.values[1], curve.x.values[2] })
    assert.same({ "implement m1", "implement m2", "review m1", "review m2" }, names(curve.series))
    for i = 2, #curve.x.values do
      local before, now = curve.series[1].values[i - 1], curve.series[1].values[i]
      assert.is_true(now == nil or now >= before)
    end
  end)

  it("compare: the difference in each skill, with its interval around 0", function()
    local chart = report_of("compare").charts[1]
    assert.same({ "dots", 0 }, { chart.type, chart.base })
    assert.same({ "all skills", "implement", "review" }, chart.x.values)
    local one = chart.series[1]
    for i = 1, 3 do assert.is_true(one.low[i] <= one.values[i] and one.values[i] <= one.high[i]) end
    assert.equal(1, report_of("compare", { measure = "duration_ms" }).charts[1].base)
    assert.is_nil(report_of("compare", { a = "x", b = "y" }).charts)
  end)

  it("timeline: when runs were, how long they took and how they ended", function()
    local chart = report_of("timeline").charts[1]
    assert.same({ "dots", "time", "ms" }, { chart.type, chart.x.type, chart.unit })
    assert.same({ "ok", "fail" }, names(chart.series))
    assert.equal(40, #chart.x.values)
    assert.is_true(chart.x.values[1] < chart.x.values[40])
    assert.truthy(svg.render(chart):find(">12:10</text>", 1, true))
  end)
end)

describe("a table as a chart", function()
  local report = require "debrief.report"
  local columns = { "skill", "runs", "passed", { key = "ms", unit = "ms" } }
  local rows = { { "(all)", 9, { num = 4, den = 8 }, 5 }, { "a", 5, { num = 2, den = 2 } },
    { nil, 4, { num = 2, den = 6 }, 7 } }

  local function charts(spec)
    local tables = { { columns = columns, rows = rows, chart = spec } }
    local checked, message = report.check({ title = "T", tables = tables }, "p")
    return checked and checked.charts, message
  end

  it("has the columns of the unit of the first that is drawn", function()
    local one = charts("bar")[1]
    assert.same({ "(all)", "a", "-" }, one.x.values)
    assert.is_nil(one.note)
    assert.same({ "runs" }, names(one.series))
    one = charts({ type = "bar", columns = { "passed" }, limit = 2 })[1]
    assert.same({ { "(all)", "a" }, { 0.5, 1.0 }, { 8, 2 }, "share" },
      { one.x.values, one.series[1].values, one.series[1].n, one.unit })
    assert.equal("The first 2 of 3.", one.note)
    one = charts({ type = "line", columns = { "ms" } })[1]
    assert.same({ { "(all)", "-" }, { 5, 7 } }, { one.x.values, one.series[1].values })
    assert.equal("Without data: 1.", one.note)
    assert.is_nil(charts({ type = "line", columns = { "ms" }, first = 2 })) -- one row is no comparison
  end)

  it("is checked", function()
    for spec, message in pairs { [3] = "tables[1].chart must be a type of chart or a table, and is 3",
      pie = "tables[1].chart.type must be one of" } do
      local got, why = charts(spec)
      assert.is_nil(got)
      assert.truthy(why:find(message, 1, true), why)
    end
    assert.truthy(select(2, charts({ kind = "bar" })):find("has the unknown key kind", 1, true))
    local _, marks = report.check({ title = "T", charts = { { type = "line", x = { values = { "a" } },
      marks = { { at = 2 } }, series = { { name = "s", values = { 1 } } } } } }, "p")
    assert.truthy(marks:find("charts[1].marks[1] must be { at = a place of x, text = }", 1, true), marks)
  end)
end)

describe("charts on a terminal", function()
  local all = {}
  for _, name in ipairs { "trend", "skills", "attempts", "compare", "usage", "timeline", "tools", "slow" } do
    for _, chart in ipairs(report_of(name).charts) do all[#all + 1] = chart end
  end

  it("fit the width, in UTF-8 and in ASCII", function()
    for _, chart in ipairs(all) do
      for _, columns in ipairs { 60, 80, 120 } do
        for _, line in ipairs(bars.lines(chart, columns)) do assert.is_true(width.of(line) <= columns, line) end
        for _, line in ipairs(bars.lines(chart, columns, { ascii = true })) do
          assert.falsy(line:find "[\128-\255\27]", line)
          assert.is_true(#line <= columns, line)
        end
      end
    end
  end)

  it("draw one line in braille with its axes, gaps as gaps", function()
    local chart = { type = "line", unit = "share", x = { type = "time", values = { "w1", "w2", "w3" } },
      series = { { name = "a", values = { 0.0, nil, 1.0 } } } }
    local lines = bars.lines(chart, 40)
    assert.equal(10, #lines)
    assert.truthy(lines[1]:find "^100 %% │ +⠈$", lines[1])
    assert.truthy(lines[8]:find "^  0 %% │⡀$", lines[8])
    for i = 2, 7 do assert.equal("      │", lines[i]) end
    assert.truthy(lines[10]:find "^       w1 +w3$", lines[10])
  end)

  it("mark few cases, parts and steps", function()
    local dots = { type = "dots", base = 0, x = { type = "category", values = { "a" } },
      series = { { name = "d", values = { 1 }, low = { -1 }, high = { 3 }, n = { 4 } } } }
    assert.equal("a  -------|------o--------------  1 (-1 to 3)", bars.lines(dots, 60, { ascii = true })[1])
    local stack = { type = "stack", x = { type = "category", values = { "a" } },
      series = { { name = "p", values = { 1 } }, { name = "q", values = { 3 } } } }
    assert.same({ "a  #########=========================  4", "   # p  = q" }, bars.lines(stack, 57, { ascii = true }))
    local trend = report_of("trend").charts[1]
    local lines = bars.lines(trend, 80)
    assert.equal("▲ 2026-W06: step: review", lines[#lines])
  end)

  it("are drawn when asked for, in the characters and colours that there are", function()
    local scene = program.scene()
    local lines = {}
    for i = 1, 9 do
      lines[i] = ('{"session_id":"s","skill":"%s","final_status":"ok"}'):format(i < 5 and "b" or "a")
    end
    scene:write("sessions/s.jsonl", table.concat(lines, "\n") .. "\n")
    local plain, drawn = scene:run { "retro", "skills" }, scene:run { "retro", "skills", "--chart" }
    assert.falsy(plain.out:find("█", 1, true))
    assert.truthy(drawn.out:find("\na  " .. ("█"):rep(77) .. "  100 % of 5\n", 1, true), drawn.out)
    local ascii = scene:run { "retro", "skills", "--chart", env = { LC_ALL = "C" } }
    assert.truthy(ascii.out:find "\na  #+  100 %% of 5\n", ascii.out)
    assert.falsy(ascii.out:find("█", 1, true))
    local colour = bars.lines(report_of("trend").charts[1], 80, { color = true })
    assert.truthy(table.concat(colour):find "\27%[36m")
    assert.falsy(table.concat(bars.lines(report_of("trend").charts[1], 80)):find "\27")
  end)
  teardown(program.clean)
end)
