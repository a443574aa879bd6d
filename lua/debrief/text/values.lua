--- Values as people read them: the same in text and in Markdown.
--
--     90500 ms -> 1 m 30 s     1536 bytes -> 1.5 KiB     12 of 15 -> 12/15 (80 %)     nothing -> -
--     49626141 -> 49,626,141 with the unit "count"
-- @module debrief.text.values
local escape = require "debrief.text.escape"

local values = {}

--- Fewer decided than this and a rate is a hint: it gets a mark, explained once below.
values.few = 5
values.mark = "*"
values.footnote = "* fewer than 5 cases: a hint, not a rate"

local function finite(x)
  return x - x == 0
end

local function duration(ms)
  local sign = ms <= -0.5 and "-" or ""
  ms = math.abs(ms)
  if ms < 999.5 then return ("%s%.0f ms"):format(sign, ms) end
  if ms < 59950 then return ("%s%.1f s"):format(sign, ms / 1000) end
  local seconds = math.floor(ms / 1000 + 0.5)
  if seconds < 3600 then return ("%s%.0f m %02.0f s"):format(sign, seconds // 60, seconds % 60) end
  local minutes = math.floor(ms / 60000 + 0.5)
  if minutes < 1440 then return ("%s%.0f h %02.0f m"):format(sign, minutes // 60, minutes % 60) end
  local hours = math.floor(ms / 3600000 + 0.5)
  return ("%s%.0f d %02.0f h"):format(sign, hours // 24, hours % 24)
end

local function bytes(n)
  local units, i = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" }, 1
  n = n + 0.0
  while math.abs(n) >= 1023.95 and i < #units do n, i = n / 1024, i + 1 end
  return (i == 1 and "%.0f %s" or "%.1f %s"):format(n, units[i])
end

-- What two digits would show as 0 has one that counts: 0.004, 3e-09.
local function plain(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  local size = math.abs(x)
  if size == 0 then return "0.00" end -- never -0.00
  return (size >= 1e15 and "%.3g" or size < 0.005 and "%.1g" or "%.2f"):format(x)
end

-- 1234567 -> 1,234,567
local function grouped(x)
  if math.abs(x) >= 1e15 then return plain(x) end
  local digits = ("%.0f"):format(math.abs(x) <= 0.5 and 0 or x):reverse():gsub("(%d%d%d)", "%1,")
  return (digits:reverse():gsub("^(-?),", "%1"))
end

local units = {
  count = grouped,
  ns = function(x) return duration(x / 1e6) end,
  ms = duration,
  s = function(x) return duration(x * 1000) end,
  bytes = bytes,
  percent = function(x) return plain(x) .. " %" end,
  usd = function(x) return (x < 0 and "-$" or "$") .. plain(math.abs(x) + 0.0) end,
}
values.units = units

--- The share of a rate, never rounded to all or nothing: "80 %", ">99 %".
function values.share(rate)
  local percent = 100 * rate.num / rate.den
  if rate.num < rate.den and percent >= 99.5 then return ">99 %" end
  if rate.num > 0 and percent < 0.5 then return "<1 %" end
  return ("%.0f %%"):format(percent)
end

--- "12/15" and "(80 %)", and whether it is of few; "-" when nothing was decided. In the unit "of" it is a count of what
-- there is, "12 of 15": it estimates nothing, so few are no reason for doubt.
function values.rate(rate, unit)
  if rate.den <= 0 then return "-", nil, false end
  local function part(x) return (math.tointeger(x) and "%d" or "%.2f"):format(math.tointeger(x) or x) end
  if unit == "of" then return part(rate.num) .. " of " .. part(rate.den), nil, false end
  return part(rate.num) .. "/" .. part(rate.den), "(" .. values.share(rate) .. ")", rate.den < values.few
end

local levels = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

--- A row of numbers as one line of bars from the smallest to the largest; a gap is "·".
function values.spark(spark)
  local low, high = spark.low or math.huge, spark.high or -math.huge
  for i = 1, spark.n do
    local x = spark[i]
    if x and finite(x) then low, high = math.min(low, x), math.max(high, x) end
  end
  local out = {}
  for i = 1, spark.n do
    local x = spark[i]
    if not x or not finite(x) then
      out[i] = "·"
    else
      out[i] = levels[high > low and 1 + math.floor((x / 2 - low / 2) / (high / 2 - low / 2) * 7 + 0.5) or 4]
    end
  end
  return #out > 0 and table.concat(out) or "-"
end

--- A number in its unit; anything but a finite number is no data.
function values.number(x, unit)
  if not finite(x) then return "-" end
  local humane = units[unit]
  return humane and humane(x) or plain(x)
end

--- The title of a column, followed by its unit if the cells do not show it.
function values.title(column)
  local title = escape(column.title)
  local unit = column.unit
  if not unit or unit == "of" or units[unit] then return title end
  return ("%s (%s)"):format(title, escape(unit))
end

--- A cell that is not a rate, as text without line breaks.
function values.scalar(cell, unit)
  if cell == nil or cell == "" then return "-" end
  if cell == true then return "yes" elseif cell == false then return "no" end
  if type(cell) == "number" then return values.number(cell, unit) end
  if type(cell) == "table" then return values.spark(cell.spark) end
  return escape(cell)
end

--- Any cell on its own, and whether it is of few.
function values.cell(cell, unit)
  if type(cell) ~= "table" or not cell.num then return values.scalar(cell, unit), false end
  local fraction, share, few = values.rate(cell, unit)
  return fraction .. (share and " " .. share or "") .. (few and values.mark or ""), few
end

--- Any cell on its own in a sentence: without the mark of a rate of few, which needs its explanation below.
function values.show(cell, unit)
  if type(cell) ~= "table" or not cell.num then return values.scalar(cell, unit) end
  local fraction, share = values.rate(cell, unit)
  return fraction .. (share and " " .. share or "")
end

--- Is a column of these cells read as numbers, and set to the right? One string, boolean or spark, and it is not.
function values.numeric(rows, i)
  for _, row in ipairs(rows) do
    local cell = row[i]
    if cell ~= nil and type(cell) ~= "number" and not (type(cell) == "table" and cell.num) then return false end
  end
  return true
end

--- "1 file", "2 entries".
-- @param many the plural, by default `one` with an s
function values.count(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end

--- "3 entries in 1 session".
function values.counts(counts)
  return values.count(counts.entries, "entry", "entries") .. " in " .. values.count(counts.sessions, "session")
end

--- What is said of a report that was too large; nil if it was not.
function values.cut(report) return report.cut and ("Cut: %s."):format(table.concat(report.cut, "; ")) end

--- What is said of a report whose step failed for some entries, or of which workers lost sessions.
function values.incomplete(report)
  local n, lost = report.incomplete or 0, report.lost or 0
  local parts = {}
  if n > 0 then parts[1] = "the plugin failed on " .. values.count(n, "entry", "entries") end
  if lost > 0 then parts[#parts + 1] = "no worker could read " .. values.count(lost, "session") end
  if #parts == 0 then return nil end
  return ("Incomplete: %s, which %s not in these figures."):format(table.concat(parts, ", and "),
    n + lost == 1 and "is" or "are")
end

return values
