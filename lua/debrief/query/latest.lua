--- The latest entries by time, of any number: no more than twice as many are kept at once.
--
-- Entries without a timestamp are taken only where those with one are too few, and come after them, as they were read.
-- @module debrief.query.latest
local core = require "debrief.core"

local latest = {}

-- Later ones first; without a time last; of the same time, what was read later.
local function later(a, b)
  if a.ns ~= b.ns then return a.ns and (not b.ns or a.ns > b.ns) or false end
  return a.number > b.number
end

-- As they are shown: by time, those without one last.
local function shown(a, b)
  if a.ns ~= b.ns then return a.ns and (not b.ns or a.ns < b.ns) or false end
  return a.number < b.number
end

--- @param n how many
-- @return { add = function(entry, session, line), list = function() -> array of { entry =, session =, line = } in the
--   order of time, each = function(sink) that calls sink(entry, session, line) for each of them }
function latest.new(n)
  local list, number, kept = {}, 0, {}
  local function trim()
    table.sort(list, later)
    for i = #list, n + 1, -1 do list[i] = nil end
  end
  function kept.add(entry, session, line)
    number = number + 1
    list[#list + 1] = { ns = core.time(entry), number = number, entry = entry, session = session, line = line }
    if #list >= 2 * n + 64 then trim() end
  end
  function kept.list()
    trim()
    table.sort(list, shown)
    return list
  end
  function kept.each(sink)
    for _, item in ipairs(kept.list()) do sink(item.entry, item.session, item.line) end
  end
  return kept
end

return latest
