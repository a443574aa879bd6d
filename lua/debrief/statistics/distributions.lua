--- Tail probabilities and quantiles of the normal, chi-squared, t and binomial distributions, to about 12 digits.
-- Series and continued fraction of the incomplete gamma function: Abramowitz and Stegun 1964, 6.5.29 and 6.5.31.
-- @module debrief.statistics.distributions
local distributions = {}

local exp, log, sqrt, abs, pi = math.exp, math.log, math.sqrt, math.abs, math.pi

--- The quantile .975 of the normal distribution: half the width of a 95 % interval in standard errors.
distributions.Z = 1.9599639845400545

local ENOUGH, TINY = 1e-16, 1e-300

--- The natural logarithm of the gamma function, for x > 0 (Stirling's series, from x = 10 on).
function distributions.log_gamma(x)
  local shift = 0.0
  while x < 10 do
    shift = shift + log(x)
    x = x + 1
  end
  local y = 1 / (x * x)
  local series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / x
  return (x - 0.5) * log(x) - x + 0.5 * log(2 * pi) + series - shift
end

local function gamma_series(a, x)
  local term, sum, n = 1 / a, 1 / a, a
  repeat
    n = n + 1
    term = term * x / n
    sum = sum + term
  until term < sum * ENOUGH
  return sum
end

-- Lentz's way through the continued fraction.
local function gamma_fraction(a, x)
  local b = x + 1 - a
  local c, d = 1 / TINY, 1 / b
  local h, i = d, 0
  repeat
    i = i + 1
    local an = -i * (i - a)
    b = b + 2
    d = an * d + b
    d = 1 / (abs(d) < TINY and TINY or d)
    c = b + an / c
    c = abs(c) < TINY and TINY or c
    h = h * d * c
  until abs(d * c - 1) < ENOUGH * 10 or i > 1000
  return h
end

--- The chance that a chi-squared variable with `df` degrees of freedom is at least x.
function distributions.chi_squared(x, df)
  if x <= 0 then return 1.0 end
  local a, y = df / 2, x / 2
  local scale = exp(a * log(y) - y - distributions.log_gamma(a))
  if y < a + 1 then return 1 - scale * gamma_series(a, y) end
  return scale * gamma_fraction(a, y)
end

--- The chance that a standard normal variable is at least z.
function distributions.normal_above(z)
  local half = distributions.chi_squared(z * z, 1) / 2
  return z >= 0 and half or 1 - half
end

--- The z that a standard normal variable exceeds with chance p, 0 < p < 1 (a start by Abramowitz and Stegun 26.2.23,
-- then Newton's method).
function distributions.normal_quantile_above(p)
  if p > 0.5 then return -distributions.normal_quantile_above(1 - p) end
  local t = sqrt(-2 * log(p))
  local z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  for _ = 1, 4 do
    z = z + (distributions.normal_above(z) - p) * sqrt(2 * pi) * exp(z * z / 2)
  end
  return z
end

--- The quantile .975 of Student's t with `df` degrees of freedom, from 1 on and not only whole ones, within 0.2 %
-- from df = 3 on (Cornish and Fisher's expansion, Abramowitz and Stegun 26.7.5).
function distributions.t_quantile(df)
  if df < 3 then -- the expansion is poor here: linear between the exact ones
    local known = { 12.706205, 4.302653, 3.182446 }
    local i = math.max(1, math.floor(df))
    return known[i] + (known[i + 1] - known[i]) * (math.max(df, 1) - i)
  end
  local z = distributions.Z
  local z3, z5, z7, z9 = z ^ 3, z ^ 5, z ^ 7, z ^ 9
  return z + (z3 + z) / (4 * df) + (5 * z5 + 16 * z3 + 3 * z) / (96 * df ^ 2)
    + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * df ^ 3)
    + (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92160 * df ^ 4)
end

--- The chance of exactly k successes in n trials.
function distributions.binomial(k, n, p)
  if p <= 0 or p >= 1 then return (k == (p <= 0 and 0 or n)) and 1.0 or 0.0 end
  local g = distributions.log_gamma
  return exp(g(n + 1) - g(k + 1) - g(n - k + 1) + k * log(p) + (n - k) * log(1 - p))
end

--- The chance of at most k heads in n throws of a fair coin.
function distributions.heads(k, n)
  if k < 0 then return 0.0 elseif k >= n then return 1.0 end
  local sum, term = 0.0, distributions.binomial(k, n, 0.5)
  for i = k, 0, -1 do
    sum = sum + term
    term = term * i / (n - i + 1)
    if term < sum * ENOUGH then break end
  end
  return math.min(1.0, sum)
end

return distributions
