--- One entry, all of it, for a person to read.
--
--     harbor-tides:3  2026-10-19 11:12:09  implement  ok
--       duration_ms   74974 (1 m 15 s)
--       input
--         task        export a week as iCalendar
--       attempts[1]
--         verified    false
-- @module debrief.entry.card
local colour = require "debrief.text.colour"
local fields = require "debrief.entry.fields"
local core = require "debrief.core"
local values = require "debrief.text.values"
local outcome = require "debrief.entry.outcome"
local escape = require "debrief.text.escape"
local width = require "debrief.text.width"

local card = {}

local SHORT = 80 -- columns that an array of scalars may take on one line

local function is_flat(value)
  if core.type(value) ~= "array" then return false end
  for _, item in ipairs(value) do
    if type(item) == "userdata" and item ~= core.null then return false end
  end
  return #tostring(value) <= SHORT
end

local function scalar(key, value, raw)
  if value == core.null then return "null" end
  if type(value) == "string" then return value == "" and '""' or escape(value) end
  if type(value) == "number" and value - value == 0 and key:find "_ms$" then
    return ("%s (%s)"):format(fields.json(value, raw), values.number(value, "ms"))
  end
  return escape(fields.json(value, raw))
end

-- The texts of an object's numbers in the log, which may have more digits than a number of Lua can have.
local function texts_of(object)
  local texts
  return function(key, value)
    if math.type(value) ~= "float" then return nil end
    texts = texts or core.numbers(object)
    local text = texts[key]
    return text and tonumber(text) == value and text or nil -- of two members with one name it is that of the last
  end
end

-- A text of several lines, of which at most `most` are shown.
local function paragraph(out, indent, text, most)
  local n = 0
  for line in text:gsub("\n$", ""):gmatch "([^\n]*)\n?" do
    n = n + 1
    if n <= most then out[#out + 1] = indent .. "  | " .. escape(line) end
  end
  if n > most then out[#out + 1] = ("%s  … %d more lines"):format(indent, n - most) end
end

local members

local function member(out, indent, column, key, value, most, raw)
  local name = indent .. escape(key)
  local kind = core.type(value)
  if kind == "string" and value:find "\n." then
    out[#out + 1] = name
    paragraph(out, indent, value, most)
  elseif kind == "array" and not is_flat(value) then
    for i, item in ipairs(value) do member(out, indent, column, ("%s[%d]"):format(key, i), item, most) end
  elseif kind == "object" then
    out[#out + 1] = name
    members(out, indent .. "  ", value, most)
  else
    out[#out + 1] = width.pad(name, #indent + column) .. "  " .. scalar(key, value, raw)
  end
end

function members(out, indent, object, most)
  local column, text_of = 0, texts_of(object)
  for key, value in pairs(object) do
    if core.type(value) ~= "object" then column = math.max(column, math.min(width.of(escape(key)), 24)) end
  end
  for key, value in pairs(object) do
    member(out, indent, column, key, value, most, text_of(key, value))
  end
end

--- The members of an object that is part of an entry.
-- @param lines how many lines of a text are shown, by default all
-- @return lines without a final newline
function card.members(object, lines)
  local out = {}
  members(out, "", object, lines or math.huge)
  return table.concat(out, "\n")
end

--- @param line the entry's, nil if it is unknown
-- @param opts { color = true: the first line stands out, lines = how many lines of a text are shown, by default all }
-- @return lines without a final newline
function card.text(entry, session, line, opts)
  local ns, result = core.time(entry), outcome(entry)
  local head = ("%s  %s  %s  "):format(escape(line and ("%s:%d"):format(session, line) or session),
    ns and core.date("%Y-%m-%d %H:%M:%S", ns) or "-", escape(tostring(entry.skill or "-")))
  if opts.color then head, result = colour.paint("bold", head), colour.paint("bold", colour.paint(result, result)) end
  local out = { head .. result }
  members(out, "  ", entry, opts.lines or math.huge)
  return table.concat(out, "\n")
end

return card
