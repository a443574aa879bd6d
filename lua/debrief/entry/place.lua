--- Where entries were read, and how long nothing ran before them, on its way between states.
--
-- Readers note both in the entry (core.place); an entry that travels as text gets both again where it arrives.
-- @module debrief.entry.place
local core = require "debrief.core"

local place = {}

local NO_GAP = math.mininteger

--- A place as bytes.
-- @param entry nil when it has no gap
function place.pack(entry, line, session)
  local gap = entry and select(3, core.place(entry))
  return ("<I8i8z"):pack(line, gap or NO_GAP, session)
end

--- Take the next of several places, and note it in its entry.
-- @return line, session, where the one after it begins
function place.unpack(entry, places, at)
  local line, gap, session, rest = ("<I8i8z"):unpack(places, at)
  core.place(entry, session, line, gap)
  return line, session, rest
end

local function number(value) return type(value) == "number" and value > 0 and value or 0 end

--- The gap before an entry, as core readers compute it.
-- @param before when the line before it ended, ns, or nil
-- @return ns, or nil if it is not known; and when this one ended
function place.gap(entry, before)
  local ended = core.time(entry)
  if not ended or not before then return nil, ended end
  local took = number(entry.wall_ms or entry.duration_ms) * 1e6
  local gap = took < 4e18 and ended - before - (took // 1 | 0) or 0
  return math.max(gap, 0), ended
end

return place
