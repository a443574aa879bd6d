--- The attempts of an entry, without the nulls that may stand among them.
--
--     for i, attempt in attempts(entry) do … end      i is the attempt's place in the array, from 1
-- @module debrief.entry.attempts
local core = require "debrief.core"

local function nothing() end

--- The attempts of an entry, in order.
-- @param entry an entry, or a plain table of one
-- @return an iterator of place and attempt; an entry without attempts has none
local function attempts(entry)
  local list = entry.attempts
  if list == nil or list == core.null then return nothing end
  local step, state = core.ipairs(list)
  return function(_, i)
    local attempt
    repeat i, attempt = step(state, i) until attempt ~= core.null
    return i, attempt
  end, nil, 0
end

return attempts
