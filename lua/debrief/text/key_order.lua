--- The order of keys wherever it shows: numbers, then strings, each from small to large, then false and true. Others
-- have none: nothing of theirs is called to find one.
-- @module debrief.text.key_order

local rank = { number = 1, string = 2, boolean = 3 }

--- For table.sort.
-- @return does key `a` come before key `b`?
return function(a, b)
  local x, y = rank[type(a)] or 4, rank[type(b)] or 4
  if x ~= y then return x < y end
  if x <= 2 then return a < b end
  return x == 3 and not a and b
end
