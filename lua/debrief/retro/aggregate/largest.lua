--- The values of the largest weight: the slowest runs, the newest ones.
--
--     limit = 20   n = 3104   items = { { weight = 98000, value = {…} }, { weight = 71000, value = {…} }, … }
--
-- Heaviest first; of equal weights the one that came first in the log. What is kept of a piece of a log is all that the
-- whole could keep of it, so it does not matter how the log was cut.
-- @module debrief.retro.aggregate.largest
local plain = require "debrief.retro.aggregate.plain"

local largest = {}

function largest.new(limit)
  return { aggregate = "largest", limit = limit, n = 0, items = {} }
end

-- Put an item after those of the same weight, unless that is past the last place.
local function insert(state, weight, value)
  local items = state.items
  local at = #items + 1
  while at > 1 and items[at - 1].weight < weight do at = at - 1 end
  if at > state.limit then return end
  table.insert(items, at, { weight = weight, value = plain.copy(value) })
  items[state.limit + 1] = nil
end

function largest.add(state, weight, value)
  local number, wrong = plain.number(weight)
  if not number then return wrong end
  if plain.nothing(value) then return end
  if type(value) == "userdata" or type(value) == "function" then
    return "plain data is needed, not a " .. type(value)
  end
  state.n = state.n + 1
  insert(state, number, value)
end

function largest.merge(state, other)
  state.n = state.n + other.n
  for _, item in ipairs(other.items) do insert(state, item.weight, item.value) end
end

--- The values, heaviest first, and how many were added in all.
function largest.values(state)
  local values = {}
  for i, item in ipairs(state.items) do values[i] = item.value end
  return values, state.n
end

return largest
