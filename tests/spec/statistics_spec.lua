-- Intervals and tests against worked examples that were published, and against enumerations.
dofile "tests/spec/support/plugins.lua"
local change = require "debrief.statistics.change"
local distributions = require "debrief.statistics.distributions"
local numbers = require "debrief.statistics.numbers"
local rates = require "debrief.statistics.rates"

local function rate(num, den) return { num = num, den = den } end

local function near(expected, got, within)
  assert.is_true(math.abs(expected - got) <= (within or 5e-5), ("%.6f, not %.6f"):format(got, expected))
end

describe("distributions", function()
  it("agree with tables", function()
    near(0.05, distributions.chi_squared(3.841458820694124, 1), 1e-12)
    near(0.05, distributions.chi_squared(18.307038053275146, 10), 1e-12)
    near(0.99, distributions.chi_squared(2.558212160187, 10), 1e-9)
    near(0.025, distributions.normal_above(distributions.Z), 1e-12)
    near(3.090232306167813, distributions.normal_quantile_above(0.001), 1e-10)
    near(-0.2533471031357997, distributions.normal_quantile_above(0.6), 1e-10)
    near(math.log(3628800), distributions.log_gamma(11), 1e-10)
    near(0.171875, distributions.heads(3, 10), 1e-14)
    assert.same({ 0, 1 }, { distributions.heads(-1, 5), distributions.heads(5, 5) })
    for df, t in pairs { [1] = 12.7062, [2] = 4.3027, [3] = 3.1824, [5] = 2.5706, [10] = 2.2281, [30] = 2.0423 } do
      near(t, distributions.t_quantile(df), t * 0.002)
    end
  end)
end)

describe("differences of rates", function()
  local function limits(result) return result.difference, result.low, result.high end

  it("have the intervals of Newcombe's table II: method 10, and Miettinen and Nurminen's", function()
    local _, low, high = rates.newcombe(rate(48, 80), rate(56, 70))
    near(0.0524, low) near(0.3339, high)
    for _, case in ipairs { { 48, 80, 56, 70, 0.2, 0.0528, 0.3382 }, { 3, 10, 9, 10, 0.6, 0.1700, 0.8406 },
      { 0, 29, 5, 56, 0.0893, -0.0326, 0.1933 } } do
      local d, from, to = limits(rates.stratified { { a = rate(case[1], case[2]), b = rate(case[3], case[4]) } })
      near(case[5], d) near(case[6], from) near(case[7], to)
    end
  end)

  it("end at -1 and 1, and are symmetric", function()
    local all = rates.stratified { { a = rate(0, 10), b = rate(10, 10) } }
    assert.equal(1.0, all.high)
    local none = rates.stratified { { a = rate(10, 10), b = rate(0, 10) } }
    near(-all.low, none.high, 1e-6)
    assert.equal(-1.0, none.low)
    local zero = rates.stratified { { a = rate(0, 10), b = rate(0, 10) } }
    near(-zero.low, zero.high, 1e-6)
    assert.is_true(zero.low < -0.2)
  end)

  it("have the weights of Mantel and Haenszel, and pass over strata that lack an arm", function()
    local strata = { { a = rate(8, 10), b = rate(27, 30) }, { a = rate(12, 60), b = rate(5, 20) },
      { a = rate(0, 500), b = rate(0, 0) }, { a = rate(0, 0), b = rate(7, 7) } }
    local result = rates.stratified(strata)
    local w1, w2 = 10 * 30 / 40, 60 * 20 / 80
    near((w1 * 0.1 + w2 * 0.05) / (w1 + w2), result.difference, 1e-12)
    assert.equal(2, result.strata)
    near(result.difference, result.b - result.a, 1e-12)
    assert.is_nil(rates.stratified { strata[3], strata[4] })
    -- a log in which each skill is equal on both sides, and the sides differ in their mix
    local simpson = rates.stratified { { a = rate(90, 100), b = rate(9, 10) }, { a = rate(3, 10), b = rate(30, 100) } }
    near(0, simpson.difference, 1e-12)
    assert.is_true(simpson.low < 0 and simpson.high > 0)
  end)

  it("invert a test that is the one of Cochran, Mantel and Haenszel at 0", function()
    -- each limit moves through 0 exactly where that chi-squared reaches 3.84
    local function chi(strata)
      local sum, v = 0, 0
      for _, s in ipairs(strata) do
        local n, m, x = s.b.den, s.a.den, s.a.num + s.b.num
        sum = sum + s.b.num - n * x / (n + m)
        v = v + n * m * x * (n + m - x) / ((n + m) ^ 2 * (n + m - 1))
      end
      return sum * sum / v
    end
    local seen = {}
    for b = 10, 30 do
      local strata = { { a = rate(10, 40), b = rate(b, 35) }, { a = rate(5, 9), b = rate(3, 4) } }
      local result = rates.stratified(strata)
      local without = result.low > 0 or result.high < 0
      assert.equal(chi(strata) > distributions.Z ^ 2, without)
      seen[without] = true
    end
    assert.same({ [true] = true, [false] = true }, seen)
  end)

  it("are tested for strata that disagree", function()
    local same = { { name = "x", a = rate(30, 100), b = rate(40, 100) },
      { name = "y", a = rate(60, 100), b = rate(70, 100) } }
    assert.is_true(rates.heterogeneity(same, 5) > 0.9)
    local apart = { { name = "x", a = rate(30, 100), b = rate(70, 100) },
      { name = "y", a = rate(60, 100), b = rate(50, 100) },
      { name = "few", a = rate(0, 4), b = rate(4, 4) } }
    local chance, lowest, highest = rates.heterogeneity(apart, 5)
    assert.is_true(chance < 1e-5)
    assert.same({ "y", "x" }, { lowest.name, highest.name })
    assert.is_nil(rates.heterogeneity({ apart[1], apart[3] }, 5))
  end)

  it("of pairs have the intervals and chances of published examples", function()
    -- Altman et al., Statistics with confidence, table 6.2; Bentur et al. in Fagerland et al. 2013 (mid-p .0391)
    local d, low, high = rates.paired(14, 5, 0, 22)
    near(0.1220, d) near(0.0115, low) near(0.2265, high)
    local e, from, to, chance = rates.paired(1, 1, 7, 12)
    near(-0.2857, e) near(-0.5069, from) near(-0.0256, to) near(0.0391, chance)
    local _, _, _, even = rates.paired(3, 4, 4, 9)
    near(1, even, 1e-12)
    assert.is_nil(rates.paired(0, 0, 0, 0))
    local none, no_low, no_high = rates.paired(10, 0, 0, 0)
    assert.is_true(none == 0 and no_low < 0 and no_high > 0)
  end)
end)

