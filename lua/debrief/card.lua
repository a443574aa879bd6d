--- One entry, all of it, for a person to read.
--
--     harbor-tides:3  2026-10-19 11:12  implement  ok
--       duration_ms   74974 (1 m 15 s)
--       input
--         task        export a week as iCalendar
--       attempts[1]
--         verified    false
-- @module debrief.card
local core = require "debrief.core"
local format = require "debrief.report.format"
local outcome = require "debrief.outcome"
local safe = require "debrief.safe"
local width = require "debrief.width"

local SHORT = 80 -- columns that an array of scalars may take on one line

local function is_flat(value)
  if core.type(value) ~= "array" then return false end
  for _, item in ipairs(value) do
    if type(item) == "userdata" and item ~= core.null then return false end
  end
  return #tostring(value) <= SHORT
end

local function scalar(key, value)
  if value == core.null then return "null" end
  if type(value) == "string" then return value == "" and '""' or safe(value) end
  if type(value) == "number" and key:find "_ms$" then
    return ("%s (%s)"):format(core.encode(value), format.number(value, "ms"))
  end
  return type(value) == "userdata" and safe(tostring(value)) or core.encode(value)
end

local members

local function member(out, indent, column, key, value)
  local name = indent .. safe(key)
  local kind = core.type(value)
  if kind == "string" and value:find "\n." then
    out[#out + 1] = name
    for text in value:gsub("\n$", ""):gmatch "([^\n]*)\n?" do out[#out + 1] = indent .. "  | " .. safe(text) end
  elseif kind == "array" and not is_flat(value) then
    for i, item in ipairs(value) do member(out, indent, column, ("%s[%d]"):format(key, i), item) end
  elseif kind == "object" then
    out[#out + 1] = name
    members(out, indent .. "  ", value)
  else
    out[#out + 1] = width.pad(name, #indent + column) .. "  " .. scalar(key, value)
  end
end

function members(out, indent, object)
  local column = 0
  for key, value in pairs(object) do
    if core.type(value) ~= "object" then column = math.max(column, math.min(width.of(safe(key)), 24)) end
  end
  for key, value in pairs(object) do member(out, indent, column, key, value) end
end

--- @param color true: the first line stands out
-- @return lines without a final newline
return function(entry, session, line, color)
  local ns = core.time(entry)
  local head = ("%s:%d  %s  %s  %s"):format(session, line, ns and core.date("%Y-%m-%d %H:%M:%S", ns) or "-",
    safe(tostring(entry.skill or "-")), outcome(entry))
  local out = { color and "\27[1m" .. head .. "\27[0m" or head }
  members(out, "  ", entry)
  return table.concat(out, "\n")
end
