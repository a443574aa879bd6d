--- Entries as lines: JSON for programs, one readable line each for people.
-- @module debrief.listing
local core = require "debrief.core"
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
function listing.line(entry, session, line, opts)
  local ns, result = core.time(entry), outcome(entry)
  local mark = field(marks[result], 4)
  if opts.color and colours[result] then mark = colours[result] .. mark .. "\27[0m" end
  local duration = entry.duration_ms
  local parts = {
    field(("%s:%d"):format(session, line), opts.place or 20), ns and core.date("%Y-%m-%d %H:%M", ns) or field("-", 16),
    field(tostring(entry.skill or "-"), 16), mark, field(attempts_of(entry), 3, "right"),
    field(duration and format.number(duration, "ms") or "-", 9, "right"),
  }
  local head = table.concat(parts, "  ")
  local room = opts.width - (opts.place or 20) - 16 - 16 - 4 - 3 - 9 - 12
  if room < 10 then return head end
  return head .. "  " .. width.cut(safe(first_line(entry)), room)
end

--- A printer that writes to a descriptor.
-- @param opts { fd =, format = "jsonl" | "list", width =, color =, safe = true on a terminal }
-- @return { add = function(entry, session, line), close = function() -> false when nobody reads any more, and a message
--   when it could not be written }
function listing.printer(opts)
  local lines, open, failure = {}, true, nil
  local function flush()
    if #lines == 0 or not open then return end
    local ok, message, code = core.write(opts.fd, table.concat(lines, "\n") .. "\n")
    lines = {}
    if ok then return end
    open = false
    if code ~= 32 then failure = "cannot write: " .. message end -- 32: EPIPE
  end
  local function add(entry, session, line)
    local text = opts.format == "list" and listing.line(entry, session, line, opts) or tostring(entry)
    lines[#lines + 1] = opts.safe and opts.format == "jsonl" and safe(text) or text
    if #lines >= FLUSH then flush() end
  end
  return { add = add, close = function()
    flush()
    return open, failure
  end }
end

return listing
