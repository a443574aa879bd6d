--- A change in a series of rates: one lasting step, or a slope.
--
--     periods = { { x = 1, num = 19, den = 20 }, { x = 2, num = 18, den = 20 }, { x = 4, … } }      x: place in time
--
-- step: the split, with at least two periods of data on each side, at which the two sides differ most by likelihood
-- ratio. Its chance is that of a split at least as good anywhere in a series without a change, given how many runs and
-- passes there are in all: exact, along the sums over time (Worsley, Biometrika 70 (1983) 455). Large series are
-- scaled down for it.
--
-- slope: the trend test of Cochran (Biometrics 10 (1954) 417) and Armitage (Biometrics 11 (1955) 375).
--
-- Both say whether they are `lasting`: still there, at 5 %, whichever period is left out. A single outlier is not a
-- change. Runs are assumed independent within a period.
-- @module debrief.statistics.change
local distributions = require "debrief.statistics.distributions"
local rates = require "debrief.statistics.rates"

local change = {}

local log, sqrt, max, min = math.log, math.sqrt, math.max, math.min

local LARGE = 4000 -- runs of a series whose chances are found by counts; larger ones are scaled down to it
local LEVEL = 0.05
local HARDLY = 3.0 -- a likelihood ratio below this has a chance of more than .08 even at one split known before

local function entropy(s, n) -- log likelihood of s of n at the rate s / n
  if s <= 0 or s >= n then return 0 end
  return s * log(s / n) + (n - s) * log(1 - s / n)
end

-- The likelihood ratio of two rates against one, negative for a fall.
local function ratio(s, n, all, total)
  local r = 2 * (entropy(s, n) + entropy(all - s, total - n) - entropy(all, total))
  return s / n > (all - s) / (total - n) and -r or r
end

-- Sums over all periods.
local function totals(periods)
  local s, n = 0, 0
  for _, p in ipairs(periods) do s, n = s + p.num, n + p.den end
  return s, n
end

-- The split with the largest likelihood ratio: how many periods are before it, and the ratio.
local function best_split(periods, all, total)
  local s, n, best, at = 0, 0, 0, nil
  for i = 1, #periods - 2 do
    s, n = s + periods[i].num, n + periods[i].den
    local r = i >= 2 and ratio(s, n, all, total) or 0
    if math.abs(r) > math.abs(best) then best, at = r, i end
  end
  return at, best
end

-- The likelihood ratio of this split with whichever period is left out that leaves the smallest; 0 where the direction
-- turns.
local function least_ratio(periods, at, full, all, total)
  local before, n_before = 0, 0
  for i = 1, at do before, n_before = before + periods[i].num, n_before + periods[i].den end
  local least = math.abs(full)
  for i, p in ipairs(periods) do
    local s, n = before, n_before
    if i <= at then s, n = s - p.num, n - p.den end
    local r = ratio(s, n, all - p.num, total - p.den)
    least = (r > 0) == (full > 0) and min(least, math.abs(r)) or 0
  end
  return least
end

-- Chances of 0 to n passes at the rate p, without those that are as good as never: the first number, and the array.
local function passes(n, p)
  local mode = min(n, math.floor((n + 1) * p))
  local chance = { [mode] = distributions.binomial(mode, n, p) }
  local first, last = mode, mode
  while first > 0 and chance[first] > 1e-16 do
    chance[first - 1] = chance[first] * first * (1 - p) / ((n - first + 1) * p)
    first = first - 1
  end
  while last < n and chance[last] > 1e-16 do
    chance[last + 1] = chance[last] * (n - last) * p / ((last + 1) * (1 - p))
    last = last + 1
  end
  return first, last, chance
end

-- The chance that at some split the likelihood ratio is c or more, in series of these sizes with `all` passes and no
-- change. `chance[s]` is that of s passes so far without a split that reaches c.
local function chance_of(sizes, all, total, c)
  local rate, low, high, chance, sum = all / total, 0, 0, { [0] = 1.0 }, 0
  for i, n in ipairs(sizes) do
    sum = sum + n
    local first, last, of = passes(n, rate)
    local next_low, next_high, after = max(low + first, all - total + sum), min(high + last, all), {}
    for s = next_low, next_high do
      local reached = i >= 2 and i <= #sizes - 2 and math.abs(ratio(s, sum, all, total)) >= c - 1e-9
      local t = 0.0
      if not reached then
        for x = max(first, s - high), min(last, s - low) do t = t + chance[s - x] * of[x] end
      end
      after[s] = t
    end
    low, high, chance = next_low, next_high, after
  end
  return max(0.0, 1 - (chance[all] or 0) / distributions.binomial(all, total, rate))
