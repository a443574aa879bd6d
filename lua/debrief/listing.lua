--- Entries as they are printed: JSON for programs, some fields, one readable line each, or a card for people.
-- @module debrief.listing
local card = require "debrief.card"
local fields_of = require "debrief.columns"
local core = require "debrief.core"
local names = require "debrief.names"
local outcome = require "debrief.outcome"
local format = require "debrief.report.format"
local safe = require "debrief.safe"
local width = require "debrief.width"

local listing = {}

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
  return width.pad(width.cut(safe(text), columns), columns, align)
end

--- One line about an entry: place, time, skill, outcome, attempts, duration, first line of its last output.
-- @param line the entry's, nil when nobody knows
function listing.line(entry, session, line, opts)
  local ns, result = core.time(entry), outcome(entry)
  local mark = field(marks[result], 4)
  if opts.color and colours[result] then mark = colours[result] .. mark .. "\27[0m" end
  local duration = entry.duration_ms
  local place = line and ("%s:%d"):format(session, line) or session
  local parts = {
    field(place, opts.place or 20), ns and core.date("%Y-%m-%d %H:%M", ns) or field("-", 16),
    field(tostring(entry.skill or "-"), 16), mark, field(attempts_of(entry), 3, "right"),
    field(duration and format.number(duration, "ms") or "-", 9, "right"),
  }
  local head = table.concat(parts, "  ")
  local room = opts.width - (opts.place or 20) - 16 - 16 - 4 - 3 - 9 - 12
  if room < 10 then return head end
  return head .. "  " .. width.cut(safe(first_line(entry)), room)
end

-- ---- Forms ----------------------------------------------------------------------------------------------------------

-- Each form makes { add = function(entry, session, line) -> text or nil, rest = what is left at a pause, or nil,
-- foot = what ends it all, or nil }.
local forms = {}

function forms.list(opts)
  return { add = function(entry, session, line) return listing.line(entry, session, line, opts) end }
end

local function object_of(opts, asked)
  local text_of = opts.fields and fields_of.object(opts.fields, asked) or tostring
  if not opts.safe then return text_of end
  return function(...) return safe((text_of(...))) end
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
  return { add = opts.safe and function(...) return safe(text_of(...), "\t") end or text_of }
end

function forms.table(opts, asked)
  local add, rest = fields_of.table(opts.fields or fields_of.default, asked, opts.width)
  return { add = add, rest = rest }
end

function forms.card(opts)
  return { add = function(entry, session, line) return card.text(entry, session, line, opts) end }
end

--- A printer that writes to a descriptor.
-- @param opts { out = of debrief.pager, format = "jsonl" | "json" | "list" | "table" | "tsv" | "card",
--   fields = array or nil, width =, color =, safe = true on a terminal }
-- @return { add = function(entry, session, line), close = function(); both return false when nobody reads any more, and
--   close a message when it could not be written; asked = the fields that were asked for (debrief.names), count =
--   entries so far }. Of all formats but json, close only writes what waits: there may be more.
function listing.printer(opts)
  local lines, open, failure, printer = {}, true, nil, { asked = names.new(), count = 0 }
  local form = forms[opts.format](opts, printer.asked)
  local function flush()
    if #lines == 0 or not open then return end
    local ok, message, code = opts.out:write(table.concat(lines, "\n") .. "\n")
    lines = {}
    if ok then return end
    open = false
    if code ~= 32 then failure = "cannot write: " .. message end -- 32: EPIPE
  end
  function printer.add(entry, session, line)
    printer.count = printer.count + 1
    lines[#lines + 1] = form.add(entry, session, line)
    if #lines >= FLUSH then flush() end
    return open
  end
  function printer.close()
    if form.rest then lines[#lines + 1] = form.rest() end
    if form.foot then lines[#lines + 1] = form.foot() end
    flush()
    return open, failure
  end
  return printer
end

return listing
