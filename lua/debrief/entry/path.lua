--- Ways into an entry, as people write them: "skill", "input.task", "attempts.-1.model".
--
-- A part between dots is the name of a member, or the place in an array, from 1, or from -1 at its end. A member whose
-- name has the dots comes first.
-- @module debrief.entry.path
local core = require "debrief.core"
local virtual = require "debrief.entry.virtual"

local path = {}

local function step(value, part)
  local kind = core.type(value)
  if kind == "object" then return value[part] end
  local i = kind == "array" and math.tointeger(tonumber(part)) or nil
  return i and value[i < 0 and #value + 1 + i or i]
end

local known, count = {}, 0 -- the parts of ways that were asked for: most are asked for of every entry
local MOST = 256

local function parts_of(way)
  local parts = known[way]
  if parts then return parts end
  parts, count = {}, count + 1
  for part in way:gmatch "[^.]+" do parts[#parts + 1] = part end
  if count > MOST then known, count = {}, 1 end
  known[way] = parts
  return parts
end

--- The value at the end of a way.
-- @param entry an entry, or a plain table of one
-- @return the value, nil if it is absent or null; and the object that it is a member of, if it is, with its name
function path.find(entry, way)
  local value, parent, name = entry[way], entry, way
  if value ~= nil then return value, parent, name end
  local parts = parts_of(way)
  if #parts == 1 then return nil end
  value, name = entry[parts[1]], parts[1]
  for i = 2, #parts do
    if value == nil or value == core.null then return nil end
    parent, name = value, parts[i]
    value = step(parent, name)
  end
  if value == nil or value == core.null then return nil end
  if core.type(parent) == "object" then return value, parent, name end
  return value
end

--- The value at the end of a way, or of a virtual field (debrief.entry.virtual); nil without one.
function path.get(entry, way)
  local value = path.find(entry, way)
  if value == nil then return virtual.value(entry, way) end
  return value
end

return path
