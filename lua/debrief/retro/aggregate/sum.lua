--- Exact sums: the result is the rounded true sum, whatever the order and however the data was cut.
--
--     n = 3   i = -2^63+1  carry = 1   p = { 2^-60, 0.5 }     special = nil
--             '-- integers: i + carry * 2^64  '-- floats: parts that do not overlap (Shewchuk 1997)
--
-- Plain float addition depends on the order, so two ways of cutting the same log would print different last digits.
-- @module debrief.retro.aggregate.sum
local plain = require "debrief.retro.aggregate.plain"

local sum = {}

local two64 = 2.0 ^ 64

function sum.new()
  return { aggregate = "sum", n = 0, i = 0, carry = 0 }
end

local function add_integer(state, x)
  local i = state.i
  local total = i + x
  if (i >= 0) == (x >= 0) and (total >= 0) ~= (i >= 0) then state.carry = state.carry + (i >= 0 and 1 or -1) end
  state.i = total
end

local function add_part(parts, x)
  local kept = 0
  for j = 1, #parts do
    local y = parts[j]
    if math.abs(x) < math.abs(y) then x, y = y, x end
    local high = x + y
    local low = y - (high - x)
    if low ~= 0 then
      kept = kept + 1
      parts[kept] = low
    end
    x = high
  end
  for j = #parts, kept + 2, -1 do parts[j] = nil end
  parts[kept + 1] = x
end

local function is_finite(x)
  return x - x == 0
end

local function add_float(state, x)
  local parts = state.p or {}
  state.p = parts
  if is_finite(x) then
    add_part(parts, x)
    if is_finite(parts[#parts]) then return end
    x, state.p = parts[#parts], {}
  end
  state.special = (state.special or 0.0) + x
end

function sum.add(state, x)
  local number, wrong = plain.number(x)
  if not number then return wrong end
  state.n = state.n + 1
  if math.type(number) == "integer" then add_integer(state, number) else add_float(state, number) end
end

function sum.merge(state, other)
  state.n = state.n + other.n
  state.carry = state.carry + other.carry
  add_integer(state, other.i)
  for _, part in ipairs(other.p or {}) do add_float(state, part) end
  if other.special then add_float(state, other.special) end
  if other.p then state.p = state.p or {} end
end

-- The parts as one float, rounded once: adding from the largest, the first loss decides together with the sign of
-- what is left below it.
local function round(parts)
  local n = #parts
  local high, low = parts[n] or 0.0, 0.0
  n = n - 1
  while n > 0 and low == 0 do
    local x, y = high, parts[n]
    high = x + y
    low = y - (high - x)
    n = n - 1
  end
  if n > 0 and ((low < 0 and parts[n] < 0) or (low > 0 and parts[n] > 0)) then
    local twice = low * 2
    local x = high + twice
    if x - high == twice then high = x end
  end
  return high
end

--- The sum; nil when nothing was added. An integer when all were integers and it fits.
function sum.value(state)
  if state.n == 0 then return nil end
  if not state.p and state.carry == 0 then return state.i end
  if state.special then return state.special end
  local parts = {}
  for _, part in ipairs(state.p or {}) do parts[#parts + 1] = part end
  local low = state.i & 0xffffffff
  add_part(parts, (state.i - low) * 1.0)
  add_part(parts, low * 1.0)
  add_part(parts, state.carry * two64)
  return round(parts)
end

--- The mean; nil when nothing was added.
function sum.mean(state)
  local total = sum.value(state)
  return total and total / state.n
end

return sum
