-- How often compare and trend are right about simulated logs: the short form of `make calibrate`, with a seed.
local scenarios = dofile "tests/calibrate/scenarios.lua"
local agg = require "debrief.retro.aggregate"
local simulate = scenarios.simulate
local support = simulate.support

-- Each figure of a part within what is required, with room for the chance of few logs.
local function holds(rows, room)
  assert.is_true(#rows > 0)
  for _, row in ipairs(rows) do
    for _, figure in ipairs(row.figures) do
      local at = ("%s: %s is %.4g"):format(row.what, figure[1], figure[2])
      assert.is_true(figure[2] <= (figure.most or math.huge) + room, at)
      assert.is_true(figure[2] >= (figure.least or -math.huge) - room, at)
    end
  end
end

describe("the simulations", function()
  it("fill the accumulator of compare as step does", function()
    for measure, field in pairs { passed = "final_status", duration_ms = "duration_ms", attempts = "attempts" } do
      local compare, ctx = simulate.plugin("compare", { by = "phase", a = "a", b = "b", measure = measure })
      local acc, tables = compare.init(ctx), {}
      for i = 1, 40 do
        local values = { passed = i % 3 == 0 and "ok" or "fail", duration_ms = i * 100, attempts = { {}, {} } }
        tables[i] = { phase = i % 2 == 0 and "b" or "a", skill = "skill" .. i % 3, [field] = values[measure] }
      end
      for _, entry in ipairs(support.entries(tables)) do compare.step(acc, entry, ctx) end
      local filled = compare.init(ctx)
      filled.runs = 40
      for i, t in ipairs(tables) do
        local side = agg.at(filled.sides, t.phase)
        side.runs = side.runs + 1
        local value = agg.at(side.skills, t.skill).value
        if measure == "passed" then
          value.num, value.den = value.num + (i % 3 == 0 and 1 or 0), value.den + 1
        elseif measure == "duration_ms" then
          agg.add(value, i * 100)
        else
          agg.add(value.sum, 2)
          agg.add(value.squares, 4.0)
        end
      end
      assert.same(acc, filled)
    end
  end)

  it("fill the accumulator of trend as step does", function()
    local trend, ctx = simulate.plugin("trend", {})
    local acc, tables = trend.init(ctx), {}
    for week = 1, 5 do
      for i = 1, 4 do
        tables[#tables + 1] = { skill = "skill1", final_status = i > 3 and "fail" or "ok",
          at = os.date("!%Y-%m-%dT%H:%M:%SZ", 1767614400 + (week - 1) * 604800) }
      end
    end
    for _, entry in ipairs(support.entries(tables)) do trend.step(acc, entry, ctx) end
    local finish, filled = trend.finish, nil
    trend.finish = function(state) filled = state end
    simulate.seed(1)
    local binomial = simulate.binomial
    simulate.binomial = function(n) return n - 1 end
    simulate.weeks(trend, ctx, { { { 4, 1 }, { 4, 1 }, { 4, 1 }, { 4, 1 }, { 4, 1 } } })
    simulate.binomial, trend.finish = binomial, finish
    assert.same(acc, filled)
  end)

  it("draw binomial numbers with the right mean and spread", function()
    simulate.seed(5)
    local sum, squares = 0, 0
    for _ = 1, 4000 do
      local x = simulate.binomial(50, 0.3)
      sum, squares = sum + x, squares + x * x
    end
    assert.is_true(math.abs(sum / 4000 - 15) < 0.2)
    assert.is_true(math.abs(squares / 4000 - (sum / 4000) ^ 2 - 10.5) < 1)
  end)
end)

describe("of simulated logs", function()
  it("compare names no difference that is not there, and finds real ones", function()
    holds(scenarios.rates(40, 200), 0.09)
    holds(scenarios.mix(150), 0.05)
  end)

  it("intervals of numbers and pairs hold the true value", function()
    holds(scenarios.durations(50, 20), 0.09)
    holds(scenarios.means(100, 100), 0.06)
    holds(scenarios.pairs(60, 20), 0.09)
  end)

  it("trend names no change in flat ones, and finds steps", function()
    holds(scenarios.flat(40, 8), 0.02)
    holds(scenarios.steps(60), 0.05)
  end)
end)
