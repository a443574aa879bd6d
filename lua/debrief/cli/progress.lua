--- The progress of long work: one line on a terminal's stderr, redrawn until the work ends, then cleared.
--
--     retro  63 %  410.2 MiB/s  2 s left       if the end is known
--     append  120.0 MiB  80.3 MiB/s            if not
--
-- The cursor stays at the start of the line, so that a message of a plugin overwrites it; `debrief.cli.messages` and
-- `debrief.cli.output` clear it first. Short work shows nothing. Every command loads this module, but few show a line:
-- the code that draws is loaded only then.
-- @module debrief.cli.progress
local core = require "debrief.core"

local progress = {}

local SECOND = 1000000000
local FIRST, EVERY = SECOND // 2, SECOND // 10 -- ns until the line is shown, and between two drawings

local what, begun, drawn -- the work; when it began; the last drawing, nil if none is on the screen

--- Begin. Nothing is shown if stderr is not a terminal, or is a dumb one.
-- @param name one word for the work
function progress.begin(name)
  what, begun, drawn = require "debrief.text.terminal".can_redraw(2) and name or nil, core.now(), nil
end

local function quantity(value, unit) return require "debrief.text.values".number(value, unit) end

local function time_left(seconds)
  if seconds < 59.5 then return ("%d s left"):format(math.max(1, math.floor(seconds + 0.5))) end
  return quantity(math.floor(seconds) * 1000, "ms") .. " left"
end

--- The line for so many bytes done in so many seconds.
-- @param all how many bytes there are, nil if unknown
function progress.line(name, done, all, seconds)
  local rate = done / seconds
  local parts = { name, all and ("%d %%"):format(100 * math.min(done, all) // math.max(all, 1))
    or quantity(done, "bytes"), quantity(rate, "bytes") .. "/s" }
  if all and done < all and done > 0 then parts[4] = time_left((all - done) / rate) end
  return table.concat(parts, "  ")
end

--- Report progress: bytes done, and bytes in all (nil: unknown).
function progress.at(done, all)
  if not what then return end
  local now = core.now()
  if now - (drawn or begun) < (drawn and EVERY or FIRST) then return end
  local columns = core.terminal(2)
  if not columns then return end
  local text = require "debrief.text.width".cut(progress.line(what, done, all, (now - begun) / SECOND), columns - 1)
  io.stderr:write(text, "\27[K\r")
  drawn = now
end

--- Clear the line; the next `at` shows it again.
function progress.clear()
  if drawn then io.stderr:write "\27[K" end
  drawn = nil
end

--- The work is done.
function progress.finish()
  progress.clear()
  what = nil
end

return progress
