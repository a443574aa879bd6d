--- Some fields of entries, side by side.
--
--     skill,attempts.-1.model,line     a name; a way into objects and arrays (from 1, or -1 from the end); the place
--
-- In table and tsv a string is its text, anything else its JSON, and what is absent or null is empty.
-- @module debrief.entry.fields
local core = require "debrief.core"
local known = require "debrief.entry.asked".known
local escape = require "debrief.text.escape"
local layout = require "debrief.text.table"
local path = require "debrief.entry.path"
local separated = require "debrief.text.separated"
local trim = require "debrief.text.trim"
local virtual = require "debrief.entry.virtual"
local width = require "debrief.text.width"

local fields = {}

fields.default = { "session", "line", "timestamp", "skill", "final_status", "duration_ms" }

local SAMPLE = 256 -- rows that a table looks at for the widths of its columns
local NARROWEST = 8 -- columns below which no field is cut

--- "a,b.c" as an array of fields.
-- @return the array, or nil and a message
function fields.parse(text)
  local out, seen = {}, {}
  for field in (text .. ","):gmatch "([^,]*)," do
    field = trim.both(field)
    if field == "" then return nil, ("'%s' has an empty name: write them as skill,input.spec"):format(text) end
    if not seen[field] then out[#out + 1] = field end
    seen[field] = true
  end
  return out
end

-- ---- One value ------------------------------------------------------------------------------------------------------

-- The value of a field, and its JSON text, where that is known.
local function find(entry, field, place)
  local value, parent, name = path.find(entry, field)
  if value == nil then
    value = place[field]
    if value == nil then value = virtual.value(entry, field) end
    return value
  end
  return value, parent and core.raw(parent, name)
end

--- The value of a field of an entry, or of its place; nil if there is none.
-- @param place { session =, line = }
function fields.value(entry, field, place) return (find(entry, field, place)) end

--- A value as JSON.
-- @param raw its text in the log, where that is known
function fields.json(value, raw)
  if value == nil then return "null" end
  if type(value) == "userdata" then return tostring(value) end
  if type(value) == "number" and raw then return raw end
  if value == math.huge or value == -math.huge then return value > 0 and "1e999" or "-1e999" end -- no name of JSON's
  return core.encode(value)
end

local function text(value, raw)
  if value == nil then return "" end
  return type(value) == "string" and value or fields.json(value, raw)
end

-- ---- Rows -----------------------------------------------------------------------------------------------------------

--- Note in `asked` whether an entry has a field that was asked for: `value` is what it has.
function fields.note(asked, entry, field, value)
  local first = field:match "^[^.]+"
  if value ~= nil then asked:hit(field)
  elseif entry[first] == nil and not (known[first] or virtual.has(field)) then asked:miss(field, entry) end
end

--- A function that calls each(value, raw, i) for every field of an entry, and notes the fields no entry has.
function fields.reader(names, asked)
  return function(entry, session, line, each)
    local place = { session = session, line = line }
    for i, field in ipairs(names) do
      local value, raw = find(entry, field, place)
      fields.note(asked, entry, field, value)
      each(value, raw, i)
    end
  end
end

--- A JSON object of the fields, in their order.
function fields.object(names, asked)
  local read, keys = fields.reader(names, asked), {}
  for i, field in ipairs(names) do keys[i] = core.encode(field) .. ":" end
  return function(entry, session, line)
    local out = {}
    read(entry, session, line, function(value, raw, i) out[i] = keys[i] .. fields.json(value, raw) end)
    return "{" .. table.concat(out, ",") .. "}"
  end
end

--- A line of the values with commas or tabs between them, without its end: see debrief.text.separated.
-- @param form "csv" or "tsv"
-- @param safe true: values are shown on a terminal
function fields.separated(form, names, asked, safe)
  local read, value_of, mark = fields.reader(names, asked), separated[form], separated.marks[form]
  return function(entry, session, line)
    local out = {}
    read(entry, session, line, function(value, raw, i)
      local shown = value_of(text(value, raw), type(value) == "string")
      out[i] = safe and escape(shown, "\t\n") or shown
    end)
    return table.concat(out, mark[1])
  end
end

--- The line of the names.
function fields.separated_names(form, names)
  local out = {}
  for i, name in ipairs(names) do out[i] = separated[form](escape(name), true) end
  return table.concat(out, separated.marks[form][1])
end

-- ---- Tables ---------------------------------------------------------------------------------------------------------

-- The columns of a table as debrief.text.table takes them: numbers, to the right, and times and places are never cut,
-- and nothing is where it is to be whole.
local function columns_of(names, rows, whole)
  local out = {}
  for i, field in ipairs(names) do
    local numeric, widest, texts = true, 0, {}
    for r, cells in ipairs(rows) do
      numeric = numeric and (cells[i] == "" or tonumber(cells[i]) ~= nil)
      widest, texts[r] = math.max(widest, width.of(cells[i])), cells[i]
    end
    local way = (numeric or whole) and "never" or layout.natural_cut(texts)
    out[i] = { title = escape(field), align = numeric and "right" or "left",
      least = way == "never" and math.max(widest, NARROWEST) or NARROWEST,
      cut = way ~= "never" and (way == "left" and width.cut_left or width.cut) }
  end
  return out
end

--- A table, its columns as wide as the first rows need; where the limit has no room for them, a block of lines for
-- each entry. `add` returns lines or nil; so does `rest`, for what waits.
function fields.table(names, asked, limit)
  local read, waiting, shape, grid, fits = fields.reader(names, asked), {}, nil, nil, nil
  local function text_of(cells)
    return fits and grid:row(cells) or table.concat(layout.block(shape, cells, limit), "\n") .. "\n"
  end
  local function rest()
    if #waiting == 0 then return nil end
    shape = columns_of(names, waiting, limit == math.huge)
    grid, fits = layout.fit(shape, waiting, limit)
    local out = {}
    if fits then
      local titles, rule = grid:header()
      out = titles
      out[#out + 1] = rule
    end
    for _, cells in ipairs(waiting) do out[#out + 1] = text_of(cells) end
    waiting = {}
    return table.concat(out, "\n")
  end
  local function add(entry, session, line)
    local cells = {}
    read(entry, session, line, function(value, raw, i) cells[i] = escape(text(value, raw)) end)
    if shape then return text_of(cells) end
    waiting[#waiting + 1] = cells
    return #waiting >= SAMPLE and rest() or nil
  end
  return add, rest
end

return fields
