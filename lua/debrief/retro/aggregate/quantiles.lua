--- Quantiles by counting in logarithmic buckets (the idea of DDSketch, Masson et al. 2019).
--
--     up to 100 values   n, values = { 12, 7, 7 }
--     more               n, min, max, zero = count, above = { [bucket] = count }, below = { … }, whole = true|false
--
-- Bucket b holds the values in (g^(b-1), g^b] with g = 1.01/0.99, so its middle is within 1 % of every one of them.
-- What is counted where depends on the values alone: not on their order, nor on how the log was cut. Durations between
-- 1 ms and a day fill at most 915 buckets.
-- @module debrief.retro.aggregate.quantiles
local plain = require "debrief.retro.aggregate.plain"

local quantiles = {}

local exact = 100
local gamma = 1.01 / 0.99
local log_gamma = math.log(gamma)
local largest = 0x1.fffffffffffffp+1023

function quantiles.new()
  return { aggregate = "quantiles", n = 0, values = {} }
end

local function bucket(x)
  return math.ceil(math.log(x) / log_gamma)
end

local function widen(state, min, max)
  state.min = plain.range(state.min, min)
  state.max = select(2, plain.range(state.max, max))
end

local function count(state, x)
  widen(state, x, x)
  state.whole = state.whole and math.type(x) == "integer"
  if x == 0 then
    state.zero = state.zero + 1
    return
  end
  local side = x > 0 and state.above or state.below
  local b = bucket(math.abs(x + 0.0))
  side[b] = (side[b] or 0) + 1
end

local function into_buckets(state)
  local values = state.values
  state.values, state.zero, state.above, state.below, state.whole = nil, 0, {}, {}, true
  for _, x in ipairs(values) do count(state, x) end
end

function quantiles.add(state, x)
  local number, wrong = plain.number(x)
  if not number then return wrong end
  number = math.max(-largest, math.min(largest, number))
  state.n = state.n + 1
  if state.values then
    state.values[#state.values + 1] = number
    if state.n > exact then into_buckets(state) end
  else
    count(state, number)
  end
end

local function add_counts(into, from)
  for b, n in next, from do into[b] = (into[b] or 0) + n end
end

function quantiles.merge(state, other)
  if other.values then
    for _, x in ipairs(other.values) do quantiles.add(state, x) end
    return
  end
  if state.values then into_buckets(state) end
  state.n = state.n + other.n
  widen(state, other.min, other.max)
  state.whole = state.whole and other.whole
  state.zero = state.zero + other.zero
  add_counts(state.above, other.above)
  add_counts(state.below, other.below)
end

local function middle(b)
  return math.exp(b * log_gamma) * 2 / (gamma + 1)
end

-- The numbers of buckets, which are integers: no function need compare them.
local function buckets_of(counts)
  local out = {}
  for b in next, counts do out[#out + 1] = b end
  table.sort(out)
  return out
end

-- The middle of the bucket in which the value of this rank lies, counted from the smallest.
local function estimate(state, rank)
  local below = buckets_of(state.below)
  for i = #below, 1, -1 do
    rank = rank - state.below[below[i]]
    if rank <= 0 then return -middle(below[i]) end
  end
  rank = rank - state.zero
  if rank <= 0 then return 0 end
  for _, b in ipairs(buckets_of(state.above)) do
    rank = rank - state.above[b]
    if rank <= 0 then return middle(b) end
  end
  return state.max
end

-- Of numbers of one type none is equal to another that is shown differently: no function need compare them.
local function sorted_values(state)
  local sorted, integers = {}, 0
  for i, value in ipairs(state.values) do
    sorted[i], integers = value, integers + (math.type(value) == "integer" and 1 or 0)
  end
  if integers == 0 or integers == #sorted then table.sort(sorted) else table.sort(sorted, plain.less) end
  return sorted
end

--- The value of a rank, counted from the smallest, 1 to n.
-- Exactly that value if there are at most 100; beyond, within 1 % of it (rounded to a whole number if all were).
function quantiles.rank(state, rank)
  if state.values then return sorted_values(state)[rank] end
  if rank == 1 then return state.min end
  if rank == state.n then return state.max end
  local x = math.max(state.min, math.min(state.max, estimate(state, rank)))
  return state.whole and math.floor(x + 0.5) or x
end

-- Between two numbers; of integers an integer if there is one.
local function middle_of(a, b)
  if math.type(a) ~= "integer" or math.type(b) ~= "integer" then return a / 2 + b / 2 end
  local odd = a % 2 + b % 2
  local half = a // 2 + b // 2
  return odd == 1 and half + 0.5 or half + odd // 2
end

--- The smallest value that at least the share `q` (0 to 1) of the values do not exceed; nil without values. For 0.5 it
-- is the median: of an even number of values, at most 100, the mean of the two in the middle. As exact as `rank`.
function quantiles.at(state, q)
  local n = state.n
  if n == 0 then return nil end
  if q == 0.5 and n % 2 == 0 and state.values then
    local sorted = sorted_values(state)
    return middle_of(sorted[n // 2], sorted[n // 2 + 1])
  end
  return quantiles.rank(state, math.max(1, math.min(n, math.ceil(q * n))))
end

--- The relative error that a value asked for may have: 0 while all values are kept.
function quantiles.error(state) return state.values and 0 or 0.01 end

--- How many of the values are larger than x: exact up to 100 values; beyond, those within 1 % of it may count or not.
function quantiles.above(state, x)
  local n = 0
  for _, value in ipairs(state.values or {}) do n = n + (value > x and 1 or 0) end
  if state.values or state.n == 0 then return n end
  local b = x ~= 0 and bucket(math.abs(x + 0.0))
  for i, count_of in next, state.above do n = n + ((x <= 0 or i > b) and count_of or 0) end
  if x >= 0 then return n end
  for i, count_of in next, state.below do n = n + (i < b and count_of or 0) end
  return n + state.zero
end

return quantiles
