--- Rates and their differences: numbers in, numbers out. A rate is `{ num =, den = }`; a stratum, such as a skill, is
-- `{ a = rate, b = rate }`, and differences are B - A, in shares.
--
--     wilson       the interval of one rate: Wilson, J. Am. Stat. Assoc. 22 (1927) 209
--     newcombe     of a difference of two, from both Wilson intervals: Newcombe, Stat. Med. 17 (1998) 873, method 10
--     stratified   of a difference over strata: weights of Mantel and Haenszel (Greenland and Robins, Biometrics 41
--                  (1985) 55), interval by inverting the score test (Miettinen and Nurminen, Stat. Med. 4 (1985) 213)
--     paired       of two results on the same cases: Newcombe, Stat. Med. 17 (1998) 2635, method 10; and the chance of
--     a
--                  table at least as uneven by McNemar's test (Psychometrika 12 (1947) 153), exact, mid-p (Fagerland,
--                  Lydersen and Laake, BMC Med. Res. Methodol. 13 (2013) 91)
--
-- All assume that runs are independent of each other.
-- @module debrief.statistics.rates
local distributions = require "debrief.statistics.distributions"

local rates = {}

local sqrt, max, min, abs = math.sqrt, math.max, math.min, math.abs
local Z = distributions.Z

--- The 95 % interval of a rate, as two shares; nil when nothing was decided.
function rates.wilson(num, den)
  if den <= 0 then return nil end
  local p, z2 = num / den, Z * Z
  local middle = (p + z2 / (2 * den)) / (1 + z2 / den)
  local half = Z / (1 + z2 / den) * sqrt(p * (1 - p) / den + z2 / (4 * den * den))
  return max(0.0, middle - half), min(1.0, middle + half)
end

--- How much larger the rate b is than a, and the 95 % interval of that; nil when one of them has nothing decided.
function rates.newcombe(a, b)
  local low_a, high_a = rates.wilson(a.num, a.den)
  local low_b, high_b = rates.wilson(b.num, b.den)
  if not low_a or not low_b then return nil end
  local p, q = a.num / a.den, b.num / b.den
  local down, up = sqrt((q - low_b) ^ 2 + (high_a - p) ^ 2), sqrt((high_b - q) ^ 2 + (p - low_a) ^ 2)
  return q - p, q - p - down, q - p + up
end

-- ---- Strata --------------------------------------------------------------------------------------------------------

-- The variance of a stratum's difference if the true one is delta, at the likeliest rates that differ by delta (the
-- closed form of Miettinen and Nurminen's cubic), with their factor N / (N - 1).
local function variance(x, n, y, m, delta) -- B: x of n; A: y of m
  local total = n + m
  local l3, l2 = total, (n + 2 * m) * delta - total - x - y
  local l1, l0 = (m * delta - total - 2 * y) * delta + x + y, y * delta * (1 - delta)
  local q = l2 ^ 3 / (3 * l3) ^ 3 - l1 * l2 / (6 * l3 ^ 2) + l0 / (2 * l3)
  local p = sqrt(max(0, l2 ^ 2 / (3 * l3) ^ 2 - l1 / (3 * l3)))
  if q < 0 then p = -p end
  local ratio = p ~= 0 and q / p ^ 3 or 0
  local angle = (math.pi + math.acos(max(-1, min(1, ratio)))) / 3
  local a = 2 * p * math.cos(angle) - l2 / (3 * l3)
  a = max(0, -delta, min(1, 1 - delta, a))
  local b = max(0, min(1, a + delta))
  return (b * (1 - b) / n + a * (1 - a) / m) * total / (total - 1)
end

-- Strata that have both arms, as flat numbers with their weights, which add up to 1.
local function shared(strata)
  local out, sum = {}, 0
  for _, s in ipairs(strata) do
    local n, m = s.b.den, s.a.den
    if n > 0 and m > 0 then
      local weight = n * m / (n + m)
      sum = sum + weight
      out[#out + 1] = { x = s.b.num, n = n, y = s.a.num, m = m, weight = weight,
        difference = s.b.num / n - s.a.num / m, name = s.name }
    end
  end
  for _, s in ipairs(out) do s.weight = s.weight / sum end
  return out
end

local function mean_difference(list)
  local sum = 0.0
  for _, s in ipairs(list) do sum = sum + s.weight * s.difference end
  return sum
end

-- How many standard errors the difference lies above delta, if delta is the true one.
local function score(list, difference, delta)
  local v = 0
  for _, s in ipairs(list) do v = v + s.weight * s.weight * variance(s.x, s.n, s.y, s.m, delta) end
  local away = difference - delta
  if v > 0 then return away / sqrt(v) end
  return away == 0 and 0 or away > 0 and math.huge or -math.huge
