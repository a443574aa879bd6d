--- The order of keys wherever it shows: numbers, then strings, each from small to large, then false and true. Keys of
-- other types have no order: no metamethod of theirs is called to find one.
-- @module debrief.text.keys

local keys = {}

local rank = { number = 1, string = 2, boolean = 3 }

--- Does key `a` come before key `b`? For table.sort.
function keys.before(a, b)
  local x, y = rank[type(a)] or 4, rank[type(b)] or 4
  if x ~= y then return x < y end
  if x <= 2 then return a < b end
  return x == 3 and not a and b
end

--- The keys of a table in order: Lua's own order differs from run to run.
function keys.sorted(t)
  local out = {}
  for key in next, t do out[#out + 1] = key end
  table.sort(out, keys.before)
  return out
end

return keys
