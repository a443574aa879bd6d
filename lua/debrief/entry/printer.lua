--- Entries as they are printed: JSON for programs, some fields, one readable line each, or a card for people.
-- @module debrief.entry.printer
local card = require "debrief.entry.card"
local colour = require "debrief.text.colour"
local fields = require "debrief.entry.fields"
local core = require "debrief.core"
local names = require "debrief.entry.asked"
local outcome = require "debrief.entry.outcome"
local values = require "debrief.text.values"
local escape = require "debrief.text.escape"
local layout = require "debrief.text.table"
local time = require "debrief.text.time"
local width = require "debrief.text.width"

local printer = {}

local FLUSH = 64 -- lines that are written at once

local marks = { ok = "ok", fail = "FAIL", skip = "skip", unknown = "-" }

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

-- "session:line", of which the session is cut where it is too long.
local function cut_place(place, columns)
  local session, line = place:match "^(.*)(:%d+)$"
  if not session then return width.cut(place, columns) end
  return width.cut(session, math.max(columns - #line, 1)) .. line
end

-- The cells of a line, in the order of its columns, and the outcome.
local function cells_of(entry, session, line, now)
  local ns, result = core.time(entry), outcome(entry)
  return { line and ("%s:%d"):format(escape(session), line) or escape(session), ns and time.relative(ns, now) or "-",
    escape(tostring(entry.skill or "-")), marks[result], attempts_of(entry),
    entry.duration_ms and values.number(entry.duration_ms, "ms") or "-", escape(first_line(entry)) }, result
end

local LEAST_PLACE, BESIDE = 10, 30 -- columns for the place on the narrowest terminal, and for what is beside it
local MARK = 4 -- the place of the mark among the cells

--- Lines about entries: place, time, skill, outcome, attempts, duration, first line of the last output.
-- @param opts { width = of the terminal, or math.huge for whole values, place = columns for the place, color =, now =
--   for times as people say them }
-- @return function(entry, session, line) -> text; `line` is the entry's, nil if it is unknown
function printer.lines(opts)
  local cut = opts.width ~= math.huge
  local place = opts.place or 20
  local least = cut and math.max(LEAST_PLACE, math.min(place, opts.width - BESIDE)) -- whole, if there is any room
  local grid = layout.fit({ { width = place, least = least, cut = cut and cut_place }, { width = 16, drop = 3 },
    { width = 16, least = 8, cut = cut and width.cut }, { width = 4 }, { width = 3, align = "right", drop = 2 },
    { width = 9, align = "right", drop = 1 }, { rest = 10 } }, {}, opts.width)
  return function(entry, session, line)
    local cells, result = cells_of(entry, session, line, opts.now)
    return grid:row(cells, function(at, text)
      return at == MARK and opts.color and colour.paint(result, text) or text
    end)
  end
end

-- ---- Forms ----------------------------------------------------------------------------------------------------------

-- Each form makes { add = function(entry, session, line) -> text or nil, rest = what is left at a pause, or nil,
-- foot = what ends it all, or nil }.
local forms = {}

function forms.list(opts) return { add = printer.lines(opts) } end

local function object_of(opts, asked)
  local text_of = opts.fields and fields.object(opts.fields, asked) or tostring
  if not opts.safe then return text_of end
  return function(...) return escape.json((text_of(...))) end
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
  return { add = fields.separated("tsv", opts.fields or fields.default, asked, opts.safe) }
end

-- The names come first, once, also without entries.
function forms.csv(opts, asked)
  local wanted = opts.fields or fields.default
  local text_of, head = fields.separated("csv", wanted, asked, opts.safe), fields.separated_names("csv", wanted) .. "\r"
  local function names_once()
    local text = head
    head = nil
    return text
  end
  local function add(...)
    local line = text_of(...) .. "\r"
    return head and names_once() .. "\n" .. line or line
  end
  return { add = add, foot = names_once }
end

function forms.table(opts, asked)
  local add, rest = fields.table(opts.fields or fields.default, asked, opts.width)
  return { add = add, rest = rest }
end

function forms.card(opts)
  return { add = function(entry, session, line) return card.text(entry, session, line, opts) end }
end

--- A printer that writes to a descriptor.
-- @param opts { out = of debrief.text.pager, format = "jsonl" | "json" | "list" | "table" | "csv" | "tsv" |
--   "card", fields = array or nil, width =, color =, safe = true on a terminal, and what printer.lines takes }
-- @return { add = function(entry, session, line), close = function(); both return false once the reader has gone, and
--   close a message when it could not be written; asked = the fields that were asked for (debrief.entry.asked), count =
--   entries so far, left = true if the reader went before it had all of them }. Of all formats but json and csv, close
--   only writes what waits: there may be more.
function printer.new(opts)
  local lines, open, failure, self = {}, true, nil, { asked = names.new(), count = 0 }
  local form = forms[opts.format](opts, self.asked)
  local function flush()
    if #lines == 0 or not open then return end
    local written, message = opts.out:write(table.concat(lines, "\n") .. "\n")
    lines = {}
    open, failure = written == true, message
    self.left = not open
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
