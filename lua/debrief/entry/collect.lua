--- Everything that an iterator returns, as an array: `list(log:entries { session = "s1" })`.
--
-- An entry does not know which line it came from. `list` remembers it as long as the entry lives, so that a listing of
-- the array, or one entry of it, can be shown with its place.
-- @module debrief.entry.collect
local core = require "debrief.core"

local places = setmetatable({}, { __mode = "k" }) -- entry -> { session, line }

local any = core.match { session_id = "" } -- what takes an entry, and nothing else

local list = {}

--- Is the value a whole entry, not a part of one?
function list.is_entry(value)
  return type(value) == "userdata" and (pcall(core.matches, any, value))
end

--- Collect the first value of each step of an iterator, as `for` goes through it.
-- @param next, state, control, closing as log:entries, ipairs or io.lines return them
-- @return an array
function list.collect(next, state, control, closing)
  local out, n = {}, 0
  for value, session, line in next, state, control, closing do
    n = n + 1
    out[n] = value
    list.put(value, session, line)
  end
  return out
end

--- Remember where an entry came from.
function list.put(value, session, line)
  if type(session) == "string" and math.type(line) == "integer" and list.is_entry(value) then
    places[value] = { session, line }
  end
end

--- Where an entry came from, if `list` or `put` has recorded it.
-- @return session, line; or nil
function list.place(value)
  local place = places[value]
  if place then return place[1], place[2] end
end

return list
