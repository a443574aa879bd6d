--- Entries as they are printed: JSON for programs, some fields, one readable line each, or a card for people.
-- @module debrief.entry.printer
local card = require "debrief.entry.card"
local fields_of = require "debrief.entry.fields"
local core = require "debrief.core"
local names = require "debrief.entry.asked"
local outcome = require "debrief.entry.outcome"
local format = require "debrief.text.values"
local escape = require "debrief.text.escape"
local time = require "debrief.text.time"
local width = require "debrief.text.width"

local printer = {}

local FLUSH = 64 -- lines that are written at once

local marks = { ok = "ok", fail = "FAIL", skip = "skip", unknown = "-" }
local colours = { ok = "\27[32m", fail = "\27[31m", skip = "\27[33m" }

local function first_line(entry)
  local attempts = entry.attempts
  local last = attempts and #attempts > 0 and attempts[#attempts] or nil
  if core.type(last) ~= "object" then return "" end
  local text = last.output_summary or last.runner_output or ""
  return type(text) == "string" and text:match "[^\n]+" or ""
end

local function attempts_of(entry)
  local n = entry.attempts and #entry.attempts or 0
  return n > 1 and ("×%d"):format(n) or ""
end

local function field(text, columns, align)
  return width.pad(width.cut(escape(text), columns), columns, align)
end

-- The columns of a line but the last, which is what its output says: width, and the least of it on a narrow terminal.
local function columns_of(opts)
  return { { name = "place", width = opts.place or 20, least = 10 }, { name = "time", width = 16 },
    { name = "skill", width = 16, least = 8 }, { name = "mark", width = 4 },
    { name = "attempts", width = 3, align = "right" }, { name = "duration", width = 9, align = "right" } }
end

-- What a narrow terminal has no room for, least wanted first.
local SPARED = { "duration", "attempts", "time" }

local function remove(columns, name)
  for i, column in ipairs(columns) do if column.name == name then return table.remove(columns, i).width + 2 end end
end

-- The columns that fit, and how much is left.
local function lay_out(opts)
  local columns, left = columns_of(opts), opts.width + 2
  for _, column in ipairs(columns) do left = left - column.width - 2 end
  for _, column in ipairs(columns) do
    local less = column.least and math.max(0, math.min(column.width - column.least, -left)) or 0
    column.width, left = column.width - less, left + less
  end
  for _, name in ipairs(SPARED) do if left < 0 then left = left + remove(columns, name) end end
  return columns, left
end

-- "session:line", the session cut where it is too long.
local function place_of(session, line, columns)
  if not line then return escape(session) end
  line = (":%d"):format(line)
  return width.cut(escape(session), math.max(columns - #line, 1)) .. line
end

--- One line about an entry: place, time, skill, outcome, attempts, duration, first line of its last output.
-- @param line the entry's, nil when nobody knows
-- @param opts { width = of the terminal, place = columns for the place, color =, now = for times as people say them }
function printer.line(entry, session, line, opts)
  local ns, result, columns, left = core.time(entry), outcome(entry), lay_out(opts)
  local texts = { time = ns and time.relative(ns, opts.now) or "-", skill = tostring(entry.skill or "-"),
    mark = marks[result], attempts = attempts_of(entry),
    duration = entry.duration_ms and format.number(entry.duration_ms, "ms") or "-" }
  local parts = {}
  for i, column in ipairs(columns) do
    local text = texts[column.name] or place_of(session, line, column.width)
    parts[i] = field(text, column.width, column.align)
    local colour = column.name == "mark" and opts.color and colours[result]
    if colour then parts[i] = colour .. parts[i] .. "\27[0m" end
  end
  if left >= 12 then parts[#parts + 1] = width.cut(escape(first_line(entry)), left - 2) end
  return (table.concat(parts, "  "):gsub(" +$", ""))
end

-- ---- Forms ----------------------------------------------------------------------------------------------------------

-- Each form makes { add = function(entry, session, line) -> text or nil, rest = what is left at a pause, or nil,
-- foot = what ends it all, or nil }.
local forms = {}

function forms.list(opts)
  return { add = function(entry, session, line) return printer.line(entry, session, line, opts) end }
end

local function object_of(opts, asked)
  local text_of = opts.fields and fields_of.object(opts.fields, asked) or tostring
  if not opts.safe then return text_of end
  return function(...) return escape((text_of(...))) end
end

function forms.jsonl(opts, asked) return { add = object_of(opts, asked) } end

function forms.json(opts, asked)
  local text_of, before = object_of(opts, asked), "["
  local function add(...)
    local text = before .. text_of(...)
    before = ","
    return text
  end
  return { add = add, foot = function() return before == "[" and "[]" or "]" end }
end

function forms.tsv(opts, asked)
  local text_of = fields_of.tsv(opts.fields or fields_of.default, asked)
  return { add = opts.safe and function(...) return escape(text_of(...), "\t") end or text_of }
end

function forms.table(opts, asked)
  local add, rest = fields_of.table(opts.fields or fields_of.default, asked, opts.width)
  return { add = add, rest = rest }
end

function forms.card(opts)
  return { add = function(entry, session, line) return card.text(entry, session, line, opts) end }
end

--- A printer that writes to a descriptor.
-- @param opts { out = of debrief.text.pager, format = "jsonl" | "json" | "list" | "table" | "tsv" | "card",
--   fields = array or nil, width =, color =, safe = true on a terminal, and what printer.line takes }
-- @return { add = function(entry, session, line), close = function(); both return false when nobody reads any more, and
--   close a message when it could not be written; asked = the fields that were asked for (debrief.entry.asked), count =
--   entries so far }. Of all formats but json, close only writes what waits: there may be more.
function printer.new(opts)
  local lines, open, failure, self = {}, true, nil, { asked = names.new(), count = 0 }
  local form = forms[opts.format](opts, self.asked)
  local function flush()
    if #lines == 0 or not open then return end
    local written, message = opts.out:write(table.concat(lines, "\n") .. "\n")
    lines = {}
    open, failure = written == true, message
  end
  function self.add(entry, session, line)
    self.count = self.count + 1
    lines[#lines + 1] = form.add(entry, session, line)
    if #lines >= FLUSH then flush() end
    return open
  end
  function self.close()
    if form.rest then lines[#lines + 1] = form.rest() end
    if form.foot then lines[#lines + 1] = form.foot() end
    flush()
    return open, failure
  end
  return self
end

return printer
