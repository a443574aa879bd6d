--- Charts for a terminal: a curve for each line, a bar for each value.
--
--     review     ▃▄▆▇█·▅  62 % of 21          implement  ██████████████████  80 % of 20
-- @module debrief.report.bars
local svg = require "debrief.report.svg"
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"
local width = require "debrief.text.width"

local bars = {}

local NAME, LEAST = 30, 8 -- the widest name, the narrowest bar

local function shown(chart, one, i)
  local n = one.n and one.n[i]
  return svg.show(one.values[i], chart.unit) .. (n and (" of %d"):format(n) or "")
end

local function extent(chart)
  local low, high = 0, chart.unit == "share" and 1 or 0
  for _, one in ipairs(chart.series) do
    for _, v in pairs(one.values) do low, high = math.min(low, v), math.max(high, v) end
  end
  return low, high
end

local function names_width(names)
  local widest = 0
  for _, name in ipairs(names) do widest = math.max(widest, width.of(escape(tostring(name)))) end
  return math.min(widest, NAME)
end

local function pad(name, columns) return width.pad(width.cut(escape(tostring(name)), columns), columns, "left") end

-- A curve for each series, all on one scale, the latest value behind it.
local function curves(chart, limit, out)
  local low, high = extent(chart)
  local names, n = {}, #chart.x.values
  for i, one in ipairs(chart.series) do names[i] = one.name end
  local columns = names_width(names)
  local room = math.max(LEAST, math.min(n, limit - columns - 22))
  local from = math.max(1, n - room + 1) -- the latest, where not all have room
  for _, one in ipairs(chart.series) do
    local spark, last = { n = n - from + 1, low = low, high = high }, nil
    for i = from, n do
      spark[i - from + 1] = one.values[i]
      if one.values[i] then last = i end
    end
    out[#out + 1] = ("%s  %s  %s"):format(pad(one.name, columns), values.spark(spark),
      last and shown(chart, one, last) or "-")
  end
  if n > 0 then
    out[#out + 1] = ("%s  %s to %s, from %s to %s"):format((" "):rep(columns), escape(tostring(chart.x.values[from])),
      escape(tostring(chart.x.values[n])), svg.show(low, chart.unit), svg.show(high, chart.unit))
  end
end

-- A bar for each value, the values of one place under each other.
local function blocks(chart, limit, out)
  local _, high = extent(chart)
  local names, many = {}, #chart.series > 1
  for i, x in ipairs(chart.x.values) do names[i] = x end
  for _, one in ipairs(many and chart.series or {}) do names[#names + 1] = "  " .. one.name end
  local columns = names_width(names)
  local room = math.max(LEAST, math.min(limit, 120) - columns - 22)
  local function one_bar(name, one, i)
    local v = one.values[i]
    local length = v and high > 0 and math.floor(math.max(v, 0) / high * room + 0.5) or 0
    out[#out + 1] = ("%s  %s%s"):format(pad(name, columns), ("█"):rep(length),
      (length > 0 and "  " or "") .. (v and shown(chart, one, i) or "-"))
  end
  for i, x in ipairs(chart.x.values) do
    if many then out[#out + 1] = pad(x, columns) end
    for _, one in ipairs(chart.series) do one_bar(many and "  " .. one.name or x, one, i) end
  end
end

--- @param chart of debrief.report.chart
-- @param limit columns of the screen; math.huge for no limit
-- @return array of lines
function bars.lines(chart, limit)
  local out = {}
  if chart.type == "line" or chart.type == "heat" then curves(chart, limit == math.huge and 200 or limit, out)
  else blocks(chart, limit == math.huge and 100 or limit, out) end
  return out
end

return bars
