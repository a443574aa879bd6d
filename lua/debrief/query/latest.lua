--- The latest entries, of any number: no more than twice as many are kept at once. Of one session they are its last
-- lines, of several those with the latest times.
--
-- Entries without a timestamp are taken only where those with one are too few, and come after them, as they were read.
-- @module debrief.query.latest
local core = require "debrief.core"

local latest = {}

local function read_later(a, b) return a.number > b.number end
local function read_before(a, b) return a.number < b.number end

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

--- Sort a list and drop all but its first `n`, which may be as large as an integer can be.
function latest.cut(list, n, before)
  table.sort(list, before)
  if #list > n then
    for i = #list, n + 1, -1 do list[i] = nil end
  end
end

--- Has a list so many more entries than `n` that they are worth cutting?
function latest.is_long(list, n) return (#list - 64) // 2 >= n end

--- @param n how many
-- @param single true: they are of one session
-- @return { add = function(entry, session, line), count = function() -> how many were added, list = function() -> array
--   of { entry =, session =, line = } in the order they are shown in, each = function(sink) that calls sink(entry,
--   session, line) for each of them }
function latest.new(n, single)
  local list, number, kept = {}, 0, {}
  local before, after = single and read_before or shown, single and read_later or later
  function kept.add(entry, session, line)
    number = number + 1
    local ns = not single and core.time(entry)
    list[#list + 1] = { ns = ns, number = number, entry = entry, session = session, line = line }
    if latest.is_long(list, n) then latest.cut(list, n, after) end
  end
  function kept.count() return number end
  function kept.list()
    latest.cut(list, n, after)
    table.sort(list, before)
    return list
  end
  function kept.each(sink)
    for _, item in ipairs(kept.list()) do sink(item.entry, item.session, item.line) end
  end
  return kept
end

return latest
