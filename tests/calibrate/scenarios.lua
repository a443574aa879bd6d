--- What `make calibrate` simulates, and what is required of it. A part is a function(logs) that returns rows:
--
--     { what = "rates, n=20, +10 points, 3 skills", figures = { { "claims wrongly", 0.012, most = 0.065 }, … } }
--
-- `most` and `least` are requirements. Everything is seeded by the part's name: the same numbers in every run.
local simulate = dofile "tests/calibrate/simulate.lua"

local scenarios = { simulate = simulate }

local WRONG, MISSED = 0.065, 0.05
local LEAST_COVERED, MEAN_COVERED, MOST_COVERED = 0.91, 0.93, 0.98

local function skills_text(n) return n == 1 and "1 skill" or n .. " skills" end

local function share(n, of) return of > 0 and n / of or 0 end

-- Run one scenario of compare. `draw` returns the cells of a log's report, `truth` is in the unit of the interval, and
-- `sides` says which answers are right: "B", "A" (the higher one) or nil for neither.
local function measured(logs, draw, truth, higher, floor_reached)
  local wrong, found, covered, told = 0, 0, 0, 0
  for _ = 1, logs do
    local cells, report = draw()
    local answer = cells.answer
    local claims = answer:find "^B is [bh]" and "B" or answer:find "^[AB] is" and "A" or nil
    if claims and claims == higher then found = found + 1 elseif claims then wrong = wrong + 1 end
    if answer == "no difference" and floor_reached then wrong = wrong + 1 end
    if report.text:find("skills disagree", 1, true) and not claims then told = told + 1 end
    if cells.from then
      if cells.from <= truth + 1e-9 and cells.to >= truth - 1e-9 then covered = covered + 1 end
    else
      covered = covered + 1 -- no interval claims nothing
    end
  end
  return { wrong = wrong / logs, found = found / logs, covered = covered / logs, disagree = told / logs }
end

-- The sizes of K skills of n runs in all, and their rates around a base.
local function spread(n, k, i, base)
  local size = n // k + (i <= n % k and 1 or 0)
  local width = math.min(0.05, base - 0.05, 0.95 - base)
  return size, k == 1 and base or base + width * (2 * (i - 1) / (k - 1) - 1)
end

local BASES = { 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9 }

local function skills_of(n, k, base, d)
  local skills = {}
  for i = 1, k do
    local size, p = spread(n, k, i, base)
    skills[i] = { a = { size, p }, b = { size, p + d } }
  end
  return skills
end

