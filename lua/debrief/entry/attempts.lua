--- The attempts of an entry, without the nulls that may stand among them.
--
--     for i, attempt in attempts(entry) do … end      i is the attempt's place in the array, from 1
-- @module debrief.entry.attempts
local core = require "debrief.core"

local ipairs_of, null = core.ipairs, core.null

local function nothing() end

-- An iterator of ipairs, which skips nulls.
local function skipping(step)
  return function(list, i)
    local attempt
    repeat i, attempt = step(list, i) until attempt ~= null
    return i, attempt
  end
end

-- By the iterators of ipairs, one for each kind of list there is: no closure is made for each entry.
local iterators = { [core.next_lent] = core.next_lent_attempt }

--- The attempts of an entry, in order.
-- @param entry an entry, or a plain table of one
-- @return an iterator of place and attempt, which ends at once for an entry without attempts
local function attempts(entry)
  local list = entry.attempts
  if list == nil or list == null then return nothing end
  local step, state, start = ipairs_of(list)
  local skip = iterators[step]
  if not skip then
    skip = skipping(step)
    iterators[step] = skip
  end
  return skip, state, start
end

return attempts
