--- Times as foreign logs write them: RFC 3339, and what is near it and can mean one moment only.
-- @module debrief.import.stamps
local core = require "debrief.core"

local stamps = {}

local SECOND = 1000000000

-- Seconds since 1970 from the middle of 1973 on, milliseconds from 1973 on too: no number is both.
local function epoch(value)
  if value >= 100000000000 and value < 100000000000000 then return math.floor(value * 1000000) end
  if value >= 100000000 and value < 100000000000 then return math.floor(value * SECOND) end
end

-- A space for T, lower-case letters, and the leap second, which is the first of the next minute.
local function repaired(text)
  local date, clock, zone = text:match "^%s*(%d%d%d%d%-%d%d%-%d%d)[Tt ](%d%d:%d%d:%d%d[%d.]*)%s*([Zz]?[%d:+-]*)%s*$"
  if not date or zone == "" then return nil end
  local leap = clock:find "^%d%d:%d%d:60"
  local ns = core.time(date .. "T" .. clock:gsub("^(%d%d:%d%d):60", "%1:59") .. zone:upper())
  return ns and leap and ns + SECOND or ns
end

--- The time that a value of a foreign log means.
-- @return ns since 1970; or nil, and what is wrong with it, nil for a value that is absent
function stamps.read(value)
  if value == nil or value == core.null then return nil, nil end
  if math.type(value) then
    local ns = value == value and epoch(value)
    if ns then return ns end
    return nil, ("the timestamp %s is neither seconds nor milliseconds since 1970"):format(value)
  end
  if type(value) ~= "string" then return nil, "the timestamp is " .. core.type(value) .. ", not a text" end
  local ns = core.time(value)
  if ns then return ns end
  ns = #value < 100 and repaired(value)
  if ns then return ns end
  local bare = #value < 100 and value:find "^%s*%d%d%d%d%-%d%d%-%d%d[Tt ]%d%d:%d%d:%d%d[%d.]*%s*$"
  return nil, bare and ("the timestamp '%s' has no zone"):format(value) or "the timestamp is not a time: '"
    .. value:sub(1, 40) .. "'"
end

return stamps