end

local STEP_ENDS = 1e-7 -- of a share

-- Where |score| reaches Z on one side of the difference (side: -1 or 1), by false position (Illinois).
local function limit(list, difference, side)
  local function beyond(delta) return min(1e6, -side * score(list, difference, delta)) - Z end
  local near, far, step = difference, difference, 0.05
  local f_near, f_far = -Z, -Z
  while f_far < 0 do
    near, f_near = far, f_far
    far = max(-1, min(1, far + side * step))
    f_far = beyond(far)
    if f_far < 0 and abs(far) == 1 then return side * 1.0 end
    step = step * 2
  end
  for _ = 1, 100 do
    local middle = (near * f_far - far * f_near) / (f_far - f_near)
    local f = beyond(middle)
    if f >= 0 then
      if middle == far then break end
      far, f_far, f_near = middle, f, f_near / 2
    else
      near, f_near, f_far = middle, f, f_far / 2
    end
    if abs(far - near) < STEP_ENDS or abs(f) < 1e-9 then return middle end
  end
  return far
end

--- The difference B - A over strata that have runs of both, and its 95 % interval.
-- @param strata an array of { a = rate, b = rate }; those that lack an arm are passed over
-- @return { difference, low, high, a =, b = (the weighted rates), strata = how many are in it }; nil when none has both
function rates.stratified(strata)
  local list = shared(strata)
  if #list == 0 then return nil end
  local difference, a, b = mean_difference(list), 0.0, 0.0
  for _, s in ipairs(list) do a, b = a + s.weight * s.y / s.m, b + s.weight * s.x / s.n end
  return { difference = difference, low = limit(list, difference, -1), high = limit(list, difference, 1), a = a, b = b,
    strata = #list }
end

--- Do strata differ in their differences? The sum over strata of squared distances from their mean in
-- standard errors of the score test, which is chi-squared if they do not (as Gart and Nam, Biometrics 46 (1990) 637).
-- @param least how many decided runs an arm of a stratum must have, or it is passed over
-- @return the chance of strata at least as far apart, and the strata with the lowest and the highest difference, each
--   { name =, difference = }; nil for fewer than two
function rates.heterogeneity(strata, least)
  local list = {}
  for _, s in ipairs(strata) do
    if s.a.den >= least and s.b.den >= least then list[#list + 1] = s end
  end
  list = shared(list)
  if #list < 2 then return nil end
  local common, lowest, highest = mean_difference(list), list[1], list[1]
  local sum, weighted, squares = 0.0, 0.0, 0.0 -- around the mean by variances, where the sum of squares is least
  for _, s in ipairs(list) do
    local v, d = variance(s.x, s.n, s.y, s.m, common), s.difference
    if v > 0 then sum, weighted, squares = sum + 1 / v, weighted + d / v, squares + d * d / v end
    if d < lowest.difference then lowest = s end
    if d > highest.difference then highest = s end
  end
  local apart = sum > 0 and max(0, squares - weighted * weighted / sum) or 0
  return distributions.chi_squared(apart, #list - 1), lowest, highest
end

-- ---- Pairs ---------------------------------------------------------------------------------------------------------

-- How both results of a case go together, corrected towards 0.
local function correlation(e, f, g, h)
  local product = (e + f) * (g + h) * (e + g) * (f + h)
  if product == 0 then return 0 end
  local c = e * h - f * g
  if c > 0 then c = max(0, c - (e + f + g + h) / 2) end
  return c / sqrt(product)
end

--- The difference B - A on cases that both ran, and its 95 % interval.
-- @param both, only_b, only_a, neither how many cases passed with both, with B alone, with A alone, with neither
-- @return difference, low, high, and the chance of a table at least as uneven if there is no difference; nil without
--   cases
function rates.paired(both, only_b, only_a, neither)
  local n = both + only_b + only_a + neither
  if n == 0 then return nil end
  local b, a = (both + only_b) / n, (both + only_a) / n
  local low_b, high_b = rates.wilson(both + only_b, n)
  local low_a, high_a = rates.wilson(both + only_a, n)
  local r = correlation(both, only_b, only_a, neither)
  local function apart(x, y) return sqrt(max(0, x * x - 2 * r * x * y + y * y)) end
  local k, m = min(only_a, only_b), only_a + only_b
  local chance = m == 0 and 1.0
    or min(1.0, 2 * distributions.heads(k, m) - distributions.binomial(k, m, 0.5))
  return b - a, b - a - apart(b - low_b, high_a - a), b - a + apart(high_b - b, a - low_a), chance
end

return rates
