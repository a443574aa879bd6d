--- Some fields of entries, side by side.
--
--     skill,attempts.-1.model,line     a name; a way into objects and arrays (from 1, or -1 from the end); the place
--
-- In table and tsv a string is its text, anything else its JSON, and what is absent or null is empty.
-- @module debrief.entry.fields
local core = require "debrief.core"
local names = require "debrief.entry.asked"
local escape = require "debrief.text.escape"
local width = require "debrief.text.width"

local columns = {}

columns.default = { "session", "line", "timestamp", "skill", "final_status", "duration_ms" }

local SAMPLE = 256 -- rows that a table looks at for the widths of its columns

--- "a,b.c" as an array of fields.
-- @return the array, or nil and a message
function columns.parse(text)
  local out, seen = {}, {}
  for field in (text .. ","):gmatch "([^,]*)," do
    field = field:match "^%s*(.-)%s*$"
    if field == "" then return nil, ("'%s' has an empty name: write them as skill,input.spec"):format(text) end
    if not seen[field] then out[#out + 1] = field end
    seen[field] = true
  end
  return out
end

-- ---- One value ------------------------------------------------------------------------------------------------------

local function step(value, part)
  local kind = core.type(value)
  if kind == "object" then return value[part] end
  local i = kind == "array" and math.tointeger(tonumber(part))
  return i and value[i < 0 and #value + 1 + i or i]
end

-- The value of a field, and, where it is known, the JSON text it stands there with.
local function find(entry, field, place)
  local value = entry[field]
  if value ~= nil then return value, core.raw(entry, field) end
  if place[field] then return place[field] end
  local parent = entry
  value = entry
  for part in field:gmatch "[^.]+" do
    parent, value = value, step(value, part)
    if value == nil or value == core.null then return nil end
  end
  return value, core.type(parent) == "object" and core.raw(parent, field:match "[^.]+$") or nil
end

--- A value as JSON.
-- @param raw the text it stands with in the log, where that is known
function columns.json(value, raw)
  if value == nil then return "null" end
  if type(value) == "userdata" then return tostring(value) end
  if type(value) == "number" and raw then return raw end
  if value == math.huge or value == -math.huge then return value > 0 and "1e999" or "-1e999" end -- no name of JSON's
  return core.encode(value)
end

local function text(value, raw)
  if value == nil then return "" end
  return type(value) == "string" and value or columns.json(value, raw)
end

-- ---- Rows -----------------------------------------------------------------------------------------------------------

--- A function that calls each(value, raw, i) for every field of an entry, and notes the fields no entry has.
function columns.reader(fields, asked)
  return function(entry, session, line, each)
    local place = { session = session, line = line }
    for i, field in ipairs(fields) do
      local value, raw = find(entry, field, place)
      local first = field:match "^[^.]+"
      if value ~= nil then asked:hit(field)
      elseif entry[first] == nil and not names.known[first] then asked:miss(field, entry) end
      each(value, raw, i)
    end
  end
end

--- A JSON object of the fields, in their order.
function columns.object(fields, asked)
  local read, keys = columns.reader(fields, asked), {}
  for i, field in ipairs(fields) do keys[i] = core.encode(field) .. ":" end
  return function(entry, session, line)
    local out = {}
    read(entry, session, line, function(value, raw, i) out[i] = keys[i] .. columns.json(value, raw) end)
    return "{" .. table.concat(out, ",") .. "}"
  end
end

local escapes = { ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r", ["\\"] = "\\\\" }

--- A line of the values with tabs between them; tabs, line breaks and backslashes of values are escaped.
function columns.tsv(fields, asked)
  local read = columns.reader(fields, asked)
  return function(entry, session, line)
    local out = {}
    read(entry, session, line, function(value, raw, i) out[i] = text(value, raw):gsub("[\t\n\r\\]", escapes) end)
    return table.concat(out, "\t")
  end
end

-- ---- Tables ---------------------------------------------------------------------------------------------------------

-- Widths that fit: the widest columns give way, no further than 8. False when that is not enough.
local function fit(widths, limit)
  local total = 2 * (#widths - 1)
  for _, w in ipairs(widths) do total = total + w end
  while total > limit do
    local widest = 1
    for i, w in ipairs(widths) do if w > widths[widest] then widest = i end end
    if widths[widest] <= 8 then return false end
    widths[widest], total = widths[widest] - 1, total - 1
  end
  return true
end

local function row_text(cells, widths, numeric)
  local out = {}
  for i, cell in ipairs(cells) do
    out[i] = width.pad(width.cut(cell, widths[i]), widths[i], numeric and numeric[i] and "right" or nil)
  end
  return (table.concat(out, "  "):gsub(" +$", ""))
end

-- Widths and kinds of columns from the first rows.
local function measure(fields, rows, limit)
  local widths, numeric = {}, {}
  for i, field in ipairs(fields) do
    widths[i], numeric[i] = width.of(escape(field)), true
    for _, cells in ipairs(rows) do
      widths[i] = math.max(widths[i], width.of(cells[i]))
      numeric[i] = numeric[i] and (cells[i] == "" or tonumber(cells[i]) ~= nil)
    end
  end
  return widths, numeric, fit(widths, limit)
end

-- One entry as a block of lines, for a terminal that has no room for the columns.
local function block_text(fields, cells, limit)
  local heads, out = 0, {}
  for _, field in ipairs(fields) do heads = math.max(heads, width.of(escape(field))) end
  heads = math.min(heads, math.max(limit // 2 - 2, 1))
  for i, cell in ipairs(cells) do
    local name = width.pad(width.cut(escape(fields[i]), heads), heads)
    out[i] = name .. "  " .. width.cut(cell, math.max(limit - heads - 2, 1))
  end
  return table.concat(out, "\n") .. "\n"
end

--- A table, its columns as wide as the first rows need; where the limit has no room for them, a block of lines an
-- entry. `add` returns lines or nil; so does `rest`, for what waits.
function columns.table(fields, asked, limit)
  local read, waiting, widths, numeric, fits = columns.reader(fields, asked), {}, nil, nil, nil
  local function text_of(cells)
    return fits and row_text(cells, widths, numeric) or block_text(fields, cells, limit)
  end
  local function rest()
    if #waiting == 0 then return nil end
    local out, heads, rules = {}, {}, {}
    widths, numeric, fits = measure(fields, waiting, limit)
    for i, field in ipairs(fields) do heads[i], rules[i] = escape(field), ("─"):rep(widths[i]) end
    if fits then out[1], out[2] = row_text(heads, widths, numeric), row_text(rules, widths) end
    for _, cells in ipairs(waiting) do out[#out + 1] = text_of(cells) end
    waiting = {}
    return table.concat(out, "\n")
  end
  local function add(entry, session, line)
    local cells = {}
    read(entry, session, line, function(value, raw, i) cells[i] = escape(text(value, raw)) end)
    if widths then return text_of(cells) end
    waiting[#waiting + 1] = cells
    return #waiting >= SAMPLE and rest() or nil
  end
  return add, rest
end

return columns
