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

-- ipairs has one iterator for entries and one for tables: no closure is made for each entry.
local of_entries, of_tables = ipairs_of(core.entry '{"attempts":[]}'.attempts), ipairs_of {}
local iterators = { [of_entries] = skipping(of_entries), [of_tables] = skipping(of_tables) }

--- The attempts of an entry, in order.
-- @param entry an entry, or a plain table of one
-- @return an iterator of place and attempt, which ends at once for an entry without attempts
local function attempts(entry)
  local list = entry.attempts
  if list == nil or list == null then return nothing end
  local step, state, start = ipairs_of(list)
  return iterators[step], state, start
end

return attempts
