--- Plain data: what the state of an aggregate is made of, and the few things all aggregates do with it.
-- Booleans, integers, floats, strings, and tables of them with string or integer keys. No metatables, no functions,
-- no shared parts: a state travels between workers, processes and machines.
-- @module debrief.retro.aggregate.plain
local core = require "debrief.core"
local keys = require "debrief.text.keys"

local plain = {}

--- Is this "no data"? (nil and JSON's null are.)
function plain.nothing(value)
  return value == nil or value == core.null
end

--- A copy that shares nothing with the original.
function plain.copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in next, value do out[key] = plain.copy(item) end
  return out
end

--- The order of keys, and the keys of a table in it.
plain.before, plain.keys = keys.before, keys.sorted

--- What a value is called as a key. Only strings and integers may be keys of plain data, so true is "true", 1.5 is
-- "1.5", and no data is "" (the original's zero value for a field that was not set).
-- @return the key, or nil and what is wrong
function plain.key(value)
  local kind = type(value)
  if kind == "string" or math.type(value) == "integer" then return value end
  if plain.nothing(value) then return "" end
  if kind == "boolean" then return tostring(value) end
  if kind == "number" then return math.tointeger(value) or string.format("%.17g", value) end
  return nil, "a key must be a string, a number or a boolean, not a " .. kind
end

--- The order of numbers; of 1 and 1.0 the integer comes first, so that the smallest of both is always the same one.
function plain.less(a, b)
  if a == b then return math.type(a) == "integer" and math.type(b) == "float" end
  return a < b
end

--- The smaller and the larger of two numbers, either of which may be nil.
function plain.range(a, b)
  if a == nil or b == nil then return a or b, a or b end
  if plain.less(b, a) then return b, a end
  return a, b
end

--- A number, or nil for no data, or nil and what is wrong. NaN is no data, and -0.0 is 0.0.
function plain.number(value)
  if plain.nothing(value) or value ~= value then return nil end
  if type(value) == "number" then return value == -0.0 and math.type(value) == "float" and 0.0 or value end
  return nil, "a number is needed, not a " .. type(value)
end

return plain