end

local function scaled(periods, all, total)
  local scale, sizes, sum = max(1, total / LARGE), {}, 0
  for i, p in ipairs(periods) do
    sizes[i] = scale > 1 and max(1, math.floor(p.den / scale + 0.5)) or p.den
    sum = sum + sizes[i]
  end
  return sizes, max(1, min(sum - 1, math.floor(all / total * sum + 0.5))), sum
end

--- One lasting step.
-- @param periods those with data, in order of time
-- @return { chance =, lasting = boolean, at = how many periods are before it, before = rate, after = rate, ratio = the
--   likelihood ratio, difference, low, high = after - before with its 95 % interval (Miettinen and Nurminen), which
--   holds for a split known before }; nil for fewer than four periods or if nothing differs
function change.step(periods)
  if #periods < 4 then return nil end
  local all, total = totals(periods)
  local at, full = best_split(periods, all, total)
  if not at then return nil end
  local least = least_ratio(periods, at, full, all, total)
  full = math.abs(full)
  local out = { at = at, ratio = full, chance = 1.0, lasting = false, before = { num = 0, den = 0 },
    after = { num = 0, den = 0 } }
  for i, p in ipairs(periods) do
    local side = i <= at and out.before or out.after
    side.num, side.den = side.num + p.num, side.den + p.den
  end
  if full > HARDLY then
    local sizes, passed, sum = scaled(periods, all, total)
    out.chance = chance_of(sizes, passed, sum, full)
    out.lasting = out.chance <= LEVEL and least > HARDLY and chance_of(sizes, passed, sum, least) <= LEVEL
  end
  local d = rates.stratified { { a = out.before, b = out.after } }
  out.difference, out.low, out.high = d.difference, d.low, d.high
  return out
end

-- Score of the trend test, its variance without a change, and the slope with the spread of x.
local function trend(periods, without)
  local n, s, nx, sx, nxx = 0, 0, 0, 0, 0
  for i, p in ipairs(periods) do
    if i ~= without then
      n, s, nx, sx, nxx = n + p.den, s + p.num, nx + p.den * p.x, sx + p.num * p.x, nxx + p.den * p.x * p.x
    end
  end
  local rate, spread = s / n, nxx - nx * nx / n
  local score = sx - rate * nx
  local v = rate * (1 - rate) * spread * n / max(1, n - 1)
  return v > 0 and score / sqrt(v) or 0, spread > 0 and score / spread or 0, spread, nx / n, rate
end

--- A slope: how much the rate rises per period.
-- @return { chance =, lasting = boolean, slope, low, high = in shares per period, with a 95 % interval, ratio = the
--   square of the statistic }; nil for fewer than four periods or if nothing differs
function change.slope(periods)
  if #periods < 4 then return nil end
  local z, slope, spread, middle, rate = trend(periods)
  if z == 0 then return nil end
  local least = math.abs(z)
  for i = 1, #periods do
    local other = trend(periods, i)
    least = (other > 0) == (z > 0) and min(least, math.abs(other)) or 0
  end
  local v = 0.0
  for _, p in ipairs(periods) do
    local fitted = max(0, min(1, rate + slope * (p.x - middle)))
    fitted = (fitted * p.den + 0.5) / (p.den + 1)
    v = v + p.den * (p.x - middle) ^ 2 * fitted * (1 - fitted)
  end
  local half = distributions.Z * sqrt(v) / spread
  return { slope = slope, low = slope - half, high = slope + half, ratio = z * z,
    chance = 2 * distributions.normal_above(math.abs(z)), lasting = 2 * distributions.normal_above(least) <= LEVEL }
end

--- Which of several chances stand when all were looked at: Holm's method (Scand. J. Stat. 6 (1979) 65), at 5 %.
-- @param chances an array of numbers
-- @return an array of booleans
function change.holm(chances)
  local order, stands = {}, {}
  for i in ipairs(chances) do order[i], stands[i] = i, false end
  table.sort(order, function(a, b)
    if chances[a] ~= chances[b] then return chances[a] < chances[b] end
    return a < b
  end)
  for i, at in ipairs(order) do
    if chances[at] > 0.05 / (#order - i + 1) then break end
    stands[at] = true
  end
  return stands
end

return change
