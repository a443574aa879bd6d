--- Values as a prompt shows them: entries as cards, arrays of entries as listings, reports as reports, all else as Lua
-- would write it.
--
--     print(debrief.pretty(entry))         the entry, all of it
--     print(debrief.pretty { 1, 2, 1.0 })  { 1, 2, 1.0 }
--
-- It shows any value and never raises. Nothing in the value is called, what is big is cut and counted, and control
-- characters are escaped. Sizes are bounded, so that a prompt answers at once.
-- @module debrief.pretty
local card = require "debrief.entry.card"
local fields = require "debrief.entry.fields"
local core = require "debrief.core"
local list = require "debrief.entry.collect"
local printer = require "debrief.entry.printer"
local asked = require "debrief.entry.asked"
local inspect = require "debrief.pretty.inspect"
local report = require "debrief.report"
local escape = require "debrief.text.escape"
local width = require "debrief.text.width"

local pretty = {}

--- How values can be shown.
pretty.formats = { "text", "table", "card", "json", "markdown" }

local WIDTH, ROWS, LINES = 100, 40, 12 -- columns; entries of a listing; lines of one text in a card
local TEXT = 1 << 16 -- bytes of a string

local metatable_of = inspect.metatable

-- Session and line of an entry; without `list` the line is unknown.
local function place_of(entry)
  local session, line = list.place(entry)
  if session then return session, line end
  local id = entry.session_id
  return type(id) == "string" and id or "-"
end

-- ---- Entries --------------------------------------------------------------------------------------------------------

-- An array with nothing in it but entries, as far as it is shown.
local function are_entries(t)
  if type(t) ~= "table" or metatable_of(t) then return false end
  local n = rawlen(t)
  local key = next(t, n > 0 and n or nil)
  if n == 0 or key ~= nil and math.type(key) ~= "integer" then return false end
  for i = 1, math.min(n, ROWS) do
    if not list.is_entry(rawget(t, i)) then return false end
  end
  return true
end

local function rest_of(t) return rawlen(t) > ROWS and ("… %d more entries"):format(rawlen(t) - ROWS) or nil end

local function cards(t, opts)
  local out = {}
  for i = 1, math.min(#t, ROWS) do
    local session, line = place_of(t[i])
    out[i] = card.text(t[i], session, line, { color = opts.color, lines = LINES })
  end
  out[#out + 1] = rest_of(t)
  return table.concat(out, "\n")
end

local function as_table(t, opts)
  local add, rest = fields.table(fields.default, asked.new(), opts.width)
  for i = 1, math.min(#t, ROWS) do
    local session, line = place_of(t[i])
    add(t[i], session, line or "")
  end
  local left = rest_of(t)
  return rest() .. (left and "\n" .. left or "")
end

-- A line an entry, numbered by its place in the array.
local function rows(t, opts)
  local shown, place, out = math.min(#t, ROWS), 0, {}
  for i = 1, shown do
    local session, line = place_of(t[i])
    place = math.max(place, width.of(escape(session)) + (line and #tostring(line) + 1 or 0))
  end
  local digits = #tostring(shown)
  local text_of = printer.lines { width = opts.width - digits - 2, color = opts.color, place = math.min(place, 28) }
  for i = 1, shown do
    local session, line = place_of(t[i])
    out[i] = width.pad(tostring(i), digits, "right") .. "  " .. text_of(t[i], session, line)
  end
  out[#out + 1] = rest_of(t)
  return table.concat(out, "\n")
end

local of_entries = { text = rows, table = as_table, card = cards }

-- ---- Reports --------------------------------------------------------------------------------------------------------

-- The result of log:retro as a copy of its plain parts, so that rendering meets no metamethod.
local function report_of(v)
  local mt = type(v) == "table" and metatable_of(v)
  if type(mt) ~= "table" or rawget(mt, "__name") ~= "report" then return nil end
  local ok, copy = pcall(report.copy, v)
  return ok and copy or nil
end

local report_formats = { json = "json", markdown = "markdown" }

local function report_text(v, opts)
  local copy = report_of(v)
  if not copy then return nil end
  local manner = { width = opts.width, color = opts.color, diagnostics = copy.diagnostics }
  local ok, text = pcall(report.render, report_formats[opts.format] or "text", copy.reports, copy, manner)
  if ok and text then return (text:gsub("\n$", "")) end
end

-- ---- Anything -------------------------------------------------------------------------------------------------------

local function text_of_string(text)
  if text == "" then return '""' end
  local cut = #text > TEXT and inspect.start(text, TEXT) or text
  local rest = cut ~= text and ("\n… %d more bytes"):format(#text - #cut) or ""
  return escape(cut, "\n\t") .. rest
end

local function as_json(v)
  if type(v) == "function" then return nil end
  local ok, text = pcall(core.encode, v)
  return ok and text_of_string(escape.json(text)) or nil
end

local function view_text(v, opts)
  if list.is_entry(v) then
    if opts.format == "table" then return as_table({ v }, opts) end
    return cards({ v }, opts)
  end
  return core.type(v) == "object" and #v > 0 and card.members(v, LINES) or nil
end

local function special(v, opts)
  if opts.format == "json" then
    local text = report_text(v, opts) or as_json(v)
    if text then return text end
  end
  if type(v) == "string" then return text_of_string(v) end
  if inspect.is_view(v) then return view_text(v, opts) end
  if are_entries(v) then return (of_entries[opts.format] or rows)(v, opts) end
  return report_text(v, opts)
end

--- The value as text.
-- @param opts { width = columns (default 100), color = true for a terminal, format = one of pretty.formats: `table` and
--   `card` are for entries, `json` for what JSON can say, `markdown` for reports, all others are shown as `text` }
-- @return lines without a final newline
function pretty.text(v, opts)
  if type(opts) ~= "table" then opts = {} end -- pretty(f()) passes on all that f returns
  local manner = { width = math.max(tonumber(opts.width) or WIDTH, 20), color = opts.color or false,
    format = opts.format or "text" }
  local ok, text = pcall(special, v, manner)
  if not ok or not text then ok, text = pcall(inspect.text, v, manner.width) end
  return ok and text or ("<%s that cannot be shown>"):format(type(v))
end

return pretty
