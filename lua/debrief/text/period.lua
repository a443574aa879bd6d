--- Days, weeks and months of the user's zone by name: 2026-11-29, 2026-W48 (ISO 8601, from Monday), 2026-11.
-- @module debrief.text.period
local core = require "debrief.core"

local period = {}

period.formats = { day = "%Y-%m-%d", week = "%G-W%V", month = "%Y-%m" }

local HALF_DAY = 12 * 3600 * 1000000000 -- a step that meets every day, those of 23 hours too
local MOST = 10000 -- steps in a list: 13 years

--- The name of the period that a moment is in.
-- @param kind "day", "week" or "month"
-- @param ns a moment; nil: no name
function period.name(kind, ns) return ns and core.date(period.formats[kind], ns) end

--- The names of all periods from one moment to another, without gaps.
-- @return an array, oldest first; of a time that is too long, the latest
function period.list(kind, first, last)
  local names, at, steps = {}, last, 0
  while at and steps < MOST do
    local name = period.name(kind, at)
    if name ~= names[#names] then names[#names + 1] = name end
    at, steps = at > first and math.max(at - HALF_DAY, first) or nil, steps + 1
  end
  for i = 1, #names // 2 do names[i], names[#names + 1 - i] = names[#names + 1 - i], names[i] end
  return names
end

return period