describe("numbers", function()
  local function arm(values, wrong)
    table.sort(values)
    local n = #values
    return { n = n, at = function(r) return values[r] end, error = wrong,
      median = (values[(n + 1) // 2] + values[n // 2 + 1]) / 2 }
  end

  it("have the ratio of medians by Price and Bonett", function()
    -- n = 9: ranks 2 and 8, which lie 2 z(.0195) apart: heads(1, 9) = 10/512
    local a, b = arm { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, arm { 2, 4, 6, 8, 10, 12, 14, 16, 18 }
    local result = numbers.ratio_of_medians { { a = a, b = b } }
    local se = (math.log(8) - math.log(2)) / (2 * distributions.normal_quantile_above(10 / 512))
    near(2, result.ratio, 1e-12)
    near(2 * math.exp(distributions.Z * se * math.sqrt(2)), result.high, 1e-9)
    near(2 / math.exp(distributions.Z * se * math.sqrt(2)), result.low, 1e-9)
    assert.equal(18, result.n)
  end)

  it("pass over strata with few values, and add what a sketch may be off", function()
    local a, b = arm { 1, 2, 3, 4, 5, 6 }, arm { 2, 4, 6, 8, 10, 12 }
    local plain = numbers.ratio_of_medians { { a = a, b = b }, { a = arm { 1 }, b = arm { 900 } } }
    assert.equal(1, plain.strata)
    local sketch = numbers.ratio_of_medians { { a = a, b = arm({ 2, 4, 6, 8, 10, 12 }, 0.01) } }
    near(plain.high * math.exp(0.01), sketch.high, 1e-9)
    assert.is_nil(numbers.ratio_of_medians { { a = arm { 1 }, b = b } })
    assert.is_nil(numbers.ratio_of_medians { { a = arm { 0, 0, 0, 0, 1 }, b = b } })
  end)

  it("have the difference of means by Welch", function()
    -- 1 to 6, five times on one side, two more on the other: n = 30 each, equal variances: 58 degrees
    local a, b = { n = 30, mean = 3.5, square = 91 / 6 }, { n = 30, mean = 5.5, square = (91 + 24 * 3.5 + 24) / 6 }
    local result = numbers.difference_of_means { { a = a, b = b } }
    local se = math.sqrt(35 / 12 / 29 * 2)
    near(2 - 2.0017 * se, result.low, 1e-3)
    near(2 + 2.0017 * se, result.high, 1e-3)
    assert.is_nil(numbers.difference_of_means { { a = { n = 29, mean = 1, square = 2 }, b = b } })
    local same = { n = 90, mean = 1, square = 1 }
    assert.is_nil(numbers.difference_of_means { { a = same, b = same } }) -- values that do not vary show nothing
    local ones = arm { 1, 1, 1, 1, 1, 1 }
    assert.is_nil(numbers.ratio_of_medians { { a = ones, b = ones } })
  end)

  it("have the median of pairs by the ranks of the sign test", function()
    local ten = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }
    assert.same({ 5.5, 2, 9 }, { numbers.median_of_pairs(ten) }) -- the known ranks for n = 10: 2 and 9
    assert.is_nil(numbers.median_of_pairs { 1, 2, 3, 4, 5 })
    assert.same({ 3.5, 1, 6 }, { numbers.median_of_pairs { 1, 2, 3, 4, 5, 6 } })
  end)
end)

describe("changes", function()
  local function series(...)
    local out = {}
    for i, p in ipairs { ... } do out[i] = { x = i, num = p[1], den = p[2] } end
    return out
  end

  -- The chance of a split at least as good, over all ways in which the passes may fall on the runs.
  local function enumerated(periods, c)
    local passes, runs = 0, 0
    for _, p in ipairs(periods) do passes, runs = passes + p.num, runs + p.den end
    local function ll(s, n) return (s == 0 or s == n) and 0 or s * math.log(s / n) + (n - s) * math.log((n - s) / n) end
    local function ways(n, k)
      local w = 1
      for i = 1, k do w = w * (n - k + i) / i end
      return w
    end
    local all, extreme = 0, 0
    local function fall(i, left, weight, sum, n, reached)
      if i > #periods then
        if left == 0 then all, extreme = all + weight, extreme + (reached and weight or 0) end
        return
      end
      for s = 0, math.min(left, periods[i].den) do
        local now, den = sum + s, n + periods[i].den
        local r = i >= 2 and i <= #periods - 2
          and 2 * (ll(now, den) + ll(passes - now, runs - den) - ll(passes, runs)) or 0
        fall(i + 1, left - s, weight * ways(periods[i].den, s), now, den, reached or r >= c - 1e-9)
      end
    end
    fall(1, passes, 1, 0, 0, false)
    return extreme / all
  end

  it("have the exact chance of a split as good anywhere", function()
    for _, periods in ipairs { series({ 4, 4 }, { 4, 5 }, { 3, 3 }, { 1, 4 }, { 0, 3 }),
      series({ 0, 3 }, { 0, 4 }, { 1, 5 }, { 5, 5 }, { 4, 4 }, { 3, 3 }),
      series({ 6, 6 }, { 5, 6 }, { 1, 6 }, { 0, 6 }) } do
      local step = change.step(periods)
      assert.is_true(step.chance < 0.2, step.chance)
      near(enumerated(periods, step.ratio), step.chance, 1e-12)
    end
  end)

  it("find a lasting step, and where", function()
    local step = change.step(series({ 19, 20 }, { 18, 20 }, { 19, 20 }, { 20, 20 }, { 12, 20 }, { 11, 20 }, { 13, 20 },
      { 12, 20 }))
    assert.equal(4, step.at)
    assert.is_true(step.chance < 0.001 and step.lasting)
    assert.same({ 76, 80, 48, 80 }, { step.before.num, step.before.den, step.after.num, step.after.den })
    near(-0.35, step.difference, 1e-12)
    assert.is_true(step.low < -0.35 and step.high > -0.35 and step.high < -0.2)
  end)

  it("do not call a single outlier one, wherever it is, nor a flat series", function()
    for at = 1, 9 do
      local periods = {}
      for i = 1, 9 do periods[i] = { x = i, num = i == at and 2 or 19, den = 20 } end
      assert.is_false(change.step(periods).lasting)
      assert.is_true(change.slope(periods) == nil or not change.slope(periods).lasting)
    end
    assert.is_nil(change.step(series({ 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 })))
    assert.is_nil(change.slope(series({ 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 })))
    assert.is_nil(change.step(series({ 5, 5 }, { 0, 5 }, { 0, 5 })))
  end)

  it("scale large series down, which hardly changes the chance", function()
    local small, large = {}, {}
    for i = 1, 10 do
      local num = i > 5 and 190 or 216 - i
      small[i], large[i] = { x = i, num = num, den = 300 }, { x = i, num = num * 8, den = 2400 }
    end
    -- the same likelihood ratio in eight times as many runs
    local step = change.step(small)
    local scaled = change.step(large)
    assert.is_true(step.chance > 0 and step.chance < 0.5 and scaled.chance < 1e-6)
    assert.equal(step.at, scaled.at)
  end)

  it("have the slope of the trend test", function()
    local periods = series({ 18, 20 }, { 16, 20 }, { 14, 20 }, { 12, 20 }, { 10, 20 }, { 8, 20 })
    local slope = change.slope(periods)
    near(-0.1, slope.slope, 1e-12)
    assert.is_true(slope.low < -0.1 and slope.high > -0.1 and slope.high < 0 and slope.chance < 0.05 and
      slope.lasting)
  end)

  it("stand by Holm's method", function()
    assert.same({ true, false, true, false }, change.holm { 0.01, 0.04, 0.001, 0.03 })
    assert.same({ false, false }, change.holm { 0.026, 0.03 })
    assert.same({}, change.holm {})
  end)
end)
