--- Numbers such as durations in two arms: ratios of medians, differences of means, and pairs.
--
--     ratio_of_medians       over strata: log ratios with weights n m / (n + m), each with the variance of Price and
--     Bonett
--                            (J. Stat. Comput. Simul. 72 (2002) 119), from two order statistics of each arm
--     difference_of_means    over strata with the same weights: Welch (Biometrika 34 (1947) 28), degrees of freedom of
--                            Satterthwaite (Biometrics Bull. 2 (1946) 110)
--     median_of_pairs        of the ratios in pairs: the order statistics of the sign test (Thompson, Ann. Math. Stat.
--     7
--                            (1936) 122)
--
-- The first and the last assume nothing of the form of the distribution; all assume independent runs.
-- @module debrief.statistics.numbers
local distributions = require "debrief.statistics.distributions"

local numbers = {}

local sqrt, log, exp = math.sqrt, math.log, math.exp

--- Fewer values than this in an arm of a stratum say nothing of its spread, and the stratum is passed over.
numbers.LEAST = 5

--- The same for means: of numbers that are mostly 0, fewer do not show how far the others reach.
numbers.LEAST_MEANS = 30

-- The ranks of the two values, as far from the middle on either side, whose distance measures how certain a median
-- is: the lower one, and how many standard errors they lie apart.
local function ranks(n)
  local c = math.max(1, math.floor((n + 1) / 2 - sqrt(n) + 0.5))
  if n > 1000 then return c, 2 * (n / 2 - c + 0.5) / (sqrt(n) / 2) end
  return c, 2 * distributions.normal_quantile_above(distributions.heads(c - 1, n))
end

-- The variance of the logarithm of a median.
local function variance(arm)
  local c, apart = ranks(arm.n)
  local low, high = arm.at(c), arm.at(arm.n - c + 1)
  return low > 0 and ((log(high) - log(low)) / apart) ^ 2 or nil
end

--- The ratio of medians B / A over strata with at least LEAST values in both arms, and its 95 % interval.
-- @param strata an array of { a = arm, b = arm }, an arm being { n =, median =, at = function(rank) -> value,
--   error = the relative error that each value may have, or nil }
-- @return { ratio, low, high, strata =, n = values in them }; nil without such strata, if a median is not above 0 or
--   if nothing varies
function numbers.ratio_of_medians(strata)
  local sum, v, weights, error_of, used, n = 0.0, 0.0, 0.0, 0.0, 0, 0
  for _, s in ipairs(strata) do
    local a, b = s.a, s.b
    if a.n >= numbers.LEAST and b.n >= numbers.LEAST then
      local var_a, var_b = variance(a), variance(b)
      if not var_a or not var_b or a.median <= 0 or b.median <= 0 then return nil end
      local w = a.n * b.n / (a.n + b.n)
      sum, v, weights = sum + w * (log(b.median) - log(a.median)), v + w * w * (var_a + var_b), weights + w
      error_of = error_of + w * ((a.error or 0) + (b.error or 0))
      used, n = used + 1, n + a.n + b.n
    end
  end
  if used == 0 or v == 0 then return nil end
  local ratio, half = sum / weights, distributions.Z * sqrt(v) / weights + error_of / weights
  return { ratio = exp(ratio), low = exp(ratio - half), high = exp(ratio + half), strata = used, n = n }
end

--- The difference of means B - A over strata with at least LEAST_MEANS values in both arms, and its 95 % interval.
-- @param strata an array of { a = arm, b = arm }, an arm being { n =, mean =, square = the mean of the squares }
-- @return { difference, low, high, a =, b = (the weighted means), strata =, n = }; nil without such strata, or if
--   nothing varies
function numbers.difference_of_means(strata)
  local list, weights = {}, 0
  for _, s in ipairs(strata) do
    if s.a.n >= numbers.LEAST_MEANS and s.b.n >= numbers.LEAST_MEANS then
      list[#list + 1] = s
      weights = weights + s.a.n * s.b.n / (s.a.n + s.b.n)
    end
  end
  if #list == 0 then return nil end
  local out = { difference = 0.0, a = 0.0, b = 0.0, strata = #list, n = 0 }
  local v, parts = 0.0, 0.0
  for _, s in ipairs(list) do
    local w = s.a.n * s.b.n / (s.a.n + s.b.n) / weights
    out.a, out.b, out.n = out.a + w * s.a.mean, out.b + w * s.b.mean, out.n + s.a.n + s.b.n
    for _, arm in ipairs { s.a, s.b } do
      local part = w * w * math.max(0, arm.square - arm.mean ^ 2) / (arm.n - 1) -- of the mean: s^2 / n
      v, parts = v + part, parts + part * part / (arm.n - 1)
    end
  end
  out.difference = out.b - out.a
  if v == 0 then return nil end
  local half = distributions.t_quantile(v * v / parts) * sqrt(v)
  out.low, out.high = out.difference - half, out.difference + half
  return out
end

--- The median of some numbers and its 95 % interval by the sign test, which holds for every distribution.
-- @param sorted an array of numbers in order
-- @return median, low, high; nil for fewer than 6, of which no two values make such an interval
function numbers.median_of_pairs(sorted)
  local n = #sorted
  local c = 0
  while distributions.heads(c, n) <= 0.025 do c = c + 1 end
  if c == 0 then return nil end
  return (sorted[(n + 1) // 2] + sorted[n // 2 + 1]) / 2, sorted[c], sorted[n - c + 1]
end

return numbers