--- Rates: for each size, number of skills and difference, over all base rates.
function scenarios.rates(logs, only)
  local rows = {}
  local compare, ctx = simulate.plugin("compare", { by = "phase", a = "a", b = "b" })
  for _, n in ipairs(only and { only } or { 20, 100, 200, 1000 }) do
    for _, k in ipairs(only and { 1, 6 } or { 1, 2, 4, 6 }) do
      for _, d in ipairs { 0, 0.05, 0.1, 0.2 } do
        simulate.seed(n * 100 + k * 10 + d * 100 // 1)
        local worst, least, mean, claimed, missed = 0, 1, 0, 0, 0
        for _, base in ipairs(BASES) do
          local signed = base + d > 0.9 and -d or d
          local skills = skills_of(n, k, base, signed)
          local m = measured(logs, function() return simulate.rates(compare, ctx, skills) end, 100 * signed,
            d > 0 and (signed > 0 and "B" or "A") or nil, d >= 0.05)
          worst, least, mean = math.max(worst, m.wrong), math.min(least, m.covered), mean + m.covered / #BASES
          claimed, missed = math.max(claimed, m.wrong + m.disagree), math.max(missed, 1 - m.found)
        end
        local figures = { { "claims wrongly, worst", worst, most = WRONG },
          { "covered, mean", mean, least = MEAN_COVERED, most = n > 20 and MOST_COVERED or nil },
          { "covered, worst", least, least = LEAST_COVERED } }
        if d == 0 then table.insert(figures, 2, { "or skills that disagree", claimed, most = WRONG }) end
        local most = d == 0.2 and n == 200 and MISSED or nil
        if d > 0 then table.insert(figures, 2, { "missed, worst", missed, most = most }) end
        rows[#rows + 1] = { what = ("rates: %d an arm, %s, %.0f points"):format(n, skills_text(k), 100 * d),
          figures = figures }
      end
    end
  end
  return rows
end

--- Equal skills in another mix (Simpson's paradox), and skills that only one side ran.
function scenarios.mix(logs)
  local rows = {}
  local compare, ctx = simulate.plugin("compare", { by = "phase", a = "a", b = "b" })
  local mixes = {
    { "two skills, 9 to 1", { 0.9, 0.3 }, { 0.9, 0.1 }, { 0.1, 0.9 } },
    { "three skills", { 0.95, 0.6, 0.2 }, { 0.6, 0.3, 0.1 }, { 0.1, 0.3, 0.6 } },
    { "six skills", { 0.9, 0.8, 0.6, 0.4, 0.2, 0.1 }, { 0.3, 0.25, 0.2, 0.1, 0.1, 0.05 },
      { 0.05, 0.1, 0.1, 0.2, 0.25, 0.3 } },
    { "a skill that one side ran alone", { 0.5, 0.95, 0.05 }, { 0.5, 0.5, 0 }, { 0.5, 0, 0.5 } },
  }
  for _, mix in ipairs(mixes) do
    for _, n in ipairs { 40, 200, 1000 } do
      simulate.seed(n + #mix[2])
      local skills = {}
      for i, p in ipairs(mix[2]) do
        skills[i] = { a = { math.floor(n * mix[3][i] + 0.5), p }, b = { math.floor(n * mix[4][i] + 0.5), p } }
      end
      local m = measured(logs, function() return simulate.rates(compare, ctx, skills) end, 0, nil, false)
      rows[#rows + 1] = { what = ("equal skills in another mix: %s, %d an arm"):format(mix[1], n), figures = {
        { "claims wrongly", m.wrong, most = WRONG }, { "or skills that disagree", m.wrong + m.disagree, most = WRONG },
        { "covered", m.covered, least = LEAST_COVERED } } }
    end
  end
  return rows
end

local function log_normal(median, sigma)
  return function() return math.floor(median * math.exp(sigma * simulate.normal()) + 0.5) + 1 end
end

-- Waiting times: many short ones and a long tail, with the median asked for.
local function exponential(median) return function() return -math.log(1 - math.random()) / math.log(2) * median end end

--- Durations by the ratio of medians.
function scenarios.durations(logs, only)
  local rows = {}
  local compare, ctx = simulate.plugin("compare", { by = "phase", a = "a", b = "b", measure = "duration_ms" })
  local shapes = { { "log-normal .5", function(m) return log_normal(m, 0.5) end },
    { "log-normal 1", function(m) return log_normal(m, 1) end },
    { "log-normal 1.5", function(m) return log_normal(m, 1.5) end }, { "exponential", exponential } }
  for _, n in ipairs(only and { only } or { 20, 100, 200, 1000 }) do
    for _, k in ipairs { 1, 3 } do
      for _, ratio in ipairs { 1, 1.25, 2 } do
        simulate.seed(n * 10 + k + ratio * 100 // 1)
        local worst, least, mean, missed = 0, 1, 0, 0
        for _, shape in ipairs(shapes) do
          local skills = {}
          for i = 1, k do
            local median = 10000 * 10 ^ (i - 1)
            local size = spread(n, k, i, 0.5)
            skills[i] = { a = { size, shape[2](median) }, b = { size, shape[2](median * ratio) } }
          end
          local m = measured(logs, function() return simulate.numbers(compare, ctx, skills) end, ratio,
            ratio > 1 and "B" or nil, ratio > 1)
          worst, least, mean = math.max(worst, m.wrong), math.min(least, m.covered), mean + m.covered / #shapes
          missed = math.max(missed, 1 - m.found)
        end
        local figures = { { "claims wrongly, worst", worst, most = WRONG },
          { "covered, mean", mean, least = MEAN_COVERED }, { "covered, worst", least, least = LEAST_COVERED } }
        if ratio > 1 then table.insert(figures, 2, { "missed, worst", missed }) end
        rows[#rows + 1] = { what = ("durations: %d an arm, %s, %.2f times"):format(n, skills_text(k), ratio),
          figures = figures }
      end
    end
  end
  return rows
end

--- Attempts and lost time by the difference of means.
function scenarios.means(logs, only)
  local rows = {}
  local function attempts(p) -- until one verifies, at most five
    return function()
      local n = 1
      while n < 5 and math.random() >= p do n = n + 1 end
      return n
    end
  end
  local function mean_attempts(p)
    local sum, left = 0, 1
    for i = 1, 5 do
      local stops = i == 5 and left or left * p
      sum, left = sum + i * stops, left - stops
    end
    return sum
  end
  local function lost(p) -- mostly nothing
    local ms = log_normal(30000, 0.8)
    return function() return math.random() < p and 0 or ms() end
  end
  local LOST = 30000 * math.exp(0.32) + 1
  local kinds = { { "attempts", attempts, mean_attempts }, { "lost", lost, function(p) return (1 - p) * LOST end } }
  for _, kind in ipairs(kinds) do
    local compare, ctx = simulate.plugin("compare", { by = "phase", a = "a", b = "b", measure = kind[1] })
    for _, n in ipairs(only and { only } or { 20, 100, 1000 }) do
      for _, d in ipairs { 0, 0.15 } do
        simulate.seed(n + d * 100 // 1)
        local worst, least, mean = 0, 1, 0
        local bases = { 0.5, 0.65, 0.8 }
        for _, p in ipairs(bases) do
          local truth = kind[3](p + d) - kind[3](p)
          local skills = {}
          for i = 1, 2 do skills[i] = { a = { n // 2, kind[2](p) }, b = { n // 2, kind[2](p + d) } } end
          local m = measured(logs, function() return simulate.numbers(compare, ctx, skills) end, truth,
            d > 0 and "A" or nil, d > 0)
          worst, least, mean = math.max(worst, m.wrong), math.min(least, m.covered), mean + m.covered / #bases
        end
        rows[#rows + 1] = {
          what = ("means of %s: %d an arm, 2 skills, verified %+.0f points"):format(kind[1], n, 100 * d), figures = {
            { "claims wrongly, worst", worst, most = WRONG }, { "covered, mean", mean, least = MEAN_COVERED },
            { "covered, worst", least, least = LEAST_COVERED } } }
      end
    end
  end
  return rows
end

--- Cases that both sides ran: results, and durations.
function scenarios.pairs(logs, only)
  local rows = {}
  local compare, ctx = simulate.plugin("compare", { by = "phase", a = "a", b = "b", pair = "input.task" })
  for _, n in ipairs(only and { only } or { 10, 20, 50, 200 }) do
    for _, d in ipairs { 0, 0.1, 0.2 } do
      simulate.seed(n + d * 100 // 1)
      local worst, least, mean, missed, runs = 0, 1, 0, 0, 0
      for _, base in ipairs { 0.1, 0.3, 0.5, 0.7, 0.8 } do
        for _, hold in ipairs { 0, 0.5, 0.8 } do -- the share of cases whose result does not depend on the side
          local function draw()
            local u = math.random()
            local v = math.random() < hold and u or math.random()
            return u < base, v < base + d
          end
          local m = measured(logs, function() return simulate.pairs(compare, ctx, n, draw) end, 100 * d,
            d > 0 and "B" or nil, d > 0)
          worst, least, mean = math.max(worst, m.wrong), math.min(least, m.covered), mean + m.covered
          missed, runs = math.max(missed, 1 - m.found), runs + 1
        end
      end
      local figures = { { "claims wrongly, worst", worst, most = WRONG },
        { "covered, mean", mean / runs, least = MEAN_COVERED }, { "covered, worst", least, least = LEAST_COVERED } }
      if d > 0 then table.insert(figures, 2, { "missed, worst", missed }) end
      rows[#rows + 1] = { what = ("pairs: %d cases, %.0f points"):format(n, 100 * d), figures = figures }
    end
  end
  local timed, timed_ctx = simulate.plugin("compare",
    { by = "phase", a = "a", b = "b", pair = "input.task", measure = "duration_ms" })
  for _, n in ipairs(only and { only } or { 10, 20, 50, 200 }) do
    for _, ratio in ipairs { 1, 1.5 } do
      simulate.seed(n + ratio * 10 // 1)
      local function draw()
        local case = 10000 * math.exp(1.5 * simulate.normal())
        return case * math.exp(0.4 * simulate.normal()), ratio * case * math.exp(0.4 * simulate.normal())
      end
      local m = measured(logs, function() return simulate.pairs(timed, timed_ctx, n, draw) end, ratio,
        ratio > 1 and "B" or nil, ratio > 1)
      rows[#rows + 1] = { what = ("pairs of durations: %d cases, %.1f times"):format(n, ratio), figures = {
        { "claims wrongly", m.wrong, most = WRONG }, { "covered", m.covered, least = MEAN_COVERED } } }
    end
  end
  return rows
end

-- Weeks of a number of skills: cell(week, skill) returns runs and rate.
local function weeks_of(count, skills, cell)
  local out = {}
  for i = 1, skills do
    out[i] = {}
    for w = 1, count do out[i][w] = { cell(w, i) } end
  end
  return out
end

local function changes(report) return report.tables[1].title == "Changes" and report.tables[1].rows or {} end

--- Series in which nothing changes.
function scenarios.flat(logs, only)
  local rows = {}
  local trend, ctx = simulate.plugin("trend", { last = 30 })
  for _, count in ipairs(only and { only } or { 6, 8, 12, 16, 26 }) do
    for _, skills in ipairs { 1, 3, 6 } do
      for _, kind in ipairs { "5 runs", "20 runs", "60 runs", "1 to 40 runs, gaps" } do
        local worst, at = 0, nil
        for _, rate in ipairs { 0.5, 0.8, 0.95 } do
          simulate.seed(count * 100 + skills * 10 + #kind)
          local flagged = 0
          for _ = 1, logs do
            local series = weeks_of(count, skills, function(w, i)
              local n = tonumber(kind:match "^(%d+) runs$")
              return n or ((w * 7 + i * 3) % 5 == 0 and 0 or (w * 13 + i * 7) % 40 + 1), rate
            end)
            if #changes(simulate.weeks(trend, ctx, series)) > 0 then flagged = flagged + 1 end
          end
          if flagged / logs >= worst then worst, at = flagged / logs, rate end
        end
        rows[#rows + 1] = { what = ("flat: %d weeks, %s, %s a week (worst at %.2f)"):format(count,
          skills_text(skills), kind, at), figures = { { "reports flagged, worst", worst, most = 0.05 } } }
      end
    end
  end
  return rows
end

--- A step from 19/20 to 12/20 in one skill; a slope; an outlier.
function scenarios.steps(logs, only)
  local rows = {}
  local trend, ctx = simulate.plugin("trend", { last = 30 })
  for _, sides in ipairs(only and { { 4, 4 } } or { { 4, 4 }, { 4, 8 }, { 8, 4 }, { 12, 4 }, { 13, 13 } }) do
    for _, skills in ipairs { 1, 3, 6 } do
      simulate.seed(sides[1] * 100 + sides[2] * 10 + skills)
      local found, near, named, covered, others = 0, 0, 0, 0, 0
      local series = weeks_of(sides[1] + sides[2], skills, function(w, i)
        return 20, i > 1 and 0.8 or w <= sides[1] and 0.95 or 0.6
      end)
      for _ = 1, logs do
        local report = simulate.weeks(trend, ctx, series)
        for _, row in ipairs(changes(report)) do
          if row[1] == "skill1" then
            found = found + 1
            local week = tonumber(tostring(row[3]):match "W(%d+)$") - 1
            if row[2] == "step" then named = named + 1 end
            if row[2] == "step" and math.abs(week - sides[1] - 1) <= 1 then near = near + 1 end
            if row[2] == "step" and row[7] <= -35 and row[8] >= -35 then covered = covered + 1 end
          else
            others = others + 1
          end
        end
      end
      rows[#rows + 1] = { what = ("step 19/20 to 12/20: %d and %d weeks, %s"):format(sides[1], sides[2],
        skills_text(skills)), figures = { { "found", share(found, logs), least = 0.95 },
        { "as a step within a week", share(near, found) },
        { "covered, of steps named", share(covered, named), least = 0.91 },
        { "other skills flagged", share(others, logs), most = 0.05 } } }
    end
  end
  for _, count in ipairs(only and { 8 } or { 8, 12, 26 }) do
    simulate.seed(count)
    local series = weeks_of(count, 1, function(w) return 20, 0.9 - 0.5 * (w - 1) / (count - 1) end)
    local found, covered = 0, 0
    local change = require "debrief.statistics.change"
    for _ = 1, logs do
      local report = simulate.weeks(trend, ctx, series)
      if #changes(report) > 0 then found = found + 1 end
      local periods = {}
      for w, cell in ipairs(series[1]) do
        periods[w] = { x = w, num = simulate.binomial(cell[1], cell[2]), den = cell[1] }
      end
      local slope, truth = change.slope(periods), -0.5 / (count - 1)
      if not slope or slope.low <= truth and slope.high >= truth then covered = covered + 1 end
    end
    rows[#rows + 1] = { what = ("slope from 90 %% to 40 %%: %d weeks, 20 runs a week"):format(count), figures = {
      { "found", found / logs }, { "covered", covered / logs, least = MEAN_COVERED } } }
    simulate.seed(count + 1)
    local flagged, at = 0, count // 2
    local outlier = weeks_of(count, 1, function(w) return 20, w == at and 0.1 or 0.95 end)
    for _ = 1, logs do
      if #changes(simulate.weeks(trend, ctx, outlier)) > 0 then flagged = flagged + 1 end
    end
    rows[#rows + 1] = { what = ("outlier: one week of %d at 10 %%, the others at 95 %%"):format(count), figures = {
      { "flagged", flagged / logs, most = 0.05 } } }
  end
  return rows
end

--- pass@k and pass^k of the plugin against an enumeration of all draws.
function scenarios.pass_at_k()
  local plugin = simulate.support.load "plugins/attempts.lua"
  local worst, cases = 0, 0
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
  for n = 2, 14 do
    for c = 0, n do
      local tables = {}
      for i = 1, n do tables[i] = { input = { task = "t", at = i }, final_status = i <= c and "ok" or "fail" } end
      local report = simulate.support.run(plugin, simulate.support.entries(tables), { case = "input.task" })
      for _, row in ipairs(report.tables[#report.tables].rows) do
        local one, all = enumerated(n, c, row[3])
        worst, cases = math.max(worst, math.abs(row[5] - one), math.abs(row[6] - all)), cases + 1
      end
    end
  end
  return { { what = ("pass@k and pass^k: all counts of 2 to 14 trials, %d values"):format(cases),
    figures = { { "largest error", worst, most = 1e-12, exact = true } } } }
end

return scenarios
