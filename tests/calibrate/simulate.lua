--- Simulated logs for `make calibrate` and its short form in the specs: random numbers with a seed, and the bundled
-- plugins' own accumulators filled with counts, as if `step` had seen that many entries. What `finish` makes of them is
-- what a user would read.
local support = dofile "tests/spec/support/plugins.lua"

local simulate = { support = support }

local agg = require "debrief.retro.aggregate"

-- ---- Random numbers ------------------------------------------------------------------------------------------------

function simulate.seed(n) math.randomseed(n, 20261129) end

local tables = {} -- n and p -> distribution function

local function distribution(n, p)
  local key = n .. ":" .. p
  local t = tables[key]
  if t then return t end
  t = {}
  local chances = require "debrief.statistics.distributions".binomial
  local sum = 0
  for k = 0, n do
    sum = sum + chances(k, n, p)
    t[k] = sum
  end
  t[n] = 1.0
  tables[key] = t
  return t
end

--- How many of n runs pass at the rate p.
function simulate.binomial(n, p)
  if n == 0 then return 0 end
  local t, u, low, high = distribution(n, p), math.random(), 0, n
  while low < high do
    local middle = (low + high) // 2
    if t[middle] > u then high = middle else low = middle + 1 end
  end
  return low
end

--- A standard normal number.
function simulate.normal()
  return math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random())
end

-- ---- Plugins -------------------------------------------------------------------------------------------------------

--- A plugin with its options, ready to be asked for one log after another.
function simulate.plugin(name, options)
  local plugin = support.load("plugins/" .. name .. ".lua")
  local ctx = { options = {}, now = 0, log = function() end }
  for key, option in next, plugin.options do ctx.options[key] = option.default end
  for key, value in next, options or {} do ctx.options[key] = value end
  return plugin.retrospective, ctx
end

--- Cells of the first row of a report's table, by key.
function simulate.cells(report, t, row)
  local out, cells = {}, report.tables[t or 1].rows[row or 1] or {}
  for i, column in ipairs(report.tables[t or 1].columns) do
    local key = type(column) == "table" and column.key or column
    out[key] = cells[key] == nil and cells[i] or cells[key]
  end
  return out
end

-- n runs of a skill on one side of compare, of which `passed` passed.
local function add_rate(acc, key, skill, passed, n)
  local side = agg.at(acc.sides, key)
  side.runs = side.runs + n
  local rate = agg.at(side.skills, skill).value
  rate.num, rate.den = rate.num + passed, rate.den + n
end

--- What compare says of skills, each { a = { n, rate }, b = { n, rate } }, of one simulated log.
function simulate.rates(compare, ctx, skills)
  local acc = compare.init(ctx)
  for i, s in ipairs(skills) do
    for _, key in ipairs { "a", "b" } do
      local n, p = s[key][1], s[key][2]
      if n > 0 then add_rate(acc, key, "skill" .. i, simulate.binomial(n, p), n) end
    end
  end
  local report = compare.finish(acc, ctx)
  return simulate.cells(report), report
end

--- The same of numbers: a skill is { a = { n, draw }, b = { n, draw } }, `draw` returning a number.
function simulate.numbers(compare, ctx, skills)
  local acc = compare.init(ctx)
  for i, s in ipairs(skills) do
    for _, key in ipairs { "a", "b" } do
      local side, n, draw = agg.at(acc.sides, key), s[key][1], s[key][2]
      side.runs = side.runs + n
      local value = n > 0 and agg.at(side.skills, "skill" .. i).value
      for _ = 1, n do
        local x = draw()
        if value.aggregate then
          agg.add(value, x)
        else
          agg.add(value.sum, x)
          agg.add(value.squares, x * 1.0 * x)
        end
      end
    end
  end
  local report = compare.finish(acc, ctx)
  return simulate.cells(report), report
end

--- Of cases that both sides ran: `draw` returns the results of A and B on one.
function simulate.pairs(compare, ctx, n, draw)
  local acc = compare.init(ctx)
  for i = 1, n do
    local a, b = draw()
    local sides = agg.at(acc.cases, i).sides
    for key, value in pairs { a = a, b = b } do
      local side = agg.at(sides, key)
      side.runs = 1
      agg.add(side.first, value)
    end
  end
  local report = compare.finish(acc, ctx)
  return simulate.cells(report), report
end

--- What trend names of skills in weeks: skills[i][week] = { n, rate }; no runs: a gap. Returns the rows of its changes.
function simulate.weeks(trend, ctx, skills)
  local acc, week = trend.init(ctx), 7 * 86400 * 1000000000
  for i, weeks in ipairs(skills) do
    for w, cell in ipairs(weeks) do
      local n, p = cell[1], cell[2]
      if n > 0 then
        local at = 1767614400 * 1000000000 + (w - 1) * week -- from Monday 2026-01-05 12:00 on
        local name = os.date("!%G-W%V", at // 1000000000)
        agg.add(acc.first, at)
        agg.add(acc.last, at)
        local period, rate = agg.at(acc.all, name), agg.at(agg.at(acc.groups, "skill" .. i), name).value
        local passed = simulate.binomial(n, p)
        acc.runs, period.runs = acc.runs + n, period.runs + n
        for _, r in ipairs { period.value, rate } do r.num, r.den = r.num + passed, r.den + n end
      end
    end
  end
  return trend.finish(acc, ctx)
end

return simulate
